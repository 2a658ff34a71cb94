"""A person's check of a count: clicks on counted crossings, and the truth that follows from them.

Invariant: numbers in, numbers out; a span that was not checked is never part of the truth.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from passerby.counting.counts import Crossing
from passerby.domain.geometry import DIRECTIONS, Direction, Line
from passerby.domain.labels import label_of
from passerby.domain.timespan import Span
from passerby.errors import InputError
from passerby.evaluation.interval import accuracy_interval
from passerby.evaluation.score import geh, match
from passerby.evaluation.truth_file import PLACES, Checking, Click, TrueClip, TrueLine

SCREEN_ROWS = 10
_ROW_S = (10, 20, 30, 60)
_SAME_MS = 50
"""A click belongs to a crossing within this time: the same count on another machine may differ by a frame."""


@dataclass(frozen=True, slots=True)
class TrueCrossing:
    """A true crossing in a checked span; `at_ms` since the first frame."""

    at_ms: int
    direction: Direction
    label: str


@dataclass(frozen=True, slots=True)
class LineCheck:
    """The check of one line.

    `verdicts`: for each of its crossings, in order, the last click on it or None. `missed`: true crossings that were
    not counted. `nothing`: motion that is no crossing. `checked`: spans in ms since the first frame, in order and
    apart.
    """

    crossings: tuple[Crossing, ...]
    verdicts: tuple[Click | None, ...]
    missed: tuple[Click, ...]
    nothing: tuple[Click, ...]
    checked: tuple[Span, ...]


def row_length_ms(duration_ms: int) -> int:
    """The length of a row of a time slice, such that up to ten minutes fit on a screen of SCREEN_ROWS."""
    return next((s for s in _ROW_S if s * 1000 * SCREEN_ROWS >= duration_ms), _ROW_S[-1]) * 1000


def line_check(line: str, crossings: Sequence[Crossing], start_ms: int, clicks: Sequence[Click]) -> LineCheck:
    """The check of `line` by `clicks`; its recording began at `start_ms`, in Unix ms UTC.

    Raises InputError for a click on a crossing that was not counted.
    """
    own = tuple(crossing for crossing in crossings if crossing.line == line)
    verdicts: list[Click | None] = [None] * len(own)
    points: dict[tuple[int, float], Click] = {}
    spans: list[Span] = []
    for click in clicks:
        if click.line != line:
            continue
        if click.verdict == "checked" and click.until_ms is not None:
            spans.append(Span(click.at_ms, max(click.at_ms, click.until_ms)))
        elif click.verdict in ("missed", "nothing"):
            points[click.at_ms, click.along or 0.0] = click
        else:
            verdicts[_clicked(own, start_ms, click)] = click
    last = sorted(points.values(), key=lambda click: click.at_ms)
    return LineCheck(
        own,
        tuple(verdicts),
        tuple(click for click in last if click.verdict == "missed"),
        tuple(click for click in last if click.verdict == "nothing"),
        tuple(_united(spans)),
    )


def true_crossings(check: LineCheck, start_ms: int) -> list[TrueCrossing]:
    """The true crossings in the checked spans, in order of time."""
    true = [
        TrueCrossing(c.time_ms - start_ms, c.direction, _true_label(c, verdict))
        for c, verdict in zip(check.crossings, check.verdicts, strict=True)
        if verdict is None or verdict.verdict != "wrong"
    ] + [
        TrueCrossing(click.at_ms, click.direction, click.label)
        for click in check.missed
        if click.direction is not None and click.label is not None
    ]
    checked = [crossing for crossing in true if any(crossing.at_ms in span for span in check.checked)]
    return sorted(checked, key=lambda crossing: crossing.at_ms)


@dataclass(frozen=True, slots=True)
class CheckedRow:
    """One line and label within a span of `span_ms`. `counted`: crossings in the whole span. The others are of its
    checked part, `checked_ms` long: `checked` counted crossings, `true` ones, `missed` and `over`."""

    line: str
    label: str
    span_ms: int
    checked_ms: int
    counted: int
    checked: int
    true: int
    missed: int
    over: int

    @property
    def signed(self) -> int:
        """Counted minus true."""
        return self.over - self.missed

    @property
    def geh(self) -> float:
        """GEH statistic of the flows, scaled to an hour."""
        per_hour = 3_600_000 / max(1, self.checked_ms)
        return geh((self.true + self.signed) * per_hour, self.true * per_hour)

    @property
    def accuracy(self) -> float | None:
        """(true - missed - over) / true; None where nothing was true."""
        return (self.true - self.missed - self.over) / self.true if self.true else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % interval of the accuracy; None where there is none."""
        return accuracy_interval(self.true, self.missed, self.over)


def checked_rows(line: str, check: LineCheck, start_ms: int, span: Span) -> list[CheckedRow]:
    """Rows of one line within `span` (ms since the first frame), one for each label that was counted or is true.

    A true `vehicle` matches any motor vehicle, as in `evaluate`.
    """
    parts = [
        Span(max(part.start_ms, span.start_ms), min(part.end_ms, span.end_ms))
        for part in check.checked
        if part.overlap_ms(span)
    ]
    counted = [
        TrueCrossing(c.time_ms - start_ms, c.direction, c.label.text)
        for c in check.crossings
        if c.time_ms - start_ms in span
    ]
    checked = [crossing for crossing in counted if any(crossing.at_ms in part for part in parts)]
    true = [crossing for crossing in true_crossings(check, start_ms) if crossing.at_ms in span]
    sums: Counter[tuple[str, str]] = Counter()
    for direction in DIRECTIONS:
        for row in match(_by_label(true, direction), _by_label(checked, direction)):
            sums[row.label, "true"] += row.true
            sums[row.label, "missed"] += row.missed
            sums[row.label, "over"] += row.over
    labels = sorted({crossing.label for crossing in counted} | {label for label, _ in sums}, key=label_of)
    checked_ms = sum(part.duration_ms for part in parts)
    return [
        CheckedRow(
            line,
            label,
            span.duration_ms,
            checked_ms,
            sum(crossing.label == label for crossing in counted),
            sum(crossing.label == label for crossing in checked),
            sums[label, "true"],
            sums[label, "missed"],
            sums[label, "over"],
        )
        for label in labels
    ]


def _by_label(crossings: Iterable[TrueCrossing], direction: Direction) -> Counter[str]:
    return Counter(crossing.label for crossing in crossings if crossing.direction == direction)


def sum_rows(rows: Sequence[CheckedRow], line: str, label: str, span_ms: int, checked_ms: int) -> CheckedRow:
    """The sum of rows that cover `span_ms`, of which `checked_ms` was checked; errors never cancel."""
    return CheckedRow(
        line,
        label,
        span_ms,
        checked_ms,
        sum(row.counted for row in rows),
        sum(row.checked for row in rows),
        sum(row.true for row in rows),
        sum(row.missed for row in rows),
        sum(row.over for row in rows),
    )


def to_truth(
    name: str,
    size_px: tuple[int, int],
    fps: float,
    duration_ms: int,
    lines: Sequence[Line],
    checks: Mapping[str, LineCheck],
    start_ms: int,
    checking: Checking,
) -> TrueClip:
    """The truth of the checked spans of one clip; a line that was checked from end to end has no `within`."""
    true_lines = []
    for line in lines:
        check = checks[line.name]
        true = true_crossings(check, start_ms)
        crossed = {direction: dict(_by_label(true, direction)) for direction in DIRECTIONS}
        frames = tuple(round(crossing.at_ms * fps / 1000) for crossing in true)
        whole = any(span.start_ms <= 0 and span.end_ms >= duration_ms for span in check.checked)
        within = None if whole else check.checked
        true_lines.append(TrueLine(line, crossed, frames, "checked", within))
    return TrueClip(name, size_px, fps, tuple(true_lines), None, checking)


def _true_label(crossing: Crossing, verdict: Click | None) -> str:
    if verdict is not None and verdict.verdict == "other" and verdict.label is not None:
        return verdict.label
    return crossing.label.text


def _clicked(crossings: Sequence[Crossing], start_ms: int, click: Click) -> int:
    """The index of the crossing that a click is about: the nearest in time, then in place, of its direction."""
    candidates = [
        (
            abs(c.time_ms - start_ms - click.at_ms),
            0.0 if click.along is None else abs(round(c.along, PLACES) - round(click.along, PLACES)),
            index,
        )
        for index, c in enumerate(crossings)
        if c.direction == click.direction and abs(c.time_ms - start_ms - click.at_ms) <= _SAME_MS
    ]
    if not candidates:
        raise InputError(
            f"line {click.line!r}: found no crossing {click.direction} at {click.at_ms / 1000:.3f} s, where one was "
            "checked; expected the count that was checked: the same recording, lines and detector"
        )
    return min(candidates)[2]


def _united(spans: Sequence[Span]) -> Iterator[Span]:
    """The spans in order, with those that touch or overlap joined."""
    last: Span | None = None
    for span in sorted(span for span in spans if span.duration_ms):
        if last is None:
            last = span
        elif span.start_ms <= last.end_ms:
            last = Span(last.start_ms, max(last.end_ms, span.end_ms))
        else:
            yield last
            last = span
    if last is not None:
        yield last
