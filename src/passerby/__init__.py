"""How many, never who: counts of people, cyclists and vehicles across lines, from fixed cameras.

Invariant: importing this loads no numpy and no av; what needs them is loaded when it is first asked for.
"""

from typing import TYPE_CHECKING, Any

from passerby.domain.geometry import Line
from passerby.errors import PasserbyError

if TYPE_CHECKING:
    from passerby.counting.counts import BinCount, Cost, Counts, Crossing, TotalCount
    from passerby.domain.labels import Label
    from passerby.recordings.pipeline import count

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
        from passerby.recordings.pipeline import count

        return count
    if name == "Label":
        from passerby.domain.labels import Label

        return Label
    if name in __all__:
        from passerby.counting import counts

        return getattr(counts, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
