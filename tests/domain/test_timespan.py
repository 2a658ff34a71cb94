"""Spans are half-open, so that cutting loses nothing and counts nothing twice."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerby.domain.timespan import Chunk, Span, cut

TIMES = st.integers(-(10**7), 2 * 10**7)
LENGTHS = st.integers(40_000, 10**7)


@st.composite
def spans(draw: st.DrawFn) -> Span:
    first, second = sorted((draw(TIMES), draw(TIMES)))
    return Span(first, second)


def test_a_span_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(ValueError, match=r"ends \(3\) before it starts \(4\)"):
        Span(4, 3)


def test_an_instant_at_the_end_is_not_in_it() -> None:
    span = Span(10, 20)
    assert [time_ms in span for time_ms in (9, 10, 19, 20)] == [False, True, True, False]
    assert 5 not in Span(5, 5)


@given(spans(), spans())
def test_overlap_is_symmetric_and_never_more_than_either_span(one: Span, other: Span) -> None:
    shared = one.overlap_ms(other)
    assert shared == other.overlap_ms(one)
    assert 0 <= shared <= min(one.duration_ms, other.duration_ms)
    assert one.overlap_ms(one) == one.duration_ms


@given(spans(), spans(), TIMES)
def test_an_instant_in_both_means_an_overlap(one: Span, other: Span, time_ms: int) -> None:
    if time_ms in one and time_ms in other:
        assert one.overlap_ms(other) > 0


@given(spans(), LENGTHS)
def test_cuts_are_the_whole_without_gap_or_overlap(span: Span, length_ms: int) -> None:
    parts = list(cut(span, length_ms))
    assert sum(part.duration_ms for part in parts) == span.duration_ms
    assert all(0 < part.duration_ms <= length_ms for part in parts)
    for part, following in itertools.pairwise(parts):
        assert part.end_ms == following.start_ms
        assert part.end_ms % length_ms == 0
    if parts:
        assert (parts[0].start_ms, parts[-1].end_ms) == (span.start_ms, span.end_ms)


@given(spans(), LENGTHS, st.integers(0, 10**7))
def test_where_cuts_lie_does_not_depend_on_where_the_span_starts(
    span: Span, length_ms: int, earlier_ms: int
) -> None:
    longer = Span(span.start_ms - earlier_ms, span.end_ms)
    inner = {part.end_ms for part in cut(span, length_ms)}
    assert inner == {part.end_ms for part in cut(longer, length_ms) if part.end_ms > span.start_ms}


@pytest.mark.parametrize("length_ms", [0, -1])
def test_a_length_of_nothing_is_refused(length_ms: int) -> None:
    with pytest.raises(ValueError, match="expected more than 0"):
        list(cut(Span(0, 10), length_ms))


def test_chunks_of_one_camera_and_span_are_one_chunk() -> None:
    assert len({Chunk("north", Span(0, 1)), Chunk("north", Span(0, 1)), Chunk("south", Span(0, 1))}) == 2
