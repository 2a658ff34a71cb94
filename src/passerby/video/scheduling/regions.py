"""Which parts of the frame are looked at: the corridors, and nothing beside them.

Invariant: made before the first frame, from lines and sizes alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from passerby.domain.geometry import Corridor
from passerby.errors import LineError
from passerby.video.decode.frame import Image

SHARED = 0.8
"""Share of the pixels of two corridors from which both are shown at once, when that is no more."""
GREY = 114
"""What a masked pixel is shown as: what detectors are padded with in training."""

Bounds = tuple[int, int, int, int]
"""Left, top, right, bottom in px, all even."""


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """A part of the frame that a detector is shown: even `left`, `top`, `right`, `bottom` px; `outside`
    (h, w) bool where it must not look, None where it may look at all of it; `visible` what is left, in px
    of the frame."""

    left: int
    top: int
    right: int
    bottom: int
    outside: NDArray[np.bool_] | None
    visible: Bounds

    @property
    def bounds(self) -> Bounds:
        return self.left, self.top, self.right, self.bottom


def mask_of(corridor: Corridor, size: tuple[int, int]) -> Image:
    """(h, w) uint8, 255 within the corridor."""
    width, height = size
    polygon = np.array(corridor.polygon(width / height)) * [width, height]
    mask = np.zeros((height, width), np.uint8)
    cv2.fillPoly(mask, [np.round(polygon).astype(np.int32)], 255)
    if not mask.any():
        raise LineError(f"line {corridor.line.name!r}: its corridor holds no pixel of the frame")
    return mask


def bounds_of(mask: Image) -> Bounds:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return (
        int(columns[0]) // 2 * 2,
        int(rows[0]) // 2 * 2,
        (int(columns[-1]) + 2) // 2 * 2,
        (int(rows[-1]) + 2) // 2 * 2,
    )


def window_of(bounds: Bounds, size: tuple[int, int]) -> Bounds:
    """The smallest window of the frame's proportions around `bounds`."""
    left, top, right, bottom = bounds
    share = max((right - left) / size[0], (bottom - top) / size[1])
    width, height = (min(full, round(full * share / 2) * 2) for full in size)
    x = min(max(0, (left + right - width) // 4 * 2), size[0] - width)
    y = min(max(0, (top + bottom - height) // 4 * 2), size[1] - height)
    return x, y, x + width, y + height


def regions_of(bounds: Sequence[Bounds], masks: Sequence[Image], *, together: bool = False) -> list[Region]:
    """One region for each set of corridors that lie in each other's bounds: looking once is cheaper than twice;
    with `together`, for each set of which a good part lies in each other's."""
    groups: list[tuple[Bounds, list[Image]]] = []
    for box, mask in zip(bounds, masks, strict=True):
        for index, (other, members) in enumerate(groups):
            joined = (
                min(box[0], other[0]),
                min(box[1], other[1]),
                max(box[2], other[2]),
                max(box[3], other[3]),
            )
            least = 1.1 * max(_area(box), _area(other))
            if _area(joined) <= (max(least, SHARED * (_area(box) + _area(other))) if together else least):
                groups[index] = joined, [*members, mask]
                break
        else:
            groups.append((box, [mask]))
    regions = []
    for (left, top, right, bottom), members in groups:
        shown = np.any([mask[top:bottom, left:right] > 0 for mask in members], axis=0)
        regions.append(region_of((left, top, right, bottom), shown))
    return regions


def region_of(bounds: Bounds, shown: NDArray[np.bool_]) -> Region:
    """The region of `bounds`, of which the pixels `shown` (h, w) may be looked at."""
    x, y, *_ = bounds
    left, top, right, bottom = bounds_of(np.where(shown, np.uint8(255), np.uint8(0)))
    return Region(*bounds, None if shown.all() else ~shown, (left + x, top + y, right + x, bottom + y))


def hide(image: Image, outside: NDArray[np.bool_]) -> None:
    """Paint `image` (h, w, 3) grey where `outside` (h, w)."""
    height, width = outside.shape
    # Crops come in many sizes, and are cut from a few.
    grey = _grey(-(-height // 128) * 128, -(-width // 128) * 128)[:height, :width]
    cv2.copyTo(grey, np.ascontiguousarray(outside).view(np.uint8), image)


@lru_cache(maxsize=16)
def _grey(height: int, width: int) -> Image:
    return np.full((height, width, 3), GREY, np.uint8)


def _area(bounds: Bounds) -> int:
    left, top, right, bottom = bounds
    return (right - left) * (bottom - top)
