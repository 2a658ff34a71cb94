"""Rate limit: the burst at once, then the rate, with bounded memory."""

from hypothesis import given
from hypothesis import strategies as st

from passerby.publish.api.rate_limit import RateLimit


def test_a_burst_and_then_the_rate() -> None:
    limit = RateLimit(per_s=2, burst=3)
    assert [limit.wait_s("a", 10.0) for _ in range(4)] == [0, 0, 0, 1]
    assert limit.wait_s("b", 10.0) == 0
    assert limit.wait_s("a", 10.5) == 0
    assert limit.wait_s("a", 10.5) == 1
    assert RateLimit(per_s=0.1, burst=1).wait_s("a", 0) == 0


def test_after_the_returned_wait_a_request_is_allowed() -> None:
    limit = RateLimit(per_s=0.1, burst=1)
    assert limit.wait_s("a", 0) == 0
    assert limit.wait_s("a", 4) == 6
    assert limit.wait_s("a", 10) == 0


def test_a_clock_that_goes_back_adds_no_requests() -> None:
    limit = RateLimit(per_s=1, burst=1)
    assert limit.wait_s("a", 100) == 0
    assert limit.wait_s("a", 50) > 0


@given(steps=st.lists(st.floats(0, 5), max_size=200), per_s=st.floats(0.5, 5), burst=st.integers(1, 10))
def test_never_more_than_the_burst_and_the_rate_allow(steps: list[float], per_s: float, burst: int) -> None:
    limit, now, allowed = RateLimit(per_s, burst), 0.0, 0
    for step in steps:
        now += step
        allowed += limit.wait_s("a", now) == 0
        assert allowed <= burst + now * per_s + 1e-6


def test_memory_is_bounded_with_many_names() -> None:
    limit = RateLimit(per_s=1, burst=5, most_names=100)
    for number in range(1_000):
        limit.wait_s(f"name {number}", 0)
    assert len(limit._left) == 100
