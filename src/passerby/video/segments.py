"""Detect in one recording in parts, so that several processes can work on it at once.

Invariant: a part has the detections that reading the recording from its start would give; detections come back from a
process, and no pixel does.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2

from passerby.counting.detections import Detections
from passerby.domain.geometry import Line
from passerby.domain.timespan import Span
from passerby.video.detect.fingerprint import check
from passerby.video.detect.selection import choose
from passerby.video.motion.background_subtraction import REACH_MS
from passerby.video.observe import TICK_MS, CpuTime, Reading, Recording, RecordingObservation, setup_for
from passerby.video.scheduling.incremental import cell_ms
from passerby.video.scheduling.optimizations import ALL, Optimizations

LONGEST_MS = 600_000
"""Longest part. A longer one makes the result of a process large; each part costs its margins and reading up to it."""
BOUNDED_MS = 240_000
"""Longest part where parts are bounded: no more than this is lost in a crash, or waited for at the end of a job."""
_BEYOND_MS = 10_001
"""A file may be longer than its header says by less than this."""


@dataclass(frozen=True, slots=True)
class Task:
    """A recording and how to detect in it: all that a process gets besides the span of its part, and all of it
    configuration.

    `start_ms`: Unix time (ms UTC) of the first frame. `corridor`: half its width in frame heights, None for the whole
    picture. `detector`: names of models, not `auto`. `made_with`: versions and weights that every process must have.
    """

    recording: Recording
    start_ms: int
    lines: tuple[Line, ...]
    corridor: float | None
    detector: str
    model_dir: Path | None
    device: str = "cpu"
    made_with: tuple[str, ...] = ()
    optimizations: Optimizations = ALL


@dataclass(frozen=True, slots=True)
class Part:
    """A span of a task. `again`: how reading it went is known from an earlier count, and only its detections are
    needed."""

    task: Task
    span: Span
    again: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class PartResult:
    """The detections of a part, how reading it went, and the CPU time it took."""

    ticks: tuple[Detections, ...]
    reading: Reading
    cpu: CpuTime


def parts_of(
    task: Task, jobs: int, *, bounded: bool = False, read_ms: int | None = None, wanted_ms: int | None = None
) -> list[Part]:
    """Parts for `jobs` processes: as few as possible, all of about one length, none longer than LONGEST_MS, or than
    BOUNDED_MS where they are `bounded`; cut where nothing is kept from before (see `cell_ms`).

    There is one part where the file does not say how long it is, where its frames have no time stamps, and for one
    job unless bounded. What lies before `read_ms`, such a cut, was read in an earlier count; of that, the detections
    from `wanted_ms` on (None for all) are needed again.
    """
    recording, start_ms = task.recording, task.start_ms
    end_ms = start_ms + recording.duration_ms + _BEYOND_MS
    if not recording.has_times or not recording.duration_ms or (jobs == 1 and not bounded):
        return [Part(task, Span(start_ms, end_ms))]
    from_ms = start_ms if read_ms is None else read_ms
    left_ms = max(1, start_ms + recording.duration_ms - from_ms)
    longest_ms = min(LONGEST_MS, BOUNDED_MS) if bounded else LONGEST_MS
    number = jobs * -(-left_ms // (jobs * longest_ms))
    whole_ms = cell_ms(task.optimizations)
    length_ms = -(-left_ms // (number * whole_ms)) * whole_ms
    first_ms = from_ms // whole_ms * whole_ms
    cuts = [*range(first_ms + length_ms, start_ms + recording.duration_ms, length_ms), end_ms]
    parts = [Part(task, Span(*edges)) for edges in zip([from_ms, *cuts[:-1]], cuts, strict=True)]
    if from_ms == start_ms:
        return parts
    again_ms = max(start_ms, (wanted_ms or start_ms) // whole_ms * whole_ms)
    return [Part(task, Span(again_ms, from_ms), again=True), *parts]


def detect_part(part: Part) -> PartResult:
    """The detections of a part, which begins at such a cut or with the recording. Runs in a process of its own.

    Raises SourceError or ModelError.
    """
    cv2.setNumThreads(1)
    observed = _observation(part.task, part.span, REACH_MS)
    ticks = list(observed)
    # The last frame of a recording is used though its tick had one before; the last frame of a part is not.
    is_same_tick = len(ticks) > 1 and ticks[-1].time_ms // TICK_MS == ticks[-2].time_ms // TICK_MS
    if not observed.reading.ended and is_same_tick:
        del ticks[-1]
    return PartResult(tuple(ticks), observed.reading, observed.cpu)


class JoinedParts:
    """The detections of `parts` of one recording, which follow one another, from the `results` of `detect_part`:
    iterate it once.

    Decoding from the middle of a damaged stream differs from decoding from its start. So from the first part whose
    reading is doubtful, the recording is read from its start, in this process. `reading` continues `before`, that of
    an earlier count; `cpu` is the CPU time of all processes. `on_part` is called with the span of a part whose
    detections were all taken, and the reading up to its end. Iterating raises what `detect_part` raises.
    """

    def __init__(
        self,
        parts: Sequence[Part],
        results: Iterator[PartResult],
        before: Reading,
        on_part: Callable[[Span, Reading], None] | None = None,
    ) -> None:
        self.reading = before
        self.cpu = CpuTime()
        self._parts = parts
        self._results = results
        self._on_part = on_part

    def __iter__(self) -> Iterator[Detections]:
        for index, (part, result) in enumerate(zip(self._parts, self._results, strict=False)):
            self.cpu += result.cpu
            if result.reading.doubtful:
                yield from self._read_from_start(index)
                return
            if not part.again:
                self.reading = self.reading.then(result.reading)
            yield from result.ticks
            if self._on_part is not None and not part.again and index < len(self._parts) - 1:
                self._on_part(part.span, self.reading)

    def _read_from_start(self, index: int) -> Iterator[Detections]:
        """The detections of this part and all after it."""
        part, end_ms = self._parts[index], self._parts[-1].span.end_ms
        if part.again:
            again = _observation_from_start(part.task, part.span)
            yield from again
            self.cpu += again.cpu
            part = self._parts[index + 1]
        rest = _observation_from_start(part.task, Span(part.span.start_ms, end_ms))
        yield from rest
        self.cpu += rest.cpu
        self.reading = self.reading.then(rest.reading)


def _observation_from_start(task: Task, span: Span) -> RecordingObservation:
    return _observation(task, span, span.start_ms - task.start_ms)


def _observation(task: Task, span: Span, margin_ms: int) -> RecordingObservation:
    choice = choose(task.detector, task.model_dir, task.device)
    check(task.made_with, choice.loaded)
    setup = setup_for(
        task.recording, task.lines, task.corridor, choice.loaded, choice.motion, task.optimizations
    )
    return RecordingObservation(task.recording, task.start_ms, span, setup, margin_ms=margin_ms)
