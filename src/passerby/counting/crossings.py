"""From tracks to crossings: each body that crosses a line counts once, with the class that the evidence gives.

Invariant: a crossing has a time, a place, a direction and a class; nothing connects two crossings with each other.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from passerby.counting.counts import Crossing, Kinematics
from passerby.counting.detections import Tracks
from passerby.counting.duplicates import Event, are_one_body
from passerby.counting.kinds import Votes, decide, evidence_of, votes_of
from passerby.counting.line_test import passages
from passerby.counting.parameters import CrossingParams
from passerby.counting.paths import Path, body_paths
from passerby.domain.geometry import Line
from passerby.domain.timespan import Span


def find_crossings(
    tracks: Tracks,
    lines: Iterable[Line],
    size_px: tuple[int, int],
    span: Span,
    params: CrossingParams = CrossingParams(),
) -> list[Crossing]:
    """Crossings of `lines` within `span`, in order of time; `size_px` is (width, height) of the frame."""
    paths = list(body_paths(tracks, params))
    crossings: list[Crossing] = []
    for line in lines:
        events = [
            Event(passage, path)
            for path in paths
            for passage in passages(line, path.time_ms, path.xyxy, size_px, params)
        ]
        crossings += [
            _crossing(line, event, votes, size_px[1], params)
            for event, votes in _without_duplicates(events, params)
            if event.passage.time_ms in span
        ]
    return sorted(crossings, key=lambda c: (c.time_ms, c.line, c.along))


def _without_duplicates(events: Sequence[Event], params: CrossingParams) -> list[tuple[Event, Votes]]:
    """One event for each body, the one of the highest confidence, with the votes of all its events."""
    near = [event.path.near(event.passage.time_ms, params.vote_ms) for event in events]
    best_first = sorted(
        zip(events, near, strict=True),
        key=lambda pair: (-pair[1].total_confidence, pair[0].passage.time_ms),
    )
    kept: list[tuple[Event, Votes]] = []
    for event, path in best_first:
        for known, votes in kept:
            if are_one_body(event, known, params):
                votes += votes_of(path)
                break
        else:
            kept.append((event, votes_of(path)))
    return kept


def _crossing(line: Line, event: Event, votes: Votes, height: int, params: CrossingParams) -> Crossing:
    passage = event.passage
    near = event.path.near(passage.time_ms, params.vote_ms)
    kinematics = kinematics_of(near, passage.time_ms, params)
    evidence = evidence_of(votes, kinematics if is_whole(near, height, params) else None, params.kinds)
    evidence = replace(evidence, height_px=float(_size(near)[1]))
    label, share = decide(evidence, params=params.kinds)
    return Crossing(
        passage.time_ms,
        line.name,
        passage.direction,
        label,
        passage.along,
        share,
        kinematics if near.total_confidence == 0 else None,
        evidence,
    )


def is_whole(path: Path, height: int, params: CrossingParams) -> bool:
    """Whether most boxes end within the frame of so many px `height`, so that the body's height is known."""
    low, high = params.cut_edge * height, (1 - params.cut_edge) * height
    return bool(np.mean((path.xyxy[:, 1] > low) & (path.xyxy[:, 3] < high)) > 0.5)


def kinematics_of(near: Path, time_ms: int, params: CrossingParams) -> Kinematics | None:
    """Size, place and velocity at `time_ms`; None where there are too few boxes about that time."""
    length, height = _size(near)
    elapsed_ms = near.time_ms - time_ms
    close = np.abs(elapsed_ms) <= params.pace_ms
    if np.count_nonzero(close) < 2:
        return None
    centre = (near.xyxy[close, :2] + near.xyxy[close, 2:]) / 2
    (dx, dy), (x, y) = np.polyfit(elapsed_ms[close], centre, 1)
    return Kinematics(*(float(value) for value in (length, height, x, y, dx, dy)))


def _size(near: Path) -> NDArray[np.float64]:
    """Length and height (2,) px. A body that enters or leaves the corridor is cut, so most boxes are too small."""
    return np.asarray(np.percentile(near.xyxy[:, 2:] - near.xyxy[:, :2], 80, axis=0), np.float64)
