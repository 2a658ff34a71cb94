"""Background jobs that watch a camera: a capture of its background, or a minute of marks. One camera at a time.

Invariant: a picture is kept only until a person approves or discards it, at most half an hour; marks only while they
are shown.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from threading import Event, Lock, Thread
from time import monotonic

from passerby.config.camera_address import Address, Transport
from passerby.domain.link_health import Reason
from passerby.errors import InputError, PasserbyError
from passerby.video.detect.selection import Choice, choose
from passerby.video.setup import background_capture, coarse_marks
from passerby.video.setup.background_capture import EmptyPicture, Progress, Refused
from passerby.video.setup.coarse_marks import Mark

MARKS_S = 60.0
WAITS_S = 1800.0
"""How long a picture waits for approval."""


@dataclass(slots=True)
class Capture:
    """The state of a capture: a `picture` that can be approved, or the `problem` that ended it."""

    camera: str
    progress: Progress | None = None
    picture: EmptyPicture | None = None
    problem: str = ""
    until_s: float = inf
    stop: Event = field(default_factory=Event)

    @property
    def runs(self) -> bool:
        return not self.stop.is_set() and self.picture is None and not self.problem


@dataclass(slots=True)
class MarksJob:
    """The marks of now, and the reason that they `ended`, if they did."""

    camera: str
    marks: tuple[Mark, ...] = ()
    ended: str = ""
    stop: Event = field(default_factory=Event)

    @property
    def runs(self) -> bool:
        return not self.stop.is_set() and not self.ended


class Jobs:
    """The captures of all cameras, and at most one job that shows marks."""

    def __init__(self, model_dir: Path | None = None) -> None:
        self._model_dir = model_dir
        self._captures: dict[str, Capture] = {}
        self._marks_job: MarksJob | None = None
        self._lock = Lock()

    def capture_of(self, camera: str) -> Capture | None:
        """The capture of a camera; a picture that waited too long is deleted."""
        job = self._captures.get(camera)
        if job is not None and monotonic() > job.until_s:
            self.drop(camera)
            return None
        return job

    def capture(self, camera: str, address: Address, transport: Transport) -> Capture:
        """Start the capture of a camera, or return the running capture.

        Raises InputError while another camera is watched."""
        with self._lock:
            self._refuse_second(camera)
            running = self._captures.get(camera)
            if running is not None and running.runs:
                return running
            job = Capture(camera)
            self._captures[camera] = job
        _start(lambda: _capture(job, address, transport, self._model_dir))
        return job

    def drop(self, camera: str) -> None:
        """Stop a capture, and delete its picture."""
        job = self._captures.pop(camera, None)
        if job is not None:
            job.stop.set()

    def show(
        self, camera: str, address: Address, transport: Transport, detector: str, seconds: float = MARKS_S
    ) -> MarksJob:
        """Show the marks of a camera for `seconds`. Raises InputError while another camera is watched."""
        with self._lock:
            self._refuse_second(camera)
            if self._marks_job is not None:
                self._marks_job.stop.set()
            job = self._marks_job = MarksJob(camera)
        _start(lambda: _show(job, address, transport, lambda: choose(detector, self._model_dir), seconds))
        return job

    def stop(self) -> None:
        """Stop all jobs."""
        for camera in list(self._captures):
            self.drop(camera)
        if self._marks_job is not None:
            self._marks_job.stop.set()

    def _refuse_second(self, camera: str) -> None:
        watched = [job.camera for job in self._captures.values() if job.runs]
        if self._marks_job is not None and self._marks_job.runs:
            watched.append(self._marks_job.camera)
        for name in watched:
            if name != camera:
                raise InputError(f"the console is watching camera {name}: wait until it has finished")


def reason_text(reason: Reason) -> str:
    """A reason of link health as a text for the user."""
    return _REASON_TEXTS.get(reason, reason.value)


_REASON_TEXTS = {
    Reason.CONNECTING: "still connecting",
    Reason.ADDRESS: "the address is incomplete: a variable is not set, or a file is missing",
    Reason.UNREACHABLE: "nothing answers at this address",
    Reason.NOT_FOUND: "the camera answers, but has no such stream",
    Reason.CREDENTIALS: "the user name or the password is wrong",
    Reason.NO_VIDEO: "the address answers, but not with video",
    Reason.UNDECODABLE: "the video cannot be decoded",
    Reason.STALLED: "the camera stopped sending",
    Reason.ENDED: "the camera closed the connection",
    Reason.CHANGED: "the picture changed its size",
    Reason.CLOCK: "the camera's clock jumps",
}


def _start(work: Callable[[], None]) -> None:
    Thread(target=work, name="console", daemon=True).start()


def _capture(job: Capture, address: Address, transport: Transport, model_dir: Path | None) -> None:
    try:
        detectors = background_capture.detectors_at_hand(model_dir)
        for item in background_capture.capture(address, job.stop, detectors=detectors, transport=transport):
            match item:
                case Progress():
                    job.progress = item
                case EmptyPicture():
                    job.until_s = monotonic() + WAITS_S
                    job.picture = item
                case Refused():
                    job.problem = _refusal(item)
    except PasserbyError as error:
        job.problem = str(error)
    except Exception:
        # The text of an unknown error could contain the address.
        job.problem = "the capture failed"


def _refusal(refused: Refused) -> str:
    if refused.reason is not Reason.LIVE:
        return f"No picture: {reason_text(refused.reason)}"
    return (
        f"{refused.covered:.0%} of the picture was never empty: somebody was there all the time. "
        "Try again at a quieter time"
    )


def _show(
    job: MarksJob, address: Address, transport: Transport, chosen: Callable[[], Choice], seconds: float
) -> None:
    try:
        for item in coarse_marks.marks(address, chosen(), job.stop, seconds=seconds, transport=transport):
            if isinstance(item, Reason):
                job.ended = "the minute is over" if item is Reason.LIVE else reason_text(item)
            else:
                job.marks = item
    except PasserbyError as error:
        job.ended = str(error)
    except Exception:
        job.ended = "the detector failed"
    job.marks = ()
