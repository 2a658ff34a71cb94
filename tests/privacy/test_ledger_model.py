"""The ledger against a brute-force model: one counter for every start of a segment, filled by trying it out."""

import secrets
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.privacy.brute_force import BLACKOUT, BUDGET, EPSILON, Model, counted_twice, histories, small
from tests.tiers import examples

from passerby.errors import LedgerError
from passerby.privacy.charge import FootageCharge, Receipt, Stored
from passerby.privacy.database import open_ledger

pytestmark = pytest.mark.slow


class LedgerMachine(RuleBasedStateMachine):
    """Any order of charges, changes of policy, restarts, restored backups and seals."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="passerby-ledger-"))
        self.where = self.folder / "ledger.db"
        self.ledger = open_ledger(self.where, create=True)
        self.model = Model([], [])
        self.released: dict[Receipt, Stored] = {}
        self.behind = False
        self.change(0, 0)

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.ledger.close()
            shutil.rmtree(self.folder)

    @precondition(lambda self: not self.behind)
    @rule(configuration=st.integers(0, 2), start=st.integers(0, 100))
    def change(self, configuration: int, start: int) -> None:
        model = self.model
        epoch = self.ledger.epoch(
            "north", f"configuration {configuration}", start, blackout_ms=BLACKOUT, budget_micro=BUDGET
        )
        if not model.epochs:
            model.epochs.append(start)
        elif configuration != model.configuration:
            free = max([model.epochs[-1], *(charge.span.end_ms for charge in self.on_disk())])
            model.epochs.append(max(start, free + BLACKOUT))
        model.configuration = configuration
        assert (epoch.number, epoch.start_ms) == (len(model.epochs), model.epochs[-1])

    def on_disk(self) -> list[FootageCharge]:
        spans = {
            (entry.epoch, entry.query, entry.start_ms)
            for entry in self.ledger.entries()
            if entry.kind == "spend"
        }
        return [
            charge
            for charge in self.model.granted
            if (charge.epoch, charge.query, charge.span.start_ms) in spans
        ]

    @rule(
        query=st.sampled_from(sorted(EPSILON)),
        first=st.integers(0, 50),
        length=st.integers(1, 4),
        back=st.integers(0, 1),
        release=st.booleans(),
    )
    def spend(self, query: str, first: int, length: int, back: int, release: bool) -> None:
        charge = small(query, first, length, max(1, len(self.model.epochs) - back))
        known = [receipt for receipt in self.released if receipt.charge == charge]
        try:
            receipt = self.ledger.spend(charge)
        except LedgerError:
            if not self.behind and self.model.sealed is None:
                assert not self.model.grants(charge)
                assert not known
            return
        assert not self.behind
        if receipt.stored is not None:
            assert receipt.stored in [self.released[receipt] for receipt in known]
            return
        assert self.model.grants(charge)
        self.model.granted.append(charge)
        if release:
            stored = Stored((len(self.released),), 1_000_000)
            self.ledger.record(receipt, stored)
            self.released[receipt] = stored

    @rule()
    def restart(self) -> None:
        self.ledger.close()
        self.ledger = open_ledger(self.where)

    @precondition(lambda self: not self.behind)
    @rule()
    def back_up(self) -> None:
        shutil.copyfile(self.where, self.folder / "backup")
        self.entries_then = len(self.ledger.entries())

    @precondition(lambda self: not self.behind and hasattr(self, "entries_then"))
    @rule()
    def restore(self) -> None:
        self.behind = len(self.ledger.entries()) > self.entries_then
        self.ledger.close()
        shutil.copyfile(self.folder / "backup", self.where)
        self.ledger = open_ledger(self.where)

    @precondition(lambda self: self.behind)
    @rule()
    def seal(self) -> None:
        model = self.model
        model.sealed = max(charge.span.end_ms for charge in model.granted) if model.granted else 0
        self.ledger.seal(model.sealed)
        self.behind = False
        del self.entries_then
        numbers = [entry for entry in self.ledger.entries() if entry.kind == "epoch"]
        model.epochs = [entry.start_ms for entry in numbers]
        # Which configuration the backup had is for the ledger to know: a new one begins.
        model.configuration = -1
        started = self.ledger.epoch(
            "north", f"sealed {len(numbers)}", 0, blackout_ms=BLACKOUT, budget_micro=BUDGET
        )
        model.epochs.append(started.start_ms)
        on_disk = self.on_disk()
        self.released = {r: s for r, s in self.released.items() if r.charge in on_disk}

    @invariant()
    def never_over_spent(self) -> None:
        if hasattr(self, "model"):
            assert self.model.worst(self.model.granted) <= BUDGET
            assert not counted_twice(self.model.granted)


LedgerMachine.TestCase.settings = settings(max_examples=examples(25), stateful_step_count=25, deadline=None)
TestLedger = LedgerMachine.TestCase


@pytest.mark.parametrize("part", range(4))
def test_ten_thousand_random_histories_never_over_spend(part: int, monkeypatch: pytest.MonkeyPatch) -> None:
    seed = secrets.randbits(32)
    holds, refused = histories(monkeypatch, 2_500, seed)
    assert holds, f"part {part}, seed {seed}"
    assert refused > 250
