"""What a page shows of one line: read from the store, added up, and nothing drawn yet.

Invariant: a view depends on the store, the site file and the choice alone: never on the clock, so it can be cached
for as long as the store stands still.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median

from passerby.domain import calendar
from passerby.domain.noise_interval import noise_95_of_sum
from passerby.domain.timespan import Span
from passerby.publish.pages.counted_lines import Place
from passerby.publish.pages.estimates import Figure
from passerby.publish.pages.filters import Choice
from passerby.publish.store.query import Query
from passerby.publish.store.releases import Store
from passerby.publish.store.rollup import HOUR_MS
from passerby.publish.store.sums import Resolution
from passerby.publish.store.totals import Part, Total, totals

WEEKS = 8
"""How many weeks back "the usual" goes."""
WEEKS_OF_A_YEAR = 53
_RECENT_MS = 3 * HOUR_MS
_LEAST_USUAL = 3
"""With fewer days of the same name there is no usual one yet."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A figure over `[start, end)`, aware local times; `coverage` 0 to 1; `so_far` when bins are still to come."""

    start: datetime
    end: datetime
    figure: Figure
    coverage: float
    so_far: bool


@dataclass(frozen=True, slots=True)
class Hour:
    """The hour that begins at `number` of the clock: that of the day, and the usual one of such days; None where
    there is none."""

    number: int
    figure: Figure | None
    usual: Figure | None


@dataclass(frozen=True, slots=True)
class View:
    """All that the page of one line shows. `directions` and `labels` are sums of the days shown, `bars` their
    course, `by_direction` the same for each direction; `week` are the hours of the seven days to the last one, and
    `year` the days of the year to it."""

    choice: Choice
    total: Bar | None
    directions: dict[str, Figure]
    labels: dict[str, Figure]
    bars: tuple[Bar, ...]
    by_direction: dict[str, tuple[Bar, ...]]
    peak: Bar | None
    profile: tuple[Hour, ...]
    usual_days: int
    week: dict[date, dict[int, Figure]]
    year: dict[date, Figure]

    @property
    def seen(self) -> float | None:
        """The share of the time with frames, without what is still to come."""
        lengths = {bar: bar.end.timestamp() - bar.start.timestamp() for bar in self.bars if not bar.so_far}
        whole = sum(lengths.values())
        return sum(bar.coverage * length for bar, length in lengths.items()) / whole if whole else None

    @property
    def empty(self) -> bool:
        return not self.bars


@dataclass(frozen=True, slots=True)
class Now:
    """A line's newest bin, its last three hours, and its newest day so far with both directions and the peak hour."""

    place: Place
    newest: Bar
    recent: tuple[Bar, ...]
    day: Bar
    directions: dict[str, Figure]
    last_hour: dict[str, Figure]
    peak: Bar | None


def newest_ms(store: Store, places: Iterable[Place]) -> int | None:
    """When the newest bin of these lines began; None where there is none."""
    wanted = {(place.camera.name, place.name) for place in places}
    return max(
        (one.start_ms for one in store.latest() if (one.cell.camera, one.cell.line) in wanted), default=None
    )


def span_of(first: date, last: date, store: Store) -> Span:
    """From midnight to midnight, local time; the last day is whole."""
    return Span(_midnight(first, store), _midnight(last + timedelta(days=1), store))


def first_of_year(last: date) -> date:
    """The Monday with which the 53 weeks begin that a calendar to `last` shows."""
    return last - timedelta(days=last.weekday() + 7 * (WEEKS_OF_A_YEAR - 1))


def query_of(choice: Choice, store: Store, resolution: Resolution | None = None) -> Query:
    """What the choice asks of the store."""
    span = span_of(choice.first, choice.last, store)
    return _query(choice, span, resolution or choice.resolution)


def view(store: Store, choice: Choice) -> View:
    """Raises StoreError."""
    days = totals(store, query_of(choice, store, "day"), ("direction", "label"))
    course = totals(store, query_of(choice, store), ("direction",))
    hours_from = choice.last - timedelta(days=7 * WEEKS)
    hours = totals(store, _query(choice, span_of(hours_from, choice.last, store), "hour"), ())
    year_from = first_of_year(choice.last)
    whole = span_of(min(choice.first, year_from), choice.last, store)
    by_day = {
        _local(one.start_ms, store).date(): one for one in totals(store, _query(choice, whole, "day"), ())
    }
    in_range = [one for day, one in by_day.items() if day >= choice.first]
    shown_hours = [one for one in hours if _local(one.start_ms, store).date() >= choice.first]
    by_clock = _by_clock(hours, store)
    profile, usual_days = _profile(by_clock, choice.last)
    return View(
        choice=choice,
        total=_bar(_added(in_range), store) if in_range else None,
        directions=_figures(days, 0, choice.place.directions),
        labels=_figures(days, 1, choice.place.labels),
        bars=_bars(_merged(course), store),
        by_direction={
            name: _bars([one for one in course if one.group == (name,)], store)
            for name in choice.place.directions
            if choice.direction in (None, name)
        },
        peak=_peak(shown_hours, store),
        profile=profile,
        usual_days=usual_days,
        week=_week(by_clock, choice.last),
        year={day: _figure(one) for day, one in by_day.items() if day >= year_from},
    )


def now(store: Store, places: Sequence[Place], newest: int) -> tuple[Now, ...]:
    """The newest of every line that has a bin in the last three hours before the newest of all. Raises StoreError."""
    day = _local(newest, store).date()
    today = span_of(day, day, store)
    by: tuple[Part, ...] = ("camera", "line", "direction")
    recent = totals(store, Query("bin", newest - _RECENT_MS + 1, newest + 1), by)
    days = totals(store, Query("day", today.start_ms, today.end_ms), by)
    hours = totals(store, Query("hour", today.start_ms, today.end_ms), ("camera", "line"))
    last_hour = totals(store, Query("bin", newest - HOUR_MS + 1, newest + 1), by)
    found = []
    for place in places:
        key = (place.camera.name, place.name)
        of_line = _bars(_merged([one for one in recent if one.group[:2] == key]), store)
        today_of = [one for one in days if one.group[:2] == key]
        if not of_line or not today_of:
            continue
        found.append(
            Now(
                place,
                of_line[-1],
                of_line,
                _bar(_added(today_of), store),
                _figures(today_of, 2, place.directions),
                _figures([one for one in last_hour if one.group[:2] == key], 2, place.directions),
                _peak([one for one in hours if one.group == key], store),
            )
        )
    return tuple(found)


def _query(choice: Choice, span: Span, resolution: Resolution) -> Query:
    place = choice.place
    return Query(
        resolution,
        span.start_ms,
        span.end_ms,
        (place.camera.name,),
        (place.name,),
        () if choice.direction is None else (choice.direction,),
        () if choice.label is None else (choice.label,),
    )


def _added(found: Sequence[Total]) -> Total:
    """One sum of them all; from the first start to the last end."""
    whole = Total((), min(one.start_ms for one in found), max(one.end_ms for one in found))
    for one in found:
        whole.add(one)
    return whole


def _merged(found: Sequence[Total]) -> list[Total]:
    """The same without their groups: one for each span."""
    spans: dict[tuple[int, int], list[Total]] = {}
    for one in found:
        spans.setdefault((one.start_ms, one.end_ms), []).append(one)
    return [_added(spans[span]) for span in sorted(spans)]


def _figure(one: Total) -> Figure:
    return Figure(one.value, one.noise_95)


def _figures(found: Sequence[Total], part: int, names: Sequence[str]) -> dict[str, Figure]:
    groups = {name: [one for one in found if one.group[part] == name] for name in names}
    return {name: _figure(_added(group)) for name, group in groups.items() if group}


def _bar(one: Total, store: Store) -> Bar:
    return Bar(
        _local(one.start_ms, store), _local(one.end_ms, store), _figure(one), one.coverage, not one.complete
    )


def _bars(found: Sequence[Total], store: Store) -> tuple[Bar, ...]:
    return tuple(_bar(one, store) for one in found)


def _peak(hours: Sequence[Total], store: Store) -> Bar | None:
    """The hour with the largest number, where that can be told from nothing."""
    best = max((one for one in hours if one.complete), key=lambda one: one.value, default=None)
    return _bar(best, store) if best is not None and _figure(best).sure else None


def _by_clock(hours: Sequence[Total], store: Store) -> dict[date, dict[int, Total]]:
    """Hours by day and by what the clock shows; one that it shows twice is both of them together."""
    found: dict[date, dict[int, Total]] = {}
    for one in hours:
        start = _local(one.start_ms, store)
        of_day = found.setdefault(start.date(), {})
        of_day[start.hour] = _added([of_day[start.hour], one]) if start.hour in of_day else one
    return found


def _profile(hours: dict[date, dict[int, Total]], day: date) -> tuple[tuple[Hour, ...], int]:
    """The 24 hours of `day`, and the median of the same weekday of up to WEEKS weeks before it."""
    today = hours.get(day, {})
    others = [of for other, of in hours.items() if other.weekday() == day.weekday() and other != day]
    if len(others) < _LEAST_USUAL:
        others = []
    if not today and not others:
        return (), 0
    profile = []
    for number in range(24):
        before = [of[number] for of in others if number in of and of[number].complete]
        profile.append(Hour(number, _figure(today[number]) if number in today else None, _usual(before)))
    return tuple(profile), len(others)


def _usual(found: Sequence[Total]) -> Figure | None:
    """The median; its noise is at most about 1.25 times that of a mean of as many (the median of normal values)."""
    if not found:
        return None
    mean_variance = sum(one.variance for one in found) / len(found) ** 2
    return Figure(
        round(median(one.value for one in found)),
        noise_95_of_sum(mean_variance * 1.5708, sum(one.releases for one in found)),
    )


def _week(hours: dict[date, dict[int, Total]], last: date) -> dict[date, dict[int, Figure]]:
    """The hours of the seven days that end with `last`."""
    days = [last - timedelta(days=back) for back in range(6, -1, -1)]
    if not any(day in hours for day in days):
        return {}
    return {day: {number: _figure(one) for number, one in hours.get(day, {}).items()} for day in days}


def _local(time_ms: int, store: Store) -> datetime:
    return calendar.to_local(time_ms, store.zone)


def _midnight(day: date, store: Store) -> int:
    return calendar.to_ms(datetime(day.year, day.month, day.day, tzinfo=store.zone))
