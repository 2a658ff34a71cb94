"""Publication: when it is known beforehand, whatever is counted and however long that takes."""

from collections.abc import Iterator
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from passerby.domain.release import Cell, Release
from passerby.domain.timespan import Span
from passerby.privacy.schedule import due_ms, publish

BIN_MS, DELAY_MS = 900_000, 60_000
CELL = Cell("north", "bridge", "in", "person")


def release(span: Span) -> Release:
    return Release(CELL, span.start_ms, span.end_ms, -3, 24.0, 1.0, 1.0, "receipt")


class Clock:
    """Work takes time, waiting takes what is left."""

    def __init__(self) -> None:
        self.now_ms = 0

    def wait_until(self, time_ms: int) -> None:
        self.now_ms = max(self.now_ms, time_ms)


def published(works_ms: list[int]) -> list[int]:
    """When each bin is published whose counting and noise take that long after its end."""
    clock = Clock()
    told: list[int] = []

    def prepared() -> Iterator[tuple[Span, Iterator[Release]]]:
        for number, work_ms in enumerate(works_ms):
            span = Span(number * BIN_MS, (number + 1) * BIN_MS)
            clock.wait_until(span.end_ms)

            def draw(span: Span = span, work_ms: int = work_ms) -> Iterator[Release]:
                clock.now_ms += work_ms
                yield release(span)

            yield span, draw()

    publish(
        prepared(),
        lambda one: told.append(clock.now_ms),
        now_ms=lambda: clock.now_ms,
        wait_until=clock.wait_until,
        delay_ms=DELAY_MS,
    )
    return told


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
