"""DETR-like detectors as ONNX: one row for each query, and no grid.

Invariant: the layout is recognised by inputs and outputs alone; an image goes in, boxes in its pixels come out.

    scored   inputs `images` (1, 3, H, W) and `orig_target_sizes` (1, 2) as width, height; outputs `labels` (1, Q),
             `boxes` (1, Q, 4) as x1, y1, x2, y2 in px of that size, and `scores` (1, Q). RT-DETR (arXiv:2304.08069)
             and D-FINE (arXiv:2410.13842), as their authors' own exporters write them; RGB in 0..1.
    logits   input (1, 3, H, W); outputs `dets` (1, Q, 4) as centre and size in shares of the input, and `labels`
             (1, Q, 91) before the sigmoid. RF-DETR, as Roboflow's exporter writes it; RGB with ImageNet's mean and
             spread.

The image is stretched to the input. The classes are COCO's: 80 counted from 0 in `scored`, 91 by COCO's own numbers in
`logits`.
"""

from typing import Any, Literal, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from passerby.video.decode.frame import Image
from passerby.video.detect import coco
from passerby.video.detect.nms import Boxes, no_boxes, suppress, within
from passerby.video.detect.onnx import Network

_FREE_PX = 640
"""Side of the input where the file leaves it free: the size at which RT-DETR and D-FINE were trained."""
_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_SPREAD = np.array([0.229, 0.224, 0.225], np.float32)


class Layout(NamedTuple):
    """`size`: (width, height) px of the input."""

    kind: Literal["scored", "logits"]
    size: tuple[int, int]


def recognise(network: Network) -> Layout | None:
    """The layout of the inputs and outputs; None when this is none of them."""
    shapes = list(network.inputs.values())
    if not shapes or len(shapes[0]) != 4 or shapes[0][1] != 3:
        return None
    height, width = (side or _FREE_PX for side in shapes[0][2:])
    outputs = network.outputs
    if set(network.inputs) == {"images", "orig_target_sizes"} and set(outputs) == {
        "labels",
        "boxes",
        "scores",
    }:
        return Layout("scored", (width, height))
    if len(shapes) == 1 and set(outputs) == {"dets", "labels"} and outputs["labels"][2:] == (coco.NUMBERS,):
        return Layout("logits", (width, height))
    return None


def detect(network: Network, layout: Layout, image: Image, *, confidence: float, iou: float) -> Boxes:
    """The boxes in `image` (H, W, 3) uint8 BGR."""
    height, width = image.shape[:2]
    if not width or not height:
        return no_boxes()
    resized = cv2.resize(image, layout.size, interpolation=cv2.INTER_LINEAR)
    rgb = cv2.cvtColor(resized, cv2.COLOR_BGR2RGB).astype(np.float32) / 255
    read = _scored if layout.kind == "scored" else _logits
    boxes = read(network, rgb, (width, height))
    sure = boxes.confidence >= confidence
    kept = Boxes(boxes.xyxy[sure], boxes.confidence[sure], boxes.class_id[sure])
    return within(suppress(kept, iou), width, height)


def _scored(network: Network, rgb: NDArray[np.float32], size: tuple[int, int]) -> Boxes:
    given: dict[str, NDArray[Any]] = {"images": _planes(rgb), "orig_target_sizes": np.array([size], np.int64)}
    found = network.run_named(given)
    labels, known = coco.labels_of(found["labels"][0].astype(np.int64), coco.BY_COLUMN)
    return Boxes(
        found["boxes"][0][known].astype(np.float32),
        found["scores"][0][known].astype(np.float32),
        labels[known],
    )


def _logits(network: Network, rgb: NDArray[np.float32], size: tuple[int, int]) -> Boxes:
    found = network.run_named({next(iter(network.inputs)): _planes((rgb - _MEAN) / _SPREAD)})
    logits = found["labels"][0].astype(np.float32)
    best = logits.argmax(axis=1)
    labels, known = coco.labels_of(best, coco.BY_NUMBER)
    score = 1 / (1 + np.exp(-logits.max(axis=1)))
    centre, sides = found["dets"][0][:, :2], found["dets"][0][:, 2:]
    xyxy = np.concatenate([centre - sides / 2, centre + sides / 2], axis=1) * np.array(size * 2, np.float32)
    return Boxes(xyxy[known].astype(np.float32), score[known].astype(np.float32), labels[known])


def _planes(rgb: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.ascontiguousarray(rgb.transpose(2, 0, 1)[None])
