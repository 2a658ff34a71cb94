"""YOLOX: one output of (1, N, 85) raw values. Ge et al. 2021, arXiv:2107.08430.

Invariant: the layout is recognised by the shapes alone; an image goes in, boxes in its pixels come out.

A row is x, y, log w, log h of a cell of stride 8, 16 or 32, the objectness, and 80 class scores. The image is
BGR 0..255, scaled to fit, in the top left corner of a canvas of 114s.
"""

from functools import lru_cache
from math import ceil, sqrt
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from passerby.errors import ModelError
from passerby.video.decode.frame import Image
from passerby.video.detect import coco
from passerby.video.detect.nms import Boxes, no_boxes, suppress, within
from passerby.video.detect.onnx import Network

MULTIPLE_PX = 32
MAX_PX = 1280 * 736
"""Most pixels that a network of free input size is given: a larger image is scaled down."""

ANY_SIZE = (0, 0)
"""The size of a network that takes any size."""

_STRIDES = (8, 16, 32)
_PADDING = 114


class Fit(NamedTuple):
    """How an image is scaled for a network that takes any size: its longer side to `input_px`, or else (None) the image
    by `upscale`; and down where it has more than `max_px` pixels."""

    input_px: int | None = None
    upscale: float = 1.0
    max_px: int = MAX_PX


def cells(width: int, height: int) -> int:
    """The number of rows of the output for an input of `width` x `height` px."""
    return sum((width // stride) * (height // stride) for stride in _STRIDES)


def recognise(network: Network) -> tuple[int, int] | None:
    """(width, height) px of the input, ANY_SIZE where both are free; None when this is not a YOLOX.

    Raises ModelError for a network with the shapes of a YOLOX whose output cannot be decoded as one.
    """
    if len(network.inputs) != 1 or len(network.outputs) != 1:
        return None
    (shape_in,), (shape_out,) = network.inputs.values(), network.outputs.values()
    if len(shape_in) != 4 or shape_in[1] != 3 or len(shape_out) != 3 or shape_out[2] != 5 + coco.CLASSES:
        return None
    height, width = shape_in[2:]
    if height is None and width is None:
        # Not a square: a graph that takes squares alone fails here.
        _probe(network, 96, 64)
        return ANY_SIZE
    if not height or not width or height % MULTIPLE_PX or width % MULTIPLE_PX:
        return None
    _probe(network, width, height)
    return width, height


def _probe(network: Network, width: int, height: int) -> None:
    try:
        (rows,) = network.run(np.full((1, 3, height, width), _PADDING, np.float32))
    except Exception as error:  # the runtime raises many kinds: in any case the file cannot be run
        reason = str(error).splitlines()[0][:200]
        raise ModelError(f"{network.path}: fails on an empty picture ({reason})") from None
    if rows.shape[1] != cells(width, height):
        raise ModelError(
            f"{network.path}: {rows.shape[1]} rows for {width}x{height} px; "
            f"YOLOX gives {cells(width, height)}, one for each cell of strides 8, 16 and 32"
        )
    # exp(12) cells are wider than any picture: such numbers are sizes, not logarithms of sizes.
    if rows[..., 2:4].max() > 12:
        raise ModelError(f"{network.path}: its boxes are decoded already; export YOLOX without decoding")


def detect(
    network: Network, size: tuple[int, int] | Fit, image: Image, *, confidence: float, iou: float
) -> Boxes:
    """The boxes in `image` (H, W, 3) uint8 BGR. `size`: (width, height) px of the network's input, or its `Fit`."""
    height, width = image.shape[:2]
    if not width or not height:
        return no_boxes()
    if isinstance(size, Fit):
        across, down, scale = canvas_for(width, height, size)
    else:
        across, down = size
        scale = min(across / width, down / height)
    canvas, scales = letterbox(image, across, down, scale)
    (rows,) = network.run(canvas)
    return within(suppress(_decode(rows[0], across, down, scales, confidence), iou), width, height)


def canvas_for(width: int, height: int, fit: Fit) -> tuple[int, int, float]:
    """Width and height of the canvas in px, multiples of 32, and the scale of an image of `width` x `height` px."""
    scale = fit.upscale if fit.input_px is None else fit.input_px / max(width, height)
    scale = min(scale, sqrt(fit.max_px / (width * height)))
    across, down = (max(1, ceil(round(n * scale) / MULTIPLE_PX)) * MULTIPLE_PX for n in (width, height))
    return across, down, scale


def letterbox(
    image: Image, width: int, height: int, scale: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The image, scaled, in the top left corner of a canvas (1, 3, height, width) float32; and its exact (x, y) scales,
    which differ slightly, since its sides are whole pixels."""
    size = (
        min(width, max(1, round(image.shape[1] * scale))),
        min(height, max(1, round(image.shape[0] * scale))),
    )
    scaled = image
    if (image.shape[1], image.shape[0]) != size:
        scaled = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR), np.uint8)
    canvas = np.full((1, 3, height, width), _PADDING, np.float32)
    canvas[0, :, : size[1], : size[0]] = scaled.transpose(2, 0, 1)
    return canvas, np.array([size[0] / image.shape[1], size[1] / image.shape[0]], np.float32)


def _decode(
    rows: NDArray[np.float32], width: int, height: int, scales: NDArray[np.float32], confidence: float
) -> Boxes:
    """Boxes of the rows (n, 85): centre = (xy + cell) * stride, size = exp(wh) * stride, score = objectness * class."""
    # Most rows are empty. No score can exceed the objectness.
    likely = np.flatnonzero(rows[:, 4] >= confidence)
    scores, class_id = coco.best_label(rows[likely, 5:])
    scores = scores * rows[likely, 4]
    sure = scores >= confidence
    chosen = likely[sure]
    grid = _grid(width, height)[chosen]
    centre = (rows[chosen, :2] + grid[:, :2]) * grid[:, 2:]
    half = np.exp(rows[chosen, 2:4]) * grid[:, 2:] / 2
    xyxy = np.concatenate([(centre - half) / scales, (centre + half) / scales], axis=1).astype(np.float32)
    return Boxes(xyxy, scores[sure].astype(np.float32), class_id[sure])


@lru_cache(maxsize=32)
def _grid(width: int, height: int) -> NDArray[np.float32]:
    """(n, 3) for each row: x and y of its cell in strides, and the stride in px."""
    parts = []
    for stride in _STRIDES:
        y, x = np.mgrid[: height // stride, : width // stride]
        parts.append(np.stack([x.ravel(), y.ravel(), np.full(x.size, stride)], axis=1))
    return np.concatenate(parts).astype(np.float32)
