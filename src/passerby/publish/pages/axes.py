"""The axes of a chart over time: seconds that truly passed, marked by what clock and calendar show there.

Invariant: no text of a name is ever part of an expression: what is put into one is the calendar's own words, as JSON.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from math import ceil

from passerby.publish.pages.chart_style import Look, Spec
from passerby.publish.pages.views import Bar

_LEAST_BARS = 8


def time_axis(bars: Sequence[Bar], look: Look) -> Spec:
    """An axis of seconds since the first bar, its marks at what the clock or the calendar shows there."""
    start, end = bars[0].start, bars[-1].end
    bar_s = bars[0].end.timestamp() - bars[0].start.timestamp()
    # A day that has just begun is not one bar as wide as the page.
    length = max(end.timestamp() - start.timestamp(), _LEAST_BARS * bar_s)
    days = length / 86_400
    marks: dict[int, str] = {}
    for bar in bars:
        text = _mark_of(bar.start, days, look)
        if text:
            marks.setdefault(round(bar.start.timestamp() - start.timestamp()), text)
    if len(marks) > (most := 5 if look.narrow else 12):
        keep = ceil(len(marks) / most)
        marks = dict(list(marks.items())[::keep])
    return ticks(marks, length)


def _mark_of(when: datetime, days: float, look: Look) -> str | None:
    language = look.language
    if days <= 1.2:
        hours = days * 24
        if hours <= 2:
            return language.clock(when) if when.minute % 15 == 0 else None
        every = 1 if hours <= 8 else 6 if look.narrow else 3
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


def ticks(marks: Mapping[int, str], length: float) -> Spec:
    """An axis from 0 to `length` with these texts at these places."""
    # The texts come from the calendar of the language; as JSON they are plain strings of the expression.
    return {
        "title": None,
        "scale": {"domain": [0, length], "nice": False},
        "axis": {
            "values": list(marks),
            "labelExpr": f"({json.dumps({str(at): text for at, text in marks.items()})})[datum.value]",
            "title": None,
            "grid": False,
            "labelFlush": False,
            "labelOverlap": "greedy",
            "labelSeparation": 8,
            "labelBound": False,
        },
    }


def count_axis(*, mirrored: bool = False) -> Spec:
    """An axis of numbers; `mirrored` where those below zero are only drawn downwards."""
    axis: Spec = {"title": None, "tickCount": 5, "tickMinStep": 1, "format": ",d"}
    if mirrored:
        axis["labelExpr"] = "format(abs(datum.value), ',d')"
    return {"axis": axis}
