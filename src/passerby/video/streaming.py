"""Detections of a stream without an end: a recording, a live camera, or images that the caller makes.

Invariant: one frame is held at a time; a frame is never handed on, and the source is closed with the iteration.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

from passerby.config.camera_address import Address, kind_of
from passerby.counting.detections import Detections
from passerby.domain.calendar import to_ms
from passerby.domain.geometry import Line
from passerby.domain.link_health import Health, Reason
from passerby.errors import InputError, SourceError
from passerby.video.decode import live
from passerby.video.decode.frame import Frame
from passerby.video.decode.source import FrameReader, Recording
from passerby.video.detect.selection import Choice
from passerby.video.observe import Observation, setup_for_size
from passerby.video.scheduling.optimizations import Optimizations

TimedImage = tuple[int | datetime, NDArray[np.uint8]]
"""When an image was taken, in Unix ms UTC or as an aware datetime, and its pixels (H, W, 3) uint8 BGR."""


@dataclass(frozen=True, slots=True)
class CameraSource:
    """A live camera by its address, which may contain a password and is therefore not shown."""

    address: Address


@dataclass(frozen=True, slots=True)
class RecordingSource:
    """A recording whose first frame is at `start_ms`, Unix ms UTC."""

    recording: Recording
    start_ms: int


@dataclass(frozen=True, slots=True)
class ImageSource:
    """Images that the caller makes, in order of time and of one size."""

    images: Iterable[TimedImage]


Source = CameraSource | RecordingSource | ImageSource


def is_live(source: object) -> bool:
    """Whether `source` is the address of a live camera: rtsp://, rtsps:// or /dev/video."""
    return isinstance(source, str) and kind_of(source) in ("rtsp", "v4l2")


class StreamObservation:
    """Detections of `source`, in order of time: iterate it once. `size_px` (width, height) is that of its frames, known
    with the first detections.

    Iterating raises SourceError for a source that cannot be opened or whose frames change their size; InputError for
    images that are out of order or malformed. A camera that was reached once is reconnected without an end.
    """

    def __init__(
        self,
        source: Source,
        lines: tuple[Line, ...],
        corridor: float | None,
        choice: Choice,
        optimizations: Optimizations,
    ) -> None:
        self.size_px = (0, 0)
        self._source = source
        self._lines = lines
        self._corridor = corridor
        self._choice = choice
        self._optimizations = optimizations

    def __iter__(self) -> Iterator[Detections]:
        frames = self._of_one_size(_frames(self._source))
        first = next(frames, None)
        if first is None:
            return
        setup = setup_for_size(
            self.size_px,
            self._lines,
            self._corridor,
            self._choice.loaded,
            self._choice.motion,
            self._optimizations,
        )
        yield from Observation(_after(first, frames), setup)

    def _of_one_size(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        for frame in frames:
            size_px = frame.width, frame.height
            if self.size_px == (0, 0):
                self.size_px = size_px
            elif size_px != self.size_px:
                found, expected = (f"{width}x{height} px" for width, height in (size_px, self.size_px))
                raise SourceError(f"the stream: found a frame of {found}, expected {expected} as before")
            yield frame


def _after(first: Frame, frames: Iterator[Frame]) -> Iterator[Frame]:
    yield first
    del first
    yield from frames


def _frames(source: Source) -> Iterator[Frame]:
    if isinstance(source, RecordingSource):
        return iter(FrameReader(source.recording, source.start_ms))
    if isinstance(source, CameraSource):
        return _camera_frames(source.address)
    return _image_frames(source.images)


def _camera_frames(address: Address) -> Iterator[Frame]:
    """Raises SourceError when the first attempt to connect fails."""
    stop = Event()
    reached = False
    for item in live.frames(address, stop):
        if isinstance(item, Frame):
            reached = True
            yield item
        elif not reached and _has_failed(item):
            raise SourceError(f"the camera: found {item.reason}, expected a stream; check its address")


def _has_failed(health: Health) -> bool:
    return not health.up and health.reason != Reason.CONNECTING


def _image_frames(images: Iterable[Any]) -> Iterator[Frame]:
    last_ms = None
    for item in images:
        time, image = _timed(item)
        time_ms = to_ms(time) if isinstance(time, datetime) else int(time)
        if last_ms is not None and time_ms <= last_ms:
            raise InputError(f"images: found a time of {time_ms} ms after {last_ms} ms, expected a later one")
        last_ms = time_ms
        yield Frame.from_bgr(time_ms, image)


def _timed(item: Any) -> TimedImage:
    if not isinstance(item, tuple) or len(item) != 2:
        raise InputError(f"images: found a {type(item).__name__}, expected pairs of a time and an image")
    time, image = item
    if not isinstance(time, int | np.integer) and not (
        isinstance(time, datetime) and time.tzinfo is not None
    ):
        raise InputError(f"images: found a time {time!r}, expected Unix milliseconds or an aware datetime")
    is_image = isinstance(image, np.ndarray) and image.dtype == np.uint8 and image.ndim == 3
    if not is_image or image.shape[2] != 3 or min(image.shape[:2]) < 2:
        found = f"{image.dtype} {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
        raise InputError(f"images: found {found}, expected uint8 (H, W, 3) BGR of at least 2x2 px")
    return (time if isinstance(time, datetime) else int(time)), image
