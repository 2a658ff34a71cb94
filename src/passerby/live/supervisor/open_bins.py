"""The bins and days that are open: paid for, added to chunk by chunk, and closed.

Invariant: arithmetic on what was said and paid; reads no clock, no database and no disk.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from passerby.domain.release import Cell, Level, Release
from passerby.domain.timespan import Chunk, Span
from passerby.privacy.charge import Charge, Receipt
from passerby.privacy.contribution import Contribution, within

Key = tuple[str, int, str, int]
"""Camera, epoch, query and start in Unix ms: what a slot of the ledger is known by."""


@dataclass(slots=True)
class Slot:
    """One bin or day of a line that was paid for; `sums` of its cells over the chunks from `first_ms` to `until_ms`,
    None before the first; `sender_ms` is None where a part of it was kept by who did not tell; `drawn` what is
    released, once noise was added."""

    level: Level
    receipt: Receipt
    sums: tuple[int, ...] | None = None
    first_ms: int = 0
    until_ms: int = 0
    covered_ms: int = 0
    sender_ms: int | None = 0
    drawn: tuple[Release, ...] | None = None
    due_ms: int = 0

    @property
    def charge(self) -> Charge:
        return self.receipt.charge

    @property
    def span(self) -> Span:
        return self.receipt.charge.span

    @property
    def coverage(self) -> float:
        return min(1.0, self.covered_ms / self.span.duration_ms)

    @property
    def sender_clock(self) -> float | None:
        return None if self.sender_ms is None else min(1.0, self.sender_ms / self.span.duration_ms)

    @property
    def contributions(self) -> tuple[Contribution, ...]:
        """All that was said, as one; nothing where nothing was."""
        if self.sums is None:
            return ()
        return (
            Contribution(
                Chunk(self.charge.camera, Span(self.first_ms, self.until_ms)), self.charge.cells, self.sums
            ),
        )

    def add(self, said: Contribution, covered_ms: int, sender_ms: int) -> bool:
        """Add one chunk; False where it is not of this slot, or not later than all that was added.

        Raises ValueError for a count above its cap.
        """
        span = said.chunk.span
        if span.start_ms < max(self.span.start_ms, self.until_ms) or span.end_ms > self.span.end_ms:
            return False
        if not within(said, self.charge.cap) or span.duration_ms != self.charge.chunk_ms:
            raise ValueError("a contribution above its caps")
        if self.sums is None:
            self.sums, self.first_ms = said.counts, span.start_ms
        else:
            self.sums = tuple(before + count for before, count in zip(self.sums, said.counts, strict=True))
        self.until_ms = span.end_ms
        covered_ms = min(covered_ms, span.duration_ms)
        self.covered_ms += covered_ms
        if self.sender_ms is not None:
            self.sender_ms += min(sender_ms, covered_ms)
        return True


def key_of(charge: Charge) -> Key:
    return charge.camera, charge.epoch, charge.query, charge.span.start_ms


def to_plain(slot: Slot) -> dict[str, Any]:
    """As plain values, without what was drawn: that is in the ledger."""
    return {
        "level": slot.level,
        "charge": asdict(slot.charge),
        "receipt": slot.receipt.id,
        "sums": slot.sums,
        "first_ms": slot.first_ms,
        "until_ms": slot.until_ms,
        "covered_ms": slot.covered_ms,
        "sender_ms": slot.sender_ms,
    }


def from_plain(plain: Mapping[str, Any]) -> Slot:
    """Raises KeyError, TypeError, ValueError or PolicyError for what `to_plain` did not make."""
    terms = dict(plain["charge"])
    terms["span"] = Span(**terms["span"])
    terms["cells"] = tuple(Cell(**cell) for cell in terms["cells"])
    sums, sender_ms = plain["sums"], plain.get("sender_ms")
    return Slot(
        level="day" if plain["level"] == "day" else "bin",
        receipt=Receipt(Charge(**terms), str(plain["receipt"])),
        sums=None if sums is None else tuple(int(one) for one in sums),
        first_ms=int(plain["first_ms"]),
        until_ms=int(plain["until_ms"]),
        covered_ms=int(plain["covered_ms"]),
        sender_ms=None if sender_ms is None else int(sender_ms),
    )
