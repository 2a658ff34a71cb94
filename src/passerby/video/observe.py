"""Where frames become boxes, and die.

Law: frames go in, `Detections` come out; the detector is shown the corridors and nothing beside them.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from time import process_time

import cv2
import numpy as np

from passerby.counting.detections import Detections, no_detections
from passerby.counting.fuse import complete, riders
from passerby.errors import LineError
from passerby.geometry import Corridor, Line
from passerby.span import Span
from passerby.video import motion, source
from passerby.video.boxes import Boxes, no_boxes, suppress
from passerby.video.detector import LoadedDetector
from passerby.video.frame import Frame, Image
from passerby.video.source import Reading, Recording, probe

__all__ = ["Effort", "Reading", "Recording", "Region", "Watch", "detect", "observe", "probe", "watch"]

TICK_MS = 80
"""One picture is looked at in each tick of this length: 12.5 a second."""

_GREY = 114
"""What a masked pixel is shown as: what detectors are padded with in training."""


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """A part of the frame that a detector is shown: even `left`, `top`, `right`, `bottom` px, and
    `outside` (h, w) bool where it must not look, None where it may look at all of it."""

    left: int
    top: int
    right: int
    bottom: int
    outside: Image | None


@dataclass(slots=True)
class Effort:
    """CPU seconds spent so far."""

    decode_s: float = 0.0
    detect_s: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Watch:
    """What to look at and with what: fixed before the first frame, by configuration alone."""

    width: int
    height: int
    regions: tuple[Region, ...]
    detectors: tuple[LoadedDetector, ...]
    motion: bool


def watch(
    recording: Recording,
    lines: Sequence[Line],
    half_width: float | None,
    loaded: Sequence[LoadedDetector],
    with_motion: bool,
) -> Watch:
    """Corridors of `half_width` frame heights around `lines`; the whole frame where it is None."""
    width, height = recording.width // 2 * 2, recording.height // 2 * 2
    if half_width is None:
        regions: tuple[Region, ...] = (Region(0, 0, width, height, None),)
    else:
        regions = tuple(_region(Corridor(line, half_width), width, height) for line in lines)
    return Watch(recording.width, recording.height, regions, tuple(loaded), with_motion)


def _region(corridor: Corridor, width: int, height: int) -> Region:
    polygon = np.array(corridor.polygon(width / height)) * [width, height]
    mask = np.zeros((height, width), np.uint8)
    cv2.fillPoly(mask, [np.round(polygon).astype(np.int32)], 255)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        raise LineError(f"line {corridor.line.name!r}: its corridor holds no pixel of the frame")
    left, top = int(columns[0]) // 2 * 2, int(rows[0]) // 2 * 2
    right, bottom = (int(columns[-1]) + 2) // 2 * 2, (int(rows[-1]) + 2) // 2 * 2
    outside = np.asarray(mask[top:bottom, left:right] == 0)
    return Region(left, top, right, bottom, outside if outside.any() else None)


def observe(frames: Iterable[Frame], watch: Watch, effort: Effort) -> Iterator[Detections]:
    """One `Detections` for every tick that has a frame, in order of time; motion answers some seconds late."""
    ticks = _ticks(frames, effort)
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
    recording: Recording, start_ms: int, span: Span | None, watch: Watch, reading: Reading, effort: Effort
) -> Iterator[Detections]:
    """What `watch` sees in `span` of a recording whose first frame is at `start_ms`."""
    return observe(source.frames(recording, start_ms, span, reading), watch, effort)


def _ticks(frames: Iterable[Frame], effort: Effort) -> Iterator[Frame]:
    last = None
    began = process_time()
    for frame in frames:
        tick = frame.time_ms // TICK_MS
        if tick != last:
            last = tick
            effort.decode_s += process_time() - began
            yield frame
            began = process_time()
    effort.decode_s += process_time() - began


def _see(frame: Frame, watch: Watch, effort: Effort) -> Detections:
    if not watch.detectors:
        return no_detections(frame.time_ms)
    began = process_time()
    found = [no_boxes()]
    for region in watch.regions:
        image = frame.bgr(region.left, region.top, region.right, region.bottom)
        if region.outside is not None:
            image[region.outside] = _GREY
        for one in watch.detectors:
            boxes = one.detect(image)
            shift = np.array([region.left, region.top] * 2, np.float32)
            found.append(Boxes(boxes.xyxy + shift, boxes.confidence, boxes.class_id))
    boxes = Boxes(*(np.concatenate(parts) for parts in zip(*found, strict=True)))
    if len(found) > 2:
        boxes = suppress(boxes)
    seen = riders(Detections(frame.time_ms, *boxes))
    if len(seen) < len(boxes.xyxy):
        seen = Detections(frame.time_ms, *suppress(Boxes(seen.xyxy, seen.confidence, seen.class_id)))
    effort.detect_s += process_time() - began
    return seen
