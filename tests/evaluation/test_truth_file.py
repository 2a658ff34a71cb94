"""Truth files: reading, writing, and reporting every mistake at once.

Invariant: each message names file, line and key, with what was found and expected.
"""

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from passerby.config import yaml_document
from passerby.domain.timespan import Span
from passerby.errors import SiteError, TruthError
from passerby.evaluation import truth_file

GOOD = """\
a.mp4:
  size: [768, 432]
  fps: 12.5
  lines:
    west: {from: [384, 0], to: [384, 431], anchor: centre, certainty: certain,
           to_left: {car: 2, vehicle: 1}, to_right: {}, at_frames: [77, 206]}
    east: {from: [0, 216], to: [768, 432], to_right: {person: 3}, within_s: [[0, 1.5], [2, 3]]}
  occupancy: {whole_frame_max: 1, occupied_frames: [[60, 203]], plus_minus: 8}
  checking: {spent_s: 12.5, detector: motion}
"""


def problems(text: str) -> list[str]:
    with pytest.raises(TruthError) as raised:
        truth_file.parse(text, Path("t.yaml"))
    return list(raised.value.problems)


def test_a_good_file_is_read() -> None:
    (clip,) = truth_file.parse(GOOD, Path("t.yaml")).clips
    west, east = clip.lines

    assert (clip.name, clip.size_px, clip.fps) == ("a.mp4", (768, 432), 12.5)
    assert (west.line.name, west.line.start, west.line.anchor) == ("west", (0.5, 0.0), "centre")
    assert west.crossed == {"to_left": {"car": 2, "vehicle": 1}, "to_right": {}}
    assert (west.at_frames, west.certainty, west.within) == ((77, 206), "certain", None)
    assert east.line.end == (1.0, 1.0)
    assert east.line.anchor == "bottom"
    assert east.crossed == {"to_left": {}, "to_right": {"person": 3}}
    assert east.within == (Span(0, 1500), Span(2000, 3000))
    assert clip.occupancy == truth_file.Occupancy(1, ((60, 203),), 8)
    assert clip.checking == truth_file.Checking(12.5, "motion")


BAD = [
    ("size: [768, 432]", "size: [0, 432]", 2, "size: found a list of 2, expected two whole numbers"),
    ("size: [768, 432]", "size: 768x432", 2, "size: found '768x432', expected two whole numbers"),
    ("fps: 12.5", "fps: -1", 3, "fps: found -1, expected frames per second"),
    ("fps: 12.5", "fsp: 12.5", 3, "fsp: found a key that is not known, expected fps"),
    ("fps: 12.5", "size: [1, 1]", 3, "size: found twice, first on line 2, expected once"),
    ("car: 2", "car: -2", 6, "west.to_left.car: found -2, expected a whole number of crossings"),
    ("car: 2", "car: 1.5", 6, "west.to_left.car: found 1.5, expected a whole number of crossings"),
    ("car: 2", "car: true", 6, "west.to_left.car: found true, expected a whole number of crossings"),
    ("car: 2", "car: 99999999999", 6, "west.to_left.car: found 99999999999, expected a whole number"),
    ("car: 2", "cra: 2", 6, "west.to_left.cra: found a key that is not known, expected car"),
    ("car: 2", "car: 1, car: 1", 6, "west.to_left.car: found twice, first on line 6, expected once"),
    ("to_right: {}", "to_right: 3", 6, "west.to_right: found 3, expected a mapping from labels to counts"),
    ("to_right: {}", "to_rihgt: {}", 6, "west.to_rihgt: found a key that is not known, expected to_right"),
    ("anchor: centre", "anchor: top", 5, "west.anchor: found 'top', expected bottom or centre"),
    ("to: [384, 431]", "to: [384, 433]", 5, "west: the point 384,433 lies outside the frame of 768x432"),
    ("to: [384, 431]", "to: [384, 0]", 5, "west: it has no length, expected two different points"),
    ("to: [384, 431]", "to: [384]", 5, "west.to: found a list of 1, expected a point [x, y] in pixels"),
    ("from: [384, 0], ", "", 5, "west.from: found nothing, expected a point [x, y] in pixels"),
    ("[77, 206]", "[77, -1]", 6, "west.at_frames: found a list of 2, expected a list of frame numbers"),
    (
        "[[0, 1.5], [2, 3]]",
        "[[2, 3], [0, 1]]",
        7,
        "east.within_s: found a list of 2, expected a list of spans",
    ),
    ("[[0, 1.5], [2, 3]]", "[[3, 3]]", 7, "east.within_s: found a list of 1, expected a list of spans"),
    ("east:", "west:", 7, "west: found twice, first on line 5, expected once"),
    ("[[60, 203]]", "[[203, 60]]", 8, "occupancy.occupied_frames: found a list of 1, expected a list of"),
    ("spent_s: 12.5", "spent_s: long", 9, "checking.spent_s: found 'long', expected a number of seconds"),
    ("motion}", "!motion x}", 9, "checking.detector: found a tag (!), expected a plain value"),
]


@pytest.mark.parametrize(("good", "bad", "line", "expected"), BAD)
def test_a_mistake_is_reported_with_line_and_key(good: str, bad: str, line: int, expected: str) -> None:
    assert GOOD.count(good) == 1

    (problem,) = problems(GOOD.replace(good, bad))

    assert problem.startswith(f"t.yaml:{line}: a.mp4.")
    assert expected in problem


def test_all_mistakes_are_reported_at_once_in_order() -> None:
    text = GOOD
    for good, bad, _, _ in (BAD[0], BAD[5], BAD[13]):
        text = text.replace(good, bad)

    told = problems(text)

    assert [problem.split(":")[1] for problem in told] == ["2", "5", "6"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "t.yaml:1: found nothing, expected a mapping from the names of clips"),
        ("[1, 2]", "t.yaml:1: found a list of 2, expected a mapping from the names of clips"),
        ("{}", "t.yaml:1: the file: found no clip, expected at least one"),
        ("a.mp4:\n\tsize: 1", "t.yaml:2: no valid YAML: found a tab, expected spaces"),
        ("a: &a [*a]", "t.yaml:1: nested too deep, expected a truth file"),
        ("a.mp4: 3", "t.yaml:1: a.mp4: found 3, expected a mapping with size and lines"),
        (
            "a.mp4: {size: [4, 4], lines: {}}",
            "a.mp4.lines: found a mapping, expected a mapping from the names",
        ),
        (
            "a.mp4: {size: [4, 4], lines: {x: {from: [0, 0], to: [1, 1]}}}",
            "a.mp4.lines.x: found no counts, expected to_left and to_right",
        ),
    ],
)
def test_other_files_are_refused_as_truth_files(text: str, expected: str) -> None:
    assert any(expected in problem for problem in problems(text))


def test_a_clip_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    path.write_text(GOOD)

    with pytest.raises(TruthError) as raised:
        truth_file.load(path)
    assert raised.value.problems == (
        f"{path}:1: a.mp4: found no such clip in {tmp_path}, expected a file of this name",
    )

    (tmp_path / "clips").mkdir()
    (tmp_path / "clips/a.mp4").touch()
    read = truth_file.load(path, tmp_path / "clips")
    assert read.video(read.clips[0]) == tmp_path / "clips/a.mp4"


@pytest.mark.parametrize("name", ["missing.yaml", "."])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(TruthError, match="could not be read"):
        truth_file.load(tmp_path / name)


def test_a_folder_of_clips_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    path.write_text(GOOD)

    with pytest.raises(TruthError, match="no such folder"):
        truth_file.load(path, tmp_path / "nowhere")


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"\x00", b"a: '" + b"x" * 21_000_000 + b"'"])
def test_bytes_that_are_no_text_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "t.yaml"
    path.write_bytes(content)

    with pytest.raises(TruthError):
        truth_file.load(path)


def test_the_clips_beside_the_repository_are_read(shared_clips: Path) -> None:
    read = truth_file.load(shared_clips / "truth.yaml")

    assert len(read.clips) == 7
    assert (
        sum(
            sum(counts.values())
            for clip in read.clips
            for line in clip.lines
            for counts in line.crossed.values()
        )
        > 50
    )


def assert_told_in_lines(text: str) -> None:
    told = ["t.yaml: it was read"]
    try:
        truth_file.parse(text, Path("t.yaml"))
    except TruthError as error:
        told = list(error.problems)
    assert told
    assert all(problem.startswith("t.yaml:") and problem.splitlines() == [problem] for problem in told)


@given(st.text())
def test_any_text_is_read_or_refused_in_lines(text: str) -> None:
    assert_told_in_lines(text)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["car", "centre", "é\n"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["size", "lines", "from", "to", "to_left", "car", "a"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.just("a.mp4"), _VALUES, min_size=1))
def test_any_values_are_read_or_refused_in_lines(value: object) -> None:
    text = io.StringIO()
    YAML(typ="safe").dump(value, text)
    assert_told_in_lines(text.getvalue())


def test_a_document_raises_the_error_of_its_kind_of_file() -> None:
    with pytest.raises(SiteError):
        yaml_document.parse("[", Path("s.yaml"), SiteError, kind="a site file", expected="keys")


def test_no_password_is_shown() -> None:
    (problem,) = problems("rtsp://user:secret@host/a.mp4: 3")

    assert "secret" not in problem
    assert "***@host" in problem
