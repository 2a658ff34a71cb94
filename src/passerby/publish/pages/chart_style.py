"""The style that all charts share: colours, widths, fonts, number format and frame.

Invariant: every mark that shows a number has a name, so that a style sheet can colour it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from passerby.publish.pages.languages import Language

Spec = dict[str, Any]

WIDE_PX, NARROW_PX = 760, 340

FIRST, FIRST_PALE = "#1f6f78", "#b9d6d8"
SECOND, SECOND_PALE = "#a4552a", "#ecd2c2"
INK, SOFT, RULE, WHISKER = "#1d2a2e", "#55656b", "#dfe4e4", "#7d8b90"

_FONT = "system-ui, 'Segoe UI', Roboto, 'Liberation Sans', Arial, sans-serif"


@dataclass(frozen=True, slots=True)
class ChartStyle:
    """The width and the language of a chart; `title` lines are for an image that is shown without the page."""

    language: Language
    width_px: int = WIDE_PX
    title: tuple[str, ...] = ()

    @property
    def narrow(self) -> bool:
        return self.width_px < 600


def framed(style: ChartStyle, height: float, layers: list[Spec], axes: Mapping[str, Spec]) -> Spec:
    """A chart of these layers; each axis is added to the first layer that has its channel."""
    for channel, axis in axes.items():
        for layer in layers:
            encoding = layer["encoding"].get(channel)
            if encoding is not None and "value" not in encoding:
                encoding.update(axis)
                break
    return {**base(style), "width": style.width_px, "height": round(height), "layer": layers}


def base(style: ChartStyle) -> Spec:
    """The part of the specification that all charts of this style share."""
    spec: Spec = {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "background": "white" if style.title else None,
        "padding": 16 if style.title else 0,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "config": {
            "aria": False,
            "font": _FONT,
            "locale": {"number": _number_format(style.language)},
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
    if style.title:
        spec["title"] = {"text": style.title[0], "subtitle": list(style.title[1:])}
    return spec


def _number_format(language: Language) -> Spec:
    """The number format of a language, as Vega describes it."""
    symbols = language.locale.number_symbols["latn"]
    return {
        "decimal": str(symbols["decimal"]),
        "thousands": str(symbols["group"]),
        "grouping": [3],
        "currency": ["", ""],
    }
