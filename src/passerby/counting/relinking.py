"""Re-link a body that was lost for a moment to the track in which it appears again, once all tracks are known.

Invariant: each track is continued by at most one other, pedestrians first, and the nearest pair first.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from passerby.counting.parameters import TrackerParams
from passerby.counting.track_state import ANY_KIND, TrackState
from passerby.domain.labels import Label


class _Link(NamedTuple):
    """`distance` from the lost track's expected place to the new track's first box, in body sizes; both by index."""

    distance: float
    new: int
    lost: int


class _Gaps(NamedTuple):
    """From the last box of each lost track to the first box of each new one: `elapsed_ms` (new, lost),
    `travel_px` (new, lost, 2), and the body's `size_px` (new, lost, 2), the geometric mean of both boxes."""

    elapsed_ms: NDArray[np.int64]
    travel_px: NDArray[np.float64]
    size_px: NDArray[np.float64]


def relink(bodies: Sequence[TrackState], params: TrackerParams) -> list[int]:
    """A number for each of `bodies`, the same for tracks of one body; `bodies` are in the order of their first box."""
    before: dict[int, int] = {}
    for links in (
        _lost_pedestrians(bodies, params),
        _reappearing(bodies, params),
        _standing(bodies, params),
    ):
        for _, new, lost in sorted(links):
            if new not in before and lost not in before.values():
                before[new] = lost
    numbers = list(range(len(bodies)))
    for number in sorted(before):
        numbers[number] = numbers[before[number]]
    return numbers


def _lost_pedestrians(bodies: Sequence[TrackState], params: TrackerParams) -> list[_Link]:
    """Links of pedestrians that were briefly lost, within a wider gate than frame-to-frame matching allows."""
    people = [index for index, body in enumerate(bodies) if body.kind == Label.PERSON]
    new = [index for index in people if bodies[index].rows[0].confidence > 0]
    lost = [index for index in people if bodies[index].has_travelled(params)]
    if not new or not lost:
        return []
    gaps = _gaps([bodies[index] for index in new], [bodies[index] for index in lost])
    pace = np.stack([bodies[index].pace(params.pace_window_ms) for index in lost])
    distance = (np.abs(gaps.travel_px - gaps.elapsed_ms[..., None] * pace) / gaps.size_px).max(axis=2)
    allowed = _is_soon(gaps, params) & (distance < params.relink_gate)
    return _links(allowed, distance, new, lost)


def _reappearing(bodies: Sequence[TrackState], params: TrackerParams) -> list[_Link]:
    """Links of bodies of any kind that keep their pace while they are hidden, and reappear where it leads, as large
    as before."""
    known = [
        index
        for index, body in enumerate(bodies)
        if len(body.rows) >= params.reappear_min_boxes and not body.occluded_ms
    ]
    if not known:
        return []
    tracks = [bodies[index] for index in known]
    gaps = _gaps(tracks, tracks)
    kinds, sizes = np.array([track.kind for track in tracks]), np.stack([track.size for track in tracks])
    # (lost, 2) before the gap and (new, 2) after it.
    pace_before, pace_after = (
        np.stack([track.pace(params.pace_window_ms, at_start=at_start) for track in tracks])
        for at_start in (False, True)
    )
    speed_before, speed_after = np.hypot(*pace_before.T), np.hypot(*pace_after.T)[:, None]
    slower, faster = np.minimum(speed_after, speed_before), np.maximum(speed_after, speed_before)
    mean_pace = (pace_after[:, None] + pace_before) / 2
    distance = (np.abs(gaps.travel_px - gaps.elapsed_ms[..., None] * mean_pace) / gaps.size_px).max(axis=2)
    growth = np.maximum(gaps.size_px / sizes, sizes / gaps.size_px).max(axis=2)
    allowed = (
        _is_soon(gaps, params)
        & ((kinds[:, None] == kinds) | (kinds[:, None] == ANY_KIND) | (kinds == ANY_KIND))
        & (growth <= params.reappear_max_growth)
        & (slower > 0)
        & (slower >= params.reappear_min_pace_ratio * faster)
        & (pace_after @ pace_before.T >= params.reappear_min_cosine * speed_after * speed_before)
        & (distance < params.reappear_gate)
    )
    return _links(allowed, distance, known, known)


def _standing(bodies: Sequence[TrackState], params: TrackerParams) -> list[_Link]:
    """Links of bodies that only moved, and were part of the background in between: they stood for a while, or are
    longer than the corridor. The front of such a body goes in where its rear comes out, in the same lane."""
    moved = [
        (index, body)
        for index, body in enumerate(bodies)
        if len(body.rows) >= params.reappear_min_boxes and not any(row.confidence > 0 for row in body.rows)
    ]
    links = []
    for lost, before in moved:
        for new, after in moved:
            elapsed_ms = after.rows[0].time_ms - before.time_ms
            if 0 < elapsed_ms <= params.standing_ms and _goes_on(before, after, params):
                # Of several, the one that follows soonest is it.
                links.append(_Link(elapsed_ms / params.standing_ms, new, lost))
    return links


def _goes_on(before: TrackState, after: TrackState, params: TrackerParams) -> bool:
    """Whether the front of `before` came to rest where the rear of `after` set off, both the same way."""
    first, last = (np.asarray(row.xyxy, np.float64) for row in (before.rows[0], before.rows[-1]))
    begin, end = (np.asarray(row.xyxy, np.float64) for row in (after.rows[0], after.rows[-1]))
    for axis in (0, 1):
        across = 1 - axis
        # Its box shrinks while it enters the place where it is part of the background.
        rows = (*before.rows, *after.rows)
        length = max(float(row.xyxy[axis + 2] - row.xyxy[axis]) for row in rows)
        lane = min(last[across + 2], begin[across + 2]) - max(last[across], begin[across])
        whole = max(last[across + 2], begin[across + 2]) - min(last[across], begin[across])
        if lane < params.standing_lane * whole:
            continue
        for forwards in (True, False):
            front, rear = (axis + 2, axis) if forwards else (axis, axis + 2)
            sign = 1 if forwards else -1
            went_in = sign * (last[front] - first[front])
            came_out = sign * (end[rear] - begin[rear])
            gap = sign * (begin[rear] - last[front])
            rests = [
                abs(float(before.rows[-params.reappear_min_boxes].xyxy[front]) - last[front]),
                abs(float(after.rows[params.reappear_min_boxes - 1].xyxy[rear]) - begin[rear]),
            ]
            if max(rests) > params.standing_rest * length:
                continue
            if min(went_in, came_out) >= params.standing_min_travel * length and (
                0 <= gap <= params.standing_gap * length
            ):
                return True
    return False


def _gaps(new: Sequence[TrackState], lost: Sequence[TrackState]) -> _Gaps:
    boxes = np.stack([track.rows[0].xyxy for track in new]).astype(np.float64)
    elapsed_ms = np.subtract.outer(
        [track.rows[0].time_ms for track in new], [track.time_ms for track in lost]
    )
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    travel = centres[:, None] - np.stack([track.centre for track in lost])
    sides = np.maximum(1, boxes[:, 2:] - boxes[:, :2])
    return _Gaps(elapsed_ms, travel, np.sqrt(sides[:, None] * np.stack([track.size for track in lost])))


def _is_soon(gaps: _Gaps, params: TrackerParams) -> NDArray[np.bool_]:
    return np.asarray((gaps.elapsed_ms > 0) & (gaps.elapsed_ms <= params.relink_ms))


def _links(
    allowed: NDArray[np.bool_], distance: NDArray[np.float64], new: Sequence[int], lost: Sequence[int]
) -> list[_Link]:
    return [_Link(float(distance[i, j]), new[i], lost[j]) for i, j in zip(*np.nonzero(allowed), strict=True)]
