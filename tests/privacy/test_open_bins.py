"""Open bins: added to in order, within their caps, and kept as they are."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerby.domain.release import Cell
from passerby.domain.timespan import Chunk, Span
from passerby.errors import PasserbyError
from passerby.privacy.charge import FootageCharge, Receipt
from passerby.privacy.contribution import Contribution
from passerby.privacy.open_bins import OpenBin, from_plain, key_of, to_plain

CHUNK_MS, CAP = 9_000, 5
SPAN = Span(90 * CHUNK_MS, 100 * CHUNK_MS)
CELLS = tuple(Cell("north", "road", direction, "car") for direction in ("in", "out"))


def opened() -> OpenBin:
    terms = {"epsilon_micro": 10, "rho_ms": 4_000, "k": 1, "chunk_ms": CHUNK_MS, "warmup_ms": 2_000}
    return OpenBin(
        "bin",
        Receipt(FootageCharge("north", 1, "road bins", SPAN, CELLS, cap=CAP, limit=None, **terms), "receipt"),
    )


def said(number: int, *counts: int, chunks: int = 1) -> Contribution:
    span = Span(number * CHUNK_MS, (number + chunks) * CHUNK_MS)
    return Contribution(Chunk("north", span), CELLS, counts)


def test_chunks_are_added_up_in_order_and_none_twice() -> None:
    open_ = opened()
    assert not open_.contributions
    assert open_.add(said(91, 3, 0), CHUNK_MS, CHUNK_MS)
    assert open_.add(said(93, 1, 5), 4_500, 0)
    for before in (90, 91, 92, 93):
        assert not open_.add(said(before, 1, 1), CHUNK_MS, CHUNK_MS)
    (summed,) = open_.contributions
    assert summed == Contribution(Chunk("north", Span(91 * CHUNK_MS, 94 * CHUNK_MS)), CELLS, (4, 5))
    assert open_.coverage == pytest.approx(0.15)
    assert open_.sender_clock == pytest.approx(0.1)


@pytest.mark.parametrize("number", [89, 100, 0])
def test_a_chunk_of_another_time_is_left_out(number: int) -> None:
    open_ = opened()
    assert not open_.add(said(number, 9, 9), CHUNK_MS, 0)
    assert open_ == opened()


@pytest.mark.parametrize(
    "wrong", [said(91, 6, 0), said(91, -1, 0), said(91, 1), said(91, 1, 1, 1), said(91, 1, 1, chunks=2)]
)
def test_what_is_above_its_caps_is_refused_and_adds_nothing(wrong: Contribution) -> None:
    open_ = opened()
    with pytest.raises(ValueError, match="caps"):
        open_.add(wrong, CHUNK_MS, 0)
    assert open_ == opened()


numbers = st.integers(0, 2**53)


@given(st.lists(st.tuples(st.integers(88, 101), st.integers(0, CAP), st.integers(0, CAP), numbers, numbers)))
def test_no_more_is_covered_than_there_is_and_no_more_dated_than_covered(
    chunks: list[tuple[int, int, int, int, int]],
) -> None:
    open_ = opened()
    expected = [0, 0]
    for number, one, other, covered_ms, sender_ms in chunks:
        if open_.add(said(number, one, other), covered_ms, sender_ms):
            expected = [expected[0] + one, expected[1] + other]
    assert list(open_.sums or (0, 0)) == expected
    assert open_.sender_clock is not None
    assert 0 <= open_.sender_clock <= open_.coverage <= 1
    # As it is kept for who comes after a crash.
    assert from_plain(json.loads(json.dumps(to_plain(open_)))) == open_


def test_what_an_earlier_version_kept_is_read_and_its_clock_stays_unknown() -> None:
    open_ = opened()
    open_.add(said(91, 3, 0), CHUNK_MS, CHUNK_MS)
    old = {name: value for name, value in to_plain(open_).items() if name != "sender_ms"}
    read = from_plain(json.loads(json.dumps(old)))
    assert read == replace(open_, sender_ms=None)
    assert read.add(said(92, 1, 1), CHUNK_MS, CHUNK_MS)
    assert read.sender_clock is None
    assert read.coverage == pytest.approx(0.2)


def test_what_was_drawn_is_not_kept_beside_the_ledger() -> None:
    open_ = opened()
    open_.add(said(91, 3, 0), CHUNK_MS, CHUNK_MS)
    assert to_plain(replace(open_, drawn=(), due_ms=5)) == to_plain(open_)


@given(
    st.dictionaries(
        st.sampled_from(sorted(to_plain(opened()))),
        st.none() | st.integers() | st.text() | st.lists(st.integers()) | st.floats(),
        min_size=1,
    )
)
def test_what_is_broken_is_read_as_a_slot_or_refused(broken: dict[str, object]) -> None:
    try:
        read = from_plain({**to_plain(opened()), **broken})
    except (KeyError, TypeError, ValueError, OverflowError, PasserbyError):
        return
    assert key_of(read.charge) == key_of(opened().charge)
