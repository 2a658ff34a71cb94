"""The audits themselves: they let what is right pass, and see what is wrong as early as they should."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from math import exp, log

import pytest
from tests.audit.street import Street, contributions_of, pairs, terms
from tests.privacy.conftest import charge

from passerby.audit.confidence import lower_bound
from passerby.audit.locality import beyond, locality_audit, same_audit
from passerby.audit.noise_audit import (
    Counts,
    gate_mechanism,
    noise_audit,
    one_run_audit,
    report,
    saturating_pair,
    simulated_week,
    spread,
)
from passerby.domain.timespan import Span
from passerby.privacy.contribution import Contribution
from passerby.privacy.noise import MICRO, add_noise


def drawn(delta: int, epsilon: float, draws: int) -> Callable[[Counts], Counts]:
    """A mechanism of one cell whose noise is drawn beforehand, many at once."""
    noise: Iterator[int] = iter(add_noise([0] * draws, delta, round(epsilon * MICRO)))
    return lambda counts: (counts[0] + next(noise),)


@pytest.mark.slow
def test_lower_bound_is_clopper_and_pearsons() -> None:
    stats = pytest.importorskip("scipy.stats", reason="scipy is not installed")
    for successes, trials, alpha in ((1, 10, 0.01), (9, 10, 0.05), (10, 10, 0.01), (730, 1_000, 0.005)):
        expected = stats.beta.ppf(alpha, successes, trials - successes + 1)
        assert lower_bound(successes, trials, alpha) == pytest.approx(expected, rel=1e-9)
    assert lower_bound(0, 10, 0.01) == 0


def test_lower_bound_of_all_is_the_root_of_alpha() -> None:
    assert lower_bound(20, 20, 0.01) == pytest.approx(0.01 ** (1 / 20))


@pytest.mark.slow
@pytest.mark.parametrize(("draws", "true"), [(1_000, 2.0), (10_000, 1.2)])
def test_the_noise_audit_sees_a_claim_that_is_too_small(draws: int, true: float) -> None:
    bound = noise_audit(drawn(24, true, 6 * draws), (0,), (24,), claimed=1.0, draws=draws)
    assert not bound.holds
    assert bound.lower <= true * 1.1


@pytest.mark.slow
def test_the_noise_audit_lets_the_gate_pass_and_comes_near_its_claim() -> None:
    paid = replace(charge(1), epsilon_micro=MICRO)
    bound = noise_audit(gate_mechanism(paid), *saturating_pair(paid), claimed=1.0, draws=1_500, alpha=1e-6)
    assert bound.holds
    assert bound.lower > 0.4


def test_the_one_run_audit_lets_a_week_pass_and_sees_half_the_noise() -> None:
    paid = charge(1)
    base, effect = simulated_week(paid, 200)
    assert effect == 24
    verdicts = []
    for epsilon_micro in (800_000, 3_200_000):
        noise = iter(add_noise([0] * len(base), paid.delta, epsilon_micro))
        verdicts.append(
            one_run_audit(lambda number, count: count + next(noise), base, effect, claimed=0.8, alpha=1e-6)  # noqa: B023
        )
    assert verdicts[0].holds
    assert not verdicts[1].holds


def test_a_guess_is_right_no_more_often_than_epsilon_allows() -> None:
    """The bound is the logit of the share of right guesses, seen from the safe side."""
    right = iter([True] * 75 + [False] * 25)

    def publish(number: int, count: int) -> float:
        actor = count == 1
        return 1.0 if actor == next(right) else 0.0

    bound = one_run_audit(publish, [0] * 100, 1, claimed=9.0)
    assert bound.lower == pytest.approx(log(lower_bound(75, 100, 0.01) / (1 - lower_bound(75, 100, 0.01))))
    assert exp(bound.lower) / (1 + exp(bound.lower)) < 0.75


def test_the_pair_differs_by_all_of_delta_and_its_chunks_keep_their_caps() -> None:
    for cells in (1, 2, 3):
        paid = replace(terms(cells), span=Span(0, 900_000))
        without, with_event = saturating_pair(paid)
        assert sum(abs(a - b) for a, b in zip(without, with_event, strict=True)) == paid.delta
        parts = spread(with_event, paid)
        assert tuple(map(sum, zip(*(part.counts for part in parts), strict=True))) == with_event
        assert len(parts) == paid.delta // (3 if cells == 1 else 6)
    with pytest.raises(ValueError, match="cannot have"):
        spread((10**6,), charge(1))


@pytest.mark.parametrize("cells", [1, 2, 3])
@pytest.mark.parametrize("chunk_s", [4, 6, 8, 9])
def test_a_street_that_keeps_the_rules_is_local_at_every_phase(cells: int, chunk_s: int) -> None:
    paid = terms(cells, chunk_s)
    found = list(locality_audit(partial(contributions_of, charge=paid), pairs(paid), paid))
    assert all(one.holds and one.factor == 1 for one in found)
    # The audit reaches the bound: were m or D1 smaller by one, it would tell.
    assert max(one.changed for one in found) == found[0].allowed
    if paid.chunk_ms <= paid.rho_ms:
        assert max(one.largest for one in found) == found[0].change


def test_who_stays_longer_than_rho_is_reported_with_the_factor() -> None:
    paid = terms()
    found = list(locality_audit(partial(contributions_of, charge=paid), pairs(paid, length_s=15), paid))
    assert {one.factor for one in found} == {3.0}
    assert all(one.holds for one in found)
    assert max(one.changed for one in found) > found[0].allowed
    assert beyond((Span(0, 6_000), Span(9_000, 15_000), Span(20_000, 26_000)), paid) == 1.5


def test_variants_that_answer_unlike_are_named() -> None:
    paid = terms()

    def shifted(street: Street) -> Iterator[Contribution]:
        return contributions_of({time_ms + 1_000: level for time_ms, level in street.items()}, paid)

    street = next(iter(pairs(paid))).with_event
    alike = partial(contributions_of, charge=paid)
    assert same_audit({"first": alike, "again": alike, "shifted": shifted}, street) == ["shifted"]


def test_the_report_says_claim_and_bound() -> None:
    lines = list(report(charge(1), draws=200, per_bin=200))
    assert len(lines) == 2
    assert all("epsilon claimed 0.8, shown at least" in line and "holds" in line for line in lines)
