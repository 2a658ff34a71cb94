"""A published number: one release, or the sum of several of one cell, with what is known of its noise.

Invariant: worked out from released numbers alone, so it costs no privacy; values are never clamped.
"""

from dataclasses import dataclass
from math import sqrt
from typing import Literal

from passerby.domain.release import Cell

Resolution = Literal["bin", "hour", "day"]


@dataclass(frozen=True, slots=True)
class Sum:
    """`value` over `[start_ms, end_ms)` (Unix ms UTC), of `releases` releases, whose spans make up all of it
    when `complete`.

    `variance` and `noise_95` (what noise adds or takes, 19 times in 20, at most) are of the noise alone;
    `coverage` is the share of the span with frames, 0 to 1, `sender_clock` that with frames that the sender's clock
    dated, None where it is not known; `receipt` is that of a single release, else None.
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

    @property
    def noise_sd(self) -> float:
        return sqrt(self.variance)
