"""Where a count may leak: what a count cannot know of itself, but its tracks can hint at.

Invariant: numbers of tracks, never which; what comes out ties nothing to a crossing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from passerby.counting.counts import Crossing, Leak
from passerby.counting.detections import Tracks
from passerby.domain.geometry import DEFAULT_CORRIDOR, Line
from passerby.domain.timespan import Span

CLOSE_SHARE = 0.65
"""A crossing is of a close vote when its label has less of the votes than this."""
_GAP_MS = 1_000
_LEAST_BOXES = 3


def leaks(
    tracks: Tracks,
    lines: Sequence[Line],
    width: int,
    height: int,
    half_width: float | None,
    span: Span,
) -> list[Leak]:
    """Leak statistics of what ended in `span`, without votes; `half_width` of the corridor in frame heights, None for
    the default."""
    ends, begins = _ends(tracks, -1), _ends(tracks, 0)
    last_ms = int(tracks.time_ms.max()) if len(tracks) else 0
    near = DEFAULT_CORRIDOR if half_width is None else half_width
    found = []
    for line in lines:
        inside = [
            end
            for end in ends
            if end.time_ms in span
            and end.time_ms < last_ms - _GAP_MS
            and _is_inside(end.box, line, width, height, near)
        ]
        switched = sum(any(_takes_up(begin, end) for begin in begins) for end in inside)
        found.append(Leak(line.name, len(inside), switched, 0, 0))
    return found


def with_votes(leaks: Sequence[Leak], crossings: Sequence[Crossing]) -> list[Leak]:
    """The same leaks, beside all crossings that were counted and the close votes among them."""
    found = []
    for leak in leaks:
        mine = [c for c in crossings if c.line == leak.line]
        close = sum(c.share < CLOSE_SHARE for c in mine)
        found.append(replace(leak, close=close, crossings=len(mine)))
    return found


def add(a: Sequence[Leak], b: Sequence[Leak]) -> list[Leak]:
    """Leaks of two spans of the same lines together."""
    if not a:
        return list(b)
    return [
        Leak(x.line, x.ended + y.ended, x.switched + y.switched, x.close + y.close, x.crossings + y.crossings)
        for x, y in zip(a, b, strict=True)
    ]


@dataclass(frozen=True, slots=True, eq=False)
class _End:
    time_ms: int
    box: NDArray[np.float64]


def _ends(tracks: Tracks, row: int) -> list[_End]:
    """First (0) or last (-1) box of every track that is no flicker."""
    order = np.lexsort((tracks.time_ms, tracks.tracker_id))
    groups = np.split(order, np.flatnonzero(np.diff(tracks.tracker_id[order])) + 1)
    return [
        _End(int(tracks.time_ms[rows[row]]), tracks.xyxy[rows[row]].astype(np.float64))
        for rows in groups
        if len(rows) >= _LEAST_BOXES
    ]


def _is_inside(box: NDArray[np.float64], line: Line, width: int, height: int, near: float) -> bool:
    """Whether all of a box is within the corridor, and by a tenth of its size within the frame."""
    margin = 0.1 * (box[2:] - box[:2])
    if (box[:2] <= margin).any() or (box[2:] >= np.array([width, height]) - margin).any():
        return False
    scaled = box / height
    aspect = width / height
    start = np.array([line.start[0] * aspect, line.start[1]])
    along = np.array([line.end[0] * aspect, line.end[1]]) - start
    length = float(np.hypot(*along))
    along /= length
    x, y = scaled[[0, 2, 0, 2]], scaled[[1, 1, 3, 3]]
    corners = np.column_stack([x, y]) - start
    across = corners @ np.array([-along[1], along[0]])
    place = corners @ along
    return bool((np.abs(across) < near).all() and (place > -near).all() and (place < length + near).all())


def _takes_up(begin: _End, end: _End) -> bool:
    """Whether a track begins soon after another ended, and within a body's size of it."""
    if not 0 < begin.time_ms - end.time_ms <= _GAP_MS:
        return False
    size = np.maximum(begin.box[2:] - begin.box[:2], end.box[2:] - end.box[:2])
    apart = np.abs((begin.box[:2] + begin.box[2:]) - (end.box[:2] + end.box[2:])) / 2
    return bool((apart <= size).all())
