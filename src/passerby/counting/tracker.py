"""Tie the boxes of successive ticks together into tracks, within one chunk.

Invariant: every chunk has a fresh tracker, and its ids mean nothing outside it; a box has a place, a size, a class
and a confidence, and nothing about the look of a body is known.

Two-stage association after ByteTrack (Zhang et al., ECCV 2022): boxes of high confidence first, then those of low
confidence, so that a body that fades behind a lamp post keeps its track; last, boxes of motion without a class.
Constant velocity in between, as in SORT (Bewley et al., 2016).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import lap
import numpy as np
from numpy.typing import NDArray

from passerby.counting.detections import Detections, Tracks
from passerby.counting.occlusion import Matching, divide, shared_boxes
from passerby.counting.parameters import TrackerParams
from passerby.counting.relinking import relink
from passerby.counting.splits import parent_of, path_before
from passerby.counting.track_state import ANY_KIND, Row, TrackState, kind_of


@dataclass(frozen=True, slots=True, eq=False)
class _Boxes:
    """The boxes of one tick: `centre` and `size` (n, 2) px, and the kind of each as in `KIND`."""

    time_ms: int
    rows: Sequence[Row]
    centre: NDArray[np.float64]
    size: NDArray[np.float64]
    kinds: Sequence[int]


def track(ticks: Iterable[Detections], params: TrackerParams = TrackerParams()) -> Tracks:
    """Tracks of `ticks`, which must come in order of time.

    Each box that belongs to a track has one row, or two where two pedestrians shared it.
    """
    alive: list[TrackState] = []
    every: list[TrackState] = []
    for tick in ticks:
        alive = [state for state in alive if tick.time_ms - state.time_ms <= params.lost_ms]
        for state in alive:
            state.missed += 1
        if len(tick):
            begun = _associate(alive, tick, params)
            alive += begun
            every += begun
    bodies = [
        state for state in every if len(state.rows) >= params.min_box_share * (len(state.rows) + state.gaps)
    ]
    numbers = relink(bodies, params)
    return _tracks(
        [
            (row, number)
            for index, (number, body) in enumerate(zip(numbers, bodies, strict=True))
            for row in (*(path_before(body, bodies, params) if number == index else ()), *body.rows)
        ]
    )


def _tracks(rows: Sequence[tuple[Row, int]]) -> Tracks:
    return Tracks(
        np.array([row.time_ms for row, _ in rows], np.int64),
        np.array([row.xyxy for row, _ in rows], np.float32).reshape(-1, 4),
        np.array([row.confidence for row, _ in rows], np.float32),
        np.array([row.class_id for row, _ in rows], np.int64),
        np.array([number for _, number in rows], np.int64),
    )


def _associate(alive: Sequence[TrackState], tick: Detections, params: TrackerParams) -> list[TrackState]:
    """Continue the tracks in `alive` with the boxes of `tick`, and return the tracks that begin there."""
    boxes = _boxes(tick)
    sure, moving = tick.confidence >= params.sure_confidence, tick.confidence == 0
    free_tracks = list(range(len(alive)))
    unmatched = []
    for stage in (np.flatnonzero(sure), np.flatnonzero(~sure & ~moving)):
        matching = _match(alive, free_tracks, boxes, stage.tolist(), params)
        _extend(alive, boxes, matching.pairs, params)
        free_tracks = matching.tracks
        unmatched += [box for box in matching.boxes if sure[box]]
    if moving.any():
        unmatched += _associate_motion(alive, free_tracks, boxes, np.flatnonzero(moving).tolist(), params)
    return [
        TrackState(
            [boxes.rows[box]],
            boxes.centre[box],
            boxes.size[box],
            boxes.kinds[box],
            parent_of(boxes.rows[box], boxes.kinds[box], alive, params),
        )
        for box in unmatched
    ]


def _associate_motion(
    alive: Sequence[TrackState],
    free_tracks: Sequence[int],
    boxes: _Boxes,
    moving: list[int],
    params: TrackerParams,
) -> list[int]:
    """Continue tracks with boxes without a class; several may share one. Returns the boxes that are left."""
    recent = [
        number for number in free_tracks if boxes.time_ms - alive[number].time_ms <= params.lost_moving_ms
    ]
    matching = _match(alive, recent, boxes, moving, params)
    occluded = shared_boxes(alive, matching, boxes.rows, params)
    for box, numbers in occluded.items():
        parts = divide(boxes.rows[box], [alive[number] for number in numbers], params)
        for number, part in zip(numbers, parts, strict=True):
            alive[number].extend_occluded(part)
    _extend(alive, boxes, [pair for pair in matching.pairs if pair[1] not in occluded], params)
    return [box for box in matching.boxes if box not in occluded]


def _extend(
    alive: Sequence[TrackState], boxes: _Boxes, pairs: Iterable[tuple[int, int]], params: TrackerParams
) -> None:
    for number, box in pairs:
        alive[number].extend(boxes.rows[box], boxes.centre[box], boxes.size[box], boxes.kinds[box], params)


def _boxes(tick: Detections) -> _Boxes:
    confidences, classes = tick.confidence.tolist(), tick.class_id.tolist()
    return _Boxes(
        tick.time_ms,
        [Row(tick.time_ms, *row) for row in zip(tick.xyxy, confidences, classes, strict=True)],
        np.asarray((tick.xyxy[:, :2] + tick.xyxy[:, 2:]) / 2, np.float64),
        np.maximum(1, np.asarray(tick.xyxy[:, 2:] - tick.xyxy[:, :2], np.float64)),
        [kind_of(*pair) for pair in zip(classes, confidences, strict=True)],
    )


def _match(
    alive: Sequence[TrackState],
    tracks: list[int],
    boxes: _Boxes,
    candidates: list[int],
    params: TrackerParams,
) -> Matching:
    """Pairs of least total cost of `tracks` and the boxes `candidates`, each by index; no pair costs more than 1."""
    if not tracks or not candidates:
        return Matching([], tracks, candidates)
    expected = np.array([alive[number].expected(boxes.time_ms) for number in tracks])
    sizes = np.array([alive[number].size for number in tracks])
    is_new = np.array([alive[number].is_new for number in tracks])
    track_kind = np.array([alive[number].kind for number in tracks])
    box_kind = np.array([boxes.kinds[box] for box in candidates])
    mean_size = np.sqrt(sizes[:, None, :] * boxes.size[None, candidates, :])
    offset = np.abs(expected[:, None, :] - boxes.centre[None, candidates, :]) / mean_size
    # A tall box seldom moves by its height, a wide one seldom by its width: each side in its own measure.
    cost = np.hypot(offset[..., 0], offset[..., 1])
    cost = cost / np.where(is_new, params.new_gate, params.gate)[:, None]
    growth = np.abs(np.log(boxes.size[None, candidates, :] / sizes[:, None, :])).sum(axis=2)
    cost += params.growth_cost * growth
    known = (track_kind[:, None] != ANY_KIND) & (box_kind != ANY_KIND)
    cost += params.kind_cost * (known & (track_kind[:, None] != box_kind))
    _, box_of, track_of = lap.lapjv(cost, extend_cost=True, cost_limit=1.0)
    return Matching(
        [(tracks[i], candidates[j]) for i, j in enumerate(box_of) if j >= 0],
        [tracks[i] for i, j in enumerate(box_of) if j < 0],
        [candidates[j] for j, i in enumerate(track_of) if i < 0],
    )
