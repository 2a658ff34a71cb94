"""The numbers of a page: read from the store and added up, but not drawn.

Invariant: a view depends on the store, the site file and the filters only, never on the clock: it can be cached while
the store does not change.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median

from passerby.domain import calendar
from passerby.domain.noise_interval import noise_95_of_sum
from passerby.domain.timespan import Span
from passerby.publish.pages.estimates import Estimate
from passerby.publish.pages.filters import Filters
from passerby.publish.pages.published_lines import PublishedLine
from passerby.publish.store.query import Query
from passerby.publish.store.releases import Store
from passerby.publish.store.rollup import HOUR_MS
from passerby.publish.store.sums import Resolution
from passerby.publish.store.totals import CellPart, Total, totals

WEEKS = 8
"""The usual numbers are from this many weeks before the day."""
WEEKS_OF_A_YEAR = 53
_RECENT_MS = 3 * HOUR_MS
_LEAST_USUAL = 3
"""Usual numbers need at least so many days of the same weekday."""


@dataclass(frozen=True, slots=True)
class Bar:
    """An estimate over `[start, end)` (aware local times); `coverage` 0 to 1; `so_far`: more bins will follow."""

    start: datetime
    end: datetime
    estimate: Estimate
    coverage: float
    so_far: bool


@dataclass(frozen=True, slots=True)
class Hour:
    """An hour of the clock, 0 to 23, with the estimate of the day and the usual one; None if there is none."""

    number: int
    estimate: Estimate | None
    usual: Estimate | None


@dataclass(frozen=True, slots=True)
class View:
    """The numbers of the page of one line.

    `directions` and `labels` (classes) are sums of all days shown; `bars` are the numbers over time, `by_direction` the
    same for each direction; `week` has the hours of the last seven days, `year` the days of the last 53 weeks.
    """

    filters: Filters
    total: Bar | None
    directions: dict[str, Estimate]
    labels: dict[str, Estimate]
    bars: tuple[Bar, ...]
    by_direction: dict[str, tuple[Bar, ...]]
    peak: Bar | None
    profile: tuple[Hour, ...]
    usual_days: int
    week: dict[date, dict[int, Estimate]]
    year: dict[date, Estimate]

    @property
    def coverage(self) -> float | None:
        """The share of the time with video frames, 0 to 1, of the bars that are complete; None if there is none."""
        lengths = {bar: bar.end.timestamp() - bar.start.timestamp() for bar in self.bars if not bar.so_far}
        whole = sum(lengths.values())
        return sum(bar.coverage * length for bar, length in lengths.items()) / whole if whole else None

    @property
    def empty(self) -> bool:
        return not self.bars


@dataclass(frozen=True, slots=True)
class LineSummary:
    """The latest numbers of a line: its newest bin, the bins of the last three hours, the last hour by direction, and
    the day so far with its directions and its peak hour. `day` is None shortly after midnight, before its first bin."""

    line: PublishedLine
    newest: Bar
    recent: tuple[Bar, ...]
    day: Bar | None
    directions: dict[str, Estimate]
    last_hour: dict[str, Estimate]
    peak: Bar | None


def newest_ms(store: Store, lines: Iterable[PublishedLine]) -> int | None:
    """The start of the newest bin of these lines (Unix ms UTC); None if there is none. Raises StoreError."""
    names = {(line.camera.name, line.name) for line in lines}
    return max(
        (number.start_ms for number in store.latest() if (number.cell.camera, number.cell.line) in names),
        default=None,
    )


def span_of(first: date, last: date, store: Store) -> Span:
    """From the first to the last day, from midnight to midnight in local time; the last day is included."""
    return Span(_midnight(first, store), _midnight(last + timedelta(days=1), store))


def first_of_year(last: date) -> date:
    """The first Monday of the 53 weeks that a calendar up to `last` shows."""
    return last - timedelta(days=last.weekday() + 7 * (WEEKS_OF_A_YEAR - 1))


def query_of(filters: Filters, store: Store, resolution: Resolution | None = None) -> Query:
    """The query of the store for these filters, with their resolution or this one."""
    span = span_of(filters.first, filters.last, store)
    return _query(filters, span, resolution or filters.resolution)


def view(store: Store, filters: Filters) -> View:
    """The numbers of the page of one line. Raises StoreError."""
    days = totals(store, query_of(filters, store, "day"), ("direction", "label"))
    over_time = totals(store, query_of(filters, store), ("direction",))
    hours_from = filters.last - timedelta(days=7 * WEEKS)
    hours = totals(store, _query(filters, span_of(hours_from, filters.last, store), "hour"), ())
    year_from = first_of_year(filters.last)
    whole = span_of(min(filters.first, year_from), filters.last, store)
    by_day = {
        _local(total.start_ms, store).date(): total
        for total in totals(store, _query(filters, whole, "day"), ())
    }
    in_range = [total for day, total in by_day.items() if day >= filters.first]
    shown_hours = [hour for hour in hours if _local(hour.start_ms, store).date() >= filters.first]
    by_clock = _by_clock(hours, store)
    profile, usual_days = _profile(by_clock, filters.last)
    return View(
        filters=filters,
        total=_bar(_sum(in_range), store) if in_range else None,
        directions=_estimates(days, 0, filters.line.directions),
        labels=_estimates(days, 1, filters.line.labels),
        bars=_bars(_by_span(over_time), store),
        by_direction={
            name: _bars([total for total in over_time if total.group == (name,)], store)
            for name in filters.line.directions
            if filters.direction in (None, name)
        },
        peak=_peak(shown_hours, store),
        profile=profile,
        usual_days=usual_days,
        week=_week(by_clock, filters.last),
        year={day: _estimate(total) for day, total in by_day.items() if day >= year_from},
    )


def summaries(store: Store, lines: Sequence[PublishedLine], newest: int) -> tuple[LineSummary, ...]:
    """The latest numbers of each line that has a bin in the three hours before `newest` (Unix ms UTC).

    Raises StoreError.
    """
    day = _local(newest, store).date()
    today = span_of(day, day, store)
    by: tuple[CellPart, ...] = ("camera", "line", "direction")
    recent = totals(store, Query("bin", newest - _RECENT_MS + 1, newest + 1), by)
    days = totals(store, Query("day", today.start_ms, today.end_ms), by)
    hours = totals(store, Query("hour", today.start_ms, today.end_ms), ("camera", "line"))
    last_hour = totals(store, Query("bin", newest - HOUR_MS + 1, newest + 1), by)
    found = []
    for line in lines:
        key = (line.camera.name, line.name)
        bars = _bars(_by_span([total for total in recent if total.group[:2] == key]), store)
        if not bars:
            continue
        of_day = [total for total in days if total.group[:2] == key]
        of_last_hour = [total for total in last_hour if total.group[:2] == key]
        found.append(
            LineSummary(
                line=line,
                newest=bars[-1],
                recent=bars,
                day=_bar(_sum(of_day), store) if of_day else None,
                directions=_estimates(of_day, 2, line.directions),
                last_hour=_estimates(of_last_hour, 2, line.directions),
                peak=_peak([total for total in hours if total.group == key], store),
            )
        )
    return tuple(found)


def _query(filters: Filters, span: Span, resolution: Resolution) -> Query:
    return Query(
        resolution,
        span.start_ms,
        span.end_ms,
        (filters.line.camera.name,),
        (filters.line.name,),
        () if filters.direction is None else (filters.direction,),
        () if filters.label is None else (filters.label,),
    )


def _sum(parts: Sequence[Total]) -> Total:
    """The sum of all of them, from the first start to the last end."""
    whole = Total((), min(part.start_ms for part in parts), max(part.end_ms for part in parts))
    for part in parts:
        whole.add(part)
    return whole


def _by_span(parts: Sequence[Total]) -> list[Total]:
    """One sum for each span, over all groups."""
    spans: dict[tuple[int, int], list[Total]] = {}
    for part in parts:
        spans.setdefault((part.start_ms, part.end_ms), []).append(part)
    return [_sum(spans[span]) for span in sorted(spans)]


def _estimate(total: Total) -> Estimate:
    return Estimate(total.value, total.noise_95)


def _estimates(parts: Sequence[Total], position: int, names: Sequence[str]) -> dict[str, Estimate]:
    """The sum for each of `names`, which are at `position` of a group; names without numbers are left out."""
    groups = {name: [part for part in parts if part.group[position] == name] for name in names}
    return {name: _estimate(_sum(group)) for name, group in groups.items() if group}


def _bar(total: Total, store: Store) -> Bar:
    start, end = _local(total.start_ms, store), _local(total.end_ms, store)
    return Bar(start, end, _estimate(total), total.coverage, not total.complete)


def _bars(parts: Sequence[Total], store: Store) -> tuple[Bar, ...]:
    return tuple(_bar(part, store) for part in parts)


def _peak(hours: Sequence[Total], store: Store) -> Bar | None:
    """The complete hour with the largest number; None if that could be noise."""
    best = max((hour for hour in hours if hour.complete), key=lambda hour: hour.value, default=None)
    return _bar(best, store) if best is not None and _estimate(best).sure else None


def _by_clock(hours: Sequence[Total], store: Store) -> dict[date, dict[int, Total]]:
    """Hours by day and by hour of the clock; an hour that the clock shows twice is the sum of both."""
    by_clock: dict[date, dict[int, Total]] = {}
    for hour in hours:
        start = _local(hour.start_ms, store)
        of_day = by_clock.setdefault(start.date(), {})
        of_day[start.hour] = _sum([of_day[start.hour], hour]) if start.hour in of_day else hour
    return by_clock


def _profile(hours: dict[date, dict[int, Total]], day: date) -> tuple[tuple[Hour, ...], int]:
    """The 24 hours of `day` with the usual numbers, and the number of days that these are from."""
    today = hours.get(day, {})
    same_weekday = [
        of_day for each, of_day in hours.items() if each.weekday() == day.weekday() and each != day
    ]
    if len(same_weekday) < _LEAST_USUAL:
        same_weekday = []
    if not today and not same_weekday:
        return (), 0
    profile = []
    for number in range(24):
        before = [of_day[number] for of_day in same_weekday if number in of_day and of_day[number].complete]
        profile.append(Hour(number, _estimate(today[number]) if number in today else None, _usual(before)))
    return tuple(profile), len(same_weekday)


def _usual(numbers: Sequence[Total]) -> Estimate | None:
    """The median; its noise is at most about 1.25 times that of the mean (the median of normal values: variance times
    pi / 2)."""
    if not numbers:
        return None
    mean_variance = sum(number.variance for number in numbers) / len(numbers) ** 2
    return Estimate(
        round(median(number.value for number in numbers)),
        noise_95_of_sum(mean_variance * 1.5708, sum(number.releases for number in numbers)),
    )


def _week(hours: dict[date, dict[int, Total]], last: date) -> dict[date, dict[int, Estimate]]:
    """The hours of the seven days that end with `last`."""
    days = [last - timedelta(days=back) for back in range(6, -1, -1)]
    if not any(day in hours for day in days):
        return {}
    return {day: {number: _estimate(hour) for number, hour in hours.get(day, {}).items()} for day in days}


def _local(time_ms: int, store: Store) -> datetime:
    return calendar.to_local(time_ms, store.zone)


def _midnight(day: date, store: Store) -> int:
    return calendar.to_ms(datetime(day.year, day.month, day.day, tzinfo=store.zone))
