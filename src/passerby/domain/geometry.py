"""Points, lines, corridors and zones in fractions of the frame, origin top left, y downwards.

Invariant: standard library only; no pixel is needed here.

Fractions are not square, so a function that measures a distance takes `aspect` (frame width by height) and returns
frame heights. Directions: stand at `start` and face `end` in the picture as shown; an object that finishes on your
right moved `to_right`. That side is where (-dy, dx) points for a line along (dx, dy).
"""

from dataclasses import dataclass
from math import hypot
from typing import Literal

Point = tuple[float, float]
Direction = Literal["to_left", "to_right"]
DIRECTIONS: tuple[Direction, Direction] = ("to_right", "to_left")
Anchor = Literal["bottom", "centre"]

DEFAULT_CORRIDOR = 0.4
"""Half the width of a corridor, in frame heights, by default."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line from `start` to `end`, both (x, y) in fractions of the frame. `names`: your own words for its directions,
    `to_right` first. `anchor`: the point of a box that must cross.

    >>> bridge = passerby.Line("bridge", start=(0.12, 0.80), end=(0.88, 0.74), names=("south", "north"))
    >>> bridge.direction_name("to_right")
    'south'
    """

    name: str
    start: Point
    end: Point
    names: tuple[str, str] = DIRECTIONS
    anchor: Anchor = "bottom"

    def direction_name(self, direction: Direction) -> str:
        """The line's own word for a direction."""
        return self.names[DIRECTIONS.index(direction)]

    def length(self, aspect: float) -> float:
        """Length in frame heights."""
        return hypot((self.end[0] - self.start[0]) * aspect, self.end[1] - self.start[1])


@dataclass(frozen=True, slots=True)
class Corridor:
    """The band of `half_width` frame heights on both sides of a line, and as far beyond its ends."""

    line: Line
    half_width: float = DEFAULT_CORRIDOR

    def polygon(self, aspect: float) -> tuple[Point, Point, Point, Point]:
        """The four corners in fractions of the frame; they may lie outside it."""
        (x1, y1), (x2, y2) = self.line.start, self.line.end
        length = self.line.length(aspect)
        along_x = (x2 - x1) * aspect / length * self.half_width
        along_y = (y2 - y1) / length * self.half_width
        start = (x1 * aspect - along_x, y1 - along_y)
        end = (x2 * aspect + along_x, y2 + along_y)
        corners = (
            (start[0] - along_y, start[1] + along_x),
            (end[0] - along_y, end[1] + along_x),
            (end[0] + along_y, end[1] - along_x),
            (start[0] + along_y, start[1] - along_x),
        )
        (ax, ay), (bx, by), (cx, cy), (dx, dy) = corners
        return (ax / aspect, ay), (bx / aspect, by), (cx / aspect, cy), (dx / aspect, dy)


@dataclass(frozen=True, slots=True)
class Zone:
    """A named polygon of at least three corners."""

    name: str
    corners: tuple[Point, ...]

    def __contains__(self, point: Point) -> bool:
        """Even-odd rule; a point on the left or top edge is inside, so that zones that touch share no point."""
        x, y = point
        inside = False
        previous_x, previous_y = self.corners[-1]
        for corner_x, corner_y in self.corners:
            if (corner_y > y) != (previous_y > y) and x < (previous_x - corner_x) * (y - corner_y) / (
                previous_y - corner_y
            ) + corner_x:
                inside = not inside
            previous_x, previous_y = corner_x, corner_y
        return inside


def signed_distance(line: Line, point: Point, aspect: float) -> float:
    """Distance from the endless line, in frame heights; positive on the right hand side of `start` to `end`."""
    dx, dy = (line.end[0] - line.start[0]) * aspect, line.end[1] - line.start[1]
    px, py = (point[0] - line.start[0]) * aspect, point[1] - line.start[1]
    return (dx * py - dy * px) / hypot(dx, dy)


def along(line: Line, point: Point, aspect: float) -> float:
    """The place on the line nearest to `point`: 0 at `start`, 1 at `end`, outside that range beyond them."""
    dx, dy = (line.end[0] - line.start[0]) * aspect, line.end[1] - line.start[1]
    px, py = (point[0] - line.start[0]) * aspect, point[1] - line.start[1]
    return (dx * px + dy * py) / (dx * dx + dy * dy)
