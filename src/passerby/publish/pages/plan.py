"""A plan of a camera's view: an approved picture without people (or none), the lines, and dots for released numbers.

Invariant: the number of dots depends only on released numbers, and their positions only on the line: no dot shows a
person or a position where a person was seen.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from passerby.domain.geometry import DIRECTIONS, Line, signed_distance
from passerby.errors import InputError
from passerby.publish.pages.estimates import Estimate

MOST_DOTS = 24
"""The most dots on one side of a line; for larger numbers, a dot stands for more crossings."""
_LARGEST_FILE = 4 * 2**20
_GOLDEN, _ROWS = 0.6180339887, 5
"""Steps of the golden ratio spread any number of points evenly over a line. Points that come close to each other are a
Fibonacci number of steps apart, so five rows keep them apart."""
_PNG = b"\x89PNG\r\n\x1a\n"
_VIEW_BOX = re.compile(
    rb"<svg\b[^>]*?\bviewBox\s*=\s*[\"']\s*[-\d.]+[\s,]+[-\d.]+[\s,]+([\d.]+)[\s,]+([\d.]+)", re.DOTALL
)
_HEIGHT = 900


@dataclass(frozen=True, slots=True)
class PlanImage:
    """A PNG or SVG file: its content, its media type and its aspect (width / height)."""

    content: bytes
    media_type: str
    aspect: float


@dataclass(frozen=True, slots=True)
class PlanLine:
    """A line on a plan, in the units of `size`: its ends, the centre of its numbered badge, and the dots of its two
    directions, in the order of the line's names."""

    number: int
    start: tuple[float, float]
    end: tuple[float, float]
    badge: tuple[float, float]
    dots: tuple[tuple[tuple[float, float], ...], tuple[tuple[float, float], ...]]


def load(path: Path) -> PlanImage:
    """The picture at `path`. Raises InputError unless it is a PNG or SVG file of at most 4 MiB."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: the plan cannot be read: {error.strerror}") from None
    if len(content) > _LARGEST_FILE:
        raise InputError(f"{path}: the plan has {len(content)} bytes, expected at most {_LARGEST_FILE}")
    if content.startswith(_PNG) and len(content) > 24:
        width, height = (int.from_bytes(content[at : at + 4]) for at in (16, 20))
        if width and height:
            return PlanImage(content, "image/png", width / height)
    view_box = _VIEW_BOX.search(content[:4096])
    if view_box is not None and float(view_box[1]) > 0 and float(view_box[2]) > 0:
        return PlanImage(content, "image/svg+xml", float(view_box[1]) / float(view_box[2]))
    raise InputError(f"{path}: expected a PNG file, or an SVG file with a viewBox")


def size(image: PlanImage | None) -> tuple[int, int]:
    """Width and height of the plan in its own units; 16:9 without a picture."""
    return round(_HEIGHT * (image.aspect if image else 16 / 9)), _HEIGHT


def unit_of(estimates: Sequence[Estimate]) -> int:
    """How many crossings a dot stands for: the smallest of 1, 2, 5, 10, ... with which MOST_DOTS are enough."""
    most = max((estimate.value for estimate in estimates if estimate.sure), default=0)
    units: Iterator[int] = (factor * 10**power for power in range(16) for factor in (1, 2, 5))
    return next(unit for unit in units if unit * MOST_DOTS >= most)


def plan_line(
    number: int, line: Line, estimates: Sequence[Estimate | None], unit: int, image: PlanImage | None
) -> PlanLine:
    """The line with its dots. `estimates` has one for each of the line's names, None if nothing was released; `number`
    is that of its badge, `unit` the crossings of one dot."""
    width, height = size(image)
    aspect = width / height
    counts = [
        ceil(estimate.value / unit) if estimate is not None and estimate.sure else 0 for estimate in estimates
    ]
    sides = tuple(
        tuple(_dot(line, side, index, aspect, (width, height)) for index in range(count))
        for side, count in zip(DIRECTIONS, counts, strict=True)
    )
    (x1, y1), (x2, y2) = line.start, line.end
    return PlanLine(
        number,
        (x1 * width, y1 * height),
        (x2 * width, y2 * height),
        (x1 * width, y1 * height),
        (sides[0], sides[1]),
    )


def _dot(line: Line, side: str, index: int, aspect: float, scale: tuple[int, int]) -> tuple[float, float]:
    """The centre of dot `index`: dots are spread evenly over a band beside the line."""
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
