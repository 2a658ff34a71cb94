"""The variance and the 95 % interval of the noise in a published number: the only formulas of both.

Invariant: worked out from the published scale of the noise alone, and rounded up: an interval is never too narrow for
want of digits. The command line, the API and the pages print the figures of this module.

Noise is discrete Laplace: Pr[noise = n] = (1 - q) / (1 + q) * q^|n| with q = e^(-1 / scale) (docs/proofs/noise.md).
"""

from collections.abc import Sequence
from decimal import ROUND_CEILING, Context, Decimal, localcontext
from functools import lru_cache
from math import ceil, log, sinh, sqrt

_DIGITS = Context(prec=50, rounding=ROUND_CEILING)
_FLOAT = 1e-14
"""A few operations on floats err by less than this share."""
_OUTSIDE = Decimal("0.05")
_Z_95 = Decimal("1.959964")
# Cornish-Fisher's term for the long tails of Laplace noise: (z^3 - 3 z) / 24 times its excess kurtosis, 3.
_TAIL_95 = (_Z_95**3 - 3 * _Z_95) / 8


def variance(noise_scale: float) -> float:
    """Variance of discrete Laplace noise of this scale: 2 q / (1 - q)^2, written so that large scales keep their
    digits."""
    half = 0.5 / noise_scale
    return 0.0 if half > 300 else 0.5 / sinh(half) ** 2


@lru_cache(maxsize=4096)
def noise_95_of_release(noise_scale: float) -> int:
    """The 95 % interval of one release is its value, give or take this number.

    The smallest n with Pr[|noise| > n] = 2 q^(n + 1) / (1 + q) <= 0.05.
    """
    with localcontext(_DIGITS):
        step = -1 / Decimal(noise_scale)
        share = _OUTSIDE / 2 * (1 + step.exp())

        def outside(reach: int) -> bool:
            return ((reach + 1) * step).exp() > share

        # A float finds the neighbourhood, and exact digits the number.
        found = max(0, int(-noise_scale * log(share)) - 2)
        while outside(found):
            found += 1
        while found > 0 and not outside(found - 1):
            found -= 1
    return found


def noise_95_of_sum(variance_: float, releases: float) -> int:
    """The same for a sum of several releases, whose noise has this variance: normal, widened for the tails that few of
    them still have.

    `releases` is their number; where their variances v differ, (sum of v)^2 / (sum of v^2) stands for it.
    """
    near = sqrt(variance_) * (float(_Z_95) + float(_TAIL_95) / releases)
    low, high = ceil(near * (1 - _FLOAT)), ceil(near * (1 + _FLOAT))
    if low == high:
        return high
    with localcontext(_DIGITS):
        reach = Decimal(variance_).sqrt().next_plus() * (_Z_95 + _TAIL_95 / Decimal(releases))
        return int(reach.to_integral_value(ROUND_CEILING))


def noise_95_of_variances(variances: Sequence[float]) -> int:
    """The same for a sum of independent noises of these variances, which may differ."""
    total = sum(variances)
    return noise_95_of_sum(total, total**2 / sum(one * one for one in variances))
