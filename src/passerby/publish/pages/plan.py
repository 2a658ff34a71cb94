"""A plan of the place: a picture without anybody, or none, the lines on it, and marks in a released number.

Invariant: how many marks there are is worked out from released numbers, and where they are from the line alone: a
mark is nobody, and stands where nobody was seen.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from passerby.domain.geometry import DIRECTIONS, Line, signed_distance
from passerby.errors import InputError
from passerby.publish.pages.estimates import Figure

MOST_MARKS = 24
"""Marks on one side of a line: with more, each stands for more crossings."""
_LARGEST_FILE = 4 * 2**20
_GOLDEN, _ROWS = 0.6180339887, 5
"""Steps of the golden ratio spread points evenly over a line, however many; what they bring near each other is a
Fibonacci number of steps apart, and lies in another of five rows, or far enough."""
_PNG = b"\x89PNG\r\n\x1a\n"
_VIEW_BOX = re.compile(
    rb"<svg\b[^>]*?\bviewBox\s*=\s*[\"']\s*[-\d.]+[\s,]+[-\d.]+[\s,]+([\d.]+)[\s,]+([\d.]+)", re.DOTALL
)
_HEIGHT = 900


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG or SVG file as it is served: its content, its media type and width / height."""

    content: bytes
    media_type: str
    aspect: float


@dataclass(frozen=True, slots=True)
class Drawn:
    """One line on a plan of `width` x `height`: its ends, the place of its number, and the marks of its two
    directions, in the order of the line's names."""

    number: int
    start: tuple[float, float]
    end: tuple[float, float]
    badge: tuple[float, float]
    marks: tuple[tuple[tuple[float, float], ...], tuple[tuple[float, float], ...]]


def load(path: Path) -> Picture:
    """The picture at `path`. Raises InputError for one that is no PNG or SVG, or too large."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: the plan cannot be read: {error.strerror}") from None
    if len(content) > _LARGEST_FILE:
        raise InputError(f"{path}: a plan of {len(content)} bytes, expected at most {_LARGEST_FILE}")
    if content.startswith(_PNG) and len(content) > 24:
        width, height = (int.from_bytes(content[at : at + 4]) for at in (16, 20))
        if width and height:
            return Picture(content, "image/png", width / height)
    found = _VIEW_BOX.search(content[:4096])
    if found is not None and float(found[1]) > 0 and float(found[2]) > 0:
        return Picture(content, "image/svg+xml", float(found[1]) / float(found[2]))
    raise InputError(f"{path}: expected a PNG file, or an SVG file with a viewBox")


def size(picture: Picture | None) -> tuple[int, int]:
    """Width and height of the drawing's own units."""
    return round(_HEIGHT * (picture.aspect if picture else 16 / 9)), _HEIGHT


def unit_of(figures: Sequence[Figure]) -> int:
    """How many crossings a mark stands for: a round number of which MOST_MARKS hold the largest."""
    most = max((figure.value for figure in figures if figure.sure), default=0)
    units: Iterator[int] = (one * 10**power for power in range(16) for one in (1, 2, 5))
    return next(unit for unit in units if unit * MOST_MARKS >= most)


def draw(
    number: int, line: Line, figures: Sequence[Figure | None], unit: int, picture: Picture | None
) -> Drawn:
    """The line with the marks of `figures`, one for each of its names; None where nothing was released."""
    width, height = size(picture)
    aspect = width / height
    counts = [ceil(figure.value / unit) if figure is not None and figure.sure else 0 for figure in figures]
    sides = tuple(
        tuple(_place(line, side, index, aspect, (width, height)) for index in range(count))
        for side, count in zip(DIRECTIONS, counts, strict=True)
    )
    (x1, y1), (x2, y2) = line.start, line.end
    return Drawn(
        number,
        (x1 * width, y1 * height),
        (x2 * width, y2 * height),
        (x1 * width, y1 * height),
        (sides[0], sides[1]),
    )


def _place(line: Line, side: str, index: int, aspect: float, scale: tuple[int, int]) -> tuple[float, float]:
    """The place of mark `index`: spread evenly over a band beside the line."""
    (x1, y1), (x2, y2) = line.start, line.end
    share = 0.06 + 0.92 * ((0.5 + index * _GOLDEN) % 1)
    away = 0.045 + 0.03 * (index % _ROWS)
    length = line.length(aspect)
    across = (-(y2 - y1) / length / aspect, (x2 - x1) * aspect / length)
    x, y = x1 + share * (x2 - x1), y1 + share * (y2 - y1)
    right = (x + away * across[0], y + away * across[1])
    point = (
        right
        if (signed_distance(line, right, aspect) > 0) == (side == "to_right")
        else (
            x - away * across[0],
            y - away * across[1],
        )
    )
    return round(point[0] * scale[0], 1), round(point[1] * scale[1], 1)
