"""Crossings into bins and totals, zero-filled: every bin x line x direction x label has its row.

Invariant: what is counted comes from crossings, what is listed comes from lines and labels.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from passerby.counting.counts import BinCount, Crossing, TotalCount
from passerby.domain.calendar import Bin, coverage
from passerby.domain.geometry import DIRECTIONS, Line
from passerby.domain.labels import Label
from passerby.domain.timespan import Span


def bin_counts(
    crossings: Iterable[Crossing],
    lines: Sequence[Line],
    labels: Sequence[Label],
    bins: Iterable[Bin],
    covered: Sequence[Span],
) -> Iterator[BinCount]:
    """Rows in order of time, line, direction and label; `covered` are the spans in which frames exist."""
    listed = list(bins)
    begins = [one.span.start_ms for one in listed]
    counted = Counter((bisect_right(begins, c.time_ms) - 1, c.line, c.direction, c.label) for c in crossings)
    for index, one in enumerate(listed):
        share = coverage(one.span, covered)
        for line in lines:
            for direction in DIRECTIONS:
                for label in labels:
                    yield BinCount(
                        one.start,
                        one.end,
                        line.name,
                        line.direction_name(direction),
                        label.text,
                        counted[index, line.name, direction, label],
                        round(share, 4),
                    )


def total_counts(
    crossings: Iterable[Crossing], lines: Sequence[Line], labels: Sequence[Label]
) -> Iterator[TotalCount]:
    counted = Counter((c.line, c.direction, c.label) for c in crossings)
    for line in lines:
        for direction in DIRECTIONS:
            for label in labels:
                yield TotalCount(
                    line.name,
                    line.direction_name(direction),
                    label.text,
                    counted[line.name, direction, label],
                )
