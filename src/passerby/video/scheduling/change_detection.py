"""What has changed in a region since detectors last looked at it, in small pictures of its light.

Invariant: two pictures in, rectangles out; nothing is remembered here.
"""

from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from passerby.video.decode.frame import Frame, Image
from passerby.video.scheduling.regions import Bounds, Region

ROWS_PX = 300
"""Frames of as many rows or more are halved until they have less."""
LEAST = 6.0
"""Mean difference (of 255) over 3 x 3 small pixels below which nothing has changed, however quiet the sensor."""
MOST = 24.0
"""And above which something has, however loud it is."""
NOISE = 4.0
"""How many times the median difference, which is the sensor's, a change must exceed."""
LEAST_PX = 4
"""Pixels of the small picture of a change that is more than a speck."""
NEAR_PX = 5
"""Changes nearer to each other than twice this many small pixels are one."""


class Glance(NamedTuple):
    """How a region is looked at in small: `halvings` of the frame, `bounds` in px of the frame, whole small pixels;
    `inside` (h, w) uint8, 255 for small pixels with nothing of the outside in them; `sampled` some of these."""

    halvings: int
    bounds: Bounds
    inside: Image
    sampled: NDArray[np.int64]


def glance_of(region: Region, size: tuple[int, int]) -> Glance:
    """For frames of `size` (width, height) px."""
    halvings = 0
    while size[1] >> halvings >= ROWS_PX:
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
    return Glance(halvings, (left, top, right, bottom), inside, every[:: max(1, len(every) // 2_000)])


def glimpse(frame: Frame, glance: Glance) -> Image:
    """The region's light, small: (h, w) uint8."""
    left, top, right, bottom = glance.bounds
    light = frame.luma[top:bottom, left:right]
    for _ in range(glance.halvings):
        light = cv2.resize(light, (light.shape[1] // 2, light.shape[0] // 2), interpolation=cv2.INTER_AREA)
    return light if glance.halvings else light.copy()


def changes(before: Image, now: Image, glance: Glance) -> list[Bounds]:
    """Rectangles in px of the frame, around what differs between two glimpses by more than noise and light."""
    sample_before, sample_now = before.ravel()[glance.sampled], now.ravel()[glance.sampled]
    if not len(sample_now):
        return []
    # A cloud or the camera's gain moves the whole picture.
    gain = int(_middle(sample_now.astype(np.int16) - sample_before))
    if gain:
        before = cv2.add(before, float(gain)) if gain > 0 else cv2.subtract(before, float(-gain))
    difference = cv2.blur(cv2.absdiff(now, before), (3, 3))
    noise = float(_middle(difference.ravel()[glance.sampled]))
    limit = min(MOST, max(LEAST, NOISE * noise))
    changed = cv2.bitwise_and(cv2.compare(difference, limit, cv2.CMP_GT), glance.inside)
    if not cv2.countNonZero(changed):
        return []
    side = 2 * NEAR_PX + 1
    near = cv2.dilate(changed, np.ones((side, side), np.uint8))
    left, top = glance.bounds[:2]
    scale = 1 << glance.halvings
    found = []
    for outline in cv2.findContours(near, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0]:
        x, y, wide, tall = cv2.boundingRect(outline)
        part = changed[y : y + tall, x : x + wide]
        if cv2.countNonZero(part) >= LEAST_PX:
            inner_x, inner_y, wide, tall = cv2.boundingRect(part)
            x, y = x + inner_x, y + inner_y
            found.append(
                (left + x * scale, top + y * scale, left + (x + wide) * scale, top + (y + tall) * scale)
            )
    return found


def _middle(values: NDArray[Any]) -> Any:
    """The median, or the larger of the two that it is the mean of."""
    middle = len(values) // 2
    return np.partition(values, middle)[middle]
