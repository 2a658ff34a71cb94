"""Released numbers, which everyone may know.

Invariant: primitives only; code that publishes may import this module, and nothing in it is of unreleased data.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from passerby.domain.policy import PromiseName

Level = Literal["bin", "day"]
"""A release covers one of a line's bins, or its whole day, which has noise of its own."""
LEVELS: tuple[Level, ...] = ("bin", "day")


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """What is counted: comes from the site file, never from data, so that zero cells are released too.

    >>> passerby.Cell("street", "road", "to_left", "car").label
    'car'
    """

    camera: str
    line: str
    direction: str
    label: str


@dataclass(frozen=True, slots=True)
class Release:
    """One published number for `[start_ms, end_ms)` (Unix ms UTC).

    `value` is a signed integer (noise can take it below zero); `noise_scale` is the scale of its discrete
    Laplace noise; `coverage` is the share of the span with frames, from 0 to 1; `receipt` is its entry in the ledger;
    `sender_clock` is the share of the span with frames that the sender's wall clock dated (the rest of `coverage` is
    dated by arrival), None where that is not known; `promise` is the one it was released under.

    >>> cell = passerby.Cell("street", "road", "to_left", "car")
    >>> passerby.Release(cell, 0, 900_000, -3, 4.0, 1.0, 1.0, "receipt").value
    -3
    """

    cell: Cell
    start_ms: int
    end_ms: int
    value: int
    noise_scale: float
    epsilon: float
    coverage: float
    receipt: str
    sender_clock: float | None = None
    promise: PromiseName = "footage"


Sink = Callable[[Release], None]
