"""Detect motion by subtracting the background: boxes without a model.

Invariant: memory is bounded. The background at an instant is a median over pictures taken at fixed times within
REACH_MS of the cell of CELL_MS that contains it. So the boxes at t depend on no frame farther away than
CELL_MS + REACH_MS, nor on where reading began, nor on earlier results.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from passerby.domain.labels import Label
from passerby.domain.timespan import Span
from passerby.video.decode.frame import Frame, Image
from passerby.video.decode.regions import Region, hide
from passerby.video.detect.nms import Boxes
from passerby.video.motion.split_groups import SOLID, pedestrians_of

CELL_MS = 4_000
"""One background serves all frames of a cell of this length."""
REACH_MS = 4_000
"""How far before and after its cell the pictures of a background are taken."""
SAMPLE_MS = 800
"""A picture for the background is taken in each step of this length."""


@dataclass(frozen=True, slots=True)
class MotionParams:
    """What counts as motion. Lengths are in pixels of the small picture, differences in steps of 255.

    The values were chosen while counting the clips of docs/explanation/accuracy.md.

    `rows`: a larger picture is scaled down to as many rows (or columns, where it is upright). More rows find smaller
    objects, and more noise, in more time.
    `least`: least difference from the background that is motion, however quiet the sensor; half as much for colour.
    `noise`: where the sensor is not quiet, motion differs by more than so many standard deviations. Lower limits find
    fainter objects, and noise.
    `sway_px`: how far a swaying mast may move an edge, after alignment. More hides faint objects at edges.
    `swayed`: share of a background's pictures that had to be aligned, above which all other pictures are aligned too.
    A higher share saves time, and sees a mast that sways now and then as motion.
    `gain`: most by which the light may change between a picture and its background; more is an object that fills the
    corridor.
    `shadow`: largest share of the light that a shadow may take; a darker place is an object.
    `shadow_edge`: difference of slope from which a darker place is an object, since a shadow adds no edges within it.
    `gap_px`: gaps up to about this within an object are closed. More joins neighbours; less breaks objects up.
    `side_px`: least side of an object.
    """

    rows: int = 240
    least: int = 12
    noise: float = 4.0
    sway_px: float = 0.4
    swayed: float = 0.2
    gain: int = 6
    shadow: float = 0.5
    shadow_edge: int = 12
    gap_px: int = 3
    side_px: int = 3


@dataclass(frozen=True, slots=True)
class ShapeParams:
    """By which shape an object is a pedestrian, a rider or a vehicle: see `labels_of`.

    The values were chosen while counting the clips of docs/explanation/accuracy.md.

    `wide`: width by height from which an object is a vehicle. `slim`: width by height below which it is a pedestrian,
    unless it is as convex and full as a vehicle. `solidity`: least share of its convex hull that a vehicle fills.
    `fill_slim`, `fill`: least share of its box that a slim, or other, vehicle fills.
    """

    wide: float = 1.3
    slim: float = 0.72
    solidity: float = 0.83
    fill_slim: float = 0.72
    fill: float = 0.5


PARAMS = MotionParams()
SHAPES = ShapeParams()


class SmallPicture(NamedTuple):
    """A region scaled down: `yuv` (h, w, 3) uint8. A pixel x is at `corner` + `scale` * x in px of the frame."""

    time_ms: int
    yuv: Image
    scale: float
    corner: tuple[int, int] = (0, 0)


class Background(NamedTuple):
    """The scene without moving objects. `median` (h, w, 3) uint8; `limit` (h, w, 3) uint8, the most by which a picture
    without motion differs from it; `darkest` (h, w) uint8, its light in the darkest shadow; `slope` (h, w) uint8 of its
    light; `half`, by which pictures are aligned with it, as `half_of` makes it; None where the camera stood still."""

    median: Image
    limit: Image
    darkest: Image
    slope: Image
    half: NDArray[np.float32] | None


def shrink(frame: Frame, region: Region | None = None) -> SmallPicture:
    """The region scaled down by averaging, which removes noise; pixels outside the corridors become one tone."""
    factor = min(1.0, PARAMS.rows / min(frame.height, frame.width))
    left, top, right, bottom = (0, 0, frame.width, frame.height) if region is None else region.bounds
    size = (max(1, round((right - left) * factor)), max(1, round((bottom - top) * factor)))
    yuv = frame.yuv(size, (left, top, right, bottom))
    if region is not None and region.outside is not None:
        hide(yuv, outside_of(region, size))
    return SmallPicture(frame.time_ms, yuv, 1 / factor, (left, top))


@lru_cache(maxsize=4)
def outside_of(region: Region, size: tuple[int, int]) -> NDArray[np.bool_]:
    """(height, width) bool: a pixel of the small picture that contains any of the outside is outside."""
    assert region.outside is not None
    part = cv2.resize(region.outside.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    return np.asarray(part > 0, np.bool_)


def moving(pictures: Iterable[SmallPicture], span: Span | None = None) -> Iterator[tuple[int, Boxes]]:
    """The time and the boxes of the moving objects of each picture in `span`, in px of the frame, REACH_MS to
    CELL_MS + REACH_MS late.

    Pictures outside `span`, which begins and ends where a cell does, serve the background alone; None for all
    pictures.
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
    """The boxes of the first cell that waits; samples that no later cell needs are dropped."""
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
    """The background of `samples` (h, w, 3): the median of each pixel, after alignment to the middle sample."""
    middle = len(samples) // 2
    still = samples[middle]
    half = half_of(still)
    low, high = len(samples) // 4, len(samples) - 1 - len(samples) // 4
    aligned = [align(sample, still, half) for sample in samples]
    swayed = sum(moved is not sample for moved, sample in zip(aligned, samples, strict=True))
    ranked = in_order(aligned)
    median = ranked[middle]
    # A quarter of normal noise lies within 0.674 standard deviations above the median, and a quarter below. Passing
    # objects widen one side, so the narrower one is used.
    noise = np.minimum(ranked[high] - median, median - ranked[low]).astype(np.float32) * (
        PARAMS.noise / 0.674
    )
    slope = slope_of(median)
    # Colour has less noise than light, so half the difference is enough.
    share = np.array([1, 0.5, 0.5], np.float32)
    limit = np.maximum(noise, PARAMS.least * share) + PARAMS.sway_px * share * slope
    light = median[..., 0].astype(np.float32)
    return Background(
        median,
        np.minimum(limit, 255).astype(np.uint8),
        np.maximum(light - PARAMS.shadow * np.maximum(light - 16, 0), 0).astype(np.uint8),
        np.minimum(slope[..., 0], 255).astype(np.uint8),
        half_of(median) if swayed > PARAMS.swayed * len(samples) else None,
    )


def in_order(pictures: list[Image]) -> list[Image]:
    """The values of each pixel in ascending order: odd-even transposition sort (Habermann, 1972) of whole pictures."""
    ranked = list(pictures)
    for turn in range(len(ranked)):
        for index in range(turn % 2, len(ranked) - 1, 2):
            pair = ranked[index : index + 2]
            ranked[index : index + 2] = np.minimum(*pair), np.maximum(*pair)
    return ranked


def half_of(picture: Image) -> NDArray[np.float32]:
    """The light of a picture at half its size, (h // 2, w // 2) float32, by which pictures are aligned."""
    size = (max(1, picture.shape[1] // 2), max(1, picture.shape[0] // 2))
    return np.asarray(cv2.resize(picture[..., 0], size, interpolation=cv2.INTER_AREA), np.float32)


@lru_cache(maxsize=4)
def _window(size: tuple[int, int]) -> NDArray[np.float32]:
    return np.asarray(cv2.createHanningWindow(size, cv2.CV_32F), np.float32)


def align(picture: Image, still: Image, half: NDArray[np.float32]) -> Image:
    """`picture` moved so that it matches `still`, whose `half_of` is `half`, since masts sway. Phase correlation
    (Kuglin and Hines, 1975)."""
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
    # An object that fills the corridor has a shift of its own. A shift that leaves as much changed is not the mast's.
    return moved if _changed(moved, still) < 0.8 * _changed(picture, still) else picture


def _changed(picture: Image, still: Image) -> int:
    return int(np.count_nonzero(cv2.absdiff(picture[..., 0], still[..., 0]) > PARAMS.least))


def slope_of(picture: Image) -> NDArray[np.float32]:
    """Change per pixel in each channel (h, w, 3): horizontal or vertical, the larger one."""
    across = cv2.Sobel(picture, cv2.CV_32F, 1, 0, ksize=3)
    down = cv2.Sobel(picture, cv2.CV_32F, 0, 1, ksize=3)
    return np.asarray(np.maximum(np.abs(across), np.abs(down)) / 4, np.float32)


def foreground(picture: Image, background: Background) -> Image:
    """(h, w) uint8, 255 where the picture differs from the background by more than noise, light and shadow."""
    if background.half is not None:
        picture = align(picture, background.median, background.half)
    # A cloud, or the camera's gain, changes the whole picture: a change of half of it is not motion.
    sparse = picture[::4, ::4].astype(np.int16) - background.median[::4, ::4]
    gain = np.median(sparse, axis=(0, 1)).astype(np.int16)
    # A larger change in so short a time is an object that fills the corridor.
    if 0 < np.abs(gain).max() <= PARAMS.gain:
        picture = np.clip(picture - gain, 0, 255).astype(np.uint8)
    light, u, v = cv2.split(
        cv2.compare(cv2.absdiff(picture, background.median), background.limit, cv2.CMP_GT)
    )
    # A shadow takes a share of the light and no colour, and adds no edge within it.
    luma = np.ascontiguousarray(picture[..., 0])
    edges = cv2.max(
        cv2.convertScaleAbs(cv2.Sobel(luma, cv2.CV_16S, 1, 0, ksize=3), alpha=0.25),
        cv2.convertScaleAbs(cv2.Sobel(luma, cv2.CV_16S, 0, 1, ksize=3), alpha=0.25),
    )
    still_edges = cv2.compare(cv2.absdiff(edges, background.slope), PARAMS.shadow_edge, cv2.CMP_LE)
    darker = cv2.compare(luma, background.median[..., 0].copy(), cv2.CMP_LT)
    shaded = cv2.bitwise_and(darker, cv2.compare(luma, background.darkest, cv2.CMP_GE))
    light = cv2.bitwise_and(light, cv2.bitwise_not(cv2.bitwise_and(shaded, still_edges)))
    # The outline of a shadow is thin, and a dark object is not.
    outlined = cv2.morphologyEx(cv2.bitwise_and(light, shaded), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    light = cv2.bitwise_or(cv2.bitwise_and(light, cv2.bitwise_not(shaded)), outlined)
    return np.asarray(cv2.bitwise_or(light, cv2.bitwise_or(u, v)), np.uint8)


def boxes_of(mask: Image, scale: float) -> Boxes:
    """Boxes around the connected parts of `mask` (h, w) uint8, times `scale`, with a label by their shape and a
    confidence of 0; a part that is a row of pedestrians has a box for each of them."""
    cleaned = cv2.medianBlur(mask, 3)
    gap, side = PARAMS.gap_px, PARAMS.side_px
    mask = cv2.morphologyEx(cleaned, cv2.MORPH_CLOSE, np.ones((gap + 2, gap), np.uint8))
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    rows = []
    pedestrians: list[tuple[int, int, int, int]] = []
    for outline in outlines:
        x, y, wide, tall = cv2.boundingRect(outline)
        if min(wide, tall) < side:
            continue
        # The outline runs through the middle of the outermost pixels.
        area = cv2.contourArea(outline) + len(outline) / 2 + 1
        if area >= 2 * side**2:
            solidity = cv2.contourArea(outline) / max(cv2.contourArea(cv2.convexHull(outline)), 1)
            group = pedestrians_of(cleaned[y : y + tall, x : x + wide]) if solidity < SOLID else []
            pedestrians += [(x + a, y + b, x + c, y + d) for a, b, c, d in group]
            if group:
                continue
            rows.append((x, y, x + wide, y + tall, area / (wide * tall), solidity))
    left, top, right, bottom, fill, solid = np.array(rows, np.float32).reshape(-1, 6).T
    labels = labels_of((right - left) / (bottom - top), fill, solid)
    boxes = np.concatenate(
        [np.column_stack([left, top, right, bottom]), np.array(pedestrians, np.float32).reshape(-1, 4)]
    )
    return Boxes(
        boxes.astype(np.float32) * np.float32(scale),
        np.zeros(len(boxes), np.float32),
        np.concatenate([labels, np.full(len(pedestrians), int(Label.PERSON))]),
    )


def labels_of(
    slimness: NDArray[np.float32], fill: NDArray[np.float32], solidity: NDArray[np.float32]
) -> NDArray[np.int64]:
    """The likeliest label (n,) of objects, by width / height, by the share of their box that they fill, and by the
    share of their convex hull that they fill (solidity, as in image analysis).

    The outline of a car is convex and fills its box from any side. A pedestrian is tall, with gaps beside head and
    legs. A cyclist is about as wide as tall, with gaps all around.
    """
    is_slim = slimness < SHAPES.slim
    is_convex = (solidity >= SHAPES.solidity) & (fill >= np.where(is_slim, SHAPES.fill_slim, SHAPES.fill))
    labels = np.where(is_slim, Label.PERSON, Label.BICYCLE)
    return np.where((slimness >= SHAPES.wide) | is_convex, Label.VEHICLE, labels).astype(np.int64)
