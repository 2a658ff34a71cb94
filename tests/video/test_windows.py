"""Chunks of a live camera: on a fixed grid, only what is paid for, frames dropped by the clock, late chunks lost."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from threading import Event
from time import sleep, time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerby.config.camera_address import Address
from passerby.config.site import CountedLine
from passerby.counting.detections import Detections
from passerby.domain.geometry import Line
from passerby.domain.labels import Label
from passerby.domain.link_health import Health, Reason
from passerby.domain.policy import FootagePolicy
from passerby.domain.timespan import Span
from passerby.video import windows
from passerby.video.decode import live
from passerby.video.decode.frame import Frame, Image
from passerby.video.detect.detector import LoadedDetector
from passerby.video.detect.nms import Boxes, no_boxes
from passerby.video.detect.selection import Choice
from passerby.video.observe import TICK_MS
from passerby.video.windows import ChunkResult, Coverage, ObservedCamera, Patience, chunk_results

pytestmark = pytest.mark.slow

CHUNK_MS, WARMUP_MS = 1_000, 500
WIDTH, HEIGHT = 64, 48
PATIENCE = Patience(200, 600)
Ticks = tuple[int, ...]


def counted(name: str = "road") -> CountedLine:
    policy = FootagePolicy(chunk_ms=CHUNK_MS, warmup_ms=WARMUP_MS, every_ms=10_000, rho_ms=500)
    return CountedLine(Line(name, (0.5, 0.0), (0.5, 1.0)), corridor=None, labels=None, policy=policy)


def choice(look_s: float = 0.0) -> Choice:
    """A detector that finds nothing and takes its time."""

    def detect(_image: Image) -> Boxes:
        sleep(look_s)
        return no_boxes()

    loaded = LoadedDetector("none", Path("none"), "yolox", detect, frozenset(Label), None, 1)
    return Choice("none", (loaded,), False, ())


def frame(time_ms: int, width: int = WIDTH) -> Frame:
    # Nothing is held still, or detectors would not look again.
    luma = np.random.default_rng(time_ms).integers(0, 256, (HEIGHT, width), np.uint8)
    chroma = np.zeros((HEIGHT // 2, width // 2), np.uint8)
    return Frame(time_ms, luma, chroma, chroma)


def conclude(ticks: Iterable[Detections], _line: CountedLine, _size: tuple[int, int], _span: Span) -> Ticks:
    return tuple(one.time_ms for one in ticks)


def start_ms() -> int:
    """The start of the next chunk but one, on the grid."""
    return (round(time() * 1000) // CHUNK_MS + 2) * CHUNK_MS


def shown(
    monkeypatch: pytest.MonkeyPatch,
    times: Sequence[int | tuple[int, int]],
    *,
    lines: Sequence[CountedLine] | None = None,
    look_s: float = 0.0,
    paid: "set[int] | None" = None,
    linger_s: float = 2.0,
) -> list[ChunkResult[Ticks]]:
    """The results of a camera whose frames come at `times` (some with a width), each when its time has come."""

    def frames(*_what: object, **_more: object) -> Iterator[Frame | Health]:
        up = Health(True, 0, Reason.LIVE)
        yield up
        for one in times:
            time_ms, width = one if isinstance(one, tuple) else (one, WIDTH)
            sleep(max(0.0, time_ms / 1000 - time()))
            yield frame(time_ms, width)
        for _ in range(round(linger_s * 20)):
            sleep(0.05)
            yield up

    monkeypatch.setattr(live, "frames", frames)
    found = chunk_results(
        ObservedCamera(Address("none"), "tcp", lines or [counted()], choice(look_s)),
        conclude,
        lambda _line, span: paid is None or span.start_ms in paid,
        PATIENCE,
        Event(),
    )
    return [one for one in found if isinstance(one, ChunkResult)]


def test_chunks_lie_on_a_grid_and_include_their_warm_up(monkeypatch: pytest.MonkeyPatch) -> None:
    first = start_ms()
    chunks = shown(monkeypatch, range(first - 600, first + 2 * CHUNK_MS, 100))

    assert [one.span.start_ms for one in chunks] == [
        first - CHUNK_MS,
        first,
        first + CHUNK_MS,
        first + 2 * CHUNK_MS,
    ]
    for one in chunks[1:3]:
        assert one.value is not None
        assert one.covered_ms == CHUNK_MS
        assert min(one.value) == one.span.start_ms - WARMUP_MS
        assert max(one.value) < one.span.end_ms
    # Of the first there was the end alone, of the last nothing but the warm-up.
    assert chunks[0].covered_ms == 600
    assert chunks[-1].covered_ms <= 100


def test_frames_too_many_are_dropped_by_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    first = start_ms()
    (_, chunk, *_) = shown(monkeypatch, range(first - CHUNK_MS, first + CHUNK_MS, 20))

    assert chunk.value is not None
    ticks = [time_ms // TICK_MS for time_ms in chunk.value]
    assert len(set(ticks)) == len(ticks) == chunk.due == chunk.observed
    assert ticks == list(range(ticks[0], ticks[-1] + 1))
    # The first frame of its tick, whatever is in it.
    assert all(time_ms - (time_ms - WARMUP_MS % 20) % TICK_MS < time_ms + TICK_MS for time_ms in chunk.value)


def test_a_chunk_that_is_not_paid_for_is_not_observed(monkeypatch: pytest.MonkeyPatch) -> None:
    first = start_ms()
    chunks = shown(monkeypatch, range(first, first + 3 * CHUNK_MS, 100), paid={first + CHUNK_MS})

    assert [one.span.start_ms for one in chunks] == [first + CHUNK_MS]


def test_a_slow_machine_gives_up_whole_chunks_and_reports_its_loss(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = start_ms()
    chunks = shown(monkeypatch, range(first, first + 3 * CHUNK_MS, 80), look_s=0.8)

    assert chunks
    assert all(one.value is None for one in chunks)
    # The link was well, whatever the detectors got to.
    assert all(one.covered_ms > 0 for one in chunks)
    assert all(one.due > 2 * one.observed for one in chunks)
    assert [one.span.start_ms for one in chunks] == sorted({one.span.start_ms for one in chunks})


def test_too_many_waiting_frames_end_a_chunk_and_the_next_is_observed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(windows, "WAITING", 2)
    first = start_ms()
    burst = range(first, first + CHUNK_MS, 80)
    calm = range(first + CHUNK_MS + 200, first + 2 * CHUNK_MS, 250)
    chunks = {one.span.start_ms: one for one in shown(monkeypatch, [*burst, *calm], look_s=0.3)}

    assert chunks[first].value is None
    assert chunks[first].due > chunks[first].observed


def test_a_late_frame_reopens_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    first = start_ms()
    times = [*range(first, first + CHUNK_MS, 100), first + 3 * CHUNK_MS, first + 3 * CHUNK_MS + 100]
    chunks = shown(monkeypatch, times)

    starts = [one.span.start_ms for one in chunks]
    assert starts == sorted(set(starts))
    # A chunk without a frame is not told: nothing was looked at, and it counts nothing.
    assert first + 2 * CHUNK_MS not in starts


def test_a_frame_of_another_size_is_not_observed_within_a_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    first = start_ms()
    times = [
        (time_ms, WIDTH if time_ms < first + 500 else 2 * WIDTH)
        for time_ms in range(first, first + 2_000, 100)
    ]
    chunks = {one.span.start_ms: one for one in shown(monkeypatch, times)}

    before = chunks[first].value
    assert before is not None
    assert max(before) < first + 500
    after = chunks[first + CHUNK_MS].value
    assert after is not None
    assert max(after) >= first + 1_900


def test_lines_have_separate_results(monkeypatch: pytest.MonkeyPatch) -> None:
    first = start_ms()
    lines = [counted("a"), counted("b")]
    chunks = shown(monkeypatch, range(first, first + CHUNK_MS, 100), lines=lines)

    assert {(one.line, one.span.start_ms) for one in chunks} >= {("a", first), ("b", first)}


def test_an_error_in_a_chunk_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(*_: object) -> Ticks:
        raise ZeroDivisionError

    monkeypatch.setitem(globals(), "conclude", wrong)
    first = start_ms()
    with pytest.raises(ZeroDivisionError):
        shown(monkeypatch, range(first, first + CHUNK_MS, 100))


@given(st.lists(st.integers(1, 5_000), min_size=1, max_size=40))
def test_coverage_is_never_more_than_the_span_and_forgets_nothing_ahead(steps: list[int]) -> None:
    coverage, time_ms = Coverage(), 0
    for step in steps:
        coverage.note(time_ms)
        time_ms += step
    whole = Span(0, time_ms)
    covered_ms = coverage.of(whole)
    assert 0 <= covered_ms <= whole.duration_ms
    assert covered_ms >= sum(step for step in steps[:-1] if step <= windows.GAP_MS)
    halves = coverage.of(Span(0, time_ms // 2)) + coverage.of(Span(time_ms // 2, time_ms))
    assert halves == covered_ms
    ahead = Span(time_ms // 2, time_ms)
    before_ms = coverage.of(ahead)
    coverage.forget(ahead.start_ms)
    assert coverage.of(ahead) == before_ms


def test_the_time_dated_by_the_senders_clock_is_reported_beside_the_coverage(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = start_ms()
    clock_ms = first + CHUNK_MS + 300

    def frames(*_what: object, **_more: object) -> Iterator[Frame | Health]:
        yield Health(False, 0, Reason.CONNECTING)
        for time_ms in range(first - 100, first + 3 * CHUNK_MS, 100):
            sleep(max(0.0, time_ms / 1000 - time()))
            # As a link does: told before the first frame of which it is true.
            if time_ms in (first - 100, clock_ms):
                yield Health(True, 0, Reason.LIVE, sender_clock=time_ms == clock_ms)
            yield frame(time_ms)
        yield Health(False, first, Reason.STALLED)
        for _ in range(40):
            sleep(0.05)
            yield Health(False, first, Reason.STALLED)

    monkeypatch.setattr(live, "frames", frames)
    camera = ObservedCamera(Address("none"), "tcp", [counted()], choice())
    found = chunk_results(camera, conclude, lambda *_: True, PATIENCE, Event())
    chunks = {
        one.span.start_ms: one for one in found if isinstance(one, ChunkResult) and one.value is not None
    }

    assert [
        (chunks[first + n * CHUNK_MS].covered_ms, chunks[first + n * CHUNK_MS].sender_ms) for n in range(3)
    ] == [(CHUNK_MS, 0), (CHUNK_MS, CHUNK_MS - 300), (CHUNK_MS, CHUNK_MS)]


def test_an_outage_is_not_covered() -> None:
    coverage = Coverage()
    for time_ms in (0, 100, 200, 10_000, 10_100):
        coverage.note(time_ms)
    assert coverage.of(Span(0, 20_000)) == 200 + 100 + 100 + 100
