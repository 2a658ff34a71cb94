"""Spans of time: half-open, in integer milliseconds UTC, so that two adjacent spans share no instant.

Invariant: no floats, no local time, no data.
"""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """`[start_ms, end_ms)` in Unix milliseconds UTC. Raises ValueError when it ends before it starts."""

    start_ms: int
    end_ms: int

    def __post_init__(self) -> None:
        if self.end_ms < self.start_ms:
            raise ValueError(f"a span that ends ({self.end_ms}) before it starts ({self.start_ms})")

    @property
    def duration_ms(self) -> int:
        return self.end_ms - self.start_ms

    def __contains__(self, time_ms: int) -> bool:
        return self.start_ms <= time_ms < self.end_ms

    def overlap_ms(self, span: "Span") -> int:
        """Length of the overlap with `span` in milliseconds; 0 where there is none."""
        return max(0, min(self.end_ms, span.end_ms) - max(self.start_ms, span.start_ms))


@dataclass(frozen=True, slots=True)
class Chunk:
    """The unit of privacy, of parallelism and of recovery: one camera, one span.

    Nothing outside `[span.start_ms - warm-up, span.end_ms)` may change its counts.
    """

    camera: str
    span: Span


def cut(span: Span, length_ms: int) -> Iterator[Span]:
    """Cut `span` at every multiple of `length_ms` (Unix time), so that the cuts do not depend on its start.

    Raises ValueError when `length_ms` is not positive.
    """
    if length_ms <= 0:
        raise ValueError(f"a length of {length_ms} ms: expected more than 0")
    start = span.start_ms
    while start < span.end_ms:
        end = min((start // length_ms + 1) * length_ms, span.end_ms)
        yield Span(start, end)
        start = end
