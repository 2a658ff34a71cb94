"""Count the detections of one recording chunk by chunk.

Invariant: each chunk has a tracker of its own and sees the ticks within the margin around it, and no others.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from time import process_time

from passerby.counting.counts import Crossing, LineDiagnostics
from passerby.counting.crossings import find_crossings
from passerby.counting.detections import Detections
from passerby.counting.diagnostics import add, lost_tracks
from passerby.counting.evidence import with_motion
from passerby.counting.parameters import CountingParams
from passerby.counting.tracker import track
from passerby.domain.geometry import Line
from passerby.domain.timespan import Span
from passerby.recordings.checkpoint import Done
from passerby.recordings.plan import Plan
from passerby.video.observe import Observed, Reading


class ChunkCount:
    """The crossings of a recording, before they are compared with each other.

    `done` is what has been counted so far, and `cpu_s` the CPU seconds that tracking took. `save`, if any, is called
    with `done` whenever a part of the recording has been read, and at the end.
    """

    def __init__(self, plan: Plan, done: Done, save: Callable[[Done], None] | None = None) -> None:
        self.done = done
        self.cpu_s = 0.0
        self._plan = plan
        self._save = save

    def on_part(self, span: Span, reading: Reading) -> None:
        """Note that the part `span` has been read, with `reading` up to its end."""
        self.done = replace(self.done, reading=reading, read_ms=span.end_ms)
        if self._save is not None:
            self._save(self.done)

    def run(self, observed: Observed) -> Done:
        """Count the detections of `observed`. Raises as iterating it does."""
        task, params = self._plan.task, self._plan.method.params
        size_px = task.recording.width, task.recording.height
        for span, near in chunks(observed, params, self.done.counted_ms):
            began_s = process_time()
            crossings, diagnostics = crossings_of(near, task.lines, size_px, span, task.corridor, params)
            self.done = replace(
                self.done,
                crossings=(*self.done.crossings, *crossings),
                diagnostics=tuple(add(self.done.diagnostics, diagnostics)),
                counted_ms=span.end_ms,
            )
            self.cpu_s += process_time() - began_s
        if not self.done.complete:
            self.done = replace(self.done, reading=observed.reading, complete=True)
            if self._save is not None:
                self._save(self.done)
        return self.done


def crossings_of(
    ticks: Sequence[Detections],
    lines: Sequence[Line],
    size_px: tuple[int, int],
    span: Span,
    corridor: float | None,
    params: CountingParams = CountingParams(),
) -> tuple[list[Crossing], list[LineDiagnostics]]:
    """Crossings and diagnostics within `span`, by a fresh tracker over `ticks`, which may begin before the span and
    end after it."""
    tracks = track(ticks, params.tracker)
    crossings = find_crossings(tracks, lines, size_px, span, params.crossing)
    crossings = with_motion(crossings, ticks, lines, size_px, span, params)
    return crossings, lost_tracks(tracks, lines, size_px, corridor, span)


def chunks(
    ticks: Iterable[Detections], params: CountingParams = CountingParams(), start_ms: int | None = None
) -> Iterator[tuple[Span, list[Detections]]]:
    """Chunks cut at multiples of `params.chunk_ms`, each with the ticks within `params.margin_ms` of it; from the one
    that begins at `start_ms` on, None for where the ticks begin."""
    chunk_ms, margin_ms = params.chunk_ms, params.margin_ms
    near: list[Detections] = []
    for tick in ticks:
        if start_ms is None:
            start_ms = tick.time_ms // chunk_ms * chunk_ms
        if tick.time_ms < start_ms - margin_ms:
            continue
        near.append(tick)
        while tick.time_ms >= start_ms + chunk_ms + margin_ms:
            yield Span(start_ms, start_ms + chunk_ms), near[:-1]
            start_ms += chunk_ms
            near = [t for t in near if t.time_ms >= start_ms - margin_ms]
    while start_ms is not None and near and start_ms <= near[-1].time_ms:
        end_ms = start_ms + chunk_ms
        yield Span(start_ms, end_ms), [t for t in near if t.time_ms < end_ms + margin_ms]
        start_ms = end_ms
        near = [t for t in near if t.time_ms >= start_ms - margin_ms]
