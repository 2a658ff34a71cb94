"""How long the detections of a run stay valid: as long as nothing moves farther than about its own size.

Invariant: boxes of two runs in, a time out; it never depends on how busy the machine is.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from passerby.counting.detections import Detections


@dataclass(frozen=True, slots=True)
class CadenceParams:
    """How far the next run may be delayed. The values were chosen while counting the clips of
    docs/explanation/accuracy.md.

    `reach`: how far an object may move between two runs, in its own size (the square root of its box's area). More
    saves runs and loses associations.
    `longest`: longest delay, in intervals of the corridor: every other tick. A factor of 2 saved a quarter more of
    the network's time, and lost cyclists and people in groups.
    `sure`: confidence, in 0..1, from which a new object forbids a delay, since its speed is unknown.
    """

    reach: float = 1.0
    longest: float = 1.6
    sure: float = 0.4


PARAMS = CadenceParams()


def valid_for_ms(
    detections: Detections, velocity: NDArray[np.float32], interval_ms: int, params: CadenceParams = PARAMS
) -> float:
    """For how many ms `detections` are valid. `velocity` (n, 2) px per ms of each, NaN where it is not known;
    `interval_ms` is the corridor's interval between two runs."""
    if not len(detections):
        return params.longest * interval_ms
    unknown = np.isnan(velocity[:, 0])
    if (detections.confidence[unknown] >= params.sure).any():
        return interval_ms
    if unknown.all():
        return params.longest * interval_ms
    sides = np.maximum(1, detections.xyxy[~unknown, 2:] - detections.xyxy[~unknown, :2])
    speed = np.hypot(*velocity[~unknown].T) / np.sqrt(sides.prod(axis=1))
    factor = min(params.longest, params.reach / max(float(speed.max()), 1e-6) / interval_ms)
    return float(factor * interval_ms)
