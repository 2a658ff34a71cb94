"""Load a detector: a function from an image to boxes in its pixels. It is found by name or path, and recognised by the
inputs and outputs of its network.

Invariant: no network output is decoded here, no picture is read, and the name of a file says nothing about its content.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

from passerby.domain.labels import Label
from passerby.errors import InputError, ModelError
from passerby.models import catalogue
from passerby.video.decode.frame import Image
from passerby.video.detect import coco, detr, onnx, openvino_zoo, picodet, yolox
from passerby.video.detect.nms import DEFAULT_IOU, Boxes

__all__ = ["Boxes", "Detector", "DetectorSettings", "LoadedDetector", "load"]

Detector = Callable[[Image], Boxes]
"""From an image (H, W, 3) uint8 BGR of any size to `Boxes` in its pixels, each of them within it."""

LOW_CONFIDENCE = 0.1
"""Default for the least confidence of a box: low, since the tracker matches unsure boxes last."""


@dataclass(frozen=True, slots=True)
class DetectorSettings:
    """How a network is run. Raises InputError for a number out of range.

    `input_px`, `upscale`, `max_px` hold for networks that take any size: the length to which the longer side of an
    image is scaled, or else (None) the factor by which the image is scaled, and the most pixels that the network is
    given. `confidence`: least score of a box, in 0..1. `iou`: intersection over union above which two boxes are one
    object. `threads`: threads of the network.
    """

    input_px: int | None = None
    upscale: float = 1.0
    max_px: int = yolox.MAX_PX
    confidence: float = LOW_CONFIDENCE
    iou: float = DEFAULT_IOU
    threads: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.confidence <= 1 or not 0 < self.iou <= 1:
            raise InputError(f"confidence {self.confidence}, iou {self.iou}: expected fractions of 1")
        if (
            self.threads < 1
            or self.upscale <= 0
            or self.max_px < yolox.MULTIPLE_PX**2
            or (self.input_px is not None and self.input_px < 32)
        ):
            raise InputError(
                f"threads {self.threads}, upscale {self.upscale}, max_px {self.max_px}, input_px {self.input_px}: "
                "expected at least 1 thread, an upscale above 0, 1024 max_px and 32 input_px"
            )


DEFAULTS = DetectorSettings()


@dataclass(frozen=True, slots=True, eq=False)
class LoadedDetector:
    """A detector with the weights of `path`.

    `name`: for the user. `layout`: yolox, picodet, detr, ssd or atss. `labels`: all labels that its boxes can have.
    `size_px`: (width, height) of the network's input; None where it takes any size. `multiple_px`: the sides of an
    image are padded to multiples of this; 1 where the image is scaled to a fixed input.
    """

    name: str
    path: Path
    layout: str
    detect: Detector
    labels: frozenset[Label]
    size_px: tuple[int, int] | None
    multiple_px: int


def load(
    name_or_path: str,
    model_dir: Path | None = None,
    settings: DetectorSettings = DEFAULTS,
    *,
    device: str = "cpu",
) -> LoadedDetector:
    """Load a detector by name (looked up in `model_dir` and in the cache) or by path, for `device`: cpu, cuda or
    openvino. A process opens a file once, however often it is loaded.

    Raises ModelError when the model is not found, is not a detector, or cannot run on the device.
    """
    path = catalogue.find(name_or_path, model_dir)
    confidence, iou = settings.confidence, settings.iou
    if path.suffix == ".xml":
        zoo = _open_zoo(path, settings.threads, device, path.stat().st_mtime_ns)
        _refuse_size(path, settings.input_px, zoo.size)
        detect: Detector = partial(openvino_zoo.detect, zoo, confidence=confidence, iou=iou)
        return LoadedDetector(
            path.stem, path, zoo.layout, detect, frozenset(zoo.labels.values()), zoo.size, 1
        )
    network, size = _open_onnx(path, settings.threads, device, path.stat().st_mtime_ns)
    if size == yolox.ANY_SIZE:
        fit = yolox.Fit(settings.input_px, settings.upscale, settings.max_px)
        detect = partial(yolox.detect, network, fit, confidence=confidence, iou=iou)
        return LoadedDetector(path.stem, path, "yolox", detect, coco.LABELS, None, yolox.MULTIPLE_PX)
    if size is not None:
        _refuse_size(path, settings.input_px, size)
        detect = partial(yolox.detect, network, size, confidence=confidence, iou=iou)
        return LoadedDetector(path.stem, path, "yolox", detect, coco.LABELS, size, 1)
    layout = picodet.recognise(network)
    if layout is not None:
        _refuse_size(path, settings.input_px, layout.size)
        detect = partial(picodet.detect, network, layout, confidence=confidence, iou=iou)
        return LoadedDetector(path.stem, path, "picodet", detect, coco.LABELS, layout.size, 1)
    queries = detr.recognise(network)
    if queries is not None:
        _refuse_size(path, settings.input_px, queries.size)
        detect = partial(detr.detect, network, queries, confidence=confidence, iou=iou)
        return LoadedDetector(path.stem, path, "detr", detect, coco.LABELS, queries.size, 1)
    raise ModelError(
        f"{path}: not a known detector: found {network.described()}; expected YOLOX (1x3xHxW to 1xNx85), "
        "PicoDet (1x3xHxW to four of 1xNx80 and four of 1xNx32), RT-DETR or D-FINE (labels, boxes and scores), "
        "or RF-DETR (dets and labels)"
    )


# A worker loads the same file for every chunk. The time of change is in the key, so that a replaced file is opened.
@lru_cache(maxsize=4)
def _open_onnx(
    path: Path, threads: int, device: str, _changed_ns: int
) -> tuple[onnx.Network, tuple[int, int] | None]:
    """The network, and the answer of `yolox.recognise`."""
    network = onnx.open_network(path, threads, device)
    size = yolox.recognise(network)
    if size is not None and size != yolox.ANY_SIZE:
        # The published files are fixed to a square input, which the network itself does not need.
        with suppress(ModelError):
            freed = onnx.open_freed(path, threads, device)
            if yolox.recognise(freed) == yolox.ANY_SIZE:
                return freed, yolox.ANY_SIZE
    return network, size


@lru_cache(maxsize=4)
def _open_zoo(path: Path, threads: int, device: str, _changed_ns: int) -> openvino_zoo.Network:
    return openvino_zoo.open_network(path, threads, device)


def _refuse_size(path: Path, input_px: int | None, size: tuple[int, int]) -> None:
    if input_px is not None and input_px != max(size):
        raise ModelError(
            f"{path}: found input_px {input_px}, expected none: the model takes {size[0]}x{size[1]} px and no "
            "other size"
        )
