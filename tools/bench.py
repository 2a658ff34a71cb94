"""Writes the tables of docs/speed.md: `make bench`. What stands in ../shared is measured where it is there.

    bench.py [--rounds N] [--only TEXT,...]     every contender on every recording, in turn, round after round
    bench.py one CONTENDER RECORDING            one of them, in a process of its own: a line of JSON
    bench.py start DETECTOR RECORDING           from the start of `passerby count` to the first picture looked at

Law: figures of one run are compared with each other, and nothing is asserted.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from passerby import pipeline, synth, truth
from passerby.geometry import DEFAULT_CORRIDOR, Line
from passerby.video.savings import NAMES

ROOT = Path(__file__).parent.parent
CLIPS, MODELS = ROOT.parent / "shared/clips", ROOT.parent / "shared/models"
MADE, COMPARED = ROOT / ".venv/bench", ROOT / ".venv/compared"
TABLES = ROOT / "docs/speed.md"

SEED, SECONDS, FPS = 4, 30, 25
DENSITIES = ("quiet", "mixed", "dense")
RATES = {1080: "4M", 360: "800k"}
"""Rows of the recordings, and bits a second: a camera's main stream and its substream."""
REAL = ("car-park.mp4", "pavement.mp4", "highway.avi")

DECODE, SUPERVISION, EACH = "plain decode", "supervision, yolox_nano", "each frame, yolox_nano"
OURS = "yolox_nano"
PEERS = (DECODE, SUPERVISION, EACH, OURS)
WITHOUT = {f"{OURS} without {name}": (name,) for name in NAMES}
MORE = ("motion", "yolox_nano+motion", "auto")

Ways = Counter[tuple[str, str]]
"""Crossings by line and direction; kinds are left out, since not all contenders know the same."""
Counting = Callable[[], tuple[int, Ways | None]]


@dataclass(frozen=True)
class Filmed:
    """A recording, its lines, and what truly crossed them."""

    path: Path
    lines: tuple[Line, ...]
    true: Ways


# Contenders: each loads what it needs, and answers how to count


def decode(film: Filmed) -> Counting:
    import av

    def count() -> tuple[int, Ways | None]:
        with av.open(str(film.path)) as container:
            stream = container.streams.video[0]
            stream.codec_context.thread_count = 1
            return sum(1 for _ in container.decode(stream)), None

    return count


def passerby(film: Filmed, detector: str, without: Sequence[str] = (), each_frame: bool = False) -> Counting:
    import cv2

    from passerby.video import observe
    from passerby.video.choose import choose

    cv2.setNumThreads(1)
    if each_frame:
        # All of the picture, with as many pixels as the weights were made for, without any other saving.
        observe.TICK_MS = 1
        without = [name for name in NAMES if name != "fit"]
    if detector != "motion":
        choose(detector, MODELS)

    def count() -> tuple[int, Ways | None]:
        counts = pipeline.count(
            film.path,
            film.lines,
            detector=detector,
            model_dir=MODELS,
            corridor=None if each_frame else DEFAULT_CORRIDOR,
            without=without,
        )
        return counts.frames, Counter((c.line, c.direction) for c in counts.crossings)

    return count


def supervision(film: Filmed) -> Counting:
    """The same weights at their own 416 x 416 px; a line's ways are named so that the error is least."""
    # First, and only now: what passerby itself runs on is loaded already, and stays the same.
    sys.path.insert(0, str(COMPARED))
    import cv2
    import numpy as np
    import supervision as sv

    from passerby.video import onnx, yolox

    cv2.setNumThreads(1)
    network = onnx.open_network(MODELS / "yolox_nano.onnx", 1, "cpu")
    recording = pipeline.probe(film.path)
    size = np.array([recording.width, recording.height])
    zones = []
    for line in film.lines:
        start, end = (sv.Point(*(np.array(point) * size).tolist()) for point in (line.start, line.end))
        anchor = sv.Position.BOTTOM_CENTER if line.anchor == "bottom" else sv.Position.CENTER
        zones.append(sv.LineZone(start, end, triggering_anchors=[anchor]))
    tracker = sv.ByteTrack(frame_rate=round(recording.fps))

    def count() -> tuple[int, Ways | None]:
        frames = 0
        for image in sv.get_video_frames_generator(str(film.path)):
            boxes = yolox.detect(network, (416, 416), image, confidence=0.25, iou=0.45)
            found = tracker.update_with_detections(
                sv.Detections(boxes.xyxy, None, boxes.confidence, boxes.class_id)
            )
            for zone in zones:
                zone.trigger(found)
            frames += 1
        ways: Ways = Counter()
        for line, zone in zip(film.lines, zones, strict=True):
            ways[line.name, "to_right"], ways[line.name, "to_left"] = zone.in_count, zone.out_count
        return frames, ways

    return count


def contender(name: str, film: Filmed) -> Counting:
    if name == DECODE:
        return decode(film)
    if name == SUPERVISION:
        return supervision(film)
    if name == EACH:
        return passerby(film, OURS, each_frame=True)
    return passerby(film, OURS, WITHOUT[name]) if name in WITHOUT else passerby(film, name)


def contenders(recording: str) -> tuple[str, ...]:
    """Savings are left out in turn where traffic is mixed."""
    if recording.startswith("street"):
        return (*PEERS, *(WITHOUT if "mixed" in recording else ()), *MORE)
    return PEERS


# Recordings


def recordings() -> dict[str, Filmed]:
    MADE.mkdir(parents=True, exist_ok=True)
    found: dict[str, Filmed] = {}
    streets = {
        name: synth.Street(seed=SEED, width=1920, height=1080, fps=FPS, duration_s=SECONDS, density=name)
        for name in DENSITIES
    }
    for rows in RATES:
        for name, street in streets.items():
            lines = synth.lines(street)
            paths = made(f"street-{name}", street.rate, partial(synth.frames, street))
            ways: Ways = Counter((c.line, str(c.direction)) for c in synth.truth(street, lines))
            found[f"street-{name}-{rows}"] = Filmed(paths[rows], tuple(lines), ways)
    if CLIPS.is_dir():
        told = truth.load(CLIPS / "truth.yaml", None)
        for rows in RATES:
            for clip in told.clips:
                if clip.name not in REAL:
                    continue
                ways = Counter()
                for one in clip.lines:
                    for direction, labels in one.crossed.items():
                        ways[one.line.name, direction] = sum(labels.values())
                name, path = clip.name.split(".")[0], told.video(clip)
                rate = Fraction(clip.fps or FPS).limit_denominator(1001)
                paths = made(name, rate, partial(pictures, path))
                found[f"{name}-{rows}"] = Filmed(paths[rows], tuple(one.line for one in clip.lines), ways)
    return found


def pictures(path: Path) -> Iterator[Any]:
    import av

    with av.open(str(path)) as container:
        for picture in container.decode(video=0):
            yield picture.to_ndarray(format="bgr24")


def made(name: str, rate: Fraction, images: Callable[[], Iterable[Any]]) -> dict[int, Path]:
    """The pictures as a camera's main stream and substream: H.264 at a constant rate, a keyframe each two seconds,
    no B-frames. They are made once."""
    import av
    import cv2

    paths = {rows: MADE / f"{name}-{rows}.mp4" for rows in RATES}
    if all(path.exists() for path in paths.values()):
        return paths
    beside = {rows: path.with_suffix(".part.mp4") for rows, path in paths.items()}
    outs = {rows: av.open(str(path), "w") for rows, path in beside.items()}
    streams = {rows: out.add_stream("libx264", rate=rate) for rows, out in outs.items()}
    for number, image in enumerate(images()):
        for rows, stream in streams.items():
            high, wide = image.shape[:2]
            size = round(wide * rows / high / 2) * 2, rows
            if number == 0:
                stream.width, stream.height = size
                stream.pix_fmt = "yuv420p"
                stream.codec_context.gop_size = round(2 * rate)
                stream.codec_context.thread_count = 1
                bits = RATES[rows]
                stream.codec_context.options = {
                    "preset": "veryfast",
                    "bf": "0",
                    "b": bits,
                    "maxrate": bits,
                    "bufsize": bits,
                }
            way = cv2.INTER_AREA if rows < high else cv2.INTER_CUBIC
            scaled = image if high == rows else cv2.resize(image, size, interpolation=way)
            picture = av.VideoFrame.from_ndarray(scaled, format="bgr24")
            picture.pts, picture.time_base = number, 1 / Fraction(rate)
            outs[rows].mux(stream.encode(picture))
    for rows, out in outs.items():
        out.mux(streams[rows].encode(None))
        out.close()
        beside[rows].rename(paths[rows])
    return paths


# Measuring


def error(counted: Ways, true: Ways) -> int:
    return sum(abs(counted[way] - true[way]) for way in counted.keys() | true.keys())


def turned(ways: Ways) -> Ways:
    other = {"to_left": "to_right", "to_right": "to_left"}
    return Counter({(line, other[direction]): number for (line, direction), number in ways.items()})


def one(name: str, recording: str) -> dict[str, Any]:
    """CPU seconds of the work, after what it needs is loaded."""
    film = recordings()[recording]
    count = contender(name, film)
    before = time.process_time()
    frames, ways = count()
    spent_s = time.process_time() - before
    wrong = None
    if ways is not None:
        wrong = error(ways, film.true)
        if name == SUPERVISION:
            wrong = min(wrong, error(turned(ways), film.true))
    found = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    peak_mb = int(found[1]) / 1024 if found else 0.0
    return {
        "frames": frames,
        "cpu_s": spent_s,
        "wrong": wrong,
        "of": sum(film.true.values()),
        "peak_mb": peak_mb,
    }


def start(detector: str, recording: str) -> None:
    """`passerby count` in this process, ended when the first picture was looked at: seconds since it was started."""
    began_s = float(os.environ["BENCH_BEGAN_S"])
    from passerby.cli import main as passerby_main
    from passerby.video.look import Looking

    take = Looking.take

    def first(self: Looking, frame: Any) -> Any:
        list(take(self, frame))
        print(time.time() - began_s, flush=True)
        os._exit(0)

    Looking.take = first  # type: ignore[method-assign]
    path = MADE / f"{recording}.mp4"
    line = "a=0.5,0.1:0.5,0.9"
    sys.argv = ["passerby", "count", str(path), "--line", line, "--detector", detector, "--quiet"]
    sys.argv += ["--model-dir", str(MODELS)]
    passerby_main()


# Telling


Rows = dict[str, dict[str, list[dict[str, Any]]]]


def table(rows: Rows, starts: dict[str, list[float]]) -> Iterator[str]:
    for recording, of in rows.items():
        yield f"### {recording}\n"
        yield (
            "| | frames per CPU-second | CPU against plain decode | CPU of supervision against it | "
            "CPU of each frame against it | wrong | peak MB |"
        )
        yield "|---|---|---|---|---|---|---|"
        cost = {name: median(run["cpu_s"] for run in runs) for name, runs in of.items()}
        for name, runs in of.items():
            rate = runs[0]["frames"] / cost[name]
            against = f"{cost[name] / cost[DECODE]:.2f}" if DECODE in cost else ""
            fewer = [
                f"{cost[other] / cost[name]:.1f}" if other in cost and name != DECODE else ""
                for other in (SUPERVISION, EACH)
            ]
            wrong = "" if runs[0]["wrong"] is None else f"{runs[0]['wrong']} of {runs[0]['of']}"
            peak_mb = median(run["peak_mb"] for run in runs)
            yield f"| {name} | {rate:.0f} | {against} | {fewer[0]} | {fewer[1]} | {wrong} | {peak_mb:.0f} |"
        yield ""
    if starts:
        yield "### From the start of `passerby count` to the first picture looked at\n"
        yield "| detector | seconds, the median and the least |"
        yield "|---|---|"
        for detector, seconds in starts.items():
            yield f"| {detector} | {median(seconds):.2f}, {min(seconds):.2f} |"
        yield ""


def write(rows: Rows, starts: dict[str, list[float]]) -> None:
    text = TABLES.read_text(encoding="utf-8")
    before, _, rest = text.partition("<!-- bench -->\n")
    _, _, after = rest.partition("<!-- /bench -->\n")
    told = "\n".join(table(rows, starts))
    TABLES.write_text(f"{before}<!-- bench -->\n{told}<!-- /bench -->\n{after}", encoding="utf-8")


def run(*arguments: str) -> str:
    """What this file prints when it is run with `arguments`; empty where that failed, which is told."""
    environment = {**os.environ, "BENCH_BEGAN_S": str(time.time()), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, __file__, *arguments], capture_output=True, text=True, check=False, env=environment
    )
    if done.returncode:
        told = (done.stderr.strip().splitlines() or [f"ended with {done.returncode}"])[-1]
        print(f"{' '.join(arguments)}: {told}", file=sys.stderr)
        return ""
    return done.stdout.strip()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--only", default="", help="parts of names of recordings, separated by commas")
    parser.add_argument("one", nargs="*", help="one CONTENDER RECORDING, or start DETECTOR RECORDING")
    options = parser.parse_args()
    if options.one:
        what, name, recording = options.one
        if what == "start":
            start(name, recording)
        else:
            print(json.dumps(one(name, recording)))
        return
    rows: Rows = {}
    starts: dict[str, list[float]] = {}
    chosen = [name for name in recordings() if any(part in name for part in options.only.split(","))]
    for _ in range(options.rounds):
        for recording in chosen:
            # What costs little is measured three times, in turn with the others: its figures are the ratios' base.
            for name in (*contenders(recording), *(DECODE, OURS) * 2):
                if said := run("one", name, recording):
                    rows.setdefault(recording, {}).setdefault(name, []).append(json.loads(said))
                    print(recording, name, said, file=sys.stderr, flush=True)
            write(rows, starts)
        for _ in range(5):
            for name in ("motion", OURS, "auto"):
                if said := run("start", name, chosen[0]):
                    starts.setdefault(name, []).append(float(said))
        write(rows, starts)


if __name__ == "__main__":
    main()
