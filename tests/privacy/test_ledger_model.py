"""The ledger against a brute-force model: one counter for every start of a segment, filled by trying it out."""

import random
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool

from passerby.errors import LedgerError
from passerby.privacy.charge import Charge, Receipt, Stored
from passerby.privacy.database import open_ledger
from passerby.privacy.entries import take_turn
from passerby.privacy.ledger import Ledger
from passerby.release import Cell
from passerby.span import Span

RHO, WARMUP, CHUNK, BLACKOUT, BUDGET = 3, 2, 2, 6, 10
STARTS = range(-20, 140)
EPSILON = {"standing": 6, "days": 2, "ask a": 3, "ask b": 4, "dear": 10}


def small(query: str, first: int, length: int, epoch: int) -> Charge:
    """Milliseconds as frames, so that every segment can be tried."""
    return Charge(
        camera="north",
        epoch=epoch,
        query=query,
        span=Span(first * CHUNK, (first + length) * CHUNK),
        cells=(Cell("north", "bridge", "in", "person"),),
        epsilon_micro=EPSILON[query],
        rho_ms=RHO,
        k=1,
        chunk_ms=CHUNK,
        warmup_ms=WARMUP,
        cap=1,
    )


@dataclass
class Model:
    """What was granted, kept by whoever was told; nothing here is taken from the code under test."""

    granted: list[Charge]
    epochs: list[int]
    configuration: int = 0
    sealed: int | None = None

    def cost_of(self, start: int, charges: list[Charge]) -> int:
        """What the segment of frames start..start + rho costs: the queries that have a chunk that sees it."""
        frames = set(range(start, start + RHO + 1))
        seen = {
            (charge.epoch, charge.query)
            for charge in charges
            if frames & set(range(charge.span.start_ms - WARMUP, charge.span.end_ms))
        }
        return sum(EPSILON[query] for _, query in seen)

    def worst(self, charges: list[Charge]) -> int:
        return max(self.cost_of(start, charges) for start in STARTS)

    def grants(self, charge: Charge) -> bool:
        for other in self.granted:
            same = (other.epoch, other.query) == (charge.epoch, charge.query)
            if same and other.span.overlap_ms(charge.span):
                return False
        if charge.epoch > len(self.epochs) or charge.span.start_ms < self.epochs[charge.epoch - 1]:
            return False
        ends = self.epochs[charge.epoch : charge.epoch + 1]
        if ends and charge.span.end_ms + BLACKOUT > ends[0]:
            return False
        if self.sealed is not None and charge.span.start_ms - WARMUP - RHO < self.sealed:
            return False
        return self.worst([*self.granted, charge]) <= BUDGET


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

    def on_disk(self) -> list[Charge]:
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


LedgerMachine.TestCase.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
TestLedger = LedgerMachine.TestCase


@contextmanager
def in_memory(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    """The same ledger without a disk, in one transaction that stays open: for many histories in little time."""
    folder = Path(tempfile.mkdtemp(prefix="passerby-ledger-"))
    open_ledger(folder / "ledger.db", create=True).close()
    engine = create_engine(f"sqlite:///{folder / 'ledger.db'}", poolclass=StaticPool)
    with engine.connect() as connection:

        @contextmanager
        def turn(self: Ledger, restored: bool = False) -> Iterator[object]:
            yield connection, take_turn(connection)

        monkeypatch.setattr(Ledger, "_turn", turn)
        yield Ledger(engine, "memory", folder / "mark")
    engine.dispose()
    shutil.rmtree(folder)


@pytest.mark.parametrize("part", range(4))
def test_ten_thousand_random_histories_never_over_spend(part: int, monkeypatch: pytest.MonkeyPatch) -> None:
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    refused = 0
    with in_memory(monkeypatch) as book:
        book.epoch("north", "first", 0, blackout_ms=BLACKOUT, budget_micro=BUDGET)
        for history in range(2_500):
            # Each history has a stretch of time to itself.
            origin = 100 * history
            granted: list[Charge] = []
            for _ in range(chance.randint(2, 3)):
                charge = small(chance.choice(sorted(EPSILON)), chance.randrange(8), chance.randint(1, 3), 1)
                span = Span(charge.span.start_ms + origin, charge.span.end_ms + origin)
                try:
                    book.spend(replace(charge, span=span))
                except LedgerError:
                    refused += 1
                else:
                    granted.append(charge)
            worst = max(Model([], []).cost_of(start, granted) for start in range(-6, 24))
            assert worst <= BUDGET, f"part {part}, seed {seed}, history {history}"
    assert refused > 250
