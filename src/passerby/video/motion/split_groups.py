"""Split a patch of motion in which people walk side by side into one box for each, by their heads.

Invariant: a mask in, boxes out; all lengths are in heights of the patch, so that its size decides nothing.

Heads stand out of the skyline of a group, as in W4 (Haritaoglu, Harwood and Davis, PAMI 2000). A patch that is not a
row of slender upright parts stays whole: a vehicle, a rider, a person seen from above.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from passerby.video.decode.frame import Image

SOLID = 0.75
"""Share of its convex hull from which a patch is not split: a group has gaps between its people."""


@dataclass(frozen=True, slots=True)
class GroupParams:
    """The shape of a row of pedestrians. Lengths are in heights of the patch unless stated otherwise.

    The values were chosen while counting the clips of docs/explanation/accuracy.md. Looser limits split vehicles and
    riders; tighter ones count a group as one person.

    `least_px`: least height of a patch in px. A head is about an eighth of a pedestrian, so a lower patch shows none.
    `slim`, `wide`: limits to the width of a group: two people who nearly hide each other, four in a row.
    `rise`: how far a head stands out of the skyline on both sides.
    `head`: least height of a head: an arm or a wheel is lower.
    `head_depth`, `head_width`: the widest that a head may be, so far below its top: a roof is wider.
    `apart`: least distance between two heads, about the width of shoulders.
    `part_tall`: least height of each pedestrian.
    `part_slim`, `part_wide`: limits to the width of each pedestrian, in its own height.
    `part_fill`: largest share of its box that a pedestrian fills: legs, neck and head leave gaps.
    """

    least_px: int = 12
    slim: float = 0.4
    wide: float = 2.0
    rise: float = 0.12
    head: float = 0.6
    head_depth: float = 0.12
    head_width: float = 0.4
    apart: float = 0.25
    part_tall: float = 0.75
    part_slim: float = 0.12
    part_wide: float = 0.65
    part_fill: float = 0.8


PARAMS = GroupParams()

Part = tuple[int, int, int, int]
"""Left, top, right, bottom in px of the patch."""


def pedestrians_of(patch: Image, params: GroupParams = PARAMS) -> list[Part]:
    """Boxes of two or more pedestrians in `patch` (h, w) uint8, above 0 where it moved, from left to right; an empty
    list where the patch is anything else."""
    tall, wide = patch.shape
    if tall < params.least_px or not params.slim <= wide / tall <= params.wide:
        return []
    skyline: NDArray[np.intp] = np.where(patch.any(axis=0), tall - (patch > 0).argmax(axis=0), 0)
    tops = _tops(skyline.tolist(), max(2.0, params.rise * tall))
    tops = [x for x in tops if skyline[x] >= params.head * tall]
    if len(tops) < 2 or min(b - a for a, b in pairwise(tops)) < params.apart * tall:
        return []
    if any(_width_at(skyline, x, params.head_depth * tall) > params.head_width * tall for x in tops):
        return []
    cuts = [0, *(a + int(skyline[a : b + 1].argmin()) for a, b in pairwise(tops)), wide]
    parts = [_part(patch, left, right) for left, right in pairwise(cuts)]
    return parts if all(_is_pedestrian(patch, part, params) for part in parts) else []


def _tops(heights: list[int], rise: float) -> list[int]:
    """The columns of the summits of a skyline that stand at least `rise` out of the valleys on both sides."""
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


def _width_at(skyline: NDArray[np.intp], top: int, depth: float) -> int:
    """The number of columns around a summit that stand no more than `depth` below it."""
    low = np.flatnonzero(skyline < skyline[top] - depth)
    left = low[low < top]
    right = low[low > top]
    return int((right[0] if len(right) else len(skyline)) - (left[-1] if len(left) else -1) - 1)


def _part(patch: Image, left: int, right: int) -> Part:
    """The box of what moved between two columns."""
    rows = np.flatnonzero(patch[:, left:right].any(axis=1))
    return left, int(rows[0]), right, int(rows[-1]) + 1


def _is_pedestrian(patch: Image, part: Part, params: GroupParams) -> bool:
    left, top, right, bottom = part
    slim = (right - left) / (bottom - top)
    fill = float((patch[top:bottom, left:right] > 0).mean())
    is_slender = params.part_slim <= slim <= params.part_wide and fill <= params.part_fill
    return is_slender and bottom - top >= params.part_tall * len(patch)
