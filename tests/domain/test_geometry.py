"""Lines, corridors and zones follow a picture that is turned, mirrored, scaled or moved."""

import itertools
from dataclasses import replace
from math import hypot, isclose

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from passerby.domain.geometry import DIRECTIONS, Corridor, Line, Point, Zone, along, signed_distance

FRACTIONS = st.floats(0, 1)
POINTS = st.tuples(FRACTIONS, FRACTIONS)
ASPECTS = st.floats(0.3, 4)


@st.composite
def lines(draw: st.DrawFn) -> Line:
    start, end = draw(POINTS), draw(POINTS)
    assume(hypot(end[0] - start[0], end[1] - start[1]) > 0.01)
    return Line("gate", start, end)


def turned_round(line: Line) -> Line:
    return replace(line, start=line.end, end=line.start)


@pytest.mark.parametrize(
    ("start", "end", "point"),
    [
        ((0.5, 1.0), (0.5, 0.0), (0.9, 0.5)),
        ((0.5, 0.0), (0.5, 1.0), (0.1, 0.5)),
        ((0.0, 0.5), (1.0, 0.5), (0.5, 0.9)),
        ((1.0, 0.5), (0.0, 0.5), (0.5, 0.1)),
        ((0.0, 0.0), (1.0, 1.0), (0.2, 0.8)),
    ],
)
def test_the_right_hand_side_is_that_of_an_observer_at_start_who_faces_end(
    start: Point, end: Point, point: Point
) -> None:
    assert signed_distance(Line("gate", start, end), point, 16 / 9) > 0


@pytest.mark.parametrize(
    ("point", "aspect", "expected"), [((0.75, 0.5), 2.0, -0.5), ((0.25, 0.1), 1.0, 0.25), ((0.5, 9), 3.0, 0)]
)
def test_distances_are_in_frame_heights(point: Point, aspect: float, expected: float) -> None:
    assert signed_distance(Line("gate", (0.5, 0.0), (0.5, 1.0)), point, aspect) == pytest.approx(expected)


@given(lines(), POINTS, ASPECTS)
def test_a_line_turned_round_swaps_its_sides_and_counts_from_its_other_end(
    line: Line, point: Point, aspect: float
) -> None:
    back = turned_round(line)
    assert signed_distance(back, point, aspect) == pytest.approx(
        -signed_distance(line, point, aspect), abs=1e-9
    )
    assert along(back, point, aspect) == pytest.approx(1 - along(line, point, aspect), rel=1e-6, abs=1e-6)


@given(lines(), POINTS, ASPECTS)
def test_a_mirror_swaps_the_sides(line: Line, point: Point, aspect: float) -> None:
    def mirrored(at: Point) -> Point:
        return 1 - at[0], at[1]

    image = replace(line, start=mirrored(line.start), end=mirrored(line.end))
    assert signed_distance(image, mirrored(point), aspect) == pytest.approx(
        -signed_distance(line, point, aspect), abs=1e-9
    )
    assert along(image, mirrored(point), aspect) == pytest.approx(
        along(line, point, aspect), rel=1e-6, abs=1e-6
    )


@given(lines(), POINTS, ASPECTS, st.floats(-2, 2), st.floats(-2, 2), st.floats(0.1, 10))
def test_a_scaled_and_moved_point_keeps_its_place_on_the_line(
    line: Line, point: Point, aspect: float, right: float, down: float, scale: float
) -> None:
    def moved(at: Point) -> Point:
        return at[0] * scale + right, at[1] * scale + down

    image = replace(line, start=moved(line.start), end=moved(line.end))
    assert signed_distance(image, moved(point), aspect) == pytest.approx(
        scale * signed_distance(line, point, aspect), abs=1e-6
    )
    assert along(image, moved(point), aspect) == pytest.approx(along(line, point, aspect), rel=1e-4, abs=1e-4)


@given(lines(), FRACTIONS, ASPECTS)
def test_points_of_the_line_are_on_it(line: Line, share: float, aspect: float) -> None:
    (x1, y1), (x2, y2) = line.start, line.end
    point = x1 + share * (x2 - x1), y1 + share * (y2 - y1)
    assert signed_distance(line, point, aspect) == pytest.approx(0, abs=1e-9)
    assert along(line, point, aspect) == pytest.approx(share, abs=1e-6)


@given(lines(), POINTS, ASPECTS)
def test_distance_and_place_are_the_sides_of_one_right_triangle(
    line: Line, point: Point, aspect: float
) -> None:
    to_start = hypot((point[0] - line.start[0]) * aspect, point[1] - line.start[1])
    both = hypot(signed_distance(line, point, aspect), along(line, point, aspect) * line.length(aspect))
    assert both == pytest.approx(to_start, rel=1e-6, abs=1e-9)


@given(lines(), ASPECTS)
def test_a_line_has_one_length_in_both_directions(line: Line, aspect: float) -> None:
    assert line.length(aspect) == turned_round(line).length(aspect) > 0


def test_directions_have_the_names_that_the_line_gives_them() -> None:
    line = Line("gate", (0, 0), (1, 1), names=("in", "out"))
    assert [line.direction_name(direction) for direction in DIRECTIONS] == ["in", "out"]
    assert line.direction_name("to_left") == "out"


# Corridors


@given(lines(), st.floats(0.02, 1), ASPECTS)
def test_a_corridor_contains_the_points_near_its_line_and_no_others(
    line: Line, half_width: float, aspect: float
) -> None:
    corners = Corridor(line, half_width).polygon(aspect)
    beyond = half_width / line.length(aspect)
    for corner in corners:
        assert abs(signed_distance(line, corner, aspect)) == pytest.approx(half_width, rel=1e-6)
        place = along(line, corner, aspect)
        assert isclose(place, -beyond, rel_tol=1e-5, abs_tol=1e-5) or isclose(
            place, 1 + beyond, rel_tol=1e-5, abs_tol=1e-5
        )
    # Each corner is one of a kind: both sides of both ends.
    sides = {
        (signed_distance(line, corner, aspect) > 0, along(line, corner, aspect) > 0.5) for corner in corners
    }
    assert len(sides) == 4


@given(lines(), POINTS, st.floats(0.02, 1), ASPECTS)
def test_a_point_lies_in_the_corridor_when_its_distances_say_so(
    line: Line, point: Point, half_width: float, aspect: float
) -> None:
    distance, place = signed_distance(line, point, aspect), along(line, point, aspect)
    beyond = half_width / line.length(aspect)
    margin = min(half_width - abs(distance), min(place + beyond, 1 + beyond - place) * line.length(aspect))
    assume(abs(margin) > 1e-6)
    assert (point in Zone("corridor", Corridor(line, half_width).polygon(aspect))) == (margin > 0)


# Zones

SQUARE = Zone("square", ((0.2, 0.2), (0.8, 0.2), (0.8, 0.8), (0.2, 0.8)))
ARROW = Zone("arrow", ((0.1, 0.1), (0.9, 0.5), (0.1, 0.9), (0.4, 0.5)))


@pytest.mark.parametrize(
    ("zone", "point", "expected"),
    [
        (SQUARE, (0.5, 0.5), True),
        (SQUARE, (0.1, 0.5), False),
        (SQUARE, (0.9, 0.5), False),
        (SQUARE, (0.5, 0.1), False),
        (SQUARE, (0.5, 0.9), False),
        (SQUARE, (0.2, 0.5), True),
        (SQUARE, (0.8, 0.5), False),
        (ARROW, (0.3, 0.5), False),
        (ARROW, (0.5, 0.5), True),
        (ARROW, (0.2, 0.2), True),
    ],
)
def test_inside_and_outside(zone: Zone, point: Point, expected: bool) -> None:
    assert (point in zone) is expected


@given(POINTS, st.lists(st.floats(0.01, 0.99), min_size=1, max_size=4, unique=True))
def test_zones_that_touch_share_no_point_and_lose_none(point: Point, cuts: list[float]) -> None:
    edges = [0.0, *sorted(cuts), 1.0]
    strips = [
        Zone(str(number), ((left, 0), (right, 0), (right, 1), (left, 1)))
        for number, (left, right) in enumerate(itertools.pairwise(edges))
    ]
    inside = 0 <= point[0] < 1 and 0 <= point[1] < 1
    assert sum(point in strip for strip in strips) == int(inside)


@given(POINTS, st.integers(0, 3), st.booleans())
def test_where_the_corners_begin_and_which_way_they_go_is_all_the_same(
    point: Point, first: int, backwards: bool
) -> None:
    assume(all(abs(side - 0.5) > 1e-9 for side in point))
    corners = ARROW.corners[first:] + ARROW.corners[:first]
    same = Zone("same", corners[::-1] if backwards else corners)
    assert (point in same) == (point in ARROW)
