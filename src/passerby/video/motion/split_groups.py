"""People who walk side by side in one patch of motion, told apart by their heads.

Invariant: a mask in, boxes out; everything is measured in the height of the patch, so that size decides nothing.

Heads stand out of the skyline of a group, as in W4 (Haritaoglu, Harwood and Davis, PAMI 2000). What is not a row of
slender uprights is left in one piece: a vehicle, a rider, a body seen from above.
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from passerby.video.decode.frame import Image

LEAST_TALL_PX = 12
"""A head is about an eighth of a walker: in fewer rows none is seen."""
SOLID = 0.75
"""Share of its convex hull from which a patch is a body of its own: between people there are gaps."""
_SLIM, _WIDE = 0.4, 2.0
"""Width by height of a group: of two who nearly hide each other, and of four in a row."""
_RISE = 0.12
"""How far a head stands out of what is between it and the next."""
_LEAST_HEAD = 0.6
"""How high a head is at least: an arm or a wheel is lower."""
_HEAD_DEEP, _HEAD_WIDE = 0.12, 0.4
"""How far below its top a head is measured, and how wide it may be there: a roof is wider."""
_APART = 0.25
"""Between two heads: shoulders need about that."""
_PART_TALL = 0.75
"""How tall each of a group is at least, in the height of the group."""
_PART_SLIM, _PART_WIDE = 0.12, 0.65
"""Width by height of each."""
_PART_FILL = 0.8
"""Share of their box that each may fill: legs, neck and head leave gaps."""

Part = tuple[int, int, int, int]
"""Left, top, right, bottom in px of the patch."""


def walkers_of(patch: Image) -> list[Part]:
    """Boxes of two or more people in a patch (h, w) uint8 that is above 0 where it moved, from left to right; none
    where it is anything else."""
    tall, wide = patch.shape
    if tall < LEAST_TALL_PX or not _SLIM <= wide / tall <= _WIDE:
        return []
    stands: NDArray[np.intp] = np.where(patch.any(axis=0), tall - (patch > 0).argmax(axis=0), 0)
    tops = [x for x in _tops(stands.tolist(), max(2.0, _RISE * tall)) if stands[x] >= _LEAST_HEAD * tall]
    if len(tops) < 2 or min(b - a for a, b in pairwise(tops)) < _APART * tall:
        return []
    if any(_width_at(stands, x, _HEAD_DEEP * tall) > _HEAD_WIDE * tall for x in tops):
        return []
    cuts = [0, *(a + int(stands[a : b + 1].argmin()) for a, b in pairwise(tops)), wide]
    parts = [_part(patch, left, right) for left, right in pairwise(cuts)]
    return parts if all(_is_walker(patch, part) for part in parts) else []


def _tops(heights: list[int], rise: float) -> list[int]:
    """Where a skyline has summits that stand at least `rise` out of the valleys beside them."""
    tops: list[int] = []
    highest, lowest, up = 0, 0, True
    for x, height in enumerate([*heights, 0]):
        if up and x < len(heights) and height > heights[highest]:
            highest = x
        elif up and heights[highest] - height >= rise:
            tops.append(highest)
            lowest, up = x, False
        elif not up and x < len(heights):
            if height < heights[lowest]:
                lowest = x
            elif height - heights[lowest] >= rise:
                highest, up = x, True
    return tops


def _width_at(stands: NDArray[np.intp], top: int, deep: float) -> int:
    """Columns around a summit that stand no more than `deep` below it."""
    low = np.flatnonzero(stands < stands[top] - deep)
    left = low[low < top]
    right = low[low > top]
    return int((right[0] if len(right) else len(stands)) - (left[-1] if len(left) else -1) - 1)


def _part(patch: Image, left: int, right: int) -> Part:
    rows = np.flatnonzero(patch[:, left:right].any(axis=1))
    return left, int(rows[0]), right, int(rows[-1]) + 1


def _is_walker(patch: Image, part: Part) -> bool:
    left, top, right, bottom = part
    slim = (right - left) / (bottom - top)
    fill = float((patch[top:bottom, left:right] > 0).mean())
    return bottom - top >= _PART_TALL * len(patch) and _PART_SLIM <= slim <= _PART_WIDE and fill <= _PART_FILL
