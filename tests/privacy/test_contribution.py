"""The formulas against brute force, on grids small enough to try everything."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerby.domain.release import Cell
from passerby.domain.timespan import Chunk, Span
from passerby.privacy.contribution import (
    change_under,
    chunks_touched,
    clip,
    largest_change,
    reached,
    sensitivity,
    within,
)

CHUNK = Chunk("north", Span(0, 9000))


def cells(number: int) -> tuple[Cell, ...]:
    return tuple(Cell("north", "bridge", "in", f"label{index}") for index in range(number))


def clipped(counts: tuple[int, ...], cap: int) -> tuple[int, ...]:
    names = cells(len(counts))
    return clip(CHUNK, dict(zip(names, counts, strict=True)), names, cap).counts


def touched_by_trying(rho: int, warmup: int, lookahead: int, chunk: int) -> int:
    """The most chunks, over all phases, whose window meets the closed segment [start, start + rho]."""
    most = 0
    for start in range(chunk):
        segment = range(start, start + rho + 1)
        windows = [range(n * chunk - warmup, (n + 1) * chunk + lookahead) for n in range(-40, 40)]
        most = max(most, sum(any(time in window for time in segment) for window in windows))
    return most


def test_chunks_touched_is_what_trying_every_phase_gives() -> None:
    for rho, warmup, lookahead, chunk in product(range(8), range(5), range(3), range(1, 6)):
        assert chunks_touched(rho, warmup, lookahead, chunk) == touched_by_trying(
            rho, warmup, lookahead, chunk
        )


def test_a_warm_up_costs_a_chunk_when_the_chunk_divides_rho() -> None:
    assert chunks_touched(30_000, 0, 0, 30_000) == 2
    assert chunks_touched(30_000, 1, 0, 30_000) == 3
    assert chunks_touched(6_000, 2_000, 0, 9_000) == 2


@pytest.mark.parametrize("number", [1, 2, 3, 4])
@pytest.mark.parametrize("cap", [1, 2, 3])
def test_largest_change_is_reached_and_never_passed(number: int, cap: int) -> None:
    outcomes = {clipped(counts, cap) for counts in product(range(cap + 2), repeat=number)}
    distances = [
        sum(abs(one - other) for one, other in zip(a, b, strict=True)) for a in outcomes for b in outcomes
    ]
    assert max(distances) == largest_change(number, cap)


def test_change_under_bounds_caps_of_every_kind() -> None:
    for caps in product(range(1, 4), repeat=3):
        for joint in (None, 1, 2, 3, 4, 9):
            allowed = [
                counts
                for counts in product(*(range(cap + 1) for cap in caps))
                if joint is None or sum(counts) <= joint
            ]
            worst = max(
                sum(abs(one - other) for one, other in zip(a, b, strict=True))
                for a in allowed
                for b in allowed
            )
            assert worst <= change_under(caps, joint)
            if joint is None:
                assert worst == sum(caps)
    assert change_under((3, 3), 3) == 6
    assert change_under((5,), 3) == 3


@given(
    rho=st.integers(1, 12),
    warmup=st.integers(0, 6),
    chunk=st.integers(1, 8),
    k=st.integers(1, 3),
    starts=st.lists(st.integers(0, 60), min_size=3, max_size=3),
    number=st.integers(1, 4),
    cap=st.integers(1, 3),
)
def test_no_event_moves_the_stream_by_more_than_delta(
    rho: int, warmup: int, chunk: int, k: int, starts: list[int], number: int, cap: int
) -> None:
    bound = sensitivity(rho_ms=rho, k=k, chunk_ms=chunk, warmup_ms=warmup, cap=cap, cells=number)
    changed: set[int] = set()
    for start in starts[:k]:
        changed |= set(reached(Span(start, start + rho), warmup_ms=warmup, lookahead_ms=0, chunk_ms=chunk))
    assert len(changed) <= k * bound.chunks
    assert len(changed) * bound.change <= bound.delta == k * bound.chunks * bound.change


@given(
    start=st.integers(-50, 50),
    length=st.integers(1, 20),
    warmup=st.integers(0, 9),
    lookahead=st.integers(0, 9),
    chunk=st.integers(1, 9),
)
def test_reached_names_exactly_the_windows_that_meet_the_segment(
    start: int, length: int, warmup: int, lookahead: int, chunk: int
) -> None:
    segment = Span(start, start + length)
    tried = [
        n
        for n in range(-100, 100)
        if Span(n * chunk - warmup, (n + 1) * chunk + lookahead).overlap_ms(segment) > 0
    ]
    assert list(reached(segment, warmup_ms=warmup, lookahead_ms=lookahead, chunk_ms=chunk)) == tried


@given(counts=st.lists(st.integers(-3, 40), min_size=1, max_size=6), cap=st.integers(1, 9))
def test_clip_keeps_its_caps_and_takes_no_more_than_it_must(counts: list[int], cap: int) -> None:
    names = cells(len(counts))
    contribution = clip(CHUNK, dict(zip(names, counts, strict=True)), names, cap)
    assert within(contribution, cap)
    wanted = [min(max(count, 0), cap) for count in counts]
    assert all(got <= want for got, want in zip(contribution.counts, wanted, strict=True))
    assert sum(contribution.counts) == (sum(wanted) if len(counts) <= 2 else min(cap, sum(wanted)))


def test_a_cell_without_a_crossing_is_there_and_zero() -> None:
    assert clip(CHUNK, {}, cells(3), 6).counts == (0, 0, 0)


def test_a_cell_of_no_site_file_is_refused_without_its_count() -> None:
    with pytest.raises(ValueError, match="site file") as caught:
        clip(CHUNK, {cells(2)[1]: 4711}, cells(1), 6)
    assert "4711" not in str(caught.value)


def test_clip_shares_a_joint_cap_among_its_cells() -> None:
    assert clipped((9, 9, 9), 6) == (2, 2, 2)
    assert clipped((9, 1, 0), 6) == (5, 1, 0)


def test_sensitivity_gives_the_table_of_the_design() -> None:
    def delta(rho_s: int, chunk_s: int, cap: int, warmup_s: int) -> int:
        return sensitivity(
            rho_ms=rho_s * 1000, k=2, chunk_ms=chunk_s * 1000, warmup_ms=warmup_s * 1000, cap=cap, cells=1
        ).delta

    assert [delta(30, 30, 12, 2), delta(6, 9, 6, 2), delta(4, 5, 5, 1)] == [72, 24, 20]
