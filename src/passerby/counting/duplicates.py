"""Whether two crossings of one line are one body seen twice.

Invariant: two paths and their crossings in, yes or no out; both must cross in one direction at nearly one time.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from passerby.counting.box_ops import area, shared
from passerby.counting.kinds import kind_of
from passerby.counting.line_test import Passage
from passerby.counting.parameters import CrossingParams
from passerby.counting.paths import Path
from passerby.domain.labels import CYCLES, Label


class Event(NamedTuple):
    """A path and one of its crossings."""

    passage: Passage
    path: Path


def are_one_body(first: Event, second: Event, params: CrossingParams) -> bool:
    """Whether two crossings of one line are of one body, by how their boxes overlap at the same ticks."""
    if first.passage.direction != second.passage.direction:
        return False
    crossed_ms = first.passage.time_ms
    if abs(crossed_ms - second.passage.time_ms) > params.duplicate_ms:
        return False
    # Boxes of the same tick are compared: a queue crosses at one place, one after another.
    common_ms = np.intersect1d(first.path.time_ms, second.path.time_ms)
    if not len(common_ms):
        return False
    here = first.path.xyxy[np.isin(first.path.time_ms, common_ms)]
    there = second.path.xyxy[np.isin(second.path.time_ms, common_ms)]
    # A stretch of path that both have from the time when they were one box is no evidence.
    differs = (here != there).any(axis=1)
    if not differs.any():
        return True
    here, there = here[differs], there[differs]
    elapsed_ms = np.abs(common_ms[differs] - crossed_ms)
    at_line = elapsed_ms <= params.duplicate_ms
    if _drift(here[at_line], there[at_line]) > params.max_drift:
        return False
    near = elapsed_ms <= params.compare_ms
    if near.any():
        here, there = here[near], there[near]
    return _overlap_enough(first.path, second.path, here, there, params)


def _overlap_enough(
    first: Path, second: Path, here: NDArray[np.float32], there: NDArray[np.float32], params: CrossingParams
) -> bool:
    """Whether boxes (n, 4) of two paths at the same ticks overlap as those of one body do."""
    common = shared(here, there)
    inside = float(np.median(common / np.minimum(area(here), area(there))))
    iou = float(np.median(common / (area(here) + area(there) - common)))
    confidences = first.total_confidence, second.total_confidence
    is_motion = min(confidences) == 0
    is_echo = min(confidences) < params.echo_share * max(confidences)
    kinds = kind_of(first, params), kind_of(second, params)
    if kinds[0] != kinds[1] and Label.VEHICLE in kinds and not is_motion and not is_echo:
        # A pedestrian or rider in front of a car lies within its box for a while; a part of the car always does.
        return iou > params.vehicle_iou or inside > params.vehicle_inside
    if is_motion or kinds[0] != kinds[1] or kinds[0] in CYCLES or is_echo:
        return inside > params.loose_inside
    # A box within a box of its kind is a part of it, a head or a hand; two pedestrians cover each other less.
    return iou > params.same_kind_iou or inside > params.same_kind_inside


def _drift(here: NDArray[np.float32], there: NDArray[np.float32]) -> float:
    """How far two paths (n, 4) px move steadily apart, from third to third of their time, in sizes of the smaller one;
    0 for paths too short to have thirds."""
    third = len(here) // 3
    if third < 2:
        return 0.0
    between = (there[:, :2] + there[:, 2:] - here[:, :2] - here[:, 2:]) / 2
    at = [np.median(part, axis=0) for part in (between[:third], between[third:-third], between[-third:])]
    size = np.minimum(*(np.median(path[:, 2:] - path[:, :2], axis=0) for path in (here, there)))
    steps = np.array([at[1] - at[0], at[2] - at[1]]) / np.maximum(1, size)
    steady = np.where(steps[0] * steps[1] > 0, np.abs(steps).min(axis=0), 0)
    return float(steady.max())
