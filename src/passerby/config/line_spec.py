"""Lines as they are written on a command line: `NAME=X1,Y1:X2,Y2`, in fractions of the frame or in pixels.

Invariant: every line that is returned can be counted; every other line is refused by name.
"""

from collections.abc import Iterable
from math import hypot, isfinite

from passerby.domain.geometry import DIRECTIONS, Anchor, Line, Point
from passerby.errors import LineError

_FORM = "expected NAME=X1,Y1:X2,Y2"
_ROUNDING = 1e-6
_SHORTEST = 1e-4
_LONGEST_NAME = 80


def parse_lines(
    texts: Iterable[str], *, size_px: tuple[int, int] | None = None, anchor: Anchor = "bottom"
) -> tuple[Line, ...]:
    """All lines of a command; with `size_px` (width, height) the points are in pixels. Raises LineError."""
    lines = tuple(parse_line(text, size_px=size_px, anchor=anchor) for text in texts)
    check_names(lines)
    return lines


def parse_line(text: str, *, size_px: tuple[int, int] | None = None, anchor: Anchor = "bottom") -> Line:
    """One line. Raises LineError, with the name of the line, where it cannot be counted."""
    # The last "=" separates the two: a name may contain one, and a point may not.
    name, equals, points = text.rpartition("=")
    if not equals:
        raise LineError(f"line {text!r}: {_FORM}")
    ends = points.split(":")
    if len(ends) != 2:
        raise LineError(f"line {name.strip()!r}: found {points!r}, {_FORM}")
    start, end = (_point(name, end) for end in ends)
    return make_line(name, start, end, size_px=size_px, anchor=anchor)


def make_line(
    name: str,
    start: Point,
    end: Point,
    *,
    size_px: tuple[int, int] | None = None,
    names: tuple[str, str] = DIRECTIONS,
    anchor: Anchor = "bottom",
) -> Line:
    """A checked line; with `size_px` (width, height) the points are in pixels. Raises LineError."""
    name = name.strip()
    if problem := name_problem(name):
        raise LineError(f"line {name!r}: {problem}")
    start, end = _fraction(name, start, size_px), _fraction(name, end, size_px)
    if hypot(end[0] - start[0], end[1] - start[1]) < _SHORTEST:
        raise LineError(f"line {name!r}: it has no length, expected two different points")
    return Line(name, start, end, names, anchor)


def check_names(lines: Iterable[Line]) -> None:
    """Raises LineError when two lines share a name."""
    seen: set[str] = set()
    for line in lines:
        if line.name in seen:
            raise LineError(f"line {line.name!r}: two lines have this name, expected one of each")
        seen.add(line.name)


def name_problem(name: str) -> str | None:
    """The mistake in a name that people read in tables and pictures; None where there is none."""
    if not name.strip():
        return "the name is empty"
    if name != name.strip():
        return "the name begins or ends with a space"
    if not name.isprintable():
        return "the name has characters that cannot be printed"
    if len(name) > _LONGEST_NAME:
        return f"the name has {len(name)} characters, expected at most {_LONGEST_NAME}"
    return None


def _point(name: str, text: str) -> Point:
    parts = text.split(",")
    try:
        x, y = (float(part) for part in parts)
    except ValueError:
        raise LineError(
            f"line {name.strip()!r}: found {text!r} for a point, expected two numbers X,Y"
        ) from None
    return x, y


def _fraction(name: str, point: Point, size_px: tuple[int, int] | None) -> Point:
    x, y = point
    if not (isfinite(x) and isfinite(y)):
        raise LineError(f"line {name!r}: the point {_text(point)} is not made of finite numbers")
    if size_px is not None:
        width, height = size_px
        if not (0 <= x <= width and 0 <= y <= height):
            swapped = " (x comes first: are the two swapped?)" if 0 <= y <= width and 0 <= x <= height else ""
            raise LineError(
                f"line {name!r}: the point {_text(point)} lies outside the frame "
                f"of {width}x{height} pixels{swapped}"
            )
        return x / width, y / height
    if not (-_ROUNDING <= x <= 1 + _ROUNDING and -_ROUNDING <= y <= 1 + _ROUNDING):
        pixels = "; for pixels give --pixels" if max(abs(x), abs(y)) >= 2 else ""
        raise LineError(
            f"line {name!r}: the point {_text(point)} lies outside the frame, "
            f"expected fractions from 0 to 1{pixels}"
        )
    return min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0)


def _text(point: Point) -> str:
    return f"{point[0]:g},{point[1]:g}"
