"""The conformance suite for detectors: our own pass, and every planted mistake fails with a clear text."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import passerby
from passerby.testing import check_detector
from passerby.video.detect.detector import load

Image = NDArray[np.uint8]
CAR = passerby.Label.CAR


def no_boxes(image: Image) -> passerby.Boxes:
    return passerby.Boxes.of([])


def whole_image(image: Image) -> passerby.Boxes:
    height, width = image.shape[:2]
    return passerby.Boxes.of([(0, 0, width, height, 1.0, CAR)])


@pytest.mark.parametrize("detector", [no_boxes, whole_image])
def test_a_right_detector_passes(detector: passerby.Detector) -> None:
    check_detector(detector)


@pytest.mark.parametrize("name", ["yolox_nano", "picodet_s_416_coco", "person-vehicle-bike-detection-2002"])
def test_our_own_detectors_pass(name: str, shared_models: Path) -> None:
    try:
        loaded = load(name, shared_models)
    except passerby.ModelError as error:
        pytest.skip(f"{name} cannot be run: {error}")
    check_detector(loaded.detect)


def boxes(rows: list[list[float]], confidence: list[float], labels: list[int]) -> passerby.Boxes:
    return passerby.Boxes(
        np.array(rows, np.float32).reshape(-1, 4),
        np.array(confidence, np.float32),
        np.array(labels, np.int64),
    )


class Forgetful:
    """Gives other boxes each time."""

    calls = 0

    def __call__(self, image: Image) -> passerby.Boxes:
        self.calls += 1
        return boxes([[0, 0, 10, 10]] * (self.calls % 3), [0.5] * (self.calls % 3), [CAR] * (self.calls % 3))


def painting(image: Image) -> passerby.Boxes:
    image[:4] = 7
    return passerby.Boxes.of([])


@pytest.mark.parametrize(
    ("detector", "message"),
    [
        (lambda image: None, "black image of 64x48 px: found a NoneType, expected passerby.Boxes"),
        (lambda image: [[0, 0, 1, 1]], "found a list, expected passerby.Boxes"),
        (lambda image: ([], [], []), "found xyxy of type list, expected a numpy array"),
        (
            lambda image: (np.zeros(4), np.zeros(1), np.zeros(1, int)),
            r"found xyxy of shape \(4,\)",
        ),
        (
            lambda image: boxes([[0, 0, 5, 5]], [0.5, 0.5], [CAR]),
            r"found confidence of shape \(2,\), expected \(1,\)",
        ),
        (
            lambda image: (np.array([[0, 0, 5, 5.0]]), np.array([0.5]), np.array([3.0])),
            "found class_id of type float64, expected integers",
        ),
        (
            lambda image: boxes([[5, 0, 1, 5]], [0.5], [CAR]),
            r"found a box \(5, 0, 1, 5\), expected left < right",
        ),
        (lambda image: boxes([[0, 0, 65, 5]], [0.5], [CAR]), "within the image of 64x48 px"),
        (lambda image: boxes([[0, 0, float("nan"), 5]], [0.5], [CAR]), r"found a box \(0, 0, nan, 5\)"),
        (lambda image: boxes([[0, 0, 5, 5]], [0.0], [CAR]), "found a confidence of 0, expected more than 0"),
        (lambda image: boxes([[0, 0, 5, 5]], [1.5], [CAR]), "found a confidence of 1.5"),
        (
            lambda image: boxes([[0, 0, 5, 5]], [0.5], [80]),
            "found a class_id of 80, expected a passerby.Label, 0 to 7",
        ),
        (Forgetful(), "expected equal boxes for an equal image"),
        (painting, "found that the detector changed its pixels, expected them unchanged"),
    ],
)
def test_a_planted_mistake_is_named(detector: passerby.Detector, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        check_detector(detector)
