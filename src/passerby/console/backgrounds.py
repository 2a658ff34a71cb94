"""Approved backgrounds: stored beside the site file with the name of the user who approved them, and the time.

Invariant: only approved pictures are stored, and only another approval replaces one; a camera's name never leads out of
the folder.
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
    """An approved background of a camera, of `width` x `height` px.

    `covered` is the share of it that is painted over, 0..1; `checked_by` are the names of the detectors that checked it
    for people; `digest` is the SHA-256 of the PNG file; `scales` are known lengths in it."""

    camera: str
    path: Path
    width: int
    height: int
    covered: float
    checked_by: tuple[str, ...]
    approved_by: str
    approved_ms: int
    digest: str
    scales: tuple[Scale, ...] = ()

    @property
    def record(self) -> Path:
        """The JSON file beside the picture."""
        return self.path.with_suffix(".json")


def path_of(folder: Path, camera: str) -> Path:
    """The path of a camera's background: letters of its name for people, and a hash that makes it unique."""
    letters = re.sub(r"[^a-z0-9]+", "-", camera.lower()).strip("-")[:40]
    return folder / f"{letters or 'camera'}-{sha256(camera.encode()).hexdigest()[:8]}.png"


def approve(background: Background, png: bytes) -> Background:
    """Store an approved picture. Raises OutputError."""
    try:
        background.path.parent.mkdir(exist_ok=True)
    except OSError as error:
        raise OutputError(f"{background.path.parent}: could not be made: {error.strerror or error}") from None
    stored = replace(background, digest=sha256(png).hexdigest())
    files.write(stored.path, png)
    _save(stored)
    return stored


def with_scales(background: Background, scales: Sequence[Scale]) -> Background:
    """Store the known lengths of a background, whose picture stays as it is. Raises OutputError."""
    changed = replace(background, scales=tuple(scales))
    _save(changed)
    return changed


def find(folder: Path, camera: str) -> Background | None:
    """The approved background of a camera; None if there is none, or if its file was changed since."""
    path = path_of(folder, camera)
    try:
        background = _from_json(path.with_suffix(".json").read_text("utf-8"), path)
        if background.camera != camera or sha256(path.read_bytes()).hexdigest() != background.digest:
            return None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return background


def change_of(camera: str, plan: str) -> Change:
    """The change of the site file that shows a background on the public page; `plan` is its path there."""

    def change(root: CommentedMap) -> None:
        mapping_at(root, "cameras", camera)["plan"] = plan

    return change


def _save(background: Background) -> None:
    files.write(background.record, _to_json(background))


def _to_json(background: Background) -> str:
    """The keys of the file are older than the names of the fields, and stay as they are."""
    document = asdict(background)
    document["path"] = background.path.name
    document["looked"] = document.pop("checked_by")
    return json.dumps(document, indent=1) + "\n"


def _from_json(text: str, path: Path) -> Background:
    document: dict[str, Any] = json.loads(text)
    scales = tuple(Scale(tuple(s["start"]), tuple(s["end"]), s["metres"]) for s in document.pop("scales"))
    checked_by = tuple(document.pop("looked"))
    return Background(**{**document, "path": path, "checked_by": checked_by, "scales": scales})
