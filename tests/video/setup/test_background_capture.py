"""A background from a live camera: only of an empty scene, and never without a detector that checks it for people.

Invariant: frames are those of a synthetic street; the camera that gives them is made up, its clock too.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Any

import cv2
import numpy as np
import pytest

from passerby.config.camera_address import Address
from passerby.domain.labels import Label
from passerby.domain.link_health import Health, Reason
from passerby.errors import ModelError
from passerby.video.decode import live
from passerby.video.decode.frame import Frame, Image
from passerby.video.detect.detector import LoadedDetector
from passerby.video.detect.nms import Boxes
from passerby.video.setup import background_capture
from passerby.video.setup.background_capture import EmptyPicture, Refused, capture

pytestmark = pytest.mark.slow

WIDTH, HEIGHT = 160, 90
ADDRESS = Address("rtsp://nowhere/")
Scene = Callable[[int], Image]


def street(_: int) -> Image:
    """A still street with texture."""
    return np.random.default_rng(1).integers(60, 180, (HEIGHT, WIDTH, 3)).astype(np.uint8)


def with_walker(number: int) -> Image:
    image = street(0)
    left = number * 7 % (WIDTH - 10)
    image[40:70, left : left + 8] = 250
    return image


def with_sitter(_: int) -> Image:
    image = street(0)
    image[40:70, 60:75] = 250
    return image


def sees_white(image: Image) -> Boxes:
    """A detector that takes white patches for people."""
    count, _, stats, _ = cv2.connectedComponentsWithStats((image.min(axis=2) > 230).astype(np.uint8))
    boxes = [(x, y, x + w, y + h) for x, y, w, h, area in stats[1:count] if area > 50]
    return Boxes(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.full(len(boxes), 0.9, np.float32),
        np.full(len(boxes), Label.PERSON, np.int64),
    )


LOOKING = LoadedDetector("white", Path("white"), "yolox", sees_white, frozenset({Label.PERSON}), None, 32)


@pytest.fixture
def camera(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes `live.frames` give a scene, a picture each quarter of a second of a made-up clock."""
    now = [0.0]
    monkeypatch.setattr(background_capture, "monotonic", lambda: now[0])

    def make(scene: Scene, pictures: int = 10_000, reason: Reason | None = None) -> None:
        def frames(address: Address, stop: Event, **_: Any) -> Iterator[Frame | Health]:
            yield Health(False, 0, Reason.CONNECTING)
            number = 0
            while not stop.is_set():
                now[0] += 0.25
                number += 1
                if number > pictures:
                    yield Health(False, 0, reason or Reason.ENDED)
                else:
                    yield Frame.from_bgr(number * 250, scene(number))

        monkeypatch.setattr(live, "frames", frames)

    return make


def last_of(**options: Any) -> Any:
    *_, last = capture(ADDRESS, Event(), detectors=(LOOKING,), **options)
    return last


def pixels(picture: EmptyPicture) -> Image:
    return np.asarray(cv2.imdecode(np.frombuffer(picture.png, np.uint8), cv2.IMREAD_COLOR), np.uint8)


def test_a_passing_pedestrian_is_not_in_the_background(camera: Callable[..., None]) -> None:
    camera(with_walker)

    found = last_of()

    assert isinstance(found, EmptyPicture)
    assert (found.width, found.height, found.checked_by) == (WIDTH, HEIGHT, ("white",))
    assert pixels(found).min(axis=2).max() < 230


def test_a_person_who_sits_all_the_time_is_covered(camera: Callable[..., None]) -> None:
    camera(with_sitter)

    found = last_of(longest_s=60.0)

    assert isinstance(found, EmptyPicture | Refused)
    assert 0 < found.covered < 1
    if isinstance(found, EmptyPicture):
        assert pixels(found)[45:65, 62:73].std() < 1
        assert found.covered <= background_capture.MOST_COVERED


def test_a_place_that_is_never_empty_gives_no_background(camera: Callable[..., None]) -> None:
    camera(lambda number: np.random.default_rng(number).integers(0, 255, (HEIGHT, WIDTH, 3)).astype(np.uint8))

    found = last_of(longest_s=40.0)

    assert isinstance(found, Refused)
    assert found.reason is Reason.LIVE
    assert found.covered > background_capture.MOST_COVERED


@pytest.mark.parametrize("reason", [Reason.CREDENTIALS, Reason.NOT_FOUND, Reason.ADDRESS])
def test_a_camera_that_refuses_ends_the_capture_at_once(camera: Callable[..., None], reason: Reason) -> None:
    camera(street, pictures=3, reason=reason)

    assert last_of() == Refused(reason)


def test_a_camera_that_never_comes_back_ends_the_capture_with_its_reason(camera: Callable[..., None]) -> None:
    camera(street, pictures=3)

    assert last_of(longest_s=30.0) == Refused(Reason.ENDED)


def test_without_a_model_there_is_no_background(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))

    with pytest.raises(
        ModelError, match="found no model that can check the background for people, expected one"
    ):
        background_capture.detectors_at_hand(tmp_path)


def test_the_repr_of_a_background_contains_no_picture(camera: Callable[..., None]) -> None:
    camera(street)
    found = last_of()

    assert isinstance(found, EmptyPicture)
    assert "PNG" not in repr(found)
