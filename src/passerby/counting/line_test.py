"""Decide from the whole path of a track whether, when and which way it crossed a line.

Invariant: a path in, crossings out; nothing is remembered between paths.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from passerby.domain.geometry import Direction, Line

BAND_SHARE = 0.1
"""Half the width of the hysteresis band, as a share of the body's extent across the line."""
BAND_LEAST = 0.008
"""The same at least, in frame heights: boxes tremble by a pixel or two however small they are."""
EDGE = 0.03
"""A line that ends this near the edge of the frame goes on for ever: who is cut by the edge still crosses."""


class Passage(NamedTuple):
    """One crossing of one path; `row` is the first row of the path after it."""

    time_ms: int
    direction: Direction
    along: float
    row: int


def passages(
    line: Line, time_ms: NDArray[np.int64], xyxy: NDArray[np.float32], width: int, height: int
) -> Iterator[Passage]:
    """Crossings of `line` by one path, in order of time.

    `time_ms` (n,) ascending, `xyxy` (n, 4) px. Hysteresis: a side is taken when the anchor is farther from the
    line than the band, so that a stop on the line counts once and trembling counts not at all; one box alone
    on the other side is a slip of the detector. A path that ends inside the band has crossed when it came
    from the other side by two bands or more.
    """
    if len(time_ms) < 2:
        return
    aspect = width / height
    right, ahead = line.end[0] - line.start[0], line.end[1] - line.start[1]
    direction = np.array([right * aspect, ahead])
    length = float(np.hypot(*direction))
    direction /= length
    normal = np.array([-direction[1], direction[0]])
    boxes = xyxy.astype(np.float64) / height
    foot = boxes[:, 3] if line.anchor == "bottom" else (boxes[:, 1] + boxes[:, 3]) / 2
    anchor = np.column_stack([(boxes[:, 0] + boxes[:, 2]) / 2, foot])
    anchor -= np.array([line.start[0] * aspect, line.start[1]])
    distance = _steady(anchor @ normal)
    along = anchor @ direction / length
    extent = np.median((boxes[:, 2:] - boxes[:, :2]) @ np.abs(normal))
    band = max(BAND_LEAST, BAND_SHARE * float(extent))
    first, last = _reach(line)

    # Who begins on the line itself comes from the side that it is first seen on.
    side = next((1 if d > 0 else -1 for d in distance.tolist() if d), 1)
    farthest = distance[0] * side
    touched = 0
    for row in range(1, len(distance)):
        beyond = -distance[row] * side
        if beyond > 0 >= -distance[row - 1] * side:
            touched = row
        at_end = row == len(distance) - 1 and beyond > 0 and beyond + farthest >= 2 * band
        if beyond > 0 and ((beyond > band and beyond + farthest >= 2 * band) or at_end):
            before, after = distance[touched - 1], distance[touched]
            share = before / (before - after)
            where = along[touched - 1] + share * (along[touched] - along[touched - 1])
            elapsed_ms = int(time_ms[touched] - time_ms[touched - 1])
            if first <= where <= last:
                yield Passage(
                    int(time_ms[touched - 1]) + round(share * elapsed_ms),
                    "to_right" if side < 0 else "to_left",
                    float(where),
                    touched,
                )
            side, farthest = -side, beyond
        else:
            farthest = max(farthest, -beyond)


def _steady(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Median of three: one box that is drawn far out moves nobody, and who goes steadily is left as they are."""
    before, here, after = distance[:-2], distance[1:-1], distance[2:]
    middle = np.maximum(np.minimum(before, here), np.minimum(np.maximum(before, here), after))
    return np.concatenate([distance[:1], middle, distance[-1:]])


def _reach(line: Line) -> tuple[float, float]:
    """From where to where on the line a crossing counts."""

    def at_edge(point: tuple[float, float]) -> bool:
        return any(value <= EDGE or value >= 1 - EDGE for value in point)

    return (-np.inf if at_edge(line.start) else 0.0, np.inf if at_edge(line.end) else 1.0)
