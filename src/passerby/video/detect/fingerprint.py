"""What a count is made with besides its settings: the versions of the libraries that compute, and the weights.

Invariant: the same counts are promised only of the same code and weights; a process with others refuses to count.
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
    """A line for each library and file of weights, such as `av 18.1.0` and `yolox_nano.onnx c789161e...`."""
    weights = (_weights(detector.path, detector.path.stat().st_mtime_ns) for detector in loaded)
    return (*_versions(), *weights)


def check(expected: Sequence[str], loaded: Sequence[LoadedDetector]) -> None:
    """Raises ModelError where `expected`, from the process that began the count, differs from `made_with` here. An
    empty `expected` checks nothing."""
    if not expected:
        return
    here = made_with(loaded)
    for line, wanted in zip(here, expected, strict=True):
        if line != wanted:
            raise ModelError(
                f"found {line}, expected {wanted}: all machines of one count need the same versions and weights"
            )


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
