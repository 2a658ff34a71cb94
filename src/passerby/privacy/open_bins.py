"""Open bins and days: added to chunk by chunk, closed when they were published.

Invariant: arithmetic on counts and charges; reads no clock, no database and no disk.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from passerby.domain.release import Cell, Level, Release
from passerby.domain.timespan import Chunk, Span
from passerby.privacy.charge import Charge, FootageCharge, Limit, Receipt
from passerby.privacy.contribution import Contribution
from passerby.privacy.crossings import CrossingsCharge

Key = tuple[str, int, str, int]
"""Camera, epoch, query and start in Unix ms: the key of a slot of the ledger."""


@dataclass(slots=True)
class OpenBin:
    """One bin or day of a line that was paid for, or a day that is paid for when it has ended (no id in its receipt).

    `sums`: the counts of its cells over the chunks from `first_ms` to `until_ms`, None before the first chunk.
    `covered_ms`: so long there were frames, and for `sender_ms` of it frames that the sender's clock dated, None where
    that is not known of every chunk. `drawn`: its releases, once noise was drawn, to be published at `due_ms`.
    """

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
    def line(self) -> str:
        return self.charge.cells[0].line

    @property
    def coverage(self) -> float:
        """The share of the span with frames, 0 to 1."""
        return min(1.0, self.covered_ms / self.span.duration_ms)

    @property
    def sender_clock(self) -> float | None:
        return None if self.sender_ms is None else min(1.0, self.sender_ms / self.span.duration_ms)

    @property
    def contributions(self) -> tuple[Contribution, ...]:
        """All chunks so far as one contribution; nothing before the first chunk."""
        if self.sums is None:
            return ()
        span = Span(self.first_ms, self.until_ms)
        return (Contribution(Chunk(self.charge.camera, span), self.charge.cells, self.sums),)

    def add(self, contribution: Contribution, covered_ms: int, sender_ms: int | None) -> bool:
        """Add one chunk; False where it is not of this bin, or not later than all that was added.

        Raises ValueError for a contribution that one chunk cannot make, such as a count above its cap.
        """
        span = contribution.chunk.span
        if span.start_ms < max(self.span.start_ms, self.until_ms) or span.end_ms > self.span.end_ms:
            return False
        if not self.charge.allows_chunk(contribution):
            raise ValueError("a contribution above its caps")
        if self.sums is None:
            self.sums, self.first_ms = contribution.counts, span.start_ms
        else:
            self.sums = tuple(
                before + count for before, count in zip(self.sums, contribution.counts, strict=True)
            )
        self.until_ms = span.end_ms
        covered_ms = min(covered_ms, span.duration_ms)
        self.covered_ms += covered_ms
        if self.sender_ms is None or sender_ms is None:
            self.sender_ms = None
        else:
            self.sender_ms += min(sender_ms, covered_ms)
        return True


def key_of(charge: Charge) -> Key:
    return charge.camera, charge.epoch, charge.query, charge.span.start_ms


def to_plain(open_bin: OpenBin) -> dict[str, Any]:
    """As plain values, without the drawn releases: those are in the ledger."""
    charge = open_bin.charge
    assert isinstance(charge, FootageCharge | CrossingsCharge)
    return {
        "level": open_bin.level,
        "promise": "footage" if isinstance(charge, FootageCharge) else "crossings",
        "charge": asdict(charge),
        "receipt": open_bin.receipt.id,
        "sums": open_bin.sums,
        "first_ms": open_bin.first_ms,
        "until_ms": open_bin.until_ms,
        "covered_ms": open_bin.covered_ms,
        "sender_ms": open_bin.sender_ms,
    }


def from_plain(plain: Mapping[str, Any]) -> OpenBin:
    """Raises KeyError, TypeError, ValueError or PolicyError for values that `to_plain` did not make."""
    terms = dict(plain["charge"])
    terms |= {name: Span(**terms[name]) for name in ("span", "covers") if name in terms}
    terms["cells"] = tuple(Cell(**cell) for cell in terms["cells"])
    if terms.get("limit") is not None:
        terms["limit"] = Limit(**terms["limit"])
    # A bin that an earlier version kept has no name of its promise.
    crossings = plain.get("promise") == "crossings"
    charge: Charge = CrossingsCharge(**terms) if crossings else FootageCharge(**terms)
    sums, sender_ms = plain["sums"], plain.get("sender_ms")
    return OpenBin(
        level="day" if plain["level"] == "day" else "bin",
        receipt=Receipt(charge, str(plain["receipt"])),
        sums=None if sums is None else tuple(int(count) for count in sums),
        first_ms=int(plain["first_ms"]),
        until_ms=int(plain["until_ms"]),
        covered_ms=int(plain["covered_ms"]),
        sender_ms=None if sender_ms is None else int(sender_ms),
    )
