"""Confidence intervals of an accuracy that was measured on a sample.

Invariant: numbers in, numbers out; standard library only.
"""

from math import sqrt
from statistics import NormalDist

_Z = NormalDist().inv_cdf(0.975)


def wilson(errors: int, of: int) -> tuple[float, float]:
    """95 % interval for the share of `errors` among `of` (score interval of Wilson, 1927), both ends within 0..1.

    Raises ValueError where `of` is not positive, or less than `errors`.
    """
    if not 0 <= errors <= of or of == 0:
        raise ValueError(
            f"{errors} errors of {of}: expected 0 or more errors, and no more than the total, above 0"
        )
    share, z2 = errors / of, _Z * _Z
    centre = (share + z2 / (2 * of)) / (1 + z2 / of)
    half = _Z * sqrt(share * (1 - share) / of + z2 / (4 * of * of)) / (1 + z2 / of)
    # At 0 and 1, rounding may put the share itself just outside the interval.
    return max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half))


def accuracy_interval(true: int, missed: int, over: int) -> tuple[float, float] | None:
    """95 % interval for (true - missed - over) / true in more recordings like the sample.

    The model: each true crossing causes one error or none, independently. Where there are more errors than true
    crossings, or no true crossing, there is no such interval and the result is None.
    """
    errors = missed + over
    if true == 0 or errors > true:
        return None
    low, high = wilson(errors, true)
    return 1 - high, 1 - low
