"""Counting has not changed: what `tools.golden` wrote down is counted again, in part, and compared.

Invariant: motion alone is compared to the last digit, for it gives the same on every processor. Networks are compared
as closely as two processors agree, for they add up in another order. `make golden` compares all to the last digit.
"""

from pathlib import Path

import pytest
from tools.golden import DETECTORS, GOLDEN, STREETS, Section, clips, counted, differences, drawn, read

pytestmark = pytest.mark.slow

MOTION = "motion"
FASTEST = ("junction-cyclist.mp4", "pavement.mp4", "car-park-lane.mp4")
SHIFTED_MS, SHIFTED_ALONG = 100, 0.02


@pytest.fixture(scope="module")
def golden() -> dict[tuple[str, str], Section]:
    return {(each.summary["recording"], each.summary["detector"]): each for each in read()}


def test_every_street_is_in_the_golden_file_with_every_detector(
    golden: dict[tuple[str, str], Section],
) -> None:
    assert {(name, detector) for name in STREETS for detector in DETECTORS} <= set(golden)
    assert len(read()) == len(golden)
    assert all(golden[name, MOTION].crossings for name in STREETS)


def test_every_clip_is_in_the_golden_file_with_every_detector(
    golden: dict[tuple[str, str], Section], shared_clips: Path
) -> None:
    names = {clip.name for clip in clips(shared_clips)}
    assert {name for name, _ in golden} == names | set(STREETS)
    assert len(golden) == len(DETECTORS) * (len(names) + len(STREETS))


def test_a_street_is_counted_as_before(golden: dict[tuple[str, str], Section], tmp_path: Path) -> None:
    section = counted(drawn("street-short", tmp_path), MOTION)
    assert list(differences(golden["street-short", MOTION], section)) == []
    assert section.to_text() == golden["street-short", MOTION].to_text()


@pytest.mark.parametrize("name", FASTEST)
def test_a_clip_is_counted_as_before_by_motion(
    golden: dict[tuple[str, str], Section], shared_clips: Path, name: str
) -> None:
    (clip,) = (clip for clip in clips(shared_clips) if clip.name == name)
    assert list(differences(golden[name, MOTION], counted(clip, MOTION))) == []


@pytest.mark.parametrize("detector", [name for name in DETECTORS if name != MOTION])
@pytest.mark.parametrize("name", FASTEST)
def test_a_clip_is_counted_as_before_by_networks(
    golden: dict[tuple[str, str], Section], shared_clips: Path, shared_models: Path, name: str, detector: str
) -> None:
    (clip,) = (clip for clip in clips(shared_clips) if clip.name == name)
    section = counted(clip, detector, shared_models)
    expected = golden[name, detector].crossings
    keys = ("line", "direction", "label")
    assert [[each[key] for key in keys] for each in section.crossings] == [
        [each[key] for key in keys] for each in expected
    ]
    for each, before in zip(section.crossings, expected, strict=True):
        assert each["time_ms"] == pytest.approx(before["time_ms"], abs=SHIFTED_MS)
        assert each["along"] == pytest.approx(before["along"], abs=SHIFTED_ALONG)


A = {"time_ms": 1000, "line": "a", "direction": "to_left", "label": "car", "along": 0.5, "share": 1.0}
B = {**A, "time_ms": 5000}


def _section(*crossings: dict[str, object], video: str = "0") -> Section:
    summary = {"recording": "street", "detector": MOTION, "crossings": len(crossings), "video_sha256": video}
    return Section(summary, crossings)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ([A, B], [A, B], []),
        ([A, A], [A, A], []),
        ([A, B], [A], ["street, motion: gone: 5.000 s a to_left car"]),
        ([A, A], [A], ["street, motion: gone: 1.000 s a to_left car"]),
        ([A], [A, B], ["street, motion: new: 5.000 s a to_left car"]),
        ([A], [{**A, "line": "b"}], ["gone: 1.000 s a to_left car", "new: 1.000 s b to_left car"]),
        ([A], [{**A, "along": 0.5000000000000001}], ["to_left car: along 0.5 -> 0.5000000000000001"]),
        ([A], [{**A, "time_ms": 1001, "label": "bus"}], ["time_ms 1000 -> 1001, label 'car' -> 'bus'"]),
        ([A, B], [B, A], ["street, motion: the same crossings are in another order"]),
    ],
)
def test_every_difference_is_named(
    before: list[dict[str, object]], after: list[dict[str, object]], expected: list[str]
) -> None:
    lines = list(differences(_section(*before), _section(*after)))
    assert len(lines) == len(expected)
    assert all(line.endswith(end) for line, end in zip(lines, expected, strict=True)), lines


def test_a_video_with_other_bytes_is_named() -> None:
    (line,) = differences(_section(A), _section(A, video="1"))
    assert line.startswith("street, motion: the video file has other bytes")


def test_a_section_that_was_edited_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "golden.jsonl"
    path.write_text(
        GOLDEN.read_text(encoding="utf-8").replace('"to_left"', '"to_right"', 1), encoding="utf-8"
    )
    with pytest.raises(ValueError, match="do not match their sha256"):
        read(path)
