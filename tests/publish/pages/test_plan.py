"""Marks say a number, and no place: where they stand is the line's, how many there are is the release's."""

from itertools import combinations
from math import dist
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerby.domain.geometry import Line, signed_distance
from passerby.errors import InputError
from passerby.publish.pages import plan
from passerby.publish.pages.estimates import Figure

LINE = Line("bridge", (0.12, 0.8), (0.88, 0.74), names=("in", "out"))
points = st.tuples(st.floats(0, 1), st.floats(0, 1))


@given(st.integers(-500, 50_000), st.integers(1, 400))
def test_marks_are_a_number_and_no_more(value: int, noise: int) -> None:
    figure = Figure(value, noise)
    unit = plan.unit_of([figure])
    drawn = plan.draw(1, LINE, [figure, None], unit, None)
    marks, none = drawn.marks

    assert none == ()
    assert len(marks) <= plan.MOST_MARKS
    assert len(marks) == (-(-value // unit) if figure.sure else 0)


@given(st.integers(1, 24), st.integers(1, 24))
def test_marks_stand_where_the_line_says_whatever_the_number(few: int, many: int) -> None:
    def places(count: int) -> list[tuple[float, float]]:
        return list(plan.draw(1, LINE, [Figure(count * 10, 1), None], 10, None).marks[0])

    shorter, longer = sorted((places(few), places(many)), key=len)
    assert longer[: len(shorter)] == shorter


@given(points, points)
def test_marks_stand_on_the_side_that_a_direction_ends_on(
    start: tuple[float, float], end: tuple[float, float]
) -> None:
    if abs(start[0] - end[0]) + abs(start[1] - end[1]) < 0.05:
        return
    line = Line("x", start, end)
    right, left = plan.draw(1, line, [Figure(50, 1), Figure(50, 1)], 10, None).marks
    width, height = plan.size(None)
    for marks, sign in ((right, 1), (left, -1)):
        for x, y in marks:
            assert sign * signed_distance(line, (x / width, y / height), width / height) > 0


def test_marks_do_not_cover_each_other() -> None:
    (marks, _) = plan.draw(1, LINE, [Figure(240, 1), None], 10, None).marks
    assert len(marks) == plan.MOST_MARKS
    assert min(dist(one, other) for one, other in combinations(marks, 2)) > 2 * 15


def png(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + bytes(4) + b"IHDR" + width.to_bytes(4) + height.to_bytes(4) + bytes(9)


def test_pictures_are_png_or_svg_with_a_shape(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(640, 480))
    (tmp_path / "a.svg").write_text("<?xml version='1.0'?>\n<svg xmlns='x' viewBox='0 0 200 100'></svg>")
    assert (plan.load(tmp_path / "a.png").media_type, plan.load(tmp_path / "a.png").aspect) == (
        "image/png",
        4 / 3,
    )
    assert plan.load(tmp_path / "a.svg").aspect == 2.0


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xd8\xff\xe0JFIF", b"<svg></svg>", b"<html viewBox='0 0 1 1'>", png(0, 1), png(1, 1)[:20]],
)
def test_other_files_are_refused_by_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "plan.png").write_bytes(content)
    with pytest.raises(InputError, match=r"plan\.png: expected a PNG file, or an SVG file"):
        plan.load(tmp_path / "plan.png")


def test_a_plan_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.svg: the plan cannot be read"):
        plan.load(tmp_path / "none.svg")
    (tmp_path / "large.png").write_bytes(png(2, 2) + bytes(5 * 2**20))
    with pytest.raises(InputError, match="expected at most"):
        plan.load(tmp_path / "large.png")
