"""Approved backgrounds: stored, found by a camera's name, and not used after a change of the file.

Invariant: tests try names that would lead out of the folder, and check what is around it.
"""

from hashlib import sha256
from pathlib import Path

import pytest

from passerby.cli.console import _backgrounds_of
from passerby.console import backgrounds
from passerby.console.backgrounds import Background
from passerby.console.preview import Scale

PNG = b"\x89PNG of a street"


def background(folder: Path, camera: str) -> Background:
    path = backgrounds.path_of(folder, camera)
    return Background(camera, path, 640, 360, 0.01, ("yolox_nano",), "Ada", 1_790_000_000_000, "")


def test_an_approved_background_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "backgrounds"
    stored = backgrounds.approve(background(folder, "north"), PNG)
    changed = backgrounds.with_scales(stored, [Scale((0.1, 0.2), (0.3, 0.4), 4.5)])

    assert backgrounds.find(folder, "north") == changed
    assert changed.path.read_bytes() == PNG
    assert backgrounds.find(folder, "south") is None


def test_a_changed_picture_is_not_used(tmp_path: Path) -> None:
    stored = backgrounds.approve(background(tmp_path, "north"), PNG)
    stored.path.write_bytes(PNG + b"!")

    assert backgrounds.find(tmp_path, "north") is None


@pytest.mark.parametrize(
    "camera", ["../../etc/passwd", "/etc/passwd", "..", "a/b", "a\\b", "%2e%2e%2f", "Ø", "x" * 80]
)
def test_no_name_leads_out_of_the_folder(tmp_path: Path, camera: str) -> None:
    folder = tmp_path / "backgrounds"

    stored = backgrounds.approve(background(folder, camera), PNG)

    assert stored.path.resolve().parent == folder.resolve()
    assert backgrounds.find(folder, camera) == stored
    assert {path.name for path in tmp_path.iterdir()} == {"backgrounds"}


def test_names_that_look_alike_are_different_cameras(tmp_path: Path) -> None:
    assert (
        backgrounds.path_of(tmp_path, "a b")
        != backgrounds.path_of(tmp_path, "a-b")
        != backgrounds.path_of(tmp_path, "A-b")
    )


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"scales": 1}', "\x00"])
def test_a_background_with_an_invalid_record_is_not_used(tmp_path: Path, text: str) -> None:
    stored = backgrounds.approve(background(tmp_path, "north"), PNG)
    stored.record.write_text(text)

    assert backgrounds.find(tmp_path, "north") is None


def test_backgrounds_of_an_earlier_version_are_found(tmp_path: Path) -> None:
    folder = tmp_path / "plates"
    folder.mkdir()
    path = backgrounds.path_of(folder, "north")
    path.write_bytes(PNG)
    path.with_suffix(".json").write_text(
        f"""{{
 "camera": "north",
 "path": "{path.name}",
 "width": 640,
 "height": 360,
 "covered": 0.01,
 "looked": [
  "yolox_nano"
 ],
 "approved_by": "Ada",
 "approved_ms": 1790000000000,
 "digest": "{sha256(PNG).hexdigest()}",
 "scales": [
  {{
   "start": [0.1, 0.2],
   "end": [0.3, 0.4],
   "metres": 4.5
  }}
 ]
}}
"""
    )

    assert _backgrounds_of(tmp_path) == folder
    stored = backgrounds.find(folder, "north")
    assert stored is not None
    assert stored.path.read_bytes() == PNG
    assert (stored.checked_by, stored.approved_by) == (("yolox_nano",), "Ada")
    assert stored.scales == (Scale((0.1, 0.2), (0.3, 0.4), 4.5),)
    backgrounds.with_scales(stored, stored.scales)
    assert backgrounds.find(folder, "north") == stored


def test_a_new_site_has_a_folder_of_backgrounds(tmp_path: Path) -> None:
    assert _backgrounds_of(tmp_path) == tmp_path / "backgrounds"
