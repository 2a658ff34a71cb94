"""Usual traffic separates parts from bodies and trucks from cars; with too little traffic nothing changes."""

from dataclasses import replace

import pytest
from tests.counting.bodies import CAR, Box, along, crossings, seen, ways

from passerby.counting.context import Usual, apply_context, class_of, usual
from passerby.counting.counts import Crossing, Kinematics
from passerby.counting.parameters import ContextParams
from passerby.domain.labels import Label

MIN_SAMPLE = ContextParams().min_sample


def driving(
    start_s: float,
    size: tuple[float, float] = CAR,
    label: Label = Label.VEHICLE,
    ahead_px: float = 0,
    up_px: float = 0,
    seconds: float = 2,
) -> list[Box]:
    """What moves from left to right and has no name."""
    points = (start_s, 60 + ahead_px, 250 - up_px), (start_s + seconds, 580 + ahead_px, 250 - up_px)
    return along(*points, size=size, label=label, confidence=0)


def counted(*there: list[Box]) -> list[Crossing]:
    return apply_context(crossings(seen(*there)))


USUAL = [driving(5.0 * k) for k in range(MIN_SAMPLE)]
LATER_S = 5.0 * MIN_SAMPLE
WHEELS = [
    driving(LATER_S, (24, 20), ahead_px=35),
    driving(LATER_S, (26, 20), ahead_px=-35),
]


def test_two_wheels_and_a_roof_are_one_car() -> None:
    roof = driving(LATER_S, (60, 14), up_px=40)
    assert ways(counted(*USUAL, *WHEELS, roof)) == [("middle", "to_left", "car")] * (MIN_SAMPLE + 1)


def test_parts_stay_apart_where_there_is_too_little_traffic_to_compare() -> None:
    assert len(counted(*USUAL[3:], *WHEELS)) == MIN_SAMPLE - 3 + 2


def test_a_crossing_by_itself_says_nothing_of_the_others() -> None:
    """So that a release, of which one body may change only its own part, is not made with `apply_context`."""
    assert len(crossings(seen(*USUAL, *WHEELS))) == MIN_SAMPLE + 2


def test_flat_things_that_do_not_go_together_are_two() -> None:
    faster = driving(LATER_S, (26, 20), ahead_px=-60, up_px=30, seconds=1.4)
    assert len(counted(*USUAL, WHEELS[0], faster)) == MIN_SAMPLE + 2


def test_two_cars_close_behind_each_other_are_two() -> None:
    behind = driving(LATER_S, ahead_px=-(CAR[0] + 6))
    assert len(counted(*USUAL, driving(LATER_S), behind)) == MIN_SAMPLE + 2


def test_two_cyclists_side_by_side_are_two() -> None:
    pair = [driving(LATER_S, (36, 50), Label.BICYCLE, ahead_px=x) for x in (0, 45)]
    assert ways(counted(*USUAL, *pair))[MIN_SAMPLE:] == [("middle", "to_left", "bicycle")] * 2


def test_a_truck_is_recognised_by_its_size_among_cars_in_its_direction_alone() -> None:
    lorry = driving(LATER_S, (200, 120), seconds=3)
    assert [way[2] for way in ways(counted(*USUAL, lorry))] == ["car"] * MIN_SAMPLE + ["truck"]
    assert [way[2] for way in ways(counted(*USUAL[2:], lorry))] == ["car"] * (MIN_SAMPLE - 1)
    back = along(
        (LATER_S, 560, 200), (LATER_S + 3, 80, 200), size=(200, 120), label=Label.VEHICLE, confidence=0
    )
    assert ways(counted(*USUAL, back))[-1] == ("middle", "to_right", "car")


def test_a_detected_class_is_kept_whatever_the_size() -> None:
    named = along((LATER_S, 60, 250), (LATER_S + 3, 580, 250), size=(240, 110), label=Label.BUS)
    assert ways(counted(*USUAL, named))[-1] == ("middle", "to_left", "bus")


CARS = Usual(100, 50, 0.4)


def kinematics(length: float, height: float, pace: float = 0.4) -> Kinematics:
    return Kinematics(length, height, 0, 0, -pace, 0)


@pytest.mark.parametrize(
    ("body", "label"),
    [
        (kinematics(100, 50), Label.CAR),
        (kinematics(400, 52), Label.CAR),  # a queue in one patch
        (kinematics(190, 120), Label.TRUCK),
        (kinematics(270, 105), Label.BUS),
        (kinematics(375, 136), Label.TRUCK),  # with a trailer
        (kinematics(40, 20), Label.CAR),  # a part that goes alone, as fast as cars
        (kinematics(90, 50, 0.1), Label.CAR),  # a car in a queue
    ],
)
def test_kinds_by_how_large_and_fast_they_are(body: Kinematics, label: Label) -> None:
    assert class_of(body, CARS) == label


def faint(start_s: float, px_per_s: float) -> list[Box]:
    """A body with boxes of motion alone, whose shapes waver between a two-wheeler and a vehicle."""
    way = along((start_s, 60, 250), (start_s + 520 / px_per_s, 580, 250), size=(50, 50), confidence=0)
    return [replace(box, label=(Label.BICYCLE, Label.VEHICLE)[k % 3 == 0]) for k, box in enumerate(way)]


def test_the_experience_of_a_line_names_what_is_not_decisive_alone() -> None:
    undecided = faint(LATER_S, 200)
    assert [c.label for c in counted(undecided)] == [Label.UNKNOWN]
    assert [c.label for c in counted(*USUAL, undecided)][-1] == Label.CAR


def test_experience_names_nobody_against_clear_evidence() -> None:
    walker = along((LATER_S, 60, 250), (LATER_S + 10, 580, 250))
    assert [c.label for c in counted(*USUAL, *USUAL, walker)][-1] == Label.PERSON


def test_the_usual_is_the_middle_of_enough() -> None:
    going = [kinematics(100, 50)] * 3 + [kinematics(300, 150, 0.1)] * 2
    assert usual(going) == Usual(100, 50, 0.4)
    assert usual(going[1:]) is None
