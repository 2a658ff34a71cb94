"""OpenVINO IR of the Open Model Zoo's detectors, in their two layouts.

Invariant: no telemetry is sent; the classes come from the name that the file records, and are never guessed.

    ssd    one output of (1, 1, N, 7); a row is image, class, score and x1, y1, x2, y2 as fractions of the input
    atss   `boxes` (N, 5), a row is x1, y1, x2, y2 in px of the input and score, and `labels` (N,)

The zoo's models order their three classes in several ways, and nothing in the shapes tells them apart, so a file that
records no known name is refused. Sources: the models' own pages on docs.openvino.ai; ATSS is Zhang et al., CVPR 2020,
arXiv:1912.02424. "bike" there is any bicycle or motorcycle.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from re import fullmatch
from typing import Any, Literal
from xml.etree import ElementTree

import cv2
import numpy as np
from numpy.typing import NDArray

from passerby.domain.labels import Label
from passerby.errors import ModelError
from passerby.video.decode.frame import Image
from passerby.video.detect.nms import Boxes, no_boxes, suppress, within

_CLASSES: Mapping[str, Mapping[int, Label]] = {
    r"person-vehicle-bike-detection-200[01234]": {0: Label.VEHICLE, 1: Label.PERSON, 2: Label.BICYCLE},
    r"person-vehicle-bike-detection-crossroad-00\d\d": {1: Label.PERSON, 2: Label.VEHICLE, 3: Label.BICYCLE},
    r"person-vehicle-bike-detection-crossroad-1016": {0: Label.BICYCLE, 1: Label.VEHICLE, 2: Label.PERSON},
}


Layout = Literal["ssd", "atss"]


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """An open model: its layout, input (width, height) px, the label of each class number, and the compiled request."""

    layout: Layout
    size: tuple[int, int]
    labels: Mapping[int, Label]
    request: Any


def open_network(path: Path, threads: int, device: str) -> Network:
    """Open `path` (.xml, with its .bin in the same folder) on the CPU with so many threads.

    Raises ModelError when OpenVINO is missing, when a file is missing or broken, and when the layout or the classes
    are not known.
    """
    if device not in ("cpu", "openvino"):
        raise ModelError(f"device {device}: an OpenVINO model such as {path.name} runs on cpu")
    name, labels = _classes(path)
    if not path.with_suffix(".bin").is_file():
        raise ModelError(f"{path}: its weights {path.with_suffix('.bin').name} are not in the same folder")
    # The package reports each import to its maker, unless its telemetry module is absent: make it absent.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    # Its converter of other formats takes 8 MB and makes the start slower.
    sys.modules.setdefault("openvino.tools.ovc", None)  # type: ignore[arg-type]
    try:
        import openvino
    except ImportError:
        raise ModelError(f"{path}: needs OpenVINO: pip install 'passerby[openvino]'") from None
    core = openvino.Core()
    try:
        model = core.read_model(path)
        shapes = [[d.get_length() if d.is_static else -1 for d in p.partial_shape] for p in model.inputs]
        answers = [[d.get_length() if d.is_static else -1 for d in p.partial_shape] for p in model.outputs]
    except Exception as error:  # the package raises RuntimeError with pages of its own source positions
        raise ModelError(f"{path}: not an OpenVINO model that can be read ({_last_line(error)})") from None
    layout = _layout(shapes, answers)
    if layout is None:
        raise ModelError(
            f"{path}: {name} has inputs {shapes} and outputs {answers}; expected one input [1, 3, H, W], and one "
            "output [1, 1, N, 7] or two outputs [N, 5] and [N], the layouts of the Open Model Zoo"
        )
    steps = openvino.preprocess.PrePostProcessor(model)
    steps.input().tensor().set_element_type(openvino.Type.u8).set_layout(openvino.Layout("NHWC"))
    steps.input().model().set_layout(openvino.Layout("NCHW"))
    options = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "ENABLE_CPU_PINNING": False}
    try:
        request = core.compile_model(steps.build(), "CPU", options).create_infer_request()
    except Exception as error:
        raise ModelError(f"{path}: cannot be run ({_last_line(error)})") from None
    return Network(layout, (shapes[0][3], shapes[0][2]), labels, request)


def _layout(inputs: list[list[int]], outputs: list[list[int]]) -> Layout | None:
    """The layout of a model with these shapes, -1 for a side that is free; None for any other model."""
    if len(inputs) != 1 or len(inputs[0]) != 4 or inputs[0][:2] != [1, 3] or min(inputs[0]) <= 0:
        return None
    if len(outputs) == 1 and len(outputs[0]) == 4 and outputs[0][3] == 7:
        return "ssd"
    boxes = [shape for shape in outputs if len(shape) == 2 and shape[1] == 5]
    labels = [shape for shape in outputs if len(shape) == 1]
    return "atss" if len(outputs) == 2 and boxes and labels else None


def _classes(path: Path) -> tuple[str, Mapping[int, Label]]:
    """The name that the converter wrote into the file, and the label of each class number."""
    try:
        root = ElementTree.parse(path).getroot()
    except (ElementTree.ParseError, UnicodeDecodeError) as error:
        raise ModelError(f"{path}: not an OpenVINO model: {error}") from None
    if root.tag != "net":
        raise ModelError(f"{path}: not an OpenVINO model: its root is <{root.tag}>, expected <net>")
    names = [root.get("name", ""), *(node.get("value", "") for node in root.iter("model_name"))]
    for name in names:
        for pattern, labels in _CLASSES.items():
            if fullmatch(pattern, name):
                return name, labels
    found = " / ".join(filter(None, names)) or "no name"
    raise ModelError(
        f"{path}: records {found}, whose classes are not known; expected person-vehicle-bike-detection-2000 "
        "to -2004, -crossroad-0078 or -crossroad-1016"
    )


def detect(network: Network, image: Image, *, confidence: float, iou: float) -> Boxes:
    """The boxes in `image` (H, W, 3) uint8 BGR."""
    height, width = image.shape[:2]
    if not width or not height:
        return no_boxes()
    resized = cv2.resize(image, network.size, interpolation=cv2.INTER_LINEAR)
    network.request.infer({0: resized[None]})
    score, numbers, xyxy = _ssd_rows(network) if network.layout == "ssd" else _atss_rows(network)
    kept = (score >= confidence) & np.isin(numbers, list(network.labels))
    class_id = np.array([network.labels[int(number)] for number in numbers[kept]], np.int64)
    in_image = (xyxy[kept] * np.array([width, height] * 2, np.float32)).astype(np.float32)
    return within(suppress(Boxes(in_image, score[kept].astype(np.float32), class_id), iou), width, height)


_Rows = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]
"""Scores (n,), class numbers (n,), and boxes (n, 4) as fractions of the input."""


def _ssd_rows(network: Network) -> _Rows:
    rows = network.request.get_output_tensor(0).data.reshape(-1, 7)
    # Rows after the last box have a negative image number.
    rows = rows[rows[:, 0] >= 0]
    return rows[:, 2], rows[:, 1], rows[:, 3:]


def _atss_rows(network: Network) -> _Rows:
    # The order of the outputs differs from file to file.
    tensors = [network.request.get_output_tensor(index).data for index in range(2)]
    boxes, labels = tensors if tensors[0].ndim == 2 else tensors[::-1]
    return boxes[:, 4], labels, boxes[:, :4] / np.array(network.size * 2, np.float32)


def _last_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1][:200] if lines else type(error).__name__
