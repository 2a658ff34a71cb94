"""The position, heading and box of an actor at any time, computed from its waypoints.

Invariant: functions of time and one actor; nothing depends on frames or on other actors.
"""

import numpy as np

from passerby.synth.street import Actor, Array, View

_HEADING_S = 0.2


def positions(actor: Actor, times_s: Array) -> Array:
    """(n,) seconds -> (n, 2) metres on the ground; before the first and after the last waypoint it stands still."""
    known = np.array([point.time_s for point in actor.path])
    return np.stack(
        [
            np.interp(times_s, known, [point.x_m for point in actor.path]),
            np.interp(times_s, known, [point.y_m for point in actor.path]),
        ],
        axis=1,
    )


def walked_m(actor: Actor, times_s: Array) -> Array:
    """(n,) seconds -> (n,) the distance in metres since the first waypoint."""
    points = np.array([(point.x_m, point.y_m) for point in actor.path])
    steps = np.hypot(*np.diff(points, axis=0).T)
    known = [point.time_s for point in actor.path]
    return np.asarray(np.interp(times_s, known, np.concatenate([[0.0], np.cumsum(steps)])), np.float64)


def headings(actor: Actor, times_s: Array) -> Array:
    """(n,) seconds -> (n,) heading in radians from +x towards +y, over ±0.2 s; the last heading if it stands."""
    step = positions(actor, times_s + _HEADING_S) - positions(actor, times_s - _HEADING_S)
    moving = np.hypot(step[:, 0], step[:, 1]) > 1e-3
    result = np.arctan2(step[:, 1], step[:, 0])
    if moving.all():
        return result
    times, angles = [], []
    for before, after in zip(actor.path, actor.path[1:], strict=False):
        dx, dy = after.x_m - before.x_m, after.y_m - before.y_m
        if (dx * dx + dy * dy) > 1e-6:
            times.append(before.time_s)
            angles.append(float(np.arctan2(dy, dx)))
    if not times:
        return np.full(len(times_s), actor.facing)
    last = np.clip(np.searchsorted(times, times_s, side="right") - 1, 0, None)
    return np.where(moving, result, np.array(angles)[last])


def boxes(actor: Actor, view: View, times_s: Array) -> Array:
    """(n,) seconds -> (n, 4) px `x1, y1, x2, y2`: the box of the actor's cuboid, also outside the picture."""
    ground = positions(actor, times_s)
    heading = headings(actor, times_s)
    length, width, height = actor.size_m
    along = np.array([1, 1, -1, -1, 1, 1, -1, -1]) * length / 2
    across = np.array([1, -1, 1, -1, 1, -1, 1, -1]) * width / 2
    up = np.array([0, 0, 0, 0, 1, 1, 1, 1]) * height
    cos, sin = np.cos(heading)[:, None], np.sin(heading)[:, None]
    corners = np.stack(
        [
            ground[:, :1] + cos * along - sin * across,
            ground[:, 1:] + sin * along + cos * across,
            np.broadcast_to(up, (len(times_s), 8)),
        ],
        axis=2,
    )
    pixels, _ = view.project(corners.reshape(-1, 3))
    pixels = pixels.reshape(len(times_s), 8, 2)
    return np.concatenate([pixels.min(axis=1), pixels.max(axis=1)], axis=1)
