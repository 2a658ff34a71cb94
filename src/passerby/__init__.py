"""How many, never who: counts of people, cyclists and vehicles across lines, from fixed cameras.

Law: importing this loads no numpy and no av; what needs them is loaded when it is first asked for.
"""

from typing import TYPE_CHECKING, Any

from passerby.errors import PasserbyError
from passerby.geometry import Line

if TYPE_CHECKING:
    from passerby.counting.counts import BinCount, Cost, Counts, Crossing, TotalCount
    from passerby.counting.detections import Label
    from passerby.pipeline import count

__version__ = "0.1.0"
__all__ = [
    "BinCount",
    "Cost",
    "Counts",
    "Crossing",
    "Label",
    "Line",
    "PasserbyError",
    "TotalCount",
    "count",
]


def __getattr__(name: str) -> Any:
    if name == "count":
        from passerby.pipeline import count

        return count
    if name == "Label":
        from passerby.counting.detections import Label

        return Label
    if name in __all__:
        from passerby.counting import counts

        return getattr(counts, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
