"""Count the detections of one recording chunk by chunk, and keep what has been counted.

Invariant: `done` is whole after each chunk, so that a count can be resumed from it.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from statistics import median
from time import process_time

from passerby.counting.chunks import chunks, crossings_of
from passerby.counting.detections import Detections, Light
from passerby.counting.diagnostics import add
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
                lights=(*self.done.lights, *_light(near, span)),
            )
            self.cpu_s += process_time() - began_s
        if not self.done.complete:
            self.done = replace(self.done, reading=observed.reading, complete=True)
            if self._save is not None:
                self._save(self.done)
        return self.done


def _light(ticks: Iterable[Detections], span: Span) -> Iterator[Light]:
    """The median light of a chunk; none where it was not measured."""
    measured = [tick.light for tick in ticks if tick.light is not None and tick.time_ms in span]
    if measured:
        yield Light(
            span.start_ms,
            median(light.contrast for light in measured),
            median(light.noise for light in measured),
        )
