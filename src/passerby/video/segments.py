"""One recording in spans, so that several processes can see it at once.

Invariant: a span is answered as if the recording had been read from its start; boxes come back, and no pixel does.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2

from passerby.counting.detections import Detections
from passerby.domain.geometry import Line
from passerby.domain.timespan import Span
from passerby.video.decode import source
from passerby.video.detect.fingerprint import check
from passerby.video.detect.selection import choose
from passerby.video.motion.background_subtraction import REACH_MS
from passerby.video.observe import TICK_MS, Effort, Reading, Recording, detect, watch
from passerby.video.scheduling.incremental import cell_ms
from passerby.video.scheduling.optimizations import ALL, Optimizations

LONGEST_MS = 600_000
"""In longer spans the answers of a worker would grow; each span costs its margins and the way to its keyframe."""
BOUNDED_MS = 240_000
"""Where parts are to be bounded: what a crash loses, and what the end of a job waits for, is no longer than this."""
_BEYOND_MS = 10_001
"""A file may be a little longer than its header says."""


@dataclass(frozen=True, slots=True)
class Look:
    """What is looked for in a recording that starts at `start_ms`, and how: all that a worker is told beside its
    span, and all of it configuration. `corridor` in frame heights, None for the whole picture; `detector` by name,
    not auto; `made_with` what the workers must have too."""

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
    """A span to be seen; `again` where how reading it went is known and its boxes alone are wanted."""

    look: Look
    span: Span
    again: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What was seen in a span, how reading it went, and the CPU seconds it took."""

    ticks: tuple[Detections, ...]
    reading: Reading
    effort: Effort


def parts_of(
    look: Look, jobs: int, *, bounded: bool = False, seen_ms: int | None = None, wanted_ms: int | None = None
) -> list[Part]:
    """Parts for `jobs` processes, cut between cells of what is held: of about one length, none above LONGEST_MS, as few
    as that allows; none above BOUNDED_MS where they are to be `bounded`. One part where the file does not tell how
    long it is, or when its pictures are shown, and for one job unless they are to be bounded.

    What lies before `seen_ms` (such a cut) was seen; boxes are wanted from `wanted_ms` on, None for the start.
    """
    recording, start_ms = look.recording, look.start_ms
    end_ms = start_ms + recording.duration_ms + _BEYOND_MS
    if not recording.has_times or not recording.duration_ms or (jobs == 1 and not bounded):
        return [Part(look, Span(start_ms, end_ms))]
    from_ms = start_ms if seen_ms is None else seen_ms
    left_ms = max(1, start_ms + recording.duration_ms - from_ms)
    longest_ms = min(LONGEST_MS, BOUNDED_MS) if bounded else LONGEST_MS
    number = jobs * -(-left_ms // (jobs * longest_ms))
    whole_ms = cell_ms(look.optimizations)
    length_ms = -(-left_ms // (number * whole_ms)) * whole_ms
    first_ms = from_ms // whole_ms * whole_ms
    cuts = [*range(first_ms + length_ms, start_ms + recording.duration_ms, length_ms), end_ms]
    parts = [Part(look, Span(*edges)) for edges in zip([from_ms, *cuts[:-1]], cuts, strict=True)]
    if from_ms == start_ms:
        return parts
    again_ms = max(start_ms, (wanted_ms or start_ms) // whole_ms * whole_ms)
    return [Part(look, Span(again_ms, from_ms), again=True), *parts]


def see(part: Part) -> Seen:
    """What is seen in a span, which begins where a cell does or with the recording.

    Raises SourceError or ModelError.
    """
    cv2.setNumThreads(1)
    reading, effort = Reading(), Effort()
    ticks = list(_detect(part.look, part.span, REACH_MS, reading, effort))
    # The last frame of all is seen though its tick was seen; the last one of a span is not.
    if not reading.ended and len(ticks) > 1 and ticks[-1].time_ms // TICK_MS == ticks[-2].time_ms // TICK_MS:
        del ticks[-1]
    return Seen(tuple(ticks), reading, effort)


def joined(
    parts: Sequence[Part],
    answers: Iterator[Seen],
    reading: Reading,
    effort: Effort,
    on_seen: Callable[[Span], None] | None = None,
) -> Iterator[Detections]:
    """What is seen in `parts` of one recording, which follow each other, where `answers` are what `see` answered;
    `reading` and `effort` are filled. `on_seen` is told of a span whose boxes were all taken.

    What is damaged looks otherwise to who begins to read behind it: from such a span on, the recording is read
    from its start, here. Raises as `see` does.
    """
    for index, (part, seen) in enumerate(zip(parts, answers, strict=False)):
        effort.decode_s += seen.effort.decode_s
        effort.detect_s += seen.effort.detect_s
        if not seen.reading.doubtful:
            if not part.again:
                source.add(reading, seen.reading)
            yield from seen.ticks
            if on_seen is not None and not part.again and index < len(parts) - 1:
                on_seen(part.span)
            continue
        look = part.look
        if part.again:
            yield from _detect(look, part.span, part.span.start_ms - look.start_ms, Reading(), effort)
            part = parts[index + 1]
        read = Reading()
        rest = Span(part.span.start_ms, parts[-1].span.end_ms)
        yield from _detect(look, rest, rest.start_ms - look.start_ms, read, effort)
        source.add(reading, read)
        return


def _detect(look: Look, span: Span, margin_ms: int, reading: Reading, effort: Effort) -> Iterator[Detections]:
    choice = choose(look.detector, look.model_dir, look.device)
    check(look.made_with, choice.loaded)
    seeing = watch(
        look.recording, look.lines, look.corridor, choice.loaded, choice.motion, look.optimizations
    )
    return detect(look.recording, look.start_ms, span, seeing, reading, effort, margin_ms=margin_ms)
