"""One set of boxes of what two detectors see in one picture.

Invariant: boxes in, boxes out; one box of each detector is one body, so nobody is seen twice and two who hide each
other stay two.
"""

import lap
import numpy as np
from numpy.typing import NDArray

from passerby.counting.box_ops import area, overlap
from passerby.counting.detections import KIND
from passerby.domain.labels import Label
from passerby.video.detect.nms import Boxes, joined

WITHIN = 0.6
"""Share of the smaller of two boxes that lies within the other, from which they are one thing: detectors draw its
edges differently."""
APART = 0.3
"""Share of the smaller of two boxes of one detector that may lie within the other, where it tells two apart whom the
other detector sees as one."""
NAMING = 0.7
"""Share of the confidence that something is a motor vehicle, with which its kind must be named to be believed."""


def agreed(first: Boxes, second: Boxes) -> Boxes:
    """Each box of one paired with at most one of the other, the likest pairs of all; the surer box of each pair with
    the surer one's confidence. What only one of them sees stands, unless it is an echo of a pair."""
    if not len(first.xyxy) or not len(second.xyxy):
        return second if len(second.xyxy) else first
    common = overlap(first.xyxy, second.xyxy)
    sizes = area(first.xyxy)[:, None], area(second.xyxy)[None]
    alike = KIND[first.class_id][:, None] == KIND[second.class_id][None]
    one = alike & (common >= WITHIN * np.minimum(*sizes))
    cost = np.where(one, 1 - common / (sizes[0] + sizes[1] - common), np.inf)
    _, matched, _ = lap.lapjv(np.minimum(cost, 1e6).astype(np.float64), extend_cost=True, cost_limit=1.0)
    i = np.flatnonzero(matched >= 0)
    j = matched[i]
    surer = first.confidence[i] >= second.confidence[j]
    paired = Boxes(
        np.where(surer[:, None], first.xyxy[i], second.xyxy[j]),
        np.maximum(first.confidence[i], second.confidence[j]),
        _named(first, i, second, j),
    )
    return joined([paired, _alone(first, i, one.any(axis=1)), _alone(second, j, one.any(axis=0))])


def _alone(boxes: Boxes, paired: NDArray[np.intp], met: NDArray[np.bool_]) -> Boxes:
    """What is in no pair. One that the other detector's boxes have `met` (n,) is told apart from those in pairs by who
    saw both, or is an echo."""
    kept = np.ones(len(boxes.xyxy), bool)
    kept[paired] = False
    if len(paired):
        own = boxes.xyxy[paired]
        common = overlap(boxes.xyxy, own) / np.minimum(area(boxes.xyxy)[:, None], area(own)[None])
        alike = KIND[boxes.class_id][:, None] == KIND[boxes.class_id[paired]][None]
        kept &= ~(met & (alike & (common >= APART)).any(axis=1))
    return Boxes(boxes.xyxy[kept], boxes.confidence[kept], boxes.class_id[kept])


def _named(first: Boxes, i: NDArray[np.intp], second: Boxes, j: NDArray[np.intp]) -> NDArray[np.int64]:
    """The surer one's label; the other's where that alone names a kind, and is sure enough."""
    sure = np.stack([first.confidence[i], second.confidence[j]])
    labels = np.stack([first.class_id[i], second.class_id[j]])
    best = (sure[1] > sure[0]).astype(np.int64)
    rows = np.arange(len(i))
    said, other = labels[best, rows], labels[1 - best, rows]
    kind = (said == Label.VEHICLE) & (sure[1 - best, rows] >= NAMING * sure[best, rows])
    return np.asarray(np.where(kind, other, said), np.int64)
