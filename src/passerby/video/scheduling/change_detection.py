"""What has changed in a region since the last run of a detector, found in thumbnails of its brightness.

Invariant: two thumbnails in, rectangles out; nothing is kept here.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from passerby.video.decode.frame import Frame, Image
from passerby.video.decode.regions import Bounds, Region


@dataclass(frozen=True, slots=True)
class ChangeParams:
    """What counts as a change. The values were chosen on the recordings of docs/explanation/speed.md.

    `rows_px`: frames of as many rows or more are halved until they have fewer. More rows find smaller changes and
    take longer.
    `least`, `most`: limits (of 255) to the mean difference over 3 x 3 pixels that is a change: more than `least`
    however quiet the sensor is, never more than `most` however noisy it is.
    `noise`: between these, a change exceeds the median difference, which is the sensor's noise, by this factor.
    A lower limit runs the detector more often; a higher one misses objects of low contrast.
    `least_px`: pixels of the thumbnail that a change has at least; fewer are a speck.
    `near_px`: changes that are closer than twice this, in pixels of the thumbnail, are one.
    """

    rows_px: int = 300
    least: float = 6.0
    most: float = 24.0
    noise: float = 4.0
    least_px: int = 4
    near_px: int = 5


PARAMS = ChangeParams()


class ChangeGrid(NamedTuple):
    """How a region becomes a thumbnail: `halvings` of the frame's size; `bounds` in px of the frame, on whole pixels of
    the thumbnail; `inside` (h, w) uint8, 255 for pixels of the thumbnail that contain no masked pixel; `sampled` flat
    indices of at most about 2,000 of these, from which medians are taken."""

    halvings: int
    bounds: Bounds
    inside: Image
    sampled: NDArray[np.int64]


def change_grid(region: Region, size: tuple[int, int], params: ChangeParams = PARAMS) -> ChangeGrid:
    """The grid of a region of frames of `size` (width, height) px."""
    halvings = 0
    while size[1] >> halvings >= params.rows_px:
        halvings += 1
    step = max(2, 1 << halvings)
    left, top = (n // step * step for n in region.bounds[:2])
    right, bottom = (
        min(-(-n // step), most // step) * step for n, most in zip(region.bounds[2:], size, strict=True)
    )
    shown = np.zeros((bottom - top, right - left), np.uint8)
    rows, columns = min(bottom, region.bottom) - region.top, min(right, region.right) - region.left
    part = (
        slice(region.top - top, region.top - top + rows),
        slice(region.left - left, region.left - left + columns),
    )
    shown[part] = 255 if region.outside is None else np.where(region.outside[:rows, :columns], 0, 255)
    small = shown.shape[1] >> halvings, shown.shape[0] >> halvings
    mean = cv2.resize(shown, small, interpolation=cv2.INTER_AREA)
    inside = np.asarray(cv2.compare(mean, 255, cv2.CMP_EQ), np.uint8)
    every = np.flatnonzero(inside)
    return ChangeGrid(halvings, (left, top, right, bottom), inside, every[:: max(1, len(every) // 2_000)])


def thumbnail(frame: Frame, grid: ChangeGrid) -> Image:
    """The brightness of the region, scaled down: (h, w) uint8."""
    left, top, right, bottom = grid.bounds
    luma = frame.luma[top:bottom, left:right]
    for _ in range(grid.halvings):
        luma = cv2.resize(luma, (luma.shape[1] // 2, luma.shape[0] // 2), interpolation=cv2.INTER_AREA)
    return luma if grid.halvings else luma.copy()


def changes(before: Image, now: Image, grid: ChangeGrid, params: ChangeParams = PARAMS) -> list[Bounds]:
    """Rectangles in px of the frame around the places where two thumbnails differ by more than noise and a change of
    the whole picture's brightness."""
    sample_before, sample_now = before.ravel()[grid.sampled], now.ravel()[grid.sampled]
    if not len(sample_now):
        return []
    # A cloud, or the camera's gain, changes the brightness of the whole picture.
    gain = int(_median(sample_now.astype(np.int16) - sample_before))
    if gain:
        before = cv2.add(before, float(gain)) if gain > 0 else cv2.subtract(before, float(-gain))
    difference = cv2.blur(cv2.absdiff(now, before), (3, 3))
    noise = float(_median(difference.ravel()[grid.sampled]))
    limit = min(params.most, max(params.least, params.noise * noise))
    changed = cv2.bitwise_and(cv2.compare(difference, limit, cv2.CMP_GT), grid.inside)
    if not cv2.countNonZero(changed):
        return []
    side = 2 * params.near_px + 1
    near = cv2.dilate(changed, np.ones((side, side), np.uint8))
    left, top = grid.bounds[:2]
    scale = 1 << grid.halvings
    found = []
    for outline in cv2.findContours(near, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0]:
        x, y, wide, tall = cv2.boundingRect(outline)
        part = changed[y : y + tall, x : x + wide]
        if cv2.countNonZero(part) >= params.least_px:
            inner_x, inner_y, wide, tall = cv2.boundingRect(part)
            x, y = x + inner_x, y + inner_y
            found.append(
                (left + x * scale, top + y * scale, left + (x + wide) * scale, top + (y + tall) * scale)
            )
    return found


def _median(values: NDArray[Any]) -> Any:
    """The median; of an even number of values, the larger of the two in the middle."""
    middle = len(values) // 2
    return np.partition(values, middle)[middle]
