"""READ FIRST: the whole flow in one screen, and the only module that sees every room.

    video (pixels) -> counting (boxes, tracks, exact counts) -> privacy (clipped, noised) -> publish

Invariant: rooms meet here and nowhere else; no work is done here that a room could do.
"""

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter, process_time
from typing import TYPE_CHECKING

from passerby.config.line_spec import check_names
from passerby.counting.bins import bin_counts, total_counts
from passerby.counting.context import apply_context
from passerby.counting.counts import Cost, Counts, Crossing, LineDiagnostics
from passerby.counting.crossings import find_crossings
from passerby.counting.detections import Detections
from passerby.counting.diagnostics import add, lost_tracks, with_crossings
from passerby.counting.tracker import track
from passerby.domain import calendar
from passerby.domain.geometry import DEFAULT_CORRIDOR, Line
from passerby.domain.labels import Label, reported
from passerby.domain.timespan import Span
from passerby.errors import InputError, SourceError, TruthError
from passerby.evaluation.score import ClipSummary, Evaluation, Score, score, summarise
from passerby.executors.processes import Executor, executor_of, running
from passerby.io.sources import Place, Url, state_of
from passerby.recordings import start_time
from passerby.recordings.checkpoint import Done, Kept, key_of
from passerby.video.detect.fingerprint import made_with
from passerby.video.detect.selection import AUTO, Choice, choose
from passerby.video.observe import (
    Observed,
    Reading,
    Recording,
    RecordingObservation,
    SampledObservation,
    probe,
    setup_for,
    unfiltered,
)
from passerby.video.scene import annotated_image as pictures
from passerby.video.scene.time_slice import TimeSlice, cut
from passerby.video.scheduling.optimizations import disabled
from passerby.video.segments import JoinedParts, Part, Task, detect_part, parts_of

if TYPE_CHECKING:
    from passerby.evaluation.truth_file import Truth

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


@dataclass(frozen=True, slots=True)
class Plan:
    """One recording and how it is to be counted: everything is checked, and nothing is counted yet. `began_s` of the
    wall clock and `began_cpu_s` are what they were when it was begun."""

    video: str
    task: Task
    choice: Choice
    opened: start_time.Start
    labels: tuple[Label, ...] | None
    bin_ms: int
    chunk_ms: int
    began_s: float
    began_cpu_s: float

    @property
    def key(self) -> str:
        """Of all that crossings and leaks depend on. Raises SourceError when the file is gone."""
        path = self.task.recording.path
        return key_of((str(path), state_of(path), self.task, self.chunk_ms, MARGIN_MS))

    def parts(self, jobs: int, done: Done, *, bounded: bool) -> list[Part]:
        """What is left to see, in parts for `jobs` processes."""
        if done.complete:
            return []
        wanted_ms = None if done.tallied_ms is None else done.tallied_ms - MARGIN_MS
        return parts_of(self.task, jobs, bounded=bounded, read_ms=done.seen_ms, wanted_ms=wanted_ms)


def plan_of(
    video: str | Place,
    lines: Sequence[Line],
    *,
    detector: str = AUTO,
    model_dir: Path | None = None,
    corridor: float | None = DEFAULT_CORRIDOR,
    labels: Sequence[Label] | None = None,
    start: str | None = None,
    timezone: str | None = None,
    bin_ms: int = 900_000,
    chunk_ms: int = CHUNK_MS,
    decode: str = "software",
    device: str = "cpu",
    without: Collection[str] = (),
) -> Plan:
    """How `video` is to be counted; all as for `count`."""
    began_s, began_cpu_s = perf_counter(), _cpu_s()
    if not lines:
        raise InputError("no line to count: expected at least one")
    check_names(lines)
    optimizations = disabled(without)
    if detector == AUTO:
        # Who leaves the choice to us wants it right: longer looks cost one crossing in eighty.
        optimizations = replace(optimizations, pace=False)
    recording = probe(video, decode)
    if optimizations.filter:
        recording = unfiltered(recording)
    opened = start_time.resolve_start(
        recording.path, start=start, timezone_name=timezone, created=recording.created
    )
    choice = choose(detector, model_dir, device)
    made = made_with(choice.loaded)
    task = Task(
        recording,
        opened.start_ms,
        tuple(lines),
        corridor,
        choice.name,
        model_dir,
        device,
        made,
        optimizations,
    )
    named = str(recording.path) if isinstance(recording.path, Url) else str(video)
    return Plan(
        named, task, choice, opened, tuple(labels) if labels else None, bin_ms, chunk_ms, began_s, began_cpu_s
    )


def count(
    video: str | Place,
    lines: Sequence[Line],
    *,
    detector: str = AUTO,
    model_dir: Path | None = None,
    corridor: float | None = DEFAULT_CORRIDOR,
    labels: Sequence[Label] | None = None,
    start: str | None = None,
    timezone: str | None = None,
    bin_ms: int = 900_000,
    chunk_ms: int = CHUNK_MS,
    decode: str = "software",
    device: str = "cpu",
    without: Collection[str] = (),
    jobs: int = 1,
    executor: Executor | None = None,
    kept: Kept | None = None,
    picture: Path | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Counts:
    """Count what crosses `lines` in a recording: exact counts, for who holds the footage.

    `video`: a file, or a URL that fsspec reads. `detector`: auto, motion, or names of models joined by `+`.
    `corridor`: half its width in frame heights, None for the whole picture. `labels`: what to report, None for all.
    `start`, `timezone`: when the recording began, where the file does not say. `bin_ms` and `chunk_ms` in
    milliseconds. `decode`: software, cuda, vaapi, qsv or auto; `device`: cpu, cuda or openvino.
    `without`: names of optimizations to disable, see `video.scheduling.optimizations`.
    `jobs`: on how many processes, which changes nothing but the time; they are those of `executor` where one is
    given. `kept`: where what is done is kept, and taken up again. `picture`: a PNG to write, the empty picture with
    lines and counts.

    Raises SourceError, ModelError, LineError, InputError or OutputError, each with one line for the user.
    """
    if jobs < 1:
        raise InputError(f"{jobs} jobs: expected at least 1")
    if picture is not None:
        pictures.check(picture)
    plan = plan_of(
        video,
        lines,
        detector=detector,
        model_dir=model_dir,
        corridor=corridor,
        labels=labels,
        start=start,
        timezone=timezone,
        bin_ms=bin_ms,
        chunk_ms=chunk_ms,
        decode=decode,
        device=device,
        without=without,
    )
    return count_plan(plan, jobs=jobs, executor=executor, kept=kept, picture=picture, on_progress=on_progress)


def count_plan(
    plan: Plan,
    *,
    jobs: int = 1,
    executor: Executor | None = None,
    kept: Kept | None = None,
    picture: Path | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Counts:
    """Count what `plan` says; the rest as for `count`."""
    if picture is not None and kept is not None:
        raise InputError(
            f"--picture {picture}: it needs the whole recording, expected none of a count that is taken up again"
        )
    recording, start_ms = plan.task.recording, plan.opened.start_ms
    done = Done() if kept is None else kept.of(plan.key)
    parts = plan.parts(jobs, done, bounded=kept is not None)
    if len(parts) == 1 and executor is None:
        task, choice = plan.task, plan.choice
        setup = setup_for(
            recording, task.lines, task.corridor, choice.loaded, choice.motion, task.optimizations
        )
        observed = RecordingObservation(recording, start_ms, None, setup, with_samples=picture is not None)
        counts, samples = counted(plan, observed, done, kept, on_progress), observed.samples
    else:
        execute = executor or executor_of(min(jobs, len(parts)))
        with running(execute, detect_part, parts) as results:
            joined = JoinedParts(parts, results, done.reading, keeping(plan, done, kept))
            if picture is None:
                counts, samples = counted(plan, joined, done, kept, on_progress), None
            else:
                sampled = SampledObservation(joined, recording, start_ms)
                counts, samples = counted(plan, sampled, done, kept, on_progress), sampled.samples
    cpu_s = max(_cpu_s() - plan.began_cpu_s, counts.cost.cpu_s)
    cost = replace(
        counts.cost,
        wall_s=perf_counter() - plan.began_s,
        cpu_s=cpu_s,
        frames_per_cpu_s=counts.frames / max(cpu_s, 1e-6),
    )
    counts = replace(counts, cost=cost)
    if picture is None or samples is None:
        return counts
    # Whatever counted: a model that is at hand finds who never moved.
    looking = plan.choice.loaded or choose(AUTO, plan.task.model_dir).loaded
    notes = pictures.write(picture, counts, plan.task.lines, samples, looking)
    return replace(counts, warnings=(*counts.warnings, *notes))


def counted(
    plan: Plan,
    observed: Observed,
    done: Done,
    kept: Kept | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Counts:
    """What crosses in the detections of `observed`, and what is `done` before them."""
    began, task = perf_counter(), plan.task
    recording = task.recording
    ticks: Iterable[Detections] = observed
    if on_progress:
        ticks = _reporting(ticks, task.start_ms, recording.duration_ms, began, on_progress)
    track_s = 0.0
    for span, near in chunks(ticks, plan.chunk_ms, done.tallied_ms):
        chunk_began = process_time()
        found, diagnostics = crossings_of(near, task.lines, recording, span, task.corridor)
        done.crossings += found
        done.diagnostics = add(done.diagnostics, diagnostics)
        done.tallied_ms = span.end_ms
        track_s += process_time() - chunk_began
    done.reading = reading = observed.reading
    if kept is not None and not done.complete:
        done.complete = True
        kept.keep(plan.key)
    wanted = plan.labels or tuple(Label)
    whole = apply_context(done.crossings)
    crossings = [replace(c, label=label) for c in whole if (label := reported(c.label, wanted)) is not None]
    span = Span(task.start_ms, task.start_ms + max(reading.end_ms, recording.duration_ms))
    covered = [Span(s.start_ms + task.start_ms, s.end_ms + task.start_ms) for s in reading.covered]
    shown = plan.labels or met(c.label for c in crossings)
    cpu_s = observed.cpu.decode_s + observed.cpu.detect_s + track_s
    bins = calendar.bins(span, plan.bin_ms, plan.opened.zone)
    return Counts(
        video=plan.video,
        start=calendar.to_local(task.start_ms, plan.opened.zone),
        start_from=plan.opened.text,
        duration_s=span.duration_ms / 1000,
        frames=reading.frames,
        detector=plan.choice.name,
        bins=tuple(bin_counts(crossings, task.lines, shown, bins, covered)),
        totals=tuple(total_counts(crossings, task.lines, shown)),
        crossings=tuple(crossings),
        diagnostics=tuple(with_crossings(done.diagnostics, whole)),
        cost=Cost(
            wall_s=perf_counter() - began,
            cpu_s=cpu_s,
            decode_cpu_s=observed.cpu.decode_s,
            detect_cpu_s=observed.cpu.detect_s,
            track_cpu_s=track_s,
            frames_per_cpu_s=reading.frames / max(cpu_s, 1e-6),
        ),
        warnings=(*plan.choice.warnings, *_damage(recording, reading)),
    )


def keeping(plan: Plan, done: Done, kept: Kept | None) -> Callable[[Span, Reading], None] | None:
    """Writes down what is done when a span was seen."""
    if kept is None:
        return None
    key = plan.key

    def keep(span: Span, reading: Reading) -> None:
        done.reading = reading
        done.seen_ms = span.end_ms
        kept.keep(key)

    return keep


def evaluate(
    truth_file: Path,
    clips: Path | None = None,
    *,
    detector: str = "auto",
    model_dir: Path | None = None,
    corridor: float | None = DEFAULT_CORRIDOR,
    without: Collection[str] = (),
    on_progress: Callable[[Progress], None] | None = None,
) -> Evaluation:
    """Count the clips of a truth file, which are in the folder `clips` (its own where None), and compare.

    Lines and anchors are the truth file's; the rest is as for `count`. `on_progress` is told of all clips as
    of one recording. Raises TruthError with every mistake of the file, among them clips that are not there,
    cannot be read or have another size; ModelError, InputError.
    """
    from passerby.evaluation import (
        truth_file as truth,  # a third of a second of YAML and schemas, which no count needs
    )

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
            without=without,
            on_progress=report,
        )
        scores = score(clip, counts.crossings, calendar.to_ms(counts.start), round(counts.duration_s * 1000))
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


def _recordings(told: "Truth") -> list[Recording]:
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
    return cut(probe(counts.video), lines, calendar.to_ms(counts.start))


def crossings_of(
    ticks: Sequence[Detections],
    lines: Sequence[Line],
    recording: Recording,
    span: Span,
    corridor: float | None,
) -> tuple[list[Crossing], list[LineDiagnostics]]:
    """What crosses within `span`, by a fresh tracker over `ticks`, which may begin before it and end after it;
    and where that count may leak."""
    tracks = track(ticks)
    size_px = recording.width, recording.height
    found = find_crossings(tracks, lines, size_px, span)
    return found, lost_tracks(tracks, lines, size_px, corridor, span)


def chunks(
    ticks: Iterable[Detections], chunk_ms: int, start_ms: int | None = None
) -> Iterator[tuple[Span, list[Detections]]]:
    """Chunks cut at multiples of `chunk_ms`, each with the ticks within MARGIN_MS of it; from the one that begins at
    `start_ms` on, or where the ticks begin."""
    near: list[Detections] = []
    for tick in ticks:
        if start_ms is None:
            start_ms = tick.time_ms // chunk_ms * chunk_ms
        if tick.time_ms < start_ms - MARGIN_MS:
            continue
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


def met(crossed: Iterable[Label]) -> tuple[Label, ...]:
    """Labels that crossed at least once, in their order; all three common ones where nothing did."""
    return tuple(sorted(set(crossed))) or (Label.PERSON, Label.BICYCLE, Label.VEHICLE)


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
    "count",
    "cut_slices",
    "evaluate",
    "probe",
]
