"""The command line: options, output and exit codes.

Invariant: exit codes are those of a real process; a mistake is one line on standard error and no traceback.
"""

import csv
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from datetime import datetime
from pathlib import Path
from typing import Any

import av
import numpy as np
import openpyxl
import polars as pl
import pytest
from click.testing import CliRunner, Result
from tests.tiers import not_possible

from passerby.cli import command
from passerby.cli.progress import speed_text
from passerby.cli.show import table, to_text
from passerby.domain.labels import Label

LINE = "gate=0.5,0:0.5,1"
MISSING = "no-such.mp4"


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(command, [str(word) for word in words], prog_name="passerby")


def run_process(*words: str | Path, **options: Any) -> "subprocess.CompletedProcess[str]":
    """As a user runs it; the words name files absolutely."""
    return subprocess.run(
        [sys.executable, "-m", "passerby", *words], capture_output=True, text=True, check=False, **options
    )


def make_recording(path: Path, seconds: int = 4) -> Path:
    """Something dark, of a person's shape, goes from left to right, once every four seconds."""
    with av.open(path, "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        for number in range(seconds * 10):
            image = np.full((180, 320, 3), 160, np.uint8)
            left = number % 40 * 8
            image[80:140, left : left + 24] = 30
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
    return path


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_recording(tmp_path_factory.mktemp("recordings") / "2023-11-18_14-14-58.mp4")


def write_site(path: Path, lines: str, extra: str = "") -> Path:
    path.write_text(
        "site: {name: quay, timezone: Asia/Kathmandu}\n"
        f"cameras:\n  north:\n    detector: motion\n    lines: {lines}\n{extra}"
    )
    return path


# Mistakes that are told before anything is counted


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["count", MISSING], "no line to count at"),
        (["count", MISSING, "--line", "0,0:1,1"], "NAME=X1,Y1:X2,Y2"),
        (["count", MISSING, "--line", "a=0,0:0,0"], "'a': it has no length"),
        (["count", MISSING, "--line", "a=0,0:2,2"], "'a': the point 2,2 lies outside"),
        (["count", MISSING, "--line", LINE, "--line", LINE], "two lines have this name"),
        (["count", MISSING, "--line", LINE, "--bin", "7m"], "a bin of '7m'"),
        (["count", MISSING, "--line", LINE, "--bin", "x"], "'x' is no duration"),
        (["count", MISSING, "--line", LINE, "--count", "person,dog"], "'dog' is no class"),
        (["count", MISSING, "--line", LINE, "--count", ""], "'' is no class"),
        (["count", MISSING, "--line", LINE, "--corridor", "wide"], "--corridor 'wide'"),
        (["count", MISSING, "--line", LINE, "--corridor", "nan"], "--corridor 'nan'"),
        (["count", MISSING, "--line", LINE, "--corridor", "0"], "--corridor '0'"),
        (["count", MISSING, "--line", LINE, "--timezone", "Mars"], "'Mars' is no timezone"),
        (["count", MISSING, "--line", LINE, "--camera", "north"], "expected --site"),
        (["count", MISSING, "--site", "no-such.yaml"], "no-such.yaml: could not be read"),
        (["count", MISSING, "--line", LINE, "--format", "xlsx"], "expected --out"),
        (["count", MISSING, "--line", LINE, "--format", "parquet"], "expected --out"),
        (["count", MISSING, "--line", LINE, "--out", "no-such/a.csv"], "does not exist"),
        (["count", MISSING, "--line", LINE, "--out", "."], "a folder"),
        (["count", MISSING, "--line", LINE, "--picture", "no-such/a.png"], "does not exist"),
        (["count", MISSING, "--line", LINE, "--picture", "a.jpg"], "ends in .png"),
        (["count", MISSING, "--line", LINE, "--out", "a.png", "--picture", "a.png"], "expected two files"),
        (
            ["count", MISSING, "--line", LINE, "--out", "a.docx"],
            "found the suffix '.docx', expected one of .csv",
        ),
        (["count", MISSING, "--line", LINE, "--out", "a"], "found the suffix '', expected one of .csv"),
        (["count", MISSING, "--line", LINE, "--out", "a.json", "--format", "csv"], "expected .csv or .txt"),
        (["count", MISSING, "--line", LINE, "--out", "a.csv", "--format", "xlsx"], "expected .xlsx"),
        (["export", "--out", "a.docx"], "expected one of .csv, .json, .parquet, .txt, .xlsx"),
        (["count", MISSING, "--line", LINE], MISSING),
        (["count", MISSING, "--line", LINE, "--resume"], "expected --out FILE with it"),
        (["count", MISSING, "--line", LINE, "--address", "a:6379"], "expected --executor ray with it"),
        (["count", MISSING, "--line", LINE, "--executor", "ray", "--jobs", "2"], "the cluster says how many"),
        (["count", MISSING, "--line", LINE, "--decode", "gpu"], "'gpu' is not one of"),
        (["count", MISSING, "--line", LINE, "--device", "gpu"], "'gpu' is not one of"),
        (["count", ".", "--line", LINE], ".: no recording in this folder"),
        (["count", "*.mp4", "--line", LINE], "*.mp4: no file of this name"),
        (["count", "a.mp4", "b.mp4", "--line", LINE, "--start", "2024-06-01T12:00"], "do not begin at once"),
        (["count", "a.mp4", "b.mp4", "--line", LINE, "--picture", "a.png"], "it shows one recording"),
        (["count", "a.mp4", "b.mp4", "--line", LINE, "--pixels"], "expected fractions"),
        (["count", "a.mp4", "b.mp4", "--line", LINE, "--private"], "one recording is released at a time"),
        (
            ["count", MISSING, "--line", LINE, "--private", "--resume", "--out", "a.csv"],
            "it keeps exact crossings",
        ),
        (["count", MISSING, "--line", LINE, "--private", "--executor", "ray"], "counted on this machine"),
        (["count", MISSING, "--line", LINE, "--private", "--decode", "auto"], "expected software and cpu"),
        (["count", MISSING, "--line", LINE, "--private", "--device", "cuda"], "expected software and cpu"),
        (["count", "s3://a/b.mp4", "--line", LINE, "--private"], "expected a file"),
        (["count", MISSING, "--line", "a=0,0:9,9", "--pixels"], MISSING),
        (["count", MISSING, "--line", LINE, "--format", "xml"], "'xml' is not one of"),
        (["count", MISSING, "--line", LINE, "--anchor", "middle"], "'middle' is not one of"),
        (["count", "--line", LINE], "Missing argument"),
        (["count", MISSING, "--lines", LINE], "No such option"),
        (["walk"], "No such command 'walk'"),
        (["check", "no-such.yaml"], "no-such.yaml: could not be read"),
        (["models", "pull", "no-such-model"], "no-such-model"),
        (["evaluate", "no-such.yaml"], "no-such.yaml"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    words: list[str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(*words)

    assert (result.exit_code, result.stdout) == (2, "")
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.startswith("passerby: ")
    assert told in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_mistake_of_a_real_process_has_no_traceback(tmp_path: Path) -> None:
    ended = run_process("count", tmp_path / MISSING, "--line", LINE)

    assert (ended.returncode, ended.stdout, len(ended.stderr.splitlines())) == (2, "", 1)
    assert MISSING in ended.stderr


def test_no_words_print_help_and_end_with_2() -> None:
    result = run()

    assert result.exit_code == 2
    assert "Commands:" in result.stderr


def test_help_and_version_end_with_0() -> None:
    assert run("--help").exit_code == run("count", "-h").exit_code == run("--version").exit_code == 0


def test_out_over_the_recording_is_refused(recording: Path) -> None:
    before = recording.read_bytes()
    for option in ("--out", "--picture"):
        result = run("count", recording, "--line", LINE, option, recording)
        assert result.exit_code == 2
        assert "the recording itself" in result.stderr
    assert recording.read_bytes() == before


@pytest.mark.parametrize(
    "write", [lambda p: p.write_text("no video"), lambda p: p.write_bytes(b""), Path.mkdir]
)
def test_a_file_that_is_no_video_is_named(tmp_path: Path, write: Any) -> None:
    path = tmp_path / "street.mp4"
    write(path)
    result = run("count", path, "--line", LINE, "--out", tmp_path / "counts.csv", "--format", "csv")

    assert (result.exit_code, result.stdout, len(result.stderr.splitlines())) == (2, "", 1)
    assert "street.mp4" in result.stderr
    assert not (tmp_path / "counts.csv").exists()


# Site files


def test_check_prints_every_mistake_on_its_own_line(tmp_path: Path) -> None:
    path = write_site(
        tmp_path / "site.yaml", "{a: {from: [0, 0], to: [0, 0]}, b: {from: 1, to: [1, 1]}}", "kameras: 1\n"
    )
    result = run("check", path)

    assert (result.exit_code, result.stdout) == (2, "")
    assert [line.split(": ")[2] for line in result.stderr.splitlines()] == [
        "cameras.north.lines.a",
        "cameras.north.lines.b.from",
        "kameras",
    ]


def test_check_of_a_correct_file_prints_its_cameras_and_lines(tmp_path: Path) -> None:
    path = write_site(
        tmp_path / "site.yaml",
        "{a: {from: [0, 0], to: [1, 1]}}",
        "    source: rtsp://me:hunter2@camera\n    privacy: {epsilon: 9}\n",
    )
    result = run("check", path)

    assert result.exit_code == 0
    assert "camera north: lines a; detector motion" in result.stdout
    assert len(result.stderr.splitlines()) == 3
    assert all(line.startswith("passerby: warning: ") for line in result.stderr.splitlines())
    assert "hunter2" not in result.output


# Models


def test_models_are_listed_and_their_folder_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PASSERBY_MODEL_DIR", str(tmp_path))

    assert run("models", "path").stdout == f"{tmp_path}\n"
    listed = run("models", "list")
    assert listed.exit_code == 0
    assert "yolox_nano" in listed.stdout


# Counting


def count_json(*words: str | Path) -> dict[str, Any]:
    result = run(
        "count", "--detector", "motion", "--format", "json", "--timezone", "Europe/Copenhagen", *words
    )
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert isinstance(found, dict)
    return found


def test_json_has_its_documented_shape(recording: Path) -> None:
    found = count_json(recording, "--line", LINE)

    assert list(found) == [
        *(
            "video",
            "clock",
            "start",
            "start_from",
            "duration_s",
            "frames",
            "detector",
            "bins",
            "totals",
            "visibility",
            "cost",
            "warnings",
        )
    ]
    assert (found["video"], found["frames"]) == (str(recording), 40)
    assert found["duration_s"] == pytest.approx(4, abs=0.2)
    assert (found["start"], found["start_from"]) == ("2023-11-18T14:14:58+01:00", "date in the file name")
    assert {tuple(row) for row in found["bins"]} == {
        ("start", "end", "line", "direction", "class", "count", "coverage", "mark", "label")
    }
    assert {tuple(row) for row in found["totals"]} == {("line", "direction", "class", "count", "label")}
    assert list(found["cost"]) == [
        *("wall_s", "cpu_s", "decode_cpu_s", "detect_cpu_s", "track_cpu_s", "frames_per_cpu_s")
    ]


def test_bins_are_aligned_filled_with_zeros_and_add_up(recording: Path) -> None:
    found = count_json(recording, "--line", LINE)
    totals = {(row["line"], row["direction"], row["class"]): row["count"] for row in found["totals"]}

    assert sum(totals.values()) == 1
    assert sum(count for (_, direction, _), count in totals.items() if direction == "to_left") == 1
    assert [*dict.fromkeys(row["start"] for row in found["bins"])] == [
        "2023-11-18T14:00:00+01:00",
        "2023-11-18T14:15:00+01:00",
    ]
    assert len(found["bins"]) == 2 * len(totals)
    for key, count in totals.items():
        assert count == sum(
            row["count"] for row in found["bins"] if (row["line"], row["direction"], row["class"]) == key
        )
    first, last = found["bins"][0], found["bins"][-1]
    assert (first["coverage"], last["coverage"]) == (
        pytest.approx(2 / 900, rel=0.1),
        pytest.approx(2 / 900, rel=0.1),
    )


def test_a_recording_without_a_date_has_elapsed_times_in_every_format(
    recording: Path, tmp_path: Path
) -> None:
    clip = tmp_path / "clip.mp4"
    shutil.copy(recording, clip)
    found = count_json(clip, "--line", LINE)

    assert (found["clock"], found["start"]) == ("elapsed", None)
    assert {(row["start"], row["end"]) for row in found["bins"]} == {("0:00:00", "0:15:00")}
    words = ["count", str(clip), "--line", LINE, "--detector", "motion"]
    for format_ in ("csv", "table"):
        shown = CliRunner().invoke(command, [*words, "--format", format_])
        assert shown.exit_code == 0
        assert "0:15:00" in shown.stdout
        assert "2000-01-01" not in shown.stdout
    refused = CliRunner().invoke(command, [*words, "--format", "otanalytics"])
    assert refused.exit_code == 2
    assert "found a recording without a date, expected --start" in refused.stderr


def test_start_overrides_the_date_of_the_file(recording: Path) -> None:
    found = count_json(recording, "--line", LINE, "--start", "2024-07-01T08:00:00")

    assert (found["start"], found["start_from"]) == ("2024-07-01T08:00:00+02:00", "--start")


def test_count_selects_the_classes(recording: Path) -> None:
    found = count_json(recording, "--line", LINE, "--count", "bicycle, truck")

    assert {row["class"] for row in found["totals"]} == {"bicycle", "truck"}


def test_pixels_and_fractions_count_the_same(recording: Path) -> None:
    fractions = count_json(recording, "--line", LINE)
    pixels = count_json(recording, "--line", "gate=160,0:160,180", "--pixels")

    assert pixels["bins"] == fractions["bins"]


def test_a_line_turned_round_counts_the_other_direction(recording: Path) -> None:
    found = count_json(recording, "--line", "gate=0.5,1:0.5,0")

    assert {row["direction"] for row in found["totals"] if row["count"]} == {"to_right"}


def test_a_site_gives_lines_names_labels_zone_and_detector(recording: Path, tmp_path: Path) -> None:
    site = write_site(
        tmp_path / "site.yaml",
        "{gate: {from: [0.5, 0], to: [0.5, 1], names: [out, in]},"
        " other: {from: [0.4, 0], to: [0.4, 1], count: [bicycle]}}",
    )
    result = run("count", recording, "--site", site, "--format", "json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)

    assert found["start"].endswith("+05:45")
    assert {row["direction"] for row in found["totals"] if row["line"] == "gate"} == {"in", "out"}
    assert {row["direction"] for row in found["totals"] if row["count"]} == {"in"}
    assert {row["class"] for row in found["totals"] if row["line"] == "other"} <= {"bicycle"}
    assert "motion" in found["detector"]


def test_a_camera_that_the_site_does_not_have_is_refused(recording: Path, tmp_path: Path) -> None:
    site = write_site(tmp_path / "site.yaml", "{}")
    result = run("count", recording, "--site", site, "--camera", "south")

    assert (result.exit_code, result.stdout) == (2, "")
    assert "no camera 'south', expected one of: north" in result.stderr


def test_the_table_says_where_its_start_comes_from_and_shows_totals_before_bins(recording: Path) -> None:
    result = run("count", recording, "--line", LINE, "--detector", "motion", "--timezone", "UTC")

    assert result.exit_code == 0
    assert "(date in the file name)" in result.stdout
    assert "detector: motion" in result.stdout
    assert result.stdout.index("Totals") < result.stdout.index("Bins")
    assert "\x1b" not in result.stdout


@pytest.mark.parametrize("format_", ["table", "json", "csv", "otanalytics", "parquet", "xlsx"])
def test_out_has_the_same_content_as_standard_output(recording: Path, tmp_path: Path, format_: str) -> None:
    out = tmp_path / f"counts.{format_}"
    result = run(
        *("count", recording, "--line", LINE, "--detector", "motion", "--timezone", "UTC"),
        *("--format", format_, "--out", out),
    )

    assert (result.exit_code, result.stdout) == (0, "")
    assert [path.name for path in tmp_path.iterdir()] == [out.name]
    if format_ == "csv":
        rows = list(csv.DictReader(io.StringIO(out.read_text())))
        assert sum(int(row["count"]) for row in rows) == 1
        assert datetime.fromisoformat(rows[0]["start"]).utcoffset() is not None
        assert [row["class"] for row in rows] == [row["label"] for row in rows]
    elif format_ == "parquet":
        assert pl.read_parquet(out)["count"].sum() == 1
    elif format_ == "xlsx":
        sheet = openpyxl.load_workbook(out)["Counts"]
        assert sheet.max_row > 1
        columns = ["line", "direction", "class", "count", "coverage", "mark"]
        assert [cell.value for cell in sheet[1]][4:] == columns
    elif format_ == "json":
        assert json.loads(out.read_text())["frames"] == 40
    else:
        assert "gate" in out.read_text()


@pytest.mark.parametrize(
    ("name", "beginning"),
    [
        ("a.csv", b"start,end,line"),
        ("a.JSON", b"{"),
        ("a.xlsx", b"PK"),
        ("a.parquet", b"PAR1"),
        ("a.txt", b"/"),
    ],
)
def test_the_suffix_of_out_names_the_format(
    recording: Path, tmp_path: Path, name: str, beginning: bytes
) -> None:
    words: list[str | Path] = ["count", recording, "--line", LINE, "--detector", "motion", "--quiet"]
    result = run(*words, "--out", tmp_path / name)
    assert (result.exit_code, result.stderr) == (0, "")
    assert (tmp_path / name).read_bytes().startswith(beginning)


def test_every_class_has_its_column_and_rows_in_every_count(recording: Path) -> None:
    found = count_json(recording, "--line", LINE)
    table = run("count", recording, "--line", LINE, "--detector", "motion").stdout

    assert [row["class"] for row in found["totals"]] == 2 * [label.text for label in Label]
    header = next(line.split() for line in table.splitlines() if line.split()[:1] == ["line"])
    assert header == ["line", "direction", *(label.text for label in Label), "all"]


def test_an_option_that_was_renamed_works_and_warns(recording: Path) -> None:
    words = ["count", str(recording), "--line", LINE, "--detector", "motion", "--format", "json", "--quiet"]
    old, new = run(*words, "--without", "gate"), run(*words, "--disable", "gate")

    assert (old.exit_code, new.exit_code, new.stderr) == (0, 0, "")
    assert old.stderr == (
        "passerby: warning: --without is now called --disable; the next version no longer knows --without\n"
    )
    assert json.loads(old.stdout)["bins"] == json.loads(new.stdout)["bins"]
    wrong = run(*words, "--without", "nothing-of-this-name")
    assert wrong.exit_code == 2
    assert "--without" not in run("count", "--help").stdout


@pytest.mark.parametrize("to_file", [False, True])
def test_a_name_that_is_not_valid_text_is_shown_escaped(
    recording: Path, tmp_path: Path, to_file: bool
) -> None:
    odd = tmp_path / os.fsdecode(b"caf\xe9.mp4")
    shutil.copy(recording, odd)
    out = tmp_path / "counts.json"
    words = ["--line", LINE, "--detector", "motion", "--format", "json"] + ["--out", str(out)] * to_file
    ended = run_process("count", odd, *words, "--quiet")

    assert (ended.returncode, ended.stderr) == (0, "")
    found = json.loads(out.read_text() if to_file else ended.stdout)
    assert found["video"] == str(odd)


def test_a_full_standard_output_is_reported(recording: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip(not_possible("there is no /dev/full"))
    with open("/dev/full", "w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "passerby", "count", recording, "--line", LINE, "--detector", "motion"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert ended.returncode == 2
    assert "standard output: could not be written: No space left on device" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_closed_pipe_is_no_error(recording: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w") as gone:
        ended = subprocess.run(
            [sys.executable, "-m", "passerby", "count", recording, "--line", LINE, "--detector", "motion"],
            stdout=gone,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert ended.returncode == 141
    assert "Traceback" not in ended.stderr
    assert "could not be written" not in ended.stderr


def test_ctrl_c_ends_quietly_and_leaves_no_file(tmp_path: Path) -> None:
    # A pipe that nobody writes to keeps the command waiting for as long as it takes.
    pipe = tmp_path / "street.mp4"
    os.mkfifo(pipe)
    out = tmp_path / "counts.csv"
    started = subprocess.Popen(
        [sys.executable, "-c", WAITING, str(pipe), str(out)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert started.stdout is not None
    assert started.stdout.readline() == "waiting\n"
    time.sleep(0.05)
    started.send_signal(signal.SIGINT)
    output, errors = started.communicate()

    assert started.returncode == 130
    assert (output, errors.strip()) == ("", "")
    assert [path.name for path in tmp_path.iterdir()] == [pipe.name]


WAITING = """
import sys, time
from passerby.recordings import plan
from passerby.cli import main

def wait(*args, **kwargs):
    print("waiting", flush=True)
    time.sleep(3600)

plan.plan_of = wait
sys.argv = ["passerby", "count", sys.argv[1], "--line", "a=0,0:1,1", "--out", sys.argv[2]]
main()
"""


# Evaluating


def write_truth(recording: Path, folder: Path) -> Path:
    """One crossed to the left; of the two that are said to have crossed to the right, none did."""
    path = folder / "truth.yaml"
    path.write_text(
        f"{recording.name}:\n  size: [320, 180]\n  fps: 10\n  lines:\n"
        "    gate: {from: [160, 0], to: [160, 180], to_left: {person: 1}, to_right: {person: 2}}\n"
    )
    return path


def test_evaluate_adds_errors_that_do_not_cancel_each_other(recording: Path, tmp_path: Path) -> None:
    path = write_truth(recording, tmp_path)
    result = run("evaluate", path, "--clips", recording.parent, "--detector", "motion", "--format", "json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)

    assert {tuple(row) for row in found["rows"]} == {
        ("clip", "line", "direction", "class", "true", "counted", "missed", "over", "signed", "geh", "label")
    }
    assert sum(row["counted"] for row in found["rows"]) == 1
    summary = found["summary"]
    assert (summary["true"], summary["missed"] >= 2) == (3, True)
    assert found["accuracy"] == pytest.approx((3 - summary["missed"] - summary["over"]) / 3)


def test_evaluate_prints_rows_and_clips(recording: Path, tmp_path: Path) -> None:
    path = write_truth(recording, tmp_path)
    result = run("evaluate", path, "--clips", recording.parent, "--detector", "motion")

    assert result.exit_code == 0, result.stderr
    assert "counted with motion" in result.stdout
    assert "accuracy" in result.stdout
    assert "GEH" in result.stdout


def test_evaluate_without_its_clips_is_one_line(recording: Path, tmp_path: Path) -> None:
    path = write_truth(recording, tmp_path)
    result = run("evaluate", path, "--detector", "motion")

    assert (result.exit_code, result.stdout, len(result.stderr.splitlines())) == (2, "", 1)
    assert recording.name in result.stderr


# Progress and tables


def test_no_progress_where_standard_error_is_no_terminal(recording: Path) -> None:
    ended = run_process("count", recording, "--line", LINE, "--detector", "motion", "--format", "json")

    assert ended.returncode == 0
    assert "real time" not in ended.stderr
    json.loads(ended.stdout)


@pytest.mark.parametrize(("words", "shown"), [([], True), (["--quiet"], False)])
def test_progress_on_a_terminal(recording: Path, words: list[str], shown: bool) -> None:
    import pty

    ours, theirs = pty.openpty()
    started = subprocess.Popen(
        [
            *(sys.executable, "-m", "passerby", "count", str(recording), "--line", LINE),
            *("--detector", "motion", "--format", "json", *words),
        ],
        stdout=subprocess.PIPE,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "120"},
    )
    os.close(theirs)
    output, _ = started.communicate()
    seen = b""
    while True:
        try:
            block = os.read(ours, 65_536)
        except OSError:
            break
        if not block:
            break
        seen += block
    os.close(ours)

    assert started.returncode == 0
    assert (b"real time" in seen) == shown
    json.loads(output)


@pytest.mark.parametrize(
    ("done_ms", "total_ms", "wall_s", "expected"),
    [
        (0, 1000, 1.0, ""),
        (1000, 2000, 0.0, ""),
        (30_000, 90_000, 10.0, "3.0x real time, 0:00:20 left"),
        (30_000, 0, 10.0, "3.0x real time"),
        (3_600_000, 36_000_000, 3600.0, "1.0x real time, 9:00:00 left"),
    ],
)
def test_speed_and_time_left(done_ms: int, total_ms: int, wall_s: float, expected: str) -> None:
    assert speed_text(done_ms, total_ms, wall_s) == expected


def test_names_are_shown_as_they_are_and_not_read_as_markup() -> None:
    text = to_text([table("[b]x[/b]", ("[red]a", "n"), [("[/]", 1), (":smile:", 2)], 1)])

    assert all(part in text for part in ("[b]x[/b]", "[red]a", "[/]", ":smile:"))


# Start-up


def test_the_version_is_that_of_the_project(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]

    assert run("--version").stdout == f"passerby, version {project['version']}\n"


def test_importing_and_helping_load_nothing_heavy() -> None:
    heavy = ("numpy", "av", "cv2", "onnxruntime", "openvino", "pydantic", "ruamel", "pyarrow", "rich", "PIL")
    code = (
        "import sys\n"
        "import passerby\n"
        "from passerby.cli import command\n"
        "command.main(['count', '--help'], standalone_mode=False)\n"
        f"print([name for name in {heavy} if name in sys.modules], file=sys.stderr)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ended.stderr == "[]\n"


def test_a_count_ends_with_a_line_on_what_is_to_doubt(recording: Path) -> None:
    result = run("count", recording, "--line", LINE, "--detector", "motion", "--format", "csv")
    assert result.stderr.splitlines()[-1].startswith(
        "passerby: warning: doubtful: 1 of 2 counts by line and bin, such as "
    )
    marks = {row["mark"] for row in csv.DictReader(io.StringIO(result.stdout))}
    assert any("seen only by motion" in mark for mark in marks)
