"""The axes of charts: elapsed seconds with labels from the clock and the calendar, and numbers.

Invariant: no name that a user chose is part of a Vega expression; texts in expressions come from the calendar, as JSON.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from math import ceil

from passerby.publish.pages.chart_style import ChartStyle, Spec
from passerby.publish.pages.views import Bar

_LEAST_BARS = 8


def time_axis(bars: Sequence[Bar], style: ChartStyle) -> Spec:
    """An axis of seconds since the first bar, labelled with clock times or dates."""
    start, end = bars[0].start, bars[-1].end
    bar_s = bars[0].end.timestamp() - bars[0].start.timestamp()
    # With few bars, leave room: one bar must not be as wide as the chart.
    length = max(end.timestamp() - start.timestamp(), _LEAST_BARS * bar_s)
    days = length / 86_400
    labels: dict[int, str] = {}
    for bar in bars:
        text = _label_of(bar.start, days, style)
        if text:
            labels.setdefault(round(bar.start.timestamp() - start.timestamp()), text)
    if len(labels) > (most := 5 if style.narrow else 12):
        keep = ceil(len(labels) / most)
        labels = dict(list(labels.items())[::keep])
    return ticks(labels, length)


def _label_of(when: datetime, days: float, style: ChartStyle) -> str | None:
    """The label of a bar that starts at `when`, on an axis of so many days; None for no label."""
    language = style.language
    if days <= 1.2:
        hours = days * 24
        if hours <= 2:
            return language.clock(when) if when.minute % 15 == 0 else None
        every = 1 if hours <= 8 else 6 if style.narrow else 3
        return language.clock(when) if when.hour % every == 0 and when.minute == 0 else None
    if when.hour or when.minute:
        return None
    if days <= 16:
        return (
            language.short_day(when.date())
            if days <= 8 and not style.narrow
            else language.day_of_month(when.date())
        )
    if days <= 100:
        return language.day_of_month(when.date()) if when.weekday() == 0 else None
    return language.month(when.date()) if when.day == 1 else None


def ticks(labels: Mapping[int, str], length: float) -> Spec:
    """An axis from 0 to `length` with these labels at these positions."""
    # The labels come from the language's calendar; JSON makes them plain strings in the expression.
    return {
        "title": None,
        "scale": {"domain": [0, length], "nice": False},
        "axis": {
            "values": list(labels),
            "labelExpr": f"({json.dumps({str(at): text for at, text in labels.items()})})[datum.value]",
            "title": None,
            "grid": False,
            "labelFlush": False,
            "labelOverlap": "greedy",
            "labelSeparation": 8,
            "labelBound": False,
        },
    }


def count_axis(*, mirrored: bool = False) -> Spec:
    """An axis of numbers; `mirrored`: numbers below zero are positive numbers that are drawn downwards."""
    axis: Spec = {"title": None, "tickCount": 5, "tickMinStep": 1, "format": ",d"}
    if mirrored:
        axis["labelExpr"] = "format(abs(datum.value), ',d')"
    return {"axis": axis}
