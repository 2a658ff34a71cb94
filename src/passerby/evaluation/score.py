"""Counts compared with the truth: crossings that were missed, and crossings that were counted without being true.

Invariant: numbers in, numbers out; an error of one row never cancels an error of another.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, NamedTuple

from passerby.counting.counts import Crossing
from passerby.domain.geometry import DIRECTIONS
from passerby.domain.labels import MOTOR_VEHICLES, Label

if TYPE_CHECKING:  # it loads YAML and schemas, which no count needs
    from passerby.evaluation.truth_file import TrueClip, TrueLine

_ANY = Label.VEHICLE.text
_MOTOR = tuple(label.text for label in sorted(MOTOR_VEHICLES))
_HOUR_S = 3600


@dataclass(frozen=True, slots=True)
class Score:
    """One clip, line, direction and label. `signed` is counted minus true; `geh` is of flows scaled to an hour.

    >>> evaluation = passerby.evaluate("truth.yaml", detector="motion")
    >>> row = evaluation.rows[0]
    >>> row.line, row.true, row.counted, row.missed, row.over
    ('road', 1, 1, 0, 0)
    """

    clip: str
    line: str
    direction: str
    label: str
    true: int
    counted: int
    missed: int
    over: int
    signed: int
    geh: float


@dataclass(frozen=True, slots=True)
class Summary:
    """Sums of scores. `accuracy` = (true - missed - over) / true, below 0 where errors are more than crossings;
    None where nothing truly crossed.

    >>> evaluation = passerby.evaluate("truth.yaml", detector="motion")
    >>> evaluation.summary.accuracy
    1.0
    """

    true: int
    counted: int
    missed: int
    over: int
    signed: int
    accuracy: float | None


@dataclass(frozen=True, slots=True)
class ClipSummary:
    """The summary of one clip, which lasts `duration_s` seconds.

    >>> evaluation = passerby.evaluate("truth.yaml", detector="motion")
    >>> evaluation.clips[0].clip
    'street.mp4'
    """

    clip: str
    duration_s: float
    summary: Summary


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The result of `passerby.evaluate`: a row for each clip, line, direction and label that is true or counted, a
    summary of each clip, and a summary of all; `accuracy` is that of the summary.

    >>> evaluation = passerby.evaluate("truth.yaml", detector="motion")
    >>> evaluation.accuracy, len(evaluation.clips)
    (1.0, 1)
    """

    truth: str
    detector: str
    rows: tuple[Score, ...]
    clips: tuple[ClipSummary, ...]
    summary: Summary
    accuracy: float | None
    warnings: tuple[str, ...]


class Match(NamedTuple):
    """The true and the counted crossings of one label, and the errors between them."""

    label: str
    true: int
    counted: int
    missed: int
    over: int


def match(true: Mapping[str, int], counted: Mapping[str, int]) -> list[Match]:
    """A row for each label of one line and direction.

    A label matches itself. A true `vehicle` matches any motor vehicle that its own label has not matched: where the
    truth has `car` too, cars match cars first. Labels of motor vehicles that the truth does not have are in the row of
    `vehicle`, where it has that. The rows' `counted` add up to all counted crossings.
    """
    pooled = [label for label in _MOTOR if label == _ANY or label not in true] if _ANY in true else []
    pool = sum(counted.get(label, 0) for label in pooled)
    wanted = max(0, true.get(_ANY, 0) - pool)
    rows = []
    for label in sorted({*true, *(label for label, count in counted.items() if count)}, key=_order):
        if label in pooled:
            continue
        here, there = true.get(label, 0), counted.get(label, 0)
        lent = min(wanted, max(0, there - here)) if label in _MOTOR else 0
        wanted -= lent
        pool += lent
        there -= lent
        rows.append(Match(label, here, there, max(0, here - there), max(0, there - here)))
    if pooled:
        here = true[_ANY]
        rows.append(Match(_ANY, here, pool, max(0, here - pool), max(0, pool - here)))
    return rows


def score(clip: "TrueClip", crossings: Sequence[Crossing], start_ms: int, duration_ms: int) -> list[Score]:
    """Scores of one clip, whose first frame is at `start_ms` and which lasts `duration_ms`.

    Where the truth of a line is of some spans only, crossings outside these spans are left out.
    """
    return [
        Score(clip.name, line.line.name, direction, *row, row.counted - row.true, _geh(row, checked_ms))
        for line in clip.lines
        for checked_ms in [_checked_ms(line, duration_ms)]
        for counted in [_counted(line, crossings, start_ms)]
        for direction in DIRECTIONS
        for row in match(line.crossed[direction], counted[direction])
    ]


def summarise(rows: Iterable[Score]) -> Summary:
    """The sums of rows; errors are added and never cancel."""
    listed = list(rows)
    true, counted = sum(row.true for row in listed), sum(row.counted for row in listed)
    missed, over = sum(row.missed for row in listed), sum(row.over for row in listed)
    accuracy = (true - missed - over) / true if true else None
    return Summary(true, counted, missed, over, counted - true, accuracy)


def geh(counted_per_hour: float, true_per_hour: float) -> float:
    """sqrt(2 (M - C)^2 / (M + C)) of hourly flows (Geoffrey E. Havers; DMRB vol. 12); 0 where both are 0."""
    both = counted_per_hour + true_per_hour
    return sqrt(2 * (counted_per_hour - true_per_hour) ** 2 / both) if both else 0.0


def _geh(row: Match, checked_ms: int) -> float:
    per_hour = _HOUR_S * 1000 / max(1, checked_ms)
    return geh(row.counted * per_hour, row.true * per_hour)


def _checked_ms(line: "TrueLine", duration_ms: int) -> int:
    if line.within is None:
        return duration_ms
    return sum(span.duration_ms for span in line.within)


def _counted(line: "TrueLine", crossings: Sequence[Crossing], start_ms: int) -> dict[str, Counter[str]]:
    """Direction -> label -> number of crossings counted at `line`, in the spans of its truth."""
    counted: dict[str, Counter[str]] = {direction: Counter() for direction in DIRECTIONS}
    for crossing in crossings:
        if crossing.line == line.line.name and (
            line.within is None or any(crossing.time_ms - start_ms in span for span in line.within)
        ):
            counted[crossing.direction][crossing.label.text] += 1
    return counted


def _order(label: str) -> int:
    return Label[label.upper()]
