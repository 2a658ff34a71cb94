"""Charges worked out from policies."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.privacy.conftest import BIN_MS, CELL, charge

from passerby.config.site import CountedLine
from passerby.domain.geometry import Line
from passerby.domain.labels import LABELS
from passerby.domain.policy import FootagePolicy
from passerby.domain.timespan import Span
from passerby.errors import PolicyError
from passerby.privacy.standing_query import (
    ad_hoc_charge,
    blackout_ms,
    budget_micro,
    cells_of,
    configuration,
    split,
    standing_charge,
)

POLICY = FootagePolicy(
    rho_ms=6_000, k=2, epsilon=1.0, clip=6, chunk_ms=9_000, warmup_ms=2_000, every_ms=BIN_MS
)


@given(epsilon_micro=st.integers(1, 10_000_000))
def test_the_two_levels_share_all_of_epsilon(epsilon_micro: int) -> None:
    bins, days = split(epsilon_micro)
    assert bins + days == epsilon_micro
    assert abs(bins - 0.8 * epsilon_micro) < 1


def test_a_policy_gives_the_charges_of_its_line() -> None:
    bin_, day = Span(BIN_MS, 2 * BIN_MS), Span(0, 96 * BIN_MS)
    assert standing_charge(POLICY, [CELL], 1, bin_, "bin").terms == charge(1).terms
    assert standing_charge(POLICY, [CELL], 1, day, "day").terms == charge(0, 200_000, "bridge days").terms
    assert standing_charge(POLICY, [CELL], 1, bin_, "bin").delta == 24


def test_each_question_is_a_query_of_its_own() -> None:
    first = ad_hoc_charge(POLICY, [CELL], 1, Span(0, BIN_MS), 0.1)
    assert first.epsilon_micro == 100_000
    assert first.query != ad_hoc_charge(POLICY, [CELL], 1, Span(0, 2 * BIN_MS), 0.1).query
    assert first.query != ad_hoc_charge(POLICY, [CELL], 1, Span(0, BIN_MS), 0.2).query


def test_a_span_that_cuts_a_chunk_is_refused() -> None:
    with pytest.raises(PolicyError, match="where chunks do"):
        standing_charge(POLICY, [CELL], 1, Span(0, BIN_MS + 1), "bin")


def test_a_camera_waits_for_its_slowest_line_and_pays_for_all() -> None:
    other = replace(POLICY, rho_ms=10_000, epsilon=0.25)
    assert blackout_ms([POLICY, other]) == 21_000
    assert budget_micro([POLICY, other]) == 1_250_000


def test_an_epsilon_finer_than_it_is_counted_is_refused() -> None:
    with pytest.raises(PolicyError, match="six places"):
        standing_charge(replace(POLICY, epsilon=1.0000001), [CELL], 1, Span(0, BIN_MS), "bin")
    assert (
        standing_charge(replace(POLICY, epsilon=0.3), [CELL], 1, Span(0, BIN_MS), "bin").epsilon_micro
        == 240_000
    )


def test_a_line_that_lists_no_class_has_those_of_this_version_in_its_configuration() -> None:
    line = CountedLine(Line("bridge", (0.5, 0.0), (0.5, 1.0)), None, 0.1, POLICY)
    listed, earlier = replace(line, labels=LABELS), replace(line, labels=LABELS[:-1])
    assert configuration("motion", [line]) == configuration("motion", [listed])
    assert configuration("motion", [line]) != configuration("motion", [earlier])
    assert {cell.label for cell in cells_of("bridge", line)} == set(LABELS)
