"""Crossings that motion shows and no detector confirmed.

Invariant: a detector that is unsure takes away nothing: what moved over a line is counted, once, whether a detector
found it or not.

A detector's boxes replace the boxes of motion that they cover. Where these boxes are too few or too unsure to become a
track, neither of the two is counted. So motion is tracked a second time on its own, and those of its crossings are
added that no counted crossing explains.
"""

from collections.abc import Sequence
from dataclasses import replace

from passerby.counting.counts import Crossing
from passerby.counting.crossings import find_crossings
from passerby.counting.detections import Detections
from passerby.counting.parameters import CountingParams
from passerby.counting.tracker import track
from passerby.domain.geometry import Line
from passerby.domain.timespan import Span


def with_motion(
    crossings: Sequence[Crossing],
    ticks: Sequence[Detections],
    lines: Sequence[Line],
    size_px: tuple[int, int],
    span: Span,
    params: CountingParams = CountingParams(),
) -> list[Crossing]:
    """`crossings` of `ticks` within `span`, in order of time, with those that motion alone shows in the same ticks;
    each is noted as `confirmed` or not.

    `size_px`: (width, height) of the frame. Ticks whose `moved` is None add nothing.
    """
    moved = [tick.moved for tick in ticks if tick.moved is not None]
    if not moved or not any((tick.confidence > 0).any() for tick in ticks):
        # No box stands in the place of motion, so `crossings` are those of motion already.
        return [_confirmed(crossing, by_both=not moved) for crossing in crossings]
    alone = find_crossings(track(moved, params.tracker), lines, size_px, span, params.crossing)
    width, height = size_px
    length_px = {line.name: line.length(width / height) * height for line in lines}
    left, known = list(alone), []
    for crossing in crossings:
        same = next((m for m in left if _explains(crossing, m, length_px[m.line], params)), None)
        if same is not None:
            left.remove(same)
        known.append(_confirmed(crossing, by_both=same is not None and crossing.kinematics is None))
    # One body may be several moving boxes, so what any counted crossing explains is not added either.
    missed = [
        _confirmed(crossing, by_both=False)
        for crossing in left
        if not any(_explains(counted, crossing, length_px[crossing.line], params) for counted in crossings)
    ]
    return sorted((*known, *missed), key=lambda c: (c.time_ms, c.line, c.along))


def _explains(counted: Crossing, moved: Crossing, length_px: float, params: CountingParams) -> bool:
    """Whether `counted` is the same body as `moved`: the same line and direction, at about the same time and place."""
    if (counted.line, counted.direction) != (moved.line, moved.direction):
        return False
    if abs(counted.time_ms - moved.time_ms) > params.crossing.duplicate_ms:
        return False
    if moved.kinematics is None:
        return True
    size_px = max(moved.kinematics.length, moved.kinematics.height)
    return abs(counted.along - moved.along) * length_px <= params.crossing.explained_sizes * size_px


def _confirmed(crossing: Crossing, *, by_both: bool) -> Crossing:
    """`crossing` with a note on whether two kinds of evidence saw it; one that had no chance is taken as confirmed."""
    if crossing.evidence is None:
        return crossing
    return replace(crossing, evidence=replace(crossing.evidence, confirmed=by_both))
