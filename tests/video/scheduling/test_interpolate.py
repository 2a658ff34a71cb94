"""Between two runs of a detector objects move evenly, and only objects found in both runs have a box."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerby.counting.detections import Detections
from passerby.domain.labels import Label
from passerby.video.scheduling.interpolate import interpolated, pairs, velocities


def boxes(time_ms: int, *rows: tuple[float, float, float, float, Label, float]) -> Detections:
    return Detections(
        time_ms,
        np.array([row[:4] for row in rows], np.float32).reshape(-1, 4),
        np.array([row[5] for row in rows], np.float32),
        np.array([row[4] for row in rows], np.int64),
    )


def between(
    first: Detections, second: Detections, time_ms: int, velocity: tuple[float, float] = (np.nan, np.nan)
) -> Detections:
    """The detections at `time_ms`, where all of `first` have one velocity in px per ms, or an unknown one."""
    paired = pairs(first, second, np.full((len(first), 2), velocity, np.float32))
    return interpolated(first, second, paired, time_ms)


@given(st.integers(1, 159), st.floats(-12, 12), st.floats(-12, 12))
def test_an_object_moves_evenly(after_ms: int, x: float, y: float) -> None:
    first = boxes(1000, (100, 100, 120, 140, Label.PERSON, 0.8))
    second = boxes(1160, (100 + x, 100 + y, 120 + x, 140 + y, Label.PERSON, 0.6))
    [row] = between(first, second, 1000 + after_ms).xyxy
    share = after_ms / 160
    assert row == pytest.approx(
        [100 + share * x, 100 + share * y, 120 + share * x, 140 + share * y], abs=1e-3
    )


def test_an_object_of_one_run_alone_has_no_box_in_between() -> None:
    first = boxes(0, (0, 0, 20, 40, Label.PERSON, 0.8), (200, 0, 220, 40, Label.PERSON, 0.8))
    second = boxes(160, (2, 0, 22, 40, Label.PERSON, 0.8), (400, 0, 420, 40, Label.PERSON, 0.8))
    found = between(first, second, 80)
    assert found.xyxy.tolist() == [[1, 0, 21, 40]]
    assert len(between(first, boxes(160), 80)) == len(between(boxes(0), second, 80)) == 0


def test_objects_side_by_side_are_not_confused() -> None:
    first = boxes(0, (0, 0, 20, 40, Label.PERSON, 0.8), (24, 0, 44, 40, Label.PERSON, 0.8))
    second = boxes(160, (10, 0, 30, 40, Label.PERSON, 0.8), (34, 0, 54, 40, Label.PERSON, 0.8))
    assert sorted(between(first, second, 80).xyxy[:, 0].tolist()) == [5, 29]


def test_car_and_truck_may_be_one_object_but_not_car_and_person() -> None:
    car = boxes(0, (0, 0, 80, 40, Label.CAR, 0.5))
    truck = boxes(160, (4, 0, 84, 40, Label.TRUCK, 0.7))
    person = boxes(160, (4, 0, 84, 40, Label.PERSON, 0.7))
    assert between(car, truck, 80).class_id.tolist() == [Label.TRUCK]
    assert len(between(car, person, 80)) == 0


def test_a_rider_is_one_object_with_the_label_of_the_nearer_run() -> None:
    cycle = boxes(0, (0, 0, 30, 60, Label.BICYCLE, 0.3))
    walker = boxes(240, (4, 0, 34, 60, Label.PERSON, 0.9))
    assert between(cycle, walker, 80).class_id.tolist() == [Label.BICYCLE]
    assert between(cycle, walker, 160).class_id.tolist() == [Label.PERSON]


def test_a_known_velocity_tells_objects_in_a_row_apart() -> None:
    """All move on by one place: without their velocity, each is taken for the one ahead."""
    first = boxes(0, *((x, 0, x + 20, 40, Label.PERSON, 0.8) for x in (0, 30, 60)))
    second = boxes(300, *((x, 0, x + 20, 40, Label.PERSON, 0.8) for x in (30, 60, 90)))
    assert sorted(between(first, second, 150, (0.1, 0)).xyxy[:, 0].tolist()) == [15, 45, 75]
    assert sorted(between(first, second, 150).xyxy[:, 0].tolist()) == [30, 60]


def test_an_object_of_both_runs_has_a_velocity() -> None:
    first = boxes(1000, (0, 0, 20, 40, Label.PERSON, 0.8))
    second = boxes(1200, (400, 0, 420, 40, Label.PERSON, 0.8), (8, -4, 28, 36, Label.PERSON, 0.8))
    paired = pairs(first, second, np.full((1, 2), np.nan, np.float32))
    found = velocities(first, second, paired)
    assert np.isnan(found[0]).all()
    assert found[1] == pytest.approx([0.04, -0.02])
