"""From crossings to bins and totals, filled with zeros: every bin, line, direction and label has its row.

Invariant: counts come from crossings alone; the list of rows comes from bins, lines and labels alone.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

from passerby.counting.counts import BinCount, Crossing, TotalCount
from passerby.domain.calendar import Bin, ElapsedBin, Moment, coverage
from passerby.domain.geometry import DIRECTIONS, Line
from passerby.domain.labels import Label
from passerby.domain.timespan import Span


def bin_counts(
    crossings: Iterable[Crossing],
    lines: Sequence[Line],
    labels: Sequence[Label],
    bins: Iterable[Bin | ElapsedBin],
    covered: Sequence[Span],
    marks: Mapping[tuple[Moment, str], str] = MappingProxyType({}),
) -> Iterator[BinCount]:
    """Rows in order of time, line, direction and label; `covered` are the spans in which frames exist; `marks`
    are the reasons to doubt a count, by the start of a bin and the name of a line."""
    listed = list(bins)
    begins = [each.span.start_ms for each in listed]
    counted = Counter((bisect_right(begins, c.time_ms) - 1, c.line, c.direction, c.label) for c in crossings)
    for index, each in enumerate(listed):
        share = coverage(each.span, covered)
        for line in lines:
            for direction in DIRECTIONS:
                for label in labels:
                    yield BinCount(
                        each.start,
                        each.end,
                        line.name,
                        line.direction_name(direction),
                        label.text,
                        counted[index, line.name, direction, label],
                        round(share, 4),
                        marks.get((each.start, line.name), ""),
                    )


def total_counts(
    crossings: Iterable[Crossing], lines: Sequence[Line], labels: Sequence[Label]
) -> Iterator[TotalCount]:
    """Rows in order of line, direction and label."""
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
