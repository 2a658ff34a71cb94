"""The closed list of classes that can be counted.

Invariant: standard library only; a label says what kind of thing passed, and never anything about a person.
"""

from collections.abc import Collection
from enum import IntEnum


class Label(IntEnum):
    """Closed: nothing about *who* can be said. `VEHICLE` is any motor vehicle whose kind is not known.

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

    @property
    def text(self) -> str:
        return self.name.lower()


CYCLES = frozenset({Label.BICYCLE, Label.MOTORCYCLE})
"""What has a rider."""
MOTOR_VEHICLES = frozenset({Label.MOTORCYCLE, Label.CAR, Label.BUS, Label.TRUCK, Label.VEHICLE})

LABELS = tuple(label.text for label in Label)
"""The same, as the site file, the API and the files name them."""


def label_of(text: str) -> Label:
    """The label of a lower-case name. Raises KeyError when there is none."""
    return Label[text.upper()]


def reported(label: Label, wanted: Collection[Label]) -> Label | None:
    """As what a crossing of `label` is counted where only `wanted` are: a motor vehicle of a kind that is not among
    them is a vehicle, if that is."""
    if label in wanted:
        return label
    return Label.VEHICLE if label in MOTOR_VEHICLES and Label.VEHICLE in wanted else None
