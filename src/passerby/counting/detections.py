"""The two data types of counting: the boxes of one tick, and the boxes of tracks within one chunk.

Invariant: a box has a place, a size, a class and a confidence; there is no field for the look of a body.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from passerby.domain.labels import CYCLES, MOTOR_VEHICLES, Label

KIND: NDArray[np.int64] = np.array(
    [
        Label.BICYCLE if label in CYCLES else Label.VEHICLE if label in MOTOR_VEHICLES else label
        for label in Label
    ],
    np.int64,
)
"""(8,) for each label its kind: person, two-wheeler, motor vehicle or unknown. Detectors waver between the classes of a
kind."""


class Light(NamedTuple):
    """The light of the corridors at `time_ms` (Unix ms UTC): `contrast` between the darkest and the lightest part,
    0..1, and `noise`, its standard deviation in steps of 255."""

    time_ms: int
    contrast: float
    noise: float


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """The boxes of one tick. `xyxy` (n, 4) float32 px of the full frame; `confidence` (n,) float32 in 0..1, 0 for a
    box of motion to which no detector gave a class; `class_id` (n,) int64, a `Label` each, by shape where the
    confidence is 0; `time_ms` Unix ms UTC. n may be 0. `moved`: all boxes of motion, those too that boxes of a
    detector replace; None where motion is not detected. `light`: measured in some ticks alone."""

    time_ms: int
    xyxy: NDArray[np.float32]
    confidence: NDArray[np.float32]
    class_id: NDArray[np.int64]
    moved: "Detections | None" = None
    light: Light | None = None

    def __len__(self) -> int:
        return len(self.xyxy)


@dataclass(frozen=True, slots=True, eq=False)
class Tracks:
    """`Detections` of many instants, sorted by time, one row per box: `time_ms` (n,) int64,
    `xyxy` (n, 4) float32 px, `confidence` (n,) float32, `class_id` (n,) int64 and
    `tracker_id` (n,) int64, which has no meaning outside its chunk and ends in `find_crossings`."""

    time_ms: NDArray[np.int64]
    xyxy: NDArray[np.float32]
    confidence: NDArray[np.float32]
    class_id: NDArray[np.int64]
    tracker_id: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.xyxy)


def no_detections(time_ms: int) -> Detections:
    """A tick without a box."""
    return Detections(
        time_ms,
        np.empty((0, 4), np.float32),
        np.empty(0, np.float32),
        np.empty(0, np.int64),
    )
