"""`make bench`: what it makes is counted right, and what it writes stands between its markers."""

from collections import Counter
from pathlib import Path

import pytest
from tools.bench import contenders as who
from tools.bench import measure, recordings, report

from passerby.video.observe import probe


def run(cpu_s: float, wrong: int | None = 0) -> dict[str, object]:
    return {
        "frames": 100,
        "cpu_s": cpu_s,
        "wall_s": cpu_s,
        "wrong": wrong,
        "of": 9,
        "peak_mb": 150.0,
        "worker_mb": 0.0,
    }


@pytest.mark.slow
def test_a_street_is_made_once_at_both_sizes_with_one_truth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recordings, "DENSITIES", ("quiet",))
    found = recordings.recordings(tmp_path, 1, clips=False)
    large, small = found["street-quiet-1080"], found["street-quiet-360"]
    sizes = [(r.width, r.height) for r in (probe(large.path), probe(small.path))]
    assert sizes == [(1920, 1080), (640, 360)]
    assert (large.lines, large.ways) == (small.lines, small.ways)
    made = large.path.stat().st_mtime_ns
    assert recordings.recordings(tmp_path, 1, clips=False) == found
    assert large.path.stat().st_mtime_ns == made
    frames, ways = who.decode(small.path, small.lines)()
    assert (frames, ways) == (25, None)
    recordings.repeated(small.path, 3, tmp_path / "long.mp4")
    assert who.decode(tmp_path / "long.mp4", ())()[0] == 75
    assert measure.of_text(measure.to_text(small)) == small


@pytest.mark.parametrize(
    ("counted", "either", "expected"),
    [
        ({("a", "to_left"): 2}, False, 0),
        ({("a", "to_left"): 3}, False, 1),
        ({}, False, 2),
        ({("a", "to_left"): 2, ("b", "to_right"): 1}, False, 1),
        ({("a", "to_right"): 2}, False, 4),
        ({("a", "to_right"): 2}, True, 0),
    ],
)
def test_wrong_is_the_difference_over_lines_and_directions(
    counted: dict[tuple[str, str], int], either: bool, expected: int
) -> None:
    true = Counter({("a", "to_left"): 2})
    assert measure.wrong(Counter(counted), true, either) == expected


def test_tables_and_goals_are_written_between_the_markers_and_nothing_else_is_touched(tmp_path: Path) -> None:
    page = tmp_path / "speed.md"
    page.write_text(f"before\n{report.BEGIN}old\n{report.END}after\n", encoding="utf-8")
    street = {
        who.PASSERBY: [run(4.0), run(6.0), run(5.0)],
        who.DECODE: [run(2.0, None)],
        who.EACH_FRAME: [run(50.0)],
    }
    rows = {"street-mixed-360": street}
    report.write(rows, {"motion": [{"cpu_s": 0.8, "wall_s": 0.9}]}, page)
    text = page.read_text(encoding="utf-8")
    report.write(rows, {"motion": [{"cpu_s": 0.8, "wall_s": 0.9}]}, page)
    assert page.read_text(encoding="utf-8") == text
    assert text.startswith(f"before\n{report.BEGIN}### Goals\n")
    assert text.endswith(f"{report.END}after\n")
    assert "old" not in text
    assert "| 640x360, mixed: CPU relative to plain decode | 2 | 2.50 |" in text
    assert "| 640x360, mixed: times less CPU than every frame | 20 | 10.0 |" in text
    assert "| 1080p, mixed: times less CPU than supervision | 6 | not measured |" in text
    assert f"| {who.PASSERBY} | 20 | 2.50 |  | 10.0 | 0 of 9 | 150 |" in text
    assert f"| {who.DECODE} | 50 | 1.00 |  |  |  | 150 |" in text


def test_two_are_set_against_one_by_the_clock_and_by_what_they_cost(tmp_path: Path) -> None:
    page = tmp_path / "speed.md"
    page.write_text(f"{report.BEGIN_PROCESSES}{report.END_PROCESSES}after\n", encoding="utf-8")
    one = {"cpu_s": 100.0, "wall_s": 110.0, "load": 0.5, "worker_mb": 0.0}
    two = {"cpu_s": 108.0, "wall_s": 60.0, "load": 2.25, "worker_mb": 200.0}
    report.write_processes(
        {report.PROCESSES: {"motion, 1 process": [one], "motion, 2 processes": [two]}}, page
    )
    text = page.read_text(encoding="utf-8")
    assert "motion, 2 processes against motion, 1 process | 1.9 | 1.83 | 1.85 | 0.5 to 2.2 |" in text
    assert f"| {report.CLUSTER} | 1.8 | not measured | | |" in text
    assert "motion, 2 processes | 108 | 60 | 200 |" in text
    assert text.endswith(f"{report.END_PROCESSES}after\n")


def test_the_page_has_the_markers() -> None:
    page = report.TABLES.read_text(encoding="utf-8")
    for marker in (report.BEGIN, report.END, report.BEGIN_PROCESSES, report.END_PROCESSES):
        assert page.count(marker) == 1


def test_every_saving_is_left_out_by_a_contender() -> None:
    assert len(who.WITHOUT) == 8
    assert set(who.WITHOUT) <= set(who.CONTENDERS)
