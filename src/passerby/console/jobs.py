"""What the console lets a camera be looked at for: a background, or marks for a minute. One camera at a time.

Invariant: holds a picture only until a person approved or discarded it, half an hour at most, and marks only while
they are shown.
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
from passerby.video.scene import background_capture
from passerby.video.scene import coarse_marks as marking
from passerby.video.scene.background_capture import EmptyPicture, Progress, Refused
from passerby.video.scene.coarse_marks import Mark

MARKS_S = 60.0
WAITS_S = 1800.0
"""So long a picture waits for approval."""


@dataclass(slots=True)
class Capture:
    """A capture as far as it got: `picture` when one can be approved, `problem` when none came of it."""

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
class Showing:
    """Marks as far as they came: those of now, and why there are no more."""

    camera: str
    marks: tuple[Mark, ...] = ()
    ended: str = ""
    stop: Event = field(default_factory=Event)

    @property
    def runs(self) -> bool:
        return not self.stop.is_set() and not self.ended


class Jobs:
    """The captures of all cameras, and the one showing of marks."""

    def __init__(self, model_dir: Path | None = None) -> None:
        self._model_dir = model_dir
        self._captures: dict[str, Capture] = {}
        self._showing: Showing | None = None
        self._turn = Lock()

    def capture_of(self, camera: str) -> Capture | None:
        """Where a picture waited for too long it is forgotten."""
        job = self._captures.get(camera)
        if job is not None and monotonic() > job.until_s:
            self.drop(camera)
            return None
        return job

    def capture(self, camera: str, address: Address, transport: Transport) -> Capture:
        """Begin, or go on with, the capture of a camera. Raises InputError while another camera is looked at."""
        with self._turn:
            self._refuse_second(camera)
            running = self._captures.get(camera)
            if running is not None and running.runs:
                return running
            job = Capture(camera)
            self._captures[camera] = job
        _start(lambda: _capture(job, address, transport, self._model_dir))
        return job

    def drop(self, camera: str) -> None:
        """Stop a capture, and forget its picture."""
        job = self._captures.pop(camera, None)
        if job is not None:
            job.stop.set()

    def show(
        self, camera: str, address: Address, transport: Transport, detector: str, seconds: float = MARKS_S
    ) -> Showing:
        """Show marks of a camera for so long. Raises InputError while another camera is looked at."""
        with self._turn:
            self._refuse_second(camera)
            if self._showing is not None:
                self._showing.stop.set()
            job = self._showing = Showing(camera)
        _start(lambda: _show(job, address, transport, lambda: choose(detector, self._model_dir), seconds))
        return job

    def stop(self) -> None:
        """Stop all of it."""
        for camera in list(self._captures):
            self.drop(camera)
        if self._showing is not None:
            self._showing.stop.set()

    def _refuse_second(self, camera: str) -> None:
        others = [job.camera for job in self._captures.values() if job.runs]
        if self._showing is not None and self._showing.runs:
            others.append(self._showing.camera)
        for other in others:
            if other != camera:
                raise InputError(f"camera {other} is being looked at: wait until that has ended")


def words(reason: Reason) -> str:
    """Why a camera gives no picture, for people."""
    return _WORDS.get(reason, reason.value)


_WORDS = {
    Reason.CONNECTING: "it is being connected to",
    Reason.ADDRESS: "its address cannot be read: a variable that is not set, or a file that is not there",
    Reason.UNREACHABLE: "nothing answers at this address",
    Reason.NOT_FOUND: "something answers, but has no such stream",
    Reason.CREDENTIALS: "the name or the password is refused",
    Reason.NO_VIDEO: "something answers, but it is no video",
    Reason.UNDECODABLE: "bytes come, but no picture can be made of them",
    Reason.STALLED: "it answered and then fell silent",
    Reason.ENDED: "it ended the connection",
    Reason.FROZEN: "its picture does not change",
    Reason.CHANGED: "its picture changed its size",
    Reason.CLOCK: "its clock leaps",
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
        # Its text could hold what a library says of an address.
        job.problem = "the capture failed"


def _refusal(refused: Refused) -> str:
    if refused.reason is not Reason.LIVE:
        return f"no picture: {words(refused.reason)}"
    return (
        f"{refused.covered:.0%} of the picture was never empty: somebody stood, sat or moved there all the time. "
        "Try again at a quieter hour"
    )


def _show(
    job: Showing, address: Address, transport: Transport, chosen: Callable[[], Choice], seconds: float
) -> None:
    try:
        for item in marking.marks(address, chosen(), job.stop, seconds=seconds, transport=transport):
            if isinstance(item, Reason):
                job.ended = "the time is over" if item is Reason.LIVE else words(item)
            else:
                job.marks = item
    except PasserbyError as error:
        job.ended = str(error)
    except Exception:
        job.ended = "the detector failed"
    job.marks = ()
