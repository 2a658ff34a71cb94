"""READ FIRST: the whole flow in one screen, and the only module that sees every room.

    video (pixels) -> counting (boxes, tracks, exact counts) -> privacy (clipped, noised) -> publish

Law: rooms meet here and nowhere else; no work is done here that a room could do.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter, process_time

from passerby import clock, truth
from passerby.counting.bins import bin_counts, total_counts
from passerby.counting.counts import Cost, Counts, Crossing, Leak
from passerby.counting.detections import Detections, Label, reported
from passerby.counting.evaluate import ClipSummary, Evaluation, Score, score, summarise
from passerby.counting.leaks import add, leaks
from passerby.counting.tally import tally
from passerby.counting.tracker import track
from passerby.errors import InputError, SourceError, TruthError
from passerby.executors import processes
from passerby.geometry import DEFAULT_CORRIDOR, Line
from passerby.lines import check_names
from passerby.span import Span
from passerby.video import picture as pictures
from passerby.video.choose import AUTO, choose
from passerby.video.observe import Effort, Reading, Recording, Watch, detect, noted, probe, watch
from passerby.video.plate import Samples
from passerby.video.slice import TimeSlice, cut
from passerby.video.spans import Look, see_all, spans_of

CHUNK_MS = 60_000
"""Length of a chunk of one's own recording: its tracker knows nothing of the others."""
MARGIN_MS = 10_000
"""What a chunk's tracker sees before and after it: a crossing needs the path that leads to it and away."""


@dataclass(frozen=True, slots=True)
class Progress:
    """`done_ms` of `total_ms` of video (0 where the file does not say), after `wall_s` seconds."""

    done_ms: int
    total_ms: int
    wall_s: float


def count(
    video: str | Path,
    lines: Sequence[Line],
    *,
    detector: str = "auto",
    model_dir: Path | None = None,
    corridor: float | None = DEFAULT_CORRIDOR,
    labels: Sequence[Label] | None = None,
    start: str | None = None,
    timezone: str | None = None,
    bin_ms: int = 900_000,
    chunk_ms: int = CHUNK_MS,
    jobs: int = 1,
    picture: Path | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Counts:
    """Count what crosses `lines` in a recording: exact counts, for who holds the footage.

    `detector`: auto, motion, or names of models joined by `+`. `corridor`: half its width in frame heights,
    None for the whole picture. `labels`: what to report, None for all. `start`, `timezone`: when the
    recording began, where the file does not say. `bin_ms` and `chunk_ms` in milliseconds.
    `jobs`: on how many processes, which changes nothing but the time. `picture`: a PNG to write, the empty
    picture with lines and counts.

    Raises SourceError, ModelError, LineError, InputError or OutputError, each with one line for the user.
    """
    began, began_cpu = perf_counter(), _cpu_s()
    if not lines:
        raise InputError("no line to count: expected at least one")
    if jobs < 1:
        raise InputError(f"{jobs} jobs: expected at least 1")
    check_names(lines)
    if picture is not None:
        pictures.check(picture)
    recording = probe(video)
    opened = clock.resolve_start(
        recording.path, start=start, timezone_name=timezone, created=recording.created
    )
    choice = choose(detector, model_dir)
    reading, effort = Reading(), Effort()
    samples = Samples() if picture is not None else None
    spans = spans_of(recording, opened.start_ms, jobs)
    ticks: Iterable[Detections]
    if len(spans) == 1:
        seeing = watch(recording, lines, corridor, choice.loaded, choice.motion)
        ticks = detect(recording, opened.start_ms, None, seeing, reading, effort, samples)
    else:
        look = Look(recording, opened.start_ms, tuple(lines), corridor, detector, model_dir)
        ticks = see_all(look, spans, processes(min(jobs, len(spans))), reading, effort)
        if samples is not None:
            ticks = noted(ticks, recording, opened.start_ms, samples)
    if on_progress:
        ticks = _reporting(ticks, opened.start_ms, recording.duration_ms, began, on_progress)
    crossings: list[Crossing] = []
    leaked: list[Leak] = []
    track_s = 0.0
    for span, near in chunks(ticks, chunk_ms):
        chunk_began = process_time()
        found, leaking = crossings_of(near, lines, recording, span, corridor)
        crossings += found
        leaked = add(leaked, leaking)
        track_s += process_time() - chunk_began
    wanted = tuple(labels) if labels else tuple(Label)
    crossings = [
        replace(c, label=label) for c in crossings if (label := reported(c.label, wanted)) is not None
    ]
    span = Span(opened.start_ms, opened.start_ms + max(reading.end_ms, recording.duration_ms))
    covered = [Span(s.start_ms + opened.start_ms, s.end_ms + opened.start_ms) for s in reading.covered]
    shown = wanted if labels else _met(crossings)
    cpu_s = _cpu_s() - began_cpu
    counts = Counts(
        video=str(video),
        start=clock.to_local(opened.start_ms, opened.zone),
        start_from=opened.text,
        duration_s=span.duration_ms / 1000,
        frames=reading.frames,
        detector=choice.name,
        bins=tuple(bin_counts(crossings, lines, shown, clock.bins(span, bin_ms, opened.zone), covered)),
        totals=tuple(total_counts(crossings, lines, shown)),
        crossings=tuple(crossings),
        leaks=tuple(leaked),
        cost=Cost(
            wall_s=perf_counter() - began,
            cpu_s=cpu_s,
            decode_cpu_s=effort.decode_s,
            detect_cpu_s=effort.detect_s,
            track_cpu_s=track_s,
            frames_per_cpu_s=reading.frames / max(cpu_s, 1e-6),
        ),
        warnings=(*choice.warnings, *_damage(recording, reading)),
    )
    if picture is None or samples is None:
        return counts
    # Whatever counted: a model that is at hand finds who never moved.
    looking = choice.loaded or choose(AUTO, model_dir).loaded
    notes = pictures.write(picture, counts, lines, samples, looking)
    return replace(counts, warnings=(*counts.warnings, *notes))


def evaluate(
    truth_file: Path,
    clips: Path | None = None,
    *,
    detector: str = "auto",
    model_dir: Path | None = None,
    corridor: float | None = DEFAULT_CORRIDOR,
    on_progress: Callable[[Progress], None] | None = None,
) -> Evaluation:
    """Count the clips of a truth file, which are in the folder `clips` (its own where None), and compare.

    Lines and anchors are the truth file's; the rest is as for `count`. `on_progress` is told of all clips as
    of one recording. Raises TruthError with every mistake of the file, among them clips that are not there,
    cannot be read or have another size; ModelError, InputError.
    """
    told = truth.load(truth_file, clips)
    recordings = _recordings(told)
    total_ms = sum(recording.duration_ms for recording in recordings)
    began, done_ms = perf_counter(), 0
    rows: list[Score] = []
    summaries: list[ClipSummary] = []
    warnings: list[str] = []
    ran = detector
    for clip, recording in zip(told.clips, recordings, strict=True):

        def report(progress: Progress, done_ms: int = done_ms) -> None:
            if on_progress:
                on_progress(Progress(done_ms + progress.done_ms, total_ms, perf_counter() - began))

        lines = [line.line for line in clip.lines]
        counts = count(
            recording.path,
            lines,
            detector=detector,
            model_dir=model_dir,
            corridor=corridor,
            on_progress=report,
        )
        scores = score(clip, counts.crossings, clock.to_ms(counts.start), round(counts.duration_s * 1000))
        rows += scores
        summaries.append(ClipSummary(clip.name, counts.duration_s, summarise(scores)))
        warnings += counts.warnings
        ran = counts.detector
        done_ms += recording.duration_ms
    over_all = summarise(rows)
    return Evaluation(
        truth=str(truth_file),
        detector=ran,
        rows=tuple(rows),
        clips=tuple(summaries),
        summary=over_all,
        accuracy=over_all.accuracy,
        warnings=tuple(dict.fromkeys(warnings)),
    )


def _recordings(told: truth.Truth) -> list[Recording]:
    """The clips of a truth, probed. Raises TruthError where one is not what the truth says."""
    recordings, problems = [], []
    for clip in told.clips:
        try:
            recording = probe(told.video(clip))
        except SourceError as error:
            problems.append(told.problem(clip, "cannot be counted: " + str(error)))
            continue
        size = recording.width, recording.height
        if size != clip.size_px:
            found, expected = (f"{width}x{height}" for width, height in (clip.size_px, size))
            problems.append(
                told.problem(clip, f"found a size of {found} px, expected {expected}, as the file has")
            )
        recordings.append(recording)
    if problems:
        raise TruthError(problems)
    return recordings


def cut_slices(counts: Counts, lines: Sequence[Line]) -> tuple[TimeSlice, ...]:
    """The time slice of each line of a recording that was counted. Raises SourceError."""
    return cut(probe(counts.video), lines, clock.to_ms(counts.start))


def crossings_of(
    ticks: Sequence[Detections],
    lines: Sequence[Line],
    recording: Recording,
    span: Span,
    corridor: float | None,
) -> tuple[list[Crossing], list[Leak]]:
    """What crosses within `span`, by a fresh tracker over `ticks`, which may begin before it and end after it;
    and where that count may leak."""
    tracks = track(ticks)
    found = tally(tracks, lines, recording.width, recording.height, span)
    return found, leaks(tracks, lines, found, recording.width, recording.height, corridor, span)


def chunks(ticks: Iterable[Detections], chunk_ms: int) -> Iterator[tuple[Span, list[Detections]]]:
    """Chunks cut at multiples of `chunk_ms`, each with the ticks within MARGIN_MS of it."""
    near: list[Detections] = []
    start_ms: int | None = None
    for tick in ticks:
        if start_ms is None:
            start_ms = tick.time_ms // chunk_ms * chunk_ms
        near.append(tick)
        while tick.time_ms >= start_ms + chunk_ms + MARGIN_MS:
            yield Span(start_ms, start_ms + chunk_ms), near[:-1]
            start_ms += chunk_ms
            near = [t for t in near if t.time_ms >= start_ms - MARGIN_MS]
    while start_ms is not None and near and start_ms <= near[-1].time_ms:
        end_ms = start_ms + chunk_ms
        yield Span(start_ms, end_ms), [t for t in near if t.time_ms < end_ms + MARGIN_MS]
        start_ms = end_ms
        near = [t for t in near if t.time_ms >= start_ms - MARGIN_MS]


def _cpu_s() -> float:
    """CPU seconds of this process and of those that it started and that have ended."""
    spent = os.times()
    return process_time() + spent.children_user + spent.children_system


def _reporting(
    ticks: Iterable[Detections],
    start_ms: int,
    total_ms: int,
    began: float,
    on_progress: Callable[[Progress], None],
) -> Iterator[Detections]:
    for tick in ticks:
        on_progress(Progress(tick.time_ms - start_ms, total_ms, perf_counter() - began))
        yield tick


def _met(crossings: Sequence[Crossing]) -> tuple[Label, ...]:
    """Labels that crossed at least once, in their order; all three common ones where nothing did."""
    met = tuple(sorted({c.label for c in crossings}))
    return met or (Label.PERSON, Label.BICYCLE, Label.VEHICLE)


def _damage(recording: Recording, reading: Reading) -> Iterator[str]:
    if reading.damaged:
        yield f"{recording.path}: {reading.damaged} damaged packets were skipped"
    yield from (f"{recording.path}: {problem}" for problem in reading.problems)
    missing_ms = recording.duration_ms - reading.end_ms
    if missing_ms > max(1_000, recording.duration_ms // 100):
        yield (
            f"{recording.path}: ends after {reading.end_ms / 1000:.1f} s of the {recording.duration_ms / 1000:.1f} s "
            "that it promises; see coverage"
        )


__all__ = [
    "Evaluation",
    "Progress",
    "Recording",
    "TimeSlice",
    "Watch",
    "count",
    "cut_slices",
    "evaluate",
    "probe",
]
