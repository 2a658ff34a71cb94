"""Scores: by hand where a number can be worked out, by property where a rule must hold for all.

Invariant: errors are added and never cancel.
"""

from math import isclose
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerby.counting.counts import Crossing
from passerby.domain.geometry import Direction
from passerby.domain.labels import MOTOR_VEHICLES, Label
from passerby.evaluation.score import Match, geh, match, score, summarise
from passerby.evaluation.truth_file import TrueClip, parse

LABELS = st.dictionaries(st.sampled_from([label.text for label in Label]), st.integers(0, 9))
MOTOR = {label.text for label in MOTOR_VEHICLES}


@pytest.mark.parametrize(
    ("true", "counted", "expected"),
    [
        ({}, {}, []),
        ({"person": 2}, {"person": 2}, [("person", 2, 2, 0, 0)]),
        ({"person": 2}, {}, [("person", 2, 0, 2, 0)]),
        ({}, {"person": 2}, [("person", 0, 2, 0, 2)]),
        ({"car": 2}, {"truck": 2}, [("car", 2, 0, 2, 0), ("truck", 0, 2, 0, 2)]),
        # A counted vehicle of unknown kind is no car; a true one is met by any kind.
        ({"car": 1}, {"vehicle": 1}, [("car", 1, 0, 1, 0), ("vehicle", 0, 1, 0, 1)]),
        ({"vehicle": 3}, {"car": 1, "motorcycle": 1, "vehicle": 1}, [("vehicle", 3, 3, 0, 0)]),
        ({"vehicle": 3}, {"car": 2, "bicycle": 1}, [("bicycle", 0, 1, 0, 1), ("vehicle", 3, 2, 1, 0)]),
        ({"vehicle": 1}, {"car": 1, "truck": 1}, [("vehicle", 1, 2, 0, 1)]),
        ({"vehicle": 0}, {"car": 1}, [("vehicle", 0, 1, 0, 1)]),
        # Both named: cars meet cars first, and the cars left over are vehicles.
        ({"car": 2, "vehicle": 1}, {"car": 3}, [("car", 2, 2, 0, 0), ("vehicle", 1, 1, 0, 0)]),
        ({"car": 2, "vehicle": 1}, {"car": 2}, [("car", 2, 2, 0, 0), ("vehicle", 1, 0, 1, 0)]),
        ({"car": 2, "vehicle": 1}, {"car": 4}, [("car", 2, 3, 0, 1), ("vehicle", 1, 1, 0, 0)]),
        ({"car": 2, "vehicle": 1}, {"truck": 3}, [("car", 2, 0, 2, 0), ("vehicle", 1, 3, 0, 2)]),
        ({"car": 1, "vehicle": 2}, {"car": 2, "bus": 1}, [("car", 1, 1, 0, 0), ("vehicle", 2, 2, 0, 0)]),
        (
            {"car": 1, "truck": 1, "vehicle": 2},
            {"car": 2, "truck": 3},
            [("car", 1, 1, 0, 0), ("truck", 1, 2, 0, 1), ("vehicle", 2, 2, 0, 0)],
        ),
    ],
)
def test_labels_meet(
    true: dict[str, int], counted: dict[str, int], expected: list[tuple[str, int, int, int, int]]
) -> None:
    assert match(true, counted) == [Match(*row) for row in expected]


def met(rows: list[Match]) -> int:
    return sum(row.counted - row.over for row in rows)


@given(LABELS, LABELS)
def test_rows_add_up_to_the_true_and_the_counted_crossings(
    true: dict[str, int], counted: dict[str, int]
) -> None:
    rows = match(true, counted)

    assert {row.label: row.true for row in rows if row.label in true} == true
    assert sum(row.true for row in rows) == sum(true.values())
    assert sum(row.counted for row in rows) == sum(counted.values())
    assert all(row.true - row.missed == row.counted - row.over >= 0 for row in rows)
    assert all(row.missed == 0 or row.over == 0 for row in rows)


@given(LABELS, LABELS)
def test_as_many_meet_as_can(true: dict[str, int], counted: dict[str, int]) -> None:
    """Against Hall's bound for this graph: own label, or any motor vehicle for a true `vehicle`."""
    own = {label: min(true.get(label, 0), counted.get(label, 0)) for label in MOTOR - {"vehicle"}}
    spare = sum(counted.get(label, 0) - own.get(label, 0) for label in MOTOR)
    others = sum(min(true.get(label, 0), counted.get(label, 0)) for label in set(counted) - MOTOR)

    assert met(match(true, counted)) == sum(own.values()) + min(true.get("vehicle", 0), spare) + others


@given(LABELS)
def test_the_truth_itself_has_no_error(true: dict[str, int]) -> None:
    assert all(row.missed == row.over == 0 for row in match(true, true))


def test_geh_is_that_of_the_formula() -> None:
    assert geh(0, 0) == 0
    assert isclose(geh(56, 100), 4.98, abs_tol=0.01)
    assert isclose(geh(120, 100), geh(100, 120))
    assert geh(0, 50) == 10


def clip(lines: str) -> TrueClip:
    return parse(f"a.mp4:\n  size: [100, 100]\n  lines:\n{lines}", Path("t.yaml")).clips[0]


def crossing(time_ms: int, direction: Direction, label: Label, line: str = "mid") -> Crossing:
    return Crossing(time_ms, line, direction, label, 0.5, 1.0)


def test_a_clip_is_scored_by_line_direction_and_label() -> None:
    lines = """\
    mid: {from: [50, 0], to: [50, 100], to_left: {person: 2}, to_right: {vehicle: 1}}
    far: {from: [90, 0], to: [90, 100], to_left: {person: 1}, to_right: {}}
"""
    crossings = [
        crossing(1000, "to_left", Label.PERSON),
        crossing(2000, "to_right", Label.PERSON),
        crossing(2000, "to_right", Label.BUS),
        crossing(2000, "to_left", Label.PERSON, "far"),
        crossing(2000, "to_left", Label.PERSON, "no line of the truth"),
    ]

    rows = score(clip(lines), crossings, 0, 36_000)

    assert [
        (r.clip, r.line, r.direction, r.label, r.true, r.counted, r.missed, r.over, r.signed) for r in rows
    ] == [
        ("a.mp4", "mid", "to_right", "person", 0, 1, 0, 1, 1),
        ("a.mp4", "mid", "to_right", "vehicle", 1, 1, 0, 0, 0),
        ("a.mp4", "mid", "to_left", "person", 2, 1, 1, 0, -1),
        ("a.mp4", "far", "to_left", "person", 1, 1, 0, 0, 0),
    ]
    # 100 and 200 an hour.
    assert isclose(rows[2].geh, geh(100, 200))
    summary = summarise(rows)
    assert (summary.true, summary.counted, summary.missed, summary.over, summary.signed) == (4, 4, 1, 1, 0)
    assert summary.accuracy == 0.5


def test_unchecked_spans_are_not_compared() -> None:
    lines = "    mid: {from: [50, 0], to: [50, 100], to_left: {person: 1}, within_s: [[1, 2], [5, 7]]}\n"
    crossings = [crossing(at + 10_000, "to_left", Label.PERSON) for at in (999, 1000, 2000, 4000, 7000)]

    (row,) = score(clip(lines), crossings, 10_000, 60_000)

    assert (row.true, row.counted) == (1, 1)
    lines = lines.replace("person: 1", "person: 2")
    (row,) = score(clip(lines), crossings, 10_000, 60_000)
    assert isclose(row.geh, geh(1200, 2400))


def test_where_nothing_is_true_there_is_no_accuracy() -> None:
    assert summarise([]).accuracy is None


def test_errors_never_cancel() -> None:
    lines = "    mid: {from: [50, 0], to: [50, 100], to_left: {person: 1}, to_right: {person: 1}}\n"
    rows = score(clip(lines), [crossing(0, "to_left", Label.PERSON)] * 2, 0, 1000)

    assert summarise(rows).signed == 0
    assert summarise(rows).accuracy == -0.0
    assert summarise(rows).missed + summarise(rows).over == 2
