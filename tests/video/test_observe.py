"""Frames become detections from the corridors alone, once a tick, and are not kept."""

import gc
import zlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.tiers import examples

from passerby.counting.detections import Detections
from passerby.domain.geometry import Line, signed_distance
from passerby.domain.labels import Label
from passerby.video.decode.frame import Frame
from passerby.video.detect.detector import LoadedDetector
from passerby.video.detect.nms import Boxes
from passerby.video.motion.background_subtraction import CELL_MS, REACH_MS, shrink
from passerby.video.observe import TICK_MS, CpuTime, DetectionSetup, Observation, Recording, setup_for
from passerby.video.scheduling.optimizations import NONE

Image = NDArray[np.uint8]
WIDTH, HEIGHT = 192, 108
START_MS = 1_717_200_000_000
UPRIGHT = Line("upright", (0.3, 0.0), (0.3, 1.0))
SLANT = Line("slant", (0.2, 0.2), (0.7, 0.9))
CHROMA_PX = 2
"""Colour is stored for two by two pixels: nearer to the edge than this, both sides share it."""


def recording(width: int = WIDTH, height: int = HEIGHT) -> Recording:
    return Recording(
        Path("street.mp4"), width, height, 12.5, 60_000, datetime(2024, 6, 1, tzinfo=UTC), "h264", 0, 0
    )


def fingerprint(image: Image) -> Boxes:
    """A box whose confidence depends on every pixel: any two pictures have different ones."""
    confidence = 0.7 + 0.2 * zlib.crc32(image.tobytes()) / 2**32
    side = min(image.shape[:2]) // 2
    return Boxes(
        np.array([[2, 2, 2 + side, 2 + side]], np.float32),
        np.array([confidence], np.float32),
        np.array([Label.CAR], np.int64),
    )


def bright(image: Image) -> Boxes:
    """One box around all that is white."""
    rows, columns = np.nonzero((image > 230).all(axis=2))
    if not len(rows):
        return Boxes(np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty(0, np.int64))
    box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    return Boxes(np.array([box], np.float32), np.array([0.8], np.float32), np.array([Label.PERSON], np.int64))


def detector(detect: object = fingerprint, size_px: tuple[int, int] | None = None) -> LoadedDetector:
    assert callable(detect)
    return LoadedDetector("made up", Path("made-up"), "yolox", detect, frozenset(Label), size_px, 2)


def pictures(count: int, seed: int = 1) -> list[Image]:
    """A street with a white body that goes from left to right and a dark one that comes back."""
    dice = np.random.default_rng(seed)
    ground = dice.integers(90, 130, (HEIGHT // 4, WIDTH // 4, 3), np.uint8).repeat(4, 0).repeat(4, 1)
    images = []
    for number in range(count):
        image = ground.copy()
        left = number * 3 % (WIDTH - 16)
        image[20:50, left : left + 12] = 250
        image[60:92, WIDTH - 16 - left : WIDTH - 4 - left] = 10
        images.append(image)
    return images


def frames(images: Sequence[Image], every_ms: int = TICK_MS, start_ms: int = START_MS) -> Iterator[Frame]:
    for number, image in enumerate(images):
        yield Frame.from_bgr(start_ms + number * every_ms, image)


def seen(images: Sequence[Image], setup: DetectionSetup, every_ms: int = TICK_MS) -> list[Detections]:
    return list(Observation(frames(images, every_ms), setup))


def same(one: Detections, other: Detections) -> bool:
    return one.time_ms == other.time_ms and all(
        np.array_equal(getattr(one, name), getattr(other, name))
        for name in ("xyxy", "confidence", "class_id")
    )


def outside(
    lines: Sequence[Line], half_width: float, width: int = WIDTH, height: int = HEIGHT
) -> NDArray[np.bool_]:
    """(height, width) bool, by geometry alone: pixels that share no colour with a corridor."""
    aspect = width / height
    wider = half_width + (CHROMA_PX + 1) / height
    x, y = np.meshgrid((np.arange(width) + 0.5) / width * aspect, (np.arange(height) + 0.5) / height)
    beside = np.ones((height, width), bool)
    for line in lines:
        start = np.array([line.start[0] * aspect, line.start[1]])
        ahead = np.array([line.end[0] * aspect, line.end[1]]) - start
        length = np.hypot(*ahead)
        ahead /= length
        along = (x - start[0]) * ahead[0] + (y - start[1]) * ahead[1]
        across = (y - start[1]) * ahead[0] - (x - start[0]) * ahead[1]
        beside &= (np.abs(across) > wider) | (along < -wider) | (along > length + wider)
    return beside


# What is looked at

WATCHES = [
    ([UPRIGHT], 0.3, None, False),
    ([SLANT], 0.2, None, False),
    ([SLANT], 0.2, (64, 64), False),
    ([UPRIGHT, SLANT], 0.15, (64, 64), False),
    ([SLANT], 0.25, None, True),
    ([UPRIGHT, SLANT], 0.15, (64, 64), True),
]


@pytest.mark.parametrize(("lines", "half_width", "size_px", "with_motion"), WATCHES)
def test_pixels_outside_the_corridors_change_no_detection(
    lines: list[Line], half_width: float, size_px: tuple[int, int] | None, with_motion: bool
) -> None:
    """Bit for bit, whatever happens there: for a detector that tells any two pictures apart."""
    setup = setup_for(recording(), lines, half_width, [detector(size_px=size_px)], with_motion)
    mine, dice = pictures(140), np.random.default_rng(3)
    beside = outside(lines, half_width)
    assert 0.2 < beside.mean() < 0.9
    changed = []
    for image in mine:
        other = image.copy()
        other[beside] = dice.integers(0, 256, (int(beside.sum()), 3), np.uint8)
        changed.append(other)
    before, after = seen(mine, setup), seen(changed, setup)

    assert len(before) == 140
    assert all(same(one, other) for one, other in zip(before, after, strict=True))
    if with_motion:
        assert any((tick.confidence == 0).any() for tick in before)


@pytest.mark.parametrize(("width", "height"), [(960, 540), (854, 480), (704, 576), (322, 242)])
@pytest.mark.parametrize("line", [SLANT, UPRIGHT])
def test_pixels_outside_the_corridors_do_not_reach_the_picture_for_motion(
    line: Line, width: int, height: int
) -> None:
    """However it is made smaller."""
    region = setup_for(recording(width, height), [line], 0.2, [], True).corridors
    assert region is not None
    dice = np.random.default_rng(6)
    image = dice.integers(0, 256, (height, width, 3), np.uint8)
    beside = outside([line], 0.2, width=width, height=height)
    other = image.copy()
    other[beside] = 255 - other[beside]
    small, changed = (shrink(Frame.from_bgr(START_MS, one), region) for one in (image, other))

    assert 0.2 < beside.mean() < 0.9
    assert (small.yuv == changed.yuv).all()
    whole = shrink(Frame.from_bgr(START_MS, image)), shrink(Frame.from_bgr(START_MS, other))
    assert (whole[0].yuv != whole[1].yuv).any()


@pytest.mark.parametrize("with_motion", [False, True])
def test_pixels_in_the_corridor_do_change_detections(with_motion: bool) -> None:
    """Else the test above could not fail."""
    loaded = [] if with_motion else [detector()]
    setup = setup_for(recording(), [SLANT], 0.25, loaded, with_motion)
    mine = pictures(140)
    inside = ~outside([SLANT], 0.25)
    changed = [image.copy() for image in mine]
    for number in range(60, 80):
        changed[number][inside] = 255 - changed[number][inside]
    before, after = seen(mine, setup), seen(changed, setup)
    assert sum(not same(one, other) for one, other in zip(before, after, strict=True)) >= 15


def test_without_a_corridor_the_detector_is_shown_the_whole_picture() -> None:
    setup = setup_for(recording(), [SLANT], None, [detector(bright)], False)
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    image[100:106, 184:190] = 255
    [found] = seen([image], setup)
    assert found.xyxy.tolist() == [[184, 100, 190, 106]]


def test_boxes_are_in_pixels_of_the_frame() -> None:
    line = Line("far right", (0.8, 0.3), (0.8, 0.9))
    setup = setup_for(recording(), [line], 0.25, [detector(bright)], False)
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    image[40:70, 146:158] = 255
    [found] = seen([image], setup)
    assert found.xyxy.tolist() == [[146, 40, 158, 70]]
    assert found.class_id.tolist() == [Label.PERSON]


@settings(max_examples=examples(25))
@given(
    st.tuples(st.floats(0, 1), st.floats(0, 1)),
    st.tuples(st.floats(0, 1), st.floats(0, 1)),
    st.sampled_from([0.1, 0.3, 0.6]),
)
def test_an_object_on_the_line_is_always_shown(
    start: tuple[float, float], end: tuple[float, float], half_width: float
) -> None:
    """Wherever a line lies, its corridor shows the detector an object on it."""
    line = Line("any", start, end)
    if line.length(WIDTH / HEIGHT) < 0.1:
        return
    setup = setup_for(recording(), [line], half_width, [detector(bright)], False)
    x, y = (start[0] + end[0]) / 2 * WIDTH, (start[1] + end[1]) / 2 * HEIGHT
    left, top = round(min(max(x - 2, 0), WIDTH - 4)), round(min(max(y - 2, 0), HEIGHT - 4))
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    image[top : top + 4, left : left + 4] = 255
    [found] = seen([image], setup)
    assert len(found) == 1
    centre = (
        (found.xyxy[0, 0] + found.xyxy[0, 2]) / 2 / WIDTH,
        (found.xyxy[0, 1] + found.xyxy[0, 3]) / 2 / HEIGHT,
    )
    assert abs(signed_distance(line, centre, WIDTH / HEIGHT)) < 4 / HEIGHT


def test_no_box_reaches_beyond_the_region() -> None:
    def everywhere(image: Image) -> Boxes:
        height, width = image.shape[:2]
        box = np.array([[0, 0, width, height / 3]], np.float32)
        return Boxes(box, np.array([0.95], np.float32), np.array([Label.CAR], np.int64))

    for size_px in (None, (64, 64)):
        setup = setup_for(recording(), [UPRIGHT], 0.2, [detector(everywhere, size_px)], False)
        [found] = seen(pictures(1), setup)
        assert len(found) == 1
        left, right = found.xyxy[0, [0, 2]] / WIDTH
        assert 0.3 - 0.2 * HEIGHT / WIDTH - 0.02 < left < 0.3 < right < 0.3 + 0.2 * HEIGHT / WIDTH + 0.02


def test_two_detectors_that_agree_find_one_object() -> None:
    setup = setup_for(recording(), [UPRIGHT], None, [detector(bright), detector(bright)], False)
    [found] = seen(pictures(1), setup)
    assert len(found) == 1


def test_motion_adds_no_box_where_a_detector_has_one() -> None:
    """The white body has a name, the dark one has only moved."""
    setup = setup_for(recording(), [UPRIGHT], None, [detector(bright)], True, NONE)
    for tick in seen(pictures(140), setup)[20:120]:
        white = tick.xyxy[:, 3] < 55
        assert (tick.confidence[white] > 0).sum() == white.sum() == 1


# Ticks


@pytest.mark.parametrize(("every_ms", "expected"), [(80, 100), (40, 50), (200, 100), (20, 25), (1_000, 100)])
@pytest.mark.parametrize("with_motion", [False, True])
def test_one_detections_a_tick_in_order_of_time(every_ms: int, expected: int, with_motion: bool) -> None:
    setup = setup_for(recording(), [UPRIGHT], 0.3, [detector()], with_motion)
    found = [tick.time_ms for tick in seen(pictures(100), setup, every_ms)]
    assert found == sorted(set(found))
    assert found[0] == START_MS
    assert expected <= len(found) <= expected + 1
    # Who crosses on the last picture is in it.
    assert found[-1] == START_MS + 99 * every_ms


@pytest.mark.parametrize("with_motion", [False, True])
def test_no_frames_give_no_detections(with_motion: bool) -> None:
    setup = setup_for(recording(), [UPRIGHT], 0.3, [detector()], with_motion)
    assert seen([], setup) == []


@pytest.mark.slow
@pytest.mark.parametrize("first", [1, 7, 60, 133])
def test_a_part_of_a_recording_has_the_detections_of_the_whole(first: int) -> None:
    """From the motion's memory after its beginning on."""
    setup = setup_for(recording(), [UPRIGHT], 0.3, [detector()], True)
    images = pictures(400)
    whole = {tick.time_ms: tick for tick in seen(images, setup)}
    part = Observation(frames(images[first:], start_ms=START_MS + first * TICK_MS), setup)
    from_ms = START_MS + first * TICK_MS + CELL_MS + REACH_MS
    late = [tick for tick in part if tick.time_ms >= from_ms]
    assert len(late) > 100
    assert all(same(tick, whole[tick.time_ms]) for tick in late)


# Forgetting


@pytest.mark.slow
@pytest.mark.parametrize("with_motion", [False, True])
def test_frames_are_forgotten(with_motion: bool) -> None:
    setup = setup_for(recording(), [UPRIGHT], 0.3, [detector()], with_motion)
    # What other tests keep for themselves is not of this recording.
    before = frames_alive()
    alive = []
    for number, _ in enumerate(Observation(frames(pictures(300)), setup)):
        if number % 50 == 49:
            alive.append(frames_alive() - before)
    assert max(alive) <= 3


def frames_alive() -> int:
    gc.collect()
    return sum(isinstance(one, Frame) for one in gc.get_objects())


def test_cpu_time_is_measured() -> None:
    setup = setup_for(recording(), [UPRIGHT], 0.3, [detector()], True)
    observation = Observation(frames(pictures(100)), setup)
    assert observation.cpu == CpuTime()
    assert len(list(observation)) == 100
    assert observation.cpu.detect_s > 0
    assert observation.cpu.decode_s > 0
