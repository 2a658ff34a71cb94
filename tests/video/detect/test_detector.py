"""Detectors with networks built here, whose outputs are known, and with real weights where they are installed."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from tests.tiers import examples, not_possible

from passerby.domain.labels import Label
from passerby.errors import InputError, ModelError
from passerby.video.decode.frame import Image
from passerby.video.detect import yolox
from passerby.video.detect.detector import DetectorSettings, LoadedDetector, load


# A network of three convolutions with YOLOX's layout. It sees a person wherever a whole cell of 8 px is blue:
# objectness is how blue a cell is, the centre is the cell's centre and the size is the cell's.
def yolox_graph(
    path: Path,
    height: int | str = "H",
    width: int | str = "W",
    *,
    rows: int | None = None,
    raw_size: float = 0.0,
    per_cell: int = 1,
    classes: int = 80,
) -> Path:
    """`rows` given: the reshapes are bound to them, as some exporters do."""
    nodes, constants, parts = [], [], []
    for stride in (8, 16, 32):
        channels = (5 + classes) * per_cell
        weight = np.zeros((channels, 3, stride, stride), np.float32)
        weight[4, 0] = float(stride == 8) / 255 / stride**2
        bias = np.zeros(channels, np.float32)
        bias[:2], bias[2:4], bias[5] = 0.5, raw_size, 1.0
        shape = [1, 5 + classes, -1 if rows is None else rows * 64 // stride**2]
        for name, value in (("w", weight), ("b", bias), ("s", np.array(shape, np.int64))):
            constants.append(numpy_helper.from_array(value, f"{name}{stride}"))
        inputs = ["images", f"w{stride}", f"b{stride}"]
        nodes.append(helper.make_node("Conv", inputs, [f"c{stride}"], strides=[stride] * 2))
        nodes.append(helper.make_node("Reshape", [f"c{stride}", f"s{stride}"], [f"r{stride}"]))
        parts.append(f"r{stride}")
    nodes.append(helper.make_node("Concat", parts, ["together"], axis=2))
    nodes.append(helper.make_node("Transpose", ["together"], ["output"], perm=[0, 2, 1]))
    n: int | str = "N"
    if isinstance(height, int) and isinstance(width, int):
        n = yolox.cells(width, height) * per_cell
    return save(
        path, nodes, constants, [("images", [1, 3, height, width])], [("output", [1, n, 5 + classes])]
    )


# The same for PicoDet: scores rise with blue, and left, top, right and bottom are 1, 2, 3 and 4 cells away.
def picodet_graph(path: Path, size: int) -> Path:
    nodes, constants = [], []
    scores: list[tuple[str, list[int | str]]] = []
    boxes: list[tuple[str, list[int | str]]] = []
    for stride in (8, 16, 32, 64):
        n = -(-size // stride)
        score = np.zeros((80, 3, stride, stride), np.float32)
        score[0, 0] = 0.3 * float(stride == 8) / stride**2
        box = np.zeros((32, 3, stride, stride), np.float32)
        peak = np.where(np.arange(8) == np.array([[1], [2], [3], [4]]), 50, 0).astype(np.float32).ravel()
        for kind, weight, bias, found in (
            ("score", score, np.where(np.arange(80) == 0, 0.1, 0.0).astype(np.float32), scores),
            ("box", box, peak, boxes),
        ):
            name = f"{kind}{stride}"
            shape = np.array([1, len(bias), n * n], np.int64)
            for suffix, value in (("w", weight), ("b", bias), ("s", shape)):
                constants.append(numpy_helper.from_array(value, name + suffix))
            inputs = ["image", name + "w", name + "b"]
            nodes.append(
                helper.make_node("Conv", inputs, [name + "c"], strides=[stride] * 2, auto_pad="SAME_UPPER")
            )
            nodes.append(helper.make_node("Reshape", [name + "c", name + "s"], [name + "r"]))
            nodes.append(helper.make_node("Transpose", [name + "r"], [name], perm=[0, 2, 1]))
            found.append((name, [1, n * n, len(bias)]))
    return save(path, nodes, constants, [("image", [1, 3, size, size])], scores + boxes)


def save(
    path: Path,
    nodes: Sequence[onnx.NodeProto],
    constants: Sequence[onnx.TensorProto],
    inputs: Sequence[tuple[str, list[int | str]]],
    outputs: Sequence[tuple[str, list[int | str]]],
) -> Path:
    given_, answered = (
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in values]
        for values in (inputs, outputs)
    )
    graph = helper.make_graph(list(nodes), "built", given_, answered, list(constants))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    # As exporters do, the shapes between are written down too.
    onnx.save(onnx.shape_inference.infer_shapes(model), path)
    return path


@pytest.fixture(scope="session")
def any_size(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return yolox_graph(tmp_path_factory.mktemp("any") / "network.onnx")


@pytest.fixture(scope="session")
def blue_picodet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return picodet_graph(tmp_path_factory.mktemp("pico") / "network.onnx", 160)


def blue_square(width: int, height: int, left: int, top: int, side: int = 8) -> Image:
    image = np.zeros((height, width, 3), np.uint8)
    image[top : top + side, left : left + side, 0] = 255
    return image


@settings(max_examples=examples(25), deadline=None)
@given(data=st.data(), width=st.integers(9, 300), height=st.integers(9, 300))
def test_yolox_boxes_are_in_pixels_of_the_image_at_its_own_resolution(
    any_size: Path, data: st.DataObject, width: int, height: int
) -> None:
    left = 8 * data.draw(st.integers(0, width // 8 - 1))
    top = 8 * data.draw(st.integers(0, height // 8 - 1))
    found = load(str(any_size), settings=DetectorSettings(confidence=0.9)).detect(
        blue_square(width, height, left, top)
    )
    np.testing.assert_allclose(found.xyxy, [[left, top, left + 8, top + 8]], atol=1e-3)
    assert found.class_id.tolist() == [Label.PERSON]
    np.testing.assert_allclose(found.confidence, [1.0], rtol=1e-4)


@pytest.mark.parametrize("scale", [0.5, 2, 3])
@pytest.mark.parametrize("how", ["input_px", "upscale"])
def test_yolox_scales_and_scales_back(any_size: Path, how: str, scale: float) -> None:
    wide = {"input_px": int(320 * scale)} if how == "input_px" else {"upscale": scale}
    found = load(str(any_size), settings=DetectorSettings(confidence=0.9, **wide)).detect(
        blue_square(320, 128, 64, 32, side=16)
    )
    # After scaling the square is that many whole cells; together they cover it.
    assert len(found.xyxy) == (16 * scale / 8) ** 2
    np.testing.assert_allclose(found.xyxy[:, 2:] - found.xyxy[:, :2], 8 / scale, rtol=1e-4)
    np.testing.assert_allclose(found.xyxy.min(axis=0)[:2], [64, 32], rtol=1e-4)
    np.testing.assert_allclose(found.xyxy.max(axis=0)[2:], [80, 48], rtol=1e-4)


def test_yolox_padding_is_114_and_lies_right_and_below() -> None:
    canvas, scales = yolox.letterbox(blue_square(40, 20, 0, 0, side=99), 64, 32, 1.0)
    assert canvas.shape == (1, 3, 32, 64)
    assert scales.tolist() == [1, 1]
    assert canvas[0, 0, :20, :40].min() == 255
    assert canvas[0, 1:, :20, :40].max() == 0
    assert set(np.unique(canvas[0, :, 20:])) | set(np.unique(canvas[0, :, :, 40:])) == {114}


@given(st.integers(1, 8192), st.integers(1, 8192), st.integers(1024, 2_000_000))
def test_yolox_canvas_holds_the_image_and_keeps_to_its_bound(width: int, height: int, max_px: int) -> None:
    across, down, scale = yolox.canvas_for(width, height, yolox.Fit(max_px=max_px))
    assert across % 32 == down % 32 == 0
    assert 0 < scale <= 1
    assert across >= round(width * scale)
    assert down >= round(height * scale)
    # The bound is kept before the sides are rounded up to 32.
    assert (across - 32) * (down - 32) <= max_px


def test_yolox_stays_within_max_px_and_finds_the_same_place(any_size: Path) -> None:
    image = blue_square(1920, 1080, 960, 512, side=64)
    found = load(str(any_size), settings=DetectorSettings(confidence=0.9, max_px=480 * 270)).detect(image)
    assert len(found.xyxy) == 4
    np.testing.assert_allclose(found.xyxy.min(axis=0)[:2], [960, 512], atol=2)
    np.testing.assert_allclose(found.xyxy.max(axis=0)[2:], [1024, 576], atol=2)


def test_yolox_bound_to_a_size_is_given_that_size(tmp_path: Path) -> None:
    path = yolox_graph(tmp_path / "network.onnx", 64, 64, rows=64)
    detector = load(str(path), settings=DetectorSettings(confidence=0.9))
    assert (detector.size_px, detector.multiple_px) == ((64, 64), 1)
    found = detector.detect(blue_square(128, 96, 64, 32, side=16))
    np.testing.assert_allclose(found.xyxy, [[64, 32, 80, 48]], atol=1e-3)
    with pytest.raises(
        ModelError, match="found input_px 416, expected none: the model takes 64x64 px and no other size"
    ):
        load(str(path), settings=DetectorSettings(input_px=416))


def test_yolox_with_a_size_written_beside_it_is_freed(tmp_path: Path) -> None:
    path = yolox_graph(tmp_path / "network.onnx", 416, 416)
    detector = load(str(path), settings=DetectorSettings(confidence=0.9))
    assert (detector.size_px, detector.multiple_px) == (None, 32)
    assert len(detector.detect(blue_square(200, 40, 160, 16)).xyxy) == 1


def test_low_scores_are_kept_down_to_the_least_confidence(any_size: Path) -> None:
    image = blue_square(32, 32, 8, 8)
    image[8:16, 8:16, 0] = 51
    assert load(str(any_size)).detect(image).confidence == pytest.approx([0.2], rel=1e-4)
    assert len(load(str(any_size), settings=DetectorSettings(confidence=0.25)).detect(image).confidence) == 0


def test_picodet_boxes_are_in_pixels_of_the_image(blue_picodet: Path) -> None:
    detector = load(str(blue_picodet), settings=DetectorSettings(confidence=0.5))
    assert (detector.layout, detector.size_px, detector.multiple_px) == ("picodet", (160, 160), 1)
    found = detector.detect(blue_square(320, 480, 160, 240, side=24))
    # Squeezed by 2 and by 3, the square covers a cell and half of the next.
    best = found.xyxy[found.confidence.argmax()]
    x, y = (10 + 0.5) * 8 * 2, (10 + 0.5) * 8 * 3
    np.testing.assert_allclose(best, [x - 8 * 2, y - 16 * 3, x + 24 * 2, y + 32 * 3], rtol=1e-4)
    # Blue is channel 0: (255 - 103.53) / 57.375 * 0.3 + 0.1.
    assert found.confidence.max() == pytest.approx(0.892, abs=1e-3)
    assert set(found.class_id) == {Label.PERSON}


@pytest.mark.slow
@pytest.mark.parametrize("size", [(1, 1), (8, 8), (40, 40), (3, 500), (7680, 4320)])
@pytest.mark.parametrize("graph", ["any_size", "blue_picodet"])
def test_boxes_lie_within_an_image_of_any_size(
    graph: str, size: tuple[int, int], request: pytest.FixtureRequest
) -> None:
    path = request.getfixturevalue(graph)
    image = np.full((size[1], size[0], 3), 90, np.uint8)
    found = load(str(path), settings=DetectorSettings(confidence=0.05)).detect(image)
    assert (found.xyxy >= 0).all()
    assert (found.xyxy[:, [0, 2]] <= size[0]).all()
    assert (found.xyxy[:, [1, 3]] <= size[1]).all()


def test_an_empty_image_has_no_box(any_size: Path, blue_picodet: Path) -> None:
    for path in (any_size, blue_picodet):
        assert len(load(str(path)).detect(np.empty((0, 9, 3), np.uint8)).xyxy) == 0


def classifier(path: Path) -> Path:
    nodes = [helper.make_node("GlobalAveragePool", ["image"], ["scores"])]
    return save(path, nodes, [], [("image", [1, 3, 224, 224])], [("scores", [1, 3, 1, 1])])


def test_files_that_are_no_detectors_are_refused_in_one_line(tmp_path: Path) -> None:
    text = tmp_path / "text.onnx"
    text.write_text("I am no model\n")
    empty = tmp_path / "empty.onnx"
    empty.touch()
    cases = {
        text: "not an ONNX model that can be run",
        empty: "not an ONNX model that can be run",
        classifier(tmp_path / "classifier.onnx"): "not a known detector: found inputs image 1x3x224x224 and "
        "outputs scores 1x3x1x1; expected YOLOX",
        yolox_graph(tmp_path / "v5.onnx", per_cell=3): "378 rows for 96x64 px; YOLOX gives 126",
        yolox_graph(tmp_path / "decoded.onnx", raw_size=99.0): "its boxes are decoded already",
        yolox_graph(tmp_path / "hats.onnx", classes=2): "not a known detector",
        tmp_path / "absent.onnx": "no such file",
        tmp_path: "a folder; expected a file that ends in .onnx or .xml",
    }
    for path, expected in cases.items():
        with pytest.raises(ModelError) as refused:
            load(str(path))
        assert str(refused.value).startswith(str(path))
        assert expected in str(refused.value)
        assert "\n" not in str(refused.value)


def test_a_device_that_is_not_there_is_refused(any_size: Path) -> None:
    with pytest.raises(ModelError, match="device tpu: expected one of cpu, cuda, openvino"):
        load(str(any_size), device="tpu")
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip(not_possible("this ONNX Runtime can use CUDA, so it does not refuse to"))
    with pytest.raises(ModelError, match=r"has no CUDAExecutionProvider; install onnxruntime-gpu"):
        load(str(any_size), device="cuda")


@pytest.mark.parametrize(
    "wrong", [{"threads": 0}, {"confidence": 1.5}, {"iou": 0}, {"upscale": 0}, {"max_px": 9}, {"input_px": 8}]
)
def test_numbers_that_cannot_be_meant_are_refused(any_size: Path, wrong: dict[str, float]) -> None:
    with pytest.raises(InputError, match=f"{next(iter(wrong))} "):
        load(str(any_size), settings=DetectorSettings(**wrong))  # type: ignore[arg-type]


def test_a_file_is_opened_once_and_again_when_it_is_replaced(tmp_path: Path) -> None:
    def network(detector: LoadedDetector) -> object:
        return detector.detect.args[0]  # type: ignore[attr-defined]

    path = yolox_graph(tmp_path / "network.onnx")
    first = load(str(path))
    assert network(load(str(path), settings=DetectorSettings(confidence=0.5))) is network(first)
    yolox_graph(path, raw_size=1.0)
    os.utime(path, ns=(1, 1))
    assert network(load(str(path))) is not network(first)


LOADS = (
    "import sys\n"
    "import passerby.video.detect.detector as detector\n"
    "assert not {'onnx', 'onnxruntime', 'openvino'} & set(sys.modules), 'loaded too early'\n"
    "detector.load(sys.argv[1])\n"
    "assert 'openvino' not in sys.modules\n"
)


def test_the_runtime_is_loaded_late_and_prints_nothing(any_size: Path) -> None:
    assert said([sys.executable, "-c", LOADS, str(any_size)]) == (0, "", "")


def test_a_file_with_warnings_of_the_runtime_prints_nothing(shared_models: Path) -> None:
    picodet = shared_models / "picodet_s_416_coco.onnx"
    assert said([sys.executable, "-c", LOADS, str(picodet)]) == (0, "", "")


def said(command: list[str]) -> tuple[int, str, str]:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def frame(clips: Path, clip: str, number: int) -> Image:
    video = cv2.VideoCapture(str(clips / clip))
    for _ in range(number):
        video.grab()
    read, image = video.read()
    assert read
    return np.asarray(image, np.uint8)


def test_a_cyclist_is_a_person_and_a_bicycle_at_full_resolution(
    shared_models: Path, shared_clips: Path
) -> None:
    found = load("yolox-nano", shared_models, settings=DetectorSettings(confidence=0.5)).detect(
        frame(shared_clips, "car-park.mp4", 150)
    )
    assert sorted(found.class_id) == [Label.PERSON, Label.BICYCLE]
    centres = (found.xyxy[:, :2] + found.xyxy[:, 2:]) / 2
    assert np.abs(centres - [690, 68]).max() < 30


def test_the_makers_size_can_be_asked_for(shared_models: Path, shared_clips: Path) -> None:
    image = frame(shared_clips, "car-park.mp4", 392)
    whole = load("yolox_nano", shared_models, settings=DetectorSettings(confidence=0.5)).detect(image)
    small = load("yolox_nano", shared_models, settings=DetectorSettings(confidence=0.5, input_px=416)).detect(
        image
    )
    car = [found.xyxy[found.class_id == Label.CAR][0] for found in (whole, small)]
    assert overlap(car[0], car[1]) > 0.8


def test_picodet_finds_a_car_and_a_walker(shared_models: Path, shared_clips: Path) -> None:
    detector = load("picodet", shared_models, settings=DetectorSettings(confidence=0.5))
    assert Label.CAR in detector.detect(frame(shared_clips, "car-park.mp4", 392)).class_id
    assert Label.PERSON in detector.detect(frame(shared_clips, "car-park.mp4", 315)).class_id


def test_a_published_file_of_fixed_size_gives_the_boxes_of_one_with_a_free_size(
    tmp_path: Path, shared_models: Path, shared_clips: Path
) -> None:
    model = onnx.load(shared_models / "yolox_nano.onnx")
    for dimension in model.graph.input[0].type.tensor_type.shape.dim[2:]:
        dimension.dim_value = 416
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = yolox.cells(416, 416)
    onnx.save(onnx.shape_inference.infer_shapes(model), tmp_path / "fixed.onnx")
    image = frame(shared_clips, "pavement.mp4", 93)
    answers = [
        load(name, shared_models).detect(image) for name in ("yolox_nano", str(tmp_path / "fixed.onnx"))
    ]
    assert len(answers[0].xyxy)
    for one, other in zip(*answers, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4)


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    sides = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    shared = float(np.prod(np.maximum(sides, 0)))
    return shared / (sum(float(np.prod(b[2:] - b[:2])) for b in (one, other)) - shared)
