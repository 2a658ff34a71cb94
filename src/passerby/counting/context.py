"""What is usual at a line, where no detector names anything: parts are told from bodies, and kinds from one another.

Invariant: crossings of one's own recording in and out; one body has a say in what another is, so no release is made
of it. Where too few go by to know what is usual, each is what it looks like.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from math import hypot
from typing import NamedTuple

import numpy as np

from passerby.counting.counts import Crossing, Moved
from passerby.domain.labels import Label

LEAST_USUAL = 5
"""So many must drive by, or walk by, before their median is what is usual."""
FLAT = 0.6
"""Share of the usual height below which what moves is a part of a vehicle: wheels, a roof, a bonnet."""
TOGETHER = 0.2
"""By what share of the faster one's pace those of two parts of one body may differ."""
WHOLE = 1.4
"""How long and how tall parts of one body may be together, in usual lengths and heights."""
LARGE = 3.0
"""Times the usual area from which a motor vehicle is large."""
TALL = 1.5
"""Times the usual height that it must have as well: cars one behind the other are long, but not tall."""
NARROW = 0.55
"""Share of the usual length below which who is no part has two wheels: from any side a rider is so narrow."""
SLOW = 0.6
"""Share of the usual pace below which what is narrow is no part of a vehicle, however flat: who rides is slower."""
STRETCHED = 1.1
"""Length by height of who is large, beside what is usual, from which it is a bus: of buses 1.2 to 1.3 (12 m by 3.1 m
beside cars of 4.4 m by 1.5 m), of lorries without a trailer 0.8 to 1.0 (8 to 12 m by 3.5 to 4 m)."""
LONGEST = 3.4
"""Usual lengths above which it is a lorry with a trailer: 16.5 m; a bus has 13.5 m at most (Directive 96/53/EC)."""
FASTER = 1.5
"""Times the usual pace of who walks from which nobody walks."""
LONGER = 2.5
"""Times their usual length from which it is no walker, nor two."""


class Usual(NamedTuple):
    """Pixels, and pixels per ms."""

    length: float
    height: float
    pace: float


def bodies(crossings: Iterable[Crossing]) -> list[Crossing]:
    """Each body once, in order of time: of what no detector named, parts of one body are one, and kinds are told by how
    large and fast they are beside who goes over that line that way."""
    found: list[Crossing] = []
    for _, group in groupby(sorted(crossings, key=_way), key=_way):
        found += _bodies(list(group))
    return sorted(found, key=lambda c: (c.time_ms, c.line, c.along))


def _way(crossing: Crossing) -> tuple[str, str]:
    return crossing.line, crossing.direction


def _bodies(crossings: list[Crossing]) -> Iterator[Crossing]:
    """Of one line and direction."""
    moving = [(c, c.moved) for c in crossings if c.moved is not None]
    yield from (c for c in crossings if c.moved is None)
    walking = usual([m for c, m in moving if c.label == Label.PERSON])
    if walking is not None:
        moving = [(replace(c, label=Label.PERSON) if walks(m, walking) else c, m) for c, m in moving]
    known = usual([m for c, m in moving if c.label == Label.CAR])
    if known is None:
        yield from (replace(c, moved=None) for c, _ in moving)
        return
    kept: list[tuple[int, Moved]] = []
    for crossing, moved in sorted(moving, key=lambda one: -one[1].length * one[1].height):
        if is_part(moved, known) and any(
            go_together(moved, crossing.time_ms, other, time_ms, known) for time_ms, other in kept
        ):
            continue
        kept.append((crossing.time_ms, moved))
        drives = crossing.label == Label.CAR
        yield replace(crossing, moved=None, label=kind_of(moved, known) if drives else crossing.label)


def usual(going: Sequence[Moved]) -> Usual | None:
    """The median of those that drive, or walk, one way; None where they are too few."""
    if len(going) < LEAST_USUAL:
        return None
    each = [(m.length, m.height, m.pace) for m in going]
    return Usual(*(float(one) for one in np.median(np.array(each), axis=0)))


def walks(moved: Moved, walking: Usual) -> bool:
    """Whether it is no faster and no longer than who walks there: two who walk side by side are no vehicle."""
    return moved.pace < FASTER * walking.pace and moved.length < LONGER * walking.length


def is_part(moved: Moved, known: Usual) -> bool:
    """Whether it is too flat for a body that drives."""
    return moved.height < FLAT * known.height


def kind_of(moved: Moved, known: Usual) -> Label:
    """Of what drives: who is much larger than usual is a bus or a lorry, by how long they are for their height; who is
    as tall and half as long, or slower and half as long, has two wheels."""
    length, height = moved.length / known.length, moved.height / known.height
    if length * height >= LARGE and height >= TALL:
        return Label.BUS if STRETCHED * height <= length <= LONGEST else Label.TRUCK
    is_body = not is_part(moved, known) or moved.pace < SLOW * known.pace
    return Label.BICYCLE if length < NARROW and is_body else Label.CAR


def go_together(a: Moved, a_ms: int, b: Moved, b_ms: int, known: Usual) -> bool:
    """Whether what crossed at `a_ms` and at `b_ms` is of one body: of one pace (the Gestalt law of common fate), and no
    larger together than a body is."""
    if hypot(a.dx - b.dx, a.dy - b.dy) > TOGETHER * max(a.pace, b.pace):
        return False
    # Where both are when the second crosses.
    elapsed_ms = b_ms - a_ms
    across = _together(a.x + a.dx * elapsed_ms, a.length, b.x, b.length)
    down = _together(a.y + a.dy * elapsed_ms, a.height, b.y, b.height)
    return across <= WHOLE * known.length and down <= WHOLE * known.height


def _together(a: float, a_side: float, b: float, b_side: float) -> float:
    """Of two sides with their middles at `a` and `b`, from end to end."""
    return max(a + a_side / 2, b + b_side / 2) - min(a - a_side / 2, b - b_side / 2)
