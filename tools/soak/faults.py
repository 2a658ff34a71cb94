"""What is done to the servers, and when; and what coverage that leaves.

Invariant: arithmetic on times; the same seed gives the same script.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

Interval = tuple[float, float]
"""From when to when, in Unix seconds, or in seconds after the start."""

QUIET_S = 40.0
"""Nothing is done so near to the start or to the end, nor to a camera so soon after the last time."""


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """A server is killed `at_s` seconds after the start and started again `for_s` later, or stopped (it is there, and
    sends nothing) and let go on."""

    at_s: float
    for_s: float
    camera: int
    kind: Literal["killed", "stalled"]


def script(cameras: int, duration_s: float, seed: int) -> tuple[Fault, ...]:
    """The faults of a run, in order of time: on each camera one after the other, a fault every two minutes or so."""
    dice = Random(seed)
    faults = []
    for camera in range(cameras):
        at_s = QUIET_S + dice.uniform(0, 60)
        while True:
            kind: Literal["killed", "stalled"] = dice.choice(("killed", "stalled"))
            # A stall that ends before it is noticed loses nothing: what was held back comes late.
            for_s = dice.uniform(1, 30) if kind == "killed" else dice.uniform(12, 30)
            if at_s + for_s > duration_s - QUIET_S:
                break
            faults.append(Fault(round(at_s, 1), round(for_s, 1), camera, kind))
            at_s += for_s + QUIET_S + dice.uniform(0, 120)
    return tuple(sorted(faults))


def outages(faults: Iterable[Interval], served: Sequence[float]) -> list[Interval]:
    """When a camera showed nothing: from each fault's begin until its server was asked to play again, as the server
    tells. `faults` are begin and end of one camera's, `served` the times at which it began to serve."""
    found = []
    for begin, end in faults:
        again = min((time for time in served if time >= end), default=float("inf"))
        found.append((begin, again))
    return found


def covered(span: Interval, missing: Iterable[Interval]) -> float:
    """The share of `span` that lies in none of `missing`, which do not overlap."""
    begin, end = span
    lost = sum(max(0.0, min(end, until) - max(begin, since)) for since, until in missing)
    return 1 - lost / (end - begin)


def outside(time: float, missing: Iterable[Interval]) -> bool:
    return not any(since <= time < until for since, until in missing)
