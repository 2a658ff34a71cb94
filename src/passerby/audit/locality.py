"""Locality: which chunks one event changes and by how much, against the sensitivity that is paid for.

Invariant: it does not know how a contribution was made; it takes a function, and so can be tested with a broken one.

This is the one step of the proof that is tested and not derived: docs/proofs/sensitivity.md assumes it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from passerby.domain.timespan import Span
from passerby.privacy import contribution
from passerby.privacy.charge import FootageCharge
from passerby.privacy.contribution import Contribution

Source = TypeVar("Source")


@dataclass(frozen=True, slots=True)
class Pair(Generic[Source]):
    """Two videos that differ only in the frames of `segments` (half-open, Unix ms UTC)."""

    name: str
    without: Source
    with_event: Source
    segments: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Locality:
    """The result of one pair.

    `outside`: chunks that changed though the event cannot reach them; `changed`: the number of chunks that changed, of
    at most `allowed`; `largest`: the largest L1 change of one chunk, of at most `change`. `factor`: the event costs
    so many times the epsilon of the promise; 1 when it is within the promise.
    """

    name: str
    outside: tuple[int, ...]
    changed: int
    allowed: int
    largest: int
    change: int
    factor: float

    @property
    def holds(self) -> bool:
        return not self.outside and self.changed <= self.allowed * self.factor and self.largest <= self.change


def locality_audit(
    contributions_of: Callable[[Source], Iterable[Contribution]],
    pairs: Iterable[Pair[Source]],
    charge: FootageCharge,
) -> Iterator[Locality]:
    """Whether the contributions of a pair differ only as far as `charge` pays for, in place, number and size."""
    terms = contribution.sensitivity(
        rho_ms=charge.rho_ms,
        k=charge.k,
        chunk_ms=charge.chunk_ms,
        warmup_ms=charge.warmup_ms,
        cap=charge.cap,
        cells=len(charge.cells),
    )
    for pair in pairs:
        without = _by_chunk(contributions_of(pair.without), charge)
        with_event = _by_chunk(contributions_of(pair.with_event), charge)
        empty = (0,) * len(charge.cells)
        changes = {
            number: sum(
                abs(a - b)
                for a, b in zip(without.get(number, empty), with_event.get(number, empty), strict=True)
            )
            for number in without.keys() | with_event.keys()
        }
        changed = {number for number, change in changes.items() if change}
        expected = {
            number
            for segment in pair.segments
            for number in contribution.reached(
                segment,
                warmup_ms=charge.warmup_ms,
                lookahead_ms=charge.lookahead_ms,
                chunk_ms=charge.chunk_ms,
            )
        }
        yield Locality(
            name=pair.name,
            outside=tuple(sorted(changed - expected)),
            changed=len(changed),
            allowed=charge.k * terms.chunks,
            largest=max(changes.values(), default=0),
            change=terms.change,
            factor=beyond(pair.segments, charge),
        )


def beyond(segments: Sequence[Span], charge: FootageCharge) -> float:
    """By how much an event exceeds the promise: a segment longer than rho counts as several of rho. At least 1.

    A half-open segment of L ms is held by ceil(L / rho) closed ones of rho.
    """
    pieces = sum(-(-segment.duration_ms // charge.rho_ms) for segment in segments)
    return max(1.0, pieces / charge.k)


def same_audit(
    variants: Mapping[str, Callable[[Source], Iterable[Contribution]]], source: Source
) -> list[str]:
    """The variants (restarted, under load, with other cameras in the batch) whose answers differ from the first."""
    answers = {
        name: {one.chunk.span.start_ms: one for one in contributions_of(source)}
        for name, contributions_of in variants.items()
    }
    first = next(iter(answers.values()))
    return [name for name, answer in answers.items() if answer != first]


def _by_chunk(contributions: Iterable[Contribution], charge: FootageCharge) -> dict[int, tuple[int, ...]]:
    return {one.chunk.span.start_ms // charge.chunk_ms: one.counts for one in contributions}
