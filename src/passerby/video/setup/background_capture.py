"""Capture the background of a live camera: watch it until its median picture shows nobody, or give up.

Invariant: a median picture alone leaves, as a PNG, and only after a detector has checked it; live pixels never do.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from threading import Event
from time import monotonic

from passerby.config.camera_address import Address, Transport
from passerby.domain.link_health import Reason
from passerby.errors import ModelError
from passerby.video.decode import live
from passerby.video.decode.frame import Frame
from passerby.video.detect.detector import LoadedDetector
from passerby.video.detect.selection import AUTO, choose
from passerby.video.scene import annotated_image
from passerby.video.scene.background import LEAST, Samples, empty

LONGEST_S = 180.0
"""For how long the camera is watched at most, in seconds."""
MOST_COVERED = 0.1
"""A background with a larger share that may show people, and so is covered, is refused."""

_FIRST_CHECK_S = 30.0
"""When the median picture is checked for people for the first time, in seconds since the start."""
_CHECK_EVERY_S = 10.0
_SAMPLE_MS = 250
"""Time between two samples."""
_HOPELESS = (Reason.ADDRESS, Reason.CREDENTIALS, Reason.NOT_FOUND)
"""Faults that waiting does not mend."""


class Step(StrEnum):
    """The state of a capture."""

    CONNECTING = "connecting"
    WATCHING = "watching"
    """Pictures come, too few for a median."""
    BUSY = "busy"
    """Something moved, came to rest, or was taken for a person: the camera is watched on."""


@dataclass(frozen=True, slots=True)
class Progress:
    """`share`: time that has passed, as a share of the longest. `covered`: share of the picture that may show people,
    when last checked. `reason`: why no picture comes, while connecting."""

    step: Step
    share: float
    covered: float = 1.0
    reason: Reason = Reason.LIVE


@dataclass(frozen=True, slots=True)
class Refused:
    """There is no background. `reason`: the fault of the camera; LIVE where the scene was never empty."""

    reason: Reason
    covered: float = 1.0


@dataclass(frozen=True, slots=True, repr=False)
class EmptyPicture:
    """A background for a person to approve: `png`, of a camera of `width` x `height` px. `covered`: share that is
    covered by a flat tone. `checked_by`: names of the detectors that checked it for people."""

    png: bytes
    width: int
    height: int
    covered: float
    checked_by: tuple[str, ...]


def detectors_at_hand(model_dir: Path | None = None) -> tuple[LoadedDetector, ...]:
    """The installed detectors that find people. Raises ModelError where there is none: a background must be checked."""
    found = choose(AUTO, model_dir).loaded
    if not found:
        raise ModelError(
            "found no model that can check the background for people, expected one: "
            "`passerby models pull yolox_nano` gets one"
        )
    return found


def capture(
    address: Address,
    stop: Event,
    *,
    detectors: Sequence[LoadedDetector],
    transport: Transport = "tcp",
    longest_s: float = LONGEST_S,
) -> Iterator[Progress | EmptyPicture | Refused]:
    """Watch a camera. The last item is an EmptyPicture or Refused, unless `stop` was set."""
    running = _Capture(detectors, longest_s)
    yield running.progress()
    for item in live.frames(address, stop, transport=transport):
        if running.past_s() > longest_s:
            break
        if isinstance(item, Frame):
            result = running.add(item)
            if result is not None:
                yield result
            if isinstance(result, EmptyPicture):
                return
        else:
            running.reason = item.reason
            if item.reason in _HOPELESS:
                break
            if not item.up:
                yield Progress(Step.CONNECTING, running.share(), running.covered, item.reason)
    if not stop.is_set():
        yield Refused(running.reason, running.covered)


class _Capture:
    """A capture in progress. `covered`: share of the picture that may show people, when last checked."""

    def __init__(self, detectors: Sequence[LoadedDetector], longest_s: float) -> None:
        self.covered = 1.0
        self.reason = Reason.CONNECTING
        self._step = Step.CONNECTING
        self._detectors = detectors
        self._longest_s = longest_s
        self._samples, self._size = Samples(), (0, 0)
        self._begun_s = monotonic()
        self._check_s, self._last_ms = _FIRST_CHECK_S, 0

    def past_s(self) -> float:
        return monotonic() - self._begun_s

    def share(self) -> float:
        return min(1.0, self.past_s() / self._longest_s)

    def progress(self) -> Progress:
        return Progress(self._step, self.share(), self.covered, self.reason)

    def add(self, frame: Frame) -> Progress | EmptyPicture | None:
        """Take a sample, and check the median when it is time to: the background where it shows nobody, else the
        progress; None for a frame too soon after the last sample."""
        self.reason = Reason.LIVE
        if (frame.width, frame.height) != self._size:
            self._samples, self._size = Samples(), (frame.width, frame.height)
        if frame.time_ms - self._last_ms < _SAMPLE_MS:
            return None
        self._last_ms = frame.time_ms
        # One frame at a time: the sample is small, and the frame itself is dropped.
        for _ in self._samples.taking([frame]):
            pass
        self._step = Step.WATCHING if self._step is Step.CONNECTING else self._step
        is_due = self.past_s() >= min(self._check_s, self._longest_s - 1)
        background = self._checked() if is_due and len(self._samples) >= LEAST else None
        return background or self.progress()

    def _checked(self) -> EmptyPicture | None:
        background = empty(self._samples, self._detectors)
        self.covered, self._step = background.covered, Step.BUSY
        self._check_s = self.past_s() + _CHECK_EVERY_S
        is_last = self._check_s >= self._longest_s
        if self.covered == 0 or (is_last and self.covered <= MOST_COVERED):
            names = tuple(detector.name for detector in self._detectors)
            return EmptyPicture(annotated_image.png(background), *self._size, self.covered, names)
        return None
