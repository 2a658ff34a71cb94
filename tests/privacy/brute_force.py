"""The budget by brute force: one counter for every start of a segment, filled by trying it out."""

import random
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool

from passerby.domain.release import Cell
from passerby.domain.timespan import Span
from passerby.errors import LedgerError
from passerby.privacy.charge import FootageCharge
from passerby.privacy.database import open_ledger
from passerby.privacy.entries import take_turn
from passerby.privacy.ledger import Ledger

RHO, WARMUP, CHUNK, BLACKOUT, BUDGET = 3, 2, 2, 6, 10
STARTS = range(-20, 140)
EPSILON = {"standing": 6, "days": 2, "ask a": 3, "ask b": 4, "dear": 10}


def small(query: str, first: int, length: int, epoch: int) -> FootageCharge:
    """Milliseconds as frames, so that every segment can be tried."""
    return FootageCharge(
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

    granted: list[FootageCharge]
    epochs: list[int]
    configuration: int = 0
    sealed: int | None = None

    def cost_of(self, start: int, charges: list[FootageCharge]) -> int:
        """What the segment of frames start..start + rho costs: the queries that have a chunk that sees it."""
        frames = set(range(start, start + RHO + 1))
        seen = {
            (charge.epoch, charge.query)
            for charge in charges
            if frames & set(range(charge.span.start_ms - WARMUP, charge.span.end_ms))
        }
        return sum(EPSILON[query] for _, query in seen)

    def worst(self, charges: list[FootageCharge]) -> int:
        return max(self.cost_of(start, charges) for start in STARTS)

    def grants(self, charge: FootageCharge) -> bool:
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


def histories(monkeypatch: pytest.MonkeyPatch, number: int, seed: int) -> tuple[bool, int]:
    """Whether none of `number` random histories over-spends or counts a chunk twice, and how many charges it took
    no for an answer. Each history has a stretch of time to itself."""
    chance = random.Random(seed)
    refused = 0
    with in_memory(monkeypatch) as book:
        book.epoch("north", "first", 0, blackout_ms=BLACKOUT, budget_micro=BUDGET)
        for history in range(number):
            origin = 100 * history
            granted: list[FootageCharge] = []
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
            if worst > BUDGET or counted_twice(granted):
                return False, refused
    return True, refused


def counted_twice(charges: list[FootageCharge]) -> bool:
    """Whether any chunk lies in two slots of one query."""
    chunks = [
        (charge.epoch, charge.query, start)
        for charge in charges
        for start in range(charge.span.start_ms, charge.span.end_ms, charge.chunk_ms)
    ]
    return len(chunks) != len(set(chunks))
