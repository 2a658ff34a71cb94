"""Bodies that pass one another and are one moving box for a while: each keeps its track through that box.

Invariant: a track is continued within a box only if at least two tracks share it; nothing is continued out of sight.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from passerby.counting.box_ops import area, shared
from passerby.counting.parameters import TrackerParams
from passerby.counting.track_state import Row, TrackState


class Matching(NamedTuple):
    """Pairs (track, box) by their indices, and the indices of tracks and boxes that are in no pair."""

    pairs: list[tuple[int, int]]
    tracks: list[int]
    boxes: list[int]


def shared_boxes(
    alive: Sequence[TrackState], matching: Matching, rows: Sequence[Row], params: TrackerParams
) -> dict[int, list[int]]:
    """Boxes that hide several tracks, each with the indices of those tracks."""
    matched = {box: number for number, box in matching.pairs}
    occluded: dict[int, list[int]] = {}
    for number in matching.tracks:
        track = alive[number]
        if not track.has_travelled(params):
            continue
        expected = track.expected_box(rows[0].time_ms)
        size = float(area(expected[None])[0])
        inside = {box: float(shared(expected, rows[box].xyxy)) / size for box in (*matched, *matching.boxes)}
        best = max(inside, key=lambda box: inside[box], default=None)
        if best is not None and inside[best] >= params.occlusion_share:
            occluded.setdefault(best, []).append(number)
    sharing = {}
    for box, numbers in occluded.items():
        together: list[int] = [matched[box]] if box in matched else []
        for number in sorted(numbers, key=lambda number: -len(alive[number].rows)):
            if all(_are_separate(alive[number], alive[known], params) for known in together):
                together.append(number)
        if len(together) > 1:
            sharing[box] = together
    return sharing


def divide(box: Row, tracks: Sequence[TrackState], params: TrackerParams) -> list[Row]:
    """The part of a box that hides `tracks` for each of them: its expected place, with the outermost sides moved
    towards the sides of the box."""
    places = np.stack([track.expected_box(box.time_ms) for track in tracks])
    for low, high in ((0, 2), (1, 3)):
        first, last = int(places[:, low].argmin()), int(places[:, high].argmax())
        length = places[:, high] - places[:, low]
        shifts = {first: float(box.xyxy[low] - places[first, low])}
        far_shift = float(box.xyxy[high] - places[last, high])
        shifts[last] = (shifts[last] + far_shift) / 2 if last in shifts else far_shift
        for index, shift in shifts.items():
            limit = params.edge_adjustment * length[index]
            places[index, [low, high]] += float(np.clip(shift, -limit, limit))
    return [
        Row(box.time_ms, place, 0.0, track.rows[-1].class_id)
        for place, track in zip(places, tracks, strict=True)
    ]


def _are_separate(first: TrackState, second: TrackState, params: TrackerParams) -> bool:
    """Whether two tracks in one box are two bodies and not parts of one: they diverge, or walk side by side."""
    window_ms = params.pace_window_ms
    divergence = (
        np.abs(first.pace(window_ms) - second.pace(window_ms)) * 1000 / np.minimum(first.size, second.size)
    )
    if divergence.max() >= params.divergence_per_s:
        return True
    upright = min(float(track.size[1] / track.size[0]) for track in (first, second)) >= params.upright_ratio
    beside = abs(float(first.centre[0] - second.centre[0])) >= 0.5 * min(first.size[0], second.size[0])
    return upright and beside
