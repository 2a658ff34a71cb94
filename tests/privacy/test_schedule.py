"""Publication: when it is known beforehand, whatever is counted and however long that takes."""

from collections.abc import Iterable
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from tests.privacy.conftest import BIN_MS, charge

from passerby.domain.release import Level, Release
from passerby.domain.timespan import Span
from passerby.privacy.accounts import Accounts
from passerby.privacy.charge import Charge, Receipt, Stored
from passerby.privacy.schedule import due_ms

DELAY_MS = 60_000


class Granting:
    """A ledger that grants every slot, and keeps nothing."""

    def spend(self, paid: Charge) -> Receipt:
        return Receipt(paid, "receipt")

    def released(self, receipt: Receipt) -> Stored | None:
        return None

    def record(self, receipt: Receipt, stored: Stored) -> None:
        pass


class Clock:
    """Work takes time, waiting takes the rest."""

    def __init__(self) -> None:
        self.now_ms = 0

    def wait_until(self, time_ms: int) -> None:
        self.now_ms = max(self.now_ms, time_ms)


def published(works_ms: Iterable[int]) -> list[int]:
    """When each bin is published whose counting and noise take that long after its end."""
    accounts = Accounts(Granting())  # type: ignore[arg-type]
    clock = Clock()
    times: list[int] = []

    def publish(releases: tuple[Release, ...], level: Level) -> None:
        times.append(clock.now_ms)

    for number, work_ms in enumerate(works_ms):
        open_bin = accounts.pay(charge(number), "bin")
        clock.wait_until(open_bin.span.end_ms)
        clock.now_ms += work_ms
        due = due_ms(open_bin.span, clock.now_ms, DELAY_MS)
        accounts.draw(open_bin, due)
        accounts.publish(due - 1, publish)
        clock.wait_until(due)
        accounts.publish(clock.now_ms, publish)
    return times


@given(st.lists(st.integers(0, DELAY_MS), min_size=1, max_size=20))
def test_however_long_it_takes_to_draw_it_is_published_at_the_same_time(works_ms: list[int]) -> None:
    assert published(works_ms) == [(n + 1) * BIN_MS + DELAY_MS for n in range(len(works_ms))]


@given(st.integers(0, 20 * BIN_MS))
def test_what_is_late_waits_for_whole_bins(now_ms: int) -> None:
    span = Span(0, BIN_MS)
    due = due_ms(span, now_ms, DELAY_MS)
    assert due >= now_ms
    assert due >= BIN_MS + DELAY_MS
    assert (due - DELAY_MS) % BIN_MS == 0
    assert due - max(now_ms, BIN_MS + DELAY_MS) < BIN_MS


@given(st.lists(st.integers(0, 3 * BIN_MS), min_size=2, max_size=10))
def test_times_tell_of_late_work_no_more_than_by_how_many_bins(works_ms: list[int]) -> None:
    times = published(works_ms)
    assert all((time_ms - DELAY_MS) % BIN_MS == 0 for time_ms in times)
    assert all(before <= after for before, after in pairwise(times))
