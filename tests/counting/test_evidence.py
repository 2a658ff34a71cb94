"""What moved over a line is counted once, whether a detector found it or not."""

from collections.abc import Iterable
from dataclasses import replace

import pytest
from tests.counting.bodies import CAR, EVER, HEIGHT, MIDDLE, WIDTH, Box, along, crossings, seen, ways

from passerby.counting.box_ops import complete
from passerby.counting.counts import Crossing
from passerby.counting.detections import Detections
from passerby.counting.evidence import with_motion
from passerby.domain.labels import Label

VEHICLE = along((0, 60, 200), (3, 580, 200), size=CAR, label=Label.CAR)


def as_motion(body: Iterable[Box], label: Label = Label.VEHICLE) -> list[Box]:
    return [replace(box, label=label, confidence=0.0) for box in body]


def together(detected: list[Box], moving: list[Box]) -> list[Detections]:
    """The ticks of a detector and of motion, as `observe` joins them."""
    times_ms = sorted({box.time_ms for box in (*detected, *moving)})
    found, motion = seen(detected, empty_ms=times_ms), seen(moving, empty_ms=times_ms)
    return [complete(*both) for both in zip(found, motion, strict=True)]


def counted(ticks: list[Detections]) -> list[Crossing]:
    return with_motion(crossings(ticks), ticks, [MIDDLE], (WIDTH, HEIGHT), EVER)


def test_a_vehicle_that_a_detector_found_is_counted_once() -> None:
    found = counted(together(VEHICLE, as_motion(VEHICLE)))

    assert ways(found) == [("middle", "to_left", "car")]


def test_unsure_boxes_that_become_no_track_take_nothing_away() -> None:
    # At dusk a detector answers faint boxes, which cover what moved and begin no track.
    faint = [replace(box, confidence=0.25) for box in VEHICLE]
    ticks = together(faint, as_motion(VEHICLE))

    assert crossings(ticks) == []
    assert [(c.line, c.direction) for c in counted(ticks)] == [("middle", "to_left")]


def test_more_moving_bodies_than_a_camera_that_shakes_are_not_lost() -> None:
    # Beyond UNNAMED boxes `complete` takes them for edges; on a wide street they are bodies.
    bodies = [along((0, 60, y), (3, 580, y), size=(30.0, 14.0)) for y in range(40, 340, 20)]
    parked = along((0, 600, 350), (3, 600, 350), size=(30.0, 14.0), label=Label.CAR)
    ticks = together(parked, as_motion(box for body in bodies for box in body))

    assert crossings(ticks) == []
    assert len(counted(ticks)) == len(bodies)


def test_a_vehicle_with_its_shadow_is_not_counted_again() -> None:
    with_shadow = along((0, 80, 215), (3, 600, 215), size=(150.0, 75.0))

    found = counted(together(VEHICLE, as_motion(with_shadow)))

    assert ways(found) == [("middle", "to_left", "car")]


@pytest.mark.parametrize("later_ms", [1_040, 2_000])
def test_a_follower_that_only_moved_is_counted_too(later_ms: int) -> None:
    follower = [replace(box, time_ms=box.time_ms + later_ms) for box in VEHICLE]

    found = counted(together(VEHICLE, as_motion([*VEHICLE, *follower])))

    assert len(found) == 2
    assert found[1].time_ms - found[0].time_ms == pytest.approx(later_ms, abs=80)


def test_the_other_way_is_another_crossing() -> None:
    back = along((0, 580, 200), (3, 60, 200), size=CAR)

    found = counted(together(VEHICLE, as_motion(back)))

    assert sorted(c.direction for c in found) == ["to_left", "to_right"]


def test_motion_alone_is_counted_as_it_was() -> None:
    ticks = together([], as_motion(VEHICLE))
    [crossing] = counted(ticks)

    assert crossing.evidence is not None
    assert not crossing.evidence.confirmed
    assert [replace(crossing, evidence=replace(crossing.evidence, confirmed=True))] == crossings(ticks)


def test_a_detector_alone_is_counted_as_it_was() -> None:
    ticks = seen(VEHICLE)

    assert counted(ticks) == crossings(ticks)
