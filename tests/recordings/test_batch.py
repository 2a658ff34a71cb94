"""A folder is counted as its recordings are, one by one; a fault in a recording affects no other."""

import csv
import io
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import polars as pl
import pytest
from click.testing import CliRunner, Result
from tests.sample_videos import walkers, write
from tests.tiers import not_possible

from passerby.cli import command
from passerby.counting.parameters import CountingParams
from passerby.domain.geometry import Line
from passerby.errors import SourceError
from passerby.io.sources import find
from passerby.recordings.batch import count_batch, totals_of
from passerby.recordings.checkpoint import Checkpoint
from passerby.recordings.plan import Method, plan_of
from passerby.recordings.progress import Progress
from passerby.recordings.settings import Runtime
from passerby.video import segments
from passerby.video.motion.background_subtraction import CELL_MS
from passerby.video.scheduling import incremental
from passerby.video.segments import Part

pytestmark = pytest.mark.process

A = TypeVar("A")
B = TypeVar("B")
LINE = "middle=0.5,0:0.5,1"
MIDDLE = Line("middle", (0.5, 0.0), (0.5, 1.0))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three recordings of one camera, of 1, 3 and 5 passers-by."""
    path = tmp_path_factory.mktemp("north")
    for number, seconds in enumerate((4, 12, 20)):
        write(path / f"north_20240601_12{number:02}00.mp4", walkers(seconds, width=160, height=90))
    return path


def run(*words: str | Path) -> Result:
    said = [str(word) for word in words]
    return CliRunner().invoke(command, ["count", *said, "--line", LINE, "--detector", "motion"])


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def numbers(result: Result) -> dict[str, Any]:
    """The document without what it cost."""
    found: dict[str, Any] = json.loads(result.stdout)
    for one in (found, *found.get("files", ())):
        del one["cost"]
    return found


# What is counted


def test_a_folder_is_one_table_over_its_recordings(folder: Path) -> None:
    result = run(folder, "--format", "csv", "--timezone", "UTC")
    rows = rows_of(result.stdout)

    assert result.exit_code == 0
    assert list(rows[0]) == [
        "file",
        "start",
        "end",
        "line",
        "direction",
        "class",
        "count",
        "coverage",
        "mark",
        "label",
    ]
    for path in sorted(folder.iterdir()):
        alone = rows_of(run(path, "--format", "csv", "--timezone", "UTC").stdout)
        mine = [
            {key: value for key, value in row.items() if key != "file"}
            for row in rows
            if row["file"] == str(path)
        ]
        assert [row for row in mine if row["count"] != "0"] == [row for row in alone if row["count"] != "0"]
    labels = {row["file"]: {other["class"] for other in rows if other["file"] == row["file"]} for row in rows}
    assert len(labels) == 3
    assert len({frozenset(one) for one in labels.values()}) == 1


def test_json_has_each_file_and_the_totals_of_all(folder: Path) -> None:
    found = numbers(run(folder, "--format", "json", "--timezone", "UTC"))
    alone = [numbers(run(path, "--format", "json", "--timezone", "UTC")) for path in sorted(folder.iterdir())]

    assert list(found) == ["files", "totals", "problems"]
    assert [one["video"] for one in found["files"]] == [str(path) for path in sorted(folder.iterdir())]
    assert [one["frames"] for one in found["files"]] == [one["frames"] for one in alone]
    total = sum(row["count"] for row in found["totals"])
    assert total == sum(row["count"] for one in alone for row in one["totals"])
    assert total >= 8


def test_parquet_and_the_table_say_the_same(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "counts.parquet"
    assert run(folder, "--format", "parquet", "--out", out).exit_code == 0
    counted = int(pl.read_parquet(out)["count"].sum())
    text = run(folder).stdout

    assert pl.read_parquet(out).columns[0] == "file"
    assert counted >= 8
    assert "3 recordings" in text
    assert (
        sum(int(line.split()[-1]) for line in text.splitlines() if line.strip().startswith("middle"))
        == counted
    )


def test_any_number_of_processes_gives_the_same(folder: Path) -> None:
    assert numbers(run(folder, "--format", "json", "--jobs", "2")) == numbers(run(folder, "--format", "json"))


def test_a_pattern_and_named_files_are_several_too(folder: Path) -> None:
    named = sorted(folder.iterdir())
    everything = numbers(run(folder, "--format", "json"))
    assert numbers(run(f"{folder}/*.mp4", "--format", "json")) == everything
    assert numbers(run(*named, "--format", "json")) == everything
    assert len(numbers(run(f"{folder}/*_120000.mp4", "--format", "json"))["files"]) == 1


def test_urls_count_as_files_do(folder: Path) -> None:
    fsspec = pytest.importorskip("fsspec", reason="the extra `fleet` is not installed")
    for path in folder.iterdir():
        fsspec.filesystem("memory").pipe(f"/several/{path.name}", path.read_bytes())
    of_urls = numbers(run("memory://several/", "--format", "json", "--timezone", "UTC"))
    of_files = numbers(run(folder, "--format", "json", "--timezone", "UTC"))
    for one in (*of_urls["files"], *of_files["files"]):
        one["video"] = one["video"].rpartition("/")[2]
    assert of_urls == of_files
    one = numbers(run("memory://several/north_20240601_120100.mp4", "--format", "json", "--timezone", "UTC"))
    assert (
        one["totals"]
        == numbers(run(folder / "north_20240601_120100.mp4", "--format", "json", "--timezone", "UTC"))[
            "totals"
        ]
    )


# What cannot be read


@pytest.fixture
def broken(folder: Path, tmp_path: Path) -> Path:
    """The same folder with two more files, which are no recordings."""
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "north_20240601_1150.mp4").write_bytes(b"no video")
    (tmp_path / "north_20240601_1201_empty.mp4").touch()
    return tmp_path


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_unreadable_recording_is_named_once_and_the_others_are_counted(
    broken: Path, folder: Path, jobs: int
) -> None:
    result = run(broken, "--format", "json", "--jobs", str(jobs), "--quiet")
    found = json.loads(result.stdout)

    assert result.exit_code == 3
    assert len(result.stderr.splitlines()) == len(found["problems"]) == 2
    for name in ("north_20240601_1150.mp4", "north_20240601_1201_empty.mp4"):
        assert sum(name in line for line in result.stderr.splitlines()) == 1
    assert found["totals"] == json.loads(run(folder, "--format", "json").stdout)["totals"]


def test_where_nothing_can_be_read_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"no video")
    (tmp_path / "b.mp4").write_bytes(b"no video")
    result = run(tmp_path, "--format", "csv", "--out", tmp_path / "counts.csv")
    assert result.exit_code == 2
    assert not (tmp_path / "counts.csv").exists()


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_recording_that_is_taken_away_meanwhile_holds_up_no_other(broken: Path, jobs: int) -> None:
    """It was there when the work was planned, and is gone when its first span is asked for."""
    planned = partial(plan_of, method=Method((MIDDLE,), "motion"))
    found = find([f"{broken}/*00.mp4"])
    plans = {place: planned(place) for place in found}
    Path(str(found[1])).unlink()
    several = count_batch(found, plans.__getitem__, runtime=Runtime(jobs=jobs))

    assert [one.video for one in several.counts] == [str(found[0]), str(found[2])]
    assert len(several.problems) == 1
    assert found[1].name in several.problems[0]


# How far it is


def test_progress_covers_the_whole_job(folder: Path) -> None:
    told: list[Progress] = []
    count_batch(
        find([str(folder)]),
        partial(plan_of, method=Method((MIDDLE,), "motion")),
        progress=told.append,
    )
    done = [one.done_ms for one in told]
    assert done == sorted(done)
    assert {one.total_ms for one in told} == {36_000}
    assert done[-1] > 35_000


def test_totals_add_up(folder: Path) -> None:
    found = count_batch(find([str(folder)]), partial(plan_of, method=Method((MIDDLE,), "motion")))
    assert sum(row.count for row in totals_of(found.counts)) == sum(
        row.count for one in found.counts for row in one.bins
    )


# Taken up again


def test_only_the_part_that_is_left_is_counted(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    params = CountingParams(chunk_ms=4_000)
    planned = partial(plan_of, method=Method((MIDDLE,), "motion", params=params))
    monkeypatch.setattr(segments, "LONGEST_MS", 8_000)
    monkeypatch.setattr(incremental, "HELD_MS", CELL_MS)
    whole = count_batch(find([str(folder)]), planned)
    asked: list[Part] = []

    def noting(function: Callable[[A], B], parts: Iterable[A], /) -> Iterator[B]:
        for part in parts:
            if len(asked) == 4:
                raise KeyboardInterrupt
            assert isinstance(part, Part)
            asked.append(part)
            yield function(part)

    with Checkpoint(tmp_path / "a.resume") as kept, pytest.raises(KeyboardInterrupt):
        count_batch(find([str(folder)]), planned, runtime=Runtime(executor=noting), checkpoint=kept)
    asked.clear()
    with Checkpoint(tmp_path / "a.resume") as kept:
        again = count_batch(find([str(folder)]), planned, runtime=Runtime(executor=noting), checkpoint=kept)

    assert {part.task.recording.path.name for part in asked} == {"north_20240601_120200.mp4"}
    assert [part.again for part in asked] == [True, False, False]
    assert [(one.video, one.bins, one.totals, one.diagnostics) for one in again.counts] == [
        (one.video, one.bins, one.totals, one.diagnostics) for one in whole.counts
    ]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason=not_possible("there is no SIGKILL on Windows"))
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_killed_count_gives_the_same_bytes_when_it_is_resumed(tmp_path: Path, jobs: str) -> None:
    folder, out = tmp_path / "north", tmp_path / "counts.csv"
    folder.mkdir()
    for name, seconds in (("a_20240601_120000.mp4", 40), ("b_20240601_130000.mp4", 600)):
        write(folder / name, walkers(seconds, 5, 160, 90), rate=5, gop=50)
    resume = tmp_path / "counts.csv.resume"
    words = [sys.executable, "-m", "passerby", "count", str(folder), "--line", LINE, "--detector", "motion"]
    words += ["--format", "csv", "--out", str(out), "--timezone", "UTC", "--jobs", jobs]
    subprocess.run(words, check=True)
    expected = out.read_bytes()
    out.unlink()

    started = subprocess.Popen([*words, "--resume"])
    deadline = time.monotonic() + 120
    while not resume.exists() or resume.read_bytes().count(b"\n") < 2:
        assert started.poll() is None
        assert time.monotonic() < deadline, "nothing was kept"
        time.sleep(0.01)
    started.kill()
    started.wait()
    assert not out.exists()

    subprocess.run([*words, "--resume"], check=True)
    assert out.read_bytes() == expected
    assert sorted(path.name for path in tmp_path.iterdir()) == ["counts.csv", "north"]


def test_an_unreadable_recording_is_tried_again_and_the_others_are_not(broken: Path, tmp_path: Path) -> None:
    out = tmp_path / "out" / "counts.json"
    out.parent.mkdir()
    words = (broken, "--format", "json", "--out", out, "--resume")
    assert run(*words).exit_code == 3
    assert out.with_name("counts.json.resume").exists()
    for name in ("north_20240601_1150.mp4", "north_20240601_1201_empty.mp4"):
        (broken / name).write_bytes((broken / "north_20240601_120000.mp4").read_bytes())
    assert run(*words).exit_code == 0
    assert not out.with_name("counts.json.resume").exists()
    assert len(json.loads(out.read_text())["files"]) == 5


def test_a_source_error_of_all_names_each(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.mp4").touch()
    with pytest.raises(SourceError, match=r"a\.mp4: is empty.*\n.*b\.mp4: is empty"):
        count_batch(find([str(tmp_path)]), partial(plan_of, method=Method((MIDDLE,))))
