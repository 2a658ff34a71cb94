"""When a page is loaded again by itself."""

from hypothesis import given
from hypothesis import strategies as st

from passerby.publish.pages.renewal import LEAST_S, USUAL_DELAY_MS, Renewal

BIN_MS = 900_000
END_MS = 1_795_388_400_000


def test_it_waits_until_the_next_bin_is_out() -> None:
    renewal = Renewal(END_MS, BIN_MS)

    assert renewal.wait_s(END_MS + USUAL_DELAY_MS) == BIN_MS // 1000
    assert renewal.wait_s(END_MS + BIN_MS + USUAL_DELAY_MS - 100_000) == 100
    assert renewal.wait_s(END_MS + BIN_MS + USUAL_DELAY_MS - 1) == LEAST_S


def test_where_numbers_are_late_it_asks_four_times_in_a_bin() -> None:
    assert Renewal(END_MS, BIN_MS).wait_s(END_MS + 100 * BIN_MS) == BIN_MS // 4000


@given(st.integers(1_000, 86_400_000), st.integers(-(10**12), 10**12))
def test_it_never_asks_often_nor_waits_for_longer_than_a_bin_takes(bin_ms: int, after_ms: int) -> None:
    wait_s = Renewal(END_MS, bin_ms).wait_s(END_MS + after_ms)

    assert LEAST_S <= wait_s <= max(LEAST_S, (bin_ms + USUAL_DELAY_MS) // 1000 + 1)
