"""A published number: one release, or the sum of several of one cell, with what is known of its noise.

Invariant: worked out from released numbers alone, so it costs no privacy; values are never clamped.
"""

from dataclasses import dataclass
from math import ceil, log, sinh, sqrt
from typing import Literal

from passerby.domain.release import Cell

Resolution = Literal["bin", "hour", "day"]
Level = Literal["bin", "day"]
"""What a release is of: one of a line's bins, or its whole day, which has noise of its own."""

_Z_95 = 1.959964
# Cornish-Fisher's term for the long tails of Laplace noise: (z^3 - 3 z) / 24 times its excess kurtosis, 3.
_TAIL_95 = (_Z_95**3 - 3 * _Z_95) / 8


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


def variance(noise_scale: float) -> float:
    """Variance of discrete Laplace noise of this scale, 2 q / (1 - q)^2 with q = e^(-1 / scale) (noise.md),
    written so that large scales keep their digits."""
    half = 0.5 / noise_scale
    return 0.0 if half > 300 else 0.5 / sinh(half) ** 2


def noise_95_of_release(noise_scale: float) -> int:
    """The smallest n with Pr[|noise| > n] = 2 q^(n + 1) / (1 + q) <= 0.05."""
    log_q = -1 / noise_scale
    share = log(0.025) + log(1 + 2.718281828459045**log_q)
    return max(0, ceil(share / log_q - 1))


def noise_95_of_sum(variance_: float, releases: int) -> int:
    """About the same for a sum of several: normal, widened for the tails that few of them still have."""
    return ceil(sqrt(variance_) * (_Z_95 + _TAIL_95 / releases))
