"""When a detector runs, on what part of the picture, and for how long its results are reused."""

from collections.abc import Iterator, Sequence
from math import prod

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.video.test_observe import HEIGHT, START_MS, UPRIGHT, WIDTH, bright, detector, recording

from passerby.counting.detections import Detections
from passerby.video.decode.frame import Frame
from passerby.video.decode.regions import GREY, picture_of, region_of
from passerby.video.detect.nms import Boxes
from passerby.video.motion.background_subtraction import CELL_MS
from passerby.video.observe import TICK_MS, Observation, setup_for
from passerby.video.scheduling import incremental
from passerby.video.scheduling.incremental import HELD_MS, cell_ms
from passerby.video.scheduling.optimizations import ALL, NONE, PRIVATE, Optimizations, disabled

Image = NDArray[np.uint8]
FIRST_MS = START_MS // CELL_MS * CELL_MS


def street(count: int, left_of: Sequence[int | None]) -> list[Image]:
    """A still street on which a white body stands at `left_of[i]`, if anywhere."""
    ground = np.random.default_rng(3).integers(90, 130, (HEIGHT // 4, WIDTH // 4, 3), np.uint8)
    ground = ground.repeat(4, 0).repeat(4, 1)
    images = []
    for number in range(count):
        image = ground.copy()
        left = left_of[number % len(left_of)]
        if left is not None:
            image[40:70, left : left + 14] = 250
        images.append(image)
    return images


def frames(images: Sequence[Image]) -> Iterator[Frame]:
    for number, image in enumerate(images):
        yield Frame.from_bgr(FIRST_MS + number * TICK_MS, image)


def detected(images: Sequence[Image], optimizations: Optimizations) -> tuple[list[int], list[Detections]]:
    """The number of pixels shown in each run, and all detections."""
    shown: list[int] = []

    def noting(image: Image) -> Boxes:
        shown.append(image.shape[0] * image.shape[1])
        return bright(image)

    setup = setup_for(recording(), [UPRIGHT], 0.4, [detector(noting)], False, optimizations)
    return shown, list(Observation(frames(images), setup))


def test_without_optimizations_the_detector_runs_in_every_tick() -> None:
    shown, seen = detected(street(100, [60]), NONE)
    assert len(shown) == len(seen) == 100


@pytest.mark.parametrize("optimizations", [ALL, PRIVATE])
def test_where_nothing_moves_one_run_a_cell_is_enough(
    optimizations: Optimizations,
) -> None:
    cells = 3
    shown, seen = detected(street(cells * cell_ms(optimizations) // TICK_MS, [60]), optimizations)
    assert len(shown) == cells
    assert [len(tick) for tick in seen] == [1] * len(seen)


def test_crops_show_moving_objects_and_little_else() -> None:
    images = street(CELL_MS // TICK_MS, [40 + step for step in range(50)])
    whole, _ = detected(images, disabled(["crops", "pace"]))
    crops, seen = detected(images, disabled(["pace"]))
    assert len(crops) >= len(whole) > CELL_MS // 160 * 0.7
    assert sum(crops[1:]) < 0.5 * sum(whole[1:])
    for number, tick in enumerate(seen):
        assert len(tick) == 1
        assert tick.xyxy[0, 0] == pytest.approx(40 + number, abs=1.5)


@pytest.mark.parametrize("optimizations", [ALL, PRIVATE])
def test_an_object_that_left_has_no_detection(optimizations: Optimizations) -> None:
    left_of = [60] * 10 + [None] * 30
    _, seen = detected(street(40, left_of), optimizations)
    assert [len(tick) for tick in seen[:6]] == [1] * 6
    assert [len(tick) for tick in seen[14:]] == [0] * 26


@pytest.mark.parametrize("optimizations", [ALL, PRIVATE])
def test_detections_depend_on_their_cell_and_the_tick_after_it(optimizations: Optimizations) -> None:
    """Whatever was before: a standing object does not extend the memory."""
    ticks = cell_ms(optimizations) // TICK_MS
    one = street(3 * ticks, [60])
    other = [*street(ticks, [20, 90, None]), *one[ticks:]]
    _, seen = detected(one, optimizations)
    _, others = detected(other, optimizations)
    for a, b in zip(seen[ticks:], others[ticks:], strict=True):
        assert (a.time_ms, a.xyxy.tolist(), a.confidence.tolist()) == (
            b.time_ms,
            b.xyxy.tolist(),
            b.confidence.tolist(),
        )


def test_a_slow_object_needs_few_runs_and_has_a_box_in_every_tick() -> None:
    images = street(CELL_MS // TICK_MS, [40 + step for step in range(50)])
    often, _ = detected(images, disabled(["pace"]))
    seldom, seen = detected(images, ALL)
    assert len(seldom) < 0.7 * len(often)
    for number, tick in enumerate(seen):
        assert tick.xyxy[:, 0].tolist() == [pytest.approx(40 + number, abs=1.5)]


def test_a_fast_object_is_not_delayed() -> None:
    images = street(10, [53 + 8 * step for step in range(10)])
    often, _ = detected(images, disabled(["pace"]))
    fast, _ = detected(images, ALL)
    assert len(fast) >= 0.7 * len(often)


def test_results_are_reused_for_longer_with_the_optimization() -> None:
    assert cell_ms(ALL) == HELD_MS > CELL_MS == cell_ms(PRIVATE) == cell_ms(NONE)
    assert HELD_MS % CELL_MS == 0


@given(st.integers(2, 1900), st.integers(2, 1000), st.floats(0.1, 1), st.sampled_from([1, 32]))
def test_a_picture_is_scaled_down_only_where_that_saves_padding(
    width: int, height: int, scale: float, multiple_px: int
) -> None:
    def pixels(by: float) -> int:
        return prod(-(-round(side * by) // multiple_px) * multiple_px for side in (width, height))

    found = incremental.least_padded(width, height, scale, multiple_px)
    assert incremental.INPUT_SIZE.padding_share * scale <= found <= scale
    assert found == scale or pixels(found) < pixels(scale)


@given(st.integers(0, 40), st.integers(0, 25), st.integers(10, 56), st.integers(10, 29), st.floats(0.2, 1))
def test_nothing_outside_the_region_is_shown_at_any_size(
    x: int, y: int, width: int, height: int, scale: float
) -> None:
    """The inside is dark and the outside is white, which would show where pixels are averaged."""
    shown = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.circle(shown, (90, 50), 45, 1, -1)
    frame = Frame.from_bgr(0, np.where(shown[..., None], np.uint8(40), np.uint8(255)).repeat(3, axis=2))
    part = 2 * x, 2 * y, 2 * (x + width), 2 * (y + height)
    size = max(2, round(width * scale) * 2), max(2, round(height * scale) * 2)
    image = picture_of(frame, region_of((0, 0, WIDTH, HEIGHT), shown > 0), part, size)
    assert image.shape[1::-1] == size
    assert image.max() <= GREY + 1
