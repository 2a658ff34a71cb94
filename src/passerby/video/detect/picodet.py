"""PicoDet: four outputs of (1, N, 80) class scores and four of (1, N, 32) box distances. arXiv:2111.00902.

Invariant: the layout is recognised by the shapes alone; an image goes in, boxes in its pixels come out.

Strides 8, 16, 32 and 64. Each of a box's four distances from its cell's centre is the mean of 8 bins, in
strides (the integral of generalised focal loss, arXiv:2006.04388). The image is stretched to the input.
"""

from functools import lru_cache
from math import ceil
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from passerby.video.decode.frame import Image
from passerby.video.detect import coco
from passerby.video.detect.nms import Boxes, no_boxes, suppress, within
from passerby.video.detect.onnx import Network

_STRIDES = (8, 16, 32, 64)
_BINS = 8
# ImageNet's mean and spread times 255, in the order that PaddleDetection applies them to BGR.
_MEAN = np.array([103.53, 116.28, 123.675], np.float32)
_SPREAD = np.array([57.375, 57.12, 58.395], np.float32)


class Layout(NamedTuple):
    """`size`: (width, height) px of the input. `scores`, `distances`: for each stride, the index of its output."""

    size: tuple[int, int]
    scores: tuple[int, ...]
    distances: tuple[int, ...]


def recognise(network: Network) -> Layout | None:
    """The layout of the outputs; None when this is not a PicoDet with a fixed input size."""
    if len(network.inputs) != 1 or len(network.outputs) != 2 * len(_STRIDES):
        return None
    (shape_in,) = network.inputs.values()
    if len(shape_in) != 4 or shape_in[1] != 3:
        return None
    height, width = shape_in[2:]
    if height is None or width is None:
        return None
    shapes = list(network.outputs.values())
    rows = [ceil(height / stride) * ceil(width / stride) for stride in _STRIDES]
    wanted = [(1, n, coco.CLASSES) for n in rows], [(1, n, 4 * _BINS) for n in rows]
    if any(shapes.count(shape) != 1 for shape in (*wanted[0], *wanted[1])):
        return None
    scores, distances = (tuple(shapes.index(shape) for shape in kind) for kind in wanted)
    return Layout((width, height), scores, distances)


def detect(network: Network, layout: Layout, image: Image, *, confidence: float, iou: float) -> Boxes:
    """The boxes in `image` (H, W, 3) uint8 BGR."""
    height, width = image.shape[:2]
    if not width or not height:
        return no_boxes()
    resized = cv2.resize(image, layout.size, interpolation=cv2.INTER_LINEAR).astype(np.float32)
    outputs = network.run(np.ascontiguousarray(((resized - _MEAN) / _SPREAD).transpose(2, 0, 1)[None]))
    scores, class_id = coco.best_label(np.concatenate([outputs[i][0] for i in layout.scores]))
    chosen = np.flatnonzero(scores >= confidence)
    bins = np.concatenate([outputs[i][0] for i in layout.distances])[chosen].reshape(-1, 4, _BINS)
    weights = np.exp(bins - bins.max(axis=2, keepdims=True))
    distance = (weights @ np.arange(_BINS, dtype=np.float32)) / weights.sum(axis=2)
    grid = _grid(*layout.size)[chosen]
    left_top = (grid[:, :2] - distance[:, :2]) * grid[:, 2:]
    right_bottom = (grid[:, :2] + distance[:, 2:]) * grid[:, 2:]
    scale = np.array([width / layout.size[0], height / layout.size[1]], np.float32)
    xyxy = np.concatenate([left_top * scale, right_bottom * scale], axis=1).astype(np.float32)
    return within(suppress(Boxes(xyxy, scores[chosen], class_id[chosen]), iou), width, height)


@lru_cache(maxsize=4)
def _grid(width: int, height: int) -> NDArray[np.float32]:
    """(n, 3) for each row: centre x and y of its cell in strides, and the stride in px."""
    parts = []
    for stride in _STRIDES:
        y, x = np.mgrid[: ceil(height / stride), : ceil(width / stride)]
        parts.append(np.stack([x.ravel() + 0.5, y.ravel() + 0.5, np.full(x.size, stride)], axis=1))
    return np.concatenate(parts).astype(np.float32)
