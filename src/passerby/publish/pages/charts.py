"""Charts as Vega-Lite says them: bars with their noise, a day against the usual, a week, a year.

Law: numbers in, a specification out; every mark that stands for a number is named, so that a style sheet can colour
it; no text of a name is ever part of an expression.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import ceil, floor, log10
from typing import Any

from passerby.publish.pages import words
from passerby.publish.pages.figures import Figure
from passerby.publish.pages.languages import Language
from passerby.publish.pages.views import WEEKS_OF_A_YEAR, Bar, Hour, Now, first_of_year

Spec = dict[str, Any]

WIDE_PX, NARROW_PX = 880, 340
LEVELS = 5
"""Shades of a heat map above the noise."""

FIRST, FIRST_PALE = "#1f6f78", "#b9d6d8"
SECOND, SECOND_PALE = "#a4552a", "#ecd2c2"
INK, SOFT, RULE, WHISKER = "#1d2a2e", "#55656b", "#dfe4e4", "#7d8b90"
SHADES = ("#eef2f1", "#cfe3e2", "#9fc9c9", "#62a5a8", "#2d7a82", "#0e4c55")
"""Within the noise, then from few to many."""

_HOUR_S = 3600
_FONT = "system-ui, 'Segoe UI', Roboto, 'Liberation Sans', Arial, sans-serif"


@dataclass(frozen=True, slots=True)
class Look:
    """How wide a chart is, and in whose words; `title` lines are for a picture that stands alone."""

    language: Language
    width_px: int = WIDE_PX
    title: tuple[str, ...] = ()

    @property
    def narrow(self) -> bool:
        return self.width_px < 600


def course(bars: Sequence[Bar], look: Look) -> Spec:
    """Bars over time with their noise as intervals."""
    start, height = bars[0].start, 200 if look.narrow else 260
    rows = [_timed(bar, start) for bar in bars]
    return _framed(
        look,
        height,
        [
            *_bar_layers(rows, "first", FIRST, FIRST_PALE),
            _intervals(rows, "low", "high", "noise"),
        ],
        {"x": _time_axis(bars, look), "y": _count_axis(look)},
    )


def both_ways(by_direction: Mapping[str, Sequence[Bar]], look: Look) -> Spec:
    """The two directions of a line over time, one up and the other down."""
    (first, up), (second, down) = list(by_direction.items())[:2]
    start = min(up[0].start, down[0].start)
    rising = [_timed(bar, start) for bar in up]
    falling = [_timed(bar, start, -1) for bar in down]
    layers = [
        *_bar_layers(rising, "first", FIRST, FIRST_PALE),
        *_bar_layers(falling, "second", SECOND, SECOND_PALE),
        _intervals([*rising, *falling], "low", "high", "noise"),
        *_legend(
            [
                ("first", FIRST, words.of_direction(first, look.language)),
                ("second", SECOND, words.of_direction(second, look.language)),
            ],
            look,
        ),
    ]
    longer = up if len(up) >= len(down) else down
    axes = {"x": _time_axis(longer, look), "y": _count_axis(look, mirrored=True)}
    return _framed(look, 240 if look.narrow else 300, layers, axes)


def classes(labels: Mapping[str, Figure], look: Look) -> Spec:
    """A bar across for each class, with its noise."""
    rows = [
        {
            "name": words.of_label(label, look.language),
            "value": figure.shown,
            "low": figure.low,
            "high": figure.high,
            "sure": figure.sure,
            "text": figure.text(look.language),
        }
        for label, figure in labels.items()
    ]
    y = {"field": "name", "type": "nominal", "sort": None, "axis": {"title": None, "labelLimit": 120}}
    # Room for the number at the end of the longest interval.
    longest = max(1, *(figure.high for figure in labels.values())) * (1.5 if look.narrow else 1.2)
    x = {"field": "value", "type": "quantitative", "scale": {"domain": [0, longest], "nice": False}}
    x["axis"] = _count_axis(look)["axis"]
    layers: list[Spec] = [
        {
            "name": f"first_{'sure' if sure else 'pale'}",
            "data": {"values": [row for row in rows if row["sure"] is sure]},
            "mark": {"type": "bar", "height": 20, "color": FIRST if sure else FIRST_PALE},
            "encoding": {"x": x, "y": y},
        }
        for sure in (True, False)
        if any(row["sure"] is sure for row in rows)
    ]
    layers.append(
        {
            "name": "noise",
            "data": {"values": rows},
            "mark": {"type": "rule", "strokeWidth": 2, "color": WHISKER},
            "encoding": {"x": {"field": "low", "type": "quantitative"}, "x2": {"field": "high"}, "y": y},
        }
    )
    layers.append(
        {
            "name": "label",
            "data": {"values": rows},
            "mark": {"type": "text", "align": "left", "dx": 6, "fontSize": 13, "color": INK},
            "encoding": {"x": {"field": "high", "type": "quantitative"}, "y": y, "text": {"field": "text"}},
        }
    )
    return _framed(look, 46 * len(rows), layers, {})


def profile(hours: Sequence[Hour], day: str, usual: str, look: Look) -> Spec:
    """The 24 hours of a day as bars, the usual ones as a stepped line with the noise around it."""
    rows = [
        {
            "x": hour.number * _HOUR_S,
            "x2": (hour.number + 1) * _HOUR_S,
            **_heights(hour.figure),
        }
        for hour in hours
        if hour.figure is not None
    ]
    usually = [
        {"x": hour.number * _HOUR_S, "x2": (hour.number + 1) * _HOUR_S, **_heights(hour.usual)}
        for hour in hours
        if hour.usual is not None
    ]
    layers = [*_bar_layers(rows, "first", FIRST, FIRST_PALE), _intervals(rows, "low", "high", "noise")]
    legend = [("first", FIRST, day)]
    if usually:
        layers += [
            {
                "name": "usual",
                "data": {"values": usually},
                "mark": {"type": "rule", "strokeWidth": 3, "color": SECOND},
                "encoding": {
                    "x": {"field": "x", "type": "quantitative"},
                    "x2": {"field": "x2"},
                    "y": {"field": "value", "type": "quantitative"},
                },
            },
        ]
        legend.append(("second", SECOND, usual))
    every = 6 if look.narrow else 3
    marks = {
        number * _HOUR_S: look.language.clock(datetime(2000, 1, 1, number % 24))
        for number in range(0, 25, every)
    }
    axes = {"x": _ticks(marks, 24 * _HOUR_S), "y": _count_axis(look)}
    return _framed(look, 200 if look.narrow else 260, [*layers, *_legend(legend, look)], axes)


def week(days: Mapping[date, Mapping[int, Figure]], look: Look) -> Spec:
    """A row for each day, a square for each hour, darker for more."""
    step = step_of(figure for hours in days.values() for figure in hours.values())
    left, top, gap = 54 if look.narrow else 104, 22, 2
    day_name = look.language.weekday_and_day if look.narrow else look.language.short_day
    side = (look.width_px - left) / 24
    height = max(side, 22.0)
    squares = [
        _square(left + hour * side, top + row * height, side - gap, height - gap, figure, step)
        for row, hours in enumerate(days.values())
        for hour, figure in hours.items()
    ]
    every = 6 if look.narrow else 3
    names = [
        {
            "x": left + hour * side,
            "y": 8,
            "text": look.language.clock(datetime(2000, 1, 1, hour)),
            "align": "left",
        }
        for hour in range(0, 24, every)
    ]
    names += [
        {"x": 0, "y": top + row * height + height / 2, "text": day_name(day), "align": "left"}
        for row, day in enumerate(days)
    ]
    return _mosaic(look, squares, names, top + 7 * height, step)


def year(days: Mapping[date, Figure], last: date, look: Look) -> Spec:
    """A column for each week of the year to `last`, a square for each day; in two halves where it is narrow."""
    step = step_of(days.values())
    first, weeks = first_of_year(last), WEEKS_OF_A_YEAR
    halves = 2 if look.narrow else 1
    columns = ceil(weeks / halves)
    left, top, gap = 30, 20, 2
    side = (look.width_px - left) / columns
    below = 7 * side + 34
    squares, names = [], []
    for half in range(halves):
        y = top + half * below
        names += [
            {
                "x": 0,
                "y": y + (day + 0.5) * side,
                "text": look.language.weekday(day, short=True)[:3],
                "align": "left",
            }
            for day in (0, 2, 4)
        ]
        for column in range(columns):
            monday = first + timedelta(weeks=half * columns + column)
            if monday > last:
                break
            # A month is named above the column in which it begins.
            sunday = monday + timedelta(days=6)
            if sunday.day <= 7 and column < columns - 1:
                at = {"x": left + column * side, "y": y - 11}
                names.append({**at, "text": look.language.month(sunday), "align": "left"})
            for day in range(7):
                figure = days.get(monday + timedelta(days=day))
                if figure is not None:
                    squares.append(
                        _square(left + column * side, y + day * side, side - gap, side - gap, figure, step)
                    )
    return _mosaic(look, squares, names, top + halves * below - 34, step)


def sparks(lines: Sequence[Now], look: Look) -> Spec:
    """The last bins of every line, one small chart below the other, each by its own scale."""
    values = []
    for number, line in enumerate(lines):
        most = max([1, *(bar.figure.high for bar in line.recent)])
        start = line.recent[0].start
        for bar in line.recent:
            row = _timed(bar, start)
            values.append(
                {**row, **{key: row[key] / most for key in ("value", "low", "high")}, "line": number}
            )
    length = max((row["x2"] for row in values), default=1)
    x = {"field": "x", "type": "quantitative", "axis": None, "scale": {"domain": [0, length], "nice": False}}
    y = {"field": "value", "type": "quantitative", "axis": None, "scale": {"domain": [0, 1]}}
    layers: list[Spec] = [
        {
            "name": f"first_{name}",
            "transform": [{"filter": f"datum.sure === {sure}"}],
            "mark": {"type": "rect", "color": colour},
            "encoding": {"x": x, "x2": {"field": "x2"}, "y": y, "y2": {"datum": 0}},
        }
        for name, sure, colour in (("sure", "true", FIRST), ("pale", "false", FIRST_PALE))
    ]
    layers.append(
        {
            "name": "noise",
            "mark": {"type": "rule", "color": WHISKER, "strokeWidth": 1.2},
            "encoding": {
                "x": {"field": "middle", "type": "quantitative", "axis": None},
                "y": {"field": "low", "type": "quantitative", "axis": None},
                "y2": {"field": "high"},
            },
        }
    )
    return {
        **_base(look),
        "autosize": "pad",
        "data": {"values": values},
        "spacing": 0,
        "facet": {"row": {"field": "line", "type": "ordinal", "header": None}},
        "spec": {"width": look.width_px, "height": 64, "layer": layers},
    }


def step_of(figures: Iterable[Figure]) -> int:
    """How many more make a square one shade darker: a round number, of which LEVELS reach the largest."""
    most = max((figure.value for figure in figures if figure.sure), default=0)
    return _round_up(most / LEVELS)


def level_of(figure: Figure, step: int) -> int:
    """0 within the noise, else 1 to LEVELS."""
    return min(LEVELS, ceil(figure.value / step)) if figure.sure else 0


def _round_up(value: float) -> int:
    """The next of 1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8 times a power of ten, as a whole number."""
    if value <= 1:
        return 1
    power: int = 10 ** floor(log10(value))
    steps = (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)
    return max(1, ceil(next(power * one for one in steps if power * one >= value - 1e-9)))


def _heights(figure: Figure) -> Spec:
    return {"value": figure.shown, "low": figure.low, "high": figure.high, "sure": figure.sure}


def _timed(bar: Bar, start: datetime, sign: int = 1) -> Spec:
    """A bar as fields: seconds from `start`, which are true ones where a clock changes."""
    begin = bar.start.timestamp() - start.timestamp()
    length = bar.end.timestamp() - bar.start.timestamp()
    heights = _heights(bar.figure)
    return {
        "x": round(begin + 0.08 * length),
        "x2": round(begin + 0.92 * length),
        "middle": round(begin + length / 2),
        **{key: sign * heights[key] for key in ("value", "low", "high")},
        "sure": heights["sure"],
    }


def _bar_layers(rows: Sequence[Spec], name: str, colour: str, pale: str) -> list[Spec]:
    """Those that can be told from nothing, and in a pale colour those that cannot."""
    return [
        {
            "name": f"{name}_{'sure' if sure else 'pale'}",
            "data": {"values": chosen},
            "mark": {"type": "rect", "color": colour if sure else pale},
            "encoding": {
                "x": {"field": "x", "type": "quantitative"},
                "x2": {"field": "x2"},
                "y": {"field": "value", "type": "quantitative"},
                "y2": {"datum": 0},
            },
        }
        for sure in (True, False)
        if (chosen := [row for row in rows if row["sure"] is sure])
    ]


def _intervals(rows: Sequence[Spec], low: str, high: str, name: str) -> Spec:
    middles = [{**row, "middle": row.get("middle", (row["x"] + row["x2"]) / 2)} for row in rows]
    return {
        "name": name,
        "data": {"values": middles},
        "mark": {"type": "rule", "strokeWidth": 1 if len(rows) > 60 else 1.5, "color": WHISKER},
        "encoding": {
            "x": {"field": "middle", "type": "quantitative"},
            "y": {"field": low, "type": "quantitative"},
            "y2": {"field": high},
        },
    }


def _legend(items: Sequence[tuple[str, str, str]], look: Look) -> list[Spec]:
    """Swatches with their words above the chart, as marks, so that a style sheet colours them too."""
    wide = [40 + round(7.2 * len(text)) for _, _, text in items]
    one_row = sum(wide) <= look.width_px
    layers: list[Spec] = []
    for index, (name, colour, text) in enumerate(items):
        x = sum(wide[:index]) if one_row else 0
        y = -16 if one_row else -16 - 20 * (len(items) - 1 - index)
        layers.append(
            {
                "name": f"{name}_key",
                "data": {"values": [{}]},
                "mark": {"type": "square", "size": 110, "color": colour, "opacity": 1},
                "encoding": {"x": {"value": x + 6}, "y": {"value": y}},
            }
        )
        layers.append(
            {
                "name": f"{name}_label",
                "data": {"values": [{"text": text}]},
                "mark": {"type": "text", "align": "left", "fontSize": 13, "color": INK},
                "encoding": {"x": {"value": x + 18}, "y": {"value": y}, "text": {"field": "text"}},
            }
        )
    return layers


def _square(x: float, y: float, width: float, height: float, figure: Figure, step: int) -> Spec:
    sides = {"x": x, "y": y, "x2": x + width, "y2": y + height}
    return {**{name: round(value, 1) for name, value in sides.items()}, "level": level_of(figure, step)}


def _mosaic(look: Look, squares: Sequence[Spec], names: Sequence[Spec], height: float, step: int) -> Spec:
    """Squares at places in pixels, one layer for each shade, with the key to the shades below."""
    say, number = look.language.say, look.language.number
    labels = [say("within the noise")]
    labels += [
        say("up to {number}", number=number(level * step)) if level < LEVELS else say("more")
        for level in range(1, LEVELS + 1)
    ]
    y = height + 16
    keys, texts = [], [*names]
    x = 0.0
    for level, text in enumerate(labels):
        wide = 32 + 6.8 * len(text)
        if x + wide > look.width_px:
            x, y = 0.0, y + 20
        keys.append({"x": x, "x2": x + 12, "y": y - 6, "y2": y + 6, "level": level})
        texts.append({"x": x + 17, "y": y, "text": text, "align": "left"})
        x += wide
    layers: list[Spec] = [
        {
            "name": f"level{level}",
            "data": {"values": [one for one in (*squares, *keys) if one["level"] == level]},
            "mark": {"type": "rect", "color": SHADES[level]},
            "encoding": {
                "x": _pixels("x", look.width_px),
                "x2": {"field": "x2"},
                "y": _pixels("y", y + 12),
                "y2": {"field": "y2"},
            },
        }
        for level in range(LEVELS + 1)
    ]
    layers.append(
        {
            "name": "label",
            "data": {"values": texts},
            "mark": {"type": "text", "align": "left", "fontSize": 12, "color": SOFT, "baseline": "middle"},
            "encoding": {
                "x": _pixels("x", look.width_px),
                "y": _pixels("y", y + 12),
                "text": {"field": "text"},
            },
        }
    )
    return _framed(look, y + 12, layers, {})


def _pixels(field: str, length: float) -> Spec:
    scale: Spec = {"domain": [0, length], "nice": False, "zero": False}
    if field == "y":
        scale["reverse"] = True
    return {"field": field, "type": "quantitative", "axis": None, "scale": scale}


def _time_axis(bars: Sequence[Bar], look: Look) -> Spec:
    """An axis of seconds since the first bar, its marks at what the clock or the calendar shows there."""
    start, end = bars[0].start, bars[-1].end
    length = end.timestamp() - start.timestamp()
    days = length / 86_400
    marks: dict[int, str] = {}
    for bar in bars:
        text = _mark_of(bar.start, days, look)
        if text:
            marks.setdefault(round(bar.start.timestamp() - start.timestamp()), text)
    if len(marks) > (most := 5 if look.narrow else 12):
        keep = ceil(len(marks) / most)
        marks = dict(list(marks.items())[::keep])
    return _ticks(marks, length)


def _mark_of(when: datetime, days: float, look: Look) -> str | None:
    language = look.language
    if days <= 1.2:
        every = 6 if look.narrow else 3
        return language.clock(when) if when.hour % every == 0 and when.minute == 0 else None
    if when.hour or when.minute:
        return None
    if days <= 16:
        return (
            language.short_day(when.date())
            if days <= 8 and not look.narrow
            else language.day_of_month(when.date())
        )
    if days <= 100:
        return language.day_of_month(when.date()) if when.weekday() == 0 else None
    return language.month(when.date()) if when.day == 1 else None


def _ticks(marks: Mapping[int, str], length: float) -> Spec:
    # The texts come from the calendar of the language; as JSON they are plain strings of the expression.
    return {
        "title": None,
        "scale": {"domain": [0, length], "nice": False},
        "axis": {
            "values": list(marks),
            "labelExpr": f"({json.dumps({str(at): text for at, text in marks.items()})})[datum.value]",
            "title": None,
            "grid": False,
            "labelFlush": True,
            "labelOverlap": "greedy",
            "labelBound": False,
        },
    }


def _count_axis(look: Look, *, mirrored: bool = False) -> Spec:
    axis: Spec = {"title": None, "tickCount": 5, "tickMinStep": 1, "format": ",d"}
    if mirrored:
        axis["labelExpr"] = "format(abs(datum.value), ',d')"
    return {"axis": axis}


def _framed(look: Look, height: float, layers: list[Spec], axes: Mapping[str, Spec]) -> Spec:
    """The layers on axes of their own, which the first layer with such a channel says."""
    for channel, said in axes.items():
        for layer in layers:
            found = layer["encoding"].get(channel)
            if found is not None and "value" not in found:
                found.update(said)
                break
    return {**_base(look), "width": look.width_px, "height": round(height), "layer": layers}


def _base(look: Look) -> Spec:
    spec: Spec = {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "background": "white" if look.title else None,
        "padding": 16 if look.title else 0,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "config": {
            "aria": False,
            "font": _FONT,
            "locale": {"number": _number_format(look.language)},
            "view": {"stroke": None},
            "rect": {"stroke": None},
            "bar": {"stroke": None},
            "title": {"anchor": "start", "fontSize": 16, "subtitleFontSize": 12, "offset": 14, "color": INK},
            "axis": {
                "domain": False,
                "ticks": False,
                "gridColor": RULE,
                "labelColor": SOFT,
                "labelFontSize": 12,
                "labelPadding": 6,
            },
        },
    }
    if look.title:
        spec["title"] = {"text": look.title[0], "subtitle": list(look.title[1:])}
    return spec


def _number_format(language: Language) -> Spec:
    """Vega's description of how a language writes numbers."""
    symbols = language.locale.number_symbols["latn"]
    return {
        "decimal": str(symbols["decimal"]),
        "thousands": str(symbols["group"]),
        "grouping": [3],
        "currency": ["", ""],
    }
