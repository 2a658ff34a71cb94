"""A count that was interrupted at any moment is resumed there, and gives the same result."""

import json
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.sample_videos import walkers, write

from passerby.counting.counts import Cost, Counts, Crossing, LineDiagnostics
from passerby.counting.parameters import CountingParams
from passerby.domain.geometry import Line
from passerby.domain.labels import Label
from passerby.domain.timespan import Span
from passerby.errors import InputError, OutputError
from passerby.recordings.checkpoint import Checkpoint, Done, key_of
from passerby.recordings.counter import count
from passerby.video import segments
from passerby.video.motion.background_subtraction import CELL_MS
from passerby.video.observe import Reading
from passerby.video.scheduling import incremental
from passerby.video.segments import Part, PartResult

pytestmark = pytest.mark.slow

MIDDLE = Line("middle", (0.5, 0.0), (0.5, 1.0))
CROSSING = Crossing(1_717_243_201_234, "middle", "to_right", Label.CAR, 0.1 + 0.2, 1 / 3)


class CutShort(Exception):
    """Stands for a kill: nothing after it is done."""


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Somebody every four seconds, for two minutes."""
    return write(tmp_path_factory.mktemp("street") / "street.mp4", walkers(120, width=160, height=90))


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "LONGEST_MS", 15_000)
    # Two minutes are cut into eight parts, as hours are.
    monkeypatch.setattr(incremental, "HELD_MS", CELL_MS)


def counted(video: Path, kept: Checkpoint | None, execute: Any = None, **options: Any) -> Counts:
    options = {"chunk_ms": 10_000, "detector": "motion", "start": "2024-06-01T12:00:01Z", **options}
    found = count(video, [MIDDLE], checkpoint=kept, timezone="UTC", executor=execute, **options)
    return replace(found, cost=Cost(0, 0, 0, 0, 0, 0))


@pytest.fixture(scope="module")
def whole(street: Path) -> Counts:
    return counted(street, None)


def cut_after(answers: int, asked: list[Part]) -> Callable[..., Iterator[Any]]:
    """An executor that is killed after so many answers, and notes what it was asked."""

    def execute(function: Callable[[Part], PartResult], parts: Iterable[Part], /) -> Iterator[PartResult]:
        for number, part in enumerate(parts):
            if number == answers:
                raise CutShort
            asked.append(part)
            yield function(part)

    return execute


# Of a count


@pytest.mark.parametrize("after", [0, 1, 4, 7])
def test_an_interrupted_count_gives_the_same_result(
    street: Path, whole: Counts, tmp_path: Path, after: int
) -> None:
    path, first, second = tmp_path / "counts.csv.resume", list[Part](), list[Part]()
    with Checkpoint(path) as kept, pytest.raises(CutShort):
        counted(street, kept, cut_after(after, first))
    with Checkpoint(path) as kept:
        again = counted(street, kept, cut_after(99, second))
        kept.remove()

    assert again == whole
    assert len(whole.crossings) > 20
    # Nothing that was seen is seen again, but for the boxes that the chunk which was cut off needs.
    assert len(first) == after
    assert len(second) == 8 - after + (after > 0)
    rest = [part.span for part in second if not part.again]
    if first:
        assert rest[0].start_ms == first[-1].span.end_ms
    assert (
        sum(part.span.duration_ms for part in second if part.again)
        <= 10_000 + 2 * CountingParams().margin_ms + 4_000
    )
    assert list(tmp_path.iterdir()) == []


def test_a_count_may_be_interrupted_repeatedly(street: Path, whole: Counts, tmp_path: Path) -> None:
    path, asked = tmp_path / "a.resume", list[Part]()
    for _ in range(20):
        try:
            with Checkpoint(path) as kept:
                assert counted(street, kept, cut_after(3, asked)) == whole
                break
        except CutShort:
            pass
    else:
        pytest.fail("it never ended")
    assert len({part.span for part in asked if not part.again}) == 8


def test_a_complete_recording_is_not_read_again(street: Path, whole: Counts, tmp_path: Path) -> None:
    path, asked = tmp_path / "a.resume", list[Part]()
    with Checkpoint(path) as kept:
        counted(street, kept)
    with Checkpoint(path) as kept:
        assert counted(street, kept, cut_after(0, asked)) == whole
    assert asked == []


@pytest.mark.parametrize(
    "other",
    [{"chunk_ms": 20_000}, {"corridor": None}, {"start": "2024-06-01T12:00:02Z"}],
)
def test_other_settings_begin_anew(street: Path, tmp_path: Path, other: dict[str, Any]) -> None:
    path, asked = tmp_path / "a.resume", list[Part]()
    with Checkpoint(path) as kept:
        counted(street, kept)
    with Checkpoint(path) as kept:
        assert counted(street, kept, cut_after(99, asked), **other) == counted(street, None, **other)
    assert len(asked) == 8


def test_another_recording_of_the_same_name_begins_anew(street: Path, tmp_path: Path) -> None:
    path, asked = tmp_path / "a.resume", list[Part]()
    video = tmp_path / "street.mp4"
    video.write_bytes(street.read_bytes())
    with Checkpoint(path) as kept:
        counted(video, kept)
    write(video, walkers(60, width=160, height=90))
    with Checkpoint(path) as kept:
        assert counted(video, kept, cut_after(99, asked)) == counted(video, None)
    assert len(asked) == 4


def test_labels_and_bins_may_change(street: Path, tmp_path: Path) -> None:
    """They say what is shown of the crossings, and not which there are."""
    path = tmp_path / "a.resume"
    with Checkpoint(path) as kept:
        counted(street, kept)
    with Checkpoint(path) as kept:
        found = counted(street, kept, cut_after(0, []), bin_ms=60_000, labels=(Label.PERSON,))
    assert found == counted(street, None, bin_ms=60_000, labels=(Label.PERSON,))


def test_a_damaged_recording_can_be_resumed(street: Path, tmp_path: Path) -> None:
    video = write(tmp_path / "street.mkv", walkers(60, width=160, height=90), gop=20)
    content = bytearray(video.read_bytes())
    for at in range(len(content) * 3 // 4, len(content), 997):
        content[at] ^= 255
    video.write_bytes(content)
    whole = counted(video, None)
    assert whole.warnings
    for after in range(6):
        path = tmp_path / f"{after}.resume"
        try:
            with Checkpoint(path) as kept:
                assert counted(video, kept, cut_after(after, [])) == whole
        except CutShort:
            pass
        with Checkpoint(path) as kept:
            assert counted(video, kept, map) == whole


def test_a_picture_is_refused(street: Path, tmp_path: Path) -> None:
    with (
        Checkpoint(tmp_path / "a.resume") as kept,
        pytest.raises(InputError, match="expected none for a count that can be resumed"),
    ):
        counted(street, kept, picture=tmp_path / "a.png")


# Of the file


def filled(path: Path) -> None:
    with Checkpoint(path) as kept:
        for number in range(3):
            done = Done(
                tuple(replace(CROSSING, time_ms=time_ms) for time_ms in range(number + 1)),
                (LineDiagnostics("middle", number, 0, 1, number),),
                Reading(number, 1, 7, (Span(0, 3), Span(5, 7)), ("stopped",), True, False),
                number * 10,
                number * 10 + 5,
            )
            kept.save("a", done)


def test_a_saved_state_is_read_back_exactly(tmp_path: Path) -> None:
    filled(tmp_path / "a.resume")
    with Checkpoint(tmp_path / "a.resume") as kept:
        assert kept.take("a") == Done(
            tuple(replace(CROSSING, time_ms=number) for number in range(3)),
            (LineDiagnostics("middle", 2, 0, 1, 2),),
            Reading(2, 1, 7, (Span(0, 3), Span(5, 7)), ("stopped",), True, False),
            20,
            25,
        )
        assert kept.take("b") == Done()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(0, 2_000))
def test_an_incomplete_line_is_ignored_and_the_others_are_kept(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "a.resume"
    path.unlink(missing_ok=True)
    filled(path)
    content = path.read_bytes()
    lines = content.splitlines(keepends=True)
    path.write_bytes(content[: min(cut, len(content))])
    whole = sum(sum(map(len, lines[: number + 1])) <= cut for number in range(3))
    with Checkpoint(path) as kept:
        done = kept.take("a")
        assert len(done.crossings) == whole
        kept.save("a", replace(done, crossings=(*done.crossings, CROSSING)))
    with Checkpoint(path) as kept:
        assert len(kept.take("a").crossings) == whole + 1


def test_a_checkpoint_has_crossings_and_no_box(street: Path, tmp_path: Path) -> None:
    with Checkpoint(tmp_path / "a.resume") as kept:
        counted(street, kept)
    lines = [json.loads(line) for line in (tmp_path / "a.resume").read_text().splitlines()]
    assert {key for line in lines for key in line} == {
        *("key", "crossings", "diagnostics", "reading", "counted_ms", "read_ms", "complete", "lights")
    }
    assert {len(row) for line in lines for row in line["crossings"]} == {8}
    assert len(lines) == 8


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "a.resume"
    before = os.umask(0)
    try:
        with Checkpoint(path):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
    finally:
        os.umask(before)


def test_nothing_is_left_of_a_count_that_did_nothing(tmp_path: Path) -> None:
    with Checkpoint(tmp_path / "a.resume"):
        pass
    assert not list(tmp_path.iterdir())


def test_two_counts_do_not_share_one(tmp_path: Path) -> None:
    pytest.importorskip("fcntl", reason="files are not locked on Windows")
    with Checkpoint(tmp_path / "a.resume"), pytest.raises(InputError, match="another count is at work there"):
        Checkpoint(tmp_path / "a.resume")


def test_a_checkpoint_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"a\.resume: could not be written"):
        Checkpoint(tmp_path / "nowhere" / "a.resume")


def test_keys_tell_settings_apart() -> None:
    assert key_of(["a", 1.0]) == key_of(["a", 1.0])
    assert len({key_of(["a", 1.0]), key_of(["a", 1]), key_of(["a1.0"]), key_of(["a", None])}) == 4
