"""On real scenes whose crossings were counted by eye: no part of a combination is lost, and a wrong count has a mark.

The thresholds of marks were chosen on the same scenes, so these tests say that they still hold, not that they hold
elsewhere.
"""

from collections import Counter
from pathlib import Path

import pytest

from passerby import Counts, Runtime
from passerby.domain.geometry import DIRECTIONS
from passerby.evaluation import truth_file
from passerby.evaluation.score import score, summarise
from passerby.recordings.pipeline import count_plan
from passerby.recordings.plan import Method, plan_of

SCENES = (
    "clips/car-park-lane.mp4",
    "clips/car-park.mp4",
    "clips/highway.avi",
    "clips/indoor-table.mp4",
    "clips/junction-cyclist.mp4",
    "clips/overhead-road.avi",
    "clips/pavement.mp4",
    "scenes/topdown-road.mp4",
    "scenes/zebra.mp4",
    "scenes/alley.mp4",
    "scenes/circus-night-rain.mp4",
    "scenes/tunnel.mp4",
    "scenes/a4-dusk.mp4",
)
PARTS, TOGETHER = ("motion", "yolox_nano"), "yolox_nano+motion"


def counted(clip: truth_file.TrueClip, video: Path, detector: str, models: Path) -> tuple[Counts, float, int]:
    """The counts of a scene, its share of errors by class, and its errors with any class."""
    method = Method(tuple(line.line for line in clip.lines), detector, runtime=Runtime(model_dir=models))
    plan = plan_of(video, method)
    counts = count_plan(plan)
    total = summarise(score(clip, counts.crossings, plan.task.start_ms, round(counts.duration_s * 1000)))
    found = Counter(
        (crossing.line, crossing.direction)
        for crossing in counts.crossings
        for line in clip.lines
        if line.line.name == crossing.line
        and (line.within is None or any(crossing.time_ms - plan.task.start_ms in s for s in line.within))
    )
    any_class = sum(
        abs(found[line.line.name, direction] - sum(line.crossed[direction].values()))
        for line in clip.lines
        for direction in DIRECTIONS
    )
    return counts, (total.missed + total.over) / total.true, any_class


@pytest.mark.parametrize("scene", SCENES)
def test_a_combination_counts_as_well_as_its_parts_and_doubts_what_is_wrong(
    scene: str, shared_clips: Path, shared_models: Path
) -> None:
    folder, name = scene.split("/")
    path = shared_clips.parent / folder / "truth.yaml"
    if not path.exists():
        pytest.skip(f"{path} does not exist")
    truth = truth_file.load(path, None)
    [clip] = [clip for clip in truth.clips if clip.name == name]
    results = {
        detector: counted(clip, truth.video(clip), detector, shared_models) for detector in (*PARTS, TOGETHER)
    }

    best = min(results[part][2] for part in PARTS)
    assert results[TOGETHER][2] <= best + 1
    for counts, wrong, _ in (results["motion"], results[TOGETHER]):
        assert wrong < 0.25 or any(row.mark for row in counts.visibility)
