"""Intervals against published values and against their own definition.

Invariant: no figure that was computed here is expected here.
"""

from math import isclose, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerby.evaluation.interval import accuracy_interval, wilson


@pytest.mark.parametrize(
    ("errors", "of", "low", "high"),
    [
        # Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_is_that_of_the_literature(errors: int, of: int, low: float, high: float) -> None:
    found = wilson(errors, of)

    assert isclose(found[0], low, abs_tol=5e-5)
    assert isclose(found[1], high, abs_tol=5e-5)


@given(st.integers(1, 10_000).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_its_ends_are_where_the_score_test_just_rejects(case: tuple[int, int]) -> None:
    errors, of = case
    low, high = wilson(errors, of)

    assert 0 <= low <= errors / of <= high <= 1
    for end in (low, high):
        if 0 < end < 1 and not isclose(end, errors / of, abs_tol=1e-9):
            assert isclose(abs(errors / of - end) / sqrt(end * (1 - end) / of), 1.959964, rel_tol=1e-4)


@pytest.mark.parametrize(("errors", "of"), [(-1, 3), (4, 3), (0, 0)])
def test_numbers_that_are_no_share_are_refused(errors: int, of: int) -> None:
    with pytest.raises(ValueError, match="errors of"):
        wilson(errors, of)


def test_an_accuracy_has_the_interval_of_its_errors() -> None:
    found = accuracy_interval(263, 80, 1)

    assert found is not None
    assert isclose(found[0], 1 - 0.3662, abs_tol=5e-5)
    assert isclose(found[1], 1 - 0.2553, abs_tol=5e-5)


@pytest.mark.parametrize(("true", "missed", "over"), [(0, 0, 0), (0, 0, 3), (3, 2, 2)])
def test_more_errors_than_crossings_have_no_interval(true: int, missed: int, over: int) -> None:
    assert accuracy_interval(true, missed, over) is None
