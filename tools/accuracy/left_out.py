"""How right scenes are counted whose crossings had no part in the numbers of `KindParams`: one left out in turn.

Invariant: the tables of evidence are fitted to the other scenes and to synthetic streets; weights and thresholds stay.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from passerby import Label, Line, Runtime, synth
from passerby.counting.chunks import chunks, crossings_of
from passerby.counting.context import apply_context
from passerby.counting.counts import Crossing
from passerby.counting.crossings import is_whole, kinematics_of
from passerby.counting.detections import KIND, Detections
from passerby.counting.kinds import KINDS, votes_of
from passerby.counting.line_test import passages
from passerby.counting.parameters import CountingParams, KindParams
from passerby.counting.paths import body_paths
from passerby.counting.tracker import track
from passerby.domain.geometry import Direction
from passerby.evaluation import truth_file
from passerby.evaluation.score import score, summarise
from passerby.recordings.plan import Method, plan_of
from passerby.video.observe import RecordingObservation, setup_for

PARAMS = CountingParams()
KINDS_BY_DEFAULT = PARAMS.crossing.kinds
_STREET = synth.Street(duration_s=60, width=640, height=360, fps=12.5, density="mixed")
STREETS = (
    replace(_STREET, seed=301),
    replace(_STREET, seed=302, density="dense"),
    replace(_STREET, seed=303, contrast=0.12, noise=6.0),
    replace(_STREET, seed=304, rain=1.0),
    replace(_STREET, seed=305, width=320, height=180),
)
"""They help to fit, and are not counted here."""
_LEAST = 0.01
"""No share of a table is fitted lower, since few crossings show a rare confusion."""
_NEAR_MS = 700


@dataclass(frozen=True, slots=True)
class Sample:
    """A crossing of known kind, an index of `KINDS`. `said` and `shapes` (3,); `pace`, `aspect` None where unknown."""

    scene: str
    kind: int
    said: NDArray[np.float64]
    shapes: NDArray[np.float64]
    pace: float | None
    aspect: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """The detections of a recording; `clip` is its truth, None for a street, whose true crossings are `true`."""

    name: str
    lines: tuple[Line, ...]
    ticks: tuple[Detections, ...]
    size_px: tuple[int, int]
    start_ms: int
    duration_ms: int
    clip: truth_file.TrueClip | None
    true: tuple[synth.TrueCrossing, ...] = ()


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Of one detector: the accuracy by class left out and as it is, with any class, and of each scene left out."""

    detector: str
    by_class: float
    seen: float
    any_class: float
    scenes: tuple[tuple[str, float], ...]


def left_out(detector: str, truths: Sequence[Path], models: Path | None, folder: Path) -> LeftOut:
    """Count the scenes of the truth files with a detector, each with numbers that were fitted without it."""
    real = [scene for path in truths if path.exists() for scene in _scenes(path, detector, models)]
    streets = [_street(street, number, detector, models, folder) for number, street in enumerate(STREETS)]
    samples = [sample for scene in (*real, *streets) for sample in samples_of(scene)]
    rows, seen, apart, each, true = 0, 0, 0, [], 0
    for scene in real:
        assert scene.clip is not None
        params = fitted([sample for sample in samples if sample.scene != scene.name])
        errors, here, without = _errors(scene, params)
        rows, apart, true = rows + errors, apart + without, true + here
        seen += _errors(scene, KINDS_BY_DEFAULT)[0]
        each.append((scene.name, 1 - errors / max(1, here)))
    return LeftOut(detector, 1 - rows / true, 1 - seen / true, 1 - apart / true, tuple(each))


def fitted(samples: Sequence[Sample], params: KindParams = KINDS_BY_DEFAULT) -> KindParams:
    """`params` with the tables that `samples` give; the spreads of paces stay, which are wider than measured."""
    pace, aspect, said, shape = [], [], [], []
    for kind in range(len(KINDS)):
        of_kind = [sample for sample in samples if sample.kind == kind]
        pace.append((_median(s.pace for s in of_kind), params.pace[kind][1]))
        aspect.append((_median(s.aspect for s in of_kind), params.aspect[kind][1]))
        said.append(_shares([s.said for s in of_kind]))
        shape.append(_shares([s.shapes for s in of_kind]))
    # The default median of people is raised above what was measured, to leave room for runners.
    raised = params.pace[0][0] / 0.62
    pace[0] = (pace[0][0] * raised, pace[0][1])
    return replace(params, pace=tuple(pace), aspect=tuple(aspect), said=tuple(said), shape=tuple(shape))


def samples_of(scene: Scene) -> Iterator[Sample]:
    """The crossings of one scene whose true kind is certain: nothing else crossed there in that direction, or then."""
    for span, near in chunks(iter(scene.ticks), PARAMS):
        paths = list(body_paths(track(near, PARAMS.tracker), PARAMS.crossing))
        for line in scene.lines:
            for path in paths:
                for passage in passages(line, path.time_ms, path.xyxy, scene.size_px, PARAMS.crossing):
                    kind = _true_kind(scene, line, passage.direction, passage.time_ms)
                    if passage.time_ms not in span or kind is None:
                        continue
                    close = path.near(passage.time_ms, PARAMS.crossing.vote_ms)
                    body = kinematics_of(close, passage.time_ms, PARAMS.crossing)
                    known = body is not None and is_whole(close, scene.size_px[1], PARAMS.crossing)
                    said, shapes = (
                        np.bincount(KIND, row, minlength=len(Label))[list(KINDS)] for row in votes_of(close)
                    )
                    yield Sample(
                        scene=scene.name,
                        kind=kind,
                        said=said.astype(np.float64),
                        shapes=shapes.astype(np.float64),
                        pace=1000 * body.pace / body.height if body is not None and known else None,
                        aspect=body.length / body.height if body is not None and known else None,
                    )


def _true_kind(scene: Scene, line: Line, direction: Direction, time_ms: int) -> int | None:
    if scene.clip is None:
        labels = {
            one.label
            for one in scene.true
            if (one.line, one.direction) == (line.name, direction) and abs(one.time_ms - time_ms) < _NEAR_MS
        }
    else:
        [of_line] = [each for each in scene.clip.lines if each.line.name == line.name]
        labels = {Label[name.upper()] for name, number in of_line.crossed[direction].items() if number}
    kinds = {KINDS.index(Label(int(KIND[label]))) for label in labels if label is not Label.UNKNOWN}
    return kinds.pop() if len(kinds) == 1 else None


def _errors(scene: Scene, kinds: KindParams) -> tuple[int, int, int]:
    """Errors by class, true crossings, and errors with any class."""
    assert scene.clip is not None
    params = replace(PARAMS, crossing=replace(PARAMS.crossing, kinds=kinds))
    found: list[Crossing] = []
    for span, near in chunks(iter(scene.ticks), params):
        found += crossings_of(near, scene.lines, scene.size_px, span, None, params)[0]
    counted = apply_context(found, params.context, kinds)
    total = summarise(score(scene.clip, counted, scene.start_ms, scene.duration_ms))
    merged = [replace(crossing, label=Label.UNKNOWN) for crossing in counted]
    apart: dict[tuple[str, str], int] = {}
    for row in score(scene.clip, merged, scene.start_ms, scene.duration_ms):
        apart[row.line, row.direction] = apart.get((row.line, row.direction), 0) + row.signed
    return total.missed + total.over, total.true, sum(abs(number) for number in apart.values())


def _scenes(truth: Path, detector: str, models: Path | None) -> Iterator[Scene]:
    loaded = truth_file.load(truth, None)
    for clip in loaded.clips:
        lines = tuple(line.line for line in clip.lines)
        yield _observed(clip.name, loaded.video(clip), lines, detector, models, clip, ())


def _street(street: synth.Street, number: int, detector: str, models: Path | None, folder: Path) -> Scene:
    path = folder / f"left-out-{number}.mp4"
    if not path.exists():
        synth.write(street, path)
    lines = tuple(synth.lines(street))
    return _observed(
        f"street {number}", path, lines, detector, models, None, tuple(synth.truth(street, lines))
    )


def _observed(
    name: str,
    path: Path,
    lines: tuple[Line, ...],
    detector: str,
    models: Path | None,
    clip: truth_file.TrueClip | None,
    true: tuple[synth.TrueCrossing, ...],
) -> Scene:
    plan = plan_of(path, Method(lines, detector, runtime=Runtime(model_dir=models)))
    task, choice = plan.task, plan.choice
    setup = setup_for(
        task.recording, task.lines, task.corridor, choice.loaded, choice.motion, task.optimizations
    )
    observation = RecordingObservation(task.recording, task.start_ms, None, setup)
    ticks = tuple(observation)
    duration_ms = max(observation.reading.end_ms, task.recording.duration_ms)
    size_px = task.recording.width, task.recording.height
    return Scene(name, lines, ticks, size_px, task.start_ms, duration_ms, clip, true)


def _median(values: Iterable[float | None]) -> float:
    return float(np.median([value for value in values if value]))


def _shares(votes: list[NDArray[Any]]) -> tuple[float, ...]:
    """The mean share (3,) of each kind in `votes` (3,), none below `_LEAST`."""
    shares = [one / one.sum() for one in votes if one.sum() > 0.5]
    mean = np.maximum(np.mean(shares, axis=0) if shares else np.full(len(KINDS), 1 / 3), _LEAST)
    return tuple(float(share) for share in mean / mean.sum())
