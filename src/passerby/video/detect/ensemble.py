"""Merge the boxes of two detectors for one picture.

Invariant: boxes in, boxes out; one box of each detector is one object, so an object that both detect comes out once,
and two objects that hide each other stay two.
"""

from dataclasses import dataclass

import lap
import numpy as np
from numpy.typing import NDArray

from passerby.counting.box_ops import area, overlap
from passerby.counting.detections import KIND
from passerby.domain.labels import Label
from passerby.video.detect.nms import Boxes, joined


@dataclass(frozen=True, slots=True)
class MergeParams:
    """When the boxes of two detectors are one object (docs/decisions/0016). The values were chosen while counting the
    clips of docs/explanation/accuracy.md.

    `within`: two boxes are one object where this share of the smaller one's area lies within the other: detectors
    draw the edges of an object differently. A smaller share merges neighbours.
    `apart`: two boxes of one detector, which the other detector sees as one, are two objects where no more than this
    share of the smaller one lies within the other.
    `naming`: the kind of a motor vehicle (car, bus, ...) is believed from this share of the confidence with which the
    other detector says that it is a motor vehicle.
    """

    within: float = 0.6
    apart: float = 0.3
    naming: float = 0.7


PARAMS = MergeParams()


def merged(first: Boxes, second: Boxes, params: MergeParams = PARAMS) -> Boxes:
    """The boxes of two detectors as one set.

    Each box of one detector is paired with at most one of the other, so that the pairs overlap most in total. The
    box with the higher confidence stands for its pair. A box without a pair is kept, unless it is a second box on an
    object of a pair.
    """
    if not len(first.xyxy) or not len(second.xyxy):
        return second if len(second.xyxy) else first
    common = overlap(first.xyxy, second.xyxy)
    sizes = area(first.xyxy)[:, None], area(second.xyxy)[None]
    alike = KIND[first.class_id][:, None] == KIND[second.class_id][None]
    same = alike & (common >= params.within * np.minimum(*sizes))
    cost = np.where(same, 1 - common / (sizes[0] + sizes[1] - common), np.inf)
    _, matched, _ = lap.lapjv(np.minimum(cost, 1e6).astype(np.float64), extend_cost=True, cost_limit=1.0)
    i = np.flatnonzero(matched >= 0)
    j = matched[i]
    first_is_surer = first.confidence[i] >= second.confidence[j]
    paired = Boxes(
        np.where(first_is_surer[:, None], first.xyxy[i], second.xyxy[j]),
        np.maximum(first.confidence[i], second.confidence[j]),
        _labels_of_pairs(first, i, second, j, params.naming),
    )
    unpaired = (
        _unpaired(first, i, same.any(axis=1), params.apart),
        _unpaired(second, j, same.any(axis=0), params.apart),
    )
    return joined([paired, *unpaired])


def _unpaired(boxes: Boxes, paired: NDArray[np.intp], overlapped: NDArray[np.bool_], apart: float) -> Boxes:
    """The boxes of one detector that are in no pair, without second boxes on the objects of its pairs.

    `overlapped` (n,) bool: the other detector has a box there, which is in a pair with another box. Such a box is an
    object of its own only where the first detector clearly draws it apart from those in pairs.
    """
    kept = np.ones(len(boxes.xyxy), bool)
    kept[paired] = False
    if len(paired):
        own = boxes.xyxy[paired]
        common = overlap(boxes.xyxy, own) / np.minimum(area(boxes.xyxy)[:, None], area(own)[None])
        alike = KIND[boxes.class_id][:, None] == KIND[boxes.class_id[paired]][None]
        kept &= ~(overlapped & (alike & (common >= apart)).any(axis=1))
    return Boxes(boxes.xyxy[kept], boxes.confidence[kept], boxes.class_id[kept])


def _labels_of_pairs(
    first: Boxes, i: NDArray[np.intp], second: Boxes, j: NDArray[np.intp], naming: float
) -> NDArray[np.int64]:
    """The label of the surer box of each pair; that of the less sure one where it alone names a kind of motor vehicle
    and is sure enough of it."""
    confidence = np.stack([first.confidence[i], second.confidence[j]])
    labels = np.stack([first.class_id[i], second.class_id[j]])
    surer = (confidence[1] > confidence[0]).astype(np.int64)
    rows = np.arange(len(i))
    label, alternative = labels[surer, rows], labels[1 - surer, rows]
    is_named = (label == Label.VEHICLE) & (confidence[1 - surer, rows] >= naming * confidence[surer, rows])
    return np.asarray(np.where(is_named, alternative, label), np.int64)
