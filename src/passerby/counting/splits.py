"""Pedestrians who walk together as one box and then part: the new track shares the older one's path before that.

Invariant: a shared path is believed only after both were surely seen apart; nobody inherits a neighbour's path.
"""

from collections.abc import Sequence

import numpy as np

from passerby.counting.box_ops import area, shared
from passerby.counting.parameters import TrackerParams
from passerby.counting.track_state import Row, TrackState
from passerby.domain.labels import Label


def parent_of(row: Row, kind: int, alive: Sequence[TrackState], params: TrackerParams) -> TrackState | None:
    """The pedestrian's track out of whose older box a new box steps; None where there is none.

    Only people walk so close, and only tracks of detections are believed. A box near the expected place of a track
    lost a moment ago belongs to that one, who came by a path of their own.
    """
    if kind != Label.PERSON:
        return None
    centre = row.centre
    for lost in alive:
        if lost.kind == kind and lost.time_ms < row.time_ms and not lost.is_new:
            distance = np.abs(lost.expected(row.time_ms) - centre) / lost.size
            if distance.max() < params.relink_gate:
                return None
    for track in alive:
        if track.kind == kind and track.time_ms == row.time_ms and len(track.rows) > 1:
            before = np.stack([older.xyxy for older in track.rows[-2:]])
            if float(shared(row.xyxy, before).max()) >= params.split_share * float(area(row.xyxy[None])[0]):
                return track
    return None


def path_before(track: TrackState, bodies: Sequence[TrackState], params: TrackerParams) -> list[Row]:
    """The parent's boxes before `track` began, while both were one box; none where that is not believed."""
    parent = track.parent
    if parent is None or _continues_neighbour(track, parent, bodies, params):
        return []
    own = {row.time_ms: row.xyxy for row in track.rows if row.confidence >= params.sure_confidence}
    common = [row for row in parent.rows if row.time_ms in own and row.confidence >= params.sure_confidence]
    if len(common) < params.parted_min_ticks:
        return []
    first, second = np.stack([own[row.time_ms] for row in common]), np.stack([row.xyxy for row in common])
    both = shared(first, second)
    iou = both / (area(first) + area(second) - both)
    if np.count_nonzero(iou < params.parted_iou) < params.parted_min_ticks:
        return []
    begin_ms = track.rows[0].time_ms
    return [row for row in parent.rows if begin_ms - params.shared_path_ms <= row.time_ms < begin_ms]


def _continues_neighbour(
    track: TrackState, parent: TrackState, bodies: Sequence[TrackState], params: TrackerParams
) -> bool:
    """Whether `track` continues a third track that ends as it begins, and so leaves nobody's box."""
    first = track.rows[0]
    centre = first.centre
    return any(
        body.kind == track.kind
        and body not in (track, parent)
        and body.rows[0].time_ms < first.time_ms
        and 0 <= body.time_ms - first.time_ms <= params.handover_ms
        and bool((np.abs(body.centre - centre) < params.relink_gate * body.size).all())
        for body in bodies
    )
