"""Signs of miscounts: a count cannot know its own errors, but its tracks give hints.

Invariant: numbers of tracks, never which; nothing in the result refers to a single crossing.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from passerby.counting.counts import Crossing, LineDiagnostics
from passerby.counting.detections import Tracks
from passerby.domain.geometry import DEFAULT_CORRIDOR, Line
from passerby.domain.timespan import Span

CLOSE_SHARE = 0.65
"""Share of the votes, 0..1, below which the vote on a crossing's class is close."""
SWITCH_MS = 1_000
"""Longest time between the end of a track and the beginning of another that continues it."""
MIN_BOXES = 3
"""Boxes below which a track is a flicker."""
EDGE_MARGIN = 0.1
"""Distance from the frame's edge, in sizes of the box, within which a track may end because the body leaves."""


def lost_tracks(
    tracks: Tracks,
    lines: Sequence[Line],
    size_px: tuple[int, int],
    corridor: float | None,
    span: Span,
) -> list[LineDiagnostics]:
    """Diagnostics of the tracks that end in `span`, still without crossings.

    `size_px` is (width, height) of the frame; `corridor` is half its width in frame heights, None for the default.
    """
    ends, begins = list(_ends(tracks, -1)), list(_ends(tracks, 0))
    last_ms = int(tracks.time_ms.max()) if len(tracks) else 0
    half_width = DEFAULT_CORRIDOR if corridor is None else corridor
    result = []
    for line in lines:
        inside = [
            end
            for end in ends
            if end.time_ms in span
            and end.time_ms < last_ms - SWITCH_MS
            and _is_inside(end.box, line, size_px, half_width)
        ]
        switched = sum(any(_continues(begin, end) for begin in begins) for end in inside)
        result.append(LineDiagnostics(line.name, len(inside), switched, 0, 0))
    return result


def with_crossings(
    diagnostics: Iterable[LineDiagnostics], crossings: Iterable[Crossing]
) -> list[LineDiagnostics]:
    """The same diagnostics with the number of crossings at each line and of close votes among them."""
    shares: dict[str, list[float]] = {}
    for crossing in crossings:
        shares.setdefault(crossing.line, []).append(crossing.share)
    return [
        replace(
            line,
            close_votes=sum(share < CLOSE_SHARE for share in shares.get(line.line, ())),
            crossings=len(shares.get(line.line, ())),
        )
        for line in diagnostics
    ]


def add(first: Sequence[LineDiagnostics], second: Sequence[LineDiagnostics]) -> list[LineDiagnostics]:
    """The sums of two spans of the same lines; an empty one adds nothing."""
    if not first:
        return list(second)
    return [
        LineDiagnostics(
            a.line,
            a.lost_tracks + b.lost_tracks,
            a.switched_tracks + b.switched_tracks,
            a.close_votes + b.close_votes,
            a.crossings + b.crossings,
        )
        for a, b in zip(first, second, strict=True)
    ]


@dataclass(frozen=True, slots=True, eq=False)
class _End:
    time_ms: int
    box: NDArray[np.float64]


def _ends(tracks: Tracks, row: int) -> Iterator[_End]:
    """First (0) or last (-1) box of every track that is no flicker."""
    order = np.lexsort((tracks.time_ms, tracks.tracker_id))
    groups = np.split(order, np.flatnonzero(np.diff(tracks.tracker_id[order])) + 1)
    for rows in groups:
        if len(rows) >= MIN_BOXES:
            yield _End(int(tracks.time_ms[rows[row]]), tracks.xyxy[rows[row]].astype(np.float64))


def _is_inside(box: NDArray[np.float64], line: Line, size_px: tuple[int, int], half_width: float) -> bool:
    """Whether all of a box (4,) px is within the corridor of `half_width` frame heights, and away from the edge."""
    width, height = size_px
    margin = EDGE_MARGIN * (box[2:] - box[:2])
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
    return bool(
        (np.abs(across) < half_width).all()
        and (place > -half_width).all()
        and (place < length + half_width).all()
    )


def _continues(begin: _End, end: _End) -> bool:
    """Whether a track begins soon after another ended, and within a body's size of it."""
    if not 0 < begin.time_ms - end.time_ms <= SWITCH_MS:
        return False
    size = np.maximum(begin.box[2:] - begin.box[:2], end.box[2:] - end.box[:2])
    apart = np.abs((begin.box[:2] + begin.box[2:]) - (end.box[:2] + end.box[2:])) / 2
    return bool((apart <= size).all())
