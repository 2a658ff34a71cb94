"""A user's own detector, checked at each call so that a mistake in it is reported as one.

Invariant: boxes that leave here have the shapes, types and ranges that `Boxes` promises.
"""

from functools import partial
from pathlib import Path

import numpy as np

from passerby.domain.labels import Label
from passerby.errors import ModelError
from passerby.video.decode.frame import Image
from passerby.video.detect.detector import LoadedDetector
from passerby.video.detect.interface import Boxes, Detector, problem_of
from passerby.video.detect.selection import Choice


def custom(detector: Detector) -> Choice:
    """The choice of `detector` alone. Its name is that of the function or of its class."""
    name = str(getattr(detector, "__name__", type(detector).__name__))
    checked = partial(_detect, detector, name)
    loaded = LoadedDetector(name, Path(name), "custom", checked, frozenset(Label), None, 1)
    return Choice(name, (loaded,), False, ())


def _detect(detector: Detector, name: str, image: Image) -> Boxes:
    boxes = detector(image)
    problem = problem_of(boxes, image)
    if problem is not None:
        raise ModelError(f"detector {name}: {problem}")
    order = np.argsort(-boxes.confidence, kind="stable")
    return Boxes(
        boxes.xyxy[order].astype(np.float32),
        boxes.confidence[order].astype(np.float32),
        boxes.class_id[order].astype(np.int64),
    )
