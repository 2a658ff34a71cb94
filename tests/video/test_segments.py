"""The parts of a recording, detected by several processes, have the detections of one pass."""

import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sample_videos import walkers, write
from tests.tiers import not_possible

from passerby import synth
from passerby.counting.counts import Cost, Counts
from passerby.domain.geometry import Line
from passerby.recordings.counter import count
from passerby.video.motion.background_subtraction import CELL_MS
from passerby.video.observe import Observed, Reading, Recording, RecordingObservation, probe, setup_for
from passerby.video.scheduling.incremental import HELD_MS
from passerby.video.segments import LONGEST_MS, JoinedParts, Part, Task, detect_part, parts_of

pytestmark = pytest.mark.process

START = "2024-06-01T12:00:01.234Z"
START_MS = 1_717_243_201_234
MIDDLE = Line("middle", (0.5, 0.0), (0.5, 1.0))
STREET = synth.Street(seed=3, width=320, height=180, fps=25, duration_s=26)
NO_COST = Cost(0, 0, 0, 0, 0, 0)


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("street") / "street.mp4"
    synth.write(STREET, path)
    return path


def counted(video: Path, jobs: int, detector: str = "motion", **options: Any) -> Counts:
    lines = options.pop("lines", synth.lines(STREET))
    found = count(
        video, lines, jobs=jobs, detector=detector, timezone="UTC", start=START, bin_ms=60_000, **options
    )
    return replace(found, cost=NO_COST)


def task_of(recording: Recording, start_ms: int = START_MS) -> Task:
    return Task(recording, start_ms, (MIDDLE,), 0.4, "motion", None)


def parts_for(video: Path, jobs: int) -> list[Part]:
    return parts_of(task_of(probe(video)), jobs)


def seen(video: Path, parts: Sequence[Part] | None) -> tuple[list[Any], Reading]:
    """All that motion sees, as plain values; in one go where there are no parts."""
    recording = probe(video)
    observed: Observed
    if parts is None:
        setup = setup_for(recording, [MIDDLE], 0.4, (), True)
        observed = RecordingObservation(recording, START_MS, None, setup)
    else:
        observed = JoinedParts(parts, map(detect_part, parts), Reading())
    plain = [(one.time_ms, one.xyxy.tobytes(), one.class_id.tobytes()) for one in observed]
    return plain, observed.reading


# Where it is cut


@given(
    start_ms=st.integers(0, 2 * 10**12),
    duration_ms=st.integers(1, 10**8),
    jobs=st.integers(2, 9),
)
def test_parts_meet_cover_everything_and_are_cut_between_cells(
    start_ms: int, duration_ms: int, jobs: int
) -> None:
    recording = Recording(Path("street.mp4"), 320, 180, 25, duration_ms, None, "h264", 0, 0)
    spans = [part.span for part in parts_of(task_of(recording, start_ms), jobs)]
    assert spans[0].start_ms == start_ms
    assert spans[-1].end_ms > start_ms + duration_ms
    for span, following in itertools.pairwise(spans):
        assert span.end_ms == following.start_ms
        assert span.end_ms % HELD_MS == span.end_ms % CELL_MS == 0
        assert span.duration_ms <= LONGEST_MS + HELD_MS


def test_a_recording_that_cannot_be_cut_is_one_part() -> None:
    recording = Recording(Path("street.mp4"), 320, 180, 25, 60_000, None, "h264", 0, 0)
    assert len(parts_of(task_of(recording), 2)) == 2
    assert len(parts_of(task_of(recording), 1)) == 1
    assert len(parts_of(task_of(replace(recording, has_times=False)), 2)) == 1
    assert len(parts_of(task_of(replace(recording, duration_ms=0)), 2)) == 1


# What is seen


@pytest.mark.parametrize("jobs", [2, 5])
@pytest.mark.parametrize("gop", [7, 250])
def test_parts_have_to_the_byte_the_detections_of_one_pass(tmp_path: Path, jobs: int, gop: int) -> None:
    """Of a recording whose last frame opens no tick, and with pictures in another order than they are shown."""
    path = write(
        tmp_path / "street.mp4", walkers(24.06, rate=50), rate=50, gop=gop, options={"movflags": "faststart"}
    )
    whole, read = seen(path, None)
    parts, read_in_parts = seen(path, parts_for(path, jobs))
    assert len(whole) > 250
    assert parts == whole
    assert read_in_parts == replace(read, ended=True)
    assert any(len(xyxy) for _, xyxy, _ in whole)


def test_a_camera_that_was_lost_in_between_covers_the_same(tmp_path: Path) -> None:
    times = [*range(0, 9_000, 100), *range(30_000, 45_000, 100)]
    path = write(tmp_path / "street.mkv", walkers(24), times_ms=times)
    whole, read = seen(path, None)
    parts, read_in_parts = seen(path, parts_for(path, 4))
    assert parts == whole
    assert read_in_parts.covered == read.covered
    assert len(read.covered) == 2


def test_parts_of_a_damaged_recording_have_the_same_detections(tmp_path: Path) -> None:
    path = write(tmp_path / "street.mkv", walkers(24), gop=20)
    content = bytearray(path.read_bytes())
    dice = np.random.default_rng(5)
    for at in dice.integers(len(content) // 3, len(content) * 2 // 3, 60):
        content[at] ^= 255
    path.write_bytes(content)
    whole, read = seen(path, None)
    assert read.doubtful
    parts, read_in_parts = seen(path, parts_for(path, 3))
    assert parts == whole
    assert (read_in_parts.frames, read_in_parts.damaged, read_in_parts.problems, read_in_parts.end_ms) == (
        read.frames,
        read.damaged,
        read.problems,
        read.end_ms,
    )


def test_a_recording_that_ends_early_has_the_same_warnings(tmp_path: Path) -> None:
    path = write(tmp_path / "street.mkv", walkers(40), gop=20)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    one, two = counted(path, 1, lines=[MIDDLE]), counted(path, 2, lines=[MIDDLE])
    assert one.warnings
    assert two == one


# In processes


@pytest.fixture(scope="module")
def whole(street: Path) -> Counts:
    return counted(street, 1)


def test_counts_of_processes_are_those_of_one(street: Path, whole: Counts) -> None:
    assert len(whole.crossings) >= 3
    assert counted(street, 2) == whole


def test_the_same_with_a_network(street: Path, shared_models: Path) -> None:
    one, two = (counted(street, jobs, "yolox_nano", model_dir=shared_models) for jobs in (1, 2))
    assert one.crossings
    assert two == one


def test_a_picture_is_the_same(street: Path, tmp_path: Path, shared_models: Path) -> None:
    paths = [tmp_path / f"{jobs}.png" for jobs in (1, 2)]
    for jobs, path in enumerate(paths, 1):
        counted(street, jobs, picture=path, model_dir=shared_models)
    assert paths[0].read_bytes() == paths[1].read_bytes()


# How it ends


def children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(one) for one in found] + [child for one in found for child in children(int(one))]


def is_worker(pid: int) -> bool:
    return b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()


@pytest.mark.skipif(sys.platform != "linux", reason=not_possible("processes are found in /proc"))
@pytest.mark.parametrize("of", ["ctrl-c", "worker", "parent"])
def test_no_process_and_no_file_is_left_behind_when_stopped(tmp_path: Path, of: str) -> None:
    path = tmp_path / "street.mp4"
    write(path, walkers(240))
    out = tmp_path / "counts.csv"
    command = [sys.executable, "-m", "passerby", "count", str(path), "--line", "middle=0.5,0:0.5,1"]
    command += ["--detector", "motion", "--jobs", "2", "--format", "csv", "--out", str(out), "--quiet"]
    run = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    started: list[int] = []
    deadline = time.monotonic() + 60
    while sum(map(is_worker, started)) < 2:
        assert run.poll() is None, run.stderr.read() if run.stderr else ""
        assert time.monotonic() < deadline, "no workers were started"
        time.sleep(0.02)
        started = children(run.pid)
    if of == "ctrl-c":
        # A terminal sends it to all of them, and they may just be loading.
        os.killpg(run.pid, signal.SIGINT)
    else:
        os.kill(run.pid if of == "parent" else next(filter(is_worker, started)), signal.SIGKILL)
    _, told = run.communicate(timeout=60)

    assert run.returncode == {"ctrl-c": 130, "worker": 0, "parent": -signal.SIGKILL}[of]
    if of != "parent":
        assert told.strip() == ""
    while any(Path(f"/proc/{pid}").exists() for pid in started):
        assert time.monotonic() < deadline, "a worker was left behind"
        time.sleep(0.02)
    assert sorted(tmp_path.iterdir()) == ([out, path] if of == "worker" else [path])
