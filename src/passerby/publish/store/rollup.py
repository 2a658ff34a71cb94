"""Roll-ups: the hour and the day that a bin belongs to, and the sum of their bins.

Invariant: pure; hours and days follow the site's wall clock; the order of additions changes no integer.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import tzinfo
from functools import lru_cache

from passerby.domain import calendar
from passerby.domain.noise_interval import variance
from passerby.domain.release import Release
from passerby.domain.timespan import Span
from passerby.publish.store.sums import Resolution

HOUR_MS = 3_600_000
MICRO = 1_000_000


@dataclass(slots=True)
class Rollup:
    """The sum of the bins of one cell in `span`.

    `covered` is the time with frames, in millionths of a millisecond; `sender` is the part of it that was dated by the
    sender's clock, None unless it is known for every bin. `promise` is that of the bins, None for `footage`: it changes
    with a day only.
    """

    span: Span
    value: int = 0
    variance: float = 0.0
    epsilon: float = 0.0
    covered: int = 0
    summed_ms: int = 0
    releases: int = 0
    sender: int | None = 0
    promise: str | None = None

    def add(self, release: Release) -> None:
        length_ms = release.end_ms - release.start_ms
        self.value += release.value
        self.variance += variance(release.noise_scale)
        # Bins are disjoint, so their epsilons compose in parallel: take the maximum.
        self.epsilon = max(self.epsilon, release.epsilon)
        self.covered += round(release.coverage * MICRO) * length_ms
        self.summed_ms += length_ms
        self.releases += 1
        self.promise = None if release.promise == "footage" else release.promise
        if self.sender is None or release.sender_clock is None:
            self.sender = None
        else:
            self.sender += round(release.sender_clock * MICRO) * length_ms


@lru_cache(maxsize=4096)
def rollup_spans(start_ms: int, end_ms: int, zone: tzinfo) -> tuple[tuple[Resolution, Span], ...]:
    """The local hour and the local day that the bin `[start_ms, end_ms)` (Unix ms UTC) is added to.

    A bin whose length does not divide the hour (9 or 45 minutes, 6 hours) is added to the day only: an hour with
    missing bins would look like a quiet hour.
    """
    return tuple(_rollup_spans(start_ms, end_ms, zone))


def _rollup_spans(start_ms: int, end_ms: int, zone: tzinfo) -> Iterator[tuple[Resolution, Span]]:
    hour = next(calendar.bins(Span(start_ms, start_ms + 1), HOUR_MS, zone)).span
    if end_ms <= hour.end_ms and hour.duration_ms % (end_ms - start_ms) == 0:
        yield "hour", hour
    day = next(calendar.bins(Span(start_ms, start_ms + 1), calendar.DAY_MS, zone)).span
    if end_ms <= day.end_ms:
        yield "day", day
