"""Lines as they are typed: what can be counted comes out, the rest is refused by name.

Invariant: tables of cases; each refusal names its line and stands on one line.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerby.config.line_spec import make_line, name_problem, parse_line, parse_lines
from passerby.domain.geometry import Line
from passerby.errors import LineError


@pytest.mark.parametrize(
    ("text", "size_px", "expected"),
    [
        ("a=0,0:1,1", None, Line("a", (0, 0), (1, 1))),
        (" a = 0.1 , 0.2 : 0.3,4e-1 ", None, Line("a", (0.1, 0.2), (0.3, 0.4))),
        ("x=1=0,0:1,1", None, Line("x=1", (0, 0), (1, 1))),
        ("a:b=0,0:1,1", None, Line("a:b", (0, 0), (1, 1))),
        ("pont=0,1.0000005:1,-0.0000005", None, Line("pont", (0, 1), (1, 0))),
        ("mid=320,0:320,360", (640, 360), Line("mid", (0.5, 0), (0.5, 1))),
        ("edge=0,0:640,0", (640, 360), Line("edge", (0, 0), (1, 0))),
    ],
)
def test_lines_that_can_be_counted(text: str, size_px: tuple[int, int] | None, expected: Line) -> None:
    assert parse_line(text, size_px=size_px) == expected


@pytest.mark.parametrize(
    ("text", "size_px", "cause"),
    [
        ("0,0:1,1", None, "NAME=X1,Y1:X2,Y2"),
        ("", None, "NAME=X1,Y1:X2,Y2"),
        ("a=0,0", None, "NAME=X1,Y1:X2,Y2"),
        ("a=0,0:1,1:1,0", None, "NAME=X1,Y1:X2,Y2"),
        ("a=0:1", None, "two numbers"),
        ("a=0,0,0:1,1", None, "two numbers"),
        ("a=0,x:1,1", None, "two numbers"),
        ("a=0,:1,1", None, "two numbers"),
        ("=0,0:1,1", None, "empty"),
        ("  =0,0:1,1", None, "empty"),
        ("a\nb=0,0:1,1", None, "printed"),
        ("a\x1b[31m=0,0:1,1", None, "printed"),
        (f"{'n' * 81}=0,0:1,1", None, "81"),
        ("a=nan,0:1,1", None, "finite"),
        ("a=0,0:1,inf", None, "finite"),
        ("a=0,0:1,1e999", None, "finite"),
        ("a=0.5,0.5:0.5,0.5", None, "no length"),
        ("a=0.5,0.5:0.50001,0.5", None, "no length"),
        ("a=5,5:5,5", (640, 360), "no length"),
        ("a=-0.1,0:1,1", None, "outside"),
        ("a=0,0:1,1.01", None, "outside"),
        ("a=0,0:640,360", None, "--pixels"),
        ("a=0,0:641,360", (640, 360), "640x360"),
        ("a=0,0:360,640", (640, 360), "swapped"),
        ("a=-1,0:640,360", (640, 360), "outside"),
    ],
)
def test_lines_that_cannot_be_counted_are_refused(
    text: str, size_px: tuple[int, int] | None, cause: str
) -> None:
    with pytest.raises(LineError) as refused:
        parse_line(text, size_px=size_px)

    assert cause in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_error_for_a_point_slightly_outside_does_not_mention_pixels() -> None:
    with pytest.raises(LineError) as refused:
        parse_line("a=0,0:1,1.2")

    assert "--pixels" not in str(refused.value)


def test_two_lines_of_the_same_name_are_refused() -> None:
    with pytest.raises(LineError, match="'a': two lines have this name"):
        parse_lines(["a=0,0:1,1", "b=0,0:1,1", " a =0,1:1,0"])


def test_lines_may_lie_on_each_other_and_keep_their_order() -> None:
    lines = parse_lines(["b=0,0:1,1", "a=0,0:1,1"], anchor="centre")

    assert [line.name for line in lines] == ["b", "a"]
    assert {line.anchor for line in lines} == {"centre"}


@given(st.text())
def test_any_text_is_a_line_or_a_line_error(text: str) -> None:
    try:
        line = parse_line(text)
    except LineError as refused:
        assert len(str(refused).splitlines()) == 1  # noqa: PT017
    else:
        assert name_problem(line.name) is None


fractions = st.floats(0, 1)


@given(fractions, fractions, fractions, fractions, st.integers(8, 8000), st.integers(8, 8000))
def test_pixels_and_fractions_say_the_same(
    x1: float, y1: float, x2: float, y2: float, width: int, height: int
) -> None:
    try:
        expected = make_line("a", (x1, y1), (x2, y2))
    except LineError:
        return
    text = f"a={x1 * width!r},{y1 * height!r}:{x2 * width!r},{y2 * height!r}"
    found = parse_line(text, size_px=(width, height))

    assert found.start == pytest.approx(expected.start)
    assert found.end == pytest.approx(expected.end)
