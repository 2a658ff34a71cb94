"""The boxes of a detector for one image, and non-maximum suppression (NMS).

Invariant: arrays in, arrays out; no image, no model.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from passerby.domain.labels import MOTOR_VEHICLES, Label

DEFAULT_IOU = 0.45
"""Two boxes of one class that overlap more than this (intersection over union) are one object."""


class Boxes(NamedTuple):
    """`xyxy` (n, 4) float32: left, top, right, bottom, px of the image; `confidence` (n,) float32 in 0..1;
    `class_id` (n,) int64, a `Label` each; the highest confidence first. n may be 0.

    >>> boxes = passerby.Boxes.of([(10, 20, 40, 90, 0.8, passerby.Label.PERSON)])
    >>> boxes.xyxy.tolist(), boxes.class_id.tolist()
    ([[10.0, 20.0, 40.0, 90.0]], [0])
    """

    xyxy: NDArray[np.float32]
    confidence: NDArray[np.float32]
    class_id: NDArray[np.int64]

    @classmethod
    def of(cls, rows: Iterable[tuple[float, float, float, float, float, Label]]) -> "Boxes":
        """Boxes from rows of left, top, right, bottom, confidence and label."""
        listed = sorted(rows, key=lambda row: -row[4])
        return cls(
            np.array([row[:4] for row in listed], np.float32).reshape(-1, 4),
            np.array([row[4] for row in listed], np.float32),
            np.array([row[5] for row in listed], np.int64),
        )


def no_boxes() -> Boxes:
    """An empty set of boxes."""
    return Boxes(np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty(0, np.int64))


def joined(parts: Sequence[Boxes]) -> Boxes:
    """The boxes of one or more sets, one set after the other."""
    return Boxes(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def _groups(*together: frozenset[Label]) -> NDArray[np.int64]:
    """(7,) a group for each label: labels of one set of `together` share a group."""
    groups = np.arange(len(Label))
    for labels in together:
        groups[sorted(labels)] = min(labels)
    return groups


# A car and a truck on one lorry are one vehicle; a bicycle and a motorcycle on one rider are one two-wheeler.
# The two passes differ only in the group of the motorcycle.
_PASSES = (_groups(MOTOR_VEHICLES), _groups(frozenset({Label.BICYCLE, Label.MOTORCYCLE})))


def suppress(boxes: Boxes, iou: float = DEFAULT_IOU) -> Boxes:
    """Greedy NMS within each class, among the motor vehicles, and among the two-wheelers."""
    order = np.argsort(-boxes.confidence, kind="stable")
    for groups in _PASSES:
        if len(order) < 2:
            break
        xyxy = boxes.xyxy[order]
        xywh = np.concatenate([xyxy[:, :2], xyxy[:, 2:] - xyxy[:, :2]], axis=1)
        kept = cv2.dnn.NMSBoxesBatched(
            xywh.astype(np.float64).tolist(),
            boxes.confidence[order].tolist(),
            groups[boxes.class_id[order]].tolist(),
            0.0,
            iou,
        )
        order = order[np.sort(np.asarray(kept, np.int64).reshape(-1))]
    return Boxes(boxes.xyxy[order], boxes.confidence[order], boxes.class_id[order])


def within(boxes: Boxes, width: int, height: int) -> Boxes:
    """The boxes cut to an image of `width` x `height` px; a box of which nothing is left is dropped."""
    xyxy = np.clip(boxes.xyxy, 0, np.array([width, height, width, height], np.float32)).astype(np.float32)
    keep = (xyxy[:, 2] > xyxy[:, 0]) & (xyxy[:, 3] > xyxy[:, 1])
    return Boxes(xyxy[keep], boxes.confidence[keep], boxes.class_id[keep])
