"""READ FIRST: how a recording of one's own is counted, in one screen.

    video (pixels) -> counting (boxes, tracks, exact counts)        here
                      counting -> privacy (clipped, noised)         release.py, and live/ for cameras
                      counting -> privacy (noised)                  crossings_release.py, and live/ for cameras

Invariant: rooms meet here and in the two releases; no work is done here that a room could do.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from passerby.counting.context import apply_context
from passerby.counting.counts import Counts
from passerby.errors import InputError
from passerby.executors.processes import executor_of, running
from passerby.recordings.checkpoint import Checkpoint, Done
from passerby.recordings.chunks import ChunkCount
from passerby.recordings.plan import Plan
from passerby.recordings.progress import Progress, Reported
from passerby.recordings.results import counts_of, with_picture
from passerby.video.observe import Observed, RecordingObservation, SampledObservation, setup_for
from passerby.video.scene.background import Samples
from passerby.video.segments import JoinedParts, detect_part


def count_plan(
    plan: Plan,
    *,
    checkpoint: Checkpoint | None = None,
    picture: Path | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Counts:
    """Count the recording of `plan`; the rest as for `Counter.count`."""
    _check(plan, checkpoint, picture)
    done = Done() if checkpoint is None else checkpoint.take(plan.key)
    save = None if checkpoint is None else partial(checkpoint.save, plan.key)
    count = ChunkCount(plan, done, save)
    with _detections(plan, count, bounded=save is not None, sampled=picture is not None) as (
        observed,
        samples,
    ):
        counts = count_detections(plan, count, observed, progress)
    return counts if picture is None or samples is None else with_picture(plan, counts, picture, samples)


def plain_crossings(plan: Plan) -> Done:
    """The crossings of the recording of `plan` before they are compared with each other: nobody's class depends on the
    traffic around them, as in `Counter.stream`. Every optimization of `plan` is used."""
    _check(plan, None, None)
    count = ChunkCount(plan, Done())
    with _detections(plan, count, bounded=False, sampled=False) as (observed, _):
        return count.run(observed)


def count_detections(
    plan: Plan, count: ChunkCount, observed: Observed, progress: Callable[[Progress], None] | None
) -> Counts:
    """From detections to counts: track and count each chunk, compare bodies with the usual traffic, fill bins."""
    task, params = plan.task, plan.method.params
    done = count.run(Reported(observed, task.start_ms, task.recording.duration_ms, progress))
    crossings = apply_context(done.crossings, params.context, params.crossing.kinds)
    return counts_of(plan, done, crossings, observed.cpu, count.cpu_s)


@contextmanager
def _detections(
    plan: Plan, count: ChunkCount, *, bounded: bool, sampled: bool
) -> Iterator[tuple[Observed, Samples | None]]:
    """The detections of the recording, made in this process or in parts by an executor; and samples of its pictures,
    complete when the detections have been taken."""
    task, runtime, choice = plan.task, plan.method.runtime, plan.choice
    parts = plan.parts(runtime.jobs, count.done, bounded=bounded)
    if len(parts) == 1 and runtime.executor is None:
        setup = setup_for(
            task.recording, task.lines, task.corridor, choice.loaded, choice.motion, task.optimizations
        )
        alone = RecordingObservation(task.recording, task.start_ms, None, setup, with_samples=sampled)
        yield alone, alone.samples
        return
    execute = runtime.executor or executor_of(min(runtime.jobs, len(parts)))
    with running(execute, detect_part, parts) as results:
        joined = JoinedParts(parts, results, count.done.reading, count.on_part)
        if sampled:
            both = SampledObservation(joined, task.recording, task.start_ms)
            yield both, both.samples
        else:
            yield joined, None


def _check(plan: Plan, checkpoint: Checkpoint | None, picture: Path | None) -> None:
    if picture is not None and checkpoint is not None:
        raise InputError(
            f"--picture {picture}: it needs the whole recording, expected none for a count that can be resumed"
        )
    runtime = plan.method.runtime
    if not plan.is_portable and (runtime.jobs > 1 or runtime.executor is not None or checkpoint is not None):
        raise InputError(
            f"detector {plan.choice.name}: a function runs in this process alone, expected one job, no executor and no "
            "checkpoint"
        )
