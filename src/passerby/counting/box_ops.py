"""Operations on the boxes of one tick: overlaps, riders with their cycles, and detections together with motion.

Invariant: boxes in, boxes out; each body has one box in the result.
"""

import numpy as np
from numpy.typing import NDArray

from passerby.counting.detections import Detections
from passerby.domain.labels import CYCLES, Label

MAX_UNCLASSIFIED = 12
"""More moving boxes than this that no detection explains are edges: the camera itself moves."""

_Boxes = NDArray[np.float32]


def shared(a: _Boxes, b: _Boxes) -> NDArray[np.float32]:
    """Areas in px2 that boxes (..., 4) share with boxes (..., 4), pair by pair as numpy broadcasts them."""
    sides = np.maximum(0, np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2]))
    return np.asarray(sides[..., 0] * sides[..., 1], np.float32)


def overlap(a: _Boxes, b: _Boxes) -> NDArray[np.float32]:
    """Areas (n, m) in px2 that each of n boxes shares with each of m."""
    return shared(a[:, None], b[None, :])


def area(boxes: _Boxes) -> NDArray[np.float32]:
    """Areas (n,) in px2 of n boxes, above 0."""
    sides = np.maximum(1e-3, boxes[:, 2:] - boxes[:, :2])
    return np.asarray(sides[:, 0] * sides[:, 1], np.float32)


def riders(seen: Detections) -> Detections:
    """Each person on a bicycle or motorcycle joined with that cycle: its box grows around both, the person is gone."""
    person = np.flatnonzero(seen.class_id == Label.PERSON)
    cycle = np.flatnonzero(np.isin(seen.class_id, sorted(CYCLES)))
    if not len(person) or not len(cycle):
        return seen
    p, c = seen.xyxy[person], seen.xyxy[cycle]
    common = overlap(p, c) / np.minimum(area(p)[:, None], area(c)[None, :])
    # A rider sits over the wheels; a pedestrian who passes a parked bicycle seldom does.
    middle, width = (p[:, 0] + p[:, 2]) / 2, c[:, 2] - c[:, 0]
    over = (middle[:, None] > c[:, 0] - 0.1 * width) & (middle[:, None] < c[:, 2] + 0.1 * width)
    common = np.where(over & (common > 0.25), common, 0)
    xyxy, confidence = seen.xyxy.copy(), seen.confidence.copy()
    gone = np.zeros(len(seen), bool)
    while (best := common.max()) > 0:
        i, j = np.argwhere(common == best)[0]
        k = cycle[j]
        xyxy[k, :2] = np.minimum(xyxy[k, :2], p[i, :2])
        xyxy[k, 2:] = np.maximum(xyxy[k, 2:], p[i, 2:])
        confidence[k] = max(confidence[k], confidence[person[i]])
        gone[person[i]] = True
        common[i, :] = 0
        common[:, j] = 0
    gone |= _parts(xyxy, seen.class_id, gone)
    return Detections(seen.time_ms, xyxy[~gone], confidence[~gone], seen.class_id[~gone])


def _parts(xyxy: _Boxes, class_id: NDArray[np.int64], gone: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(n,) whether a person or cycle lies within a larger cycle: a second detection of its rider or its wheels."""
    cycle = np.isin(class_id, sorted(CYCLES))
    size = area(xyxy)
    inside = overlap(xyxy, xyxy) / size[:, None]
    inside[:, ~cycle | gone] = 0
    inside[size[:, None] >= size[None, :]] = 0
    return np.asarray((inside > 0.7).any(axis=1) & (cycle | (class_id == Label.PERSON)))


def complete(seen: Detections, moved: Detections) -> Detections:
    """`seen`, and those of `moved` that no box of `seen` explains, with a confidence of 0; none of these where there
    are so many that the camera itself moves, unless nothing was detected. All of `moved` is kept beside them."""
    keep = np.ones(len(moved), bool)
    if len(seen) and len(moved):
        common = overlap(moved.xyxy, seen.xyxy)
        covered = common.sum(axis=1) / area(moved.xyxy)
        inside = (common / area(seen.xyxy)).max(axis=1)
        keep = (covered < 0.3) & (inside < 0.6)
        keep &= np.count_nonzero(keep) <= MAX_UNCLASSIFIED
    return Detections(
        seen.time_ms,
        np.concatenate([seen.xyxy, moved.xyxy[keep]]),
        np.concatenate([seen.confidence, np.zeros(int(keep.sum()), np.float32)]),
        np.concatenate([seen.class_id, moved.class_id[keep]]),
        moved,
    )
