"""Noise of a number: against the sum of its probabilities, and against noise that is drawn."""

import random
from math import exp, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerby.publish.store.sums import noise_95_of_release, noise_95_of_sum, variance


def probability(scale: float, value: int) -> float:
    q = exp(-1 / scale)
    return (1 - q) / (1 + q) * q ** abs(value)


@pytest.mark.parametrize("scale", [0.05, 0.3, 1.0, 2.5, 30.0, 121.5])
def test_variance_is_that_of_the_probabilities(scale: float) -> None:
    reach = int(40 * scale) + 5
    expected = sum(value**2 * probability(scale, value) for value in range(-reach, reach + 1))
    assert variance(scale) == pytest.approx(expected, rel=1e-9)


def test_variance_keeps_its_digits_at_every_scale() -> None:
    assert variance(1e-4) == 0.0
    assert variance(1e6) == pytest.approx(2e12, rel=1e-6)


@given(scale=st.floats(0.01, 500))
def test_noise_95_is_the_smallest_that_holds(scale: float) -> None:
    def outside(reach: int) -> float:
        q = exp(-1 / scale)
        return 2 * q ** (reach + 1) / (1 + q)

    found = noise_95_of_release(scale)
    assert outside(found) <= 0.05 + 1e-9
    assert found == 0 or outside(found - 1) > 0.05 - 1e-9


@pytest.mark.parametrize("releases", [2, 4, 24, 96])
def test_noise_95_of_a_sum_holds_for_noise_that_is_drawn(releases: int) -> None:
    scale, draws = 30.0, 4_000
    rng = random.Random(7)
    rate = 1 / scale

    def noise() -> int:
        # Two geometric numbers differ by a discrete Laplace one.
        return int(rng.expovariate(rate)) - int(rng.expovariate(rate))

    reach = noise_95_of_sum(releases * variance(scale), releases)
    outside = sum(abs(sum(noise() for _ in range(releases))) > reach for _ in range(draws)) / draws
    # Four standard deviations of the draws around 5 %, and a little for the approximation.
    assert 0.05 - 4 * sqrt(0.05 * 0.95 / draws) - 0.005 < outside < 0.05 + 4 * sqrt(0.05 * 0.95 / draws)
