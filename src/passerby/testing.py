"""Checks for those who write a detector of their own.

Invariant: a check that fails names what was found and what was expected; no network and no file is needed.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from passerby.video.detect.interface import problem_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from passerby.video.detect.interface import Boxes, Detector

__all__ = ["check_detector"]


def check_detector(detector: "Detector") -> None:
    """Check that `detector` meets the `passerby.Detector` protocol, on images of several sizes and contents.

    Raises AssertionError, whose text says on which image, what was found and what was expected: boxes with other
    shapes or types, outside the image, or without a known label; an image that was changed; other boxes for an equal
    image, whether at once or after another image.

    >>> from passerby.testing import check_detector
    >>> check_detector(lambda image: passerby.Boxes.of([]))
    >>> check_detector(lambda image: [])
    Traceback (most recent call last):
        ...
    AssertionError: black image of 64x48 px: found a list, expected passerby.Boxes
    """
    first: list[tuple[str, NDArray[np.uint8], Boxes]] = []
    for name, image in _images():
        first.append((name, image, _checked(detector, name, image)))
    # In another order, so that a detector that remembers an image is found.
    for name, image, before in reversed(first):
        _same(name, before, _checked(detector, name, image))


def _images() -> "Iterator[tuple[str, NDArray[np.uint8]]]":
    """Images by name, (H, W, 3) uint8 BGR: even and odd sizes, tall and wide, empty, flat, noisy and with shapes."""
    import numpy as np

    dice = np.random.default_rng(1)
    for width, height in ((64, 48), (97, 131), (640, 360), (33, 400)):
        size = f"image of {width}x{height} px"
        yield f"black {size}", np.zeros((height, width, 3), np.uint8)
        yield f"white {size}", np.full((height, width, 3), 255, np.uint8)
        yield f"noisy {size}", dice.integers(0, 256, (height, width, 3), np.uint8)
        shapes = np.full((height, width, 3), 120, np.uint8)
        shapes[height // 4 : height // 2, width // 8 : width // 2] = (40, 40, 200)
        shapes[height // 3 : height - height // 8, 2 * width // 3 : 3 * width // 4] = (60, 30, 20)
        yield f"{size} with shapes", shapes


def _checked(detector: "Detector", name: str, image: "NDArray[np.uint8]") -> "Boxes":
    given = image.copy()
    boxes = detector(given)
    problem = problem_of(boxes, image)
    if problem is not None:
        raise AssertionError(f"{name}: {problem}")
    if not (given == image).all():
        raise AssertionError(f"{name}: found that the detector changed its pixels, expected them unchanged")
    return boxes


def _same(name: str, before: "Boxes", after: "Boxes") -> None:
    columns = (
        (before.xyxy, after.xyxy),
        (before.confidence, after.confidence),
        (before.class_id, after.class_id),
    )
    if any(old.shape != new.shape or (old != new).any() for old, new in columns):
        raise AssertionError(
            f"{name}: found {len(after.xyxy)} boxes unlike the {len(before.xyxy)} before, expected equal boxes "
            "for an equal image"
        )
