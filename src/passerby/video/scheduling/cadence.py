"""How long a look is good for: as long as nothing that was seen goes farther than about its own size.

Invariant: boxes of two looks in, a time out; it never depends on how busy anything is.
"""

import numpy as np
from numpy.typing import NDArray

from passerby.counting.detections import Detections

REACH = 1.0
"""How far a body may go from look to look, in its own size (the root of its box)."""
LONGEST = 1.6
"""A look is good for at most so many times the time between looks that the corridor asks for: every other tick. Twice
that saved a quarter more of the network's time and lost cyclists and people in groups."""
SURE = 0.4
"""Confidence from which who is new is believed, and looked at again as soon as may be: how fast they are is unknown."""


def good_for_ms(seen: Detections, velocity: NDArray[np.float32], look_ms: int) -> float:
    """How long what was `seen` tells where things are, with their `velocity` (n, 2) px per ms, NaN where it is not
    known."""
    if not len(seen):
        return LONGEST * look_ms
    unknown = np.isnan(velocity[:, 0])
    if (seen.confidence[unknown] >= SURE).any():
        return look_ms
    if unknown.all():
        return LONGEST * look_ms
    sides = np.maximum(1, seen.xyxy[~unknown, 2:] - seen.xyxy[~unknown, :2])
    speed = np.hypot(*velocity[~unknown].T) / np.sqrt(sides.prod(axis=1))
    return float(min(LONGEST, REACH / max(float(speed.max()), 1e-6) / look_ms) * look_ms)
