"""The true crossings of a street, computed from the positions of its actors.

Invariant: nothing here depends on how the street is drawn; of the frames only the times of the first and last matter.
"""

from dataclasses import dataclass

import numpy as np

from passerby.domain.geometry import Direction, Line, along, signed_distance
from passerby.domain.labels import Label
from passerby.synth.motion import boxes, positions
from passerby.synth.street import (
    FAR_CYCLE_LANE,
    FAR_PAVEMENT,
    LINES_X_M,
    NEAR_CYCLE_LANE,
    NEAR_PAVEMENT,
    Actor,
    Array,
    Street,
    View,
    view_of,
)
from passerby.synth.traffic import actors

_STEP_S = 0.02
_BISECTIONS = 30


@dataclass(frozen=True, slots=True, order=True)
class TrueCrossing:
    """A true crossing: `time_ms` is Unix ms UTC, `along` the position on the line (0..1), `actor` the actor's name."""

    time_ms: int
    line: str
    direction: Direction
    label: Label
    actor: str
    along: float


@dataclass(frozen=True, slots=True)
class TrueBox:
    """The box of an actor's cuboid at a time: `xyxy` in px, also outside the frame; `depth_m` is its distance from
    the camera in metres."""

    actor: str
    label: Label
    xyxy: tuple[float, float, float, float]
    depth_m: float


_STRIPS = {
    "road": (NEAR_CYCLE_LANE.near_m - 0.9, FAR_CYCLE_LANE.far_m),
    "near": (NEAR_PAVEMENT.near_m - 0.4, NEAR_PAVEMENT.far_m + 0.3),
    "far": (FAR_PAVEMENT.near_m - 0.4, FAR_PAVEMENT.far_m - 0.2),
}


def lines(street: Street) -> tuple[Line, ...]:
    """The counting lines: `road` across carriageway and cycle lanes, `near` and `far` across the pavements.

    Each starts at its near end, so that an object which goes to larger x counts as `to_right`. A line that is outside
    the picture of a long lens is left out."""
    view = view_of(street)
    result = []
    for name, (near, far) in _STRIPS.items():
        start, end = view.fractions(LINES_X_M, near), view.fractions(LINES_X_M, far)
        if all(0.0 <= value <= 1.0 for value in (*start, *end)):
            result.append(Line(name, start, end))
    return tuple(result)


def truth(street: Street, lines: tuple[Line, ...]) -> tuple[TrueCrossing, ...]:
    """Every crossing of every line between the first and the last frame, by time.

    The bottom centre of an object's box crosses, or its centre if the line's anchor is the centre. An object that
    turns back crosses twice, once in each direction; parked cars never cross.
    """
    view = view_of(street)
    last_s = street.time_s(street.frame_count - 1)
    result = []
    for actor in actors(street):
        begin, end = max(0.0, actor.path[0].time_s), min(last_s, actor.path[-1].time_s)
        if len(actor.path) == 1 or end <= begin:
            continue
        times = np.append(np.arange(begin, end, _STEP_S), end)
        seen = boxes(actor, view, times)
        for line in lines:
            result += _crossings(street, view, actor, line, times, seen)
    return tuple(sorted(result))


def boxes_at(street: Street, time_s: float) -> tuple[TrueBox, ...]:
    """The boxes of all actors at least partly in the picture, `time_s` after the start; farthest first."""
    view = view_of(street)
    result = []
    for actor in actors(street):
        if actor.present(time_s):
            (x1, y1, x2, y2), depth = _box(actor, view, time_s)
            if x2 > 0 and y2 > 0 and x1 < street.width and y1 < street.height:
                result.append(TrueBox(actor.name, actor.label, (x1, y1, x2, y2), depth))
    return tuple(sorted(result, key=lambda box: -box.depth_m))


def _box(actor: Actor, view: View, time_s: float) -> tuple[tuple[float, float, float, float], float]:
    at = np.array([time_s])
    x1, y1, x2, y2 = (float(value) for value in boxes(actor, view, at)[0])
    ground = np.append(positions(actor, at)[0], 0.0)
    return (x1, y1, x2, y2), float(np.linalg.norm(ground - view.position))


def _anchor(box: Array, line: Line, street: Street) -> tuple[float, float]:
    """The point of a box (4,) that crosses `line`, in fractions of the frame."""
    x1, y1, x2, y2 = (float(value) for value in box)
    y = y2 if line.anchor == "bottom" else (y1 + y2) / 2
    return (x1 + x2) / 2 / street.width, y / street.height


def _crossings(
    street: Street, view: View, actor: Actor, line: Line, times: Array, seen: Array
) -> list[TrueCrossing]:
    aspect = street.aspect
    rows = seen[:, 3] if line.anchor == "bottom" else (seen[:, 1] + seen[:, 3]) / 2
    x = (seen[:, 0] + seen[:, 2]) / 2 / street.width
    y = rows / street.height
    dx, dy = (line.end[0] - line.start[0]) * aspect, line.end[1] - line.start[1]
    right = dx * (y - line.start[1]) - dy * (x - line.start[0]) * aspect > 0
    result = []
    for step in np.flatnonzero(right[1:] != right[:-1]):
        low, high = float(times[step]), float(times[step + 1])
        for _ in range(_BISECTIONS):
            middle = (low + high) / 2
            point = _anchor(boxes(actor, view, np.array([middle]))[0], line, street)
            if (signed_distance(line, point, aspect) > 0) == right[step]:
                low = middle
            else:
                high = middle
        point = _anchor(boxes(actor, view, np.array([high]))[0], line, street)
        position = along(line, point, aspect)
        if 0.0 <= position <= 1.0:
            direction: Direction = "to_right" if right[step + 1] else "to_left"
            time_ms = street.start_ms + round(high * 1000)
            result.append(TrueCrossing(time_ms, line.name, direction, actor.label, actor.name, position))
    return result
