"""Detect incrementally: when each detector runs, on what part of its region, and what is reused from its last run.

Invariant: memory is bounded. In the first tick of each cell of `cell_ms`, detectors run on all of their regions and
reuse nothing. So the detections at t depend on the frames of the cell of t and on the first tick after it, and on
nothing else.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from math import ceil, sqrt

import numpy as np
from numpy.typing import NDArray

from passerby.counting.box_ops import area, overlap, riders
from passerby.counting.detections import Detections, no_detections
from passerby.video.decode.frame import Frame, Image
from passerby.video.decode.regions import Bounds, Region, area_of, picture_of
from passerby.video.detect.detector import LoadedDetector
from passerby.video.detect.ensemble import merged
from passerby.video.detect.nms import Boxes, joined, suppress
from passerby.video.motion.background_subtraction import CELL_MS
from passerby.video.scheduling.cadence import valid_for_ms
from passerby.video.scheduling.change_detection import ChangeGrid, change_grid, changes, thumbnail
from passerby.video.scheduling.crops import crops_of
from passerby.video.scheduling.interpolate import interpolated, pairs, velocities
from passerby.video.scheduling.optimizations import Optimizations

HELD_MS = 12_000
"""Length of a cell with the optimization `hold`. Longer cells save work; an object of the very brightness of its
background may stay unseen for as long."""


@dataclass(frozen=True, slots=True)
class InputSize:
    """The size at which a picture is shown to a detector that takes any size. The values were chosen while counting
    the clips of docs/explanation/accuracy.md.

    `region_px`: most pixels of a whole region: YOLOX-nano was trained at 416 x 416. More finds smaller objects and
    takes longer in proportion.
    `crop_px`: most pixels of a crop, where that is more than its share of `region_px`: distant objects are small, and
    are found more reliably when larger.
    `padding_share`: a picture is scaled down to this share at most, where that saves padding: networks take sides
    that are multiples of 32 px. Less saves time and loses small objects.
    """

    region_px: int = 416 * 416
    crop_px: int = 160 * 160
    padding_share: float = 0.85


@dataclass(frozen=True, slots=True)
class BoxLimits:
    """Which boxes of a detector are kept. The values were chosen while counting the clips of
    docs/explanation/accuracy.md.

    `confidence`: least confidence of a box, in 0..1. Below it, a box is noise even for the tracker.
    `large`: share of the picture above which a box is large: the edge of a corridor's mask is easily taken for an
    object of that size.
    `confidence_large`: least confidence of a large box.
    `cut`: a new box of which this share lies within a reused one is part of the same object, cut by the edge of a
    crop. Less drops objects that hide one another; more counts objects twice.
    """

    confidence: float = 0.2
    large: float = 0.6
    confidence_large: float = 0.6
    cut: float = 0.6


INPUT_SIZE = InputSize()
BOX_LIMITS = BoxLimits()


@dataclass(frozen=True, slots=True, eq=False)
class _Run:
    """The boxes of one detector in one region, in px of the frame, and the thumbnail of the pictures that they were
    found in; None where changes are not detected."""

    boxes: Boxes
    thumbnail: Image | None


class IncrementalDetection:
    """Detectors, each with its region, that run every `interval_ms`; their detections come in order of time."""

    def __init__(
        self,
        detectors: Sequence[tuple[LoadedDetector, Region]],
        interval_ms: int,
        optimizations: Optimizations,
    ) -> None:
        self.detectors = detectors
        self._interval_ms = interval_ms
        self._optimizations = optimizations
        self._cell = -1
        self._due_ms = 0
        self._runs: list[_Run | None] = []
        self._last: Detections | None = None
        self._velocity: NDArray[np.float32] = np.empty((0, 2), np.float32)
        self._waiting: list[int] = []
        self._frame: Frame | None = None

    def add(self, frame: Frame) -> Iterator[Detections]:
        """The detections of all ticks up to this frame where the detectors run on it; nothing where it has to wait."""
        if not self.detectors:
            yield no_detections(frame.time_ms)
            return
        cell = frame.time_ms // cell_ms(self._optimizations)
        if cell == self._cell and frame.time_ms < self._due_ms:
            self._waiting.append(frame.time_ms)
            self._frame = frame
            return
        is_first = cell != self._cell
        if is_first:
            self._runs = [None] * len(self.detectors)
        self._cell = cell
        yield from self._run(frame)
        assert self._last is not None
        if is_first:
            self._velocity = np.full((len(self._last), 2), np.nan, np.float32)
        self._due_ms = (frame.time_ms // self._interval_ms + 1) * self._interval_ms
        if self._optimizations.pace:
            valid_ms = valid_for_ms(self._last, self._velocity, self._interval_ms)
            self._due_ms = max(self._due_ms, round(frame.time_ms + valid_ms))

    def finish(self) -> Iterator[Detections]:
        """The detections of the frames that still wait, after the last frame: the detectors run on that one."""
        if self._frame is not None:
            self._waiting.pop()
            yield from self._run(self._frame)

    def finish_before(self, frame: Frame) -> Iterator[Detections]:
        """The detections of the frames that still wait, and of `frame`, the first one after them."""
        if self._frame is not None:
            self._runs = [None] * len(self.detectors)
            yield from self._run(frame)

    def _run(self, frame: Frame) -> Iterator[Detections]:
        found = []
        for index, (detector, region) in enumerate(self.detectors):
            run = _RegionRun(detector, region, self._optimizations).after(self._runs[index], frame)
            self._runs[index] = run
            found.append(run.boxes)
        now = riders(Detections(frame.time_ms, *reduce(merged, found)))
        if self._last is not None:
            paired = pairs(self._last, now, self._velocity)
            for time_ms in self._waiting:
                yield interpolated(self._last, now, paired, time_ms)
            self._velocity = velocities(self._last, now, paired)
        self._waiting, self._frame, self._last = [], None, now
        yield now


def cell_ms(optimizations: Optimizations) -> int:
    """For how long results may be reused: a multiple of the cell of motion."""
    return HELD_MS if optimizations.hold else CELL_MS


@dataclass(frozen=True, slots=True, eq=False)
class _RegionRun:
    """A detector on one region."""

    detector: LoadedDetector
    region: Region
    optimizations: Optimizations

    def after(self, last: _Run | None, frame: Frame) -> _Run:
        """The result on `frame`, which reuses what has not changed since the run `last`."""
        region = self.region
        if not self.optimizations.gate:
            return _Run(self._detect(frame, region.bounds), None)
        grid = _grid(region, (frame.width, frame.height))
        now = thumbnail(frame, grid)
        if last is None or last.thumbnail is None:
            return _Run(self._detect(frame, region.bounds), now)
        changed = changes(last.thumbnail, now, grid)
        if not changed:
            return last
        # A network of fixed input size takes the same time for a crop as for the whole region.
        whole = not self.optimizations.crops or self.detector.size_px is not None
        crops = [region.bounds] if whole else crops_of(changed, last.boxes, region, frame.height)
        if crops == [region.bounds]:
            return _Run(self._detect(frame, region.bounds), now)
        return _Run(self._renewed(frame, crops, last.boxes), _patched(last.thumbnail, now, crops, grid))

    def _renewed(self, frame: Frame, crops: Sequence[Bounds], before: Boxes) -> Boxes:
        """The boxes `before`, with those in the crops found anew."""
        x, y = ((before.xyxy[:, :2] + before.xyxy[:, 2:]) / 2).T
        kept = np.ones(len(before.xyxy), bool)
        for left, top, right, bottom in crops:
            kept &= (x < left) | (x >= right) | (y < top) | (y >= bottom)
        reused = Boxes(before.xyxy[kept], before.confidence[kept], before.class_id[kept])
        new = joined([self._detect(frame, crop) for crop in crops])
        if len(new.xyxy) and len(reused.xyxy):
            share = (overlap(new.xyxy, reused.xyxy) / area(new.xyxy)[:, None]).max(axis=1)
            whole = share < BOX_LIMITS.cut
            new = Boxes(new.xyxy[whole], new.confidence[whole], new.class_id[whole])
        together = joined([reused, new])
        return suppress(together) if len(crops) > 1 else together

    def _detect(self, frame: Frame, part: Bounds) -> Boxes:
        """The boxes in `part` of the region, in px of the frame."""
        left, top, right, bottom = part
        size = self._size_of(part)
        boxes = self.detector.detect(picture_of(frame, self.region, part, size))
        scale = np.array([(right - left) / size[0], (bottom - top) / size[1]] * 2, np.float32)
        corner = np.array([left, top] * 2, np.float32)
        return _visible(Boxes(boxes.xyxy * scale + corner, boxes.confidence, boxes.class_id), self.region)

    def _size_of(self, part: Bounds) -> tuple[int, int]:
        """(width, height) px, both even, at which `part` is shown."""
        width, height = part[2] - part[0], part[3] - part[1]
        if not self.optimizations.fit:
            return width, height
        fixed = self.detector.size_px
        if fixed is not None:
            # The detector itself scales down what is less than twice as large as its input.
            return fixed if width >= 2 * fixed[0] and height >= 2 * fixed[1] else (width, height)
        least = sqrt(INPUT_SIZE.region_px / area_of(self.region.bounds))
        scale = min(1.0, max(least, sqrt(INPUT_SIZE.crop_px / area_of(part))))
        if scale == 1.0:
            # A picture of the camera's own size is not scaled to save padding: cyclists were lost by that.
            return width, height
        scale = least_padded(width, height, scale, self.detector.multiple_px)
        return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)


@lru_cache(maxsize=16)
def _grid(region: Region, size: tuple[int, int]) -> ChangeGrid:
    return change_grid(region, size)


def _patched(before: Image, now: Image, crops: Sequence[Bounds], grid: ChangeGrid) -> Image:
    """The thumbnail `before`, with the crops from `now`: each place as it was when a detector last ran on it."""
    left, top = grid.bounds[:2]
    patched = before.copy()
    for crop in crops:
        # Pixels of the thumbnail that a crop cuts do not count as shown.
        x, y = (-(-max(0, n) >> grid.halvings) for n in (crop[0] - left, crop[1] - top))
        x_end, y_end = (max(0, n) >> grid.halvings for n in (crop[2] - left, crop[3] - top))
        patched[y:y_end, x:x_end] = now[y:y_end, x:x_end]
    return patched


def least_padded(width: int, height: int, scale: float, multiple_px: int) -> float:
    """`scale`, or a scale a little below it, for which a picture of `width` x `height` px needs less padding up to
    multiples of `multiple_px`."""

    def padded(by: float) -> int:
        return ceil(round(width * by) / multiple_px) * ceil(round(height * by) / multiple_px)

    without_padding = [int(side * scale) // multiple_px * multiple_px / side for side in (width, height)]
    smaller = [by for by in without_padding if by >= INPUT_SIZE.padding_share * scale]
    return min((scale, *smaller), key=lambda by: (padded(by), -by))


def _visible(boxes: Boxes, region: Region) -> Boxes:
    """Boxes in px of the frame, cut to the visible part of the region; those that are too small or too unsure go."""
    left, top, right, bottom = region.visible
    low, high = np.array([left, top] * 2, np.float32), np.array([right, bottom] * 2, np.float32)
    xyxy = np.clip(boxes.xyxy, low, high)
    sides = xyxy[:, 2:] - xyxy[:, :2]
    share = sides[:, 0] * sides[:, 1] / ((right - left) * (bottom - top))
    least = np.where(share < BOX_LIMITS.large, BOX_LIMITS.confidence, BOX_LIMITS.confidence_large)
    keep = (sides >= 2).all(axis=1) & (boxes.confidence >= least)
    return Boxes(xyxy[keep], boxes.confidence[keep], boxes.class_id[keep])
