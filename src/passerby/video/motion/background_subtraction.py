"""What moves before a still background: boxes without a model.

Invariant: memory is bounded. The background of an instant is a median over pictures taken at fixed times within
REACH_MS of its cell of CELL_MS, so what is seen at t depends on no frame farther than CELL_MS + REACH_MS,
and on nothing else: not on where reading began, nor on what was seen before.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from passerby.domain.labels import Label
from passerby.domain.timespan import Span
from passerby.video.decode.frame import Frame, Image
from passerby.video.detect.nms import Boxes
from passerby.video.motion.split_groups import SOLID, walkers_of
from passerby.video.scheduling.regions import Region, hide

CELL_MS = 4_000
REACH_MS = 4_000
SAMPLE_MS = 800
SMALL_PX = 240
"""Rows at which motion is looked for; a larger picture is made smaller first."""
LEAST = 12
"""Difference (of 255) below which nothing is seen, however quiet the sensor. Colour counts twice."""
GAP_PX = 3
"""Gaps up to about this in a body are closed, in small pixels; wider ones part two bodies."""
SIDE_PX = 3
"""Least side of a body, in small pixels."""
GAIN = 6
"""By how much (of 255) light may change between a picture and its background."""
SWAY_PX = 0.4
"""What may be left of a mast's sway after alignment: every edge moves by it."""
SHADOW = 0.5
"""Share of the light that a shadow may take."""
SHADOW_EDGE = 12
"""Difference of slope above which a darker place is a body and no shadow."""


class SmallPicture(NamedTuple):
    """A region made small: `yuv` (h, w, 3) uint8; `scale` and `corner` (x, y) px lead back to the frame."""

    time_ms: int
    yuv: Image
    scale: float
    corner: tuple[int, int] = (0, 0)


class Background(NamedTuple):
    """What is there when nothing moves: `median` (h, w, 3) uint8 and how far a still picture may be from it,
    `limit` (h, w, 3) uint8; `darkest` (h, w) that a shadow makes it, its `slope` (h, w), all uint8; `half` of its
    light, as `align` takes it."""

    median: Image
    limit: Image
    darkest: Image
    slope: Image
    half: NDArray[np.float32]


def shrink(frame: Frame, region: Region | None = None) -> SmallPicture:
    """The region averaged so that the frame has SMALL_PX rows or columns: noise goes, bodies stay, and what lies
    outside the corridors is one tone."""
    factor = min(1.0, SMALL_PX / min(frame.height, frame.width))
    left, top, right, bottom = (0, 0, frame.width, frame.height) if region is None else region.bounds
    size = (max(1, round((right - left) * factor)), max(1, round((bottom - top) * factor)))
    yuv = frame.yuv(size, (left, top, right, bottom))
    if region is not None and region.outside is not None:
        hide(yuv, _outside_of(region, size))
    return SmallPicture(frame.time_ms, yuv, 1 / factor, (left, top))


@lru_cache(maxsize=4)
def _outside_of(region: Region, size: tuple[int, int]) -> NDArray[np.bool_]:
    """(height, width) bool: a small pixel that holds any of the outside is outside."""
    assert region.outside is not None
    part = cv2.resize(region.outside.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    return np.asarray(part > 0, np.bool_)


def moving(pictures: Iterable[SmallPicture], span: Span | None = None) -> Iterator[tuple[int, Boxes]]:
    """Boxes of what moves in each picture, in pixels of the frame, REACH_MS to CELL_MS + REACH_MS late.

    Pictures outside `span`, which is of whole cells, only tell what the background is; None answers all.
    """
    samples: list[SmallPicture] = []
    waiting: list[SmallPicture] = []
    for picture in pictures:
        if not samples or picture.time_ms // SAMPLE_MS > samples[-1].time_ms // SAMPLE_MS:
            samples.append(picture)
        if span is None or picture.time_ms in span:
            waiting.append(picture)
        while waiting and picture.time_ms >= _cell_end_ms(waiting[0]) + REACH_MS:
            yield from _cell(waiting, samples)
    while waiting:
        yield from _cell(waiting, samples)


def _cell_end_ms(picture: SmallPicture) -> int:
    return (picture.time_ms // CELL_MS + 1) * CELL_MS


def _cell(waiting: list[SmallPicture], samples: list[SmallPicture]) -> Iterator[tuple[int, Boxes]]:
    """Answer the first cell that waits, and forget what no later cell can need."""
    end_ms = _cell_end_ms(waiting[0])
    near = [s.yuv for s in samples if end_ms - CELL_MS - REACH_MS <= s.time_ms < end_ms + REACH_MS]
    background = background_of(near)
    while waiting and waiting[0].time_ms < end_ms:
        picture = waiting.pop(0)
        found = boxes_of(foreground(picture.yuv, background), picture.scale)
        shift = np.array(picture.corner * 2, np.float32)
        yield picture.time_ms, Boxes(found.xyxy + shift, found.confidence, found.class_id)
    while samples and samples[0].time_ms < end_ms - REACH_MS:
        samples.pop(0)


def background_of(samples: list[Image]) -> Background:
    """Median of each pixel over `samples`, aligned to the middle one, and by how much a still picture may differ."""
    middle = len(samples) // 2
    still = samples[middle]
    half = half_of(still)
    low, high = len(samples) // 4, len(samples) - 1 - len(samples) // 4
    ranked = in_order([align(sample, still, half) for sample in samples])
    median = ranked[middle]
    # A quarter of normal noise lies within 0.674 standard deviations above the median, a quarter below; who passes
    # often widens one side, so the narrower is taken; four deviations are rare.
    noise = np.minimum(ranked[high] - median, median - ranked[low]).astype(np.float32) * (4 / 0.674)
    slope = slope_of(median)
    # Colour is quieter than light, so half as much of it is seen; its noise is what it is.
    share = np.array([1, 0.5, 0.5], np.float32)
    limit = np.maximum(noise, LEAST * share) + SWAY_PX * share * slope
    light = median[..., 0].astype(np.float32)
    return Background(
        median,
        np.minimum(limit, 255).astype(np.uint8),
        np.maximum(light - SHADOW * np.maximum(light - 16, 0), 0).astype(np.uint8),
        np.minimum(slope[..., 0], 255).astype(np.uint8),
        half_of(median),
    )


def in_order(pictures: list[Image]) -> list[Image]:
    """The least of all at each pixel first: odd-even transposition sort (Habermann, 1972), on whole pictures."""
    ranked = list(pictures)
    for turn in range(len(ranked)):
        for one in range(turn % 2, len(ranked) - 1, 2):
            pair = ranked[one : one + 2]
            ranked[one : one + 2] = np.minimum(*pair), np.maximum(*pair)
    return ranked


def half_of(picture: Image) -> NDArray[np.float32]:
    """Its light (h // 2, w // 2), by which pictures are aligned."""
    size = (max(1, picture.shape[1] // 2), max(1, picture.shape[0] // 2))
    return np.asarray(cv2.resize(picture[..., 0], size, interpolation=cv2.INTER_AREA), np.float32)


@lru_cache(maxsize=4)
def _window(size: tuple[int, int]) -> NDArray[np.float32]:
    return np.asarray(cv2.createHanningWindow(size, cv2.CV_32F), np.float32)


def align(picture: Image, still: Image, half: NDArray[np.float32]) -> Image:
    """`picture` moved so that it lies on `still`, whose `half_of` is `half`: masts sway. Phase correlation (Kuglin
    and Hines, 1975)."""
    height, width = still.shape[:2]
    if min(height, width) < 64:
        return picture
    (x, y), response = cv2.phaseCorrelate(half_of(picture), half, _window((width // 2, height // 2)))
    shift = np.hypot(x, y) * 2
    if response < 0.1 or not 0.2 < shift < 0.03 * height:
        return picture
    turn = np.array([[1, 0, 2 * x], [0, 1, 2 * y]], np.float32)
    moved = np.asarray(
        cv2.warpAffine(
            picture, turn, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        ),
        np.uint8,
    )
    # A body that fills the corridor has a shift of its own: one that leaves as much changed is not the mast's.
    return moved if _changed(moved, still) < 0.8 * _changed(picture, still) else picture


def _changed(picture: Image, still: Image) -> int:
    return int(np.count_nonzero(cv2.absdiff(picture[..., 0], still[..., 0]) > LEAST))


def slope_of(picture: Image) -> NDArray[np.float32]:
    """Change per pixel in each channel, the larger of both ways."""
    across = cv2.Sobel(picture, cv2.CV_32F, 1, 0, ksize=3)
    down = cv2.Sobel(picture, cv2.CV_32F, 0, 1, ksize=3)
    return np.asarray(np.maximum(np.abs(across), np.abs(down)) / 4, np.float32)


def foreground(picture: Image, background: Background) -> Image:
    """(h, w) uint8, 255 where the picture differs from the background by more than noise, light and shadow."""
    picture = align(picture, background.median, background.half)
    # A cloud or the camera's gain moves the whole picture: what half of it did is not motion.
    sparse = picture[::4, ::4].astype(np.int16) - background.median[::4, ::4]
    gain = np.median(sparse, axis=(0, 1)).astype(np.int16)
    # More than that in so short a time is a body that fills the corridor.
    if 0 < np.abs(gain).max() <= GAIN:
        picture = np.clip(picture - gain, 0, 255).astype(np.uint8)
    light, u, v = cv2.split(
        cv2.compare(cv2.absdiff(picture, background.median), background.limit, cv2.CMP_GT)
    )
    # A shadow takes a share of the light, no colour, and adds no edge within.
    luma = np.ascontiguousarray(picture[..., 0])
    edges = cv2.max(
        cv2.convertScaleAbs(cv2.Sobel(luma, cv2.CV_16S, 1, 0, ksize=3), alpha=0.25),
        cv2.convertScaleAbs(cv2.Sobel(luma, cv2.CV_16S, 0, 1, ksize=3), alpha=0.25),
    )
    still_edges = cv2.compare(cv2.absdiff(edges, background.slope), SHADOW_EDGE, cv2.CMP_LE)
    darker = cv2.compare(luma, background.median[..., 0].copy(), cv2.CMP_LT)
    shaded = cv2.bitwise_and(darker, cv2.compare(luma, background.darkest, cv2.CMP_GE))
    light = cv2.bitwise_and(light, cv2.bitwise_not(cv2.bitwise_and(shaded, still_edges)))
    # The shadow's own outline is thin, and a dark body is not.
    outlined = cv2.morphologyEx(cv2.bitwise_and(light, shaded), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    light = cv2.bitwise_or(cv2.bitwise_and(light, cv2.bitwise_not(shaded)), outlined)
    return np.asarray(cv2.bitwise_or(light, cv2.bitwise_or(u, v)), np.uint8)


def boxes_of(mask: Image, scale: float) -> Boxes:
    """Boxes around the connected parts of `mask`, in pixels of the frame, with a label by shape."""
    seen = cv2.medianBlur(mask, 3)
    mask = cv2.morphologyEx(seen, cv2.MORPH_CLOSE, np.ones((GAP_PX + 2, GAP_PX), np.uint8))
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    rows = []
    walkers: list[tuple[int, int, int, int]] = []
    for outline in outlines:
        x, y, wide, tall = cv2.boundingRect(outline)
        if min(wide, tall) < SIDE_PX:
            continue
        # The outline runs through the middle of the outermost pixels.
        area = cv2.contourArea(outline) + len(outline) / 2 + 1
        if area >= 2 * SIDE_PX**2:
            solidity = cv2.contourArea(outline) / max(cv2.contourArea(cv2.convexHull(outline)), 1)
            group = walkers_of(seen[y : y + tall, x : x + wide]) if solidity < SOLID else []
            walkers += [(x + a, y + b, x + c, y + d) for a, b, c, d in group]
            if group:
                continue
            rows.append((x, y, x + wide, y + tall, area / (wide * tall), solidity))
    left, top, right, bottom, fill, solid = np.array(rows, np.float32).reshape(-1, 6).T
    labels = shapes((right - left) / (bottom - top), fill, solid)
    found = np.concatenate(
        [np.column_stack([left, top, right, bottom]), np.array(walkers, np.float32).reshape(-1, 4)]
    )
    return Boxes(
        found.astype(np.float32) * np.float32(scale),
        np.zeros(len(found), np.float32),
        np.concatenate([labels, np.full(len(walkers), int(Label.PERSON))]),
    )


def shapes(
    slimness: NDArray[np.float32], fill: NDArray[np.float32], solidity: NDArray[np.float32]
) -> NDArray[np.int64]:
    """The likeliest label (n,) of bodies by width / height, by the share of their box that they fill, and by
    the share of their convex hull (solidity, as in image analysis).

    The body of a car is convex and fills its box from any side; a walker is tall, with gaps beside head and
    legs; a cyclist is about as wide as tall, with gaps all around.
    """
    wide = slimness >= 1.3
    convex = (solidity >= 0.83) & (fill >= np.where(slimness < 0.72, 0.72, 0.5))
    walker = slimness < 0.72
    return np.where(wide | convex, Label.VEHICLE, np.where(walker, Label.PERSON, Label.BICYCLE)).astype(
        np.int64
    )
