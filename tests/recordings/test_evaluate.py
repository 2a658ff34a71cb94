"""`passerby evaluate` from end to end, on a made-up recording of known truth and on files with mistakes.

Invariant: every mistake is reported at once, a line each, before anything is counted.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

from passerby.errors import TruthError
from passerby.recordings.evaluate import evaluate as evaluate_clips
from passerby.recordings.progress import Progress

# The commands run in other folders than the checkout.
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src")}
GOOD = """\
street.mp4:
  size: [320, 180]
  fps: 12
  lines:
    mid: {from: [160, 0], to: [160, 180], anchor: centre, to_right: {vehicle: 2}, to_left: {}}
    far: {from: [40, 0], to: [40, 180], anchor: centre, to_right: {car: 1}, to_left: {}}
"""


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten seconds in which two dark boxes go to the left, the second of which stops before x = 60 px."""
    folder = tmp_path_factory.mktemp("clips")
    with av.open(folder / "street.mp4", "w") as container:
        stream = container.add_stream("mpeg4", rate=12)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        for number in range(120):
            picture = np.full((180, 320, 3), 150, np.uint8)
            for at_s, stops_at in ((3.0, -100), (6.0, 100)):
                x = max(stops_at, round(160 - (number / 12 - at_s) * 80))
                picture[70:110, max(0, x - 30) : max(0, x + 30)] = 40
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    (folder / "good.yaml").write_text(GOOD)
    return folder


def evaluate(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "passerby", "evaluate", *map(str, arguments), "--detector", "motion"]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd, env=ENVIRONMENT)


def test_counted_beside_true(clips: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere.yaml").write_text(GOOD)

    done = evaluate(tmp_path / "elsewhere.yaml", "--clips", clips, "--format", "json", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [
        (row["line"], row["label"], row["true"], row["missed"], row["over"]) for row in found["rows"]
    ] == [
        ("mid", "vehicle", 2, 0, 0),
        ("far", "car", 1, 0, 0),
    ]
    assert found["accuracy"] == found["clips"][0]["summary"]["accuracy"] == 1
    assert found["detector"] == "motion"


def test_progress_is_that_of_all_clips(clips: Path) -> None:
    told: list[Progress] = []

    evaluate_clips(clips / "good.yaml", detector="motion", progress=told.append)

    done = [progress.done_ms for progress in told]
    assert done == sorted(done)
    assert {progress.total_ms for progress in told} == {10_000}


def test_every_mistake_is_reported_at_once(clips: Path, tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(
        GOOD.replace("vehicle: 2", "vehicle: -2").replace("to: [40, 180]", "to: [40, 181]")
        + "nowhere.mp4:\n  size: [1, 1]\n  lines: {a: {from: [0, 0], to: [1, 1], to_left: {dog: 1}}}\n"
    )

    done = evaluate(path, "--clips", clips, cwd=tmp_path)

    assert (done.returncode, done.stdout) == (2, "")
    told = done.stderr.splitlines()
    assert [line.split(": ")[1].removeprefix(f"{path}:") for line in told] == ["5", "6", "7", "9"]
    assert "found -2, expected a whole number" in told[0]
    assert "lies outside the frame of 320x180 pixels" in told[1]
    assert "found no such clip" in told[2]
    assert "dog: found a key that is not known" in told[3]


def test_clips_that_differ_from_the_truth_are_reported_together(clips: Path) -> None:
    (clips / "text.mp4").write_text("no video")
    path = clips / "bad.yaml"
    path.write_text(GOOD.replace("[320, 180]", "[640, 360]") + GOOD.replace("street", "text"))

    with pytest.raises(TruthError) as raised:
        evaluate_clips(path, detector="motion")

    size, broken = raised.value.problems
    assert size == f"{path}:1: street.mp4: found a size of 640x360 px, expected 320x180, as the file has"
    assert broken.startswith(f"{path}:7: text.mp4: cannot be counted: ")


def test_a_clip_with_nothing_true_has_no_accuracy(clips: Path, tmp_path: Path) -> None:
    path = tmp_path / "none.yaml"
    path.write_text(
        "street.mp4: {size: [320, 180], lines: {top: {from: [0, 5], to: [320, 5], to_left: {}, to_right: {}}}}"
    )

    assert evaluate_clips(path, clips, detector="motion").accuracy is None
    assert evaluate(path, "--clips", clips, cwd=tmp_path).returncode == 0
