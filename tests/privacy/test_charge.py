"""What a charge covers and how charges add up, against one counter for every start of a segment."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.privacy.conftest import charge

from passerby.domain.release import Cell
from passerby.domain.timespan import Span
from passerby.errors import PolicyError
from passerby.privacy.charge import FootageCharge, Spent, epsilon_text, micro_epsilon, peak, whole_chunks
from passerby.privacy.contribution import reached
from passerby.privacy.noise import MICRO

SPANS = st.tuples(st.integers(0, 40), st.integers(1, 15)).map(lambda pair: Span(pair[0], pair[0] + pair[1]))


@pytest.mark.parametrize(
    ("epsilon", "micro"), [(1, 1_000_000), (0.1, 100_000), (0.3, 300_000), (1e-7, 1), (1.0000001, 1_000_001)]
)
def test_micro_epsilons_are_rounded_up(epsilon: float, micro: int) -> None:
    assert micro_epsilon(epsilon) == micro


@given(st.floats(1e-9, 1e6))
def test_no_epsilon_is_charged_for_less_than_it_is(epsilon: float) -> None:
    exact = Fraction(Decimal(str(epsilon))) * MICRO
    assert exact <= micro_epsilon(epsilon) < exact + 1


@given(st.integers(0, 10**12))
def test_the_text_of_an_epsilon_is_exact(epsilon_micro: int) -> None:
    assert Decimal(epsilon_text(epsilon_micro)) * MICRO == epsilon_micro


@pytest.mark.parametrize("epsilon", [0, -1, float("inf"), float("nan")])
def test_an_epsilon_that_cannot_be_charged(epsilon: float) -> None:
    with pytest.raises(PolicyError, match="above 0"):
        micro_epsilon(epsilon)


@given(
    charges=st.lists(st.tuples(st.sampled_from("abc"), SPANS), max_size=8),
    over=SPANS,
)
def test_peak_is_the_largest_of_one_counter_for_every_start(
    charges: list[tuple[str, Span]], over: Span
) -> None:
    epsilon = {"a": 3, "b": 5, "c": 11}
    costs = [
        sum(epsilon[query] for query in {query for query, span in charges if start in span})
        for start in range(over.start_ms, over.end_ms)
    ]
    assert peak((Spent(query, span, epsilon[query]) for query, span in charges), over) == max(costs)


@given(
    rho=st.integers(1, 9),
    warmup=st.integers(0, 5),
    chunk=st.integers(1, 5),
    first=st.integers(2, 6),
    length=st.integers(1, 3),
)
def test_a_charge_covers_every_segment_that_can_touch_its_release(
    rho: int, warmup: int, chunk: int, first: int, length: int
) -> None:
    paid = FootageCharge(
        camera="north",
        epoch=1,
        query="bridge",
        span=Span(first * chunk, (first + length) * chunk),
        cells=(Cell("north", "bridge", "in", "person"),),
        epsilon_micro=1,
        rho_ms=rho,
        k=1,
        chunk_ms=chunk,
        warmup_ms=warmup,
        cap=1,
    )
    chunks = set(range(first, first + length))
    for start in range(-30, 60):
        touched = set(reached(Span(start, start + rho), warmup_ms=warmup, lookahead_ms=0, chunk_ms=chunk))
        if touched & chunks:
            assert start in paid.covers


@pytest.mark.parametrize(
    "change",
    [
        {"cells": ()},
        {"cells": charge(0).cells * 2},
        {"cells": (Cell("south", "bridge", "in", "person"),)},
        {"epsilon_micro": 0},
        {"rho_ms": 0},
        {"k": 0},
        {"cap": 0},
        {"chunk_ms": 0},
        {"warmup_ms": -1},
        {"span": Span(0, 0)},
        {"span": Span(1, 9_000)},
        {"span": Span(0, 9_001)},
    ],
)
def test_terms_that_cannot_hold_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(PolicyError, match="camera north, query bridge bins"):
        replace(charge(0), **change)  # type: ignore[arg-type]


def test_a_recording_is_charged_for_whole_chunks() -> None:
    assert whole_chunks(Span(8_999, 18_001), 9_000) == Span(0, 27_000)
    assert whole_chunks(Span(9_000, 18_000), 9_000) == Span(9_000, 18_000)
