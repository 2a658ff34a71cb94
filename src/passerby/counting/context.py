"""Compare bodies with the usual traffic of their line: kinds by its experience, parts of one body, large vehicles.

Invariant: crossings of one's own recording in and out. Here one body influences the class of another, so no release is
made of the result. Where too few bodies cross to know what is usual, nothing is merged, and no vehicle is large.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from math import hypot
from typing import NamedTuple

import numpy as np

from passerby.counting.counts import Crossing, Kinematics
from passerby.counting.kinds import decide, experience_of
from passerby.counting.parameters import ContextParams, KindParams
from passerby.domain.labels import Label


class Usual(NamedTuple):
    """Median `length` and `height` in px and `pace` in px per ms of the bodies that cross a line in one direction."""

    length: float
    height: float
    pace: float


def apply_context(
    crossings: Iterable[Crossing],
    params: ContextParams = ContextParams(),
    kinds: KindParams = KindParams(),
) -> list[Crossing]:
    """Each body once, in order of time, without its evidence."""
    result: list[Crossing] = []
    for _, at_line in groupby(sorted(crossings, key=lambda c: c.line), key=lambda c: c.line):
        known = sorted(_with_experience(list(at_line), kinds), key=lambda c: c.direction)
        for _, group in groupby(known, key=lambda c: c.direction):
            result += _compared(list(group), params)
    return sorted(
        (replace(c, kinematics=None, evidence=None) for c in result),
        key=lambda c: (c.time_ms, c.line, c.along),
    )


def _with_experience(crossings: list[Crossing], params: KindParams) -> Iterator[Crossing]:
    """The crossings of one line, each named with the experience of all others there."""
    weighed = [(c, c.evidence) for c in crossings if c.evidence is not None]
    yield from (c for c in crossings if c.evidence is None)
    for (crossing, evidence), odds in zip(
        weighed, experience_of([evidence for _, evidence in weighed], params), strict=True
    ):
        label, share = decide(evidence, odds, params)
        yield replace(crossing, label=label, share=share)


def _compared(crossings: list[Crossing], params: ContextParams) -> Iterator[Crossing]:
    """The crossings of one line in one direction."""
    moving = [(c, c.kinematics) for c in crossings if c.kinematics is not None]
    yield from (c for c in crossings if c.kinematics is None)
    driving = usual([body for c, body in moving if c.label == Label.CAR], params)
    if driving is None:
        yield from (c for c, _ in moving)
        return
    kept: list[tuple[int, Kinematics]] = []
    for crossing, body in sorted(moving, key=lambda pair: -pair[1].length * pair[1].height):
        if is_part(body, driving, params) and any(
            are_one_body(body, crossing.time_ms, larger, time_ms, driving, params) for time_ms, larger in kept
        ):
            continue
        kept.append((crossing.time_ms, body))
        label = class_of(body, driving, params) if crossing.label == Label.CAR else crossing.label
        yield replace(crossing, label=label)


def usual(bodies: Sequence[Kinematics], params: ContextParams = ContextParams()) -> Usual | None:
    """The median of `bodies`; None where they are too few."""
    if len(bodies) < params.min_sample:
        return None
    rows = [(body.length, body.height, body.pace) for body in bodies]
    return Usual(*(float(value) for value in np.median(np.array(rows), axis=0)))


def is_part(body: Kinematics, driving: Usual, params: ContextParams = ContextParams()) -> bool:
    """Whether it is too low for a vehicle of its own."""
    return body.height < params.part_height * driving.height


def class_of(body: Kinematics, driving: Usual, params: ContextParams = ContextParams()) -> Label:
    """The class of a vehicle: much larger than usual is a bus or a truck, by its length for its height."""
    length, height = body.length / driving.length, body.height / driving.height
    if length * height < params.large_area or height < params.large_height:
        return Label.CAR
    is_bus = params.bus_ratio * height <= length <= params.bus_max_length
    return Label.BUS if is_bus else Label.TRUCK


def are_one_body(
    first: Kinematics,
    first_ms: int,
    second: Kinematics,
    second_ms: int,
    driving: Usual,
    params: ContextParams = ContextParams(),
) -> bool:
    """Whether boxes that crossed at `first_ms` and at `second_ms` are parts of one body: of one velocity (the Gestalt
    law of common fate), and together no larger than a body."""
    difference = hypot(first.dx - second.dx, first.dy - second.dy)
    if difference > params.part_max_pace_difference * max(first.pace, second.pace):
        return False
    # Where both are when the second crosses.
    elapsed_ms = second_ms - first_ms
    across = _extent(first.x + first.dx * elapsed_ms, first.length, second.x, second.length)
    down = _extent(first.y + first.dy * elapsed_ms, first.height, second.y, second.height)
    return (
        across <= params.part_max_extent * driving.length and down <= params.part_max_extent * driving.height
    )


def _extent(a: float, a_side: float, b: float, b_side: float) -> float:
    """From end to end of two sides with their middles at `a` and `b`."""
    return max(a + a_side / 2, b + b_side / 2) - min(a - a_side / 2, b - b_side / 2)
