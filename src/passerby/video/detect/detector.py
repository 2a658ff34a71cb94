"""A detector: an image in, boxes in its pixels out. Found by name or path, known by its inputs and outputs.

Invariant: no layout is decoded here, no picture is looked at, and a file's name decides nothing about its meaning.
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
from passerby.video.detect import coco, onnx, openvino_ssd, picodet, yolox
from passerby.video.detect.nms import DEFAULT_IOU, Boxes

__all__ = ["Boxes", "Detector", "LoadedDetector", "load"]

Detector = Callable[[Image], Boxes]
"""(H, W, 3) uint8 BGR of any size -> `Boxes` in its pixels, each of them within it."""

LOW_CONFIDENCE = 0.1
"""Boxes down to this are answered, so that a tracker can match the unsure ones last."""


@dataclass(frozen=True, slots=True, eq=False)
class LoadedDetector:
    """`name` for people; `layout` yolox, picodet or ssd; `labels` all that it can answer;
    `size_px` (width, height) of the network's input, None where it takes any; `multiple_px` what the sides
    of an image are rounded up to there (1 where the image is scaled to a fixed input anyway)."""

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
    *,
    input_px: int | None = None,
    upscale: float = 1.0,
    max_px: int = yolox.MAX_PX,
    confidence: float = LOW_CONFIDENCE,
    iou: float = DEFAULT_IOU,
    threads: int = 1,
    device: str = "cpu",
) -> LoadedDetector:
    """Load a detector by name (looked for in `model_dir` and in the cache) or by path.

    Where the network takes any size: `input_px` is what the image's longer side is scaled to, None for its
    own resolution times `upscale`; `max_px` bounds the pixels. `confidence` and `iou` in 0..1: the least
    score answered, and the overlap above which two boxes are one thing. `device` cpu, cuda or openvino.
    A file is opened once per process, however often it is loaded.

    Raises ModelError when it is not found, is no detector, or cannot run there; InputError for numbers that
    cannot be meant.
    """
    if not 0 <= confidence <= 1 or not 0 < iou <= 1:
        raise InputError(f"confidence {confidence}, iou {iou}: expected fractions of 1")
    if (
        threads < 1
        or upscale <= 0
        or max_px < yolox.MULTIPLE_PX**2
        or (input_px is not None and input_px < 32)
    ):
        raise InputError(
            f"threads {threads}, upscale {upscale}, max_px {max_px}, input_px {input_px}: "
            "expected at least 1 thread, an upscale above 0, 1024 max_px and 32 input_px"
        )
    path = catalogue.find(name_or_path, model_dir)
    if path.suffix == ".xml":
        ssd = _open_ssd(path, threads, device, path.stat().st_mtime_ns)
        _refuse_size(path, input_px, ssd.size)
        detect: Detector = partial(openvino_ssd.detect, ssd, confidence=confidence, iou=iou)
        return LoadedDetector(path.stem, path, "ssd", detect, frozenset(ssd.labels.values()), ssd.size, 1)
    network, size = _open_onnx(path, threads, device, path.stat().st_mtime_ns)
    if size == yolox.ANY_SIZE:
        fit = yolox.Fit(input_px, upscale, max_px)
        detect = partial(yolox.detect, network, fit, confidence=confidence, iou=iou)
        return LoadedDetector(path.stem, path, "yolox", detect, coco.LABELS, None, yolox.MULTIPLE_PX)
    if size is not None:
        _refuse_size(path, input_px, size)
        detect = partial(yolox.detect, network, size, confidence=confidence, iou=iou)
        return LoadedDetector(path.stem, path, "yolox", detect, coco.LABELS, size, 1)
    layout = picodet.recognise(network)
    if layout is not None:
        _refuse_size(path, input_px, layout.size)
        detect = partial(picodet.detect, network, layout, confidence=confidence, iou=iou)
        return LoadedDetector(path.stem, path, "picodet", detect, coco.LABELS, layout.size, 1)
    raise ModelError(
        f"{path}: no detector known here: it has {network.described()}; expected YOLOX (1x3xHxW to 1xNx85) "
        "or PicoDet (1x3xHxW to four of 1xNx80 and four of 1xNx32)"
    )


# A worker loads the same file for every chunk; the time of change in the key sees a file replaced.
@lru_cache(maxsize=4)
def _open_onnx(
    path: Path, threads: int, device: str, _changed_ns: int
) -> tuple[onnx.Network, tuple[int, int] | None]:
    """The network, and what `yolox.recognise` says of it."""
    network = onnx.open_network(path, threads, device)
    size = yolox.recognise(network)
    if size is not None and size != yolox.ANY_SIZE:
        # The makers' files are fixed to a square, which the network itself does not need.
        with suppress(ModelError):
            freed = onnx.open_freed(path, threads, device)
            if yolox.recognise(freed) == yolox.ANY_SIZE:
                return freed, yolox.ANY_SIZE
    return network, size


@lru_cache(maxsize=4)
def _open_ssd(path: Path, threads: int, device: str, _changed_ns: int) -> openvino_ssd.Network:
    return openvino_ssd.open_network(path, threads, device)


def _refuse_size(path: Path, input_px: int | None, size: tuple[int, int]) -> None:
    if input_px is not None and input_px != max(size):
        raise ModelError(f"{path}: takes {size[0]}x{size[1]} px and no other size; {input_px} was asked for")
