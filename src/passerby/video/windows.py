"""Cut a live camera into windows, one for each chunk, and observe each of them while its frames come.

Invariant: the result of a chunk depends on the frames of `[start - warm-up, end)` and on configuration alone. A chunk
that is late, or too much for the machine, is given up as a whole. No backlog outlives its chunk.

A window has a thread of its own, which waits for frames, observes them, and concludes. Two windows of a line are open
at a time: that of a chunk, and that of the next chunk in its warm-up. At most WAITING frames wait for each.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from queue import SimpleQueue
from threading import Event, Lock, Thread
from time import monotonic, time
from typing import Generic, TypeVar

from passerby.config.camera_address import Address, Transport
from passerby.config.site import CountedLine
from passerby.counting.detections import Detections
from passerby.domain.link_health import Health
from passerby.domain.policy import FootagePolicy
from passerby.domain.timespan import Span
from passerby.video.decode import live
from passerby.video.decode.frame import Frame, Image
from passerby.video.detect.nms import Boxes
from passerby.video.detect.selection import Choice
from passerby.video.observe import TICK_MS, Observation, setup_for_size

T = TypeVar("T")
Conclude = Callable[[Iterable[Detections], CountedLine, tuple[int, int], Span], T]
"""Makes the result of a chunk from the detections of its window, the line, width and height in px, and the chunk."""

WAITING = 40
"""Most frames that wait in one window, about three seconds of them; beyond it the chunk is given up."""
GAP_MS = 2_000
"""Frames that are closer than this cover the time between them."""
STUCK_S = 60.0
"""A chunk that still runs so long after it was given up will never end."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long after the end of a chunk its last frames may come (`frames_ms`), and its result (`answer_ms`), in ms by
    the wall clock."""

    frames_ms: int
    answer_ms: int


@dataclass(frozen=True, slots=True)
class ObservedCamera:
    """A live camera, its lines, and the detectors that run on it: all of it configuration."""

    address: Address
    transport: Transport
    lines: Sequence[CountedLine]
    choice: Choice


@dataclass(frozen=True, slots=True)
class ChunkResult(Generic[T]):
    """The result of one chunk of a line.

    `value`: what `conclude` returned, None where the chunk was given up. `covered_ms`: how much of the chunk has
    frames. `sender_ms`: how much has frames that the sender's clock dated. `due`: number of frames to be observed in
    the window. `observed`: number of these that were.
    """

    line: str
    span: Span
    value: T | None
    covered_ms: int
    sender_ms: int
    due: int
    observed: int


def chunk_results(
    camera: ObservedCamera,
    conclude: Conclude[T],
    paid: Callable[[str, Span], bool],
    patience: Patience,
    stop: Event,
    limits: live.Limits | None = None,
) -> Iterator[Health | ChunkResult[T] | None]:
    """The result of each chunk when it is complete, in order for each line; `Health` whenever it changes, and at least
    once a second where no frame comes; None for every frame that came.

    Only chunks that are `paid` for are observed: it is called with the name of the line when a chunk begins, and again
    until it returns True. Raises what `conclude` and the detectors raise. Ends soon after `stop` is set.
    """
    choice = _in_turn(camera.choice)
    grids = [_Grid(line, choice, conclude, paid) for line in camera.lines]
    coverage, by_sender, sender_clock = Coverage(), Coverage(), False
    for item in live.frames(camera.address, stop, transport=camera.transport, limits=limits):
        if isinstance(item, Frame):
            coverage.note(item.time_ms)
            if sender_clock:
                by_sender.note(item.time_ms)
            for grid in grids:
                grid.feed(item)
            yield None
        else:
            # Health comes before the first frame that it holds for.
            sender_clock = item.sender_clock
            yield item
        now_ms = round(time() * 1000)
        for grid in grids:
            yield from grid.ended(now_ms, patience, coverage, by_sender)
        for kept in (coverage, by_sender):
            kept.forget(now_ms - 2 * max(grid.policy.chunk_ms + patience.answer_ms for grid in grids))


class Coverage:
    """The time that frames cover: each covers the time to the next one, or as much as the one before it covered."""

    def __init__(self) -> None:
        self._spans: deque[Span] = deque()
        self._last_ms: int | None = None
        self._step_ms = 0

    def note(self, time_ms: int) -> None:
        """Add a frame that is later than all before it."""
        last_ms = self._last_ms
        if last_ms is not None and time_ms - last_ms <= GAP_MS:
            self._step_ms = time_ms - last_ms
            if self._spans and self._spans[-1].end_ms >= last_ms:
                self._spans[-1] = Span(self._spans[-1].start_ms, time_ms)
            else:
                self._spans.append(Span(last_ms, time_ms))
        elif last_ms is not None:
            self._spans.append(Span(last_ms, last_ms + self._step_ms))
        self._last_ms = time_ms

    def of(self, span: Span) -> int:
        """How many ms of `span` are covered."""
        covered_ms = sum(covered.overlap_ms(span) for covered in self._spans)
        if self._last_ms is not None:
            covered_ms += Span(self._last_ms, self._last_ms + self._step_ms).overlap_ms(span)
        return covered_ms

    def forget(self, before_ms: int) -> None:
        """Drop the time before `before_ms`."""
        while self._spans and self._spans[0].end_ms <= before_ms:
            self._spans.popleft()
        if self._spans and self._spans[0].start_ms < before_ms:
            self._spans[0] = Span(before_ms, self._spans[0].end_ms)


class _Grid(Generic[T]):
    """The windows of the chunks of one line: each is opened once as frames come, and the results are in order."""

    def __init__(
        self,
        counted: CountedLine,
        choice: Choice,
        conclude: Conclude[T],
        paid: Callable[[str, Span], bool],
    ) -> None:
        self.policy = counted.policy or FootagePolicy()
        self._counted = counted
        self._choice = choice
        self._conclude = conclude
        self._paid = paid
        self._open: deque[_Window[T]] = deque()
        self._stuck: list[_Window[T]] = []
        self._next_ms = 0

    def feed(self, frame: Frame) -> None:
        """Give the next frame to all windows, after opening those that it begins."""
        time_ms, chunk_ms = frame.time_ms, self.policy.chunk_ms
        start_ms = max(self._next_ms, time_ms // chunk_ms * chunk_ms)
        while start_ms - self.policy.warmup_ms <= time_ms:
            span = Span(start_ms, start_ms + chunk_ms)
            if self._paid(self._counted.line.name, span):
                self._open.append(_Window(self._counted, span, time_ms, self._choice, self._conclude))
                self._next_ms = span.end_ms
            start_ms = span.end_ms
        for window in self._open:
            window.feed(frame)

    def ended(
        self, now_ms: int, patience: Patience, coverage: Coverage, by_sender: Coverage
    ) -> Iterator[ChunkResult[T]]:
        """The results of the windows that are done, in order."""
        for window in self._open:
            window.hurry(now_ms, patience)
        while self._open and self._open[0].done:
            window = self._open.popleft()
            if window.running:
                self._stuck.append(window)
            yield window.result(coverage, by_sender)
        self._stuck = [window for window in self._stuck if window.running]
        if any(window.given_up_for_s() > STUCK_S for window in self._stuck):
            raise RuntimeError("a chunk that was given up does not end")


class _GivenUp(Exception):
    """Ends the thread of a window that was given up."""


class _Window(Generic[T]):
    """One chunk of one line, from its warm-up to its result."""

    def __init__(
        self, counted: CountedLine, span: Span, opened_ms: int, choice: Choice, conclude: Conclude[T]
    ) -> None:
        self._counted = counted
        self._span = span
        self._opened_ms = opened_ms
        self._choice = choice
        self._conclude = conclude
        self._frames: SimpleQueue[Frame | None] = SimpleQueue()
        self._size: tuple[int, int] | None = None
        self._tick = -1
        self._due = self._observed = 0
        self._closed = self._over = False
        self._given_up_s: float | None = None
        self._values: list[T] = []
        self._error: Exception | None = None
        self._thread = Thread(target=self._run, name="chunk", daemon=True)

    def feed(self, frame: Frame) -> None:
        """Take the next frame of the camera, within the window or not."""
        if frame.time_ms >= self._span.end_ms:
            self._end()
            return
        if self._size is None:
            self._size = frame.width, frame.height
            self._thread.start()
        tick = frame.time_ms // TICK_MS
        # One frame for each tick of the clock; a frame of another size is of another view.
        if tick == self._tick or (frame.width, frame.height) != self._size:
            return
        self._tick = tick
        self._due += 1
        if self._closed:
            return
        if self._frames.qsize() >= WAITING:
            self._give_up()
        else:
            self._frames.put(frame)

    def hurry(self, now_ms: int, patience: Patience) -> None:
        """Stop waiting for frames, or for the result, where `patience` is over."""
        if now_ms >= self._span.end_ms + patience.frames_ms:
            self._end()
        if not self.done and now_ms >= self._span.end_ms + patience.answer_ms:
            self._give_up()

    @property
    def running(self) -> bool:
        """Whether its thread is alive."""
        return self._thread.is_alive()

    @property
    def done(self) -> bool:
        """Whether its result is complete, or it was given up."""
        return self._over and (self._given_up_s is not None or not self.running)

    def given_up_for_s(self) -> float:
        """For how many seconds it has been given up."""
        return 0.0 if self._given_up_s is None else monotonic() - self._given_up_s

    def result(self, coverage: Coverage, by_sender: Coverage) -> ChunkResult[T]:
        """The result of a window that is done. Raises the error that ended its thread."""
        name = self._counted.line.name
        if self._error is not None:
            raise self._error
        # Of the frames that came: how far the detectors got depends on what is seen, and coverage is public.
        watched = Span(max(self._span.start_ms, self._opened_ms), self._span.end_ms)
        covered_ms = coverage.of(watched)
        sender_ms = min(covered_ms, by_sender.of(watched))
        value = None if self._given_up_s is not None or not self._values else self._values[0]
        return ChunkResult(name, self._span, value, covered_ms, sender_ms, self._due, self._observed)

    def _end(self) -> None:
        self._over = True
        if not self._closed:
            self._close()

    def _close(self) -> None:
        self._closed = True
        self._frames.put(None)

    def _give_up(self) -> None:
        if self._given_up_s is None:
            self._given_up_s = monotonic()
            self._close()

    def _run(self) -> None:
        assert self._size is not None
        line, loaded = self._counted.line, self._choice.loaded
        try:
            setup = setup_for_size(self._size, [line], self._counted.corridor, loaded, self._choice.motion)
            ticks = Observation(self._waiting(), setup, ticks_only=True)
            self._values.append(self._conclude(ticks, self._counted, self._size, self._span))
        except _GivenUp:
            pass
        except Exception as error:
            self._error = error

    def _waiting(self) -> Iterator[Frame]:
        while (frame := self._frames.get()) is not None:
            if self._given_up_s is not None:
                raise _GivenUp
            yield frame
            self._observed += 1
        if self._given_up_s is not None:
            raise _GivenUp


@lru_cache(maxsize=1)
def _in_turn(choice: Choice) -> Choice:
    """The same detectors, one run at a time: a camera has one core, and not every library is safe with two threads."""
    turn = Lock()

    def taking_turns(detect: Callable[[Image], Boxes]) -> Callable[[Image], Boxes]:
        def detect_alone(image: Image) -> Boxes:
            with turn:
                return detect(image)

        return detect_alone

    detectors = tuple(replace(loaded, detect=taking_turns(loaded.detect)) for loaded in choice.loaded)
    return replace(choice, loaded=detectors)
