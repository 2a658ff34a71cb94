"""Each body counts once, with the class that its boxes vote for; no id is in the result."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.counting.bodies import (
    CAR,
    EVER,
    HEIGHT,
    MIDDLE,
    WIDTH,
    Box,
    along,
    crossings,
    mirrored,
    moved,
    seen,
    ways,
)
from tests.tiers import examples

from passerby.counting.context import apply_context
from passerby.counting.counts import Crossing
from passerby.counting.crossings import find_crossings
from passerby.counting.detections import KIND, Detections
from passerby.counting.kinds import decide, evidence_of
from passerby.counting.tracker import track
from passerby.domain.geometry import Line
from passerby.domain.labels import Label
from passerby.domain.timespan import Span

RIGHT = Line("right", (0.7, 0.0), (0.7, 1.0))
WALK = along((0, 100, 200), (6, 560, 200))
FALLING = {"to_left": "to_right", "to_right": "to_left"}


def relabelled(body: list[Box], labels: list[Label], confidence: float = 0.8) -> list[Box]:
    """The labels in turn."""
    return [
        replace(box, label=labels[number % len(labels)], confidence=confidence)
        for number, box in enumerate(body)
    ]


def test_nothing_is_counted_of_nothing() -> None:
    assert crossings([]) == []
    assert crossings(seen(WALK), lines=()) == []


def test_each_line_counts_for_itself_in_order_of_time() -> None:
    found = crossings(seen(WALK), [RIGHT, MIDDLE])
    assert ways(found) == [("middle", "to_left", "person"), ("right", "to_left", "person")]
    assert found[0].time_ms < found[1].time_ms


def test_only_crossings_within_the_span_are_counted() -> None:
    [only] = crossings(seen(WALK))
    at = only.time_ms
    assert crossings(seen(WALK), span=Span(at, at + 1)) == [only]
    assert crossings(seen(WALK), span=Span(0, at)) == []
    assert crossings(seen(WALK), span=Span(at + 1, at + 10_000)) == []


def test_no_field_connects_two_crossings() -> None:
    assert {field.name for field in fields(Crossing)} == {
        *("time_ms", "line", "direction", "label", "along", "share", "kinematics", "evidence")
    }


def test_only_a_body_without_a_class_has_kinematics_until_context_is_applied() -> None:
    [named] = crossings(seen(WALK))
    assert named.kinematics is None
    [moving] = crossings(seen(relabelled(WALK, [Label.PERSON], confidence=0)))
    assert moving.kinematics is not None
    assert (moving.kinematics.length, moving.kinematics.height) == pytest.approx((24, 60), abs=0.1)
    assert (moving.kinematics.x, moving.kinematics.y) == pytest.approx((320, 170), abs=2)
    assert (moving.kinematics.dx * 1000, moving.kinematics.dy) == pytest.approx((77, 0), abs=1)
    assert apply_context([moving]) == [replace(moving, kinematics=None, evidence=None)]


@pytest.mark.parametrize("boxes", [1, 2])
def test_a_flicker_of_the_detector_counts_nothing(boxes: int) -> None:
    jump = [replace(WALK[0], xyxy=(300.0, 140.0, 318.0, 200.0)), Box(80, (324.0, 140.0, 342.0, 200.0))]
    assert crossings(seen(jump[:boxes])) == []


def test_a_rider_before_a_car_and_the_car_are_two_and_a_person_inside_it_is_none() -> None:
    car = along((0, 80, 250), (2, 560, 250), size=CAR, label=Label.CAR)
    rider = along((0, 90, 268), (2, 570, 268), size=(40, 54), label=Label.BICYCLE)
    assert sorted(ways(crossings(seen(car, rider)))) == [
        ("middle", "to_left", "bicycle"),
        ("middle", "to_left", "car"),
    ]
    driver = along((0, 90, 232), (2, 570, 232), size=(20, 24))
    assert ways(crossings(seen(car, driver))) == [("middle", "to_left", "car")]


# Votes


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([Label.PERSON], "person"),
        ([Label.BICYCLE], "bicycle"),
        ([Label.CAR], "car"),
        ([Label.TRUCK], "truck"),
        ([Label.CAR, Label.CAR, Label.CAR, Label.TRUCK], "car"),
        ([Label.PERSON, Label.PERSON, Label.PERSON, Label.PERSON, Label.CAR], "person"),
        ([Label.CAR, Label.TRUCK], "vehicle"),
        ([Label.BICYCLE, Label.PERSON], "bicycle"),
        ([Label.MOTORCYCLE], "motorcycle"),
        ([Label.MOTORCYCLE, Label.MOTORCYCLE, Label.PERSON], "motorcycle"),
        ([Label.MOTORCYCLE, Label.PERSON, Label.PERSON], "bicycle"),
        ([Label.MOTORCYCLE, Label.BICYCLE], "bicycle"),
        ([Label.VEHICLE, Label.VEHICLE, Label.VEHICLE, Label.VEHICLE, Label.BUS], "car"),
        ([Label.VEHICLE, Label.BUS, Label.BUS], "bus"),
    ],
)
def test_the_label_is_voted_on(labels: list[Label], expected: str) -> None:
    assert ways(crossings(seen(relabelled(WALK, labels)))) == [("middle", "to_left", expected)]


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([Label.PERSON], "person"),
        ([Label.BICYCLE, Label.PERSON, Label.BICYCLE], "bicycle"),
        ([Label.VEHICLE], "car"),
    ],
)
def test_a_body_without_a_class_has_the_shape_of_most_of_its_boxes(
    labels: list[Label], expected: str
) -> None:
    body = relabelled(WALK, labels, confidence=0)
    assert ways(crossings(seen(body))) == [("middle", "to_left", expected)]


@pytest.mark.parametrize(
    ("confidence", "seconds", "size", "expected"),
    [
        (0.8, 8, (24, 60), "person"),
        (0.8, 5, (24, 60), "person"),  # a runner: 1.7 body heights in a second
        (0.8, 3, (24, 60), "bicycle"),
        (0.8, 3, (60, 60), "bicycle"),
        (0.0, 8, (24, 60), "person"),
        (0.0, 5, (24, 60), "person"),
        (0.0, 3, (24, 60), "unknown"),  # the shape of a pedestrian, the pace of a rider
        (0.0, 3, (60, 60), "bicycle"),
    ],
)
def test_a_person_faster_than_any_pedestrian_is_a_rider(
    confidence: float, seconds: float, size: tuple[float, float], expected: str
) -> None:
    body = along((0, 60, 200), (seconds, 580, 200), size=size, confidence=confidence)
    assert ways(crossings(seen(body))) == [("middle", "to_left", expected)]


def test_a_body_cut_by_the_edge_of_the_frame_is_no_rider_for_that() -> None:
    legs = along((0, 60, 18), (8, 580, 18), size=(24, 60))
    cut = [replace(box, xyxy=(box.xyxy[0], 0, *box.xyxy[2:])) for box in legs]
    assert ways(crossings(seen(cut))) == [("middle", "to_left", "person")]


def test_leaves_and_ghosts_that_tremble_on_the_line_are_nobody() -> None:
    leaf = along((0, 320, 200), (20, 320, 200), size=(30, 30), confidence=0, tremble_px=14, seed=4)
    assert crossings(seen(relabelled(leaf, [Label.VEHICLE], confidence=0))) == []


def test_boxes_long_before_the_crossing_have_no_vote() -> None:
    parked = along((0, 300, 200), (30, 300, 200), size=(60, 40))
    rides = along((30.08, 300, 200), (32, 360, 200), size=(60, 40))
    body = relabelled(parked, [Label.CAR]) + relabelled(rides, [Label.BICYCLE])
    assert [c.label for c in crossings(seen(body))] == [Label.BICYCLE]


VOTES = st.lists(st.integers(0, 40), min_size=len(Label), max_size=len(Label)).filter(any)


@given(VOTES, VOTES)
def test_a_name_needs_boxes_that_gave_it(said: list[int], moved: list[int]) -> None:
    votes = np.array([said, moved], np.float64)
    label, share = decide(evidence_of(votes, None))
    if label in {Label.MOTORCYCLE, Label.BUS, Label.TRUCK}:
        assert votes[0, label] > 0
    if label is not Label.UNKNOWN:
        assert sum(votes[:, one].sum() for one in Label if KIND[one] == KIND[label]) > 0
    assert 1 / 3 <= share <= 1 + 1e-9


@given(st.sampled_from([label for label in Label if label is not Label.UNKNOWN]), st.floats(2, 100))
def test_one_sure_voice_decides(label: Label, votes: float) -> None:
    alone = np.zeros((2, len(Label)))
    alone[0, label] = votes
    named, share = decide(evidence_of(alone, None))
    assert named is (Label.CAR if label is Label.VEHICLE else label)
    assert share > 0.7


def test_where_nothing_speaks_for_a_kind_none_is_named() -> None:
    silent = np.zeros((2, len(Label)))
    silent[0, Label.UNKNOWN] = 5
    label, share = decide(evidence_of(silent, None))
    assert label is Label.UNKNOWN
    assert share == pytest.approx(1 / 3)


# One body, once


@pytest.mark.parametrize("hidden_ms", [160, 320, 480, 640])
def test_a_pedestrian_lost_beside_another_and_relinked_does_not_cross_again(hidden_ms: int) -> None:
    other = along((0, 100, 200), (8, 600, 200), size=(20, 60))
    walker = along((0, 85, 203), (8, 585, 203), size=(20, 60))
    seen_again_ms = 4_400 + hidden_ms
    # Found again ahead of where they were expected, they are too far off to be known again.
    astray = [
        replace(box, xyxy=(box.xyxy[0] + 22, box.xyxy[1], box.xyxy[2] + 22, box.xyxy[3]))
        for box in walker
        if box.time_ms >= seen_again_ms
    ]
    both = [*other, *(box for box in walker if box.time_ms < 4_400), *astray]
    assert ways(crossings(seen(both))) == [("middle", "to_left", "person")] * 2


@pytest.mark.parametrize("other", [Label.TRUCK, Label.CAR])
def test_two_boxes_on_one_car_are_one_car(other: Label) -> None:
    car = along((0, 60, 300), (4, 580, 300), size=CAR, label=Label.CAR)
    second = [replace(moved(box, 3, -2), label=other, confidence=0.5) for box in car]
    assert len(crossings(seen(car, second))) == 1


def test_two_pedestrians_side_by_side_are_two() -> None:
    beside = [moved(box, 26, 8) for box in WALK]
    assert len(crossings(seen(WALK, beside))) == 2


def test_a_rider_and_a_car_behind_their_lane_are_two_without_a_class_for_either() -> None:
    rider = along((1.2, 252, 240), (2.8, 388, 240), size=(30, 30), label=Label.BICYCLE, confidence=0)
    car = along((1.5, 200, 260), (2.6, 464, 260), size=CAR, label=Label.VEHICLE, confidence=0)
    assert ways(crossings(seen(rider, car))) == [
        ("middle", "to_left", "bicycle"),
        ("middle", "to_left", "car"),
    ]
    # A wheel that goes with the car is a part of it.
    wheel = [replace(moved(box, 20), xyxy=(*moved(box, 60).xyxy[:2], *box.xyxy[2:])) for box in car]
    assert len(crossings(seen(car, wheel))) == 1


def test_two_bodies_in_opposite_directions_are_one_in_each() -> None:
    back = [moved(mirrored(box), down_px=25) for box in WALK]
    assert sorted(way for _, way, _ in ways(crossings(seen(WALK, back)))) == ["to_left", "to_right"]


# Properties

few = settings(max_examples=examples(20))


@st.composite
def streets(draw: st.DrawFn) -> list[list[Box]]:
    """Up to four bodies that walk or drive to and fro, each in a lane of its own."""
    bodies = []
    for lane in range(draw(st.integers(1, 4))):
        xs = draw(st.lists(st.integers(40, 600), min_size=2, max_size=4))
        begin = draw(st.integers(0, 30)) / 10
        points = [(begin + 3 * number, x, 66 + 90 * lane) for number, x in enumerate(xs)]
        label = draw(st.sampled_from([Label.PERSON, Label.BICYCLE, Label.CAR]))
        bodies.append(along(*points, size=(30, 60), label=label))
    return bodies


def kinds(found: list[Crossing]) -> list[tuple[str, str, Label]]:
    return [(c.line, c.direction, c.label) for c in found]


@few
@given(streets())
def test_adjacent_spans_count_as_much_as_the_whole_span(bodies: list[list[Box]]) -> None:
    tracks = track(seen(*bodies))
    whole = find_crossings(tracks, [MIDDLE, RIGHT], (WIDTH, HEIGHT), EVER)
    parts = [
        crossing
        for start_ms in range(0, 20_000, 1_000)
        for crossing in find_crossings(
            tracks, [MIDDLE, RIGHT], (WIDTH, HEIGHT), Span(start_ms, start_ms + 1_000)
        )
    ]
    assert parts == whole


@few
@given(streets())
def test_a_mirror_swaps_directions_and_nothing_else(bodies: list[list[Box]]) -> None:
    image = [[mirrored(box) for box in body] for body in bodies]
    here, there = crossings(seen(*bodies)), crossings(seen(*image))
    assert sorted(kinds(here)) == sorted((line, FALLING[way], label) for line, way, label in kinds(there))


@few
@given(streets())
def test_a_line_turned_round_swaps_directions_and_nothing_else(bodies: list[list[Box]]) -> None:
    back = replace(MIDDLE, start=MIDDLE.end, end=MIDDLE.start)
    here, there = crossings(seen(*bodies)), crossings(seen(*bodies), [back])
    assert sorted(kinds(here)) == sorted((line, FALLING[way], label) for line, way, label in kinds(there))


@few
@given(streets(), st.sampled_from([2, 3, 4]))
def test_the_same_picture_in_more_pixels_counts_the_same(bodies: list[list[Box]], factor: int) -> None:
    large = [[moved(box, scale=factor) for box in body] for body in bodies]
    found = find_crossings(track(seen(*large)), [MIDDLE, RIGHT], (factor * WIDTH, factor * HEIGHT), EVER)
    assert kinds(found) == kinds(crossings(seen(*bodies), [MIDDLE, RIGHT]))


@few
@given(streets())
def test_the_count_of_a_line_does_not_depend_on_other_lines(bodies: list[list[Box]]) -> None:
    both = crossings(seen(*bodies), [MIDDLE, RIGHT])
    assert [c for c in both if c.line == "right"] == crossings(seen(*bodies), [RIGHT])


@few
@given(streets())
def test_bodies_in_lanes_of_their_own_count_as_they_do_alone(bodies: list[list[Box]]) -> None:
    alone = [crossing for body in bodies for crossing in crossings(seen(body))]
    assert sorted(kinds(crossings(seen(*bodies)))) == sorted(kinds(alone))


@few
@given(streets())
def test_a_detector_that_answers_twice_counts_once(bodies: list[list[Box]]) -> None:
    """The same boxes again at the same instants, as of a second detector that agrees."""
    twice = [
        Detections(
            tick.time_ms,
            np.concatenate([tick.xyxy, tick.xyxy]),
            np.concatenate([tick.confidence, tick.confidence * np.float32(0.9)]),
            np.concatenate([tick.class_id, tick.class_id]),
        )
        for tick in seen(*bodies)
    ]
    assert sorted(kinds(crossings(twice))) == sorted(kinds(crossings(seen(*bodies))))
