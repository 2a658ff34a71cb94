"""The interval of a published number: against the sum of its probabilities, and against noise that is drawn."""

import random
from decimal import Context, Decimal, localcontext
from math import exp, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerby.domain.noise_interval import noise_95_of_release, noise_95_of_sum, variance


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


@given(scale=st.floats(0.01, 1e9))
def test_noise_95_is_the_smallest_that_holds_exactly(scale: float) -> None:
    """By 80 digits, so that no rounding of a float makes an interval too narrow."""

    def outside(reach: int) -> Decimal:
        with localcontext(Context(prec=80)):
            step = -1 / Decimal(scale)
            return 2 * ((reach + 1) * step).exp() / (1 + step.exp())

    found = noise_95_of_release(scale)
    assert outside(found) <= Decimal("0.05")
    assert found == 0 or outside(found - 1) > Decimal("0.05")


@pytest.mark.parametrize("scale", [1e-4, 1e-300, 0.2])
def test_noise_that_is_hardly_there_has_no_interval(scale: float) -> None:
    assert noise_95_of_release(scale) == 0


@pytest.mark.parametrize(("scale", "expected"), [(30.0, 90), (60.0, 180), (8.0, 24)])
def test_the_figures_of_common_scales(scale: float, expected: int) -> None:
    assert noise_95_of_release(scale) == expected


@given(value=st.floats(0, 1e12), releases=st.integers(1, 10_000))
def test_the_interval_of_a_sum_is_rounded_up(value: float, releases: int) -> None:
    with localcontext(Context(prec=80)):
        z = Decimal("1.959964")
        exact = Decimal(value).sqrt() * (z + (z**3 - 3 * z) / (8 * releases))
    found = noise_95_of_sum(value, releases)
    assert exact <= found < exact + 1 + Decimal("1e-20")


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
