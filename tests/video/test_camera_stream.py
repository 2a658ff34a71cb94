"""One pass over a live camera: the counts of a stream, sessions, ticks dropped by the clock, coverage of the link."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Event
from time import sleep

import numpy as np
import pytest

import passerby
from passerby import synth
from passerby.config.camera_address import Address
from passerby.domain.geometry import Line
from passerby.domain.labels import Label
from passerby.domain.link_health import Health, Reason
from passerby.domain.timespan import Span, cut
from passerby.video import camera_stream
from passerby.video.camera_stream import GAP_MS, CountedSpan, StreamedCamera, Ticks, counted_spans
from passerby.video.decode import live
from passerby.video.decode.frame import Frame, Image
from passerby.video.detect.detector import LoadedDetector
from passerby.video.detect.nms import Boxes, no_boxes
from passerby.video.detect.selection import Choice
from passerby.video.observe import TICK_MS
from passerby.video.scheduling.optimizations import ALL, NONE

BEGIN_MS = 1_800_000_000_000
STREET = synth.Street(seed=4, width=640, height=360, duration_s=40, fps=10, density="mixed")
MOTION = Choice("motion", (), True, ())
UP = Health(True, 0, Reason.LIVE)


def camera(lines: Sequence[Line], choice: Choice = MOTION, **changed: object) -> StreamedCamera:
    streamed = StreamedCamera(Address("none"), "tcp", tuple(lines), 0.4, choice, ALL)
    return replace(streamed, **changed)  # type: ignore[arg-type]


def slow(look_s: float) -> Choice:
    """A detector that finds nothing and takes its time."""

    def detect(_image: Image) -> Boxes:
        sleep(look_s)
        return no_boxes()

    loaded = LoadedDetector("none", Path("none"), "yolox", detect, frozenset(Label), None, 1)
    return Choice("none", (loaded,), False, ())


def grey(time_ms: int, width: int = 64) -> Frame:
    luma = np.random.default_rng(time_ms).integers(0, 256, (48, width), np.uint8)
    chroma = np.zeros((24, width // 2), np.uint8)
    return Frame(time_ms, luma, chroma, chroma)


def spans(
    monkeypatch: pytest.MonkeyPatch,
    streamed: StreamedCamera,
    items: Iterator[Frame | Health],
    *,
    waiting: int = 100_000,
    part_ms: int = 60_000,
    ticks: Ticks | None = None,
) -> list[CountedSpan]:
    monkeypatch.setattr(camera_stream, "WAITING", waiting)
    monkeypatch.setattr(camera_stream, "_END_S", 60.0)
    monkeypatch.setattr(live, "frames", lambda *_, **__: items)

    def parts(span: Span) -> Iterator[Span]:
        return cut(span, part_ms)

    found = counted_spans(streamed, parts, Event(), ticks or Ticks())
    return [one for one in found if isinstance(one, CountedSpan)]


def at_ms(number: int) -> int:
    return BEGIN_MS + round(number * 1000 / STREET.fps)


def street_frames() -> Iterator[Frame | Health]:
    yield UP
    for number, image in enumerate(synth.frames(STREET)):
        yield Frame.from_bgr(at_ms(number), image)


def test_it_counts_what_the_stream_of_a_recording_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = synth.lines(STREET)
    images = ((at_ms(number), image) for number, image in enumerate(synth.frames(STREET)))
    expected = list(passerby.Counter(lines, "motion").stream(images))

    found = spans(monkeypatch, camera(lines), street_frames(), part_ms=7_000)

    assert len(expected) > 3
    assert [
        replace(one, kinematics=None, evidence=None) for span in found for one in span.crossings
    ] == expected
    # The spans follow each other from the first tick to the last, and each crossing lies in its own.
    assert [one.span.start_ms for one in found[1:]] == [one.span.end_ms for one in found[:-1]]
    assert all(one.time_ms in span.span for span in found for one in span.crossings)
    assert found[0].span.start_ms == BEGIN_MS
    assert sum(one.covered_ms for one in found) == pytest.approx(40_000, abs=200)


def test_nobody_is_followed_over_a_gap_or_to_frames_of_another_size(monkeypatch: pytest.MonkeyPatch) -> None:
    def items() -> Iterator[Frame | Health]:
        yield UP
        yield from (grey(BEGIN_MS + step * 100) for step in range(50))
        yield from (grey(BEGIN_MS + 5_000 + GAP_MS + step * 100) for step in range(30))
        yield from (grey(BEGIN_MS + 8_000 + GAP_MS + step * 100, 80) for step in range(30))

    line = Line("road", (0.5, 0.0), (0.5, 1.0))
    found = spans(monkeypatch, camera([line]), items())

    starts = [BEGIN_MS, BEGIN_MS + 10_000, BEGIN_MS + 5_000 + GAP_MS, BEGIN_MS + 8_000 + GAP_MS]
    assert {one.span.start_ms for one in found} >= {starts[0], starts[2], starts[3]}
    edges = [(one.span.start_ms, one.span.end_ms) for one in found]
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(edges))
    # The gap itself is covered by nothing.
    assert sum(one.covered_ms for one in found) == pytest.approx(11_000, abs=300)


def test_too_many_ticks_are_dropped_and_coverage_stays_that_of_the_link(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def covered(look_s: float) -> tuple[int, Ticks]:
        ticks = Ticks()
        items: list[Frame | Health] = [UP, *(grey(BEGIN_MS + step * 100) for step in range(200))]
        streamed = camera([Line("road", (0.5, 0.0), (0.5, 1.0))], slow(look_s), optimizations=NONE)
        found = spans(monkeypatch, streamed, iter(items), waiting=5, ticks=ticks)
        return sum(one.covered_ms for one in found), ticks

    quick_ms, quick = covered(0.0)
    slow_ms, dropped = covered(0.02)

    assert dropped.dropped > 100
    assert dropped.due == quick.due == 200
    # What was received decides, and not how much of it the detectors got to.
    assert abs(slow_ms - quick_ms) <= 10 * TICK_MS


def test_an_error_of_a_detector_ends_the_count(monkeypatch: pytest.MonkeyPatch) -> None:
    def detect(_image: Image) -> Boxes:
        raise RuntimeError("broken")

    loaded = LoadedDetector("broken", Path("none"), "yolox", detect, frozenset(Label), None, 1)
    streamed = camera([Line("road", (0.5, 0.0), (0.5, 1.0))], Choice("broken", (loaded,), False, ()))
    with pytest.raises(RuntimeError, match="broken"):
        spans(monkeypatch, streamed, iter([UP, grey(BEGIN_MS), grey(BEGIN_MS + 100)]))
