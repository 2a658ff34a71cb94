"""Approved empty pictures: frozen beside the site file, with who approved them and when.

Invariant: only a picture that a person approved is here; it is replaced by another approval alone, and no file is
found by a name that somebody typed without its letters.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from ruamel.yaml.comments import CommentedMap

from passerby.console.preview import Scale
from passerby.console.site_file import Change, mapping_at
from passerby.errors import OutputError
from passerby.io import files


@dataclass(frozen=True, slots=True)
class Background:
    """An approved picture of a camera of `width` x `height` px, of which `covered` is covered flat; `digest` is the
    SHA-256 of the PNG file, `scales` are what its operator knows of lengths in it."""

    camera: str
    path: Path
    width: int
    height: int
    covered: float
    looked: tuple[str, ...]
    approved_by: str
    approved_ms: int
    digest: str
    scales: tuple[Scale, ...] = ()

    @property
    def about(self) -> Path:
        return self.path.with_suffix(".json")


def path_of(folder: Path, camera: str) -> Path:
    """Where the background of a camera lies: letters of its name for people, a hash of it for the rest."""
    letters = re.sub(r"[^a-z0-9]+", "-", camera.lower()).strip("-")[:40]
    return folder / f"{letters or 'camera'}-{sha256(camera.encode()).hexdigest()[:8]}.png"


def approve(background: Background, png: bytes) -> Background:
    """Freeze a picture. Raises OutputError."""
    try:
        background.path.parent.mkdir(exist_ok=True)
    except OSError as error:
        raise OutputError(f"{background.path.parent}: could not be made: {error.strerror or error}") from None
    frozen = replace(background, digest=sha256(png).hexdigest())
    files.write(frozen.path, png)
    _save(frozen)
    return frozen


def with_scales(background: Background, scales: Sequence[Scale]) -> Background:
    """Keep what is known of lengths in the picture, which stays as it is. Raises OutputError."""
    known = replace(background, scales=tuple(scales))
    _save(known)
    return known


def find(folder: Path, camera: str) -> Background | None:
    """The approved background of a camera; None where there is none, or where its file is not the one approved."""
    path = path_of(folder, camera)
    try:
        said: Any = json.loads(path.with_suffix(".json").read_text("utf-8"))
        scales = tuple(Scale(tuple(s["start"]), tuple(s["end"]), s["metres"]) for s in said.pop("scales"))
        background = Background(**{**said, "path": path, "looked": tuple(said["looked"]), "scales": scales})
        if background.camera != camera or sha256(path.read_bytes()).hexdigest() != background.digest:
            return None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return background


def change_of(camera: str, plan: str) -> Change:
    """The change of the site file that shows a background on the public page."""

    def change(root: CommentedMap) -> None:
        mapping_at(root, "cameras", camera)["plan"] = plan

    return change


def _save(background: Background) -> None:
    said = {**asdict(background), "path": background.path.name}
    files.write(background.about, json.dumps(said, indent=1) + "\n")
