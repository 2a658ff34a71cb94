"""Dots show a number and no position: their number is that of the release, their positions are those of the line."""

from itertools import combinations
from math import dist
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerby.domain.geometry import Line, signed_distance
from passerby.errors import InputError
from passerby.publish.pages import plan
from passerby.publish.pages.estimates import Estimate

LINE = Line("bridge", (0.12, 0.8), (0.88, 0.74), names=("in", "out"))
points = st.tuples(st.floats(0, 1), st.floats(0, 1))


@given(st.integers(-500, 50_000), st.integers(1, 400))
def test_the_number_of_dots_is_that_of_the_estimate(value: int, noise: int) -> None:
    estimate = Estimate(value, noise)
    unit = plan.unit_of([estimate])
    line = plan.plan_line(1, LINE, [estimate, None], unit, None)
    dots, none = line.dots

    assert none == ()
    assert len(dots) <= plan.MOST_DOTS
    assert len(dots) == (-(-value // unit) if estimate.sure else 0)


@given(st.integers(1, 24), st.integers(1, 24))
def test_positions_of_dots_do_not_depend_on_the_number(few: int, many: int) -> None:
    def dots(count: int) -> list[tuple[float, float]]:
        return list(plan.plan_line(1, LINE, [Estimate(count * 10, 1), None], 10, None).dots[0])

    shorter, longer = sorted((dots(few), dots(many)), key=len)
    assert longer[: len(shorter)] == shorter


@given(points, points)
def test_dots_are_on_the_side_where_a_direction_ends(
    start: tuple[float, float], end: tuple[float, float]
) -> None:
    if abs(start[0] - end[0]) + abs(start[1] - end[1]) < 0.05:
        return
    line = Line("x", start, end)
    right, left = plan.plan_line(1, line, [Estimate(50, 1), Estimate(50, 1)], 10, None).dots
    width, height = plan.size(None)
    for dots, sign in ((right, 1), (left, -1)):
        for x, y in dots:
            assert sign * signed_distance(line, (x / width, y / height), width / height) > 0


def test_dots_do_not_overlap() -> None:
    (dots, _) = plan.plan_line(1, LINE, [Estimate(240, 1), None], 10, None).dots
    assert len(dots) == plan.MOST_DOTS
    assert min(dist(first, second) for first, second in combinations(dots, 2)) > 2 * 15


def png(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + bytes(4) + b"IHDR" + width.to_bytes(4) + height.to_bytes(4) + bytes(9)


def test_a_plan_is_a_png_or_svg_file(tmp_path: Path) -> None:
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


def test_a_missing_or_too_large_plan_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.svg: the plan cannot be read"):
        plan.load(tmp_path / "none.svg")
    (tmp_path / "large.png").write_bytes(png(2, 2) + bytes(5 * 2**20))
    with pytest.raises(InputError, match="expected at most"):
        plan.load(tmp_path / "large.png")
