"""A published number and its noise: one release, or the sum of several releases of one cell.

Invariant: computed from released numbers only (post-processing), so it costs no privacy; values are never clamped.
"""

from dataclasses import dataclass
from math import sqrt
from typing import Literal

from passerby.domain.policy import PromiseName
from passerby.domain.release import Cell

Resolution = Literal["bin", "hour", "day"]


@dataclass(frozen=True, slots=True)
class Sum:
    """The sum `value` of `releases` releases over `[start_ms, end_ms)` (Unix ms UTC); they cover the whole span if
    `complete`.

    `variance` is that of the noise alone, and `noise_95` the half-width of the 95 % interval. `coverage` is the share
    of the span with video frames, 0 to 1; `sender_clock` is the part of it that was dated by the sender's clock, None
    if that is not known. `receipt` is that of a single release, None for a sum of several. `promise` is the one
    that its releases were made under.
    """

    cell: Cell
    start_ms: int
    end_ms: int
    value: int
    variance: float
    noise_95: int
    epsilon: float
    coverage: float
    sender_clock: float | None
    releases: int
    complete: bool
    receipt: str | None
    promise: PromiseName = "footage"

    @property
    def noise_sd(self) -> float:
        return sqrt(self.variance)
