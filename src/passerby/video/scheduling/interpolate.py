"""Boxes at the ticks between two runs of the detectors, by linear interpolation.

Invariant: boxes in, boxes out; an object that is detected in one of the two runs alone has no box in between.
"""

from dataclasses import dataclass
from typing import NamedTuple

import lap
import numpy as np
from numpy.typing import NDArray

from passerby.counting.detections import KIND, Detections
from passerby.domain.labels import Label


@dataclass(frozen=True, slots=True)
class PairingParams:
    """The costs by which the boxes of two runs are paired. The values were chosen while counting the clips of
    docs/explanation/accuracy.md.

    `gate`: how far from its expected place a box may lie, in its own widths and heights: a cost of 1. A wider gate
    pairs faster objects, and confuses neighbours.
    `growth`: cost of a side that doubles or halves, per unit of the natural logarithm.
    `kind`: cost of a change between person and two-wheeler: a detector names a rider now one, now the other.
    """

    gate: float = 1.0
    growth: float = 0.5
    kind: float = 0.25


PARAMS = PairingParams()


class Pairs(NamedTuple):
    """Rows of a run, `first`, and of the next, `second`, (m,) each, that are the same object."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]


def interpolated(before: Detections, after: Detections, paired: Pairs, time_ms: int) -> Detections:
    """The paired objects at `time_ms`, which lies between the runs `before` and `after`."""
    first, second = paired
    share = (time_ms - before.time_ms) / (after.time_ms - before.time_ms)
    return Detections(
        time_ms,
        (before.xyxy[first] * (1 - share) + after.xyxy[second] * share).astype(np.float32),
        ((before.confidence[first] + after.confidence[second]) / 2).astype(np.float32),
        # The label of the nearer run: that of the surer one would leave a faintly named object no vote.
        before.class_id[first] if share < 0.5 else after.class_id[second],
    )


def velocities(before: Detections, after: Detections, paired: Pairs) -> NDArray[np.float32]:
    """(n, 2) px per ms of each row of `after`, NaN where it has no pair in `before`."""
    velocity = np.full((len(after), 2), np.nan, np.float32)
    first, second = before.xyxy[paired.first], after.xyxy[paired.second]
    moved = (second[:, :2] + second[:, 2:] - first[:, :2] - first[:, 2:]) / 2
    velocity[paired.second] = moved / max(1, after.time_ms - before.time_ms)
    return velocity


def pairs(
    before: Detections, after: Detections, velocity: NDArray[np.float32], params: PairingParams = PARAMS
) -> Pairs:
    """The pairs of least total cost, each row in one pair at most. The rows of `before` are expected where their
    `velocity` (n, 2) px per ms leads, or at the same place where it is NaN."""
    if not len(before) or not len(after):
        return Pairs(np.empty(0, np.int64), np.empty(0, np.int64))
    sizes = [np.maximum(1, run.xyxy[:, 2:] - run.xyxy[:, :2]) for run in (before, after)]
    centres = [(run.xyxy[:, :2] + run.xyxy[:, 2:]) / 2 for run in (before, after)]
    centres[0] = centres[0] + np.nan_to_num(velocity) * (after.time_ms - before.time_ms)
    mean = np.sqrt(sizes[0][:, None] * sizes[1][None])
    offset = np.abs(centres[0][:, None] - centres[1][None]) / mean
    growth = np.abs(np.log(sizes[0][:, None] / sizes[1][None])).sum(axis=2)
    cost = np.hypot(offset[..., 0], offset[..., 1]) / params.gate + params.growth * growth
    kinds = KIND[before.class_id][:, None], KIND[after.class_id][None]
    cost += np.where(kinds[0] != kinds[1], params.kind, 0)
    cost[(kinds[0] == Label.VEHICLE) != (kinds[1] == Label.VEHICLE)] = np.inf
    _, matched, _ = lap.lapjv(np.minimum(cost, 1e6).astype(np.float64), extend_cost=True, cost_limit=1.0)
    first = np.flatnonzero(matched >= 0)
    return Pairs(first, matched[first].astype(np.int64))
