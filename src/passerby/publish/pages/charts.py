"""Bar charts as Vega-Lite specifications: over time, both directions, by class, and a day with its usual hours.

Invariant: pure; every number is drawn with its 95 % interval.
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
    ChartStyle,
    Spec,
    base,
    framed,
)
from passerby.publish.pages.estimates import Estimate
from passerby.publish.pages.views import Bar, Hour, LineSummary

_HOUR_S = 3600


def over_time(bars: Sequence[Bar], style: ChartStyle) -> Spec:
    """Bars over time with their 95 % intervals."""
    start, height = bars[0].start, 200 if style.narrow else 260
    rows = [_timed(bar, start) for bar in bars]
    layers = [
        *_low_coverage_layer(bars, height),
        *_bar_layers(rows, "first", FIRST, FIRST_PALE),
        _intervals(rows, style),
    ]
    return framed(style, height, layers, {"x": time_axis(bars, style), "y": count_axis()})


def low_coverage(bar: Bar) -> bool:
    """True if a bar is complete and less than half of its time has video frames."""
    return bar.coverage < 0.5 and not bar.so_far


def both_directions(by_direction: Mapping[str, Sequence[Bar]], style: ChartStyle) -> Spec:
    """The two directions of a line over time, one upwards and one downwards."""
    (first, up), (second, down) = list(by_direction.items())[:2]
    start = min(up[0].start, down[0].start)
    rising = [_timed(bar, start) for bar in up]
    falling = [_timed(bar, start, -1) for bar in down]
    layers = [
        *_bar_layers(rising, "first", FIRST, FIRST_PALE),
        *_bar_layers(falling, "second", SECOND, SECOND_PALE),
        _intervals([*rising, *falling], style),
        *_legend(
            [
                ("first", FIRST, words.direction_name(first, style.language)),
                ("second", SECOND, words.direction_name(second, style.language)),
            ],
            style,
        ),
    ]
    longer = up if len(up) >= len(down) else down
    axes = {"x": time_axis(longer, style), "y": count_axis(mirrored=True)}
    return framed(style, 240 if style.narrow else 300, layers, axes)


def classes(labels: Mapping[str, Estimate], style: ChartStyle) -> Spec:
    """A horizontal bar with its 95 % interval for each class."""
    rows = [
        {
            "name": words.class_heading(label, style.language),
            "value": estimate.shown,
            "low": estimate.low,
            "high": estimate.high,
            "sure": estimate.sure,
            "text": estimate.text(style.language),
        }
        for label, estimate in labels.items()
    ]
    y = {"field": "name", "type": "nominal", "sort": None, "axis": {"title": None, "labelLimit": 120}}
    # Leave room for the number at the end of the longest interval.
    longest = max(1, *(estimate.high for estimate in labels.values())) * (1.5 if style.narrow else 1.2)
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
    return framed(style, 46 * len(rows), layers, {})


def profile(hours: Sequence[Hour], day: str, usual: str, style: ChartStyle) -> Spec:
    """The 24 hours of a day as bars with their 95 % intervals, and the usual number of each hour as a short line.

    `day` and `usual` are the texts of the legend.
    """
    rows = [
        {
            "x": hour.number * _HOUR_S,
            "x2": (hour.number + 1) * _HOUR_S,
            **_heights(hour.estimate),
        }
        for hour in hours
        if hour.estimate is not None
    ]
    usual_rows = [
        {"x": hour.number * _HOUR_S, "x2": (hour.number + 1) * _HOUR_S, **_heights(hour.usual)}
        for hour in hours
        if hour.usual is not None
    ]
    layers = [*_bar_layers(rows, "first", FIRST, FIRST_PALE), _intervals(rows, style)]
    legend = [("first", FIRST, day)]
    if usual_rows:
        layers += [
            {
                "name": "usual",
                "data": {"values": usual_rows},
                "mark": {"type": "rule", "strokeWidth": 3, "color": SECOND},
                "encoding": {
                    "x": {"field": "x", "type": "quantitative"},
                    "x2": {"field": "x2"},
                    "y": {"field": "value", "type": "quantitative"},
                },
            },
        ]
        legend.append(("second", SECOND, usual))
    every = 6 if style.narrow else 3
    labels = {
        number * _HOUR_S: style.language.clock(datetime(2000, 1, 1, number % 24))
        for number in range(0, 25, every)
    }
    axes = {"x": ticks(labels, 24 * _HOUR_S), "y": count_axis()}
    return framed(style, 200 if style.narrow else 260, [*layers, *_legend(legend, style)], axes)


def sparks(lines: Sequence[LineSummary], style: ChartStyle) -> Spec:
    """The last bins of each line: one small chart for each line, each with its own scale."""
    values = []
    for number, line in enumerate(lines):
        most = max([1, *(bar.estimate.high for bar in line.recent)])
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
        **base(style),
        "autosize": "pad",
        "data": {"values": values},
        "spacing": 0,
        "facet": {"row": {"field": "line", "type": "ordinal", "header": None}},
        "spec": {"width": style.width_px, "height": 64, "layer": layers},
    }


def _heights(estimate: Estimate) -> Spec:
    return {"value": estimate.shown, "low": estimate.low, "high": estimate.high, "sure": estimate.sure}


def _timed(bar: Bar, start: datetime, sign: int = 1) -> Spec:
    """The fields of a bar; positions are elapsed seconds since `start`, also when the clock changes."""
    begin = bar.start.timestamp() - start.timestamp()
    length = bar.end.timestamp() - bar.start.timestamp()
    heights = _heights(bar.estimate)
    return {
        "x": round(begin + 0.08 * length),
        "x2": round(begin + 0.92 * length),
        "middle": round(begin + length / 2),
        **{key: sign * heights[key] for key in ("value", "low", "high")},
        "sure": heights["sure"],
    }


def _low_coverage_layer(bars: Sequence[Bar], height: int) -> list[Spec]:
    """A grey background behind bars with low coverage."""
    start = bars[0].start.timestamp()
    rows = [
        {"x": round(bar.start.timestamp() - start), "x2": round(bar.end.timestamp() - start)}
        for bar in bars
        if low_coverage(bar)
    ]
    if not rows:
        return []
    return [
        {
            "name": "low_coverage",
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
    """Bars above the noise, and bars that could be noise in a pale colour."""
    return [
        {
            "name": f"{name}_{'sure' if sure else 'pale'}",
            "data": {"values": shown},
            "mark": {"type": "rect", "color": colour if sure else pale},
            "encoding": {
                "x": {"field": "x", "type": "quantitative"},
                "x2": {"field": "x2"},
                "y": {"field": "value", "type": "quantitative"},
                "y2": {"datum": 0},
            },
        }
        for sure in (True, False)
        if (shown := [row for row in rows if row["sure"] is sure])
    ]


def _intervals(rows: Sequence[Spec], style: ChartStyle) -> Spec:
    """The 95 % interval of each bar, as a line that is thinner than the bar."""
    bar_px = style.width_px / len({row["x"] for row in rows})
    middles = [{**row, "middle": row.get("middle", (row["x"] + row["x2"]) / 2)} for row in rows]
    return {
        "name": "noise",
        "data": {"values": middles},
        "mark": {"type": "rule", "strokeWidth": round(min(1.5, 0.3 * bar_px), 2), "color": WHISKER},
        "encoding": {
            "x": {"field": "middle", "type": "quantitative"},
            "y": {"field": "low", "type": "quantitative"},
            "y2": {"field": "high"},
        },
    }


def _legend(items: Sequence[tuple[str, str, str]], style: ChartStyle) -> list[Spec]:
    """A legend above the chart; its squares are marks, so that a style sheet can colour them.

    `items` are name, colour and text.
    """
    # 90 px are for the square and the axis; a letter is about 7 px wide.
    most = (style.width_px - 90) // 7
    items = [
        (name, colour, text if len(text) <= most else text[: most - 1] + "…") for name, colour, text in items
    ]
    wide = [40 + round(7.2 * len(text)) for _, _, text in items]
    one_row = sum(wide) <= style.width_px
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
