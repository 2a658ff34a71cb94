"""OpenVINO IR of the Open Model Zoo's SSD layout: one output of (1, 1, N, 7).

Invariant: no telemetry is sent; the classes come from the name that the file records, and are never guessed.

A row is image, class, score, and x1, y1, x2, y2 as fractions of the input. The zoo's models order their three classes
in three ways, which the shapes do not show, so a file without a known name is refused. Sources: the pages of the
models on docs.openvino.ai. "bike" there is any bicycle or motorcycle.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from re import fullmatch
from typing import Any
from xml.etree import ElementTree

import cv2
import numpy as np

from passerby.domain.labels import Label
from passerby.errors import ModelError
from passerby.video.decode.frame import Image
from passerby.video.detect.nms import Boxes, no_boxes, suppress, within

_CLASSES: Mapping[str, Mapping[int, Label]] = {
    r"person-vehicle-bike-detection-200[012]": {0: Label.VEHICLE, 1: Label.PERSON, 2: Label.BICYCLE},
    r"person-vehicle-bike-detection-crossroad-00\d\d": {1: Label.PERSON, 2: Label.VEHICLE, 3: Label.BICYCLE},
    r"person-vehicle-bike-detection-crossroad-1016": {0: Label.BICYCLE, 1: Label.VEHICLE, 2: Label.PERSON},
}


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """An open model. `size`: (width, height) px of its input. `labels`: label of each class number. `request`: the
    compiled model, ready to run."""

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
    if not (
        len(shapes) == 1
        and len(shapes[0]) == 4
        and shapes[0][:2] == [1, 3]
        and min(shapes[0]) > 0
        and len(answers) == 1
        and len(answers[0]) == 4
        and answers[0][3] == 7
    ):
        raise ModelError(
            f"{path}: {name} has inputs {shapes} and outputs {answers}; expected one input [1, 3, H, W] "
            "and one output [1, 1, N, 7], the SSD layout of the Open Model Zoo"
        )
    steps = openvino.preprocess.PrePostProcessor(model)
    steps.input().tensor().set_element_type(openvino.Type.u8).set_layout(openvino.Layout("NHWC"))
    steps.input().model().set_layout(openvino.Layout("NCHW"))
    options = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "ENABLE_CPU_PINNING": False}
    try:
        request = core.compile_model(steps.build(), "CPU", options).create_infer_request()
    except Exception as error:
        raise ModelError(f"{path}: cannot be run ({_last_line(error)})") from None
    return Network((shapes[0][3], shapes[0][2]), labels, request)


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
        f"{path}: records {found}, whose classes are not known; expected person-vehicle-bike-detection-2000, "
        "-2001, -2002, -crossroad-0078 or -crossroad-1016"
    )


def detect(network: Network, image: Image, *, confidence: float, iou: float) -> Boxes:
    """The boxes in `image` (H, W, 3) uint8 BGR."""
    height, width = image.shape[:2]
    if not width or not height:
        return no_boxes()
    resized = cv2.resize(image, network.size, interpolation=cv2.INTER_LINEAR)
    network.request.infer({0: resized[None]})
    rows = network.request.get_output_tensor(0).data.reshape(-1, 7)
    # Rows after the last box have a negative image number.
    kept = rows[(rows[:, 0] >= 0) & (rows[:, 2] >= confidence) & np.isin(rows[:, 1], list(network.labels))]
    class_id = np.array([network.labels[int(number)] for number in kept[:, 1]], np.int64)
    xyxy = (kept[:, 3:7] * np.array([width, height, width, height], np.float32)).astype(np.float32)
    return within(suppress(Boxes(xyxy, kept[:, 2].astype(np.float32), class_id), iou), width, height)


def _last_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1][:200] if lines else type(error).__name__
