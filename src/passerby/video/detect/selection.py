"""Which detectors to run: named by the user, or chosen from those at hand.

Invariant: the choice depends on what is installed and configured, never on what a video shows or is called.
"""

from dataclasses import dataclass
from pathlib import Path

from passerby.errors import InputError, ModelError
from passerby.models.catalogue import find
from passerby.video.detect import onnx
from passerby.video.detect.detector import LoadedDetector, load

MOTION = "motion"
AUTO = "auto"

_PREFERRED = ("person-vehicle-bike-detection-2002", "yolox_nano")
"""What `auto` runs side by side where it is at hand: the first knows bodies from above, the second knows kinds."""


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """`name` as printed with the counts; `loaded` models, `motion` whether motion is looked at as well."""

    name: str
    loaded: tuple[LoadedDetector, ...]
    motion: bool
    warnings: tuple[str, ...]


def choose(names: str, model_dir: Path | None, device: str = onnx.CPU) -> Choice:
    """`auto`, `motion`, or names or paths of models joined by `+`, of which one may be `motion`; they run on
    `device` cpu, cuda or openvino.

    Raises ModelError for a model that is not found or is none, or for a device that is not here; InputError for an
    empty name.
    """
    if device != onnx.CPU:  # else `auto` would count without a network where there is no such device
        onnx.check_device(device)
    if names == AUTO:
        return _auto(model_dir, device)
    parts = [part.strip() for part in names.split("+")]
    if not all(parts):
        raise InputError(f"detector {names!r}: expected auto, motion, or names of models joined by +")
    loaded = tuple(load(part, model_dir, device=device) for part in parts if part != MOTION)
    return Choice("+".join(parts), loaded, MOTION in parts, ())


def _auto(model_dir: Path | None, device: str) -> Choice:
    loaded, warnings = [], []
    for name in _PREFERRED:
        try:
            path = find(name, model_dir)
        except ModelError:
            continue
        try:
            loaded.append(load(str(path), model_dir, device=device))
        except ModelError as error:
            warnings.append(f"counting without {name}: {error}")
    if loaded:
        names = "+".join([*(one.name for one in loaded), MOTION])
        return Choice(names, tuple(loaded), True, tuple(warnings))
    hint = f"no model found, counting by motion alone; `passerby models pull {_PREFERRED[1]}` gets one"
    return Choice(MOTION, (), True, (*warnings, hint))
