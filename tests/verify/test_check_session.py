"""A check session: every click is saved at once, and a new session resumes it.

Invariant: every click is read from the file, not from the session.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.tiers import examples

from passerby.errors import InputError, OutputError, TruthError
from passerby.evaluation import truth_file
from passerby.verify import check_session as module
from passerby.verify.check_session import CheckSession, resume

MISSED = {
    "verdict": "missed",
    "line": 0,
    "at_ms": 15_000,
    "along": 0.8,
    "direction": "to_left",
    "label": "person",
}
CLICKS: list[dict[str, Any]] = [
    {"verdict": "right", "line": 0, "mark": 0},
    {"verdict": "other", "line": 0, "mark": 1, "label": "truck"},
    MISSED,
    {"verdict": "nothing", "line": 0, "at_ms": 17_000, "along": 0.1},
    {"verdict": "checked", "line": 0, "row": 0},
    {"verdict": "checked", "line": 0, "row": 1},
    {"verdict": "wrong", "line": 1, "mark": 0},
    {"verdict": "checked", "line": 1, "row": 0},
]


def saved(session: CheckSession) -> truth_file.TrueClip:
    (clip,) = truth_file.parse(session.saved_at.read_text(), session.saved_at).clips
    return clip


def test_every_click_is_saved_when_add_returns(session: CheckSession) -> None:
    for number, click in enumerate(CLICKS, start=1):
        session.add(click)
        checking = saved(session).checking
        assert checking is not None
        assert checking.clicks == tuple(session.clicks)
        assert len(checking.clicks) == number


def test_the_file_holds_the_truth_of_the_checked_time(session: CheckSession) -> None:
    for click in CLICKS:
        session.add(click)

    near, far = saved(session).lines

    assert near.crossed == {"to_left": {"person": 2}, "to_right": {"truck": 1}}
    assert [(span.start_ms, span.end_ms) for span in near.within or ()] == [(0, 20_000)]
    assert near.at_frames == (50, 138, 375)
    assert far.crossed == {"to_left": {}, "to_right": {}}
    assert near.line.start == (0.5, 0.0)


def test_a_new_session_resumes_the_last(new_session: Callable[[], CheckSession]) -> None:
    first = new_session()
    for click in CLICKS:
        first.add(click)

    second = new_session()
    resume(second)

    assert second.clicks == first.clicks
    assert second.spent_s == pytest.approx(first.spent_s, abs=0.1)
    shown, again = first.state(), second.state()
    assert shown["lines"] == again["lines"]


def test_undo_removes_the_last_click(session: CheckSession) -> None:
    for click in CLICKS[:3]:
        session.add(click)

    session.undo()

    checking = saved(session).checking
    assert checking is not None
    assert [click.verdict for click in checking.clicks] == ["right", "other"]
    for _ in range(3):
        session.undo()
    assert session.clicks == []


@pytest.mark.parametrize(
    "message",
    [
        None,
        [],
        {},
        {"verdict": "right"},
        {"verdict": "right", "line": 2, "mark": 0},
        {"verdict": "right", "line": -1, "mark": 0},
        {"verdict": "right", "line": True, "mark": 0},
        {"verdict": "right", "line": 0, "mark": 3},
        {"verdict": "right", "line": 0, "mark": "0"},
        {"verdict": "other", "line": 0, "mark": 0},
        {"verdict": "other", "line": 0, "mark": 0, "label": "anna"},
        {"verdict": "other", "line": 0, "mark": 0, "label": ["car"]},
        {"verdict": "checked", "line": 0, "row": 6},
        {"verdict": "checked", "line": 0, "row": -1},
        MISSED | {"at_ms": 60_001},
        MISSED | {"at_ms": float("nan")},
        MISSED | {"along": 1.1},
        MISSED | {"direction": "up"},
        MISSED | {"label": None},
        MISSED | {"verdict": "seen"},
    ],
)
def test_an_invalid_click_changes_nothing(session: CheckSession, message: Any) -> None:
    session.add(MISSED)
    before = session.saved_at.read_bytes()

    with pytest.raises(InputError, match="a click: expected"):
        session.add(message)

    assert session.saved_at.read_bytes() == before
    assert len(session.clicks) == 1


def test_a_full_disk_is_an_error_and_the_last_state_stays(
    session: CheckSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.add(CLICKS[0])
    before = session.saved_at.read_bytes()

    def full(path: Path, content: str) -> None:
        raise OutputError(f"{path}: could not be written: no space left on device")

    monkeypatch.setattr("passerby.io.files.write", full)
    with pytest.raises(OutputError, match="no space"):
        session.add(CLICKS[1])

    assert len(session.clicks) == 1
    assert session.saved_at.read_bytes() == before


def test_a_long_pause_is_not_counted_as_time_spent(
    session: CheckSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(module, "monotonic", lambda: now[0])

    session.note_activity()
    for pause_s in (2.0, 3.5, 3600.0):
        now[0] += pause_s
        session.add(CLICKS[0])

    assert session.spent_s == pytest.approx(2.0 + 3.5 + 60.0)
    checking = saved(session).checking
    assert checking is not None
    assert checking.spent_s == pytest.approx(65.5)


def test_the_state_for_the_page(session: CheckSession) -> None:
    session.add(CLICKS[1])

    state = session.state()

    near, far = state["lines"]
    assert state["rows"] == ["14:15:00", "14:15:10", "14:15:20", "14:15:30", "14:15:40", "14:15:50"]
    assert [(mark["time"], mark["offset"]) for mark in near["marks"]] == [
        ("14:15:02", "0:00:02.0"),
        ("14:15:05.5", "0:00:05.5"),
        ("14:15:31", "0:00:31.0"),
    ]
    assert (near["marks"][1]["verdict"], near["marks"][1]["true_label"]) == ("other", "truck")
    assert near["directions"] == {"to_right": "in", "to_left": "out"}
    # A counted crossing explains its motion; the remaining motion may be a missed crossing.
    assert [(streak["at_ms"] // 1000, round(streak["along"], 1)) for streak in near["streaks"]] == [(15, 0.8)]
    assert far["streaks"] == []


def test_a_file_of_another_kind_is_not_overwritten(
    new_session: Callable[[], CheckSession], shared_clips: Path
) -> None:
    session = new_session()
    for text, error in (
        ((shared_clips / "truth.yaml").read_text(), InputError),
        ("street.mp4: {size: [4, 4], lines: {near: {from: [0, 0], to: [4, 4], to_left: {}}}}", InputError),
        ("no truth", TruthError),
    ):
        session.saved_at.write_text(text)
        with pytest.raises(error):
            resume(session)


def test_a_check_of_other_lines_or_of_another_count_is_refused(
    new_session: Callable[[], CheckSession],
) -> None:
    session = new_session()
    session.add(CLICKS[0])
    text = session.saved_at.read_text()

    for good, bad, expected in (
        ('"near":', '"nearer":', "other lines"),
        ("from: [320.0, 0.0]", "from: [300.0, 0.0]", "other lines"),
        ('"at_s": 2.0', '"at_s": 3.0', "found no crossing"),
    ):
        assert good in text
        session.saved_at.write_text(text.replace(good, bad))
        with pytest.raises(InputError, match=expected):
            resume(new_session())


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(40))
@given(st.lists(st.sampled_from([*CLICKS, "undo"]), max_size=12))
def test_any_clicks_can_be_resumed(new_session: Callable[[], CheckSession], clicks: list[Any]) -> None:
    first, second = new_session(), new_session()
    first.saved_at.unlink(missing_ok=True)
    for click in clicks:
        if click == "undo":
            first.undo()
        else:
            first.add(click)

    resume(second)

    assert second.clicks == first.clicks
    assert second.state()["lines"] == first.state()["lines"]
