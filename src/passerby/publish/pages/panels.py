"""The panels of a line's page: each is a chart in two widths, a note, and a table of the same numbers.

Invariant: every number in a chart is in its table too; both mark the numbers that could be noise.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from passerby.domain import calendar
from passerby.publish.pages import charts, heatmaps, rendering, words
from passerby.publish.pages.chart_style import NARROW_PX, WIDE_PX, ChartStyle, Spec
from passerby.publish.pages.estimates import Estimate
from passerby.publish.pages.languages import Language
from passerby.publish.pages.views import Bar, View


@dataclass(frozen=True, slots=True)
class Table:
    """`head` has the names of the columns; the first cell of a row is its name."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Drawing:
    """The content of an svg element, in units of its `width` x `height`."""

    body: str
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Panel:
    name: str
    title: str
    note: str
    wide: Drawing
    narrow: Drawing
    table: Table


@dataclass(frozen=True, slots=True)
class Chart:
    """A kind of chart: `has` is true if a view has numbers for it; the rest makes its texts, drawing and table."""

    has: Callable[[View], bool]
    title: Callable[[View, Language], str]
    note: Callable[[View, Language], str]
    spec: Callable[[View, ChartStyle], Spec]
    table: Callable[[View, Language], Table]


def panels(view: View, language: Language) -> Iterator[Panel]:
    """The panels that the view has numbers for."""
    for name, chart in CHARTS.items():
        if chart.has(view):
            wide, narrow = (
                Drawing(*rendering.inside(chart.spec(view, ChartStyle(language, width))))
                for width in (WIDE_PX, NARROW_PX)
            )
            title, note = chart.title(view, language), chart.note(view, language)
            yield Panel(name, title, note, wide, narrow, chart.table(view, language))


def standalone(name: str, view: View, language: Language, site: str) -> Spec:
    """The chart `name` as an image of its own, with its title, line, days and source. Raises KeyError."""
    chart = CHARTS[name]
    filters = view.filters
    parts = [filters.line.camera.name, filters.line.name, days_text(filters.first, filters.last, language)]
    if filters.direction is not None:
        parts.append(words.direction_name(filters.direction, language))
    if filters.label is not None:
        parts.append(words.class_heading(filters.label, language))
    source = language.translate("{site}, counted with Passerby: how many, never who.", site=site)
    style = ChartStyle(language, WIDE_PX, (chart.title(view, language), " · ".join(parts), source))
    return chart.spec(view, style)


def days_text(first: date, last: date, language: Language) -> str:
    """Such as Monday 23 November 2026, or 1 November 2026 to 23 November 2026."""
    if first == last:
        return language.day(first)
    return language.translate(
        "{first} to {last}", first=language.plain_day(first), last=language.plain_day(last)
    )


def span_text(bar: Bar, view: View, language: Language) -> str:
    """The time of a bar: its clock times, with the day if the view has several days."""
    if view.filters.resolution == "day":
        day = language.short_day(bar.start.date())
        return language.translate("{day} (so far)", day=day) if bar.so_far else day
    clock = f"{language.clock(bar.start)}–{language.clock(bar.end)}"
    return clock if view.filters.days == 1 else f"{language.short_day(bar.start.date())}, {clock}"


def _usual(view: View, language: Language) -> str:
    return language.translate(
        "usual {weekday} (median of {number})",
        weekday=language.weekday(view.filters.last.weekday()),
        number=language.number(view.usual_days),
    )


def _cells(estimate: Estimate | None, language: Language) -> tuple[str, str]:
    return ("–", "–") if estimate is None else (estimate.text(language), estimate.interval(language))


def _over_time_table(view: View, language: Language) -> Table:
    translate = language.translate
    head = (translate("Time"), translate("Number"), words.interval_name(language), translate("Data coverage"))
    rows = [
        (span_text(bar, view, language), *_cells(bar.estimate, language), language.share(bar.coverage))
        for bar in view.bars
    ]
    return Table(head, tuple(rows))


def _directions_table(view: View, language: Language) -> Table:
    names = list(view.by_direction)
    head, interval = [language.translate("Time")], words.interval_name(language)
    for name in names:
        direction = words.direction_name(name, language)
        head += [direction, f"{direction} – {interval}"]
    at: dict[datetime, dict[str, Bar]] = {}
    for name, bars in view.by_direction.items():
        for bar in bars:
            at.setdefault(bar.start, {})[name] = bar
    rows = []
    for bars_of in at.values():
        first = next(iter(bars_of.values()))
        estimates = [bars_of[name].estimate if name in bars_of else None for name in names]
        cells = [cell for estimate in estimates for cell in _cells(estimate, language)]
        rows.append((span_text(first, view, language), *cells))
    return Table(tuple(head), tuple(rows))


def _classes_table(view: View, language: Language) -> Table:
    translate = language.translate
    return Table(
        (translate("Class"), translate("Number"), words.interval_name(language)),
        tuple(
            (words.class_heading(label, language), *_cells(estimate, language))
            for label, estimate in view.labels.items()
        ),
    )


def _profile_table(view: View, language: Language) -> Table:
    translate = language.translate
    day = language.short_day(view.filters.last)
    interval = words.interval_name(language)
    head = [translate("Hour"), day, f"{day} – {interval}"]
    if view.usual_days:
        usual = _usual(view, language)
        head += [usual, f"{usual} – {interval}"]
    rows = [
        (
            _hour(hour.number, language),
            *_cells(hour.estimate, language),
            *(_cells(hour.usual, language) if view.usual_days else ()),
        )
        for hour in view.profile
    ]
    return Table(tuple(head), tuple(rows))


def _week_table(view: View, language: Language) -> Table:
    days = list(view.week)
    return Table(
        (language.translate("Hour"), *(language.short_day(day) for day in days)),
        tuple(
            (_hour(number, language), *(_cells(view.week[day].get(number), language)[0] for day in days))
            for number in range(24)
        ),
    )


def _year_table(view: View, language: Language) -> Table:
    translate = language.translate
    return Table(
        (translate("Day"), translate("Number"), words.interval_name(language)),
        tuple(
            (language.day(day), *_cells(estimate, language)) for day, estimate in sorted(view.year.items())
        ),
    )


def _hour(number: int, language: Language) -> str:
    return language.clock(datetime(2000, 1, 1, number))


def _over_time_note(view: View, language: Language) -> str:
    translate = language.translate
    first = view.bars[0]
    bin_ms = calendar.to_ms(first.end) - calendar.to_ms(first.start)
    # A day can have 23 or 25 hours.
    length_ms = calendar.DAY_MS if view.filters.resolution == "day" else bin_ms
    parts = [
        translate("Each bar covers {length}.", length=words.length_text(length_ms, language)),
        translate(
            "The thin line on a bar is its {share} range. Pale bars could be noise alone.",
            share=language.share(0.95),
        ),
    ]
    if any(charts.low_coverage(bar) for bar in view.bars):
        parts.append(
            translate(
                "The background is grey where data coverage is below {share}.", share=language.share(0.5)
            )
        )
    return " ".join(parts)


def _shades_note(view: View, language: Language) -> str:
    return language.translate("A stronger colour means more. The faintest squares could be noise alone.")


def _two_directions(view: View) -> bool:
    return sum(bool(bars) for bars in view.by_direction.values()) == 2


def _profile_note(view: View, language: Language) -> str:
    translate = language.translate
    if view.usual_days:
        return translate("Usual: the median of the same weekday in the weeks before.")
    return translate("The usual numbers will be shown after a few weeks.")


CHARTS: dict[str, Chart] = {
    "course": Chart(
        lambda view: bool(view.bars),
        lambda view, language: language.translate("Over time"),
        _over_time_note,
        lambda view, style: charts.over_time(view.bars, style),
        _over_time_table,
    ),
    "directions": Chart(
        _two_directions,
        lambda view, language: language.translate("Both directions"),
        lambda view, language: language.translate("One direction is drawn upwards, the other downwards."),
        lambda view, style: charts.both_directions(view.by_direction, style),
        _directions_table,
    ),
    "classes": Chart(
        lambda view: len(view.labels) > 1,
        lambda view, language: language.translate("By class"),
        lambda view, language: language.translate("The sum of all days shown."),
        lambda view, style: charts.classes(view.labels, style),
        _classes_table,
    ),
    "profile": Chart(
        lambda view: bool(view.profile),
        lambda view, language: language.translate("One day compared with usual"),
        _profile_note,
        lambda view, style: charts.profile(
            view.profile,
            style.language.short_day(view.filters.last),
            _usual(view, style.language),
            style,
        ),
        _profile_table,
    ),
    "week": Chart(
        lambda view: bool(view.week),
        lambda view, language: language.translate("Seven days, hour by hour"),
        _shades_note,
        lambda view, style: heatmaps.week(view.week, style),
        _week_table,
    ),
    "calendar": Chart(
        lambda view: bool(view.year),
        lambda view, language: language.translate("One year, day by day"),
        _shades_note,
        lambda view, style: heatmaps.year(view.year, view.filters.last, style),
        _year_table,
    ),
}
"""The charts by their name, which is part of their address (`chart-course.svg`)."""
