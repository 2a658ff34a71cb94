"""Decide from the whole path of a track whether, when and in which direction it crossed a line.

Invariant: a path in, crossings out; nothing is remembered between paths.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from passerby.counting.parameters import CrossingParams
from passerby.domain.geometry import Direction, Line


class Passage(NamedTuple):
    """One crossing of one path: `along` 0..1 on the line, and `row`, the first row of the path after it."""

    time_ms: int
    direction: Direction
    along: float
    row: int


class _Places(NamedTuple):
    """Of each box (n,): the anchor's `distance` from the line in frame heights, positive on the right, and its place
    `along` the line; `band`, half the width of the hysteresis band."""

    distance: NDArray[np.float64]
    along: NDArray[np.float64]
    band: float


def passages(
    line: Line,
    time_ms: NDArray[np.int64],
    xyxy: NDArray[np.float32],
    size_px: tuple[int, int],
    params: CrossingParams = CrossingParams(),
) -> Iterator[Passage]:
    """Crossings of `line` by one path, in order of time.

    `time_ms` (n,) ascending, `xyxy` (n, 4) px, `size_px` (width, height) of the frame. Hysteresis: a path changes
    sides when its anchor is farther from the line than the band, so that a stop on the line counts once and trembling
    counts not at all; a single box on the far side is an error of the detector. A path that ends inside the band has
    crossed if it came from the near side by two bands or more.
    """
    if len(time_ms) < 2:
        return
    distance, along, band = _places(line, xyxy, size_px, params)
    first, last = _extent_along(line, params)

    # A body that begins on the line itself comes from the side on which it is first seen.
    side = next((1 if d > 0 else -1 for d in distance.tolist() if d), 1)
    farthest = distance[0] * side
    touched = 0
    for row in range(1, len(distance)):
        beyond = -distance[row] * side
        if beyond > 0 >= -distance[row - 1] * side:
            touched = row
        is_last = row == len(distance) - 1
        if beyond > 0 and (beyond > band or is_last) and beyond + farthest >= 2 * band:
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


def _places(
    line: Line, xyxy: NDArray[np.float32], size_px: tuple[int, int], params: CrossingParams
) -> _Places:
    width, height = size_px
    aspect = width / height
    direction = np.array([(line.end[0] - line.start[0]) * aspect, line.end[1] - line.start[1]])
    length = float(np.hypot(*direction))
    direction /= length
    normal = np.array([-direction[1], direction[0]])
    boxes = xyxy.astype(np.float64) / height
    foot = boxes[:, 3] if line.anchor == "bottom" else (boxes[:, 1] + boxes[:, 3]) / 2
    anchor = np.column_stack([(boxes[:, 0] + boxes[:, 2]) / 2, foot])
    anchor -= np.array([line.start[0] * aspect, line.start[1]])
    extent = np.median((boxes[:, 2:] - boxes[:, :2]) @ np.abs(normal))
    band = max(params.band_min, params.band_share * float(extent))
    return _Places(_median_of_three(anchor @ normal), anchor @ direction / length, band)


def _median_of_three(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each inner value (n,) replaced by the median of itself and its neighbours: one badly drawn box is ignored, and a
    steady path is unchanged."""
    before, here, after = distance[:-2], distance[1:-1], distance[2:]
    middle = np.maximum(np.minimum(before, here), np.minimum(np.maximum(before, here), after))
    return np.concatenate([distance[:1], middle, distance[-1:]])


def _extent_along(line: Line, params: CrossingParams) -> tuple[float, float]:
    """The part of the line on which a crossing counts, from and to; endless where the line ends at the frame's edge."""

    def at_edge(point: tuple[float, float]) -> bool:
        return any(value <= params.open_edge or value >= 1 - params.open_edge for value in point)

    return (-np.inf if at_edge(line.start) else 0.0, np.inf if at_edge(line.end) else 1.0)
