"""Optimizations that make detection cheaper. Each has a name and can be disabled on its own.

Invariant: settings alone; each optimization is implemented and explained where it is applied.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace

from passerby.errors import InputError
from passerby.video.detect.selection import BEST


@dataclass(frozen=True, slots=True)
class Optimizations:
    """Which optimizations are on. docs/explanation/speed.md lists the gain and the cost of each.

    `cadence`: run the detector at an interval that depends on the corridor's width, and interpolate boxes between two
    runs.
    `pace`: wait longer between two runs while everything in the corridor is slow, or the corridor is empty. Needs
    `cadence`. Always off for the detector `best`.
    `gate`: run the detector only where the picture has changed since the last run there.
    `hold`: run the detector on the whole corridor every 12 s in place of every 4 s. Needs `gate`.
    `crops`: run the detector on the changed parts of the corridor alone. Needs `gate`.
    `fit`: scale a picture down to about the number of pixels that the detector was trained for, and show corridors
    that lie close together in one picture.
    `filter`: decode large pictures without the deblocking filter.

    >>> passerby.Optimizations(crops=False).gate
    True
    """

    cadence: bool = True
    pace: bool = True
    gate: bool = True
    hold: bool = True
    crops: bool = True
    fit: bool = True
    filter: bool = True


NAMES = tuple(field.name for field in fields(Optimizations))

ALL = Optimizations()
NONE = Optimizations(**dict.fromkeys(NAMES, False))
PRIVATE = replace(ALL, pace=False, hold=False, crops=False, filter=False)
"""The optimizations of private releases. With `crops` or `pace`, one object could change how another one is detected.
With `hold`, or without the deblocking filter, a picture would influence detection for longer than it needs to."""


def suited(detector: str) -> Optimizations:
    """The optimizations that suit the detector of that name, where nothing private limits them."""
    # `best` prefers accuracy: longer intervals between runs of the detector cost one crossing in eighty.
    return replace(ALL, pace=detector != BEST)


def disabled(names: Iterable[str]) -> Optimizations:
    """All optimizations but those named; none at all for `["all"]`.

    Raises InputError for an unknown name.
    """
    off = list(names)
    if off == ["all"]:
        return NONE
    for name in off:
        if name not in NAMES:
            raise InputError(f"optimization {name!r}: expected all, or some of {', '.join(NAMES)}")
    return replace(ALL, **dict.fromkeys(off, False))
