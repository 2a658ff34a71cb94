"""A week and a year as squares, the stronger the colour, the more.

Invariant: a few shades for round numbers, each a layer of its own; what is within the noise has a shade of its own too.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from math import ceil, floor, log10

from passerby.publish.pages.chart_style import SOFT, Look, Spec, framed
from passerby.publish.pages.estimates import Figure
from passerby.publish.pages.views import WEEKS_OF_A_YEAR, first_of_year

LEVELS = 5
"""Shades above the noise."""
_SHADES = ("#eef2f1", "#cfe3e2", "#9fc9c9", "#62a5a8", "#2d7a82", "#0e4c55")
"""Within the noise, then from few to many."""


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


def _square(x: float, y: float, width: float, height: float, figure: Figure, step: int) -> Spec:
    sides = {"x": x, "y": y, "x2": x + width, "y2": y + height}
    return {**{name: round(value, 1) for name, value in sides.items()}, "level": level_of(figure, step)}


def _mosaic(look: Look, squares: Sequence[Spec], names: Sequence[Spec], height: float, step: int) -> Spec:
    """Squares at places in pixels, one layer for each shade, with the key to the shades below."""
    say, number = look.language.say, look.language.number
    labels = [say("within the noise")]
    if any(square["level"] for square in squares):
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
            "mark": {"type": "rect", "color": _SHADES[level]},
            "encoding": {
                "x": _pixels("x", look.width_px),
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
                "x": _pixels("x", look.width_px),
                "y": _pixels("y", y + 12),
                "text": {"field": "text"},
            },
        }
    )
    return framed(look, y + 12, layers, {})


def _pixels(field: str, length: float) -> Spec:
    scale: Spec = {"domain": [0, length], "nice": False, "zero": False}
    if field == "y":
        scale["reverse"] = True
    return {"field": field, "type": "quantitative", "axis": None, "scale": scale}
