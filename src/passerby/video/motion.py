"""What moves before a still background: boxes without a model.

Law: memory is bounded. The background of an instant is a median over pictures taken at fixed times within
`REACH_MS` of its cell of `CELL_MS`, so what is seen at t depends on no frame farther than CELL_MS + REACH_MS,
and on nothing else: not on where reading began, nor on what was seen before.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from passerby.counting.detections import Label
from passerby.video.boxes import Boxes
from passerby.video.frame import Frame, Image

CELL_MS = 4_000
REACH_MS = 4_000
SAMPLE_MS = 500
SMALL_PX = 240
"""Height at which motion is looked for; a larger picture is made smaller first."""

LEAST = 12.0
"""Difference (of 255) below which nothing is seen, however quiet the sensor."""
SWAY_PX = 0.5
SHADOW = 0.5
"""Share of the light that a shadow may take."""
EDGE = 6.0


class Small(NamedTuple):
    """A frame made small: `yuv` (h, w, 3) uint8 and the factor back to pixels of the frame."""

    time_ms: int
    yuv: Image
    scale: float


def shrink(frame: Frame) -> Small:
    """Averaged to at most SMALL_PX rows, so that noise and compression go and bodies stay."""
    factor = min(1.0, SMALL_PX / min(frame.height, frame.width))
    size = (max(1, round(frame.width * factor)), max(1, round(frame.height * factor)))
    return Small(frame.time_ms, frame.yuv(size), 1 / factor)


class _Background(NamedTuple):
    median: NDArray[np.int16]
    limit: NDArray[np.float32]
    slope: NDArray[np.float32]


def _background(samples: list[Image]) -> _Background:
    """Median of each pixel, and by how much a picture may differ from it and still be still."""
    stack = np.stack(samples)
    middle = len(samples) // 2
    median = np.partition(stack, middle, axis=0)[middle]
    spread = np.maximum(stack, median) - np.minimum(stack, median)
    # 1.4826 times the median absolute deviation is the standard deviation of normal noise.
    noise = np.partition(spread, middle, axis=0)[middle].astype(np.float32) * 1.4826
    slope = _slope(median)
    # A mast that sways by a fraction of a pixel moves every edge: what that explains is not motion.
    limit = np.maximum(LEAST, 4 * noise) + SWAY_PX * slope
    return _Background(median.astype(np.int16), limit, slope[..., 0])


def _slope(picture: Image) -> NDArray[np.float32]:
    """Change per pixel, the larger of both ways."""
    return np.asarray(
        np.maximum(
            np.abs(cv2.Sobel(picture, cv2.CV_32F, 1, 0, ksize=3)),
            np.abs(cv2.Sobel(picture, cv2.CV_32F, 0, 1, ksize=3)),
        )
        / 4
    )


def moving(pictures: Iterable[Small]) -> Iterator[tuple[int, Boxes]]:
    """Boxes of what moves in each picture, in pixels of the frame, REACH_MS to CELL_MS + REACH_MS late."""
    samples: list[Small] = []
    waiting: list[Small] = []
    for picture in pictures:
        if not samples or picture.time_ms // SAMPLE_MS > samples[-1].time_ms // SAMPLE_MS:
            samples.append(picture)
        waiting.append(picture)
        while waiting and picture.time_ms >= _cell_end_ms(waiting[0]) + REACH_MS:
            yield from _cell(waiting, samples)
    while waiting:
        yield from _cell(waiting, samples)


def _cell_end_ms(picture: Small) -> int:
    return (picture.time_ms // CELL_MS + 1) * CELL_MS


def _cell(waiting: list[Small], samples: list[Small]) -> Iterator[tuple[int, Boxes]]:
    """Answer the first cell that waits, and forget what no later cell can need."""
    end_ms = _cell_end_ms(waiting[0])
    start_ms = end_ms - CELL_MS
    background = _background([s.yuv for s in samples if start_ms - REACH_MS <= s.time_ms < end_ms + REACH_MS])
    while waiting and waiting[0].time_ms < end_ms:
        picture = waiting.pop(0)
        yield picture.time_ms, _boxes(picture, background)
    while samples and samples[0].time_ms < end_ms - REACH_MS:
        samples.pop(0)


def foreground(picture: Small, background: _Background) -> Image:
    """(h, w) uint8, 255 where the picture differs from the background by more than noise, flicker and shadow."""
    difference = picture.yuv.astype(np.int16) - background.median
    # A cloud or the camera's gain moves the whole picture: what half of it did is not motion.
    difference -= np.median(difference[::4, ::4], axis=(0, 1)).astype(np.int16)
    size = np.abs(difference).astype(np.float32)
    size[..., 1:] *= 2
    changed = size > background.limit
    light = background.median[..., 0] - np.int16(16)
    darker = difference[..., 0]
    # A shadow takes a share of the light, no colour, and adds no edge inside.
    shadow = (
        (darker < 0)
        & (darker > -SHADOW * light)
        & ~changed[..., 1]
        & ~changed[..., 2]
        & (np.abs(_slope(picture.yuv)[..., 0] - background.slope) < EDGE)
    )
    return np.where(changed.any(axis=2) & ~shadow, np.uint8(255), np.uint8(0))


def _boxes(picture: Small, background: _Background) -> Boxes:
    mask = foreground(picture, background)
    height = mask.shape[0]
    gap = max(3, round(height / 60) | 1)
    mask = cv2.medianBlur(mask, 3)
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((gap + 2, gap), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    stats = stats[1:]
    area = stats[:, cv2.CC_STAT_AREA]
    keep = area >= max(12, (height / 60) ** 2)
    stats = stats[keep].astype(np.float32)
    xyxy = np.column_stack([stats[:, 0], stats[:, 1], stats[:, 0] + stats[:, 2], stats[:, 1] + stats[:, 3]])
    fill = stats[:, cv2.CC_STAT_AREA] / np.maximum(1, stats[:, 2] * stats[:, 3])
    return Boxes(
        (xyxy * picture.scale).astype(np.float32),
        np.clip(fill, 0.05, 1).astype(np.float32),
        np.full(len(stats), Label.VEHICLE, np.int64),
    )
