"""What detectors see, from look to look: when they look, where, and what is held of what they saw before.

Invariant: memory is bounded. All of each corridor is looked at anew in the first tick of each cell of `cell_ms`, so
what is seen at t depends on the frames of its cell and on the first tick after it, and on nothing else.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, reduce
from math import ceil, sqrt

import cv2
import numpy as np
from numpy.typing import NDArray

from passerby.counting.box_ops import area, overlap, riders
from passerby.counting.detections import Detections, no_detections
from passerby.video.decode.frame import Frame, Image
from passerby.video.detect.detector import LoadedDetector
from passerby.video.detect.ensemble import agreed
from passerby.video.detect.nms import Boxes, joined, suppress
from passerby.video.motion.background_subtraction import CELL_MS
from passerby.video.scheduling.cadence import good_for_ms
from passerby.video.scheduling.change_detection import Glance, changes, glance_of, glimpse
from passerby.video.scheduling.interpolate import between, pairs, velocities
from passerby.video.scheduling.optimizations import Optimizations
from passerby.video.scheduling.regions import Bounds, Region, hide

HELD_MS = 12_000
"""How long what is seen may be held where that is saved."""
FILLED = 0.6
"""Share of what is shown above which a box must be as sure as BELIEVED: masks look like things."""
BELIEVED = 0.6
LEAST_CONFIDENCE = 0.2
"""Below this a box is noise even to a tracker."""

FIT_PX = 416 * 416
"""Of a region, so many pixels are shown at most: small detectors are made for things of this size."""
CROP_PX = 160 * 160
"""The same of a crop, where that leaves more of it: what is far is small, and seen better."""
FILLING = 0.85
"""By so much smaller a part may be shown where that saves padding: networks take sides of whole multiples."""
BLOCK_PX = 4
"""What is outside is told in squares of this side where it is shown smaller."""
PAD = 0.15
"""What is shown around a change, in its own widths and heights."""
PAD_ROWS = 0.03
"""And at least, in frame heights."""
JOINED = 1.15
"""Crops are joined where that shows no more than so many times their own pixels."""
WHOLE = 0.7
"""Share of a region from which all of it is looked at."""
PART = 0.6
"""Share of a new box that lies within a held one from which it is a part of it, cut by the edge of a crop."""


@dataclass(slots=True)
class _Held:
    """What one detector saw of one region, and the light it saw it in."""

    boxes: Boxes
    light: Image | None


@dataclass(slots=True, eq=False)
class IncrementalDetection:
    """Detectors that look at regions, each look every `interval_ms`; what they see is given out in order of time."""

    detectors: Sequence[tuple[LoadedDetector, Region]]
    interval_ms: int
    optimizations: Optimizations
    _cell: int = -1
    _due_ms: int = 0
    _held: list[_Held | None] = field(default_factory=list)
    _last: Detections | None = None
    _velocity: NDArray[np.float32] = field(default_factory=lambda: np.empty((0, 2), np.float32))
    _waiting: list[int] = field(default_factory=list)
    _frame: Frame | None = None

    def take(self, frame: Frame) -> Iterator[Detections]:
        """What is known now: all ticks up to this one where it is looked at, none where it has to wait."""
        if not self.detectors:
            yield no_detections(frame.time_ms)
            return
        cell = frame.time_ms // cell_ms(self.optimizations)
        if cell == self._cell and frame.time_ms < self._due_ms:
            self._waiting.append(frame.time_ms)
            self._frame = frame
            return
        is_first = cell != self._cell
        if is_first:
            self._held = [None] * len(self.detectors)
        self._cell = cell
        yield from self._see(frame)
        assert self._last is not None
        if is_first:
            self._velocity = np.full((len(self._last), 2), np.nan, np.float32)
        self._due_ms = (frame.time_ms // self.interval_ms + 1) * self.interval_ms
        if self.optimizations.pace:
            good_ms = good_for_ms(self._last, self._velocity, self.interval_ms)
            self._due_ms = max(self._due_ms, round(frame.time_ms + good_ms))

    def finish(self) -> Iterator[Detections]:
        """What still waits when no frame comes any more: the last one is looked at."""
        if self._frame is not None:
            self._waiting.pop()
            yield from self._see(self._frame)

    def close(self, frame: Frame) -> Iterator[Detections]:
        """What still waits, with the first frame after the last one."""
        if self._frame is not None:
            self._held = [None] * len(self.detectors)
            yield from self._see(frame)

    def _see(self, frame: Frame) -> Iterator[Detections]:
        found = []
        for index, (one, region) in enumerate(self.detectors):
            self._held[index] = held = _look(frame, one, region, self._held[index], self.optimizations)
            found.append(held.boxes)
        boxes = reduce(agreed, found)
        seen = riders(Detections(frame.time_ms, *boxes))
        if self._last is not None:
            paired = pairs(self._last, seen, self._velocity)
            for time_ms in self._waiting:
                yield between(self._last, seen, paired, time_ms)
            self._velocity = velocities(self._last, seen, paired)
        self._waiting, self._frame, self._last = [], None, seen
        yield seen


def cell_ms(optimizations: Optimizations) -> int:
    """How long what is seen may be held, whole cells of motion."""
    return HELD_MS if optimizations.hold else CELL_MS


def _look(
    frame: Frame, one: LoadedDetector, region: Region, held: _Held | None, optimizations: Optimizations
) -> _Held:
    if not optimizations.gate:
        return _Held(_detect(frame, one, region, region.bounds, optimizations), None)
    glance = _glance(region, (frame.width, frame.height))
    light = glimpse(frame, glance)
    if held is None or held.light is None:
        return _Held(_detect(frame, one, region, region.bounds, optimizations), light)
    changed = changes(held.light, light, glance)
    if not changed:
        return held
    # A network of fixed input costs the same however little it is shown.
    whole = not optimizations.crops or one.size_px is not None
    crops = [region.bounds] if whole else crops_of(changed, held.boxes, region, frame.height)
    if crops == [region.bounds]:
        return _Held(_detect(frame, one, region, region.bounds, optimizations), light)
    return _Held(
        _renewed(frame, one, region, crops, held.boxes, optimizations),
        _patched(held.light, light, crops, glance),
    )


@lru_cache(maxsize=16)
def _glance(region: Region, size: tuple[int, int]) -> Glance:
    return glance_of(region, size)


def crops_of(changed: Sequence[Bounds], held: Boxes, region: Region, rows: int) -> list[Bounds]:
    """What to show of a region, of a frame of so many `rows`: what has changed, and whole bodies that are held."""
    padded = [_padded(one, rows) for one in changed]
    centres = (held.xyxy[:, :2] + held.xyxy[:, 2:]) / 2
    for box, (x, y) in zip(held.xyxy.tolist(), centres.tolist(), strict=True):
        around = _padded((int(box[0]), int(box[1]), ceil(box[2]), ceil(box[3])), rows)
        for index, (crop, change) in enumerate(zip(padded, changed, strict=True)):
            within = crop[0] <= x < crop[2] and crop[1] <= y < crop[3]
            if within or _area(_common((int(box[0]), int(box[1]), ceil(box[2]), ceil(box[3])), change)) > 0:
                padded[index] = _union(crop, around)
    crops = [_even(_common(one, region.visible), region.bounds) for one in padded]
    crops = _joined([one for one in crops if _area(one) > 0])
    if not crops or sum(map(_area, crops)) >= WHOLE * _area(region.bounds):
        return [region.bounds]
    return crops


def _joined(crops: list[Bounds]) -> list[Bounds]:
    """Those that are near each other as one, until none are."""
    joined: list[Bounds] = []
    waiting = list(crops)
    while waiting:
        one = waiting.pop()
        for other in joined:
            union = _union(one, other)
            if _area(union) <= JOINED * (_area(one) + _area(other)):
                joined.remove(other)
                waiting.append(union)
                break
        else:
            joined.append(one)
    return sorted(joined)


def _renewed(
    frame: Frame,
    one: LoadedDetector,
    region: Region,
    crops: Sequence[Bounds],
    held: Boxes,
    optimizations: Optimizations,
) -> Boxes:
    """What is held, with what lies in the crops seen anew."""
    x, y = ((held.xyxy[:, :2] + held.xyxy[:, 2:]) / 2).T
    kept = np.ones(len(held.xyxy), bool)
    for left, top, right, bottom in crops:
        kept &= (x < left) | (x >= right) | (y < top) | (y >= bottom)
    still = Boxes(held.xyxy[kept], held.confidence[kept], held.class_id[kept])
    found = [_detect(frame, one, region, crop, optimizations) for crop in crops]
    new = joined(found)
    if len(new.xyxy) and len(still.xyxy):
        whole = (overlap(new.xyxy, still.xyxy) / area(new.xyxy)[:, None]).max(axis=1) < PART
        new = Boxes(new.xyxy[whole], new.confidence[whole], new.class_id[whole])
    together = joined([still, new])
    return suppress(together) if len(crops) > 1 else together


def _patched(before: Image, now: Image, crops: Sequence[Bounds], glance: Glance) -> Image:
    """The light in which each place was last looked at."""
    left, top = glance.bounds[:2]
    patched = before.copy()
    for crop in crops:
        # Pixels of the small picture that a crop cuts are not taken as seen.
        x, y = (-(-max(0, n) >> glance.halvings) for n in (crop[0] - left, crop[1] - top))
        x_end, y_end = (max(0, n) >> glance.halvings for n in (crop[2] - left, crop[3] - top))
        patched[y:y_end, x:x_end] = now[y:y_end, x:x_end]
    return patched


def _detect(
    frame: Frame, one: LoadedDetector, region: Region, part: Bounds, optimizations: Optimizations
) -> Boxes:
    """What is in `part` of a region, in px of the frame."""
    left, top, right, bottom = part
    size = _size_of(one, region, part, optimizations)
    boxes = one.detect(show(frame, region, part, size))
    scale = np.array([(right - left) / size[0], (bottom - top) / size[1]] * 2, np.float32)
    corner = np.array([left, top] * 2, np.float32)
    return _visible(Boxes(boxes.xyxy * scale + corner, boxes.confidence, boxes.class_id), region)


def _size_of(
    one: LoadedDetector, region: Region, part: Bounds, optimizations: Optimizations
) -> tuple[int, int]:
    """(width, height) px, both even, at which `part` is shown."""
    width, height = part[2] - part[0], part[3] - part[1]
    if not optimizations.fit:
        return width, height
    if one.size_px is not None:
        # Less than twice as large, it is left to the detector.
        halved = width >= 2 * one.size_px[0] and height >= 2 * one.size_px[1]
        return one.size_px if halved else (width, height)
    least = sqrt(FIT_PX / _area(region.bounds))
    scale = min(1.0, max(least, sqrt(CROP_PX / _area(part))))
    if scale == 1.0:
        # What is shown as the camera saw it is not blurred for some padding: that costs cyclists.
        return width, height
    scale = _filling(width, height, scale, one.multiple_px)
    return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)


def _filling(width: int, height: int, scale: float, multiple_px: int) -> float:
    """A scale a little below `scale` where that needs less padding up to multiples of `multiple_px`."""

    def padded(by: float) -> int:
        return ceil(round(width * by) / multiple_px) * ceil(round(height * by) / multiple_px)

    smaller = [int(side * scale) // multiple_px * multiple_px / side for side in (width, height)]
    return min((scale, *(one for one in smaller if one >= FILLING * scale)), key=lambda by: (padded(by), -by))


def show(frame: Frame, region: Region, part: Bounds, size: tuple[int, int]) -> Image:
    """`part` of a region at `size` (width, height), with nothing of what is outside."""
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
        outside = _reaching(region, -(-reach // BLOCK_PX))[
            y // BLOCK_PX : -(-y_end // BLOCK_PX), x // BLOCK_PX : -(-x_end // BLOCK_PX)
        ]
        hide(image, cv2.resize(outside, size, interpolation=cv2.INTER_NEAREST).view(bool))
    return image


@lru_cache(maxsize=16)
def _reaching(region: Region, reach: int) -> Image:
    """(h, w) uint8 in blocks of BLOCK_PX, 1 where a pixel of the outside lies within `reach` blocks: a small pixel is
    made of so many."""
    assert region.outside is not None
    height, width = region.outside.shape
    whole = np.zeros((-(-height // BLOCK_PX) * BLOCK_PX, -(-width // BLOCK_PX) * BLOCK_PX), np.uint8)
    whole[:height, :width] = region.outside
    blocks = whole.reshape(len(whole) // BLOCK_PX, BLOCK_PX, -1, BLOCK_PX)
    # A part need not begin where a block does.
    side = 2 * (reach + 1) + 1
    return np.asarray(cv2.dilate(blocks.max(axis=(1, 3)), np.ones((side, side), np.uint8)), np.uint8)


def _visible(boxes: Boxes, region: Region) -> Boxes:
    """In px of the frame, cut to what was shown: what a network guesses beyond it, nobody saw."""
    left, top, right, bottom = region.visible
    low, high = np.array([left, top] * 2, np.float32), np.array([right, bottom] * 2, np.float32)
    xyxy = np.clip(boxes.xyxy, low, high)
    sides = xyxy[:, 2:] - xyxy[:, :2]
    # A faint box around nearly all that is shown is the corridor itself, taken for a thing.
    filled = sides[:, 0] * sides[:, 1] / ((right - left) * (bottom - top))
    least = np.where(filled < FILLED, LEAST_CONFIDENCE, BELIEVED)
    keep = (sides >= 2).all(axis=1) & (boxes.confidence >= least)
    return Boxes(xyxy[keep], boxes.confidence[keep], boxes.class_id[keep])


def _padded(box: Bounds, rows: int) -> Bounds:
    left, top, right, bottom = box
    x = round(max(PAD * (right - left), PAD_ROWS * rows))
    y = round(max(PAD * (bottom - top), PAD_ROWS * rows))
    return left - x, top - y, right + x, bottom + y


def _even(box: Bounds, within: Bounds) -> Bounds:
    left, top, right, bottom = box
    return (
        left // 2 * 2,
        top // 2 * 2,
        min(within[2], -(-right // 2) * 2),
        min(within[3], -(-bottom // 2) * 2),
    )


def _union(a: Bounds, b: Bounds) -> Bounds:
    return min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])


def _common(a: Bounds, b: Bounds) -> Bounds:
    return max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])


def _area(box: Bounds) -> int:
    return max(0, box[2] - box[0]) * max(0, box[3] - box[1])
