"""What all charts have in common: colours, widths, words, and the frame that marks are drawn in.

Invariant: every mark that stands for a number is named, so that a style sheet can colour it too.
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
class Look:
    """How wide a chart is, and in whose words; `title` lines are for a picture that stands alone."""

    language: Language
    width_px: int = WIDE_PX
    title: tuple[str, ...] = ()

    @property
    def narrow(self) -> bool:
        return self.width_px < 600


def framed(look: Look, height: float, layers: list[Spec], axes: Mapping[str, Spec]) -> Spec:
    """The layers on axes of their own, which the first layer with such a channel says."""
    for channel, said in axes.items():
        for layer in layers:
            found = layer["encoding"].get(channel)
            if found is not None and "value" not in found:
                found.update(said)
                break
    return {**base(look), "width": look.width_px, "height": round(height), "layer": layers}


def base(look: Look) -> Spec:
    """What a chart of this look begins with."""
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
