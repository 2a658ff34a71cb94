"""Bad input gives a count, or one line with the file and the cause, exit code 2 and no half-written file.

Invariant: everything goes through the real command, in a process of its own.
"""

import json
import resource
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.sample_videos import sound, turned, walkers, write
from tests.unprivileged import closed_to_root

pytestmark = pytest.mark.process

LINE = "gate=0.5,0:0.5,1"
FAST_START = {"movflags": "+faststart"}
Ended = subprocess.CompletedProcess[str]


def count(video: Path, *words: str | Path, before: Sequence[str] = (), **options: Any) -> Ended:
    return subprocess.run(
        [
            *before,
            *(sys.executable, "-m", "passerby", "count", video, "--timezone", "UTC"),
            *(words if "--line" in words else ("--line", LINE, *words)),
            *(() if "--detector" in words else ("--detector", "motion")),
        ],
        capture_output=True,
        text=True,
        check=False,
        **options,
    )


def refused(ended: Ended, *told: str) -> str:
    """One line with all of `told`, exit code 2 and nothing on standard output."""
    assert (ended.returncode, ended.stdout) == (2, ""), ended.stderr
    [line] = ended.stderr.splitlines()
    assert line.startswith("passerby: ")
    for text in told:
        assert text in line
    return line


def counted(ended: Ended) -> dict[str, Any]:
    assert ended.returncode == 0, ended.stderr
    assert all(line.startswith("passerby: warning: ") for line in ended.stderr.splitlines()), ended.stderr
    found = json.loads(ended.stdout)
    assert isinstance(found, dict)
    return found


def total(found: dict[str, Any]) -> int:
    return sum(row["count"] for row in found["totals"])


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve seconds, three who pass, and all that a player must know at its beginning."""
    return write(tmp_path_factory.mktemp("good") / "street.mp4", walkers(12), options=FAST_START)


# What is no video


def _text(path: Path) -> None:
    path.write_text("No video, but a letter about one.\n" * 100)


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _noise(path: Path) -> None:
    path.write_bytes(np.random.default_rng(5).bytes(100_000))


def _sound(path: Path) -> None:
    sound(path)


def _no_frames(path: Path) -> None:
    write(path, walkers(1), options=FAST_START)
    content = path.read_bytes()
    # All that describes the pictures, and none of them.
    path.write_bytes(content[: content.index(b"mdat") + 4])


def _moov_is_missing(path: Path) -> None:
    write(path, walkers(4))
    content = path.read_bytes()
    path.write_bytes(content[: content.index(b"moov") - 4])


def _header_alone(path: Path) -> None:
    write(path, walkers(1))
    path.write_bytes(path.read_bytes()[:24])


@pytest.mark.parametrize(
    ("make", "cause"),
    [
        (None, "no such file"),
        (_empty, "is empty"),
        (_text, "cannot be read as a video"),
        (_noise, "cannot be read as a video"),
        (_sound, "no video track (found: audio)"),
        (_no_frames, "no frame in it can be decoded"),
        (_moov_is_missing, "cannot be read as a video"),
        (_header_alone, "cannot be read as a video"),
    ],
)
def test_a_file_that_is_no_video_is_refused_with_its_name_and_the_cause(
    tmp_path: Path, make: Callable[[Path], object] | None, cause: str
) -> None:
    path, out = tmp_path / "street.mp4", tmp_path / "out.csv"
    if make is not None:
        make(path)
    picture = tmp_path / "out.png"
    refused(count(path, "--format", "csv", "--out", out, "--picture", picture), "street.mp4: ", cause)
    assert [one.name for one in tmp_path.iterdir()] == (["street.mp4"] if make else [])


def test_a_folder_without_a_recording_is_refused(tmp_path: Path) -> None:
    refused(
        count(tmp_path, "--format", "csv", "--out", tmp_path / "out.csv"), f"{tmp_path}: ", "no recording"
    )
    assert not list(tmp_path.iterdir())


def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path, good: Path) -> None:
    path = tmp_path / "street.mp4"
    path.write_bytes(good.read_bytes())
    path.chmod(0)
    refused(count(path, before=closed_to_root()), "street.mp4: ", "permission denied")


# What is damaged


@pytest.mark.parametrize("share", [0.35, 0.7])
def test_the_rest_of_a_cut_file_is_counted_with_a_warning_and_its_coverage(
    tmp_path: Path, good: Path, share: float
) -> None:
    content = good.read_bytes()
    path = tmp_path / "street.mp4"
    begin = content.index(b"mdat") + 4
    path.write_bytes(content[: begin + round((len(content) - begin) * share)])
    ended = count(path, "--format", "json", "--bin", "1s", "--start", "2024-06-01T12:00:00Z")
    found = counted(ended)

    assert "street.mp4" in ended.stderr
    assert "of the 12.0 s" in ended.stderr
    assert found["warnings"]
    assert found["duration_s"] == pytest.approx(12, abs=0.2)
    assert 0.6 * share < found["frames"] / 120 < 1.4 * share
    coverage = [row["coverage"] for row in found["bins"] if row["label"] == found["bins"][0]["label"]][::2]
    assert (coverage[0], coverage[-1]) == (1, 0)
    assert sum(coverage) == pytest.approx(found["frames"] / 10, abs=0.3)
    assert 0 < total(found) <= 3


@pytest.mark.parametrize("suffix", [".mkv", ".ts", ".avi"])
def test_a_cut_file_of_another_container_is_counted(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path / f"street{suffix}", walkers(12))
    path.write_bytes(path.read_bytes()[: round(path.stat().st_size * 0.6)])
    found = counted(count(path, "--format", "json"))

    assert 40 < found["frames"] < 100
    assert 0 < total(found) <= 3


@pytest.mark.parametrize("seed", range(4))
def test_flipped_bits_are_counted_around_or_refused(tmp_path: Path, good: Path, seed: int) -> None:
    """Even seeds: anywhere in the file; odd ones: in the pictures alone."""
    content = bytearray(good.read_bytes())
    dice = np.random.default_rng(seed)
    first = 0 if seed % 2 == 0 else content.index(b"mdat") + 4
    for place in dice.integers(first, len(content), 30).tolist():
        content[place] ^= 1 << int(dice.integers(8))
    path, out = tmp_path / "street.mp4", tmp_path / "out.json"
    path.write_bytes(content)
    ended = count(path, "--format", "json", "--out", out)

    assert "Traceback" not in ended.stderr
    if ended.returncode == 2:
        refused(ended, "street.mp4: ")
        assert not out.exists()
    else:
        assert ended.returncode == 0
        found = json.loads(out.read_text())
        assert found["frames"] <= 130
        assert all(0 <= row["coverage"] <= 1 for row in found["bins"])
        assert found["duration_s"] < 48 * 3600
    assert {one.name for one in tmp_path.iterdir()} <= {"street.mp4", "out.json"}


def test_damaged_frames_are_reported(tmp_path: Path, good: Path) -> None:
    content = bytearray(good.read_bytes())
    begin = content.index(b"mdat") + 4
    middle = begin + (len(content) - begin) // 3
    content[middle : middle + 1_500] = bytes(1_500)
    path = tmp_path / "street.mp4"
    path.write_bytes(content)
    ended = count(path, "--format", "json")

    assert counted(ended)["frames"] > 60
    assert "street.mp4" in ended.stderr


# What is odd


@pytest.mark.parametrize(("width", "height"), [(8, 8), (16, 2), (7680, 4320)])
def test_tiny_and_huge_frames_are_counted(tmp_path: Path, width: int, height: int) -> None:
    huge = width > 1000
    images = walkers(0.3 if huge else 4, 10, width, height)
    path = write(tmp_path / "street.mp4", images, codec="mpeg4")
    found = counted(count(path, "--format", "json"))

    assert found["frames"] == (3 if huge else 40)


@pytest.mark.parametrize(
    ("times_ms", "frames"),
    [
        # One picture in half a minute; a thousand a second; ever faster; all at once, and then an hour.
        ([k * 30_000 for k in range(40)], 40),
        ([*range(40)], 40),
        ([round(4_000 * (k / 39) ** 0.5) for k in range(40)], 40),
        ([*range(39), 3_600_000], 40),
    ],
)
def test_odd_frame_rates_are_counted_in_the_time_of_the_file(
    tmp_path: Path, times_ms: list[int], frames: int
) -> None:
    path = write(tmp_path / "street.mkv", walkers(4), times_ms=times_ms)
    found = counted(count(path, "--format", "json"))

    assert found["frames"] == frames
    assert found["duration_s"] == pytest.approx(times_ms[-1] / 1000, rel=0.2, abs=60)
    assert total(found) <= 1
    assert all(0 <= row["coverage"] <= 1 for row in found["bins"])


@pytest.mark.parametrize("rate", [1, 1000])
def test_a_header_of_an_absurd_rate_is_counted(tmp_path: Path, rate: int) -> None:
    path = write(tmp_path / "street.mp4", walkers(4), rate=rate)
    found = counted(count(path, "--format", "json"))

    assert found["frames"] == 40
    assert found["duration_s"] == pytest.approx(40 / rate, rel=0.05)


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_phone_held_upright_is_counted_as_it_is_shown(tmp_path: Path, quarters: int) -> None:
    """They walk to the right in the picture as shown; it is stored turned the other way."""
    stored = [np.ascontiguousarray(np.rot90(image, quarters)) for image in walkers(4, 10, 180, 320)]
    path = turned(write(tmp_path / "phone.mp4", stored), quarters)
    found = counted(count(path, "--format", "json"))

    assert {row["direction"]: row["count"] for row in found["totals"] if row["count"]} == {"to_left": 1}


# Lines, classes, models


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--line", "gate=0.5,0:0.5,1.2"), ("'gate'", "outside the frame")),
        (("--line", "gate=160,0:160,400", "--pixels"), ("'gate'", "outside the frame of 320x180")),
        (("--line", "gate=0.5,0.5:0.5,0.5"), ("'gate'", "no length")),
        (("--line", "gate=0,0:1,1", "--line", "gate=1,0:0,1"), ("'gate'", "two lines have this name")),
        (("--count", "person,unicorn"), ("'unicorn'", "is no class")),
        (("--detector", "no-such-model"), ("no-such-model: ", "no such model")),
    ],
)
def test_values_that_cannot_be_meant_are_refused_before_anything_is_written(
    tmp_path: Path, good: Path, words: tuple[str, ...], told: tuple[str, ...]
) -> None:
    out = tmp_path / "out.csv"
    refused(count(good, *words, "--format", "csv", "--out", out), *told)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("suffix", "content"), [(".onnx", b""), (".onnx", b"no network\n"), (".xml", b"<no-network/>\n")]
)
def test_a_file_that_is_no_model_is_refused(tmp_path: Path, good: Path, suffix: str, content: bytes) -> None:
    model, out = tmp_path / f"model{suffix}", tmp_path / "out.csv"
    model.write_bytes(content)
    refused(count(good, "--detector", str(model), "--format", "csv", "--out", out), model.name)
    assert not out.exists()


# A full disk


def _no_room() -> None:
    """Nothing that this process writes to a file can be kept."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


@pytest.mark.parametrize("format_", ["json", "csv", "parquet", "xlsx"])
def test_a_full_disk_leaves_the_old_file(tmp_path: Path, good: Path, format_: str) -> None:
    out = tmp_path / f"counts.{format_}"
    out.write_text("yesterday's counts")
    refused(
        count(good, "--format", format_, "--out", out, preexec_fn=_no_room), out.name, "could not be written"
    )
    assert out.read_text() == "yesterday's counts"
    assert [one.name for one in tmp_path.iterdir()] == [out.name]


def test_a_full_disk_has_no_half_written_picture(tmp_path: Path, good: Path) -> None:
    picture = tmp_path / "counts.png"
    refused(count(good, "--picture", picture, preexec_fn=_no_room), "counts.png", "could not be written")
    assert list(tmp_path.iterdir()) == []
