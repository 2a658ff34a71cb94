"""The two currencies of counting: boxes of one instant, and boxes tied together within one chunk.

Law: a box says where and what kind; there is no field for anything else, and nowhere to put a likeness.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray


class Label(IntEnum):
    """Closed: nothing about *who* can be said. `VEHICLE` is any motor vehicle whose kind is not known."""

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

KIND: NDArray[np.int64] = np.array(
    [
        Label.BICYCLE if label in CYCLES else Label.VEHICLE if label in MOTOR_VEHICLES else label
        for label in Label
    ],
    np.int64,
)
"""(7,) of each label: person, two-wheeler or motor vehicle. Kinds of motor vehicle are named anew in every picture."""


def label_of(text: str) -> Label:
    """The label of a lower-case name. Raises KeyError when there is none."""
    return Label[text.upper()]


def reported(label: Label, wanted: Collection[Label]) -> Label | None:
    """As what a crossing of `label` is counted where only `wanted` are: a motor vehicle of a kind that is not among
    them is a vehicle, if that is."""
    if label in wanted:
        return label
    return Label.VEHICLE if label in MOTOR_VEHICLES and Label.VEHICLE in wanted else None


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """Boxes of one instant. `xyxy` (n, 4) float32 px of the full frame; `confidence` (n,) float32 in 0..1, 0 for
    what only moved and no detector named; `class_id` (n,) int64, a `Label` each; `time_ms` Unix milliseconds
    UTC. n may be 0."""

    time_ms: int
    xyxy: NDArray[np.float32]
    confidence: NDArray[np.float32]
    class_id: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.xyxy)


@dataclass(frozen=True, slots=True, eq=False)
class Tracks:
    """`Detections` of many instants, sorted by time, one row per box: `time_ms` (n,) int64,
    `xyxy` (n, 4) float32 px, `confidence` (n,) float32, `class_id` (n,) int64 and
    `tracker_id` (n,) int64, which means nothing outside its chunk and dies in `tally`."""

    time_ms: NDArray[np.int64]
    xyxy: NDArray[np.float32]
    confidence: NDArray[np.float32]
    class_id: NDArray[np.int64]
    tracker_id: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.xyxy)


def no_detections(time_ms: int) -> Detections:
    """A tick on which nothing was seen."""
    return Detections(
        time_ms,
        np.empty((0, 4), np.float32),
        np.empty(0, np.float32),
        np.empty(0, np.int64),
    )
