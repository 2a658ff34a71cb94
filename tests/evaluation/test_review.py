"""Checks: from clicks to a truth, and from both to a report's rows.

Invariant: a crossing outside the checked spans is never part of the truth.
"""

from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerby.counting.counts import Crossing
from passerby.domain.geometry import Direction, Line
from passerby.domain.labels import Label
from passerby.domain.timespan import Span
from passerby.errors import InputError
from passerby.evaluation.review import (
    checked_rows,
    line_check,
    row_length_ms,
    sum_rows,
    to_truth,
    true_crossings,
)
from passerby.evaluation.score import score, summarise
from passerby.evaluation.truth_file import Checking, Click, Verdict, parse, to_text

START = 1_700_000_000_000
MID = Line("mid", (0.5, 0.0), (0.5, 1.0))


def crossing(
    at_ms: int, direction: Direction = "to_left", label: Label = Label.PERSON, along: float = 0.5
) -> Crossing:
    return Crossing(START + at_ms, "mid", direction, label, along, 0.9)


def on(verdict: Verdict, at_ms: int, label: str | None = None, along: float = 0.5) -> Click:
    return Click(verdict, "mid", at_ms, None, "to_left", label, along)


def checked(start_ms: int, end_ms: int) -> Click:
    return Click("checked", "mid", start_ms, end_ms)


@pytest.mark.parametrize(
    ("duration_s", "row_s"), [(1, 10), (100, 10), (101, 20), (250, 30), (301, 60), (600, 60), (86_400, 60)]
)
def test_ten_minutes_fit_on_a_screen(duration_s: int, row_s: int) -> None:
    assert row_length_ms(duration_s * 1000) == row_s * 1000


def test_clicks_correct_counted_crossings() -> None:
    crossings = [crossing(1000), crossing(2000), crossing(3000), crossing(11_000)]
    clicks = [
        on("wrong", 1000),
        on("other", 2000, "bicycle"),
        Click("missed", "mid", 4000, None, "to_right", "car", 0.2),
        Click("nothing", "mid", 5000, None, None, None, 0.2),
        checked(0, 10_000),
    ]

    check = line_check("mid", crossings, START, clicks)

    assert [verdict.verdict if verdict else None for verdict in check.verdicts] == [
        "wrong",
        "other",
        None,
        None,
    ]
    assert [(one.at_ms, one.direction, one.label) for one in true_crossings(check, START)] == [
        (2000, "to_left", "bicycle"),
        (3000, "to_left", "person"),
        (4000, "to_right", "car"),
    ]


def test_the_last_click_counts() -> None:
    missed = Click("missed", "mid", 4000, None, "to_right", "car", 0.2)
    clicks = [
        on("wrong", 1000),
        on("right", 1000),
        missed,
        Click("missed", "mid", 4000, None, "to_left", "bus", 0.2),
        Click("missed", "mid", 6000, None, "to_left", "bus", 0.2),
        Click("nothing", "mid", 6000, None, None, None, 0.2),
        checked(0, 10_000),
    ]

    check = line_check("mid", [crossing(1000)], START, clicks)

    assert [(one.at_ms, one.direction, one.label) for one in true_crossings(check, START)] == [
        (1000, "to_left", "person"),
        (4000, "to_left", "bus"),
    ]


def test_unchecked_crossings_are_not_true() -> None:
    check = line_check("mid", [crossing(1000), crossing(15_000)], START, [on("right", 1000)])
    assert true_crossings(check, START) == []

    check = line_check("mid", [crossing(1000), crossing(15_000)], START, [checked(10_000, 20_000)])
    assert [one.at_ms for one in true_crossings(check, START)] == [15_000]


def test_two_crossings_at_once_are_distinguished_by_place() -> None:
    both = [crossing(1000, along=0.2), crossing(1000, along=0.8)]

    check = line_check("mid", both, START, [on("wrong", 1000, along=0.8)])

    assert [verdict is not None for verdict in check.verdicts] == [False, True]


def test_a_click_on_an_uncounted_crossing_is_refused() -> None:
    for clicks in ([on("wrong", 2000)], [Click("right", "mid", 1000, None, "to_right", None, 0.5)]):
        with pytest.raises(InputError, match=r"found no crossing to_(left|right) at"):
            line_check("mid", [crossing(1000)], START, clicks)


def test_a_truth_covers_the_checked_spans() -> None:
    crossings = [crossing(1000), crossing(12_000), crossing(25_000)]
    clicks = [checked(10_000, 20_000), checked(20_000, 30_000)]
    check = line_check("mid", crossings, START, clicks)

    clip = to_truth("a.mp4", (100, 100), 10.0, 40_000, [MID], {"mid": check}, START, Checking(3.0, "motion"))

    assert clip.lines[0].crossed == {"to_right": {}, "to_left": {"person": 2}}
    assert clip.lines[0].within == (Span(10_000, 30_000),)
    assert clip.lines[0].at_frames == (120, 250)
    # Whoever counts the same is right; the crossing that was not looked at is not held against it.
    assert summarise(score(clip, crossings, START, 40_000)).accuracy == 1


def test_a_line_checked_from_end_to_end_holds_everywhere() -> None:
    check = line_check("mid", [], START, [checked(0, 10_000), checked(10_000, 12_000)])

    clip = to_truth("a.mp4", (100, 100), 10.0, 12_000, [MID], {"mid": check}, START, Checking(0, None))

    assert clip.lines[0].within is None


_TIMES = st.integers(0, 59_999)
_CROSSINGS = st.lists(
    st.builds(
        crossing,
        _TIMES,
        st.sampled_from(["to_left", "to_right"]),
        st.sampled_from([Label.PERSON, Label.CAR, Label.TRUCK, Label.VEHICLE]),
        st.floats(0, 1),
    ),
    max_size=8,
)


@given(_CROSSINGS, st.data())
def test_evaluating_a_check_gives_the_errors_that_were_clicked(
    crossings: list[Crossing], data: st.DataObject
) -> None:
    """Whatever was clicked: the saved file, read back, says of the same count what the report says."""
    clicks = [
        Click("wrong", "mid", c.time_ms - START, None, c.direction, None, c.along)
        for c in crossings
        if data.draw(st.booleans())
    ]
    clicks += [
        Click("missed", "mid", at_ms, None, "to_left", label, 0.5)
        for at_ms, label in data.draw(
            st.lists(st.tuples(_TIMES, st.sampled_from(["car", "person"])), max_size=4)
        )
    ]
    clicks += [checked(row * 10_000, row * 10_000 + 10_000) for row in data.draw(st.sets(st.integers(0, 5)))]
    check = line_check("mid", crossings, START, clicks)
    saved = to_truth(
        "a.mp4", (100, 100), 10.0, 60_000, [MID], {"mid": check}, START, Checking(1.0, "m", tuple(clicks))
    )

    (clip,) = parse(to_text([saved]), Path("t.yaml")).clips
    summary = summarise(score(clip, crossings, START, 60_000))
    rows = checked_rows("mid", check, START, Span(0, 60_000))
    together = sum_rows(rows, "all", "all", 60_000, 60_000)

    assert (summary.true, summary.missed, summary.over) == (together.true, together.missed, together.over)
    assert together.counted == len(crossings)
    assert together.checked == summary.counted
    if clip.checking:
        read = line_check("mid", crossings, START, clip.checking.clicks)
        assert true_crossings(read, START) == true_crossings(check, START)


@given(_CROSSINGS, st.lists(st.integers(1, 59_999), max_size=4))
def test_rows_of_parts_add_up_to_the_whole(crossings: list[Crossing], cuts: list[int]) -> None:
    check = line_check("mid", crossings, START, [checked(0, 30_000)])
    edges = sorted({0, 60_000, *cuts})
    parts = [row for a, b in pairwise(edges) for row in checked_rows("mid", check, START, Span(a, b))]

    assert sum(row.counted for row in parts) == len(crossings)
    assert sum(row.checked for row in parts) == sum(c.time_ms - START < 30_000 for c in crossings)
    assert sum(row.missed + row.over for row in parts) == 0


def test_a_row_says_how_far_off_the_count_is() -> None:
    crossings = [crossing(at) for at in range(1000, 9000, 1000)]
    clicks = [on("wrong", 1000), Click("missed", "mid", 500, None, "to_left", "car", 0.1), checked(0, 10_000)]
    check = line_check("mid", crossings, START, clicks)

    rows = {row.label: row for row in checked_rows("mid", check, START, Span(0, 900_000))}

    person, car = rows["person"], rows["car"]
    assert (person.counted, person.checked, person.true, person.missed, person.over) == (8, 8, 7, 0, 1)
    assert (person.signed, person.accuracy, person.checked_ms) == (1, 6 / 7, 10_000)
    assert (car.counted, car.true, car.missed, car.over, car.accuracy) == (0, 1, 1, 0, 0.0)
    assert car.geh == pytest.approx((2 * 360) ** 0.5)
    assert Counter(row.line for row in rows.values()) == {"mid": 2}
