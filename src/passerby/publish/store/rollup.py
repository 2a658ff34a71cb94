"""Which hour and which day a bin is summed into, and what it adds to them.

Invariant: pure; hours and days are those of the site's wall clock; the order of adding changes no integer.
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
    """What the bins of one cell in `span` add up to; `covered` is milliseconds with frames, in millionths, `sender`
    those of them that the sender's clock dated, None where that is not known of every bin."""

    span: Span
    value: int = 0
    variance: float = 0.0
    epsilon: float = 0.0
    covered: int = 0
    summed_ms: int = 0
    releases: int = 0
    sender: int | None = 0

    def add(self, one: Release) -> None:
        length_ms = one.end_ms - one.start_ms
        self.value += one.value
        self.variance += variance(one.noise_scale)
        # Bins share no instant, so who is in several of them is told by the same epsilon once.
        self.epsilon = max(self.epsilon, one.epsilon)
        self.covered += round(one.coverage * MICRO) * length_ms
        self.summed_ms += length_ms
        self.releases += 1
        if self.sender is None or one.sender_clock is None:
            self.sender = None
        else:
            self.sender += round(one.sender_clock * MICRO) * length_ms


@lru_cache(maxsize=4096)
def homes(start_ms: int, end_ms: int, zone: tzinfo) -> tuple[tuple[Resolution, Span], ...]:
    """The local hour and the local day that a bin is summed into.

    Bins that do not make up an hour (of 9 or 45 minutes, or 6 hours) have a day only: an hour without some of
    its bins would be read as a quiet one.
    """
    return tuple(_inside(start_ms, end_ms, zone))


def _inside(start_ms: int, end_ms: int, zone: tzinfo) -> Iterator[tuple[Resolution, Span]]:
    hour = next(calendar.bins(Span(start_ms, start_ms + 1), HOUR_MS, zone)).span
    if end_ms <= hour.end_ms and hour.duration_ms % (end_ms - start_ms) == 0:
        yield "hour", hour
    day = next(calendar.bins(Span(start_ms, start_ms + 1), calendar.DAY_MS, zone)).span
    if end_ms <= day.end_ms:
        yield "day", day
