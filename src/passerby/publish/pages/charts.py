"""Charts of bars, as Vega-Lite says them: over time, both ways, by class, and a day against the usual.

Invariant: numbers in, a specification out; each number with its noise.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from passerby.publish.pages import words
from passerby.publish.pages.axes import count_axis, ticks, time_axis
from passerby.publish.pages.chart_style import (
    FIRST,
    FIRST_PALE,
    INK,
    RULE,
    SECOND,
    SECOND_PALE,
    WHISKER,
    Look,
    Spec,
    base,
    framed,
)
from passerby.publish.pages.estimates import Figure
from passerby.publish.pages.views import Bar, Hour, Now

_HOUR_S = 3600


def course(bars: Sequence[Bar], look: Look) -> Spec:
    """Bars over time with their noise as intervals."""
    start, height = bars[0].start, 200 if look.narrow else 260
    rows = [_timed(bar, start) for bar in bars]
    layers = [
        *_unseen(bars, height),
        *_bar_layers(rows, "first", FIRST, FIRST_PALE),
        _intervals(rows, look),
    ]
    return framed(look, height, layers, {"x": time_axis(bars, look), "y": count_axis()})


def unseen(bar: Bar) -> bool:
    """Whether the camera saw less than half of a bar's time, though it is over."""
    return bar.coverage < 0.5 and not bar.so_far


def both_ways(by_direction: Mapping[str, Sequence[Bar]], look: Look) -> Spec:
    """The two directions of a line over time, one up and the other down."""
    (first, up), (second, down) = list(by_direction.items())[:2]
    start = min(up[0].start, down[0].start)
    rising = [_timed(bar, start) for bar in up]
    falling = [_timed(bar, start, -1) for bar in down]
    layers = [
        *_bar_layers(rising, "first", FIRST, FIRST_PALE),
        *_bar_layers(falling, "second", SECOND, SECOND_PALE),
        _intervals([*rising, *falling], look),
        *_legend(
            [
                ("first", FIRST, words.of_direction(first, look.language)),
                ("second", SECOND, words.of_direction(second, look.language)),
            ],
            look,
        ),
    ]
    longer = up if len(up) >= len(down) else down
    axes = {"x": time_axis(longer, look), "y": count_axis(mirrored=True)}
    return framed(look, 240 if look.narrow else 300, layers, axes)


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
    x["axis"] = count_axis()["axis"]
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
    return framed(look, 46 * len(rows), layers, {})


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
    layers = [*_bar_layers(rows, "first", FIRST, FIRST_PALE), _intervals(rows, look)]
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
    axes = {"x": ticks(marks, 24 * _HOUR_S), "y": count_axis()}
    return framed(look, 200 if look.narrow else 260, [*layers, *_legend(legend, look)], axes)


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
        **base(look),
        "autosize": "pad",
        "data": {"values": values},
        "spacing": 0,
        "facet": {"row": {"field": "line", "type": "ordinal", "header": None}},
        "spec": {"width": look.width_px, "height": 64, "layer": layers},
    }


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


def _unseen(bars: Sequence[Bar], height: int) -> list[Spec]:
    """A ground behind the time of which the camera saw less than half."""
    start = bars[0].start.timestamp()
    rows = [
        {"x": round(bar.start.timestamp() - start), "x2": round(bar.end.timestamp() - start)}
        for bar in bars
        if unseen(bar)
    ]
    if not rows:
        return []
    return [
        {
            "name": "unseen",
            "data": {"values": rows},
            "mark": {"type": "rect", "color": RULE},
            "encoding": {
                "x": {"field": "x", "type": "quantitative"},
                "x2": {"field": "x2"},
                "y": {"value": 0},
                "y2": {"value": height},
            },
        }
    ]


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


def _intervals(rows: Sequence[Spec], look: Look) -> Spec:
    """The noise of each bar, as a line in its middle, thin enough to leave the bar to be seen."""
    room_px = look.width_px / len({row["x"] for row in rows})
    middles = [{**row, "middle": row.get("middle", (row["x"] + row["x2"]) / 2)} for row in rows]
    return {
        "name": "noise",
        "data": {"values": middles},
        "mark": {"type": "rule", "strokeWidth": round(min(1.5, 0.3 * room_px), 2), "color": WHISKER},
        "encoding": {
            "x": {"field": "middle", "type": "quantitative"},
            "y": {"field": "low", "type": "quantitative"},
            "y2": {"field": "high"},
        },
    }


def _legend(items: Sequence[tuple[str, str, str]], look: Look) -> list[Spec]:
    """Swatches with their words above the chart, as marks, so that a style sheet colours them too."""
    # Beside the swatch and what the axis takes.
    most = (look.width_px - 90) // 7
    items = [
        (name, colour, text if len(text) <= most else text[: most - 1] + "…") for name, colour, text in items
    ]
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
