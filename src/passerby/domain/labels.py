"""The closed list of classes that can be counted.

Invariant: standard library only; a label is the kind of an object, and never a trait of a person.
"""

from collections.abc import Collection
from enum import IntEnum


class Label(IntEnum):
    """The classes, a closed list without identities or traits. `VEHICLE` is a motor vehicle of unknown class;
    `UNKNOWN` is an object that crossed and could not be told apart.

    >>> [label.text for label in passerby.Label][:3]
    ['person', 'bicycle', 'motorcycle']
    """

    PERSON = 0
    BICYCLE = 1
    MOTORCYCLE = 2
    CAR = 3
    BUS = 4
    TRUCK = 5
    VEHICLE = 6
    UNKNOWN = 7

    @property
    def text(self) -> str:
        """The name in lower case."""
        return self.name.lower()


CYCLES = frozenset({Label.BICYCLE, Label.MOTORCYCLE})
"""Labels with a rider."""
MOTOR_VEHICLES = frozenset({Label.MOTORCYCLE, Label.CAR, Label.BUS, Label.TRUCK, Label.VEHICLE})

LABELS = tuple(label.text for label in Label)
"""The names of all labels, as in the site file, the API and the outputs."""


def label_of(text: str) -> Label:
    """The label of a lower-case name. Raises KeyError when there is none."""
    return Label[text.upper()]


def reported(label: Label, wanted: Collection[Label]) -> Label | None:
    """The label among `wanted` under which a crossing of `label` is reported: itself, or `VEHICLE` for a motor vehicle
    whose own label is not wanted; None where neither is wanted, as for `UNKNOWN` where that is not wanted."""
    if label in wanted:
        return label
    return Label.VEHICLE if label in MOTOR_VEHICLES and Label.VEHICLE in wanted else None
