"""Many recordings as one count: a folder, a pattern, or the contents of a bucket.

Invariant: each recording is counted as if it were alone; one that cannot be read is reported once and delays no other.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, islice
from time import perf_counter

from passerby.counting.counts import Counts, TotalCount
from passerby.domain.labels import Label, label_of
from passerby.errors import SourceError
from passerby.executors.processes import Failure, executor_of, or_failure, raise_failures, running
from passerby.io.sources import Place
from passerby.recordings.checkpoint import Checkpoint, Done
from passerby.recordings.chunks import ChunkCount
from passerby.recordings.pipeline import count_detections
from passerby.recordings.plan import Plan
from passerby.recordings.progress import Progress
from passerby.recordings.results import crossed_labels
from passerby.recordings.settings import Runtime
from passerby.video.segments import JoinedParts, Part, PartResult, detect_part

_PROBING = 8
"""Number of recordings that are probed at once: on a server, that is mostly waiting."""


@dataclass(frozen=True, slots=True)
class BatchCounts:
    """`counts` of all recordings that could be read, without their crossings; `problems`, a line for each of the
    others; `wall_s`, seconds that all of it took."""

    counts: tuple[Counts, ...]
    problems: tuple[str, ...]
    wall_s: float


@dataclass(frozen=True, slots=True)
class _Job:
    """A recording, the part of it that is counted already, and the parts that are left."""

    plan: Plan
    done: Done
    parts: list[Part]


def count_batch(
    places: Sequence[Place],
    plan_of: Callable[[Place], Plan],
    *,
    runtime: Runtime = Runtime(),
    checkpoint: Checkpoint | None = None,
    on_problem: Callable[[str], None] = lambda _: None,
    progress: Callable[[Progress], None] | None = None,
) -> BatchCounts:
    """Count what crosses in each of `places`, by the plan that `plan_of` makes of it, with the jobs or the executor of
    `runtime`; the rest as for `Counter.count`. `on_problem` is called with a line for each recording that cannot be
    read, as soon as that is known.

    Raises SourceError with all problems where no recording can be read; ModelError and InputError as for one.
    """
    began_s = perf_counter()
    counts: list[Counts] = []
    problems: list[str] = []
    jobs: list[_Job] = []

    def note_problem(error: SourceError) -> None:
        problems.append(str(error))
        on_problem(str(error))

    for plan in _planned(places, plan_of):
        if isinstance(plan, SourceError):
            note_problem(plan)
        else:
            done = Done() if checkpoint is None else checkpoint.take(plan.key)
            jobs.append(_Job(plan, done, plan.parts(1, done, bounded=True)))
    all_labels = all(job.plan.method.labels is None for job in jobs)
    total_ms = sum(job.plan.task.recording.duration_ms for job in jobs)
    done_ms = 0

    def report(of_recording: Progress) -> None:
        if progress is not None:
            progress(Progress(done_ms + of_recording.done_ms, total_ms, perf_counter() - began_s))

    execute = runtime.executor or executor_of(runtime.jobs)
    every_part = [part for job in jobs for part in job.parts]
    with running(execute, partial(or_failure, detect_part), every_part) as results:
        while jobs:
            job = jobs.pop(0)  # so that its crossings are released with it
            own_results = islice(results, len(job.parts))
            try:
                counts.append(_count(job, own_results, checkpoint, report))
            except SourceError as error:
                note_problem(error)
            for (
                _
            ) in own_results:  # left where reading broke off, or began again at the start of the recording
                pass
            done_ms += job.plan.task.recording.duration_ms
    if problems and not counts:
        raise SourceError("\n".join(problems))
    shown = _with_crossed_labels(counts) if all_labels else counts
    return BatchCounts(tuple(shown), tuple(problems), perf_counter() - began_s)


def _count(
    job: _Job,
    results: "Iterable[PartResult | Failure]",
    checkpoint: Checkpoint | None,
    report: Callable[[Progress], None],
) -> Counts:
    """The counts of one recording with all labels, without its crossings: a thousand hours have a million."""
    method = replace(job.plan.method, labels=job.plan.method.labels or tuple(Label))
    save = None if checkpoint is None else partial(checkpoint.save, job.plan.key)
    count = ChunkCount(job.plan, job.done, save)
    observed = JoinedParts(job.parts, raise_failures(results), job.done.reading, count.on_part)
    counts = count_detections(replace(job.plan, method=method), count, observed, report)
    return replace(counts, crossings=())


def totals_of(counts: Sequence[Counts]) -> tuple[TotalCount, ...]:
    """The totals of all recordings together, in the order of the first."""
    sums: Counter[tuple[str, str, str]] = Counter()
    for of_recording in counts:
        for row in of_recording.totals:
            sums[row.line, row.direction, row.label] += row.count
    return tuple(TotalCount(*key, number) for key, number in sums.items())


def _planned(places: Sequence[Place], plan_of: Callable[[Place], Plan]) -> Iterator[Plan | SourceError]:
    """The plans in the order of `places`; the first alone, so that weights are loaded once."""
    with ThreadPoolExecutor(_PROBING) as threads:
        first, rest = places[:1], places[1:]
        for plan in chain(
            map(partial(or_failure, plan_of), first), threads.map(partial(or_failure, plan_of), rest)
        ):
            if not isinstance(plan, Failure):
                yield plan
            elif isinstance(plan.error, SourceError):
                yield plan.error
            else:
                raise plan.error


def _with_crossed_labels(counts: Sequence[Counts]) -> Iterator[Counts]:
    """All with the same labels: those that crossed in any recording."""
    crossed = (label_of(row.label) for of_recording in counts for row in of_recording.totals if row.count)
    shown = {label.text for label in crossed_labels(crossed)}
    for of_recording in counts:
        yield replace(
            of_recording,
            bins=tuple(row for row in of_recording.bins if row.label in shown),
            totals=tuple(row for row in of_recording.totals if row.label in shown),
        )
