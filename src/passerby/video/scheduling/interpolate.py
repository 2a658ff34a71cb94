"""Where boxes are between two looks: they move evenly from one to the other.

Invariant: boxes in, boxes out; who is seen in one look alone is nowhere in between.
"""

from typing import NamedTuple

import lap
import numpy as np
from numpy.typing import NDArray

from passerby.counting.detections import KIND, Detections
from passerby.domain.labels import Label

GATE = 1.0
"""How far from where it is expected a body may be, in its own widths and heights."""
GROWTH_COST = 0.5
"""What doubling or halving a side costs, in the same measure."""

KIND_COST = 0.25
"""What a change between walker and cycle costs: a rider is seen now as the one, now as the other."""


class Paired(NamedTuple):
    """Rows of a look, `first`, and of the next, `second`, that are one body."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]


def between(first: Detections, second: Detections, paired: Paired, time_ms: int) -> Detections:
    """What two looks, of which one is before `time_ms` and one after, tell of that instant."""
    one, other = paired
    share = (time_ms - first.time_ms) / (second.time_ms - first.time_ms)
    return Detections(
        time_ms,
        (first.xyxy[one] * (1 - share) + second.xyxy[other] * share).astype(np.float32),
        ((first.confidence[one] + second.confidence[other]) / 2).astype(np.float32),
        # The nearer look's: the surer one's would give what is named faintly no voice.
        first.class_id[one] if share < 0.5 else second.class_id[other],
    )


def velocities(first: Detections, second: Detections, paired: Paired) -> NDArray[np.float32]:
    """Of each row of `second` (n, 2) px per ms, NaN for who was not in `first`."""
    found = np.full((len(second), 2), np.nan, np.float32)
    one, other = first.xyxy[paired.first], second.xyxy[paired.second]
    moved = (other[:, :2] + other[:, 2:] - one[:, :2] - one[:, 2:]) / 2
    found[paired.second] = moved / max(1, second.time_ms - first.time_ms)
    return found


def pairs(first: Detections, second: Detections, velocity: NDArray[np.float32]) -> Paired:
    """Who is in both looks, each at most once: of least total cost, where `first` are expected by their `velocity`,
    NaN where it is not known."""
    if not len(first) or not len(second):
        return Paired(np.empty(0, np.int64), np.empty(0, np.int64))
    sizes = [np.maximum(1, one.xyxy[:, 2:] - one.xyxy[:, :2]) for one in (first, second)]
    centres = [(one.xyxy[:, :2] + one.xyxy[:, 2:]) / 2 for one in (first, second)]
    centres[0] = centres[0] + np.nan_to_num(velocity) * (second.time_ms - first.time_ms)
    mean = np.sqrt(sizes[0][:, None] * sizes[1][None])
    offset = np.abs(centres[0][:, None] - centres[1][None]) / mean
    growth = np.abs(np.log(sizes[0][:, None] / sizes[1][None])).sum(axis=2)
    cost = np.hypot(offset[..., 0], offset[..., 1]) / GATE + GROWTH_COST * growth
    kinds = KIND[first.class_id][:, None], KIND[second.class_id][None]
    cost += np.where(kinds[0] != kinds[1], KIND_COST, 0)
    cost[(kinds[0] == Label.VEHICLE) != (kinds[1] == Label.VEHICLE)] = np.inf
    _, matched, _ = lap.lapjv(np.minimum(cost, 1e6).astype(np.float64), extend_cost=True, cost_limit=1.0)
    one = np.flatnonzero(matched >= 0)
    return Paired(one, matched[one].astype(np.int64))
