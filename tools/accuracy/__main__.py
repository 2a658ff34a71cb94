"""`make accuracy`: how right the counts are; writes the tables and the picture of docs/explanation/accuracy.md.

    python -m tools.accuracy [--only left-out|clips|streets] [--folder FOLDER] [--jobs N] [--seeds N]

Invariant: bad figures are written as good ones are; what was measured before is not measured again in one FOLDER.
"""

import argparse
import json
import os
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from tools.accuracy import chart, report
from tools.accuracy.left_out import left_out
from tools.accuracy.streets import SEEDS, Result, measured, number_of, points

from passerby import synth
from passerby.io import files
from passerby.recordings.evaluate import evaluate
from passerby.recordings.settings import Runtime

ROOT = Path(__file__).parents[2]
TRUTH, MODELS = ROOT.parent / "shared/clips/truth.yaml", ROOT.parent / "shared/models"
SCENES = ROOT.parent / "shared/scenes/truth.yaml"
PICTURE = ROOT / "docs/explanation/accuracy.svg"
MODEL = "auto"
"""What the streets are counted with besides motion: the best that is at hand."""
LEFT_OUT_DETECTORS = ("best", "auto", "motion")
CLIP_DETECTORS = (
    "auto",
    "yolox_nano+motion",
    "person-vehicle-bike-detection-2002",
    "motion",
    "yolox_nano",
    "picodet_s_416_coco",
    "person-vehicle-bike-detection-crossroad-0078",
)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=("left-out", "clips", "streets"))
    parser.add_argument("--folder", type=Path, help="keeps streets and figures, or has them already")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seeds", type=int, default=len(SEEDS))
    options = parser.parse_args()
    with TemporaryDirectory(prefix="passerby-accuracy-") as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        # What the figures say of scenes that nobody has seen comes first.
        if options.only in (None, "left-out"):
            left_out_scenes(folder)
        if options.only in (None, "clips"):
            clips()
        if options.only in (None, "streets"):
            streets(folder, options.jobs, SEEDS[: options.seeds])


def left_out_scenes(folder: Path) -> None:
    if not TRUTH.exists():
        print(f"{TRUTH} is not there: the table of left-out scenes stays as it was", file=sys.stderr)
        return
    found = []
    for detector in LEFT_OUT_DETECTORS:
        found.append(left_out(detector, (TRUTH, SCENES), MODELS, folder))
        print(f"{detector}, left out: {found[-1].by_class:.3f}, seen: {found[-1].seen:.3f}", file=sys.stderr)
    report.write("left-out", report.left_out(found))


def clips() -> None:
    if not TRUTH.exists():
        print(f"{TRUTH} is not there: the table of clips stays as it was", file=sys.stderr)
        return
    told = {}
    for detector in CLIP_DETECTORS:
        told[detector] = evaluate(TRUTH, detector=detector, runtime=Runtime(model_dir=MODELS))
        print(f"{detector}: {told[detector].accuracy}", file=sys.stderr)
    report.write("clips", report.clips(told))


def streets(folder: Path, jobs: int, seeds: tuple[int, ...]) -> None:
    detectors = ("motion", MODEL) if MODELS.exists() else ("motion",)
    if len(detectors) == 1:
        print(f"{MODELS} is not there: streets are counted with motion alone", file=sys.stderr)
    wanted = {point: point.street for point in points() if point.seed in seeds}
    found: dict[synth.Street, dict[str, Result]] = {}
    with ProcessPoolExecutor(jobs) as pool:
        running = {
            pool.submit(_all, street, detectors, folder): street for street in dict.fromkeys(wanted.values())
        }
        for number, done in enumerate(as_completed(running), 1):
            found[running[done]] = done.result()
            print(f"{number} of {len(running)} streets", file=sys.stderr)
    ordered = {name: {point: found[street][name] for point, street in wanted.items()} for name in detectors}
    report.write("streets", report.streets(ordered))
    files.write(PICTURE, chart.svg(ordered))


def _all(street: synth.Street, detectors: tuple[str, ...], folder: Path) -> dict[str, Result]:
    results = {}
    for detector in detectors:
        kept = folder / f"{number_of(street):x}-{detector}.json"
        if kept.exists():
            results[detector] = Result(**json.loads(kept.read_text(encoding="utf-8")))
            continue
        results[detector] = measured(street, detector, MODELS if MODELS.exists() else None, folder)
        files.write(kept, json.dumps(asdict(results[detector])))
    return results


if __name__ == "__main__":
    main()
