"""What is left undone to save work: each saving has a name and can be done without.

Invariant: settings alone; what they do is written where it is done.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace

from passerby.errors import InputError


@dataclass(frozen=True, slots=True)
class Savings:
    """Which savings are made; docs/explanation/speed.md has what each gains and costs.

    `cadence`: detectors look at a pace that the corridor's width gives, and boxes move evenly in between.
    `pace`: a look is good for longer where what was seen is slow, or nothing was. Needs `cadence`. Not with `auto`.
    `gate`: they look only where the corridor has changed since they last looked.
    `hold`: all is looked at anew each 12 s and not each 4. Needs `gate`.
    `crops`: they are shown what has changed, and not all of the corridor. Needs `gate`.
    `fit`: what they are shown has about as many pixels as they are made for, and near corridors are shown together.
    `filter`: of large pictures, the decoder leaves out the filter that smooths edges of blocks.
    """

    cadence: bool = True
    pace: bool = True
    gate: bool = True
    hold: bool = True
    crops: bool = True
    fit: bool = True
    filter: bool = True


NAMES = tuple(field.name for field in fields(Savings))

ALL = Savings()
NONE = Savings(**dict.fromkeys(NAMES, False))
PRIVATE = replace(ALL, pace=False, hold=False, crops=False, filter=False)
"""What the private path may do. Crops and a pace made by what moves let one body change what is seen of another; what
is held for long, and a picture decoded without its filter, keep what was before for longer than they need."""


def without(names: Iterable[str]) -> Savings:
    """All savings but those, none but `all`. Raises InputError for a name that is none."""
    left_out = list(names)
    if left_out == ["all"]:
        return NONE
    for name in left_out:
        if name not in NAMES:
            raise InputError(f"without {name!r}: expected all, or some of {', '.join(NAMES)}")
    return replace(ALL, **dict.fromkeys(left_out, False))
