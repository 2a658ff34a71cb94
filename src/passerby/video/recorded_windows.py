"""Windows of one recording, decoded once: every frame is shown to each window that holds it, and dies here.

Invariant: a window sees the frames of its own span and no others, in order, as if it had been decoded alone.

Each window pulls its frames on a thread of its own, and only one thread runs at a time: a frame is handed to a window,
and the next window gets it when the first has asked for more. So at most one frame is in memory, whatever the number
of windows.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from threading import Semaphore, Thread
from typing import Generic, TypeVar

from passerby.counting.detections import Detections
from passerby.domain.timespan import Span
from passerby.video.decode.frame import Frame
from passerby.video.decode.source import FrameReader, Recording
from passerby.video.observe import DetectionSetup, Observation

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Window(Generic[T]):
    """`conclude` makes an answer of the detections of `setup` in `span` (Unix ms UTC)."""

    span: Span
    setup: DetectionSetup
    conclude: Callable[[Iterable[Detections]], T]


def concluded(recording: Recording, start_ms: int, windows: Sequence[Window[T]]) -> list[T]:
    """The answers of `windows`, in their order, from one pass over a recording whose first frame is at `start_ms`.

    Raises SourceError, and what `conclude` and the detectors raise.
    """
    if not windows:
        return []
    waiting = sorted(range(len(windows)), key=lambda number: windows[number].span, reverse=True)
    answers: dict[int, T] = {}
    running: dict[int, _Running[T]] = {}
    whole = Span(
        min(window.span.start_ms for window in windows), max(window.span.end_ms for window in windows)
    )
    frames = iter(FrameReader(recording, start_ms, whole))
    try:
        for frame in frames:
            while waiting and windows[waiting[-1]].span.start_ms <= frame.time_ms:
                number = waiting.pop()
                running[number] = _Running(windows[number])
            for number in [one for one in running if frame.time_ms >= windows[one].span.end_ms]:
                answers[number] = running.pop(number).answer()
            for window in running.values():
                window.show(frame)
        for number in list(running):
            answers[number] = running.pop(number).answer()
        for number in waiting:
            answers[number] = _Running(windows[number]).answer()
    finally:
        for window in running.values():
            window.abandon()
        if isinstance(frames, Generator):
            frames.close()
    return [answers[number] for number in range(len(windows))]


class _Abandoned(Exception):
    """Ends the thread of a window whose answer is not needed any more."""


class _Running(Generic[T]):
    """A window on its thread, which runs only while it is shown a frame or asked for its answer."""

    def __init__(self, window: Window[T]) -> None:
        self._window = window
        self._frame: Frame | None = None
        self._abandoned = False
        self._answer: list[T] = []
        self._error: Exception | None = None
        self._given, self._asked = Semaphore(0), Semaphore(0)
        self._thread = Thread(target=self._run, name="window", daemon=True)
        self._thread.start()
        self._asked.acquire()

    def show(self, frame: Frame) -> None:
        """Raises the error that the window ended with."""
        self._hand(frame)
        if self._error is not None:
            raise self._error

    def answer(self) -> T:
        """Its answer, after its last frame. Raises the error that it ended with."""
        self._hand(None)
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._answer[0]

    def abandon(self) -> None:
        self._abandoned = True
        self._hand(None)
        self._thread.join()

    def _hand(self, frame: Frame | None) -> None:
        if self._thread.is_alive():
            self._frame = frame
            self._given.release()
            self._asked.acquire()

    def _run(self) -> None:
        try:
            window = self._window
            seen = Observation(self._frames(), window.setup, ticks_only=True, span=window.span)
            self._answer.append(window.conclude(seen))
        except _Abandoned:
            pass
        except Exception as error:
            self._error = error
        finally:
            self._asked.release()

    def _frames(self) -> Iterator[Frame]:
        while True:
            self._asked.release()
            self._given.acquire()
            if self._abandoned:
                raise _Abandoned
            if self._frame is None:
                return
            yield self._frame
