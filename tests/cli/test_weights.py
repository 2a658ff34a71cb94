"""The first count on a machine without weights fetches the default ones, and goes on without a network."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.sample_videos import walkers, write
from tests.video.detect.test_detr import scored

from passerby.cli import command
from passerby.models import download


@pytest.fixture(autouse=True)
def nothing_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PASSERBY_OFFLINE")
    monkeypatch.delenv("PASSERBY_MODEL_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the weights that were asked for; none of them can be had."""
    names: list[str] = []

    def refused(name: str, *_: object) -> str:
        names.append(name)
        return f"{name}: no network"

    monkeypatch.setattr(download, "pull_or_reason", refused)
    return names


def count(folder: Path, *words: str) -> Result:
    path = folder / "street.mp4"
    write(path, walkers(30))
    return CliRunner().invoke(command, ["count", str(path), "--line", "m=0.5,0:0.5,1", "--quiet", *words])


def test_a_count_asks_for_the_default_weights_and_goes_on_without(tmp_path: Path, asked: list[str]) -> None:
    result = count(tmp_path)
    assert (result.exit_code, asked) == (0, ["yolox_nano"])
    first, second, *_ = result.stderr.splitlines()
    assert first == (
        "passerby: no detector is installed: fetching yolox_nano from github.com, 3.7 MB, Apache-2.0"
    )
    assert second == "passerby: counting by motion alone: yolox_nano: no network"


@pytest.mark.parametrize("words", [["--offline"], ["--detector", "motion"]])
def test_nothing_is_fetched_offline_or_for_motion(tmp_path: Path, asked: list[str], words: list[str]) -> None:
    result = count(tmp_path, *words)
    assert (result.exit_code, asked) == (0, [])
    assert "fetching" not in result.stderr


def test_the_environment_refuses_too(
    tmp_path: Path, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PASSERBY_OFFLINE", "1")
    assert (count(tmp_path).exit_code, asked) == (0, [])


def test_weights_that_are_there_are_not_fetched(tmp_path: Path, asked: list[str]) -> None:
    (tmp_path / "yolox_nano.onnx").touch()
    result = count(tmp_path, "--model-dir", str(tmp_path))
    assert (result.exit_code, asked) == (0, [])


def test_a_file_of_a_known_layout_is_kept_and_another_is_not(tmp_path: Path) -> None:
    file, kept = scored(tmp_path / "mine.onnx"), tmp_path / "kept"
    words = ["models", "add", str(file), "--model-dir", str(kept)]
    result = CliRunner().invoke(command, words)
    assert result.exit_code == 0, result.stderr
    assert "layout detr" in result.stdout
    assert (kept / "mine.onnx").read_bytes() == file.read_bytes()
    (tmp_path / "no.onnx").write_bytes(b"no model")
    result = CliRunner().invoke(command, ["models", "add", str(tmp_path / "no.onnx")])
    assert (result.exit_code, len(result.stderr.splitlines())) == (2, 1)
