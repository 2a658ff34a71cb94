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
BEST = "best"

_FROM_ABOVE = ("person-vehicle-bike-detection-2004", "person-vehicle-bike-detection-2002")
_KINDS = "yolox_nano"

_PREFERRED = {AUTO: ((_KINDS, *_FROM_ABOVE),), BEST: (_FROM_ABOVE, (_KINDS,))}
"""The models that run together with motion; of each row, the first one that is installed. YOLOX-nano tells the kinds of
vehicles apart, and the others detect objects seen from above. What each costs and gains: docs/decisions/0023."""


DEFAULT_WEIGHTS = _KINDS
"""What is fetched where none is installed."""


def preferred() -> tuple[str, ...]:
    """The models of which `auto` and `best` take what is installed."""
    return (_KINDS, *_FROM_ABOVE)


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """`name`: printed with the counts. `loaded`: the models. `motion`: whether motion is detected too. `warnings`:
    lines for the user."""

    name: str
    loaded: tuple[LoadedDetector, ...]
    motion: bool
    warnings: tuple[str, ...]


def choose(names: str, model_dir: Path | None, device: str = onnx.CPU) -> Choice:
    """The detectors of `names`: `auto`, `best`, `motion`, or names or paths of models joined by `+`, of which one may
    be `motion`. They run on `device`: cpu, cuda or openvino.

    Raises ModelError for a model that is not found or cannot be used, or for a device that this machine does not
    have; InputError for an empty name.
    """
    if device != onnx.CPU:  # else `auto` would count without a network on a machine without the device
        onnx.check_device(device)
    if names in _PREFERRED:
        return _installed(names, model_dir, device)
    parts = [part.strip() for part in names.split("+")]
    if not all(parts):
        raise InputError(f"detector {names!r}: expected auto, best, motion, or names of models joined by +")
    loaded = tuple(load(part, model_dir, device=device) for part in parts if part != MOTION)
    return Choice("+".join(parts), loaded, MOTION in parts, ())


def _installed(names: str, model_dir: Path | None, device: str) -> Choice:
    loaded, warnings = [], []
    for alternatives in _PREFERRED[names]:
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
        found = "+".join([*(detector.name for detector in loaded), MOTION])
        return Choice(found, tuple(loaded), True, tuple(warnings))
    hint = f"no model found, counting by motion alone; `passerby models pull {_KINDS}` gets one"
    return Choice(MOTION, (), True, (*warnings, hint))
