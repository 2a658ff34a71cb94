"""The interface of a detector: an image in, boxes out.

Invariant: types and checks of values alone; no network, no file and no picture is opened here.
"""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from passerby.domain.labels import Label
from passerby.video.detect.nms import Boxes

__all__ = ["Boxes", "Detector", "problem_of"]


class Detector(Protocol):
    """Finds objects in an image. Any callable of this signature can stand in place of the name of a detector.

    `image` is (H, W, 3) uint8 BGR of any size; it shows a corridor, and pixels outside the corridor are masked. The
    result is `Boxes` in pixels of that image, each within it, with a confidence above 0. An equal image must give
    equal boxes. `passerby.testing.check_detector` checks all of this.

    >>> def find_nothing(image):
    ...     return passerby.Boxes.of([])
    >>> passerby.Counter([line], detector=find_nothing).count("street.mp4").crossings
    ()
    """

    def __call__(self, image: NDArray[np.uint8], /) -> Boxes:
        """The boxes of the objects in `image`."""
        ...


def problem_of(boxes: Any, image: NDArray[np.uint8]) -> str | None:
    """The first mistake in the result of a detector for `image`, as found and expected; None where it is right."""
    if not isinstance(boxes, tuple) or len(boxes) != 3:
        return f"found a {type(boxes).__name__}, expected passerby.Boxes"
    xyxy, confidence, class_id = boxes
    for name, column, shape in (
        ("xyxy", xyxy, (-1, 4)),
        ("confidence", confidence, (-1,)),
        ("class_id", class_id, (-1,)),
    ):
        if not isinstance(column, np.ndarray):
            return f"found {name} of type {type(column).__name__}, expected a numpy array"
        if column.ndim != len(shape) or column.shape[1:] != shape[1:] or len(column) != len(xyxy):
            expected = f"({len(xyxy)}, 4)" if name == "xyxy" else f"({len(xyxy)},)"
            return f"found {name} of shape {column.shape}, expected {expected}, one row for each box"
    if not np.issubdtype(class_id.dtype, np.integer):
        return f"found class_id of type {class_id.dtype}, expected integers, a passerby.Label each"
    return _problem_of_values(xyxy, confidence, class_id, image)


def _problem_of_values(
    xyxy: NDArray[Any], confidence: NDArray[Any], class_id: NDArray[Any], image: NDArray[np.uint8]
) -> str | None:
    height, width = image.shape[:2]
    for row in xyxy.tolist():
        left, top, right, bottom = row
        if not (0 <= left < right <= width and 0 <= top < bottom <= height):
            return (
                f"found a box {_short(row)}, expected left < right and top < bottom within the image of "
                f"{width}x{height} px"
            )
    for value in confidence.tolist():
        if not 0 < value <= 1:
            return f"found a confidence of {value:g}, expected more than 0 and at most 1"
    for value in class_id.tolist():
        if value not in Label._value2member_map_:
            return f"found a class_id of {value}, expected a passerby.Label, {min(Label)} to {max(Label)}"
    return None


def _short(row: list[float]) -> str:
    return f"({', '.join(f'{side:g}' for side in row)})"
