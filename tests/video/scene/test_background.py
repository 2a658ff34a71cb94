"""The background shows nobody: people who passed, who came and stayed, and who never moved are not in it.

Invariant: bodies are painted in a pattern that nothing else has, and each test shows that it would be found.
"""

import copy
import pickle  # noqa: TID251
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from passerby.counting.detections import Detections
from passerby.domain.labels import Label
from passerby.video.decode.frame import Frame, Image
from passerby.video.detect.detector import LoadedDetector
from passerby.video.detect.nms import Boxes
from passerby.video.scene.background import GRID_PX, LEAST, MOST, Background, Samples, empty

pytestmark = pytest.mark.slow

WIDTH, HEIGHT = 320, 180
TICK_MS = 80
BODY = (140, 60, 164, 120)
"""Left, top, right, bottom of a person who stands."""

Place = Callable[[float], tuple[int, int, int, int] | None]


def empty_image() -> Image:
    """A grey street with a kerb and some stones."""
    rng = np.random.default_rng(1)
    image = np.full((HEIGHT, WIDTH, 3), 120, np.uint8)
    image[100:106] = 190
    for x, y in rng.integers([0, 0], [WIDTH, HEIGHT], (40, 2)):
        cv2.circle(image, (int(x), int(y)), 3, (90, 100, 105), -1)
    return image


def paint(image: Image, box: tuple[int, int, int, int]) -> None:
    """A chequered body in magenta and green, which nothing else here is."""
    left, top, right, bottom = box
    rows, columns = np.mgrid[top:bottom, left:right]
    odd = ((rows // 6 + columns // 6) % 2)[..., None]
    image[top:bottom, left:right] = np.where(odd, (230, 20, 230), (20, 220, 20))


def canary_px(image: Image) -> int:
    """How many pixels are more magenta or more green than anything but the body."""
    blue, green, red = np.moveaxis(image.astype(np.int16), 2, 0)
    return int((np.abs((blue + red) // 2 - green) > 60).sum())


def film(place: Place, ticks: int = 250, light: Callable[[float], float] = lambda _: 1.0) -> Iterator[Frame]:
    """`ticks` frames; `place` tells from the share of the film that is over where the body is."""
    noises = np.random.default_rng(2).normal(0, 2, (23, HEIGHT, WIDTH, 3)).astype(np.float32)
    empty_street = empty_image()
    for tick in range(ticks):
        image = empty_street.copy()
        box = place(tick / ticks)
        if box is not None:
            paint(image, box)
        lit = image * np.float32(light(tick / ticks)) + noises[tick % len(noises)]
        image = np.clip(lit, 0, 255).astype(np.uint8)
        yield Frame.from_bgr(tick * TICK_MS, image)


def sampled(frames: Iterator[Frame]) -> Samples:
    samples = Samples()
    for _ in samples.taking(frames):
        pass
    return samples


def detector(*boxes: tuple[int, int, int, int], label: Label = Label.PERSON) -> LoadedDetector:
    """Answers the same boxes, in fractions of WIDTH and HEIGHT, for whatever it is shown."""

    def detect(image: Image) -> Boxes:
        scale = np.array([image.shape[1] / WIDTH, image.shape[0] / HEIGHT] * 2, np.float32)
        xyxy = np.array(boxes, np.float32).reshape(-1, 4) * scale
        return Boxes(xyxy, np.full(len(boxes), 0.9, np.float32), np.full(len(boxes), label, np.int64))

    return LoadedDetector("fixed", Path("fixed"), "yolox", detect, frozenset({label}), None, 1)


def walking(share: float) -> tuple[int, int, int, int]:
    """Four times through the picture: a body passes a place in less than half a second."""
    left = round(share * 4 % 1 * (WIDTH - 24))
    return left, 60, left + 24, 120


def made(place: Place) -> Background:
    return empty(sampled(film(place)), ())


def test_an_empty_street_is_shown_as_it_is() -> None:
    background = made(lambda _: None)

    assert background.covered == 0
    assert np.abs(background.image.astype(np.int16) - empty_image()).mean() < 3


def test_a_passing_pedestrian_is_not_shown_and_covers_nothing() -> None:
    background = made(walking)

    assert canary_px(background.image) == 0
    assert background.covered == 0


@pytest.mark.parametrize("came", [0.1, 0.3, 0.5, 0.7, 0.9])
def test_a_person_who_came_and_stayed_is_not_shown(came: float) -> None:
    samples = sampled(film(lambda share: BODY if share >= came else None))

    # For most of the film it stands there, so that the median alone would show it.
    assert came >= 0.5 or canary_px(samples_background(samples)) > 500
    assert canary_px(empty(samples, ()).image) == 0


@pytest.mark.parametrize("left", [0.2, 0.6, 0.9])
def test_a_person_who_was_there_and_left_is_not_shown(left: float) -> None:
    background = made(lambda share: BODY if share < left else None)

    assert canary_px(background.image) == 0


@pytest.mark.parametrize("away", [(0.4, 0.5), (0.2, 0.3), (0.8, 0.9)])
def test_a_person_who_was_away_for_a_moment_is_not_shown(away: tuple[float, float]) -> None:
    background = made(lambda share: None if away[0] <= share < away[1] else BODY)

    assert canary_px(background.image) == 0


def test_a_person_who_moves_about_in_one_place_is_not_shown() -> None:
    def fidgets(share: float) -> tuple[int, int, int, int]:
        step = round(10 * np.sin(share * 200))
        return BODY[0] + step, BODY[1], BODY[2] + step, BODY[3]

    assert canary_px(made(fidgets).image) == 0


def samples_background(samples: Samples) -> Image:
    """The median alone, in BGR: the background if nothing were covered."""
    median = samples.median()
    return np.asarray(cv2.cvtColor(median[..., [0, 2, 1]], cv2.COLOR_YCrCb2BGR), np.uint8)


def test_a_person_who_never_moved_is_not_shown_where_a_detector_finds_them() -> None:
    samples = sampled(film(lambda _: BODY))

    assert canary_px(empty(samples, ()).image) > 500
    assert canary_px(empty(samples, (detector(BODY),)).image) == 0


def test_a_person_found_in_the_background_alone_is_not_shown() -> None:
    """A detector that the noise of single frames blinds."""
    sharp = detector(BODY)

    def detect(image: Image) -> Boxes:
        boxes = sharp.detect(image)
        noise = np.abs(np.diff(image[10:50].astype(np.int16), axis=1)).mean()
        seen = len(boxes.xyxy) if image.shape[1] == WIDTH and noise < 1.3 else 0
        return Boxes(boxes.xyxy[:seen], boxes.confidence[:seen], boxes.class_id[:seen])

    samples = sampled(film(lambda _: BODY))

    assert canary_px(empty(samples, (replace(sharp, detect=detect),)).image) == 0


def test_a_person_who_left_during_a_short_film_is_not_shown() -> None:
    """Too short to tell that the place is still: the halves of the film differ."""
    samples = sampled(film(lambda share: BODY if share < 0.65 else None, ticks=30))

    assert canary_px(samples_background(samples)) > 500
    assert canary_px(empty(samples, ()).image) == 0


def test_a_person_detected_while_counting_is_not_shown() -> None:
    samples = Samples()
    for frame in samples.taking(film(lambda _: BODY)):
        one = np.array([BODY], np.float32)
        samples.note(Detections(frame.time_ms, one, np.full(1, 0.5, np.float32), np.zeros(1, np.int64)))

    assert canary_px(empty(samples, ()).image) == 0


def test_a_person_whom_the_background_does_not_show_covers_nothing() -> None:
    samples = Samples()
    for index, frame in enumerate(samples.taking(film(walking))):
        one = np.array([walking(index / 250)], np.float32)
        samples.note(Detections(frame.time_ms, one, np.full(1, 0.9, np.float32), np.zeros(1, np.int64)))

    assert empty(samples, ()).covered == 0


def test_the_driver_of_a_large_vehicle_that_stands_is_covered() -> None:
    vehicle = (40, 40, 300, 170)
    driver = (100, 60, 124, 90)
    samples = sampled(film(lambda _: driver))

    assert canary_px(empty(samples, (detector(vehicle, label=Label.CAR),)).image) == 0


def test_a_cover_is_made_of_whole_squares() -> None:
    background = empty(sampled(film(lambda _: BODY)), (detector(BODY),))
    inner = background.image[: HEIGHT // GRID_PX * GRID_PX, : WIDTH // GRID_PX * GRID_PX]
    squares = inner.reshape(HEIGHT // GRID_PX, GRID_PX, -1, GRID_PX, 3)
    flat = (squares == squares[:, :1, :, :1]).all(axis=(1, 3, 4))

    assert flat.mean() == pytest.approx(background.covered, abs=0.01)
    assert len(np.unique(squares[:, 0, :, 0][flat], axis=0)) == 1


@pytest.mark.parametrize("until", [0.4, 0.6, 0.75])
def test_the_light_of_the_whole_picture_covers_nothing(until: float) -> None:
    """A cloud comes and goes, or the camera's gain follows a lorry."""
    frames = film(walking, light=lambda share: 0.7 if 0.3 < share < until else 1.0)

    assert empty(sampled(frames), ()).covered < 0.02


def test_too_few_frames_show_nothing() -> None:
    background = empty(sampled(film(lambda _: BODY, ticks=LEAST - 1)), ())

    assert background.covered == 1
    assert canary_px(background.image) == 0


@pytest.mark.parametrize("ticks", [1, MOST, MOST + 1, 1_000, 5_000])
def test_samples_are_bounded_and_lie_over_the_whole_recording(ticks: int) -> None:
    samples = Samples()
    image = np.zeros((4, 4, 3), np.uint8)
    for tick in samples.taking(Frame.from_bgr(t * TICK_MS, image) for t in range(ticks)):
        assert len(samples) <= MOST, tick
    times = [sample.time_ms for sample in samples._kept]

    assert len(times) >= min(ticks, MOST // 2)
    assert len(set(np.diff(times))) <= 1
    assert times[0] == 0
    assert times[-1] >= (ticks - 1) * TICK_MS * 0.96


@pytest.mark.parametrize("size", [(8, 8), (2, 64), (64, 2), (1280, 720), (720, 1280), (1000, 20)])
def test_any_size_of_frame_has_a_background_of_bounded_size(size: tuple[int, int]) -> None:
    image = np.full((size[1], size[0], 3), 90, np.uint8)
    samples = sampled(Frame.from_bgr(t * TICK_MS, image) for t in range(20))

    background = empty(samples, ())

    assert max(background.image.shape[:2]) == min(640, max(size))
    assert background.covered == 0


def test_samples_and_background_refuse_to_be_pickled_copied_and_printed() -> None:
    samples = sampled(film(walking, ticks=20))
    for pixels in (samples, empty(samples, ())):
        assert repr(pixels) in ("<Samples>", "<Background>")
        for way in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError, match=r"pixels stay in passerby\.video"):
                way(pixels)
