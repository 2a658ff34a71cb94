"""Count the clips of a truth file and compare the counts with the truth.

Invariant: clips are counted as any recording is; the truth gives lines and true numbers, and changes no count.
"""

from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from passerby.domain.geometry import DEFAULT_CORRIDOR
from passerby.errors import SourceError, TruthError
from passerby.evaluation.score import ClipSummary, Evaluation, Score, score, summarise
from passerby.recordings.pipeline import count_plan
from passerby.recordings.plan import Method, plan_of
from passerby.recordings.progress import Progress
from passerby.recordings.settings import Runtime
from passerby.video.detect.interface import Detector
from passerby.video.detect.selection import AUTO
from passerby.video.observe import Recording, probe
from passerby.video.scheduling.optimizations import Optimizations

if TYPE_CHECKING:
    from passerby.evaluation.truth_file import Truth


def evaluate(
    truth_file: str | Path,
    clips: str | Path | None = None,
    *,
    detector: str | Detector = AUTO,
    corridor: float | None = DEFAULT_CORRIDOR,
    runtime: Runtime = Runtime(),
    optimizations: Optimizations | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Evaluation:
    """Count the clips of a truth file and compare the counts with the truth.

    `clips`: the folder of the clips, None for that of the truth file, which also gives lines and anchors. The other
    arguments are those of `Counter`. `progress` is called with the progress over all clips.

    Raises TruthError with every mistake in the file, among them clips that are missing, cannot be read or have another
    size; ModelError or InputError.

    >>> evaluation = passerby.evaluate("truth.yaml", detector="motion")
    >>> evaluation.summary.true
    2
    """
    # Loads YAML and schemas, a third of a second that no count needs.
    from passerby.evaluation import truth_file as truth_files

    truth = truth_files.load(Path(truth_file), None if clips is None else Path(clips))
    recordings = _recordings(truth)
    total_ms = sum(recording.duration_ms for recording in recordings)
    began_s, done_ms = perf_counter(), 0
    rows: list[Score] = []
    summaries: list[ClipSummary] = []
    warnings: dict[str, None] = {}
    name = detector if isinstance(detector, str) else ""
    for clip, recording in zip(truth.clips, recordings, strict=True):

        def report(of_clip: Progress, done_ms: int = done_ms) -> None:
            if progress is not None:
                progress(Progress(done_ms + of_clip.done_ms, total_ms, perf_counter() - began_s))

        lines = tuple(line.line for line in clip.lines)
        method = Method(lines, detector, corridor, None, runtime, optimizations)
        plan = plan_of(recording.path, method)
        counts = count_plan(plan, progress=report)
        scores = score(clip, counts.crossings, plan.task.start_ms, round(counts.duration_s * 1000))
        rows += scores
        summaries.append(ClipSummary(clip.name, counts.duration_s, summarise(scores)))
        warnings |= dict.fromkeys(counts.warnings)
        name = counts.detector
        done_ms += recording.duration_ms
    total = summarise(rows)
    return Evaluation(
        str(truth_file), name, tuple(rows), tuple(summaries), total, total.accuracy, tuple(warnings)
    )


def _recordings(truth: "Truth") -> list[Recording]:
    """The clips of a truth file, probed. Raises TruthError where a clip is not as the file says."""
    recordings, problems = [], []
    for clip in truth.clips:
        try:
            recording = probe(truth.video(clip))
        except SourceError as error:
            problems.append(truth.problem(clip, f"cannot be counted: {error}"))
            continue
        size_px = recording.width, recording.height
        if size_px != clip.size_px:
            found, expected = (f"{width}x{height}" for width, height in (clip.size_px, size_px))
            problems.append(
                truth.problem(clip, f"found a size of {found} px, expected {expected}, as the file has")
            )
        recordings.append(recording)
    if problems:
        raise TruthError(problems)
    return recordings
