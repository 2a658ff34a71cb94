"""Heat maps of a week and of a year: a stronger colour means more.

Invariant: a few shades with round limits, each in its own layer; numbers that could be noise have their own shade.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from math import ceil, floor, log10

from passerby.publish.pages.chart_style import SOFT, ChartStyle, Spec, framed
from passerby.publish.pages.estimates import Estimate
from passerby.publish.pages.views import WEEKS_OF_A_YEAR, first_of_year

LEVELS = 5
"""The number of shades for numbers above the noise."""
_SHADES = ("#eef2f1", "#cfe3e2", "#9fc9c9", "#62a5a8", "#2d7a82", "#0e4c55")
"""First the shade of numbers that could be noise, then from few to many."""


def week(days: Mapping[date, Mapping[int, Estimate]], style: ChartStyle) -> Spec:
    """A row for each day, and a square for each hour of the clock."""
    step = step_of(estimate for hours in days.values() for estimate in hours.values())
    left, top, gap = 54 if style.narrow else 104, 22, 2
    day_name = style.language.weekday_and_day if style.narrow else style.language.short_day
    side = (style.width_px - left) / 24
    height = max(side, 22.0)
    squares = [
        _square(left + hour * side, top + row * height, side - gap, height - gap, estimate, step)
        for row, hours in enumerate(days.values())
        for hour, estimate in hours.items()
    ]
    every = 6 if style.narrow else 3
    names = [
        {
            "x": left + hour * side,
            "y": 8,
            "text": style.language.clock(datetime(2000, 1, 1, hour)),
            "align": "left",
        }
        for hour in range(0, 24, every)
    ]
    names += [
        {"x": 0, "y": top + row * height + height / 2, "text": day_name(day), "align": "left"}
        for row, day in enumerate(days)
    ]
    return _heatmap(style, squares, names, top + 7 * height, step)


def year(days: Mapping[date, Estimate], last: date, style: ChartStyle) -> Spec:
    """A column for each week of the year up to `last`, and a square for each day; narrow charts have two halves."""
    step = step_of(days.values())
    first, weeks = first_of_year(last), WEEKS_OF_A_YEAR
    halves = 2 if style.narrow else 1
    columns = ceil(weeks / halves)
    left, top, gap = 30, 20, 2
    side = (style.width_px - left) / columns
    below = 7 * side + 34
    squares, names = [], []
    for half in range(halves):
        y = top + half * below
        names += [
            {
                "x": 0,
                "y": y + (day + 0.5) * side,
                "text": style.language.weekday(day, short=True)[:3],
                "align": "left",
            }
            for day in (0, 2, 4)
        ]
        for column in range(columns):
            monday = first + timedelta(weeks=half * columns + column)
            if monday > last:
                break
            # The name of a month is above the column in which the month begins.
            sunday = monday + timedelta(days=6)
            if sunday.day <= 7 and column < columns - 1:
                at = {"x": left + column * side, "y": y - 11}
                names.append({**at, "text": style.language.month(sunday), "align": "left"})
            for day in range(7):
                estimate = days.get(monday + timedelta(days=day))
                if estimate is not None:
                    squares.append(
                        _square(left + column * side, y + day * side, side - gap, side - gap, estimate, step)
                    )
    return _heatmap(style, squares, names, top + halves * below - 34, step)


def step_of(estimates: Iterable[Estimate]) -> int:
    """The step from one shade to the next: a round number with which LEVELS steps reach the largest value."""
    most = max((estimate.value for estimate in estimates if estimate.sure), default=0)
    return _round_up(most / LEVELS)


def level_of(estimate: Estimate, step: int) -> int:
    """The shade of a number: 0 if it could be noise, else 1 to LEVELS."""
    return min(LEVELS, ceil(estimate.value / step)) if estimate.sure else 0


def _round_up(value: float) -> int:
    """The next of 1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8 times a power of ten, as a whole number."""
    if value <= 1:
        return 1
    power: int = 10 ** floor(log10(value))
    steps = (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)
    return max(1, ceil(next(power * factor for factor in steps if power * factor >= value - 1e-9)))


def _square(x: float, y: float, width: float, height: float, estimate: Estimate, step: int) -> Spec:
    sides = {"x": x, "y": y, "x2": x + width, "y2": y + height}
    return {**{name: round(value, 1) for name, value in sides.items()}, "level": level_of(estimate, step)}


def _heatmap(
    style: ChartStyle, squares: Sequence[Spec], names: Sequence[Spec], height: float, step: int
) -> Spec:
    """Squares and texts at positions in pixels, one layer for each shade, and a legend below."""
    translate, number = style.language.translate, style.language.number
    labels = [translate("could be noise")]
    if any(square["level"] for square in squares):
        labels += [
            translate("up to {number}", number=number(level * step)) if level < LEVELS else translate("more")
            for level in range(1, LEVELS + 1)
        ]
    y = height + 16
    keys, texts = [], [*names]
    x = 0.0
    for level, text in enumerate(labels):
        wide = 32 + 6.8 * len(text)
        if x + wide > style.width_px:
            x, y = 0.0, y + 20
        keys.append({"x": x, "x2": x + 12, "y": y - 6, "y2": y + 6, "level": level})
        texts.append({"x": x + 17, "y": y, "text": text, "align": "left"})
        x += wide
    layers: list[Spec] = [
        {
            "name": f"level{level}",
            "data": {"values": [square for square in (*squares, *keys) if square["level"] == level]},
            "mark": {"type": "rect", "color": _SHADES[level]},
            "encoding": {
                "x": _pixels("x", style.width_px),
                "x2": {"field": "x2"},
                "y": _pixels("y", y + 12),
                "y2": {"field": "y2"},
            },
        }
        for level in range(len(labels))
    ]
    layers.append(
        {
            "name": "label",
            "data": {"values": texts},
            "mark": {"type": "text", "align": "left", "fontSize": 12, "color": SOFT, "baseline": "middle"},
            "encoding": {
                "x": _pixels("x", style.width_px),
                "y": _pixels("y", y + 12),
                "text": {"field": "text"},
            },
        }
    )
    return framed(style, y + 12, layers, {})


def _pixels(field: str, length: float) -> Spec:
    scale: Spec = {"domain": [0, length], "nice": False, "zero": False}
    if field == "y":
        scale["reverse"] = True
    return {"field": field, "type": "quantitative", "axis": None, "scale": scale}
