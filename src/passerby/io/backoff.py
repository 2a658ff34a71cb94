"""How long to wait before what failed is tried again.

Invariant: pure arithmetic; chance comes from the caller.
"""

LONGEST_WAIT_S = 30.0
FIRST_WAIT_S = 1.0


def wait_s(failures: int, chance: float, longest_s: float = LONGEST_WAIT_S) -> float:
    """How long to wait after so many failures in a row: doubled each time up to `longest_s`, and less by up to
    half at `chance` (0..1), so that what went together does not come back together."""
    # The exponent is bounded: a year of failures is no float.
    return min(longest_s, FIRST_WAIT_S * 2.0 ** min(max(failures - 1, 0), 16)) * (1 - chance / 2)
