"""Layouts of DETR-like exports are told by inputs and outputs, and their boxes are in pixels of the image."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper, save

from passerby.domain.labels import Label
from passerby.video.detect.detector import LoadedDetector, load

Nodes = Sequence[Any]
IMAGE = np.zeros((360, 640, 3), np.uint8)


def _save(path: Path, nodes: Nodes, inputs: Nodes, outputs: Nodes, constants: Nodes) -> Path:
    graph = helper.make_graph(nodes, "built", inputs, outputs, constants)
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


def _value(name: str, kind: int, shape: list[int | str]) -> object:
    return helper.make_tensor_value_info(name, kind, shape)


def _constant(name: str, value: np.ndarray) -> object:
    return numpy_helper.from_array(value, name)


def scored(path: Path) -> Path:
    """As RT-DETR and D-FINE are exported: a car in the right half, a chair, and a faint person."""
    shares = np.array([[[0.5, 0.25, 1, 0.75], [0, 0, 0.2, 0.2], [0, 0, 0.1, 0.5]]], np.float32)
    nodes = [
        helper.make_node("Cast", ["orig_target_sizes"], ["size"], to=TensorProto.FLOAT),
        helper.make_node("Concat", ["size", "size"], ["twice"], axis=1),
        helper.make_node("Mul", ["shares", "twice"], ["boxes"]),
        # The image is used, and changes nothing.
        helper.make_node("ReduceMean", ["images"], ["mean"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
        helper.make_node("Add", ["likely", "nothing"], ["scores"]),
        helper.make_node("Identity", ["classes"], ["labels"]),
    ]
    constants = [
        _constant("shares", shares),
        _constant("zero", np.zeros(1, np.float32)),
        _constant("likely", np.array([[0.9, 0.8, 0.05]], np.float32)),
        _constant("classes", np.array([[2, 56, 0]], np.int64)),
    ]
    inputs = [
        _value("images", TensorProto.FLOAT, ["N", 3, 640, 640]),
        _value("orig_target_sizes", TensorProto.INT64, ["N", 2]),
    ]
    outputs = [
        _value("labels", TensorProto.INT64, [1, 3]),
        _value("boxes", TensorProto.FLOAT, [1, 3, 4]),
        _value("scores", TensorProto.FLOAT, [1, 3]),
    ]
    return _save(path, nodes, inputs, outputs, constants)


def logits(path: Path) -> Path:
    """As RF-DETR is exported: a bus in the middle (COCO's number 6), and a dog."""
    classes = np.full((1, 2, 91), -6, np.float32)
    classes[0, 0, 6], classes[0, 1, 18] = 2, 3
    nodes = [
        helper.make_node("ReduceMean", ["input"], ["mean"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
        helper.make_node("Add", ["classes", "nothing"], ["labels"]),
        helper.make_node("Identity", ["places"], ["dets"]),
    ]
    constants = [
        _constant("zero", np.zeros(1, np.float32)),
        _constant("classes", classes),
        _constant("places", np.array([[[0.5, 0.5, 0.5, 0.5], [0.1, 0.1, 0.1, 0.1]]], np.float32)),
    ]
    outputs = [
        _value("dets", TensorProto.FLOAT, [1, 2, 4]),
        _value("labels", TensorProto.FLOAT, [1, 2, 91]),
    ]
    return _save(path, nodes, [_value("input", TensorProto.FLOAT, [1, 3, 384, 384])], outputs, constants)


def found(detector: LoadedDetector) -> list[tuple[list[float], Label]]:
    boxes = detector.detect(IMAGE)
    return [(xyxy, Label(label)) for xyxy, label in zip(boxes.xyxy.tolist(), boxes.class_id, strict=True)]


def test_boxes_of_labels_and_scores_are_in_pixels_of_the_image(tmp_path: Path) -> None:
    detector = load(str(scored(tmp_path / "any_name.onnx")))
    assert (detector.layout, detector.size_px) == ("detr", (640, 640))
    assert found(detector) == [([320, 90, 640, 270], Label.CAR)]
    assert detector.detect(IMAGE).confidence.tolist() == pytest.approx([0.9])


def test_boxes_of_logits_are_in_pixels_of_the_image(tmp_path: Path) -> None:
    detector = load(str(logits(tmp_path / "any_name.onnx")))
    assert (detector.layout, detector.size_px) == ("detr", (384, 384))
    assert found(detector) == [([160, 90, 480, 270], Label.BUS)]
    assert detector.detect(IMAGE).confidence.tolist() == pytest.approx([1 / (1 + np.exp(-2))], abs=1e-4)


def test_an_empty_image_has_no_box(tmp_path: Path) -> None:
    assert len(load(str(scored(tmp_path / "a.onnx"))).detect(IMAGE[:0]).xyxy) == 0
