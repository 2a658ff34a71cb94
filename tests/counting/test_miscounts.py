"""Known miscounts: each kind of wrong count that is reported of such systems, and the right count.

What belongs to cameras that run for ever (a picture that stands still, a camera that is lost) is tested where
they are watched; what belongs to pixels and to time stamps, in the tests of the pipeline and of reading.
"""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from tests.counting.bodies import (
    CAR,
    EVER,
    HEIGHT,
    MIDDLE,
    TICK_MS,
    WIDTH,
    Box,
    along,
    crossings,
    mirrored,
    moved,
    seen,
    ways,
)

from passerby.counting.box_ops import riders
from passerby.counting.crossings import find_crossings
from passerby.counting.detections import Detections
from passerby.counting.tracker import track
from passerby.domain.geometry import Line, Point, Zone
from passerby.domain.labels import Label
from passerby.domain.timespan import Span
from passerby.video.detect.nms import Boxes, suppress

WALK = along((0, 100, 200), (6, 560, 200))
DRIVE = along((0, 60, 250), (4, 580, 250), size=CAR, label=Label.CAR)


def count(*bodies: list[Box], lines: tuple[Line, ...] = (MIDDLE,)) -> list[tuple[str, str, str]]:
    return ways(crossings(seen(*bodies), lines))


# A stop on the line


@pytest.mark.parametrize("stop_s", [1, 20, 120])
@pytest.mark.parametrize("tremble_px", [0, 2, 4])
@pytest.mark.parametrize("stop_x", [316, 320, 326])
def test_a_car_that_stops_on_the_line_counts_once(stop_s: int, tremble_px: float, stop_x: int) -> None:
    car = along(
        (0, 60, 250),
        (2, stop_x, 250),
        (2 + stop_s, stop_x, 250),
        (4 + stop_s, 580, 250),
        size=CAR,
        label=Label.CAR,
        tremble_px=tremble_px,
    )
    assert count(car) == [("middle", "to_left", "car")]


def test_a_car_that_parks_on_the_line_counts_at_most_once() -> None:
    car = along((0, 60, 250), (2, 320, 250), (300, 320, 250), size=CAR, label=Label.CAR, tremble_px=3)
    assert len(count(car)) <= 1


def test_a_body_that_stands_by_the_line_from_the_start_does_not_count() -> None:
    for x in (312, 320, 328):
        stands = along((0, x, 200), (60, x, 200), tremble_px=2)
        assert count(stands) == []


# Jitter across it


def placed(sides: str, step_px: float) -> list[Box]:
    """A foot `step_px` before the line for each A, and as far beyond it for each B."""
    x = {"A": 320 - step_px, "B": 320 + step_px}
    return [
        Box(number * TICK_MS, (x[side] - 12, 140, x[side] + 12, 200)) for number, side in enumerate(sides)
    ]


@pytest.mark.parametrize("sides", ["AAABAAA", "AAABAAABAAA", "BBBABBB", "ABABABABA", "AABBAABBAA"])
def test_trembling_over_the_line_is_no_crossing(sides: str) -> None:
    assert count(placed(sides, 1.5)) == []


@pytest.mark.parametrize("sides", ["AAABAAA", "AAAABAAAABAAAA", "BBBABBB"])
def test_a_single_box_that_is_drawn_far_out_is_no_crossing(sides: str) -> None:
    assert count(placed(sides, 5)) == []


@pytest.mark.parametrize("share", [0.3, 0.6])
def test_a_box_that_grows_for_one_instant_is_no_crossing(share: float) -> None:
    """A shadow or a neighbour that the detector takes into the box moves the foot over the line and back."""
    flat = Line("flat", (0, 0.6), (1, 0.6))
    body = along((0, 100, 206), (6, 500, 206))
    x1, y1, x2, y2 = body[30].xyxy
    body[30] = replace(body[30], xyxy=(x1, y1, x2, y2 + share * (y2 - y1)))
    assert count(body, lines=(flat,)) == []


def test_a_body_that_crosses_and_stays_beyond_has_crossed() -> None:
    assert count(placed("AAAABBBB", 8)) == [("middle", "to_left", "person")]


# Unconfirmed and shared ids


def test_nine_bodies_in_a_row_are_nine() -> None:
    walkers = [along((k * 0.9, 100, 200), (k * 0.9 + 6, 560, 200), tremble_px=1.5, seed=k) for k in range(9)]
    assert Counter(count(*walkers)) == {("middle", "to_left", "person"): 9}


def test_seven_each_way_in_lanes_of_their_own_are_seven_each_way() -> None:
    there = [along((k, 100, 100 + 16 * k), (k + 6, 560, 100 + 16 * k), size=(10, 24)) for k in range(7)]
    back = [along((k, 560, 230 + 16 * k), (k + 6, 100, 230 + 16 * k), size=(10, 24)) for k in range(7)]
    assert Counter(way for _, way, _ in count(*there, *back)) == {"to_left": 7, "to_right": 7}


def test_two_posts_that_are_taken_for_a_person_now_and_then_are_nobody() -> None:
    """One on either side of the line, each in one picture of seven."""
    found = []
    for seed in range(5):
        dice = np.random.default_rng(seed)
        glimpses = [
            Box(time_ms, (x - 12, 140, x + 12, 200), confidence=0.45)
            for time_ms in range(0, 60_000, TICK_MS)
            for x in (304, 336)
            if dice.random() < 1 / 7
        ]
        found += crossings(seen(glimpses, empty_ms=range(0, 60_000, TICK_MS)))
    assert found == []


# An id switch at the line


@pytest.mark.parametrize("hidden_ms", [240, 480, 800])
def test_a_body_hidden_at_the_line_crosses_once(hidden_ms: int) -> None:
    body = [box for box in WALK if abs(box.time_ms - 2_870) > hidden_ms / 2]
    ticks = seen(body, empty_ms=[box.time_ms for box in WALK])
    assert ways(crossings(ticks)) == [("middle", "to_left", "person")]


@pytest.mark.parametrize("at", [48, 52, 56])
def test_a_pedestrian_in_a_pair_whose_boxes_change_beyond_the_line_counts_once(at: int) -> None:
    """For two instants the old box and the new one are there; the new one came with nobody."""
    ticks_ms = range(0, 6_000, TICK_MS)
    front = along((0, 100, 200), (6, 560, 200), times_ms=ticks_ms)
    rear = along((0, 78, 204), (6, 538, 204), times_ms=ticks_ms)
    again = [moved(box, right_px=10) for box in rear[at:]]
    assert ways(crossings(seen(front, rear[: at + 2], again))) == [("middle", "to_left", "person")] * 2


@pytest.mark.parametrize("down_px", [0, 6, 20])
def test_two_pedestrians_who_meet_on_the_line_cross_once_in_each_direction(down_px: int) -> None:
    there = WALK
    back = [moved(mirrored(box), down_px=down_px) for box in WALK]
    # The nearer one hides the other where they overlap.
    overlapping = [
        abs((a.xyxy[0] + a.xyxy[2] - b.xyxy[0] - b.xyxy[2]) / 2) < 14
        for a, b in zip(there, back, strict=True)
    ]
    hidden = [box for box, gone in zip(there, overlapping, strict=True) if not gone]
    assert sorted(way for _, way, _ in count(hidden, back)) == ["to_left", "to_right"]


def test_a_box_that_is_drawn_anew_over_the_old_one_at_the_line_counts_once() -> None:
    """For a moment the detector draws two boxes on one body, and then only the other one."""
    near = [box for box in WALK if box.time_ms <= 3_200]
    far = [moved(box, 4, -3) for box in WALK if box.time_ms >= 2_560]
    assert count(near, far) == [("middle", "to_left", "person")]


# Steep, upright and short lines, and their ends


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ((0.5, 0.0), (0.5, 1.0)),
        ((0.49, 0.0), (0.51, 1.0)),
        ((0.3, 0.0), (0.7, 1.0)),
        ((0.7, 0.0), (0.3, 1.0)),
        ((0.5, 0.45), (0.5, 0.65)),
        ((0.5, 0.54), (0.5, 0.57)),
        ((0.2, 0.9), (0.8, 0.2)),
    ],
)
def test_steep_upright_and_short_lines_count_each_way(start: Point, end: Point) -> None:
    for line, there, back in (
        (Line("gate", start, end), "to_left", "to_right"),
        (Line("gate", end, start), "to_right", "to_left"),
    ):
        if start[1] > end[1]:
            there, back = back, there
        assert count(WALK, lines=(line,)) == [("gate", there, "person")]
        assert count([mirrored(box) for box in WALK], lines=(line,)) == [("gate", back, "person")]


@pytest.mark.parametrize(("y", "expected"), [(70, 0), (95, 1), (105, 1), (255, 1), (265, 1), (290, 0)])
def test_a_line_counts_to_its_very_ends_and_no_further(y: float, expected: int) -> None:
    line = Line("gate", (0.5, 90 / HEIGHT), (0.5, 270 / HEIGHT))
    assert len(count(along((0, 100, y), (6, 560, y)), lines=(line,))) == expected


def test_a_pedestrian_who_walks_round_the_end_of_a_line_has_not_crossed_it() -> None:
    line = Line("gate", (0.5, 0.2), (0.5, 0.6))
    around = along((0, 260, 180), (2, 270, 290), (4, 370, 290), (6, 380, 180))
    assert count(around, lines=(line,)) == []


@pytest.mark.parametrize("y", [358, 359.5, 372, 400])
def test_a_body_cut_by_the_lower_edge_of_the_frame_crosses_a_line_that_ends_there(y: float) -> None:
    walker = [
        replace(box, xyxy=(*box.xyxy[:3], min(box.xyxy[3], HEIGHT)))
        for box in along((0, 100, y), (6, 560, y))
    ]
    assert count(walker) == [("middle", "to_left", "person")]


# Two lines side by side


def test_of_two_lines_side_by_side_only_the_touched_one_counts() -> None:
    first, second = Line("first", (0.45, 0), (0.45, 1)), Line("second", (0.55, 0), (0.55, 1))
    and_back = along((0, 100, 200), (3, 320, 200), (6, 100, 200))
    assert count(and_back, lines=(first, second)) == [
        ("first", "to_left", "person"),
        ("first", "to_right", "person"),
    ]
    stays = along((0, 100, 200), (3, 320, 200), (6, 320, 200))
    assert count(stays, lines=(first, second)) == [("first", "to_left", "person")]


def test_two_lines_side_by_side_count_a_body_once_each() -> None:
    first, second = Line("first", (0.49, 0), (0.49, 1)), Line("second", (0.51, 0), (0.51, 1))
    assert count(WALK, lines=(first, second)) == [
        ("first", "to_left", "person"),
        ("second", "to_left", "person"),
    ]


# Turning back


def test_a_u_turn_is_one_in_and_one_out() -> None:
    turn = along((0, 100, 200), (3, 420, 200), (4, 420, 230), (7, 100, 230))
    assert [way for _, way, _ in count(turn)] == ["to_left", "to_right"]


def test_a_turn_before_the_line_is_nothing() -> None:
    assert count(along((0, 100, 200), (3, 300, 200), (4, 300, 230), (7, 100, 230))) == []


# Through a square, both ways


def square() -> tuple[Line, ...]:
    """Clockwise in the picture: who comes in ends on the right hand side of each line."""
    corners = [(0.35, 0.3), (0.65, 0.3), (0.65, 0.8), (0.35, 0.8)]
    return tuple(
        Line(name, corners[k], corners[(k + 1) % 4], names=("in", "out"))
        for k, name in enumerate(("top", "right", "bottom", "left"))
    )


@pytest.mark.parametrize("back", [False, True])
def test_a_body_that_passes_a_square_zone_enters_once_and_leaves_once(back: bool) -> None:
    body = [mirrored(box) for box in WALK] if back else WALK
    names = {line.name: line for line in square()}
    found = [
        (line, names[line].direction_name(c.direction))
        for c in crossings(seen(body), square())
        for line in [c.line]
    ]
    ends = ["left", "right"][:: -1 if back else 1]
    assert found == [(ends[0], "in"), (ends[1], "out")]


def test_both_directions_at_once_through_a_square_zone_are_two_in_and_two_out() -> None:
    there, back = WALK, [moved(mirrored(box), down_px=30) for box in WALK]
    names = {line.name: line for line in square()}
    found = Counter(names[c.line].direction_name(c.direction) for c in crossings(seen(there, back), square()))
    assert found == {"in": 2, "out": 2}


# Empty pictures


def test_an_empty_picture_loses_nobody() -> None:
    """Every fifth picture has no box in it."""
    body = [box for number, box in enumerate(WALK) if number % 5]
    ticks = seen(body, empty_ms=[box.time_ms for box in WALK])
    assert ways(crossings(ticks)) == [("middle", "to_left", "person")]


def test_empty_pictures_end_a_track_in_time() -> None:
    """Who left long ago does not lend a path to who comes next on the other side."""
    left = along((0, 200, 200), (2, 300, 200))
    comes = along((12, 340, 200), (14, 440, 200))
    ticks = seen(left, comes, empty_ms=range(2_080, 12_000, TICK_MS))
    assert ways(crossings(ticks)) == []


# Boxes that the edge of the frame cuts


def test_a_box_cut_by_the_edge_counts_once_at_each_line_that_it_crosses() -> None:
    near, far = Line("near edge", (0.06, 0), (0.06, 1)), Line("far", (0.16, 0), (0.16, 1))
    cut = [
        replace(box, xyxy=(max(0.0, box.xyxy[0]), *box.xyxy[1:]))
        for box in along((0, -50, 250), (5, 400, 250), size=CAR, label=Label.CAR)
        if box.xyxy[2] > 4
    ]
    assert count(cut, lines=(near, far)) == [("near edge", "to_left", "car"), ("far", "to_left", "car")]


@pytest.mark.parametrize("x", [0.0, 0.25, 0.5, 0.999])
@pytest.mark.parametrize("y", [0.0, 0.5, 0.999])
def test_a_point_of_the_frame_is_in_one_of_two_zones_that_touch(x: float, y: float) -> None:
    left = Zone("left", ((0, 0), (0.5, 0), (0.5, 1), (0, 1)))
    right = Zone("right", ((0.5, 0), (1, 0), (1, 1), (0.5, 1)))
    assert ((x, y) in left) + ((x, y) in right) == 1


# What kind of body


@pytest.mark.parametrize("flips", [(3, Label.TRUCK), (4, Label.BUS), (2.5, Label.TRUCK)])
def test_a_class_that_flips_within_a_track_is_one_count_of_the_voted_class(
    flips: tuple[float, Label],
) -> None:
    every, other = flips
    car = [replace(box, label=other) if number % every < 1 else box for number, box in enumerate(DRIVE)]
    assert count(car) == [("middle", "to_left", "car")]


def test_a_walker_that_is_taken_for_a_car_at_the_line_is_one_person() -> None:
    walker = [replace(box, label=Label.CAR) if 2_600 < box.time_ms < 3_100 else box for box in WALK]
    assert count(walker) == [("middle", "to_left", "person")]


def test_car_and_truck_boxes_on_one_vehicle_are_one_count() -> None:
    lorry = [replace(moved(box, 5, -4), label=Label.TRUCK, confidence=0.6) for box in DRIVE]
    both = seen(DRIVE, lorry)
    assert len(crossings(both)) == 1

    def suppressed(tick: Detections) -> Detections:
        return Detections(tick.time_ms, *suppress(Boxes(tick.xyxy, tick.confidence, tick.class_id)))

    assert ways(crossings([suppressed(tick) for tick in both])) == [("middle", "to_left", "car")]


def test_a_rider_and_the_bicycle_are_one_bicycle_and_no_person() -> None:
    rider = along((0, 100, 230), (4, 560, 230), size=(28, 70), confidence=0.85)
    wheels = [replace(moved(box, down_px=15), label=Label.BICYCLE, confidence=0.5) for box in rider]
    wheels = [
        replace(box, xyxy=(box.xyxy[0] - 16, box.xyxy[1] + 35, box.xyxy[2] + 16, box.xyxy[3]))
        for box in wheels
    ]
    ticks = [riders(tick) for tick in seen(rider, wheels)]
    assert ways(crossings(ticks)) == [("middle", "to_left", "bicycle")]


def test_a_rider_whose_bicycle_is_seen_only_half_the_time_is_one_bicycle() -> None:
    rider = along((0, 100, 230), (4, 560, 230), size=(28, 70), confidence=0.85)
    wheels = [
        Box(
            box.time_ms,
            (box.xyxy[0] - 16, box.xyxy[1] + 35, box.xyxy[2] + 16, box.xyxy[3] + 15),
            Label.BICYCLE,
            0.5,
        )
        for number, box in enumerate(rider)
        if number % 4 < 2
    ]
    ticks = [riders(tick) for tick in seen(rider, wheels)]
    assert ways(crossings(ticks)) == [("middle", "to_left", "bicycle")]


def test_a_pedestrian_who_passes_a_parked_bicycle_on_the_line_is_one_person() -> None:
    parked = along((0, 330, 215), (6, 330, 215), size=(60, 36), label=Label.BICYCLE, confidence=0.6)
    ticks = [riders(tick) for tick in seen(WALK, parked)]
    assert [way for _, way, _ in ways(crossings(ticks))] == ["to_left"]


# Pictures that come twice, or at odd times


def test_a_picture_that_comes_twice_counts_once() -> None:
    ticks = seen(WALK)
    twice = [again for tick in ticks for again in (tick, replace(tick, time_ms=tick.time_ms + TICK_MS // 2))]
    assert [c.direction for c in crossings(twice)] == ["to_left"]


def test_a_picture_that_stays_for_a_moment_loses_nobody() -> None:
    """An encoder that stalls repeats its last picture; then everybody is elsewhere."""
    held = [replace(box, xyxy=WALK[24].xyxy) if 24 < k < 28 else box for k, box in enumerate(WALK)]
    assert count(held) == [("middle", "to_left", "person")]


@pytest.mark.parametrize("seed", range(5))
def test_a_rate_that_varies_counts_the_same_at_the_same_time(seed: int) -> None:
    steady = crossings(seen(WALK))
    dice = np.random.default_rng(seed)
    times = np.cumsum(dice.choice([20, 40, 80, 160, 320], 200))
    uneven = crossings(
        seen(along((0, 100, 200), (6, 560, 200), times_ms=[int(t) for t in times if t <= 6_000]))
    )
    assert [c.direction for c in uneven] == [c.direction for c in steady]
    assert uneven[0].time_ms == pytest.approx(steady[0].time_ms, abs=2)


@pytest.mark.parametrize("fps", [4, 5, 10, 25])
def test_cheap_cameras_of_few_pictures_count_too(fps: int) -> None:
    walkers = [
        along(
            (k, 100, y),
            (k + 12, 560, y),
            times_ms=[round(t * 1000 / fps) for t in range(k * fps, (k + 12) * fps)],
        )
        for k, y in enumerate((100, 180, 260, 340))
    ]
    assert Counter(way for _, way, _ in count(*walkers)) == {"to_left": 4}


# Standing


def queue(cars: int, wait_s: float, tremble_px: float = 1) -> list[list[Box]]:
    """Cars that close up before the line, wait, and go one after the other."""
    return [
        along(
            (k * 3, -80, 250),
            (k * 3 + 4, 250 - 120 * k if k < 2 else 250 - 120 * 2, 250) if k < 2 else (k * 3 + 4, -80, 250),
            (wait_s + k * 2.5, 250 - 120 * k if k < 2 else -80, 250),
            (wait_s + k * 2.5 + 5, 640, 250),
            size=(100, 55),
            label=Label.CAR,
            tremble_px=tremble_px,
            seed=k,
        )
        for k in range(cars)
    ]


@pytest.mark.parametrize("wait_s", [30, 120])
def test_a_queue_is_counted_car_by_car_when_it_starts(wait_s: float) -> None:
    assert Counter(count(*queue(4, wait_s))) == {("middle", "to_left", "car"): 4}


def test_a_car_that_waits_is_not_lost_when_the_detector_sees_it_half_the_time() -> None:
    dice = np.random.default_rng(2)
    waiting = [
        [box for box in car if box.time_ms < 5_000 or box.time_ms > 40_000 or dice.random() < 0.5]
        for car in queue(2, 40)
    ]
    ticks = seen(*waiting, empty_ms=range(0, 50_000, TICK_MS))
    assert Counter(ways(crossings(ticks))) == {("middle", "to_left", "car"): 2}


# A crossing belongs to one span only, and to video time


def test_a_crossing_on_the_edge_of_two_chunks_is_counted_by_one_of_them() -> None:
    tracks = track(seen(WALK))
    [only] = find_crossings(tracks, [MIDDLE], (WIDTH, HEIGHT), EVER)
    before, after = Span(0, only.time_ms), Span(only.time_ms, 10_000)
    assert [len(find_crossings(tracks, [MIDDLE], (WIDTH, HEIGHT), span)) for span in (before, after)] == [
        0,
        1,
    ]


@pytest.mark.parametrize("start_ms", [0, 1_700_000_000_000])
def test_counts_carry_the_time_of_the_pictures(start_ms: int) -> None:
    body = [replace(box, time_ms=box.time_ms + start_ms) for box in WALK]
    [only] = crossings(seen(body), span=EVER if start_ms == 0 else replace(EVER, end_ms=10**13))
    assert only.time_ms - start_ms == pytest.approx((320 - 100) / (560 - 100) * 6_000, abs=2)


# What only moved, through one patch


def passing_in_one_patch(right_px: float, left_px: float) -> list[Detections]:
    """Two vehicles pass each other before the line, and are one patch of motion while their boxes touch."""
    one = along((0, 60, 200), (4, 60 + right_px, 200), size=CAR, confidence=0.0, label=Label.VEHICLE)
    other = along((0, 580, 190), (4, 580 - left_px, 190), size=CAR, confidence=0.0, label=Label.VEHICLE)
    boxes = []
    for a, b in zip(one, other, strict=True):
        if a.xyxy[2] < b.xyxy[0] or b.xyxy[2] < a.xyxy[0]:
            boxes += [a, b]
        else:
            sides = np.array([a.xyxy, b.xyxy])
            both = (*sides[:, :2].min(axis=0).tolist(), *sides[:, 2:].max(axis=0).tolist())
            boxes.append(replace(a, xyxy=both))
    return seen(boxes)


@pytest.mark.parametrize(("right_px", "left_px"), [(520, 520), (520, 400), (420, 520)])
def test_two_bodies_that_pass_in_one_moving_box_cross_once_in_each_direction(
    right_px: float, left_px: float
) -> None:
    found = crossings(passing_in_one_patch(right_px, left_px))
    assert sorted(c.direction for c in found) == ["to_left", "to_right"]


def test_two_parts_of_one_car_that_join_are_one_car() -> None:
    """Front and back are seen apart at first, and together from then on."""
    car = along((0, 80, 200), (4, 560, 200), size=CAR, confidence=0.0, label=Label.VEHICLE)
    half = CAR[0] / 2 - 8
    parts = [
        replace(box, xyxy=part)
        for box in car[:14]
        for part in (
            (box.xyxy[0], box.xyxy[1], box.xyxy[0] + half, box.xyxy[3]),
            (box.xyxy[2] - half, box.xyxy[1], box.xyxy[2], box.xyxy[3]),
        )
    ]
    assert len(crossings(seen(parts, car[14:]))) == 1


# Bodies that only moved, at the limits of a background and of a corridor


def edges(*sides: tuple[float, float, float], lane: tuple[float, float] = (180, 231)) -> list[Box]:
    """Boxes of motion from `sides`: seconds, left and right in px, at every tick in between."""
    seconds, lefts, rights = np.array(sides, float).T
    times_ms = range(round(seconds[0] * 1000), round(seconds[-1] * 1000) + 1, TICK_MS)
    return [
        Box(
            time_ms,
            (
                float(np.interp(time_ms / 1000, seconds, lefts)),
                lane[0],
                float(np.interp(time_ms / 1000, seconds, rights)),
                lane[1],
            ),
            Label.VEHICLE,
            0.0,
        )
        for time_ms in times_ms
    ]


def test_a_car_that_is_background_while_it_stands_on_the_line_counts_once() -> None:
    comes = edges((0, 176, 180), (0.48, 186, 276), (0.56, 194, 284), (1.0, 276, 284))
    goes = edges((13, 374, 382), (13.4, 374, 460), (13.8, 450, 465))
    assert ways(crossings(seen(comes, goes))) == [("middle", "to_left", "car")]


def test_a_car_that_parks_and_one_that_leaves_elsewhere_count_nothing() -> None:
    comes = edges((0, 176, 180), (0.48, 186, 276), (0.56, 194, 284), (1.0, 276, 284))
    goes = edges((13, 374, 382), (13.4, 374, 460), (13.8, 450, 465), lane=(250, 300))
    assert crossings(seen(comes, goes)) == []


def test_a_tram_longer_than_the_corridor_counts_once() -> None:
    comes = edges((0, 176, 188), (0.6, 176, 324), (3, 176, 324), lane=(180, 330))
    goes = edges((3.08, 348, 465), (4.6, 348, 465), (5.2, 450, 465), lane=(180, 330))
    assert [way[:2] for way in ways(crossings(seen(comes, goes)))] == [("middle", "to_left")]


def test_a_car_that_is_in_the_corridor_for_four_pictures_counts_once() -> None:
    passes = [(176, 275), (176, 414), (239, 465), (378, 465)]
    boxes = [
        Box(TICK_MS * k, (left, 180, right, 285), Label.VEHICLE, 0.0)
        for k, (left, right) in enumerate(passes)
    ]
    assert ways(crossings(seen(boxes))) == [("middle", "to_left", "car")]


@pytest.mark.parametrize("heights", [(180, 60, 180, 60), (180, 180, 180, 180)])
def test_four_boxes_that_lead_nowhere_count_nothing(heights: tuple[int, ...]) -> None:
    places = (300, 340, 290, 330) if len(set(heights)) == 1 else (280, 310, 330, 360)
    boxes = [
        Box(TICK_MS * k, (x, 300 - height, x + 30, 300), Label.VEHICLE, 0.0)
        for k, (x, height) in enumerate(zip(places, heights, strict=True))
    ]
    assert crossings(seen(boxes)) == []
