"""The regions of a frame that detectors are shown: the corridors, and no other pixel.

Invariant: regions are made before the first frame, from lines and sizes alone; a picture made here contains nothing
from outside its region.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil

import cv2
import numpy as np
from numpy.typing import NDArray

from passerby.domain.geometry import Corridor
from passerby.errors import LineError
from passerby.video.decode.frame import Frame, Image

SHARED = 0.8
"""Two corridors become one region where the region has no more than this share of the pixels of both. A larger share
makes fewer, larger regions."""
ALIKE = 1.1
"""Or where it has no more than this times the pixels of the larger one."""
GREY = 114
"""The tone (of 255) of masked pixels: detectors were trained with padding of this tone."""
_BLOCK_PX = 4
"""Side of the blocks in which the outside of a region is masked in a picture that is scaled down."""

Bounds = tuple[int, int, int, int]
"""Left, top, right, bottom in px of the frame."""


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """A part of the frame that a detector is shown.

    `left`, `top`, `right`, `bottom`: px, all even. `outside`: (h, w) bool, True for pixels of the region that are
    masked; None where none is. `visible`: the bounds of the other pixels, in px of the frame.
    """

    left: int
    top: int
    right: int
    bottom: int
    outside: NDArray[np.bool_] | None
    visible: Bounds

    @property
    def bounds(self) -> Bounds:
        """Left, top, right, bottom in px of the frame."""
        return self.left, self.top, self.right, self.bottom


def mask_of(corridor: Corridor, size: tuple[int, int]) -> Image:
    """(h, w) uint8, 255 within the corridor, for frames of `size` (width, height).

    Raises LineError for a corridor that contains no pixel.
    """
    width, height = size
    polygon = np.array(corridor.polygon(width / height)) * [width, height]
    mask = np.zeros((height, width), np.uint8)
    cv2.fillPoly(mask, [np.round(polygon).astype(np.int32)], 255)
    if not mask.any():
        raise LineError(
            f"line {corridor.line.name!r}: its corridor contains no pixel of the frame, expected at least one"
        )
    return mask


def bounds_of(mask: Image) -> Bounds:
    """The smallest box of even coordinates around all pixels above 0."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return (
        int(columns[0]) // 2 * 2,
        int(rows[0]) // 2 * 2,
        (int(columns[-1]) + 2) // 2 * 2,
        (int(rows[-1]) + 2) // 2 * 2,
    )


def window_of(bounds: Bounds, size: tuple[int, int]) -> Bounds:
    """The smallest window around `bounds` with the proportions of a frame of `size` (width, height)."""
    left, top, right, bottom = bounds
    share = max((right - left) / size[0], (bottom - top) / size[1])
    width, height = (min(full, round(full * share / 2) * 2) for full in size)
    x = min(max(0, (left + right - width) // 4 * 2), size[0] - width)
    y = min(max(0, (top + bottom - height) // 4 * 2), size[1] - height)
    return x, y, x + width, y + height


def regions_of(bounds: Sequence[Bounds], masks: Sequence[Image], *, together: bool = False) -> list[Region]:
    """Regions for corridors with these `bounds` and `masks`. Corridors that cover nearly the same pixels share one,
    since one run of a detector is cheaper than two; with `together`, so do those that lie close together."""
    groups: list[tuple[Bounds, list[Image]]] = []
    for box, mask in zip(bounds, masks, strict=True):
        for index, (group, members) in enumerate(groups):
            both = union(box, group)
            most = ALIKE * max(area_of(box), area_of(group))
            if together:
                most = max(most, SHARED * (area_of(box) + area_of(group)))
            if area_of(both) <= most:
                groups[index] = both, [*members, mask]
                break
        else:
            groups.append((box, [mask]))
    regions = []
    for (left, top, right, bottom), members in groups:
        shown = np.any([mask[top:bottom, left:right] > 0 for mask in members], axis=0)
        regions.append(region_of((left, top, right, bottom), shown))
    return regions


def region_of(bounds: Bounds, shown: NDArray[np.bool_]) -> Region:
    """The region of `bounds` of which only the pixels `shown` (h, w) are not masked."""
    x, y, *_ = bounds
    left, top, right, bottom = bounds_of(np.where(shown, np.uint8(255), np.uint8(0)))
    return Region(*bounds, None if shown.all() else ~shown, (left + x, top + y, right + x, bottom + y))


def picture_of(frame: Frame, region: Region, part: Bounds, size: tuple[int, int]) -> Image:
    """`part` of a region at `size` (width, height): (h, w, 3) uint8 BGR, with grey in place of what is outside."""
    left, top, right, bottom = part
    x, y = left - region.left, top - region.top
    if size == (right - left, bottom - top):
        image = frame.bgr(left, top, right, bottom)
        if region.outside is not None:
            hide(image, region.outside[y : y + size[1], x : x + size[0]])
        return image
    image = frame.bgr(left, top, right, bottom, size)
    if region.outside is not None:
        reach = ceil(3.5 * max((right - left) / size[0], (bottom - top) / size[1])) + 2
        x_end, y_end = x + right - left, y + bottom - top
        outside = _near_outside(region, -(-reach // _BLOCK_PX))[
            y // _BLOCK_PX : -(-y_end // _BLOCK_PX), x // _BLOCK_PX : -(-x_end // _BLOCK_PX)
        ]
        hide(image, cv2.resize(outside, size, interpolation=cv2.INTER_NEAREST).view(bool))
    return image


@lru_cache(maxsize=16)
def _near_outside(region: Region, reach: int) -> Image:
    """(h, w) uint8 in blocks of _BLOCK_PX, 1 where a masked pixel lies within `reach` blocks: a pixel of a picture that
    is scaled down is a mean of so many."""
    assert region.outside is not None
    height, width = region.outside.shape
    whole = np.zeros((-(-height // _BLOCK_PX) * _BLOCK_PX, -(-width // _BLOCK_PX) * _BLOCK_PX), np.uint8)
    whole[:height, :width] = region.outside
    blocks = whole.reshape(len(whole) // _BLOCK_PX, _BLOCK_PX, -1, _BLOCK_PX)
    # A part need not begin where a block does.
    side = 2 * (reach + 1) + 1
    return np.asarray(cv2.dilate(blocks.max(axis=(1, 3)), np.ones((side, side), np.uint8)), np.uint8)


def hide(image: Image, outside: NDArray[np.bool_]) -> None:
    """Paint `image` (h, w, 3) grey where `outside` (h, w)."""
    height, width = outside.shape
    # Crops come in many sizes: their grey is cut from a few large pictures.
    grey = _grey(-(-height // 128) * 128, -(-width // 128) * 128)[:height, :width]
    cv2.copyTo(grey, np.ascontiguousarray(outside).view(np.uint8), image)


@lru_cache(maxsize=16)
def _grey(height: int, width: int) -> Image:
    return np.full((height, width, 3), GREY, np.uint8)


def union(a: Bounds, b: Bounds) -> Bounds:
    """The smallest box around both."""
    return min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])


def intersection(a: Bounds, b: Bounds) -> Bounds:
    """The box of what both share; its area is 0 where they share nothing."""
    return max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])


def area_of(box: Bounds) -> int:
    """px2, at least 0."""
    return max(0, box[2] - box[0]) * max(0, box[3] - box[1])
