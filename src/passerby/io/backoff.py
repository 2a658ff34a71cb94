"""The wait before another attempt after a failure.

Invariant: pure arithmetic; chance comes from the caller.
"""

LONGEST_WAIT_S = 30.0
FIRST_WAIT_S = 1.0


def wait_s(failures: int, chance: float, longest_s: float = LONGEST_WAIT_S) -> float:
    """The wait after so many failures in a row, in seconds: doubled each time, up to `longest_s`.

    `chance` (0..1) shortens it by up to half, so that clients that failed together do not return together.
    """
    # The exponent is bounded: after a year of failures the power would be too large for a float.
    return min(longest_s, FIRST_WAIT_S * 2.0 ** min(max(failures - 1, 0), 16)) * (1 - chance / 2)
