"""The plan of a crossings policy: noise that is promised is noise that is drawn, and proposals reach what they say."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("opendp", reason="the extra `private` is not installed")

from passerby.domain.policy import CrossingsPolicy
from passerby.errors import PolicyError
from passerby.privacy import crossings_plan
from passerby.privacy.crossings import sensitivity, split
from passerby.privacy.plan import USEFUL

policies = st.builds(
    CrossingsPolicy,
    crossings=st.integers(1, 8),
    influence=st.integers(1, 4),
    epsilon=st.integers(1, 40).map(lambda tenths: tenths / 10),
    every_ms=st.sampled_from(crossings_plan.USUAL_BINS_MS),
    reserve=st.sampled_from([0, 0.1, 0.3]),
)


def test_the_default_gives_the_numbers_that_were_asked_for() -> None:
    planned = crossings_plan.plan(CrossingsPolicy(), 50)
    noise = {one.name: one.noise_95 for one in planned.outlooks}
    assert (noise["15m"], noise["day"]) == (32, 93)
    assert planned.useful_from == "day"
    assert planned.finest_ms == 3 * 3_600_000


def test_a_day_is_within_its_range_19_times_in_20() -> None:
    policy = CrossingsPolicy()
    shares, delta, draws = split(policy), sensitivity(policy), 20_000
    rng = np.random.default_rng(5)

    def laplace(micro: int, number: int) -> np.ndarray:
        """Discrete Laplace noise as a difference of two geometric ones."""
        success = 1 - np.exp(-micro / 1e6 / delta)
        return rng.geometric(success, (number, draws)) - rng.geometric(success, (number, draws))

    bins, day = laplace(shares.bins, 96), laplace(shares.days + shares.reserve, 1)[0]
    of_bin, of_day = bins.var(), day.var()
    weight = of_day / (of_day + 96 * of_bin)
    agreed = np.abs(weight * bins.sum(axis=0) + (1 - weight) * day)
    told = {one.name: one.noise_95 for one in crossings_plan.plan(policy, 50).outlooks}
    assert 0.95 <= (agreed <= told["day"]).mean() <= 0.965
    assert 0.95 <= (np.abs(bins[0]) <= told["15m"]).mean() <= 0.96


@given(policies, st.floats(0.1, 5_000), st.floats(0.02, 0.9))
def test_every_proposal_reaches_the_error_and_changes_one_thing(
    policy: CrossingsPolicy, per_hour: float, error: float
) -> None:
    for one in crossings_plan.proposals(policy, per_hour, error):
        assert crossings_plan.bin_error(one, per_hour, one.every_ms) <= error
        changed = [
            name
            for name in ("every_ms", "crossings", "epsilon")
            if getattr(one, name) != getattr(policy, name)
        ]
        assert len(changed) == (one != policy)
        assert (one.influence, one.reserve) == (policy.influence, policy.reserve)


@given(policies, st.floats(0.1, 5_000))
def test_the_finest_useful_bin_is_useful_and_no_usual_bin_below_it_is(
    policy: CrossingsPolicy, per_hour: float
) -> None:
    finest_ms = crossings_plan.finest_useful(policy, per_hour)
    for every_ms in crossings_plan.USUAL_BINS_MS:
        error = crossings_plan.bin_error(policy, per_hour, every_ms)
        useful = finest_ms is not None and every_ms >= finest_ms
        assert (error <= USEFUL) == useful


@given(policies)
def test_more_protection_never_means_less_noise(policy: CrossingsPolicy) -> None:
    error = crossings_plan.bin_error(policy, 10, policy.every_ms)
    more = replace(policy, crossings=policy.crossings + 1)
    assert crossings_plan.bin_error(more, 10, policy.every_ms) >= error
    assert crossings_plan.bin_error(replace(policy, epsilon=policy.epsilon * 2), 10, policy.every_ms) <= error


def test_the_text_names_the_promise_its_limits_and_what_to_change() -> None:
    text = crossings_plan.describe(crossings_plan.plan(CrossingsPolicy(), 800), 8, 0.1)
    assert "promise crossings" in text
    assert "73.2 times in 100" in text
    assert "spends epsilon 1 a day and 365 in a year; 8 crossings on a day spend 2" in text
    assert "expect 200 ± 32, error 16%: usable" in text
    assert text.endswith("in a bin, one of:\n  every: 30m\n  crossings: 2\n  epsilon: 1.6")
    assert "already" in crossings_plan.describe(crossings_plan.plan(CrossingsPolicy(), 8_000), 8, 0.1)


@pytest.mark.parametrize("per_hour", [0, -1, float("inf"), float("nan")])
def test_an_expectation_that_cannot_hold_is_refused(per_hour: float) -> None:
    with pytest.raises(PolicyError, match="expected a number above 0"):
        crossings_plan.plan(CrossingsPolicy(), per_hour)
