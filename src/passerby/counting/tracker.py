"""Tie the boxes of successive instants together, within one chunk.

Invariant: a fresh tracker for every chunk; its ids mean nothing outside it; it knows where boxes are, how large
and how sure, and nothing of what they look like.

Two-stage association after ByteTrack (Zhang et al., ECCV 2022): sure boxes first, then unsure ones, so that
a box that fades behind a lamp post still continues its track; last what moved without a name. Constant
velocity in between, as in SORT (2016), and so through a patch of motion in which several pass one another.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

import lap
import numpy as np
from numpy.typing import NDArray

from passerby.counting.box_ops import area, shared
from passerby.counting.detections import KIND, Detections, Tracks
from passerby.domain.labels import Label

SURE = 0.4
"""Confidence from which a seen box may begin a track, and is matched first."""

LOST_MS = 1_000
"""A track that nothing has continued for this long is over."""
LOST_MOVED_MS = 500
"""The same for a box that only moved: it has no name to be known by again."""

HIDDEN = 0.8
"""Share of where a track is expected that a patch of motion must cover to be what hides it."""
HIDDEN_MS = 1_500
"""For how long a track is believed to go on hidden."""
LEAST_KNOWN = 4
"""Boxes of a track, from which on it may be hidden."""
KNOWN_WENT = 1.0
"""How far it must have come by then, in its own size: leaves and ghosts do not."""
PACE_MS = 500
"""Over how long the way of a track is measured that tells it from another: one box drawn too large does not turn it."""
PARTED = 0.5
"""How far apart two tracks must go in a second, in the size of the smaller one, to be two bodies by that alone."""
UPRIGHT = 1.5
"""Height by width from which a box is a walker's."""
NUDGE = 0.25
"""How far the side of a patch may move who is hidden in it, in their own size."""

_ANY = -1

LEAST_SEEN = 0.34
"""Share of its ticks in which a track must have had a box: glimpses of two things are not the path of one."""

WITHIN = 0.6
"""Share of a new box within an older one from which both were one box a moment ago."""
ASTRAY = 1.5
"""How far from where a lost walker is expected, in their own size, a new box may be theirs."""
FOUND_MS = 1_500
"""For how long who is lost may be found again, once all tracks are known."""
LEAST_PACED = 3
"""Boxes of a track from which its pace tells where it comes out again from behind another."""
ALIKE = 0.35
"""Share of the faster pace that the slower one is at least, where a body is lost and where it is found: who comes into
the corridor is cut, and seems slower."""
AHEAD = 0.9
"""Cosine of the angle by which a body may turn while it is hidden."""
GROWN = 1.6
"""By what factor a side may differ then from what it is on the average of both."""
OUT = 1.0
"""How far from where its pace leads it may come out, in its own size."""
BOTH_MS = 500
"""For how long one walker may be two tracks, an old one that ends and a new one."""
APART = 0.5
"""Intersection over union below which the two have parted: before, they may be one body seen twice."""
LEAST_APART = 2
"""Instants at which both were surely seen apart, from which a new track is a body of its own."""
TOGETHER_MS = 4_000
"""For how long before that they are believed to have gone together."""

_GATE = 0.75
"""How far a box may lie from where it was expected, in box sizes."""
_GATE_NEW = 1.4
"""The same for a track whose velocity is not known yet."""
_SMOOTHING = 0.5
"""Share of the newest measured velocity in a track's velocity."""
_GROWTH_COST = 0.5
"""What doubling or halving a side costs, in units of its logarithm: bodies keep their size from tick to tick."""
_KIND_COST = 0.25
"""What a change between person, bicycle and motor vehicle costs, in box sizes."""


_Found = tuple[float, int, int]
"""How far a new one is from where a lost one is expected, in their size; the numbers of both."""


class _Row(NamedTuple):
    time_ms: int
    xyxy: NDArray[np.float32]
    confidence: float
    class_id: int


@dataclass(slots=True, eq=False)
class _Track:
    rows: list[_Row]
    centre: NDArray[np.float64]
    size: NDArray[np.float64]
    kind: int
    parent: "_Track | None" = None
    velocity: NDArray[np.float64] = field(default_factory=lambda: np.zeros(2))
    missed: int = 0
    gaps: int = 0
    hidden_ms: int = 0

    @property
    def time_ms(self) -> int:
        return self.rows[-1].time_ms

    @property
    def is_new(self) -> bool:
        """Of one box, so that its velocity is not known yet."""
        return len(self.rows) == 1

    def expected(self, time_ms: int) -> NDArray[np.float64]:
        return self.centre + self.velocity * (time_ms - self.time_ms)

    def expected_box(self, time_ms: int) -> NDArray[np.float32]:
        """(4,) px."""
        middle = self.expected(time_ms)
        return np.concatenate([middle - self.size / 2, middle + self.size / 2]).astype(np.float32)

    def pace(self, *, first: bool = False) -> NDArray[np.float64]:
        """(2,) px per ms over its last PACE_MS, or over its first."""
        rows = self.rows if first else self.rows[::-1]
        one = rows[0]
        other = next(row for row in reversed(rows) if abs(row.time_ms - one.time_ms) <= PACE_MS)
        if other is one:
            return np.zeros(2)
        ends = [(row.xyxy[:2] + row.xyxy[2:]).astype(np.float64) / 2 for row in (one, other)]
        return np.asarray((ends[1] - ends[0]) / (other.time_ms - one.time_ms))

    @property
    def is_body(self) -> bool:
        """Whether it has been seen to go its way, so that it may be believed to do so while hidden."""
        if len(self.rows) < LEAST_KNOWN or self.hidden_ms > HIDDEN_MS:
            return False
        went = np.abs(self.centre - (self.rows[0].xyxy[:2] + self.rows[0].xyxy[2:]) / 2) / self.size
        return bool(went.max() >= KNOWN_WENT)


def track(ticks: Iterable[Detections]) -> Tracks:
    """Tracks of `ticks`, which must come in order of time. Every box that was tied to a track has a row."""
    alive: list[_Track] = []
    every: list[_Track] = []
    for tick in ticks:
        alive = [t for t in alive if tick.time_ms - t.time_ms <= LOST_MS]
        for one in alive:
            one.missed += 1
        if not len(tick):
            continue
        centre = np.asarray((tick.xyxy[:, :2] + tick.xyxy[:, 2:]) / 2, np.float64)
        size = np.maximum(1, np.asarray(tick.xyxy[:, 2:] - tick.xyxy[:, :2], np.float64))
        kinds = [_kind(k, c) for k, c in zip(tick.class_id.tolist(), tick.confidence.tolist(), strict=True)]
        boxes = [
            _Row(tick.time_ms, *row)
            for row in zip(tick.xyxy, tick.confidence.tolist(), tick.class_id.tolist(), strict=True)
        ]
        sure, moved = tick.confidence >= SURE, tick.confidence == 0
        free_tracks = list(range(len(alive)))
        free_boxes = []
        for stage in (np.flatnonzero(sure), np.flatnonzero(~sure & ~moved), np.flatnonzero(moved)):
            if len(stage) and moved[stage[0]]:
                free_tracks = [t for t in free_tracks if tick.time_ms - alive[t].time_ms <= LOST_MOVED_MS]
            pairs, free_tracks, left = _match(
                alive, free_tracks, stage.tolist(), centre, size, kinds, tick.time_ms
            )
            met = _meetings(alive, pairs, free_tracks, left, boxes) if len(stage) and moved[stage[0]] else {}
            for b, among in met.items():
                for t, box in zip(among, _shares(boxes[b], [alive[t] for t in among]), strict=True):
                    _hide(alive[t], box)
                left = [other for other in left if other != b]
            for t, b in pairs:
                if b not in met:
                    _continue(alive[t], boxes[b], centre[b], size[b], kinds[b])
            free_boxes += [b for b in left if sure[b] or moved[b]]
        born = [
            _Track([boxes[b]], centre[b], size[b], kinds[b], _parent(boxes[b], kinds[b], alive))
            for b in free_boxes
        ]
        alive += born
        every += born
    bodies = [one for one in every if len(one.rows) >= LEAST_SEEN * (len(one.rows) + one.gaps)]
    numbers = _found_again(bodies)
    rows = [
        (row, number)
        for own, (number, one) in enumerate(zip(numbers, bodies, strict=True))
        for row in (*(_origin(one) if number == own and not _goes_on(one, bodies) else ()), *one.rows)
    ]
    return Tracks(
        np.array([row.time_ms for row, _ in rows], np.int64),
        np.array([row.xyxy for row, _ in rows], np.float32).reshape(-1, 4),
        np.array([row.confidence for row, _ in rows], np.float32),
        np.array([row.class_id for row, _ in rows], np.int64),
        np.array([number for _, number in rows], np.int64),
    )


def _parent(box: _Row, kind: int, alive: list[_Track]) -> _Track | None:
    """The walker whom a new one steps out from behind. Only people go so close, and only seen ones are believed; a
    box where one was lost a moment ago is theirs, who came their own way."""
    if kind != Label.PERSON:
        return None
    centre = (box.xyxy[:2] + box.xyxy[2:]) / 2
    for lost in alive:
        if lost.kind == kind and lost.time_ms < box.time_ms and not lost.is_new:
            astray = np.abs(lost.expected(box.time_ms) - centre) / lost.size
            if astray.max() < ASTRAY:
                return None
    for other in alive:
        if other.kind == kind and other.time_ms == box.time_ms and len(other.rows) > 1:
            before = np.stack([row.xyxy for row in other.rows[-2:]])
            if float(shared(box.xyxy, before).max()) >= WITHIN * float(area(box.xyxy[None])[0]):
                return other
    return None


def _origin(track: _Track) -> list[_Row]:
    """Where a track was before it began: who stepped out from behind another had come with it until then."""
    if track.parent is None:
        return []
    own = {row.time_ms: row.xyxy for row in track.rows if row.confidence >= SURE}
    both = [r for r in track.parent.rows if r.time_ms in own and r.confidence >= SURE]
    if len(both) < LEAST_APART:
        return []
    first, second = np.stack([own[row.time_ms] for row in both]), np.stack([row.xyxy for row in both])
    common = shared(first, second)
    if np.count_nonzero(common / (area(first) + area(second) - common) < APART) < LEAST_APART:
        return []
    begin_ms = track.rows[0].time_ms
    return [row for row in track.parent.rows if begin_ms - TOGETHER_MS <= row.time_ms < begin_ms]


def _goes_on(track: _Track, bodies: list[_Track]) -> bool:
    """Whether a new one goes on for another that ends as it begins, and steps out from behind nobody."""
    if track.parent is None:
        return False
    first = track.rows[0]
    centre = (first.xyxy[:2] + first.xyxy[2:]) / 2
    return any(
        other.kind == track.kind
        and other not in (track, track.parent)
        and other.rows[0].time_ms < first.time_ms
        and 0 <= other.time_ms - first.time_ms <= BOTH_MS
        and bool((np.abs(other.centre - centre) < ASTRAY * other.size).all())
        for other in bodies
    )


def _found_again(bodies: list[_Track]) -> list[int]:
    """A number for each, the same for a lost one and the new one that they are. Each is found once at most, walkers
    first, and the nearest first. `bodies` are in the order in which they began."""
    before: dict[int, int] = {}
    for found in (_walkers_found(bodies), _out_of_hiding(bodies)):
        for _, new, lost in sorted(found):
            if new not in before and lost not in before.values():
                before[new] = lost
    numbers = list(range(len(bodies)))
    for number in sorted(before):
        numbers[number] = numbers[before[number]]
    return numbers


def _walkers_found(bodies: list[_Track]) -> list[_Found]:
    """Who fades for a moment beside another is found farther from where they are expected than a tick is trusted
    with."""
    new = [k for k, one in enumerate(bodies) if one.kind == Label.PERSON and one.rows[0].confidence > 0]
    gone = [k for k, one in enumerate(bodies) if one.kind == Label.PERSON and one.is_body]
    if not new or not gone:
        return []
    since_ms, went, size = _between([bodies[k] for k in new], [bodies[k] for k in gone])
    pace = np.stack([bodies[k].pace() for k in gone])
    astray = (np.abs(went - since_ms[..., None] * pace) / size).max(axis=2)
    return _where(_soon(since_ms) & (astray < ASTRAY), astray, new, gone)


def _out_of_hiding(bodies: list[_Track]) -> list[_Found]:
    """Who was hidden goes on at their pace meanwhile, and comes out where that leads, as large as before."""
    known = [k for k, one in enumerate(bodies) if len(one.rows) >= LEAST_PACED and not one.hidden_ms]
    if not known:
        return []
    tracks = [bodies[k] for k in known]
    since_ms, went, size = _between(tracks, tracks)
    kinds, sizes = np.array([one.kind for one in tracks]), np.stack([one.size for one in tracks])
    was, now = (np.stack([one.pace(first=first) for one in tracks]) for first in (False, True))
    before, after = np.hypot(*was.T), np.hypot(*now.T)[:, None]
    slower, faster = np.minimum(after, before), np.maximum(after, before)
    astray = (np.abs(went - since_ms[..., None] * (now[:, None] + was) / 2) / size).max(axis=2)
    return _where(
        _soon(since_ms)
        & ((kinds[:, None] == kinds) | (kinds[:, None] == _ANY) | (kinds == _ANY))
        & (np.maximum(size / sizes, sizes / size).max(axis=2) <= GROWN)
        & (slower > 0)
        & (slower >= ALIKE * faster)
        & (now @ was.T >= AHEAD * after * before)
        & (astray < OUT),
        astray,
        known,
        known,
    )


def _between(
    new: list[_Track], gone: list[_Track]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """From where who is gone was last seen to where a new one begins: (new, gone) ms and (new, gone, 2) px; their size
    (new, gone, 2) px."""
    boxes = np.stack([one.rows[0].xyxy for one in new]).astype(np.float64)
    since_ms = np.subtract.outer([one.rows[0].time_ms for one in new], [one.time_ms for one in gone])
    went = ((boxes[:, :2] + boxes[:, 2:]) / 2)[:, None] - np.stack([one.centre for one in gone])
    sides = np.maximum(1, boxes[:, 2:] - boxes[:, :2])
    return since_ms, went, np.sqrt(sides[:, None] * np.stack([one.size for one in gone]))


def _soon(since_ms: NDArray[np.int64]) -> NDArray[np.bool_]:
    return np.asarray((since_ms > 0) & (since_ms <= FOUND_MS))


def _where(
    found: NDArray[np.bool_], astray: NDArray[np.float64], new: list[int], gone: list[int]
) -> list[_Found]:
    return [(float(astray[i, j]), new[i], gone[j]) for i, j in zip(*np.nonzero(found), strict=True)]


def _kind(class_id: int, confidence: float) -> int:
    """Person, cycle or any motor vehicle; any of them where only the shape speaks: -1."""
    return _ANY if confidence == 0 else int(KIND[class_id])


def _meetings(
    alive: list[_Track],
    pairs: list[tuple[int, int]],
    free: list[int],
    left: list[int],
    boxes: list[_Row],
) -> dict[int, list[int]]:
    """Boxes that hide several tracks in one, each with those tracks: bodies that pass one another are one patch of
    motion for a while."""
    holder = {b: t for t, b in pairs}
    among: dict[int, list[int]] = {}
    for t in free:
        one = alive[t]
        if not one.is_body:
            continue
        where = one.expected_box(boxes[0].time_ms)
        own = float(area(where[None])[0])
        inside = {b: float(shared(where, boxes[b].xyxy)) / own for b in (*holder, *left)}
        best = max(inside, key=lambda b: inside[b], default=None)
        if best is not None and inside[best] >= HIDDEN:
            among.setdefault(best, []).append(t)
    found = {}
    for b, tracks in among.items():
        together: list[int] = [holder[b]] if b in holder else []
        for t in sorted(tracks, key=lambda t: -len(alive[t].rows)):
            if all(_are_two(alive[t], alive[other]) for other in together):
                together.append(t)
        if len(together) > 1:
            found[b] = together
    return found


def _are_two(one: _Track, other: _Track) -> bool:
    """Whether two tracks in one patch are two bodies, and not parts of one: they go apart, or walk side by side."""
    apart = np.abs(one.pace() - other.pace()) * 1000 / np.minimum(one.size, other.size)
    if apart.max() >= PARTED:
        return True
    tall = min(float(t.size[1] / t.size[0]) for t in (one, other)) >= UPRIGHT
    beside = abs(float(one.centre[0] - other.centre[0])) >= 0.5 * min(one.size[0], other.size[0])
    return tall and beside


def _shares(box: _Row, tracks: list[_Track]) -> list[_Row]:
    """What each of some tracks has of a box that hides them all: its expected place, moved to where the outermost
    sides are seen."""
    wanted = np.stack([one.expected_box(box.time_ms) for one in tracks])
    for low, high in ((0, 2), (1, 3)):
        first, last = int(wanted[:, low].argmin()), int(wanted[:, high].argmax())
        length = wanted[:, high] - wanted[:, low]
        shift = {first: float(box.xyxy[low] - wanted[first, low])}
        until = float(box.xyxy[high] - wanted[last, high])
        shift[last] = (shift[last] + until) / 2 if last in shift else until
        for k, by in shift.items():
            by = float(np.clip(by, -NUDGE * length[k], NUDGE * length[k]))
            wanted[k, [low, high]] += by
    return [
        _Row(box.time_ms, where, 0.0, one.rows[-1].class_id)
        for where, one in zip(wanted, tracks, strict=True)
    ]


def _hide(track: _Track, box: _Row) -> None:
    """Let a track go on within a patch of motion that it shares; its size and velocity stay what they were."""
    track.centre = np.asarray((box.xyxy[:2] + box.xyxy[2:]) / 2, np.float64)
    track.hidden_ms += box.time_ms - track.time_ms
    track.gaps += track.missed - 1
    track.missed = 0
    track.rows.append(box)


def _continue(
    track: _Track, box: _Row, centre: NDArray[np.float64], size: NDArray[np.float64], kind: int
) -> None:
    elapsed_ms = box.time_ms - track.time_ms
    if elapsed_ms > 0:
        measured = (centre - track.centre) / elapsed_ms
        share = 1.0 if track.is_new else _SMOOTHING
        track.velocity = track.velocity * (1 - share) + measured * share
    track.size = size if track.is_new else track.size * 0.5 + size * 0.5
    track.hidden_ms = 0
    track.centre = centre
    track.kind = track.kind if kind == _ANY else kind
    track.gaps += track.missed - 1
    track.missed = 0
    track.rows.append(box)


def _match(
    alive: list[_Track],
    tracks: list[int],
    boxes: list[int],
    centre: NDArray[np.float64],
    size: NDArray[np.float64],
    kinds: list[int],
    time_ms: int,
) -> tuple[list[tuple[int, int]], list[int], list[int]]:
    """Pairs of (track, box) of least total cost, and the tracks and boxes that are left."""
    if not tracks or not boxes:
        return [], tracks, boxes
    expected = np.array([alive[t].expected(time_ms) for t in tracks])
    sizes = np.array([alive[t].size for t in tracks])
    new = np.array([alive[t].is_new for t in tracks])
    kind = np.array([alive[t].kind for t in tracks])
    mean_size = np.sqrt(sizes[:, None, :] * size[None, boxes, :])
    offset = np.abs(expected[:, None, :] - centre[None, boxes, :]) / mean_size
    # A tall box seldom moves by its height, a wide one seldom by its width: each side in its own measure.
    cost = np.hypot(offset[..., 0], offset[..., 1])
    cost = cost / np.where(new, _GATE_NEW, _GATE)[:, None]
    growth = np.abs(np.log(size[None, boxes, :] / sizes[:, None, :])).sum(axis=2)
    cost += _GROWTH_COST * growth
    named = np.array([kinds[b] for b in boxes])
    other = (kind[:, None] != named) & (kind[:, None] != _ANY) & (named != _ANY)
    cost += _KIND_COST * other
    _, x, y = lap.lapjv(cost, extend_cost=True, cost_limit=1.0)
    pairs = [(tracks[i], boxes[j]) for i, j in enumerate(x) if j >= 0]
    return (
        pairs,
        [tracks[i] for i, j in enumerate(x) if j < 0],
        [boxes[j] for j, i in enumerate(y) if i < 0],
    )
