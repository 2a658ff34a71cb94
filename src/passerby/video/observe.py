"""Where frames become boxes, and die.

Invariant: frames go in, `Detections` come out; the detector is shown the corridors and nothing beside them.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from time import process_time

import numpy as np

from passerby.counting.box_ops import complete
from passerby.counting.detections import Detections
from passerby.domain.geometry import Corridor, Line
from passerby.domain.timespan import Span
from passerby.video.decode import source
from passerby.video.decode.frame import Frame
from passerby.video.decode.source import Reading, Recording, extent, probe, unfiltered
from passerby.video.detect.detector import LoadedDetector
from passerby.video.motion import background_subtraction as motion
from passerby.video.scene.background import Samples
from passerby.video.scheduling.incremental import Looking
from passerby.video.scheduling.optimizations import NONE, PRIVATE, Optimizations
from passerby.video.scheduling.regions import Region, bounds_of, mask_of, region_of, regions_of, window_of

__all__ = [
    "Effort",
    "Reading",
    "Recording",
    "Region",
    "Watch",
    "detect",
    "extent",
    "noted",
    "observe",
    "probe",
    "unfiltered",
    "watch",
    "watch_of",
]

TICK_MS = 80
"""One picture is looked at in each tick of this length: 12.5 a second."""

LOOKS = 8.0
"""In the time in which a body goes one frame height, detectors look so many times: see `look_ms`."""
LOOK_MS = 100, 160
"""At the most and at the least often: 10 and 6.25 times a second."""


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
    corridors: Region | None = None
    """Where motion is looked for; the whole frame where it is None."""
    optimizations: Optimizations = NONE
    look_ms: int | None = None
    """How often detectors look; in every tick where it is None."""


def watch(
    recording: Recording,
    lines: Sequence[Line],
    half_width: float | None,
    loaded: Sequence[LoadedDetector],
    with_motion: bool,
    optimizations: Optimizations = PRIVATE,
) -> Watch:
    """What to look at in a recording: see `watch_of`."""
    return watch_of(
        (recording.width, recording.height), lines, half_width, loaded, with_motion, optimizations
    )


def watch_of(
    size_px: tuple[int, int],
    lines: Sequence[Line],
    half_width: float | None,
    loaded: Sequence[LoadedDetector],
    with_motion: bool,
    optimizations: Optimizations = PRIVATE,
) -> Watch:
    """Corridors of `half_width` frame heights around `lines`, the whole frame where it is None, in pictures of
    `size_px` (width, height)."""
    size = size_px[0] // 2 * 2, size_px[1] // 2 * 2
    if half_width is None:
        masks = [np.full(size[::-1], 255, np.uint8)]
    else:
        masks = [mask_of(Corridor(line, half_width), size) for line in lines]
    looks = []
    for one in loaded:
        # A network of fixed input squeezes what it is shown: it is shown the frame's own proportions.
        boxes = [
            bounds_of(mask) if one.size_px is None else window_of(bounds_of(mask), size) for mask in masks
        ]
        looks += [(one, region) for region in regions_of(boxes, masks, together=optimizations.fit)]
    pace_ms = look_ms(half_width) if optimizations.cadence else None
    if half_width is None:
        return Watch(tuple(looks), with_motion, None, optimizations, pace_ms)
    together = np.max(masks, axis=0)
    left, top, right, bottom = bounds = bounds_of(together)
    corridors = region_of(bounds, together[top:bottom, left:right] > 0)
    return Watch(tuple(looks), with_motion, corridors, optimizations, pace_ms)


def look_ms(half_width: float | None) -> int:
    """How often detectors look at corridors of `half_width` frame heights: the narrower, the sooner one has crossed."""
    if half_width is None:
        return LOOK_MS[1]
    return min(LOOK_MS[1], max(LOOK_MS[0], round(1000 * 2 * half_width / LOOKS)))


def observe(
    frames: Iterable[Frame],
    watch: Watch,
    effort: Effort,
    samples: Samples | None = None,
    *,
    ticks_only: bool = False,
    span: Span | None = None,
) -> Iterator[Detections]:
    """One `Detections` for every tick that has a frame, in order of time; motion answers some seconds late.

    The very last frame is looked at too where its tick had one before, unless `ticks_only`: a chunk's last frame
    is not the recording's. Only frames in `span` are answered, all where it is None; what lies around it tells
    motion what the background is.
    """
    ticks = _ticks(frames, effort, ticks_only)
    if samples is not None:
        ticks = samples.taking(ticks)
    looking = Looking(watch.looks, watch.look_ms or TICK_MS, watch.optimizations)
    seen: deque[Detections] = deque()

    def look(frame: Frame | None) -> None:
        began = process_time()
        if frame is None:
            seen.extend(looking.finish())
        elif span is None or frame.time_ms in span:
            seen.extend(looking.take(frame))
        elif frame.time_ms >= span.end_ms:
            # What waits at the end of a span is between two looks, as in its middle.
            seen.extend(one for one in looking.close(frame) if one.time_ms in span)
        effort.detect_s += process_time() - began

    if not watch.motion:
        for frame in ticks:
            look(frame)
            while seen:
                yield seen.popleft()
        look(None)
        yield from seen
        return

    def small() -> Iterator[motion.Small]:
        for frame in ticks:
            look(frame)
            began = process_time()
            picture = motion.shrink(frame, watch.corridors)
            effort.detect_s += process_time() - began
            yield picture
        look(None)

    for time_ms, boxes in motion.moving(small(), span):
        yield complete(seen.popleft(), Detections(time_ms, *boxes))


def detect(
    recording: Recording,
    start_ms: int,
    span: Span | None,
    watch: Watch,
    reading: Reading,
    effort: Effort,
    samples: Samples | None = None,
    *,
    ticks_only: bool = False,
    margin_ms: int = 0,
) -> Iterator[Detections]:
    """What `watch` sees in `span` of a recording whose first frame is at `start_ms`; `samples` are filled.

    `ticks_only` as for `observe`; what lies within `margin_ms` of the span is read for motion alone.
    """
    frames = source.frames(recording, start_ms, span, reading, margin_ms)
    for seen in observe(frames, watch, effort, samples, ticks_only=ticks_only, span=span):
        if samples is not None:
            samples.note(seen)
        yield seen


def noted(
    seen: Iterable[Detections], recording: Recording, start_ms: int, samples: Samples
) -> Iterator[Detections]:
    """`seen`, where others looked at the pictures: `samples` are filled by reading all of them here, first."""
    for _ in samples.taking(_ticks(source.frames(recording, start_ms), Effort(), False)):
        pass
    for one in seen:
        samples.note(one)
        yield one


def _ticks(frames: Iterable[Frame], effort: Effort, ticks_only: bool) -> Iterator[Frame]:
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
    if rest is not None and not ticks_only:
        yield rest
