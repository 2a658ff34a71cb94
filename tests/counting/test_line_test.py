"""A path crosses a line when it goes from one side to the other, and the point of view does not matter."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.counting.bodies import HEIGHT, MIDDLE, PERSON, WIDTH, Box, along, mirrored, moved
from tests.tiers import examples

from passerby.counting.line_test import Passage, passages
from passerby.domain.geometry import Anchor, Line

FLAT = Line("flat", (0.0, 0.5), (1.0, 0.5))
SLANT = Line("slant", (0.1, 0.1), (0.9, 0.8))
SHORT = Line("short", (0.5, 0.45), (0.5, 0.55))


def crossed(line: Line, boxes: list[Box], width: int = WIDTH, height: int = HEIGHT) -> list[Passage]:
    times = np.array([box.time_ms for box in boxes], np.int64)
    return list(passages(line, times, np.array([box.xyxy for box in boxes], np.float32), (width, height)))


def directions(line: Line, boxes: list[Box]) -> list[str]:
    return [passage.direction for passage in crossed(line, boxes)]


def turned_round(line: Line) -> Line:
    return replace(line, start=line.end, end=line.start)


# Tables


@pytest.mark.parametrize(
    ("line", "points", "expected"),
    [
        (MIDDLE, [(0, 200, 200), (4, 440, 200)], ["to_left"]),
        (MIDDLE, [(0, 440, 200), (4, 200, 200)], ["to_right"]),
        (MIDDLE, [(0, 200, 200), (4, 310, 200)], []),
        (MIDDLE, [(0, 200, 200), (2, 400, 200), (4, 200, 200)], ["to_left", "to_right"]),
        (
            MIDDLE,
            [(0, 200, 200), (2, 400, 200), (4, 200, 200), (6, 400, 200)],
            ["to_left", "to_right", "to_left"],
        ),
        (FLAT, [(0, 320, 120), (4, 320, 300)], ["to_right"]),
        (FLAT, [(0, 320, 300), (4, 320, 120)], ["to_left"]),
        (SLANT, [(0, 200, 300), (4, 500, 100)], ["to_left"]),
        (SLANT, [(0, 500, 100), (4, 200, 300)], ["to_right"]),
        (SHORT, [(0, 280, 180), (2, 360, 180)], ["to_left"]),
        # Past its upper and lower end.
        (SHORT, [(0, 280, 155), (2, 360, 155)], []),
        (SHORT, [(0, 280, 205), (2, 360, 205)], []),
        # Round its end, from one side to the other.
        (SHORT, [(0, 280, 180), (2, 280, 260), (4, 360, 260), (6, 360, 180)], []),
    ],
)
def test_paths(line: Line, points: list[tuple[float, float, float]], expected: list[str]) -> None:
    assert directions(line, along(*points)) == expected
    assert directions(turned_round(line), along(*points)) == [
        {"to_left": "to_right", "to_right": "to_left"}[way] for way in expected
    ]


@pytest.mark.parametrize("anchor", ["bottom", "centre"])
def test_the_anchor_says_when_a_body_crosses(anchor: Anchor) -> None:
    walker = along((0, 320, 100), (10, 320, 300))
    [passage] = crossed(replace(FLAT, anchor=anchor), walker)
    foot = 180 if anchor == "bottom" else 180 + PERSON[1] / 2
    assert passage.time_ms == pytest.approx((foot - 100) / 20 * 1000, abs=1)


def test_time_and_place_are_interpolated_between_boxes() -> None:
    [passage] = crossed(MIDDLE, along((0, 220, 90), (4, 420, 270), times_ms=[0, 500, 1_300, 2_900, 4_000]))
    assert passage.time_ms == pytest.approx(2_000, abs=1)
    assert passage.along == pytest.approx(0.5, abs=1e-3)
    assert passage.row == 3


def test_where_on_the_line_is_counted_from_its_start() -> None:
    low = along((0, 200, 340), (4, 440, 340))
    [passage], [back] = crossed(MIDDLE, low), crossed(turned_round(MIDDLE), low)
    assert passage.along == pytest.approx(340 / HEIGHT)
    assert back.along == pytest.approx(1 - 340 / HEIGHT)


@pytest.mark.parametrize("boxes", [0, 1])
def test_a_path_of_hardly_a_box_crosses_nothing(boxes: int) -> None:
    assert crossed(MIDDLE, along((0, 200, 200), (4, 440, 200))[:boxes]) == []


def test_a_path_that_ends_just_beyond_the_line_has_crossed_and_one_that_ends_before_it_has_not() -> None:
    assert directions(MIDDLE, along((0, 200, 200), (2, 330, 200))) == ["to_left"]
    assert directions(MIDDLE, along((0, 200, 200), (2, 318, 200))) == []


@pytest.mark.parametrize("to_x", [200, 440])
def test_a_path_that_begins_on_the_line_comes_from_neither_side(to_x: int) -> None:
    path = along((0, 320, 200), (2, to_x, 200))
    assert directions(MIDDLE, path) == directions(turned_round(MIDDLE), path) == []


def test_a_step_over_and_back_within_a_shoulder_is_nothing() -> None:
    assert directions(MIDDLE, along((0, 200, 200), (2, 321, 200), (4, 200, 200))) == []


@pytest.mark.parametrize("end_y", [0.99, 1.0])
def test_a_line_to_the_edge_of_the_frame_extends_beyond_it(end_y: float) -> None:
    low = along((0, 200, 365), (4, 440, 365))
    assert directions(replace(MIDDLE, end=(0.5, end_y)), low) == ["to_left"]
    assert directions(replace(MIDDLE, end=(0.5, 0.8)), low) == []


# Properties


@st.composite
def paths(draw: st.DrawFn) -> list[Box]:
    """Broken lines through the frame, up to eight corners, with boxes of one size."""
    corners = draw(st.lists(st.tuples(st.integers(20, 620), st.integers(80, 350)), min_size=2, max_size=8))
    size = draw(st.tuples(st.integers(8, 120), st.integers(8, 80)))
    step = draw(st.integers(300, 2_000)) / 1000
    return along(*[(number * step, x, y) for number, (x, y) in enumerate(corners)], size=size)


LINES = st.sampled_from(
    [
        MIDDLE,
        FLAT,
        SLANT,
        SHORT,
        Line("flat short", (0.3, 0.6), (0.5, 0.6)),
        Line("steep", (0.45, 0.2), (0.5, 0.9)),
    ]
)
ANCHORS = st.sampled_from(["bottom", "centre"])
few = settings(max_examples=examples(40))


@few
@given(LINES, ANCHORS, paths())
def test_a_line_turned_round_swaps_directions_and_nothing_else(
    line: Line, anchor: Anchor, path: list[Box]
) -> None:
    line = replace(line, anchor=anchor)
    there, back = crossed(line, path), crossed(turned_round(line), path)
    assert [(p.time_ms, p.row) for p in there] == [(p.time_ms, p.row) for p in back]
    assert all(one.direction != other.direction for one, other in zip(there, back, strict=True))


@few
@given(LINES, ANCHORS, paths())
def test_a_mirror_swaps_directions_and_nothing_else(line: Line, anchor: Anchor, path: list[Box]) -> None:
    line = replace(line, anchor=anchor)
    image = replace(line, start=(1 - line.start[0], line.start[1]), end=(1 - line.end[0], line.end[1]))
    there, back = crossed(line, path), crossed(image, [mirrored(box) for box in path])
    assert [p.row for p in there] == [p.row for p in back]
    assert all(one.direction != other.direction for one, other in zip(there, back, strict=True))
    assert [p.time_ms for p in there] == pytest.approx([p.time_ms for p in back], abs=1)


@few
@given(LINES, ANCHORS, paths(), st.sampled_from([2, 3, 4, 8]))
def test_the_same_picture_in_more_pixels_crosses_the_same(
    line: Line, anchor: Anchor, path: list[Box], factor: int
) -> None:
    line = replace(line, anchor=anchor)
    large = [moved(box, scale=factor) for box in path]
    there, same = crossed(line, path), crossed(line, large, factor * WIDTH, factor * HEIGHT)
    assert [(p.direction, p.row) for p in there] == [(p.direction, p.row) for p in same]
    assert [p.time_ms for p in there] == pytest.approx([p.time_ms for p in same], abs=1)


@few
@given(ANCHORS, paths(), st.integers(-64, 64), st.integers(-36, 36))
def test_a_path_moved_with_its_line_crosses_the_same(
    anchor: Anchor, path: list[Box], right: int, down: int
) -> None:
    """A line well within the frame: one that ends at its edge is another thing."""
    line = Line("inner", (0.35, 0.3), (0.6, 0.7), anchor=anchor)
    shift = right / WIDTH, down / HEIGHT
    moved_line = replace(
        line,
        start=(line.start[0] + shift[0], line.start[1] + shift[1]),
        end=(line.end[0] + shift[0], line.end[1] + shift[1]),
    )
    there, same = crossed(line, path), crossed(moved_line, [moved(box, right, down) for box in path])
    assert [(p.direction, p.row) for p in there] == [(p.direction, p.row) for p in same]


@few
@given(LINES, ANCHORS, paths(), st.integers(-(10**6), 10**12))
def test_the_hour_does_not_matter(line: Line, anchor: Anchor, path: list[Box], later_ms: int) -> None:
    line = replace(line, anchor=anchor)
    later = [replace(box, time_ms=box.time_ms + later_ms) for box in path]
    assert [p.time_ms + later_ms for p in crossed(line, path)] == [p.time_ms for p in crossed(line, later)]


@few
@given(LINES, paths())
def test_crossings_of_a_line_without_end_go_to_and_fro_in_order_of_time(line: Line, path: list[Box]) -> None:
    endless = Line("endless", *_to_the_edges(line))
    found = crossed(endless, path)
    assert all(one.direction != other.direction for one, other in itertools.pairwise(found))
    assert [p.time_ms for p in found] == sorted(p.time_ms for p in found)
    assert all(path[0].time_ms <= p.time_ms <= path[-1].time_ms for p in found)


def _to_the_edges(line: Line) -> tuple[tuple[float, float], tuple[float, float]]:
    start, end = np.array(line.start), np.array(line.end)
    ahead = end - start
    shares = [(edge - start[side]) / ahead[side] for side in (0, 1) if ahead[side] for edge in (0.0, 1.0)]
    before = max(share for share in shares if share <= 0)
    after = min(share for share in shares if share >= 1)
    one, other = start + before * ahead, start + after * ahead
    return (float(one[0]), float(one[1])), (float(other[0]), float(other[1]))


@few
@given(st.sampled_from([MIDDLE, FLAT]), ANCHORS, paths())
def test_a_path_and_its_reverse_have_opposite_crossings(line: Line, anchor: Anchor, path: list[Box]) -> None:
    """Of lines without end: the net is the opposite, and so is the number where no end is near the line."""
    line = replace(line, anchor=anchor)
    last_ms = path[-1].time_ms
    back = [replace(box, time_ms=last_ms - box.time_ms) for box in reversed(path)]
    if min(_clear(line, path[0]), _clear(line, path[-1])) < 1.5:
        return
    there, again = crossed(line, path), crossed(line, back)
    opposite = {"to_left": "to_right", "to_right": "to_left"}
    assert [opposite[p.direction] for p in reversed(there)] == [p.direction for p in again]


def _clear(line: Line, box: Box) -> float:
    """How far the anchor of a box lies from an upright or level line through the middle, in box extents."""
    x1, y1, x2, y2 = box.xyxy
    if line.name == "middle":
        return abs((x1 + x2) / 2 - WIDTH / 2) / (x2 - x1)
    foot = y2 if line.anchor == "bottom" else (y1 + y2) / 2
    return abs(foot - HEIGHT / 2) / (y2 - y1)


@few
@given(st.lists(st.floats(-1, 1), min_size=3, max_size=200), st.integers(20, 200))
def test_trembling_on_the_line_is_no_crossing(steps: list[float], width: int) -> None:
    """By less than a twentieth of the body, as detectors draw it."""
    boxes = [
        Box(80 * number, (320 + (step * 0.04 - 0.5) * width, 140, 320 + (step * 0.04 + 0.5) * width, 200))
        for number, step in enumerate(steps)
    ]
    assert crossed(MIDDLE, boxes) == []


@few
@given(st.integers(0, 2**32 - 1), st.integers(0, 60_000))
def test_a_body_that_stops_on_the_line_trembling_and_continues_is_one(seed: int, stay_ms: int) -> None:
    stay_s = stay_ms / 1000
    path = along(
        (0, 200, 200), (2, 320, 200), (2 + stay_s, 320, 200), (4 + stay_s, 440, 200), tremble_px=1, seed=seed
    )
    assert directions(MIDDLE, path) == ["to_left"]


def _of(rows: list[Box]) -> NDArray[np.float32]:
    return np.array([row.xyxy for row in rows], np.float32)


@few
@given(LINES, paths())
def test_a_path_is_only_read(line: Line, path: list[Box]) -> None:
    boxes, times = _of(path), np.array([box.time_ms for box in path], np.int64)
    before = boxes.copy(), times.copy()
    list(passages(line, times, boxes, (WIDTH, HEIGHT)))
    assert (boxes == before[0]).all()
    assert (times == before[1]).all()
