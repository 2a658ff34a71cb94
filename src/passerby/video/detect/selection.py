"""Select the detectors to run: those that the user names, or those that are installed.

Invariant: the choice depends on what is installed and configured, never on the contents or the name of a video.
"""

from dataclasses import dataclass
from pathlib import Path

from passerby.errors import InputError, ModelError
from passerby.models.catalogue import find
from passerby.video.detect import onnx
from passerby.video.detect.detector import LoadedDetector, load

MOTION = "motion"
AUTO = "auto"

_PREFERRED = (
    ("person-vehicle-bike-detection-2002", "person-vehicle-bike-detection-2004"),
    ("yolox_nano",),
)
"""The models that `auto` runs together; of each row, the first one that is installed. Those of the first row detect
objects seen from above, that of the second tells the kinds of vehicles apart."""


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """`name`: printed with the counts. `loaded`: the models. `motion`: whether motion is detected too. `warnings`:
    lines for the user."""

    name: str
    loaded: tuple[LoadedDetector, ...]
    motion: bool
    warnings: tuple[str, ...]


def choose(names: str, model_dir: Path | None, device: str = onnx.CPU) -> Choice:
    """The detectors of `names`: `auto`, `motion`, or names or paths of models joined by `+`, of which one may be
    `motion`. They run on `device`: cpu, cuda or openvino.

    Raises ModelError for a model that is not found or cannot be used, or for a device that this machine does not
    have; InputError for an empty name.
    """
    if device != onnx.CPU:  # else `auto` would count without a network on a machine without the device
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
    for alternatives in _PREFERRED:
        for name in alternatives:
            try:
                path = find(name, model_dir)
            except ModelError:
                continue
            try:
                loaded.append(load(str(path), model_dir, device=device))
                break
            except ModelError as error:
                warnings.append(f"counting without {name}: {error}")
    if loaded:
        names = "+".join([*(detector.name for detector in loaded), MOTION])
        return Choice(names, tuple(loaded), True, tuple(warnings))
    hint = f"no model found, counting by motion alone; `passerby models pull {_PREFERRED[1][0]}` gets one"
    return Choice(MOTION, (), True, (*warnings, hint))
