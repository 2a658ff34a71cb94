"""How sure an accuracy is that was found on a sample.

Invariant: numbers in, numbers out; standard library only.
"""

from math import sqrt
from statistics import NormalDist

_Z = NormalDist().inv_cdf(0.975)


def wilson(errors: int, of: int) -> tuple[float, float]:
    """95 % interval for the share of errors (Wilson 1927, score interval), both within 0..1.

    Raises ValueError when `of` is not positive or `errors` are more than that.
    """
    if not 0 <= errors <= of or of == 0:
        raise ValueError(f"{errors} errors of {of}: expected 0 to as many as there are")
    share, z2 = errors / of, _Z * _Z
    centre = (share + z2 / (2 * of)) / (1 + z2 / of)
    half = _Z * sqrt(share * (1 - share) / of + z2 / (4 * of * of)) / (1 + z2 / of)
    # At 0 and at 1 rounding may put the share itself just outside.
    return max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half))


def accuracy_interval(true: int, missed: int, over: int) -> tuple[float, float] | None:
    """95 % interval for (true - missed - over) / true of more recordings like the sample.

    Each true crossing is taken to bring one error or none, independently; where there are more errors than
    that, or nothing was true, there is no such interval and the answer is None.
    """
    errors = missed + over
    if true == 0 or errors > true:
        return None
    low, high = wilson(errors, true)
    return 1 - high, 1 - low
