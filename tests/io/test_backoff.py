"""Waits between tries: longer each time, up to their limit, and never all at once.

Invariant: for any number of failures and any chance.
"""

from hypothesis import given
from hypothesis import strategies as st

from passerby.io.backoff import LONGEST_WAIT_S, wait_s


@given(st.integers(1, 10**9), st.floats(0, 1))
def test_waits_grow_to_their_limit_and_differ_by_chance(failures: int, chance: float) -> None:
    wait = wait_s(failures, chance)

    assert 0 < wait <= LONGEST_WAIT_S
    assert wait_s(failures, 1.0) * 2 == wait_s(failures, 0.0)
    assert wait_s(failures + 1, chance) >= wait
    assert wait_s(50, 0.0) == LONGEST_WAIT_S
