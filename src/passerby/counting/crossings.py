"""From tracks to crossings, where ids die.

Invariant: what comes out says when, where, which way and what kind, and nothing ties two of them together.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from passerby.counting.box_ops import area, shared
from passerby.counting.counts import Crossing, Moved
from passerby.counting.detections import Tracks
from passerby.counting.line_test import Passage, passages
from passerby.domain.geometry import Line
from passerby.domain.labels import CYCLES, MOTOR_VEHICLES, Label
from passerby.domain.timespan import Span

LEAST_BOXES = 3
"""A track of fewer boxes is taken for a flicker of the detector."""

LEAST_MOVED = 5
"""The same where no detector named it."""
SLENDER = 5
"""Longer side by shorter above which what moved is an edge and no body."""
LEAST_WENT = 1.0
"""How far what only moved must have gone, in its own widths and heights."""
LEAST_STRAIGHT = 0.3
"""Share of its steps that led it there: leaves and ghosts tremble about one place."""

FAINT = 0.25
"""Share of another's confidence, summed over the path, below which a track beside it is its echo."""
SAME_MS = 700
"""Two crossings of boxes that overlap, one way, within this time are one body seen twice."""

NEAR_MS = 1_000
"""So long before and after it the boxes of two crossings are compared: longer ago, or later, the path of one may have
been somebody else's."""
DRIFT = 0.25
"""So far, in the size of the smaller one, parts of one body do not go from one another."""

VOTING_MS = 1_500
"""Boxes so long before and after a crossing have a vote: a path may have been somebody else's before."""
PACE_MS = 400
"""So long before and after a crossing the pace of what crossed is measured."""
RIDING = 2.2
"""How far who looks like a walker goes in a second, in the longer side of their box, to be a rider: 3.7 m/s for who is
1.7 m tall, which is faster than who jogs."""
EDGE = 0.01
"""A box that ends so near the upper or lower edge of the frame, in frame heights, is cut by it."""
LEAST_VOTE = 0.1
"""Mean confidence over all boxes of a track from which its votes count."""
CLOSE_VOTE = 0.55
"""Share of the named kinds of motor vehicle below which the kind is not said."""
LEAST_NAMED = 1 / 3
"""Share of a motor vehicle's votes that must name a kind: a glimpse of one names nothing."""
RIDER_SHARE = 0.12
"""Share of a track's votes for walker or cycle from which it is a cycle."""

MOTORED = 2 / 3
"""Share of a rider's votes from which the cycle has a motor: a small detector names many a bicycle a motorcycle."""

_CYCLES = [int(Label.BICYCLE), int(Label.MOTORCYCLE)]
_NAMED = [int(Label.CAR), int(Label.BUS), int(Label.TRUCK)]
_MOTORS = [*_NAMED, int(Label.VEHICLE)]


class _Path(NamedTuple):
    time_ms: NDArray[np.int64]
    xyxy: NDArray[np.float32]
    confidence: NDArray[np.float32]
    class_id: NDArray[np.int64]

    @property
    def seen(self) -> float:
        return float(self.confidence.sum())


class _Event(NamedTuple):
    passage: Passage
    path: _Path


def tally(tracks: Tracks, lines: Sequence[Line], width: int, height: int, span: Span) -> list[Crossing]:
    """Crossings of `lines` within `span`, in order of time, each body once and with the kind its boxes voted for."""
    paths = [path for path in _paths(tracks) if _is_body(path)]
    crossings: list[Crossing] = []
    for line in lines:
        events = [
            _Event(passage, path)
            for path in paths
            for passage in passages(line, path.time_ms, path.xyxy, width, height)
        ]
        for event, votes in _once(events):
            if event.passage.time_ms in span:
                label, share = elect(votes)
                p, near = event.passage, _at_crossing(event)
                went = _went(near, p.time_ms)
                if label == Label.PERSON and went is not None and rides(went) and _is_whole(near, height):
                    label = Label.BICYCLE
                moved = went if near.seen == 0 else None
                crossings.append(Crossing(p.time_ms, line.name, p.direction, label, p.along, share, moved))
    return sorted(crossings, key=lambda c: (c.time_ms, c.line, c.along))


def _paths(tracks: Tracks) -> list[_Path]:
    order = np.lexsort((tracks.time_ms, tracks.tracker_id))
    ids = tracks.tracker_id[order]
    cuts = np.flatnonzero(np.diff(ids)) + 1
    return [
        _Path(tracks.time_ms[rows], tracks.xyxy[rows], tracks.confidence[rows], tracks.class_id[rows])
        for rows in np.split(order, cuts)
        if len(rows) >= LEAST_BOXES
    ]


def _is_body(path: _Path) -> bool:
    """What only moved is a body when it went somewhere: flicker, leaves and ghosts stay where they are."""
    if path.seen > 0:
        return True
    size = np.median(path.xyxy[:, 2:] - path.xyxy[:, :2], axis=0)
    if len(path.time_ms) < LEAST_MOVED or size.max() > SLENDER * size.min():
        return False
    # Each way in its own measure: a person walks past in widths, not in heights.
    centre = (path.xyxy[:, :2] + path.xyxy[:, 2:]) / 2 / size
    went = float(np.hypot(*(centre - centre[0]).T).max())
    steps = float(np.hypot(*np.diff(centre, axis=0).T).sum())
    return went >= LEAST_WENT and went >= LEAST_STRAIGHT * steps


def _once(events: list[_Event]) -> list[tuple[_Event, NDArray[np.float64]]]:
    """One event for each body, the best seen one, with the votes of all that saw it."""
    kept: list[tuple[_Event, NDArray[np.float64]]] = []
    for event in sorted(events, key=lambda e: (-_at_crossing(e).seen, e.passage.time_ms)):
        for other, votes in kept:
            if _same(event, other):
                votes += _votes(_at_crossing(event))
                break
        else:
            kept.append((event, _votes(_at_crossing(event))))
    return kept


def _at_crossing(event: _Event) -> _Path:
    """What votes; the whole path where nothing was seen so near."""
    path = event.path
    near = np.abs(path.time_ms - event.passage.time_ms) <= VOTING_MS
    if not near.any():
        return path
    return _Path(path.time_ms[near], path.xyxy[near], path.confidence[near], path.class_id[near])


def _same(a: _Event, b: _Event) -> bool:
    if a.passage.direction != b.passage.direction:
        return False
    if abs(a.passage.time_ms - b.passage.time_ms) > SAME_MS:
        return False
    # Boxes of one instant are compared: a queue crosses the same place one after the other.
    shared_ms = np.intersect1d(a.path.time_ms, b.path.time_ms)
    if len(shared_ms):
        first = a.path.xyxy[np.isin(a.path.time_ms, shared_ms)]
        second = b.path.xyxy[np.isin(b.path.time_ms, shared_ms)]
        # What both inherited from the time when they were one box tells nothing.
        apart = (first != second).any(axis=1)
        if not apart.any():
            return True
        first, second = first[apart], second[apart]
        elapsed_ms = np.abs(shared_ms[apart] - a.passage.time_ms)
        at_line = elapsed_ms <= SAME_MS
        if _drift(first[at_line], second[at_line]) > DRIFT:
            return False
        near = elapsed_ms <= NEAR_MS
        if near.any():
            first, second = first[near], second[near]
        common = shared(first, second)
        inside = float(np.median(common / np.minimum(area(first), area(second))))
        union = float(np.median(common / (area(first) + area(second) - common)))
        moved = a.path.seen == 0 or b.path.seen == 0
        kinds = _kind(a.path), _kind(b.path)
        other_kind = kinds[0] != kinds[1]
        faint = min(a.path.seen, b.path.seen) < FAINT * max(a.path.seen, b.path.seen)
        if other_kind and Label.VEHICLE in kinds and not moved and not faint:
            # Who rides or walks before a car lies within its box for a while; who was seen in it lies there always.
            return union > 0.5 or inside > 0.75
        if moved or other_kind or kinds[0] in CYCLES or faint:
            return inside > 0.5
        # A box within another of its kind is a part of it, a head or a hand; two walkers hide each other less.
        return union > 0.6 or inside > 0.9
    return False


def _drift(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """How far two paths (n, 4) go from one another steadily, from third to third of their time, in the sizes of the
    smaller one."""
    third = len(first) // 3
    if third < 2:
        return 0.0
    between = (second[:, :2] + second[:, 2:] - first[:, :2] - first[:, 2:]) / 2
    at = [np.median(part, axis=0) for part in (between[:third], between[third:-third], between[-third:])]
    size = np.minimum(*(np.median(path[:, 2:] - path[:, :2], axis=0) for path in (first, second)))
    steps = np.array([at[1] - at[0], at[2] - at[1]]) / np.maximum(1, size)
    steady = np.where(steps[0] * steps[1] > 0, np.abs(steps).min(axis=0), 0)
    return float(steady.max())


def rides(went: Moved) -> bool:
    """Whether who looks like a walker is faster than one."""
    return 1000 * went.pace >= RIDING * max(went.length, went.height)


def _is_whole(path: _Path, height: int) -> bool:
    """Whether most of its boxes end within the frame, so that they say how tall it is."""
    low, high = EDGE * height, (1 - EDGE) * height
    return bool(np.mean((path.xyxy[:, 1] > low) & (path.xyxy[:, 3] < high)) > 0.5)


def _went(near: _Path, time_ms: int) -> Moved | None:
    """How large it was, where it was at `time_ms` and how fast; None where it was seen too shortly."""
    # Who comes into the corridor or leaves it is cut, so most boxes are smaller.
    length, height = np.percentile(near.xyxy[:, 2:] - near.xyxy[:, :2], 80, axis=0)
    elapsed_ms = near.time_ms - time_ms
    close = np.abs(elapsed_ms) <= PACE_MS
    if np.count_nonzero(close) < 2:
        return None
    centre = (near.xyxy[close, :2] + near.xyxy[close, 2:]) / 2
    (dx, dy), (x, y) = np.polyfit(elapsed_ms[close], centre, 1)
    return Moved(*(float(one) for one in (length, height, x, y, dx, dy)))


def _kind(path: _Path) -> int:
    label = int(elect(_votes(path))[0])
    return int(Label.VEHICLE) if label in MOTOR_VEHICLES else label


def _votes(path: _Path) -> NDArray[np.float64]:
    """(7,) sums of confidence; where hardly any detector named it, its shape has the only vote."""
    votes = np.bincount(path.class_id, path.confidence, minlength=len(Label)).astype(np.float64)
    if votes.sum() < LEAST_VOTE * len(path.class_id):
        votes[:] = 0
        votes[_shape(path)] = 1e-3
    return votes


def _shape(path: _Path) -> Label:
    """What most of its boxes that only moved look like; a motor vehicle is taken for a car, as most of them are."""
    label = Label(int(np.bincount(path.class_id[path.confidence == 0], minlength=len(Label)).argmax()))
    return Label.CAR if label == Label.VEHICLE else label


def elect(votes: NDArray[np.float64]) -> tuple[Label, float]:
    """The label that `votes` (7,) give, and the share of them that it won.

    A close vote between kinds of motor vehicle is `VEHICLE`. Votes for `VEHICLE` say nothing of the kind: where
    there are hardly any others it is taken for a car, as most motor vehicles are. A rider whose motor was not seen
    clearly rides a bicycle, as most who look like walkers do.
    """
    total = float(votes.sum())
    walking, cycling, driving = (
        float(votes[Label.PERSON]),
        float(votes[_CYCLES].sum()),
        float(votes[_MOTORS].sum()),
    )
    # A rider is often taken for a walker, hardly ever a walker for a rider.
    if cycling >= RIDER_SHARE * (cycling + walking) > 0 and cycling + walking > driving:
        motor = float(votes[Label.MOTORCYCLE]) >= MOTORED * (cycling + walking)
        return (Label.MOTORCYCLE if motor else Label.BICYCLE), (cycling + walking) / total
    if driving < walking:
        return Label.PERSON, walking / total
    named = float(votes[_NAMED].sum())
    if named <= LEAST_NAMED * driving:
        return Label.CAR, driving / total
    best = max(_NAMED, key=lambda label: votes[label])
    share = float(votes[best]) / named
    return (Label(best) if share >= CLOSE_VOTE else Label.VEHICLE), share * driving / total
