"""The time after which a page reloads itself."""

from hypothesis import given
from hypothesis import strategies as st

from passerby.publish.pages.auto_refresh import LEAST_S, USUAL_DELAY_MS, AutoRefresh

BIN_MS = 900_000
END_MS = 1_795_388_400_000


def test_it_waits_until_the_next_bin_is_published() -> None:
    refresh = AutoRefresh(END_MS, BIN_MS)

    assert refresh.wait_s(END_MS + USUAL_DELAY_MS) == BIN_MS // 1000
    assert refresh.wait_s(END_MS + BIN_MS + USUAL_DELAY_MS - 100_000) == 100
    assert refresh.wait_s(END_MS + BIN_MS + USUAL_DELAY_MS - 1) == LEAST_S


def test_if_numbers_are_late_it_reloads_four_times_per_bin() -> None:
    assert AutoRefresh(END_MS, BIN_MS).wait_s(END_MS + 100 * BIN_MS) == BIN_MS // 4000


@given(st.integers(1_000, 86_400_000), st.integers(-(10**12), 10**12))
def test_it_never_reloads_often_nor_waits_longer_than_a_bin(bin_ms: int, after_ms: int) -> None:
    wait_s = AutoRefresh(END_MS, bin_ms).wait_s(END_MS + after_ms)

    assert LEAST_S <= wait_s <= max(LEAST_S, (bin_ms + USUAL_DELAY_MS) // 1000 + 1)
