"""The Open Model Zoo's layouts, with models built here and with the real ones where they are installed."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from passerby.domain.labels import Label
from passerby.errors import ModelError
from passerby.video.detect.detector import DetectorSettings, load
from passerby.video.detect.selection import choose

ROWS = [
    [0, 0, 0.9, 0.0, 0.0, 0.2, 0.2],
    [0, 1, 0.8, 0.3, 0.0, 0.5, 0.2],
    [0, 2, 0.7, 0.6, 0.5, 0.8, 0.75],
    [0, 3, 0.6, 0.0, 0.8, 0.2, 1.2],
    [0, 1, 0.05, 0.0, 0.5, 0.1, 0.6],
    [-1, 0, 0.0, 0.0, 0.0, 0.0, 0.0],
]


@pytest.fixture
def ov() -> Any:
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    return pytest.importorskip(
        "openvino", reason="OpenVINO is not installed: pip install 'passerby[openvino]'"
    )


def zoo_model(ov: Any, path: Path, name: str, rows: list[list[float]], columns: int = 7) -> Path:
    """A model that answers `rows` whatever it sees, in the form and under the name of the zoo's."""
    image = ov.opset8.parameter([1, 3, 64, 96], ov.Type.f32, name="image")
    answer = np.array(rows, np.float32)[:, :columns].reshape(1, 1, -1, columns)
    nothing = ov.opset8.multiply(
        ov.opset8.reduce_sum(image, np.array([0, 1, 2, 3]), keep_dims=False), np.float32(0)
    )
    ov.serialize(ov.Model([ov.opset8.add(ov.opset8.constant(answer), nothing)], [image], name), str(path))
    return path


def atss_model(ov: Any, path: Path, name: str, boxes: list[list[float]], labels: list[int]) -> Path:
    """A model that answers `boxes` (x1, y1, x2, y2 in px of its input, score) and `labels` whatever it sees."""
    image = ov.opset8.parameter([1, 3, 64, 96], ov.Type.f32, name="image")
    zero = ov.opset8.multiply(
        ov.opset8.reduce_sum(image, np.array([0, 1, 2, 3]), keep_dims=False), np.float32(0)
    )
    rows = ov.opset8.add(ov.opset8.constant(np.array(boxes, np.float32)), zero)
    numbers = ov.opset8.constant(np.array(labels, np.int64))
    ov.serialize(ov.Model([numbers, rows], [image], name), str(path))
    return path


def test_boxes_and_labels_of_the_atss_layout_are_read(ov: Any, tmp_path: Path) -> None:
    boxes = [[0, 0, 48, 32, 0.9], [48, 32, 72, 64, 0.8], [10, 0, 20, 64, 0.7], [50, 0, 60, 9, 0.05]]
    path = atss_model(ov, tmp_path / "a.xml", "person-vehicle-bike-detection-2004", boxes, [0, 1, 2, 1])

    detector = load(str(path))

    assert (detector.layout, detector.size_px) == ("atss", (96, 64))
    found = detector.detect(np.zeros((128, 192, 3), np.uint8))
    assert found.class_id.tolist() == [Label.VEHICLE, Label.PERSON, Label.BICYCLE]
    np.testing.assert_allclose(found.xyxy, [[0, 0, 96, 64], [96, 64, 144, 128], [20, 0, 40, 128]], atol=1e-3)
    np.testing.assert_allclose(found.confidence, [0.9, 0.8, 0.7], rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("person-vehicle-bike-detection-2002", [Label.VEHICLE, Label.PERSON, Label.BICYCLE]),
        ("person-vehicle-bike-detection-crossroad-0078", [Label.PERSON, Label.VEHICLE, Label.BICYCLE]),
        ("person-vehicle-bike-detection-crossroad-1016", [Label.BICYCLE, Label.VEHICLE, Label.PERSON]),
    ],
)
def test_classes_are_read_from_the_name_in_the_file(
    ov: Any, tmp_path: Path, name: str, expected: list[Label]
) -> None:
    detector = load(str(zoo_model(ov, tmp_path / "renamed.xml", name, ROWS)))
    assert (detector.layout, detector.size_px, detector.multiple_px) == ("ssd", (96, 64), 1)
    assert detector.labels == {Label.PERSON, Label.VEHICLE, Label.BICYCLE}
    found = detector.detect(np.zeros((40, 200, 3), np.uint8))
    assert found.class_id.tolist() == expected
    first = 0 if "crossroad-00" not in name else 1
    boxes = [[0, 0, 40, 8], [60, 0, 100, 8], [120, 20, 160, 30], [0, 32, 40, 40]]
    np.testing.assert_allclose(found.xyxy, boxes[first : first + 3], atol=1e-3)
    np.testing.assert_allclose(found.confidence, [0.9, 0.8, 0.7, 0.6][first : first + 3], rtol=1e-5)


def test_a_file_that_cannot_be_read_is_refused_in_one_line(ov: Any, tmp_path: Path) -> None:
    bare = zoo_model(ov, tmp_path / "bare.xml", "person-vehicle-bike-detection-2002", ROWS)
    bare.with_suffix(".bin").unlink()
    page = tmp_path / "page.xml"
    page.write_text("<html><body>404</body></html>")
    text = tmp_path / "text.xml"
    text.write_text("I am no model")
    stub = tmp_path / "stub.xml"
    stub.write_text('<net name="person-vehicle-bike-detection-2002" version="11"><layers/></net>')
    stub.with_suffix(".bin").touch()
    cases = {
        bare: "its weights bare.bin are not in the same folder",
        page: "its root is <html>, expected <net>",
        text: "not an OpenVINO model",
        stub: "",
        zoo_model(
            ov, tmp_path / "face.xml", "face-detection-0200", ROWS
        ): "records face-detection-0200, whose classes are not known",
        zoo_model(
            ov, tmp_path / "six.xml", "person-vehicle-bike-detection-2002", ROWS, 6
        ): "expected one input [1, 3, H, W], and one output [1, 1, N, 7] or two outputs [N, 5] and [N]",
    }
    for path, expected in cases.items():
        with pytest.raises(ModelError) as refused:
            load(str(path))
        assert str(refused.value).startswith(str(path))
        assert expected in str(refused.value)
        assert "\n" not in str(refused.value)


def test_the_weights_alone_point_to_their_graph(ov: Any, tmp_path: Path) -> None:
    path = zoo_model(ov, tmp_path / "a.xml", "person-vehicle-bike-detection-2002", ROWS)
    with pytest.raises(ModelError, match=r"the weights alone; expected a\.xml"):
        load(str(path.with_suffix(".bin")))


def test_an_accelerator_is_refused(ov: Any, tmp_path: Path) -> None:
    path = zoo_model(ov, tmp_path / "a.xml", "person-vehicle-bike-detection-2002", ROWS)
    with pytest.raises(ModelError, match=r"device cuda: an OpenVINO model such as a\.xml runs on cpu"):
        load(str(path), device="cuda")


def test_a_missing_openvino_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.xml"
    path.write_text('<net name="person-vehicle-bike-detection-2002" version="11"/>')
    path.with_suffix(".bin").touch()
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(ModelError, match=r"needs OpenVINO: pip install 'passerby\[openvino\]'"):
        load(str(path))


def test_no_telemetry_is_sent(ov: Any, tmp_path: Path) -> None:
    path = zoo_model(ov, tmp_path / "a.xml", "person-vehicle-bike-detection-2002", ROWS)
    home = tmp_path / "home"
    home.mkdir()
    code = (
        "import sys, socket\n"
        "def refuse(*a, **k): raise AssertionError('a connection')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "import passerby.video.detect.detector as detector\n"
        "detector.load(sys.argv[1])\n"
        "assert sys.modules['openvino'] and sys.modules['openvino_telemetry'] is None\n"
    )
    environment = {**os.environ, "HOME": str(home)}
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(home.iterdir()) == []


def frame(clips: Path, clip: str, number: int) -> np.ndarray:
    video = cv2.VideoCapture(str(clips / clip))
    for _ in range(number):
        video.grab()
    read, image = video.read()
    assert read
    return np.asarray(image)


@pytest.mark.parametrize("name", ["2002", "crossroad-0078"])
def test_a_car_seen_from_straight_above_is_a_vehicle(
    ov: Any, name: str, shared_models: Path, shared_clips: Path
) -> None:
    found = load(name, shared_models, settings=DetectorSettings(confidence=0.8)).detect(
        frame(shared_clips, "car-park-lane.mp4", 77)
    )
    assert Label.VEHICLE in found.class_id


@pytest.mark.parametrize("name", ["2002", "crossroad-0078"])
def test_a_walker_is_a_person(ov: Any, name: str, shared_models: Path, shared_clips: Path) -> None:
    found = load(name, shared_models, settings=DetectorSettings(confidence=0.8)).detect(
        frame(shared_clips, "car-park.mp4", 315)
    )
    assert found.class_id.tolist() == [Label.PERSON]


def test_class_two_of_2002_is_the_bicycle(ov: Any, shared_models: Path, shared_clips: Path) -> None:
    found = load(
        "person-vehicle-bike-detection-2002", shared_models, settings=DetectorSettings(confidence=0.4)
    ).detect(frame(shared_clips, "junction-cyclist.mp4", 43))
    bicycle = found.xyxy[found.class_id == Label.BICYCLE]
    assert len(bicycle) == 1
    rider = found.xyxy[found.class_id == Label.PERSON]
    centre = (bicycle[0, :2] + bicycle[0, 2:]) / 2
    assert ((rider[:, :2] - 20 < centre) & (centre < rider[:, 2:] + 20)).all(axis=1).any()


@pytest.mark.parametrize("names", ["auto", "best"])
@pytest.mark.parametrize(
    ("installed", "expected"),
    [
        (["2002", "2004"], "person-vehicle-bike-detection-2004"),
        (["2002"], "person-vehicle-bike-detection-2002"),
    ],
)
def test_the_first_model_of_the_zoo_that_is_installed_is_taken(
    ov: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: str, installed: list[str], expected: str
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for kind in installed:
        name = f"person-vehicle-bike-detection-{kind}"
        zoo_model(ov, tmp_path / f"{name}.xml", name, ROWS)

    choice = choose(names, tmp_path)

    assert [detector.name for detector in choice.loaded] == [expected]
    assert choice.motion
