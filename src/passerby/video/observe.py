"""Where frames become boxes, and die.

Law: frames go in, `Detections` come out; the detector is shown the corridors and nothing beside them.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from time import process_time

import cv2
import numpy as np
from numpy.typing import NDArray

from passerby.counting.detections import Detections, no_detections
from passerby.counting.fuse import complete, riders
from passerby.errors import LineError
from passerby.geometry import Corridor, Line
from passerby.span import Span
from passerby.video import motion, source
from passerby.video.boxes import Boxes, suppress
from passerby.video.detector import LoadedDetector
from passerby.video.frame import Frame, Image
from passerby.video.plate import Samples
from passerby.video.source import Reading, Recording, probe

__all__ = ["Effort", "Reading", "Recording", "Region", "Watch", "detect", "observe", "probe", "watch"]

TICK_MS = 80
"""One picture is looked at in each tick of this length: 12.5 a second."""

_GREY = 114
"""What a masked pixel is shown as: what detectors are padded with in training."""

FILLED = 0.6
"""Share of what is shown above which a box must be as sure as BELIEVED: masks look like things."""
BELIEVED = 0.6
LEAST_CONFIDENCE = 0.2
"""Below this a box is noise even to a tracker."""
SAME_IOU = 0.6
"""Overlap from which boxes of two detectors are one thing: they draw its edges differently, and people overlap."""

_Bounds = tuple[int, int, int, int]
"""Left, top, right, bottom in px, all even."""


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """A part of the frame that a detector is shown: even `left`, `top`, `right`, `bottom` px; `outside`
    (h, w) bool where it must not look, None where it may look at all of it; `visible` what is left, in px
    of the frame."""

    left: int
    top: int
    right: int
    bottom: int
    outside: NDArray[np.bool_] | None
    visible: _Bounds


@dataclass(slots=True)
class Effort:
    """CPU seconds spent so far."""

    decode_s: float = 0.0
    detect_s: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Watch:
    """What to look at and with what: fixed before the first frame, by configuration alone."""

    looks: tuple[tuple[LoadedDetector, Region], ...]
    motion: bool


def watch(
    recording: Recording,
    lines: Sequence[Line],
    half_width: float | None,
    loaded: Sequence[LoadedDetector],
    with_motion: bool,
) -> Watch:
    """Corridors of `half_width` frame heights around `lines`; the whole frame where it is None."""
    size = recording.width // 2 * 2, recording.height // 2 * 2
    if half_width is None:
        masks = [np.full(size[::-1], 255, np.uint8)]
    else:
        masks = [_mask(Corridor(line, half_width), size) for line in lines]
    looks = []
    for one in loaded:
        # A network of fixed input squeezes what it is shown: it is shown the frame's own proportions.
        boxes = [_bounds(mask) if one.size_px is None else _window(_bounds(mask), size) for mask in masks]
        looks += [(one, region) for region in _regions(boxes, masks)]
    return Watch(tuple(looks), with_motion)


def _mask(corridor: Corridor, size: tuple[int, int]) -> Image:
    """(h, w) uint8, 255 within the corridor."""
    width, height = size
    polygon = np.array(corridor.polygon(width / height)) * [width, height]
    mask = np.zeros((height, width), np.uint8)
    cv2.fillPoly(mask, [np.round(polygon).astype(np.int32)], 255)
    if not mask.any():
        raise LineError(f"line {corridor.line.name!r}: its corridor holds no pixel of the frame")
    return mask


def _bounds(mask: Image) -> _Bounds:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return (
        int(columns[0]) // 2 * 2,
        int(rows[0]) // 2 * 2,
        (int(columns[-1]) + 2) // 2 * 2,
        (int(rows[-1]) + 2) // 2 * 2,
    )


def _window(bounds: _Bounds, size: tuple[int, int]) -> _Bounds:
    """The smallest window of the frame's proportions around `bounds`."""
    left, top, right, bottom = bounds
    share = max((right - left) / size[0], (bottom - top) / size[1])
    width, height = (min(full, round(full * share / 2) * 2) for full in size)
    x = min(max(0, (left + right - width) // 4 * 2), size[0] - width)
    y = min(max(0, (top + bottom - height) // 4 * 2), size[1] - height)
    return x, y, x + width, y + height


def _regions(bounds: Sequence[_Bounds], masks: Sequence[Image]) -> list[Region]:
    """One region for each set of corridors that lie in each other's bounds: looking once is cheaper than twice."""
    groups: list[tuple[_Bounds, list[Image]]] = []
    for box, mask in zip(bounds, masks, strict=True):
        for index, (other, members) in enumerate(groups):
            joined = (
                min(box[0], other[0]),
                min(box[1], other[1]),
                max(box[2], other[2]),
                max(box[3], other[3]),
            )
            if _area(joined) <= 1.1 * max(_area(box), _area(other)):
                groups[index] = joined, [*members, mask]
                break
        else:
            groups.append((box, [mask]))
    regions = []
    for (left, top, right, bottom), members in groups:
        shown = np.any([mask[top:bottom, left:right] > 0 for mask in members], axis=0)
        regions.append(_region((left, top, right, bottom), shown))
    return regions


def _region(bounds: _Bounds, shown: NDArray[np.bool_]) -> Region:
    """The region of `bounds`, of which the pixels `shown` (h, w) may be looked at."""
    x, y, *_ = bounds
    left, top, right, bottom = _bounds(np.where(shown, np.uint8(255), np.uint8(0)))
    return Region(*bounds, None if shown.all() else ~shown, (left + x, top + y, right + x, bottom + y))


def _area(bounds: _Bounds) -> int:
    left, top, right, bottom = bounds
    return (right - left) * (bottom - top)


def observe(
    frames: Iterable[Frame], watch: Watch, effort: Effort, samples: Samples | None = None
) -> Iterator[Detections]:
    """One `Detections` for every tick that has a frame, in order of time; motion answers some seconds late."""
    ticks = _ticks(frames, effort)
    if samples is not None:
        ticks = samples.taking(ticks)
    if not watch.motion:
        for frame in ticks:
            yield _see(frame, watch, effort)
        return
    seen: deque[Detections] = deque()

    def small() -> Iterator[motion.Small]:
        for frame in ticks:
            seen.append(_see(frame, watch, effort))
            began = process_time()
            picture = motion.shrink(frame)
            effort.detect_s += process_time() - began
            yield picture

    for time_ms, boxes in motion.moving(small()):
        yield complete(seen.popleft(), Detections(time_ms, *boxes))


def detect(
    recording: Recording,
    start_ms: int,
    span: Span | None,
    watch: Watch,
    reading: Reading,
    effort: Effort,
    samples: Samples | None = None,
) -> Iterator[Detections]:
    """What `watch` sees in `span` of a recording whose first frame is at `start_ms`; `samples` are filled."""
    for seen in observe(source.frames(recording, start_ms, span, reading), watch, effort, samples):
        if samples is not None:
            samples.note(seen)
        yield seen


def _ticks(frames: Iterable[Frame], effort: Effort) -> Iterator[Frame]:
    last = None
    rest = None
    began = process_time()
    for frame in frames:
        tick = frame.time_ms // TICK_MS
        rest = frame
        if tick != last:
            last = tick
            rest = None
            effort.decode_s += process_time() - began
            yield frame
            began = process_time()
    effort.decode_s += process_time() - began
    # Who crosses on the very last frame of a recording is in no later tick.
    if rest is not None:
        yield rest


def _see(frame: Frame, watch: Watch, effort: Effort) -> Detections:
    if not watch.looks:
        return no_detections(frame.time_ms)
    began = process_time()
    found = []
    for one, region in watch.looks:
        image = frame.bgr(region.left, region.top, region.right, region.bottom)
        if region.outside is not None:
            image[region.outside] = _GREY
        found.append(_visible(one.detect(image), region))
    boxes = (
        found[0]
        if len(found) == 1
        else suppress(Boxes(*(np.concatenate(p) for p in zip(*found, strict=True))), SAME_IOU)
    )
    seen = riders(Detections(frame.time_ms, *boxes))
    effort.detect_s += process_time() - began
    return seen


def _visible(boxes: Boxes, region: Region) -> Boxes:
    """In px of the frame, cut to what was shown: what a network guesses beyond it, nobody saw."""
    shift = np.array([region.left, region.top] * 2, np.float32)
    left, top, right, bottom = region.visible
    low, high = np.array([left, top] * 2, np.float32), np.array([right, bottom] * 2, np.float32)
    xyxy = np.clip(boxes.xyxy + shift, low, high)
    sides = xyxy[:, 2:] - xyxy[:, :2]
    # A faint box around nearly all that is shown is the corridor itself, taken for a thing.
    filled = sides[:, 0] * sides[:, 1] / ((right - left) * (bottom - top))
    least = np.where(filled < FILLED, LEAST_CONFIDENCE, BELIEVED)
    keep = (sides >= 2).all(axis=1) & (boxes.confidence >= least)
    return Boxes(xyxy[keep], boxes.confidence[keep], boxes.class_id[keep])
