"""Motion is detected where something moves, and depends on no frame beyond its memory."""

import gc
import weakref
from collections.abc import Iterable, Iterator

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.tiers import examples

from passerby.domain.labels import Label
from passerby.video.decode.frame import Frame
from passerby.video.decode.regions import Region
from passerby.video.detect.nms import Boxes
from passerby.video.motion.background_subtraction import (
    CELL_MS,
    REACH_MS,
    SmallPicture,
    background_of,
    moving,
    shrink,
)

Image = NDArray[np.uint8]
WIDTH, HEIGHT = 112, 80
TICK_MS = 80
MEMORY_MS = CELL_MS + REACH_MS
START_MS = 1_717_200_000_160
"""An hour like any other: no multiple of anything."""


def ground(seed: int = 0) -> Image:
    """(HEIGHT, WIDTH, 3) uint8 Y, U, V: a pavement with soft stains."""
    dice = np.random.default_rng(seed)
    rough = dice.uniform(90, 170, (10, 14)).astype(np.float32)
    luma = cv2.resize(rough, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC).clip(0, 255)
    grey = np.full((HEIGHT, WIDTH), 128, np.uint8)
    return np.dstack([luma.astype(np.uint8), grey, grey])


def body_at(time_ms: int) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of a pedestrian who walks to and fro, once in eight seconds."""
    share = abs((time_ms - START_MS) / 4_000 % 2 - 1)
    left = round(10 + share * (WIDTH - 32))
    return left, 32, left + 12, 64


def street(
    seconds: float,
    *,
    seed: int = 0,
    noise: float = 1.5,
    walking: bool = True,
    leaves: bool = False,
    start_ms: int = START_MS,
) -> Iterator[SmallPicture]:
    """Pictures of a pavement; each one's noise depends on its time alone. Of `leaves` in the wind, what is seen
    hangs on the last bit of the background."""
    empty = ground(seed)
    for time_ms in range(start_ms, start_ms + round(seconds * 1000), TICK_MS):
        picture = empty.copy()
        if walking:
            left, top, right, bottom = body_at(time_ms)
            picture[top:bottom, left:right] = (35, 120, 140)
        dice = np.random.default_rng([seed, time_ms])
        if leaves:
            tree = picture[:28, :, 0]
            stirred = dice.random(tree.shape) < 0.45
            tree[stirred] = dice.uniform(60, 200, int(stirred.sum())).astype(np.uint8)
        yield SmallPicture(time_ms, noisy(picture, dice, noise), 1.0)


def noisy(picture: Image, dice: np.random.Generator, sigma: float) -> Image:
    return (picture + dice.normal(0, sigma, picture.shape)).clip(0, 255).astype(np.uint8)


def found(pictures: Iterable[SmallPicture]) -> dict[int, Boxes]:
    return dict(moving(pictures))


def same(one: Boxes, other: Boxes) -> bool:
    return (
        np.array_equal(one.xyxy, other.xyxy)
        and np.array_equal(one.confidence, other.confidence)
        and np.array_equal(one.class_id, other.class_id)
    )


@pytest.fixture(scope="module")
def recorded() -> list[SmallPicture]:
    return list(street(36, leaves=True))


@pytest.fixture(scope="module")
def seen(recorded: list[SmallPicture]) -> dict[int, Boxes]:
    return found(recorded)


# Memory


def test_a_pedestrian_is_detected(seen: dict[int, Boxes]) -> None:
    assert list(seen) == [*range(START_MS, START_MS + 36_000, TICK_MS)]
    near = 0
    for time_ms, boxes in seen.items():
        left, top, right, bottom = body_at(time_ms)
        near += any(np.abs(box - [left, top, right, bottom]).max() <= 4 for box in boxes.xyxy)
    assert near > 0.9 * len(seen)


@pytest.mark.slow
@settings(max_examples=examples(4))
@given(tick=st.integers(0, 449), seed=st.integers(0, 2**16))
def test_frames_beyond_the_memory_change_no_box(
    recorded: list[SmallPicture], seen: dict[int, Boxes], tick: int, seed: int
) -> None:
    """Everything outside of it becomes another street, in another light, with other noise."""
    at_ms = recorded[tick].time_ms
    other = list(street(36, seed=seed + 1, noise=9, leaves=True))
    changed = [
        mine if abs(mine.time_ms - at_ms) <= MEMORY_MS else theirs
        for mine, theirs in zip(recorded, other, strict=True)
    ]
    assert same(found(changed)[at_ms], seen[at_ms])


def test_frames_within_the_memory_do_change_boxes(
    recorded: list[SmallPicture], seen: dict[int, Boxes]
) -> None:
    """Else the test above could not fail."""
    at_ms = recorded[220].time_ms
    other = list(street(36, seed=7))
    changed = [
        mine if mine.time_ms == at_ms else theirs for mine, theirs in zip(recorded, other, strict=True)
    ]
    assert not same(found(changed)[at_ms], seen[at_ms])


@pytest.mark.slow
@settings(max_examples=examples(4))
@given(first=st.integers(0, 300), lasts=st.integers(1, 300))
def test_the_ends_of_reading_change_no_box_beyond_the_memory(
    recorded: list[SmallPicture], seen: dict[int, Boxes], first: int, lasts: int
) -> None:
    part = recorded[first : first + lasts]
    from_ms = part[0].time_ms + MEMORY_MS if first else 0
    to_ms = part[-1].time_ms - MEMORY_MS if first + lasts < len(recorded) else 10**15
    for time_ms, boxes in found(part).items():
        if from_ms <= time_ms <= to_ms:
            assert same(boxes, seen[time_ms])


@pytest.mark.slow
def test_a_chunk_with_its_margins_has_the_boxes_of_the_whole(
    recorded: list[SmallPicture], seen: dict[int, Boxes]
) -> None:
    """Chunks of seven seconds, each read anew with the memory on either side."""
    for begin in range(START_MS, START_MS + 36_000, 7_000):
        end = begin + 7_000
        near = [s for s in recorded if begin - MEMORY_MS <= s.time_ms < end + MEMORY_MS]
        part = found(near)
        assert all(same(part[t], seen[t]) for t in seen if begin <= t < end)


@pytest.mark.slow
def test_memory_does_not_grow() -> None:
    """Neither with time, nor with objects that stand."""
    alive: list[weakref.ref[Image]] = []

    def pictures() -> Iterator[SmallPicture]:
        for picture in street(72, noise=0):
            alive.append(weakref.ref(picture.yuv))
            yield picture

    most = []
    for number, _ in enumerate(moving(pictures())):
        if number % 50 == 25:
            gc.collect()
            most.append(sum(ref() is not None for ref in alive))
    longest = (CELL_MS + 2 * REACH_MS) // TICK_MS + 2
    assert max(most) <= longest
    assert max(most[len(most) // 2 :]) <= max(most[: len(most) // 2])


# What is motion, and what is not


def boxes_in_middle(pictures: Iterable[SmallPicture]) -> list[int]:
    """How many boxes there are in each picture, without the first and the last seconds."""
    counts = [len(boxes.xyxy) for boxes in found(pictures).values()]
    return counts[50:-50]


@pytest.mark.parametrize("noise", [0, 2, 6])
def test_an_empty_street_has_no_motion(noise: float) -> None:
    assert sum(boxes_in_middle(street(16, walking=False, noise=noise))) == 0


def test_a_slow_change_of_light_is_no_motion() -> None:
    pictures = [
        s._replace(yuv=np.dstack([(s.yuv[..., 0] + k * 0.05).clip(0, 255), s.yuv[..., 1:]]).astype(np.uint8))
        for k, s in enumerate(street(16, walking=False))
    ]
    assert sum(boxes_in_middle(pictures)) == 0


def test_a_mast_that_sways_is_no_motion() -> None:
    def swaying() -> Iterator[SmallPicture]:
        for number, small in enumerate(street(16, walking=False)):
            turn = np.array([[1, 0, 1.2 * np.sin(number / 4)], [0, 1, 0.8 * np.cos(number / 5)]], np.float32)
            moved = cv2.warpAffine(small.yuv, turn, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE)
            yield small._replace(yuv=np.asarray(moved, np.uint8))

    counts = boxes_in_middle(swaying())
    assert sum(counts) <= 0.05 * len(counts)


@pytest.mark.slow
def test_a_shadow_alone_is_no_object() -> None:
    def shaded() -> Iterator[SmallPicture]:
        for small in street(16, walking=False):
            left, top, right, bottom = body_at(small.time_ms)
            yuv = small.yuv.copy()
            part = yuv[top:bottom, left:right, 0]
            yuv[top:bottom, left:right, 0] = (16 + (part - 16.0) * 0.75).astype(np.uint8)
            yield small._replace(yuv=yuv)

    walked = sum(boxes_in_middle(street(16)))
    assert sum(boxes_in_middle(shaded())) < 0.1 * walked


def test_a_pedestrian_who_stands_for_long_is_no_motion_until_moving_again() -> None:
    """Parked cars melt into the background, and leave it when they go."""

    def standing() -> Iterator[SmallPicture]:
        for number, small in enumerate(street(40, walking=False)):
            left = 10 if number < 375 else 10 + (number - 375) // 2
            yuv = small.yuv.copy()
            yuv[40:60, left : left + 30] = (35, 120, 140)
            yield small._replace(yuv=yuv)

    counts = [len(boxes.xyxy) for boxes in found(standing()).values()]
    assert sum(counts[100:225]) == 0
    assert sum(count > 0 for count in counts[400:]) > 0.9 * len(counts[400:])


def test_boxes_are_in_pixels_of_the_frame() -> None:
    """A large frame, of which a region is looked at: there and back again."""
    empty = np.full((960, 1280, 3), 150, np.uint8)
    outside = np.zeros((400, 600), bool)
    region = Region(500, 300, 1100, 700, outside, (500, 300, 1100, 700))

    def pictures() -> Iterator[SmallPicture]:
        for number in range(150):
            image = empty.copy()
            left = 520 + number * 3
            image[420:600, left : left + 80] = 20
            yield shrink(Frame.from_bgr(START_MS + number * TICK_MS, image), region)

    boxes = found(pictures())
    near = 0
    for number, seen_ in enumerate(boxes.values()):
        left = 520 + number * 3
        near += any(np.abs(box - [left, 420, left + 80, 600]).max() < 16 for box in seen_.xyxy)
    assert near > 0.9 * len(boxes)


def test_motion_has_a_confidence_of_zero(seen: dict[int, Boxes]) -> None:
    for boxes in seen.values():
        assert (boxes.confidence == 0).all()
        assert set(boxes.class_id.tolist()) <= set(Label)


def test_a_small_frame_is_not_enlarged() -> None:
    small = shrink(Frame.from_bgr(0, np.zeros((48, 64, 3), np.uint8)))
    assert (small.yuv.shape, small.scale) == ((48, 64, 3), 1.0)


@pytest.mark.parametrize("pictures", [0, 1, 2, 5])
def test_a_short_recording_is_covered_completely(pictures: int) -> None:
    assert len(found(list(street(10))[:pictures])) == pictures


def test_pictures_are_aligned_only_where_the_camera_sways() -> None:
    still = np.random.default_rng(5).integers(0, 255, (120, 160, 3)).astype(np.uint8)
    still = np.asarray(cv2.GaussianBlur(still, (0, 0), 1.5), np.uint8)
    moved = np.roll(still, 2, axis=1)
    assert background_of([still] * 15).half is None
    assert background_of([still] * 13 + [moved] * 2).half is None
    assert background_of([still, moved, moved] * 5).half is not None
