"""`passerby verify` from end to end: a recording in, a picture, a page, a truth and a report out.

Invariant: every output is read back by what will read it.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import av
import httpx
import numpy as np
import pytest
from PIL import Image

from passerby.evaluation import truth_file

pytestmark = pytest.mark.process

# The commands run in other folders than the checkout.
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src")}
LINE = ("--line", "mid=0.5,0:0.5,1", "--detector", "motion", "--anchor", "centre", "--quiet")


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve seconds in which two dark boxes go to the left, one after the other: to_right of a line drawn down."""
    path = tmp_path_factory.mktemp("verify") / "street.mp4"
    with av.open(path, "w") as container:
        stream = container.add_stream("mpeg4", rate=12)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        for number in range(144):
            picture = np.full((180, 320, 3), 150, np.uint8)
            for at_s in (3.0, 8.0):
                x = round(160 - (number / 12 - at_s) * 80)
                picture[70:110, max(0, x - 30) : max(0, x + 30)] = 40
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def passerby(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "passerby", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env=ENVIRONMENT,
    )


@contextmanager
def served(arguments: Sequence[str], cwd: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A running command that serves, and its address; it is killed at the end of the block."""
    with subprocess.Popen(
        [sys.executable, "-m", "passerby", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=cwd,
        env=ENVIRONMENT,
    ) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


def test_a_picture_is_written_by_default(recording: Path, tmp_path: Path) -> None:
    done = passerby("verify", recording, *LINE, cwd=tmp_path)

    assert (done.returncode, done.stdout) == (0, "street-slice.png\n"), done.stderr
    with Image.open(tmp_path / "street-slice.png") as picture:
        assert picture.size[0] == 1600
    assert [path.name for path in tmp_path.iterdir()] == ["street-slice.png"]


def test_a_check_that_is_killed_loses_nothing(recording: Path, tmp_path: Path) -> None:
    pytest.importorskip("uvicorn", reason="uvicorn is not installed: pip install 'passerby[web]'")
    saved_at, report = tmp_path / "checked.yaml", tmp_path / "report.html"
    command = ["verify", str(recording), *LINE, "--serve", "--truth", str(saved_at), "--report", str(report)]

    with served(command, tmp_path) as (process, page):
        assert page.startswith("http://127.0.0.1:")
        marks = httpx.get(f"{page}state").json()["lines"][0]["marks"]
        assert [mark["direction"] for mark in marks] == ["to_right", "to_right"]
        for click in (
            {"verdict": "wrong", "line": 0, "mark": 1},
            {"verdict": "checked", "line": 0, "row": 0},
        ):
            assert httpx.post(f"{page}clicks", json=click).status_code == 200
        process.send_signal(signal.SIGKILL)

    # The first of the two rows was checked, and there only one truly crossed.
    (clip,) = truth_file.load(saved_at, recording.parent).clips
    assert sum(clip.lines[0].crossed["to_right"].values()) == 1
    assert [(span.start_ms, span.end_ms) for span in clip.lines[0].within or ()] == [(0, 10_000)]

    with served(command, tmp_path) as (process, page):
        lines = httpx.get(f"{page}state").json()["lines"]
        assert [mark["verdict"] for mark in lines[0]["marks"]] == [None, "wrong"]
        assert httpx.post(f"{page}finish", json={}).status_code == 200
        rest, errors = process.communicate()
        assert (process.returncode, rest.split(), errors) == (0, [str(saved_at), str(report)], "")
    assert "0:00:10 of 0:00:12 were checked" in report.read_text()

    done = passerby("evaluate", saved_at, "--clips", recording.parent, "--detector", "motion", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    # One true, one over: the count makes the same error again.
    assert "0.000" in done.stdout


def test_ctrl_c_is_a_way_to_finish(recording: Path, tmp_path: Path) -> None:
    pytest.importorskip("uvicorn", reason="uvicorn is not installed: pip install 'passerby[web]'")
    report = tmp_path / "report.html"
    command = ["verify", str(recording), *LINE, "--serve", "--report", str(report)]
    with served(command, tmp_path) as (process, page):
        assert httpx.get(page).status_code == 200
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate()
        assert (process.returncode, rest.strip(), errors) == (0, str(report), "")

    assert "Nothing is checked yet" in report.read_text()
    assert not recording.with_name("street.truth.yaml").exists()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("street.mp4",), "no line to count at"),
        (("street.mp4", "--line", "mid=0,0:2,2"), "line 'mid'"),
        (("nowhere.mp4", *LINE), "no such file"),
        (("street.mp4", *LINE, "--picture", "a.jpg"), "expected a name that ends in .png"),
        (("street.mp4", *LINE, "--report", "nowhere/a.html"), "nowhere"),
        (("street.mp4", *LINE, "--report", "street.mp4"), "the same file as VIDEO"),
        (
            ("street.mp4", *LINE, "--serve", "--truth", "a.png", "--picture", "a.png"),
            "the same file as --picture",
        ),
        (
            ("street.mp4", *LINE, "--report", "a.html", "--truth", "broken.yaml"),
            "broken.yaml:1: no valid YAML",
        ),
        (
            ("street.mp4", *LINE, "--report", "a.html", "--truth", "other.yaml"),
            "other.yaml: not written by verify",
        ),
        (("street.mp4", *LINE, "--serve", "--port", "70000"), "70000"),
    ],
)
def test_bad_input_is_one_line(
    recording: Path, tmp_path: Path, arguments: tuple[str, ...], expected: str
) -> None:
    os.link(recording, tmp_path / "street.mp4")
    (tmp_path / "broken.yaml").write_text("[")
    (tmp_path / "other.yaml").write_text(
        "street.mp4: {size: [320, 180], lines: {mid: {from: [160, 0], to: [160, 180], to_left: {}}}}"
    )
    before = sorted(tmp_path.iterdir())

    done = passerby("verify", *arguments, cwd=tmp_path)

    assert done.returncode == 2
    assert done.stdout == ""
    assert expected in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert sorted(tmp_path.iterdir()) == before
