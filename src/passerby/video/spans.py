"""One recording in spans, so that several processes can see it at once.

Law: a span is answered as if the recording had been read from its start; boxes come back, and no pixel does.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2

from passerby.counting.detections import Detections
from passerby.geometry import Line
from passerby.span import Span
from passerby.video import source
from passerby.video.choose import choose
from passerby.video.motion import CELL_MS, REACH_MS
from passerby.video.observe import TICK_MS, Effort, Reading, Recording, detect, watch

LONGEST_MS = 240_000
"""In longer spans the answers of a worker would grow; each span costs its margins and the way to its keyframe."""
_BEYOND_MS = 10_001
"""A file may be a little longer than its header says."""


@dataclass(frozen=True, slots=True)
class Look:
    """What is looked for in a recording that starts at `start_ms`, and how: all that a worker is told beside its
    span, and all of it configuration. `corridor` in frame heights, None for the whole picture."""

    recording: Recording
    start_ms: int
    lines: tuple[Line, ...]
    corridor: float | None
    detector: str
    model_dir: Path | None


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What was seen in a span, how reading it went, and the CPU seconds it took."""

    ticks: tuple[Detections, ...]
    reading: Reading
    effort: Effort


Execute = Callable[[Callable[[Span], Seen], Sequence[Span]], Iterator[Seen]]


def spans_of(recording: Recording, start_ms: int, jobs: int) -> list[Span]:
    """Spans for `jobs` processes, cut between cells of motion: of about one length, none above LONGEST_MS, as few
    as that allows. One span where the file does not tell how long it is, or when its pictures are shown."""
    end_ms = start_ms + recording.duration_ms + _BEYOND_MS
    if jobs < 2 or not recording.has_times or not recording.duration_ms:
        return [Span(start_ms, end_ms)]
    number = jobs * -(-recording.duration_ms // (jobs * LONGEST_MS))
    length_ms = -(-recording.duration_ms // (number * CELL_MS)) * CELL_MS
    first_ms = start_ms // CELL_MS * CELL_MS
    cuts = [*range(first_ms + length_ms, start_ms + recording.duration_ms, length_ms), end_ms]
    return [Span(*edges) for edges in zip([start_ms, *cuts[:-1]], cuts, strict=True)]


def see(look: Look, span: Span) -> Seen:
    """What is seen in `span`, which begins where a cell of motion does or with the recording.

    Raises SourceError or ModelError.
    """
    cv2.setNumThreads(1)
    reading, effort = Reading(), Effort()
    ticks = list(_detect(look, span, REACH_MS, reading, effort))
    # The last frame of all is seen though its tick was seen; the last one of a span is not.
    if not reading.ended and len(ticks) > 1 and ticks[-1].time_ms // TICK_MS == ticks[-2].time_ms // TICK_MS:
        del ticks[-1]
    return Seen(tuple(ticks), reading, effort)


def see_all(
    look: Look, spans: Sequence[Span], execute: Execute, reading: Reading, effort: Effort
) -> Iterator[Detections]:
    """What is seen in `spans`, which follow each other and are worked on by `execute`; `reading` and `effort`
    are filled.

    What is damaged looks otherwise to who begins to read behind it: from such a span on, the recording is read
    from its start, here. Raises as `see` and `execute` do.
    """
    rest = None
    for span, seen in zip(spans, execute(partial(see, look), spans), strict=True):
        if seen.reading.doubtful:
            rest = Span(span.start_ms, spans[-1].end_ms)
            break
        source.add(reading, seen.reading)
        effort.decode_s += seen.effort.decode_s
        effort.detect_s += seen.effort.detect_s
        yield from seen.ticks
    if rest is not None:
        read = Reading()
        yield from _detect(look, rest, rest.start_ms - look.start_ms, read, effort)
        source.add(reading, read)


def _detect(look: Look, span: Span, margin_ms: int, reading: Reading, effort: Effort) -> Iterator[Detections]:
    choice = choose(look.detector, look.model_dir)
    seeing = watch(look.recording, look.lines, look.corridor, choice.loaded, choice.motion)
    return detect(look.recording, look.start_ms, span, seeing, reading, effort, margin_ms=margin_ms)
