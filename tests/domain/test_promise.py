"""A promise in words: never more than the policy keeps."""

from math import exp

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerby.domain.policy import Policy
from passerby.domain.promise import promise_of


@given(st.floats(0.001, 30))
def test_words_promise_no_more_than_the_policy(epsilon: float) -> None:
    told = promise_of(Policy(epsilon=epsilon))
    factor = exp(epsilon)

    assert factor <= told.times <= factor * 1.0001 + 0.1
    assert 100 * factor / (1 + factor) <= told.right_percent + 1e-9
    assert told.right_percent <= 100.0


@pytest.mark.parametrize(("epsilon", "times", "right"), [(1.0, 2.8, 73.2), (2.0, 7.4, 88.1)])
def test_the_promise_of_common_policies(epsilon: float, times: float, right: float) -> None:
    told = promise_of(Policy(epsilon=epsilon))

    assert (told.visits, told.visit_s, told.times, told.right_percent) == (2, 6.0, times, right)


def test_an_epsilon_without_an_end_is_still_told() -> None:
    assert promise_of(Policy(epsilon=10_000.0)).right_percent == 100.0
