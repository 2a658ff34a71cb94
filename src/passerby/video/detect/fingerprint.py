"""What counts are made with beside settings: versions of what computes, and the very weights.

Invariant: the same answers are promised only of the same code and weights; who has others says so and does not count.
"""

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from passerby.errors import ModelError
from passerby.video.detect.detector import LoadedDetector

_COMPUTING = ("passerby", "av", "lap", "numpy", "onnxruntime", "opencv-python-headless", "openvino")


def made_with(loaded: Sequence[LoadedDetector]) -> tuple[str, ...]:
    """One line each, such as `av 18.1.0` and `yolox_nano.onnx c789161e...`."""
    return (*_versions(), *(_weights(one.path, one.path.stat().st_mtime_ns) for one in loaded))


def check(expected: Sequence[str], loaded: Sequence[LoadedDetector]) -> None:
    """Raises ModelError where `expected`, of who began the count, is not what is here; nothing where it is empty."""
    if not expected:
        return
    here = made_with(loaded)
    for one, other in zip(expected, here, strict=True):
        if one != other:
            raise ModelError(f"found {other}, expected {one}: all that count together need the same")


@lru_cache(maxsize=1)
def _versions() -> tuple[str, ...]:
    return tuple(f"{name} {_version(name)}" for name in _COMPUTING)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


@lru_cache(maxsize=8)
def _weights(path: Path, _changed_ns: int) -> str:
    digest = hashlib.sha256()
    for file in (path, path.with_suffix(".bin")) if path.suffix == ".xml" else (path,):
        digest.update(file.read_bytes())
    return f"{path.name} {digest.hexdigest()}"
