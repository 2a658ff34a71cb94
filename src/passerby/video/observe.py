"""Turn frames into detections. Frames end here.

Invariant: frames go in, `Detections` come out; detectors and motion see the corridors and no other pixel.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from time import process_time
from typing import Protocol

import numpy as np

from passerby.counting.box_ops import complete
from passerby.counting.detections import Detections, Light
from passerby.domain.geometry import Corridor, Line
from passerby.domain.timespan import Span
from passerby.video.decode.frame import Frame
from passerby.video.decode.regions import Region, bounds_of, mask_of, region_of, regions_of, window_of
from passerby.video.decode.source import FrameReader, Reading, Recording, extent, probe, unfiltered
from passerby.video.detect.detector import LoadedDetector
from passerby.video.motion import background_subtraction
from passerby.video.motion.background_subtraction import CELL_MS
from passerby.video.motion.light import light_of
from passerby.video.scene.background import Samples
from passerby.video.scheduling.incremental import IncrementalDetection
from passerby.video.scheduling.optimizations import NONE, PRIVATE, Optimizations

__all__ = [
    "CpuTime",
    "DetectionSetup",
    "Observation",
    "Observed",
    "Reading",
    "Recording",
    "RecordingObservation",
    "Region",
    "SampledObservation",
    "extent",
    "interval_ms",
    "probe",
    "setup_for",
    "setup_for_size",
    "unfiltered",
]

TICK_MS = 80
"""One frame is used in each tick of this length: 12.5 a second."""

RUNS_PER_HEIGHT = 8.0
"""How often detectors run while an object moves by one frame height at a usual speed: see `interval_ms`."""
INTERVAL_MS = 100, 160
"""Shortest and longest interval between two runs of the detectors: 10 and 6.25 runs a second."""


@dataclass(frozen=True, slots=True)
class CpuTime:
    """CPU seconds spent on decoding and on detection."""

    decode_s: float = 0.0
    detect_s: float = 0.0

    def __add__(self, more: "CpuTime") -> "CpuTime":
        return CpuTime(self.decode_s + more.decode_s, self.detect_s + more.detect_s)


@dataclass(frozen=True, slots=True, eq=False)
class DetectionSetup:
    """The detectors, each with the region that it is shown, and whether motion is detected too.

    All of it is fixed before the first frame, by configuration alone. `corridors`: where motion is detected; None for
    the whole frame. `interval_ms`: time between two runs of the detectors; None to run them in every tick.
    """

    detectors: tuple[tuple[LoadedDetector, Region], ...]
    motion: bool
    corridors: Region | None = None
    optimizations: Optimizations = NONE
    interval_ms: int | None = None


def setup_for(
    recording: Recording,
    lines: Sequence[Line],
    half_width: float | None,
    loaded: Sequence[LoadedDetector],
    with_motion: bool,
    optimizations: Optimizations = PRIVATE,
) -> DetectionSetup:
    """The setup for a recording: see `setup_for_size`."""
    return setup_for_size(
        (recording.width, recording.height), lines, half_width, loaded, with_motion, optimizations
    )


def setup_for_size(
    size_px: tuple[int, int],
    lines: Sequence[Line],
    half_width: float | None,
    loaded: Sequence[LoadedDetector],
    with_motion: bool,
    optimizations: Optimizations = PRIVATE,
) -> DetectionSetup:
    """The setup for pictures of `size_px` (width, height): corridors of `half_width` frame heights on both sides of
    `lines`, or the whole frame where it is None.

    Raises LineError for a line whose corridor contains no pixel of the frame.
    """
    size = size_px[0] // 2 * 2, size_px[1] // 2 * 2
    if half_width is None:
        masks = [np.full(size[::-1], 255, np.uint8)]
    else:
        masks = [mask_of(Corridor(line, half_width), size) for line in lines]
    detectors = []
    for detector in loaded:
        # A network of fixed input size squeezes a picture, so it is shown one of the frame's own proportions.
        boxes = [
            bounds_of(mask) if detector.size_px is None else window_of(bounds_of(mask), size)
            for mask in masks
        ]
        detectors += [(detector, region) for region in regions_of(boxes, masks, together=optimizations.fit)]
    run_every_ms = interval_ms(half_width) if optimizations.cadence else None
    if half_width is None:
        return DetectionSetup(tuple(detectors), with_motion, None, optimizations, run_every_ms)
    together = np.max(masks, axis=0)
    left, top, right, bottom = bounds = bounds_of(together)
    corridors = region_of(bounds, together[top:bottom, left:right] > 0)
    return DetectionSetup(tuple(detectors), with_motion, corridors, optimizations, run_every_ms)


def interval_ms(half_width: float | None) -> int:
    """Time between two runs of the detectors, for corridors of `half_width` frame heights. An object crosses a narrow
    corridor sooner, so the interval is shorter there."""
    shortest_ms, longest_ms = INTERVAL_MS
    if half_width is None:
        return longest_ms
    return min(longest_ms, max(shortest_ms, round(1000 * 2 * half_width / RUNS_PER_HEIGHT)))


class Observed(Protocol):
    """Detections of a recording, in order of time, to be iterated once. `reading` (how reading the file went) and `cpu`
    (CPU seconds) tell how far it has come, and are final when the iteration has ended."""

    @property
    def reading(self) -> Reading: ...
    @property
    def cpu(self) -> CpuTime: ...
    def __iter__(self) -> Iterator[Detections]: ...


class Observation:
    """One `Detections` for every tick that has a frame, in order of time: iterate it once. Motion answers some seconds
    late.

    The very last frame is used too where its tick had one before, unless `ticks_only`: the last frame of a chunk is
    not the last one of the recording. There are detections for frames in `span` alone, for all where it is None;
    frames around it tell motion how the background looks. With `with_samples`, `samples` collects pictures for the
    background of the scene. `cpu` is the CPU time spent so far.
    """

    def __init__(
        self,
        frames: Iterable[Frame],
        setup: DetectionSetup,
        *,
        ticks_only: bool = False,
        span: Span | None = None,
        with_samples: bool = False,
    ) -> None:
        self.cpu = CpuTime()
        self.samples = Samples() if with_samples else None
        self._frames = frames
        self._setup = setup
        self._ticks_only = ticks_only
        self._span = span
        self._detection = IncrementalDetection(
            setup.detectors, setup.interval_ms or TICK_MS, setup.optimizations
        )

    def __iter__(self) -> Iterator[Detections]:
        ticks = self._timed(one_a_tick(self._frames, self._ticks_only))
        if self.samples is not None:
            ticks = self.samples.taking(ticks)
        detections = self._with_motion(ticks) if self._setup.motion else self._without_motion(ticks)
        return detections if self.samples is None else self.samples.noting(detections)

    def _timed(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        began = process_time()
        for frame in frames:
            self.cpu += CpuTime(decode_s=process_time() - began)
            yield frame
            began = process_time()
        self.cpu += CpuTime(decode_s=process_time() - began)

    def _without_motion(self, ticks: Iterable[Frame]) -> Iterator[Detections]:
        for frame in ticks:
            yield from self._detected(frame)
        yield from self._detected(None)

    def _with_motion(self, ticks: Iterable[Frame]) -> Iterator[Detections]:
        waiting: deque[Detections] = deque()
        lights: deque[Light] = deque()

        def small_pictures() -> Iterator[background_subtraction.SmallPicture]:
            for frame in ticks:
                waiting.extend(self._detected(frame))
                began = process_time()
                picture = background_subtraction.shrink(frame, self._setup.corridors)
                if not lights or frame.time_ms // CELL_MS != lights[-1].time_ms // CELL_MS:
                    lights.append(light_of(picture, self._setup.corridors))
                self.cpu += CpuTime(detect_s=process_time() - began)
                yield picture
            waiting.extend(self._detected(None))

        for time_ms, boxes in background_subtraction.moving(small_pictures(), self._span):
            tick = complete(waiting.popleft(), Detections(time_ms, *boxes))
            while len(lights) > 1 and lights[0].time_ms < time_ms:
                lights.popleft()
            yield replace(tick, light=lights[0]) if lights[0].time_ms == time_ms else tick

    def _detected(self, frame: Frame | None) -> list[Detections]:
        """The detections that are known with this frame, in order of time; None after the last frame."""
        began = process_time()
        span = self._span
        if frame is None:
            known = list(self._detection.finish())
        elif span is None or frame.time_ms in span:
            known = list(self._detection.add(frame))
        elif frame.time_ms >= span.end_ms:
            # The last ticks of a span lie between two runs of the detectors, as those in its middle do.
            known = [tick for tick in self._detection.finish_before(frame) if tick.time_ms in span]
        else:
            known = []
        self.cpu += CpuTime(detect_s=process_time() - began)
        return known


class RecordingObservation(Observation):
    """Detections in `span` (everywhere where None) of a recording whose first frame is at `start_ms` (Unix ms UTC).

    As `Observation`; frames within `margin_ms` of the span are read for motion alone. Iterating raises SourceError
    when the file cannot be opened.
    """

    def __init__(
        self,
        recording: Recording,
        start_ms: int,
        span: Span | None,
        setup: DetectionSetup,
        *,
        ticks_only: bool = False,
        margin_ms: int = 0,
        with_samples: bool = False,
    ) -> None:
        self._reader = FrameReader(recording, start_ms, span, margin_ms)
        super().__init__(self._reader, setup, ticks_only=ticks_only, span=span, with_samples=with_samples)

    @property
    def reading(self) -> Reading:
        """How reading the file went so far; final when the iteration has ended."""
        return self._reader.reading


class SampledObservation:
    """`observed`, made by other processes, and samples of the recording's pictures, which are read here and first.

    `start_ms` is the Unix time (ms UTC) of the first frame. `samples` is complete when the iteration has ended.
    """

    def __init__(self, observed: Observed, recording: Recording, start_ms: int) -> None:
        self.samples = Samples()
        self._observed = observed
        self._frames = FrameReader(recording, start_ms)

    @property
    def reading(self) -> Reading:
        return self._observed.reading

    @property
    def cpu(self) -> CpuTime:
        return self._observed.cpu

    def __iter__(self) -> Iterator[Detections]:
        for _ in self.samples.taking(one_a_tick(self._frames, ticks_only=False)):
            pass
        yield from self.samples.noting(self._observed)


def one_a_tick(frames: Iterable[Frame], ticks_only: bool) -> Iterator[Frame]:
    """The first frame of every tick, and the very last frame of all unless `ticks_only`."""
    last_tick = None
    rest = None
    for frame in frames:
        tick = frame.time_ms // TICK_MS
        rest = frame
        if tick != last_tick:
            last_tick = tick
            rest = None
            yield frame
    # An object that crosses on the very last frame of a recording is in no later tick.
    if rest is not None and not ticks_only:
        yield rest
