"""A live camera cut into the windows of its chunks, each looked at on its own while its frames come.

Invariant: what is said of a chunk depends on the frames of `[start - warm-up, end)` and on configuration alone; what
is late, or too much for the machine, is given up whole; no backlog outlives its chunk.

A window has a thread of its own, which waits for frames, looks, and concludes. Two windows of a line are open at a
time: a chunk's, and the next one's in its warm-up. At most WAITING pictures wait for each.
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
from passerby.domain.policy import Policy
from passerby.domain.timespan import Span
from passerby.video.decode import live
from passerby.video.decode.frame import Frame, Image
from passerby.video.detect.nms import Boxes
from passerby.video.detect.selection import Choice
from passerby.video.observe import TICK_MS, Observation, setup_for_size

T = TypeVar("T")
Conclude = Callable[[Iterable[Detections], CountedLine, tuple[int, int], Span], T]
"""What is made of a window: boxes of each tick, the line, width and height in px, the chunk."""

WAITING = 40
"""Pictures that wait to be looked at in one window, about three seconds of them; beyond this the chunk is given up."""
GAP_MS = 2_000
"""Frames that lie closer than this cover the time between them."""
STUCK_S = 60.0
"""A chunk that was given up and still runs after this long will never end."""


@dataclass(frozen=True, slots=True)
class Patience:
    """After the end of a chunk: how long its last frames are waited for, and then its answer, in ms by the wall
    clock."""

    frames_ms: int
    answer_ms: int


@dataclass(frozen=True, slots=True)
class Seen(Generic[T]):
    """What was `said` of one chunk of a line, None where it was given up; of `covered_ms` of it there were frames, and
    of `sender_ms` frames that the sender's clock dated; `due` pictures were to be looked at, and `looked` of them
    were."""

    line: str
    span: Span
    said: T | None
    covered_ms: int
    sender_ms: int
    due: int
    looked: int


def seen(
    address: Address,
    transport: Transport,
    lines: Sequence[CountedLine],
    choice: Choice,
    conclude: Conclude[T],
    paid: Callable[[str, Span], bool],
    patience: Patience,
    stop: Event,
    limits: live.Limits | None = None,
) -> Iterator[Health | Seen[T] | None]:
    """Chunks as they are done, in order for each line; `Health` whenever it changes, and at least once a second where
    no frame comes; None for every frame that came.

    Only what is `paid` for is looked at: asked with the name of the line when a chunk begins, and again until it is.
    Raises what `conclude` and the detector raise. Ends soon after `stop` is set.
    """
    grids = [_Grid(line, _in_turn(choice), conclude, paid) for line in lines]
    coverage, by_sender, sender_clock = Coverage(), Coverage(), False
    for item in live.frames(address, stop, transport=transport, limits=limits):
        if isinstance(item, Frame):
            coverage.note(item.time_ms)
            if sender_clock:
                by_sender.note(item.time_ms)
            for grid in grids:
                grid.feed(item)
            yield None
        else:
            # Told before the first frame of which it is true.
            sender_clock = item.sender_clock
            yield item
        now_ms = round(time() * 1000)
        for grid in grids:
            yield from grid.ended(now_ms, patience, coverage, by_sender)
        for one in (coverage, by_sender):
            one.forget(now_ms - 2 * max(grid.policy.chunk_ms + patience.answer_ms for grid in grids))


class Coverage:
    """Where there were frames: each covers the time to the next one, or as much as the one before it did."""

    def __init__(self) -> None:
        self._spans: deque[Span] = deque()
        self._last_ms: int | None = None
        self._step_ms = 0

    def note(self, time_ms: int) -> None:
        """A frame, later than all before it."""
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
        """How many ms of `span` were covered."""
        covered_ms = sum(one.overlap_ms(span) for one in self._spans)
        if self._last_ms is not None:
            covered_ms += Span(self._last_ms, self._last_ms + self._step_ms).overlap_ms(span)
        return covered_ms

    def forget(self, before_ms: int) -> None:
        while self._spans and self._spans[0].end_ms <= before_ms:
            self._spans.popleft()
        if self._spans and self._spans[0].start_ms < before_ms:
            self._spans[0] = Span(before_ms, self._spans[0].end_ms)


class _Grid(Generic[T]):
    """The chunks of one line: opened as frames come, each once, and handed out in order."""

    def __init__(
        self,
        counted: CountedLine,
        choice: Choice,
        conclude: Conclude[T],
        paid: Callable[[str, Span], bool],
    ) -> None:
        self.policy = counted.policy or Policy()
        self._counted = counted
        self._choice = choice
        self._conclude = conclude
        self._paid = paid
        self._open: deque[_Window[T]] = deque()
        self._stuck: list[_Window[T]] = []
        self._next_ms = 0

    def feed(self, frame: Frame) -> None:
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
    ) -> Iterator[Seen[T]]:
        for window in self._open:
            window.hurry(now_ms, patience)
        while self._open and self._open[0].done:
            window = self._open.popleft()
            if window.running:
                self._stuck.append(window)
            yield window.seen(coverage, by_sender)
        self._stuck = [window for window in self._stuck if window.running]
        if any(window.given_up_for_s() > STUCK_S for window in self._stuck):
            raise RuntimeError("a chunk that was given up does not end")


class _GivenUp(Exception):
    """Ends the look at a window whose answer nobody waits for any more."""


class _Window(Generic[T]):
    """One chunk of one line, from its warm-up to its answer."""

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
        self._due = self._looked = 0
        self._closed = self._over = False
        self._given_up_s: float | None = None
        self._said: list[T] = []
        self._error: Exception | None = None
        self._thread = Thread(target=self._run, name="chunk", daemon=True)

    def feed(self, frame: Frame) -> None:
        """The next frame of the camera, within the window or not."""
        if frame.time_ms >= self._span.end_ms:
            self._end()
            return
        if self._size is None:
            self._size = frame.width, frame.height
            self._thread.start()
        tick = frame.time_ms // TICK_MS
        # One picture for each tick, by the clock; of another size, it is of another view.
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
        """Wait no longer than is allowed."""
        if now_ms >= self._span.end_ms + patience.frames_ms:
            self._end()
        if not self.done and now_ms >= self._span.end_ms + patience.answer_ms:
            self._give_up()

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    @property
    def done(self) -> bool:
        return self._over and (self._given_up_s is not None or not self.running)

    def given_up_for_s(self) -> float:
        return 0.0 if self._given_up_s is None else monotonic() - self._given_up_s

    def seen(self, coverage: Coverage, by_sender: Coverage) -> Seen[T]:
        """The answer of a window that is done. Raises what went wrong in it."""
        name = self._counted.line.name
        if self._error is not None:
            raise self._error
        if self._given_up_s is not None or not self._said:
            return Seen(name, self._span, None, 0, 0, self._due, self._looked)
        looked_at = Span(max(self._span.start_ms, self._opened_ms), self._span.end_ms)
        covered_ms = coverage.of(looked_at)
        sender_ms = min(covered_ms, by_sender.of(looked_at))
        return Seen(name, self._span, self._said[0], covered_ms, sender_ms, self._due, self._looked)

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
            self._said.append(self._conclude(ticks, self._counted, self._size, self._span))
        except _GivenUp:
            pass
        except Exception as error:
            self._error = error

    def _waiting(self) -> Iterator[Frame]:
        while (frame := self._frames.get()) is not None:
            if self._given_up_s is not None:
                raise _GivenUp
            yield frame
            self._looked += 1
        if self._given_up_s is not None:
            raise _GivenUp


@lru_cache(maxsize=1)
def _in_turn(choice: Choice) -> Choice:
    """The same detectors, one look at a time: a camera has one core, and not every library likes two threads."""
    turn = Lock()

    def taking_turns(detect: Callable[[Image], Boxes]) -> Callable[[Image], Boxes]:
        def look(image: Image) -> Boxes:
            with turn:
                return detect(image)

        return look

    loaded = tuple(replace(one, detect=taking_turns(one.detect)) for one in choice.loaded)
    return replace(choice, loaded=loaded)
