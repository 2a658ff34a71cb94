"""Writes the tables of docs/speed.md: `make bench`. What stands in ../shared is measured where it is there.

    bench.py [--quick] [--only CONTENDER;...]     every contender on every recording, in turn, round after round
    bench.py one CONTENDER RECORDING              one of them, in a process of its own: a line of JSON

Law: figures of one run are compared with each other, and nothing is asserted.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from passerby import pipeline, synth, truth
from passerby.geometry import DEFAULT_CORRIDOR, Line

ROOT = Path(__file__).parent.parent
CLIPS, MODELS = ROOT.parent / "shared/clips", ROOT.parent / "shared/models"
MADE, COMPARED = ROOT / ".venv/bench", ROOT / ".venv/compared"
TABLES = ROOT / "docs/speed.md"
STREETS = {
    "street-1080": synth.Street(seed=3, width=1920, height=1080, fps=25, duration_s=24),
    "street-360": synth.Street(seed=3, width=640, height=360, fps=25, duration_s=60),
}
REAL = ("car-park-lane.mp4", "car-park.mp4", "pavement.mp4")

Ways = Counter[tuple[str, str]]
"""Crossings by line and direction; kinds are left out, since not all contenders know the same."""


def decode(video: Path, lines: Sequence[Line]) -> tuple[int, Ways | None]:
    import av

    with av.open(str(video)) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        return sum(1 for _ in container.decode(stream)), None


def passerby(
    detector: str, jobs: int = 1, each_frame: bool = False
) -> Callable[..., tuple[int, Ways | None]]:
    def count(video: Path, lines: Sequence[Line]) -> tuple[int, Ways | None]:
        from passerby.video import observe

        if each_frame:
            observe.TICK_MS = 1
        corridor = None if each_frame else DEFAULT_CORRIDOR
        counts = pipeline.count(
            video, lines, detector=detector, model_dir=MODELS, jobs=jobs, corridor=corridor
        )
        return counts.frames, Counter((c.line, c.direction) for c in counts.crossings)

    return count


def supervision(video: Path, lines: Sequence[Line]) -> tuple[int, Ways | None]:
    """The same weights at their own 416 x 416 px; a line's ways are named so that the error is least."""
    # First, and only now: what passerby itself runs on is loaded already, and stays the same.
    sys.path.insert(0, str(COMPARED))
    import numpy as np
    import supervision as sv

    from passerby.video import onnx, yolox

    network = onnx.open_network(MODELS / "yolox_nano.onnx", 1, "cpu")
    recording = pipeline.probe(video)
    size = np.array([recording.width, recording.height])
    zones = []
    for line in lines:
        start, end = (sv.Point(*(np.array(point) * size).tolist()) for point in (line.start, line.end))
        anchor = sv.Position.BOTTOM_CENTER if line.anchor == "bottom" else sv.Position.CENTER
        zones.append(sv.LineZone(start, end, triggering_anchors=[anchor]))
    tracker = sv.ByteTrack(frame_rate=round(recording.fps))
    frames = 0
    for image in sv.get_video_frames_generator(str(video)):
        boxes = yolox.detect(network, (416, 416), image, confidence=0.25, iou=0.45)
        found = tracker.update_with_detections(
            sv.Detections(boxes.xyxy, None, boxes.confidence, boxes.class_id)
        )
        for zone in zones:
            zone.trigger(found)
        frames += 1
    ways: Ways = Counter()
    for line, zone in zip(lines, zones, strict=True):
        ways[line.name, "to_right"], ways[line.name, "to_left"] = zone.in_count, zone.out_count
    return frames, ways


CONTENDERS: dict[str, Callable[..., tuple[int, Ways | None]]] = {
    "plain decode": decode,
    "supervision, yolox_nano": supervision,
    "every frame, no corridor, yolox_nano": passerby("yolox_nano", each_frame=True),
    "yolox_nano": passerby("yolox_nano"),
    "yolox_nano, --jobs 2": passerby("yolox_nano", 2),
    "motion": passerby("motion"),
    "motion, --jobs 2": passerby("motion", 2),
}


def recordings(quick: bool) -> dict[str, tuple[Path, list[Line], Ways]]:
    """By name: the file, its lines, what truly crossed them."""
    MADE.mkdir(parents=True, exist_ok=True)
    found: dict[str, tuple[Path, list[Line], Ways]] = {}
    for name, street in STREETS.items():
        path = MADE / f"{name}.mp4"
        if not path.exists():
            synth.write(street, path)
        lines = synth.lines(street)
        found[name] = path, list(lines), Counter((c.line, c.direction) for c in synth.truth(street, lines))
    if not quick and CLIPS.is_dir():
        told = truth.load(CLIPS / "truth.yaml", None)
        for clip in told.clips:
            if clip.name in REAL:
                ways: Ways = Counter()
                for one in clip.lines:
                    for direction, labels in one.crossed.items():
                        ways[one.line.name, direction] = sum(labels.values())
                found[clip.name] = told.video(clip), [one.line for one in clip.lines], ways
    return found


def error(counted: Ways, true: Ways) -> int:
    return sum(abs(counted[way] - true[way]) for way in counted.keys() | true.keys())


def turned(ways: Ways) -> Ways:
    other = {"to_left": "to_right", "to_right": "to_left"}
    return Counter({(line, other[direction]): number for (line, direction), number in ways.items()})


def one(contender: str, recording: str) -> dict[str, Any]:
    """CPU seconds from the first line of the work on, children and loading of weights included."""
    video, lines, true = recordings(False)[recording]
    peak_kb = [0]
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(0.1):
            for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
                peak_kb[0] = max(peak_kb[0], high_water_kb(pid))

    watching = threading.Thread(target=watch)
    if "--jobs" in contender:
        watching.start()
    began, before = time.perf_counter(), cpu_s()
    frames, ways = CONTENDERS[contender](video, lines)
    spent_s, wall_s = cpu_s() - before, time.perf_counter() - began
    stop.set()
    wrong = None
    if ways is not None:
        wrong = error(ways, true)
        if contender.startswith("supervision"):
            wrong = min(wrong, error(turned(ways), true))
    return {
        "frames": frames,
        "cpu_s": spent_s,
        "wall_s": wall_s,
        "wrong": wrong,
        "of": sum(true.values()),
        "peak_mb": max(high_water_kb("self"), 0) / 1024,
        "worker_mb": peak_kb[0] / 1024,
    }


def cpu_s() -> float:
    spent = os.times()
    return time.process_time() + spent.children_user + spent.children_system


def high_water_kb(pid: str) -> int:
    try:
        found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return 0
    return int(found[1]) if found else 0


def table(rows: dict[str, dict[str, list[dict[str, Any]]]]) -> Iterable[str]:
    for recording, contenders in rows.items():
        yield f"### {recording}\n"
        yield "| | frames per CPU-second | against decode | wall s | wrong | peak MB | of a worker |"
        yield "|---|---|---|---|---|---|---|"
        plain = contenders.get("plain decode")
        for contender, runs in contenders.items():
            rate = median(run["frames"] / run["cpu_s"] for run in runs)
            against = (
                f"{median(p['cpu_s'] / r['cpu_s'] for p, r in zip(plain, runs, strict=False)):.2f}"
                if plain
                else ""
            )
            wrong = "" if runs[0]["wrong"] is None else f"{runs[0]['wrong']} of {runs[0]['of']}"
            wall_s, peak_mb, worker_mb = (
                median(run[key] for run in runs) for key in ("wall_s", "peak_mb", "worker_mb")
            )
            shown = f"{worker_mb:.0f}" if worker_mb else ""
            yield f"| {contender} | {rate:.0f} | {against} | {wall_s:.1f} | {wrong} | {peak_mb:.0f} | {shown} |"
        yield ""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="the synthetic streets alone")
    parser.add_argument("--only", help="contenders, separated by semicolons")
    parser.add_argument("one", nargs="*", help="one CONTENDER RECORDING")
    options = parser.parse_args()
    if options.one:
        _, contender, recording = options.one
        print(json.dumps(one(contender, recording)))
        return
    wanted = options.only.split(";") if options.only else list(CONTENDERS)
    rows: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for _ in range(options.rounds):
        for recording in recordings(options.quick):
            for contender in wanted:
                command = [sys.executable, __file__, "one", contender, recording]
                done = subprocess.run(command, capture_output=True, text=True, check=False)
                if done.returncode:
                    print(
                        f"{contender} on {recording}: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr
                    )
                    continue
                rows.setdefault(recording, {}).setdefault(contender, []).append(json.loads(done.stdout))
                print(recording, contender, done.stdout.strip(), file=sys.stderr)
            write(rows)


def write(rows: dict[str, dict[str, list[dict[str, Any]]]]) -> None:
    text = TABLES.read_text(encoding="utf-8")
    before, _, rest = text.partition("<!-- bench -->\n")
    _, _, after = rest.partition("<!-- /bench -->\n")
    told = "\n".join(table(rows))
    TABLES.write_text(f"{before}<!-- bench -->\n{told}<!-- /bench -->\n{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
