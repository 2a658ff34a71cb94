"""One pass over a live camera: all of its lines together, chunk by chunk, while its frames come.

Invariant: memory is bounded by WAITING frames, and by a chunk with its margins. Coverage depends on the frames that
came and on nothing that was seen. Where the computer is too slow, whole ticks are dropped, and no chunk is lost.

The frames of a camera are counted in sessions: one session ends where no frame came for GAP_MS, or where frames begin
to have another size. Nothing that moves is followed from one session to the next.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Event, Thread
from time import monotonic, time

from passerby.config.camera_address import Address, Transport
from passerby.counting.chunks import chunks, crossings_of, of_stream
from passerby.counting.counts import Crossing
from passerby.counting.detections import Detections
from passerby.counting.parameters import CountingParams
from passerby.domain.geometry import Line
from passerby.domain.link_health import Health
from passerby.domain.timespan import Span
from passerby.video.decode import live
from passerby.video.decode.frame import Frame
from passerby.video.detect.selection import Choice
from passerby.video.observe import TICK_MS, Observation, setup_for_size
from passerby.video.scheduling.optimizations import Optimizations
from passerby.video.windows import Coverage

WAITING = 40
"""Most frames that wait, about three seconds of them; beyond it ticks are dropped."""
GAP_MS = 5_000
"""Longer than any track lives without a box: nobody is followed over such a gap."""
_REMEMBERED_MS = 120_000
"""Coverage is kept for so long: longer than a chunk, its margins and the frames that wait."""
_END_S = 0.8


@dataclass(frozen=True, slots=True)
class StreamedCamera:
    """A live camera, its lines, and how it is counted: all of it configuration.

    `corridor`: half its width in frame heights, None for the whole picture.
    """

    address: Address
    transport: Transport
    lines: tuple[Line, ...]
    corridor: float | None
    choice: Choice
    optimizations: Optimizations
    params: CountingParams = CountingParams()


@dataclass(frozen=True, slots=True)
class CountedSpan:
    """The crossings of all lines in `span`, a chunk or a part of one, without a gap to the one before in its session.

    `covered_ms`: how much of it has frames. `sender_ms`: how much has frames that the sender's clock dated.
    """

    span: Span
    crossings: tuple[Crossing, ...]
    covered_ms: int
    sender_ms: int


@dataclass(slots=True)
class Ticks:
    """Numbers of ticks since the start: those `due` for the detectors, and those `dropped` for want of time."""

    due: int = 0
    dropped: int = 0


def counted_spans(
    camera: StreamedCamera,
    parts: Callable[[Span], Iterable[Span]],
    stop: Event,
    ticks: Ticks,
    limits: live.Limits | None = None,
) -> Iterator[Health | CountedSpan | None]:
    """What crossed in each span, in order of time; `Health` whenever it changes, and at least once a second where no
    frame comes; None for every frame that came.

    `parts` cuts a chunk where bins end. `ticks` is kept up to date. Raises what the detectors raise. After `stop` is
    set, what can be decided within a moment is yielded, and the iteration ends.
    """
    counting = _Counting(camera, ticks)
    coverage, by_sender, sender_clock = Coverage(), Coverage(), False

    def decided() -> Iterator[CountedSpan]:
        for span, crossings in counting.decided():
            for part in parts(span):
                within = tuple(one for one in crossings if one.time_ms in part)
                covered_ms = coverage.of(part)
                yield CountedSpan(part, within, covered_ms, min(covered_ms, by_sender.of(part)))

    for item in live.frames(camera.address, stop, transport=camera.transport, limits=limits):
        if isinstance(item, Frame):
            coverage.note(item.time_ms)
            if sender_clock:
                by_sender.note(item.time_ms)
            counting.feed(item)
            yield None
        else:
            # Health comes before the first frame that it holds for.
            sender_clock = item.sender_clock
            yield item
        now_ms = round(time() * 1000)
        counting.end_idle_session()
        yield from decided()
        for kept in (coverage, by_sender):
            kept.forget(now_ms - _REMEMBERED_MS)
    counting.end()
    yield from decided()


class _Counting:
    """A thread that counts the frames it is fed, session by session."""

    def __init__(self, camera: StreamedCamera, ticks: Ticks) -> None:
        self._camera = camera
        self._ticks = ticks
        self._params = of_stream(camera.params)
        self._frames: SimpleQueue[Frame | None] = SimpleQueue()
        self._decided: SimpleQueue[tuple[Span, list[Crossing]]] = SimpleQueue()
        self._over = Event()
        self._error: Exception | None = None
        self._last: Frame | None = None
        self._fed_s = 0.0
        self._thread = Thread(target=self._run, name="counting", daemon=True)
        self._thread.start()

    def feed(self, frame: Frame) -> None:
        """Take the next frame of the camera."""
        last, self._last, self._fed_s = self._last, frame, monotonic()
        if last is not None:
            other_size = (frame.width, frame.height) != (last.width, last.height)
            if other_size or frame.time_ms - last.time_ms > GAP_MS:
                self._frames.put(None)
            elif frame.time_ms // TICK_MS == last.time_ms // TICK_MS:
                return
        self._ticks.due += 1
        if self._frames.qsize() >= WAITING:
            self._ticks.dropped += 1
        else:
            self._frames.put(frame)

    def end_idle_session(self) -> None:
        """End the session where no frame came for a while, by this computer's clock."""
        if self._last is not None and (monotonic() - self._fed_s) * 1000 > GAP_MS:
            self._last = None
            self._frames.put(None)

    def decided(self) -> Iterator[tuple[Span, list[Crossing]]]:
        """What has been decided and was not taken yet. Raises the error that ended the counting."""
        while True:
            try:
                yield self._decided.get_nowait()
            except Empty:
                break
        if self._error is not None:
            raise self._error

    def end(self) -> None:
        """Decide what can be decided within a moment."""
        self._over.set()
        # One ends the session, the other the thread.
        self._frames.put(None)
        self._frames.put(None)
        self._thread.join(_END_S)

    def _run(self) -> None:
        try:
            while (first := self._frames.get()) is not None or not self._over.is_set():
                if first is not None:
                    self._count_session(first)
        except Exception as error:
            self._error = error

    def _count_session(self, first: Frame) -> None:
        camera, size_px = self._camera, (first.width, first.height)
        setup = setup_for_size(
            size_px,
            camera.lines,
            camera.corridor,
            camera.choice.loaded,
            camera.choice.motion,
            camera.optimizations,
        )
        session = _Session(first.time_ms)
        observed = session.noting(Observation(self._session(first), setup))
        del first
        for chunk, ticks in chunks(observed, self._params):
            span = session.within(chunk)
            crossings, _ = crossings_of(ticks, camera.lines, size_px, span, camera.corridor, self._params)
            self._decided.put((span, crossings))

    def _session(self, first: Frame) -> Iterator[Frame]:
        yield first
        del first
        while (frame := self._frames.get()) is not None:
            yield frame


class _Session:
    """The ticks of one session, from the first to the last so far."""

    def __init__(self, first_ms: int) -> None:
        self._span = Span(first_ms, first_ms + 1)

    def noting(self, ticks: Iterable[Detections]) -> Iterator[Detections]:
        for tick in ticks:
            self._span = Span(self._span.start_ms, max(self._span.end_ms, tick.time_ms + 1))
            yield tick

    def within(self, chunk: Span) -> Span:
        """The part of a chunk that the session has reached: another session may have the rest of it."""
        return Span(max(chunk.start_ms, self._span.start_ms), min(chunk.end_ms, self._span.end_ms))
