"""A number on the screen is never a false zero, and its interval contains every count that the value allows."""

from hypothesis import given
from hypothesis import strategies as st

from passerby.publish.pages.estimates import Estimate
from passerby.publish.pages.languages import languages

ENGLISH = languages()["en"]
estimates = st.builds(Estimate, st.integers(-(10**6), 10**6), st.integers(1, 10**5))


@given(estimates)
def test_an_estimate_is_never_shown_as_zero_or_less(estimate: Estimate) -> None:
    assert estimate.text(ENGLISH) not in ("0", "-0")
    assert not estimate.text(ENGLISH).startswith("-")
    assert 0 <= estimate.low <= estimate.shown <= estimate.high
    assert estimate.high >= 1


@given(estimates)
def test_the_interval_contains_every_count_that_the_value_allows(estimate: Estimate) -> None:
    allowed = range(
        max(0, estimate.value - estimate.noise_95), max(0, estimate.value + estimate.noise_95) + 1
    )
    assert estimate.low <= allowed[0]
    assert allowed[-1] <= estimate.high


@given(estimates)
def test_a_number_that_could_be_noise_is_shown_as_fewer_than(estimate: Estimate) -> None:
    fewer = estimate.text(ENGLISH).startswith("fewer than ")
    assert fewer == (estimate.value - estimate.noise_95 <= 0)
    if fewer:
        assert int(estimate.text(ENGLISH).removeprefix("fewer than ").replace(",", "")) > estimate.high


def test_estimates_as_text() -> None:
    german = languages()["de"]
    assert Estimate(1204, 44).text(ENGLISH) == "1,204"
    assert Estimate(1204, 44).interval(ENGLISH) == "1,160 to 1,248"
    assert Estimate(-20, 44).text(ENGLISH) == "fewer than 45"
    assert Estimate(-20, 44).interval(german) == "0 bis 44"
    assert Estimate(12_345, 44).text(german) == "12.345"
