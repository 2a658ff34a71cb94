"""The two currencies of counting: boxes of one instant, and boxes tied together within one chunk.

Invariant: a box says where and what kind; there is no field for anything else, and nowhere to put a likeness.
"""

from dataclasses import dataclass

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
"""(7,) of each label: person, two-wheeler or motor vehicle. Kinds of motor vehicle are named anew in every picture."""


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
