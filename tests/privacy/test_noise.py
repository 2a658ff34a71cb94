"""The draw: its law, its scale, and where its chance comes from."""

from fractions import Fraction
from math import exp

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.privacy.programs import run_program

from passerby.errors import PolicyError
from passerby.privacy.noise import MICRO, add_noise, scale


@given(delta=st.integers(1, 10_000), epsilon_micro=st.integers(1, 5_000_000))
def test_the_scale_is_never_below_delta_over_epsilon(delta: int, epsilon_micro: int) -> None:
    exact = Fraction(delta * MICRO, epsilon_micro)
    assert exact <= Fraction(scale(delta, epsilon_micro)) <= exact * (1 + Fraction(1, 2**51))


@pytest.mark.parametrize(("delta", "epsilon_micro"), [(0, 1), (1, 0), (-1, 1), (1, -1)])
def test_a_scale_of_zero_is_refused(delta: int, epsilon_micro: int) -> None:
    with pytest.raises(PolicyError, match="above 0"):
        add_noise((1,), delta, epsilon_micro)


def test_noise_follows_its_law() -> None:
    # scale 2: Pr[0] = (1 - q) / (1 + q); 20,000 draws put the share within 5 standard deviations (0.017).
    draws = add_noise([0] * 20_000, 2, MICRO)
    q = exp(-1 / 2)
    assert abs(draws.count(0) / 20_000 - (1 - q) / (1 + q)) < 0.017
    assert abs(sum(draws) / 20_000) < 0.11
    assert all(type(draw) is int for draw in draws)
    assert min(draws) < 0 < max(draws)


def test_cells_of_one_draw_and_draws_of_one_vector_differ() -> None:
    first, second = add_noise([0] * 64, 1000, MICRO), add_noise([0] * 64, 1000, MICRO)
    assert first != second
    assert len(set(first)) > 32


def test_a_fork_does_not_copy_the_noise() -> None:
    seen = run_program("forked_noise")
    assert len(seen) == 9
    assert len(set(seen)) == 9


def test_what_cannot_be_noised_is_refused_without_its_value() -> None:
    with pytest.raises(PolicyError, match="64-bit") as caught:
        add_noise([2**70 + 4711], 1, MICRO)
    assert "4711" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
