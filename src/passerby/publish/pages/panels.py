"""The panels of a line's page: each a chart in two widths, its words, and a table of the same numbers.

Invariant: what a chart shows stands in its table too; what is within the noise is told as such in both.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from passerby.publish.pages import charts, heatmaps, rendering, words
from passerby.publish.pages.chart_style import NARROW_PX, WIDE_PX, Look, Spec
from passerby.publish.pages.estimates import Figure
from passerby.publish.pages.languages import Language
from passerby.publish.pages.views import Bar, View


@dataclass(frozen=True, slots=True)
class Table:
    """`head` names the columns; the first cell of a row names it."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Drawing:
    """What stands within an svg element, in units of its `width` x `height`."""

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
    """One kind of chart: whether a view has it, its words, its specification and its table."""

    has: Callable[[View], bool]
    title: Callable[[View, Language], str]
    note: Callable[[View, Language], str]
    spec: Callable[[View, Look], Spec]
    table: Callable[[View, Language], Table]


def panels(view: View, language: Language) -> Iterator[Panel]:
    """Every chart that the view has something for."""
    for name, chart in CHARTS.items():
        if chart.has(view):
            wide, narrow = (
                Drawing(*rendering.inside(chart.spec(view, Look(language, width))))
                for width in (WIDE_PX, NARROW_PX)
            )
            title, note = chart.title(view, language), chart.note(view, language)
            yield Panel(name, title, note, wide, narrow, chart.table(view, language))


def alone(name: str, view: View, language: Language, site: str) -> Spec:
    """The chart `name` for a picture that stands alone: with its title, place, time and source.

    Raises KeyError when there is no such chart.
    """
    chart = CHARTS[name]
    choice = view.choice
    parts = [choice.place.camera.name, choice.place.name, days_of(choice.first, choice.last, language)]
    if choice.direction is not None:
        parts.append(words.of_direction(choice.direction, language))
    if choice.label is not None:
        parts.append(words.of_label(choice.label, language))
    source = language.say("{site}, counted with Passerby: how many, never who.", site=site)
    look = Look(language, WIDE_PX, (chart.title(view, language), " · ".join(parts), source))
    return chart.spec(view, look)


def days_of(first: date, last: date, language: Language) -> str:
    """Such as Monday 23 November 2026, or 1 November 2026 to 23 November 2026."""
    if first == last:
        return language.day(first)
    return language.say("{first} to {last}", first=language.plain_day(first), last=language.plain_day(last))


def span_text(bar: Bar, view: View, language: Language) -> str:
    """When a bar is: its clock times on one day, else its day too."""
    if view.choice.resolution == "day":
        day = language.short_day(bar.start.date())
        return language.say("{day} (so far)", day=day) if bar.so_far else day
    clock = f"{language.clock(bar.start)}–{language.clock(bar.end)}"
    return clock if view.choice.days == 1 else f"{language.short_day(bar.start.date())}, {clock}"


def _usual(view: View, language: Language) -> str:
    return language.say(
        "usual {weekday} (median of {number})",
        weekday=language.weekday(view.choice.last.weekday()),
        number=language.number(view.usual_days),
    )


def _cells(figure: Figure | None, language: Language) -> tuple[str, str]:
    return ("–", "–") if figure is None else (figure.text(language), figure.interval(language))


def _course_table(view: View, language: Language) -> Table:
    say = language.say
    head = (say("Time"), say("Counted"), say("True number, 19 times in 20"), say("Camera saw"))
    rows = [
        (span_text(bar, view, language), *_cells(bar.figure, language), language.share(bar.coverage))
        for bar in view.bars
    ]
    return Table(head, tuple(rows))


def _ways_table(view: View, language: Language) -> Table:
    names = list(view.by_direction)
    head, between = [language.say("Time")], language.say("True number, 19 times in 20")
    for name in names:
        word = words.of_direction(name, language)
        head += [word, f"{word} – {between}"]
    at: dict[datetime, dict[str, Bar]] = {}
    for name, bars in view.by_direction.items():
        for bar in bars:
            at.setdefault(bar.start, {})[name] = bar
    rows = []
    for bars_of in at.values():
        first = next(iter(bars_of.values()))
        figures = [bars_of[name].figure if name in bars_of else None for name in names]
        cells = [cell for figure in figures for cell in _cells(figure, language)]
        rows.append((span_text(first, view, language), *cells))
    return Table(tuple(head), tuple(rows))


def _classes_table(view: View, language: Language) -> Table:
    say = language.say
    return Table(
        (say("Class"), say("Counted"), say("True number, 19 times in 20")),
        tuple(
            (words.of_label(label, language), *_cells(figure, language))
            for label, figure in view.labels.items()
        ),
    )


def _profile_table(view: View, language: Language) -> Table:
    say = language.say
    day = language.short_day(view.choice.last)
    between = say("True number, 19 times in 20")
    head = [say("Hour"), day, f"{day} – {between}"]
    if view.usual_days:
        head += [_usual(view, language), between]
    rows = [
        (
            _hour(hour.number, language),
            *_cells(hour.figure, language),
            *(_cells(hour.usual, language) if view.usual_days else ()),
        )
        for hour in view.profile
    ]
    return Table(tuple(head), tuple(rows))


def _week_table(view: View, language: Language) -> Table:
    days = list(view.week)
    return Table(
        (language.say("Hour"), *(language.short_day(day) for day in days)),
        tuple(
            (_hour(number, language), *(_cells(view.week[day].get(number), language)[0] for day in days))
            for number in range(24)
        ),
    )


def _year_table(view: View, language: Language) -> Table:
    say = language.say
    return Table(
        (say("Day"), say("Counted"), say("True number, 19 times in 20")),
        tuple((language.day(day), *_cells(figure, language)) for day, figure in sorted(view.year.items())),
    )


def _hour(number: int, language: Language) -> str:
    return language.clock(datetime(2000, 1, 1, number))


def _course_note(view: View, language: Language) -> str:
    say = language.say
    each = {
        "bin": say("Each bar is {number} minutes.", number=language.number(_bin_minutes(view))),
        "hour": say("Each bar is an hour."),
        "day": say("Each bar is a day."),
    }[view.choice.resolution]
    noise = say(
        "The thin line is where the true number lies, 19 times in 20. Pale bars are within the noise that "
        "protects everyone here."
    )
    if any(charts.unseen(bar) for bar in view.bars):
        noise += " " + say("The ground is grey where the camera saw less than half of the time.")
    return f"{each} {noise}"


def _bin_minutes(view: View) -> float:
    first = view.bars[0]
    return (first.end.timestamp() - first.start.timestamp()) / 60


def _shades_note(view: View, language: Language) -> str:
    return language.say(
        "The stronger the colour, the more. The faintest squares are within the noise that protects everyone here."
    )


def _two_ways(view: View) -> bool:
    return sum(bool(bars) for bars in view.by_direction.values()) == 2


def _profile_note(view: View, language: Language) -> str:
    say = language.say
    if view.usual_days:
        return say("The usual is the median of the same weekday in the weeks before.")
    return say("What is usual here will be shown when there are a few weeks to tell it from.")


CHARTS: dict[str, Chart] = {
    "course": Chart(
        lambda view: bool(view.bars),
        lambda view, language: language.say("Over time"),
        _course_note,
        lambda view, look: charts.course(view.bars, look),
        _course_table,
    ),
    "directions": Chart(
        _two_ways,
        lambda view, language: language.say("Both directions"),
        lambda view, language: language.say("One direction is drawn upwards, the other downwards."),
        lambda view, look: charts.both_ways(view.by_direction, look),
        _ways_table,
    ),
    "classes": Chart(
        lambda view: len(view.labels) > 1,
        lambda view, language: language.say("By class"),
        lambda view, language: language.say("All of the days shown."),
        lambda view, look: charts.classes(view.labels, look),
        _classes_table,
    ),
    "profile": Chart(
        lambda view: bool(view.profile),
        lambda view, language: language.say("A day against the usual"),
        _profile_note,
        lambda view, look: charts.profile(
            view.profile,
            look.language.short_day(view.choice.last),
            _usual(view, look.language),
            look,
        ),
        _profile_table,
    ),
    "week": Chart(
        lambda view: bool(view.week),
        lambda view, language: language.say("Seven days, hour by hour"),
        _shades_note,
        lambda view, look: heatmaps.week(view.week, look),
        _week_table,
    ),
    "calendar": Chart(
        lambda view: bool(view.year),
        lambda view, language: language.say("A year, day by day"),
        _shades_note,
        lambda view, look: heatmaps.year(view.year, view.choice.last, look),
        _year_table,
    ),
}
