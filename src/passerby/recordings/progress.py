"""The progress of a count, reported while its detections are taken.

Invariant: a report has times alone, and changes nothing.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import perf_counter

from passerby.counting.detections import Detections
from passerby.video.observe import CpuTime, Observed, Reading


@dataclass(frozen=True, slots=True)
class Progress:
    """`done_ms` of `total_ms` of video, 0 where the file does not say how long it is, after `wall_s` seconds.

    >>> passerby.Progress(done_ms=30_000, total_ms=60_000, wall_s=2.5).done_ms
    30000
    """

    done_ms: int
    total_ms: int
    wall_s: float


@dataclass(frozen=True, slots=True)
class Reported:
    """`observed`, of a recording of `total_ms` that begins at `start_ms`; `report` is called at each tick."""

    observed: Observed
    start_ms: int
    total_ms: int
    report: Callable[[Progress], None] | None

    @property
    def reading(self) -> Reading:
        """How reading the file went so far."""
        return self.observed.reading

    @property
    def cpu(self) -> CpuTime:
        """CPU time of decoding and detection so far."""
        return self.observed.cpu

    def __iter__(self) -> Iterator[Detections]:
        began_s = perf_counter()
        for tick in self.observed:
            if self.report is not None:
                self.report(Progress(tick.time_ms - self.start_ms, self.total_ms, perf_counter() - began_s))
            yield tick
