"""From the crossings of a recording to its `Counts`: bins, totals, cost and warnings, and the annotated picture.

Invariant: every number comes from crossings, from time stamps or from a clock; nothing is counted here.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from passerby.counting.bins import bin_counts, total_counts
from passerby.counting.counts import Cost, Counts, Crossing
from passerby.counting.diagnostics import with_crossings
from passerby.counting.visibility import visibility_of
from passerby.domain import calendar
from passerby.domain.labels import Label, reported
from passerby.domain.timespan import Span
from passerby.recordings.checkpoint import Done
from passerby.recordings.plan import CpuClock, Plan
from passerby.video.detect.selection import AUTO, choose
from passerby.video.observe import CpuTime, Reading, Recording
from passerby.video.scene import annotated_image
from passerby.video.scene.background import Samples


def counts_of(
    plan: Plan, done: Done, crossings: Sequence[Crossing], cpu: CpuTime, track_cpu_s: float
) -> Counts:
    """The counts of a recording. `crossings` of all classes; `cpu` and `track_cpu_s` are the CPU time of its parts."""
    task, reading, labels = plan.task, done.reading, plan.method.labels
    wanted = labels or tuple(Label)
    kept = [replace(c, label=label) for c in crossings if (label := reported(c.label, wanted)) is not None]
    shown = labels or crossed_labels(c.label for c in kept)
    span = Span(task.start_ms, task.start_ms + max(reading.end_ms, task.recording.duration_ms))
    covered = [Span(s.start_ms + task.start_ms, s.end_ms + task.start_ms) for s in reading.covered]
    known = plan.opened.known
    bins = list(_bins(plan, span))
    names, thresholds = [line.name for line in task.lines], plan.method.params.visibility
    # A chunk begins on the minute, so the first one may begin before the recording does.
    lights = [light._replace(time_ms=max(light.time_ms, span.start_ms)) for light in done.lights]
    visibility = tuple(visibility_of(done.crossings, crossings, lights, names, bins, thresholds))
    marks = {(row.start, row.line): row.mark for row in visibility}
    return Counts(
        video=plan.video,
        start=calendar.to_local(task.start_ms, plan.opened.zone) if known else None,
        start_ms=task.start_ms,
        start_from=plan.opened.text,
        duration_s=span.duration_ms / 1000,
        frames=reading.frames,
        detector=plan.choice.name,
        bins=tuple(bin_counts(kept, task.lines, shown, bins, covered, marks)),
        totals=tuple(total_counts(kept, task.lines, shown)),
        crossings=tuple(kept),
        diagnostics=tuple(with_crossings(done.diagnostics, crossings)),
        visibility=visibility,
        cost=_cost(plan, reading, cpu, track_cpu_s),
        warnings=(*plan.choice.warnings, *_damage(task.recording, reading)),
    )


def _bins(plan: Plan, span: Span) -> Iterable[calendar.Bin | calendar.ElapsedBin]:
    if plan.opened.known:
        return calendar.bins(span, plan.bin_ms, plan.opened.zone)
    return calendar.elapsed_bins(span, plan.bin_ms)


def crossed_labels(crossed: Iterable[Label]) -> tuple[Label, ...]:
    """The labels that crossed at least once, in their order; person, bicycle and vehicle where nothing did."""
    return tuple(sorted(set(crossed))) or (Label.PERSON, Label.BICYCLE, Label.VEHICLE)


def with_picture(plan: Plan, counts: Counts, path: Path, samples: Samples) -> Counts:
    """Write the annotated picture of the scene, a PNG; its notes join the warnings. Raises OutputError."""
    # A model finds people who never moved, so one is used here even where motion alone counted.
    loaded = plan.choice.loaded or choose(AUTO, plan.task.model_dir).loaded
    notes = annotated_image.write(path, counts, plan.task.lines, samples, loaded)
    return replace(counts, warnings=(*counts.warnings, *notes))


def _cost(plan: Plan, reading: Reading, cpu: CpuTime, track_cpu_s: float) -> Cost:
    now = CpuClock.now()
    # Processes of an executor on another machine are not in this one's clock.
    cpu_s = max(now.cpu_s - plan.began.cpu_s, cpu.decode_s + cpu.detect_s + track_cpu_s)
    return Cost(
        wall_s=now.wall_s - plan.began.wall_s,
        cpu_s=cpu_s,
        decode_cpu_s=cpu.decode_s,
        detect_cpu_s=cpu.detect_s,
        track_cpu_s=track_cpu_s,
        frames_per_cpu_s=reading.frames / max(cpu_s, 1e-6),
    )


def _damage(recording: Recording, reading: Reading) -> Iterator[str]:
    """Warnings about a file that could not be read completely."""
    if reading.damaged:
        yield f"{recording.path}: {reading.damaged} damaged packets were skipped"
    yield from (f"{recording.path}: {problem}" for problem in reading.problems)
    missing_ms = recording.duration_ms - reading.end_ms
    if missing_ms > max(1_000, recording.duration_ms // 100):
        yield (
            f"{recording.path}: ends after {reading.end_ms / 1000:.1f} s of the {recording.duration_ms / 1000:.1f} s "
            "that it promises; see coverage"
        )
