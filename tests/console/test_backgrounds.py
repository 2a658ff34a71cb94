"""Approved backgrounds: frozen, found by a camera's name, and worth nothing when somebody changed them.

Invariant: names that would lead out of the folder are tried, and the folder's surroundings looked at.
"""

from pathlib import Path

import pytest

from passerby.console import backgrounds
from passerby.console.backgrounds import Background
from passerby.console.preview import Scale

PNG = b"\x89PNG of a street"


def background(folder: Path, camera: str) -> Background:
    path = backgrounds.path_of(folder, camera)
    return Background(camera, path, 640, 360, 0.01, ("yolox_nano",), "Ada", 1_790_000_000_000, "")


def test_what_was_approved_is_found_again(tmp_path: Path) -> None:
    folder = tmp_path / "backgrounds"
    frozen = backgrounds.approve(background(folder, "north"), PNG)
    known = backgrounds.with_scales(frozen, [Scale((0.1, 0.2), (0.3, 0.4), 4.5)])

    assert backgrounds.find(folder, "north") == known
    assert known.path.read_bytes() == PNG
    assert backgrounds.find(folder, "south") is None


def test_a_background_that_somebody_changed_is_none(tmp_path: Path) -> None:
    frozen = backgrounds.approve(background(tmp_path, "north"), PNG)
    frozen.path.write_bytes(PNG + b"!")

    assert backgrounds.find(tmp_path, "north") is None


@pytest.mark.parametrize(
    "camera", ["../../etc/passwd", "/etc/passwd", "..", "a/b", "a\\b", "%2e%2e%2f", "Ø", "x" * 80]
)
def test_no_name_leads_out_of_the_folder(tmp_path: Path, camera: str) -> None:
    folder = tmp_path / "backgrounds"

    frozen = backgrounds.approve(background(folder, camera), PNG)

    assert frozen.path.resolve().parent == folder.resolve()
    assert backgrounds.find(folder, camera) == frozen
    assert {path.name for path in tmp_path.iterdir()} == {"backgrounds"}


def test_names_that_look_alike_are_different_cameras(tmp_path: Path) -> None:
    assert (
        backgrounds.path_of(tmp_path, "a b")
        != backgrounds.path_of(tmp_path, "a-b")
        != backgrounds.path_of(tmp_path, "A-b")
    )


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"scales": 1}', "\x00"])
def test_a_broken_file_beside_it_is_no_background(tmp_path: Path, text: str) -> None:
    frozen = backgrounds.approve(background(tmp_path, "north"), PNG)
    frozen.about.write_text(text)

    assert backgrounds.find(tmp_path, "north") is None
