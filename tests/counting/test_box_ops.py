"""A rider and the bicycle are one bicycle; motion that a detection explains is not added again."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.counting.bodies import Box, moved, seen
from tests.tiers import examples

from passerby.counting.box_ops import MAX_UNCLASSIFIED, area, complete, overlap, riders
from passerby.counting.detections import Detections, no_detections
from passerby.domain.labels import Label

RIDER = Box(0, (300, 100, 330, 170), Label.PERSON, 0.9)
WHEELS = Box(0, (285, 135, 345, 185), Label.BICYCLE, 0.6)
WALKER = Box(0, (420, 110, 446, 180), Label.PERSON, 0.8)
CAR = Box(0, (100, 200, 220, 270), Label.CAR, 0.7)


def of(*boxes: Box) -> Detections:
    return seen(boxes)[0] if boxes else no_detections(0)


def as_set(found: Detections) -> set[tuple[object, ...]]:
    return {
        (label, round(confidence, 5), *(round(side, 3) for side in xyxy))
        for label, confidence, xyxy in zip(
            found.class_id.tolist(), found.confidence.tolist(), found.xyxy.tolist(), strict=True
        )
    }


@st.composite
def boxes(draw: st.DrawFn) -> list[Box]:
    found = []
    for _ in range(draw(st.integers(0, 8))):
        x, y = draw(st.integers(0, 600)), draw(st.integers(0, 320))
        width, height = draw(st.integers(6, 120)), draw(st.integers(6, 120))
        label, confidence = draw(st.sampled_from(list(Label))), draw(st.integers(10, 99)) / 100
        found.append(Box(0, (x, y, x + width, y + height), label, confidence))
    return found


# Riders


@pytest.mark.parametrize("cycle", [Label.BICYCLE, Label.MOTORCYCLE])
def test_a_rider_and_the_cycle_are_one_cycle_around_both(cycle: Label) -> None:
    found = riders(of(RIDER, Box(0, WHEELS.xyxy, cycle, 0.6)))
    assert found.class_id.tolist() == [cycle]
    assert found.xyxy.tolist() == [[285, 100, 345, 185]]
    assert found.confidence.tolist() == pytest.approx([0.9])


def test_two_riders_side_by_side_are_two_bicycles() -> None:
    other = [moved(box, right_px=45, down_px=4) for box in (RIDER, WHEELS)]
    found = riders(of(RIDER, WHEELS, *other))
    assert found.class_id.tolist() == [Label.BICYCLE] * 2


def test_a_pedestrian_who_passes_a_bicycle_stays_a_person() -> None:
    found = riders(of(WHEELS, moved(RIDER, right_px=70)))
    assert sorted(found.class_id.tolist()) == [Label.PERSON, Label.BICYCLE]


@pytest.mark.parametrize("kept", [(), (WALKER,), (WHEELS,), (WALKER, CAR), (CAR, WHEELS)])
def test_boxes_without_a_rider_are_unchanged(kept: tuple[Box, ...]) -> None:
    assert as_set(riders(of(*kept))) == as_set(of(*kept))


@settings(max_examples=examples(40))
@given(boxes())
def test_riding_adds_nobody_and_leaves_motor_vehicles_alone(given_: list[Box]) -> None:
    before = of(*given_)
    found = riders(before)
    for label in Label:
        assert (found.class_id == label).sum() <= (before.class_id == label).sum()
    motor = [box for box in given_ if box.label in (Label.CAR, Label.BUS, Label.TRUCK, Label.VEHICLE)]
    assert as_set(of(*motor)) <= as_set(found)
    # Whoever is gone rides: there is a cycle.
    if not ((before.class_id == Label.BICYCLE) | (before.class_id == Label.MOTORCYCLE)).any():
        assert as_set(found) == as_set(before)


@settings(max_examples=examples(40))
@given(boxes())
def test_the_arguments_are_not_changed(given_: list[Box]) -> None:
    before = of(*given_)
    copies = before.xyxy.copy(), before.confidence.copy(), before.class_id.copy()
    riders(before)
    complete(before, before)
    assert (before.xyxy == copies[0]).all()
    assert (before.confidence == copies[1]).all()
    assert (before.class_id == copies[2]).all()


# What moved


def test_motion_is_added_with_a_confidence_of_zero() -> None:
    found = complete(of(WALKER), of(CAR))
    assert found.confidence.tolist() == pytest.approx([0.8, 0])
    assert found.xyxy.tolist() == [list(WALKER.xyxy), list(CAR.xyxy)]


def test_motion_that_a_detection_explains_is_not_added() -> None:
    assert as_set(complete(of(WALKER, CAR), of(CAR, WALKER))) == as_set(of(WALKER, CAR))


@settings(max_examples=examples(40))
@given(boxes(), boxes())
def test_detections_stay_first_and_unchanged(seen_: list[Box], moved_: list[Box]) -> None:
    before = of(*seen_)
    found = complete(before, of(*moved_))
    assert (found.xyxy[: len(before)] == before.xyxy).all()
    assert (found.confidence[: len(before)] == before.confidence).all()
    assert (found.confidence[len(before) :] == 0).all()
    assert len(found) <= len(before) + len(moved_)


def test_edges_of_a_camera_that_moves_are_nobody_where_somebody_is_seen() -> None:
    bodies = [moved(CAR, right_px=500 * number) for number in range(MAX_UNCLASSIFIED + 2)]
    assert len(complete(of(WALKER), of(*bodies[1:-1]))) == 1 + MAX_UNCLASSIFIED
    assert as_set(complete(of(WALKER), of(*bodies[1:]))) == as_set(of(WALKER))


@settings(max_examples=examples(40))
@given(boxes())
def test_with_nothing_seen_all_that_moved_is_there(moved_: list[Box]) -> None:
    assert len(complete(no_detections(0), of(*moved_))) == len(moved_)


# Areas


@settings(max_examples=examples(40))
@given(boxes(), boxes())
def test_overlap_is_symmetric_and_within_both_boxes(one: list[Box], other: list[Box]) -> None:
    a, b = of(*one).xyxy, of(*other).xyxy
    shared = overlap(a, b)
    assert shared.shape == (len(a), len(b))
    assert (shared == overlap(b, a).T).all()
    assert (shared >= 0).all()
    assert (shared <= np.minimum(area(a)[:, None], area(b)[None, :])).all()
    assert (np.diag(overlap(a, a)) == area(a)).all()
