"""A promise in words: never more than the policy keeps."""

from decimal import Context, Decimal
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerby.domain.policy import CrossingsPolicy, FootagePolicy
from passerby.domain.promise import promise_of, site_promise_of

PRECISE = Context(prec=400)


def exact_of(epsilon: float) -> tuple[Decimal, Decimal]:
    """e^epsilon, and 100 times e^epsilon / (1 + e^epsilon), to 400 digits."""
    factor = PRECISE.exp(Decimal(epsilon))
    return factor, PRECISE.divide(PRECISE.multiply(Decimal(100), factor), PRECISE.add(factor, Decimal(1)))


@pytest.mark.parametrize("epsilon", [29.66759291862271, 1e-6, 0.1, 1.0, 30.0, 700.0, 709.0])
def test_pinned_promises_are_never_rounded_down(epsilon: float) -> None:
    promise = promise_of(FootagePolicy(epsilon=epsilon))
    factor, right = exact_of(epsilon)

    assert Decimal(promise.times) >= factor
    assert Decimal(promise.right_percent) >= right


def test_the_promise_that_was_once_rounded_down() -> None:
    """At this epsilon 7664289413628.6 was promised, which is less than e^epsilon."""
    assert promise_of(FootagePolicy(epsilon=29.66759291862271)).times == 7664289413628.7


@given(st.floats(0.001, 709))
def test_words_promise_no_more_than_the_policy(epsilon: float) -> None:
    promise = promise_of(FootagePolicy(epsilon=epsilon))
    factor, right = exact_of(epsilon)

    assert factor <= Decimal(promise.times) <= factor * Decimal("1.0001") + Decimal("0.1")
    assert right <= Decimal(promise.right_percent) <= PRECISE.add(right, Decimal("0.1000001"))
    assert promise.right_percent <= 100.0


@given(st.floats(0.001, 709))
def test_the_printed_figure_is_rounded_up_too(epsilon: float) -> None:
    promise = promise_of(FootagePolicy(epsilon=epsilon))
    factor, right = exact_of(epsilon)

    assert Decimal(f"{promise.times:.1f}") >= factor
    assert Decimal(f"{promise.right_percent:.1f}") >= right


@pytest.mark.parametrize(("epsilon", "times", "right"), [(1.0, 2.8, 73.2), (2.0, 7.4, 88.1)])
def test_the_promise_of_common_policies(epsilon: float, times: float, right: float) -> None:
    promise = promise_of(FootagePolicy(epsilon=epsilon))

    assert (promise.visits, promise.visit_s, promise.times, promise.right_percent) == (2, 6.0, times, right)


@pytest.mark.parametrize("epsilon", [709.5, 10_000.0])
def test_an_epsilon_whose_power_no_float_holds_promises_nothing(epsilon: float) -> None:
    promise = promise_of(FootagePolicy(epsilon=epsilon))

    assert (promise.times, promise.right_percent) == (inf, 100.0)


@given(st.floats(0.001, 709))
def test_the_promise_of_a_site_is_that_of_one_day_and_adds_up_over_a_year(epsilon: float) -> None:
    promise, line = (
        site_promise_of(CrossingsPolicy(epsilon=epsilon)),
        promise_of(FootagePolicy(epsilon=epsilon)),
    )

    assert (promise.times, promise.right_percent) == (line.times, line.right_percent)
    assert Decimal(promise.year_epsilon) >= 365 * Decimal(epsilon)
    assert promise.year_epsilon == pytest.approx(365 * epsilon, abs=0.11)
