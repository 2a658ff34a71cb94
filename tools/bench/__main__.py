"""`make bench`: what counting costs, beside plain decoding, a peer, and each saving left out; writes the tables of
docs/explanation/speed.md.

    python -m tools.bench [--quick] [--seconds S] [--rounds N] [--only TEXT,...] [--processes] [--folder FOLDER]

Invariant: one run, every contender in turn, round after round; figures of one run are compared with each other, and
nothing is asserted.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tools.bench import cluster, report
from tools.bench import contenders as who
from tools.bench.measure import measured, to_text
from tools.bench.recordings import Told, recordings, repeated

STARTS = ("motion", "auto", "best")
LONG_S = 600
MANY, MANY_S = 8, 120
COUNT, START = "tools.bench.measure", "tools.bench.start"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="each once, no clips, what is expensive on the mixed street alone",
    )
    parser.add_argument("--seconds", type=int, default=0, help="of each street: 20, or 10 with --quick")
    parser.add_argument("--rounds", type=int, default=0, help="2, or 1 with --quick")
    parser.add_argument("--only", default="", help="parts of names of recordings, separated by commas")
    parser.add_argument(
        "--processes",
        action="store_true",
        help="only two processes, and two workers of Ray, against one: for a quiet machine",
    )
    parser.add_argument("--folder", type=Path, help="keeps the recordings, or has them already")
    options = parser.parse_args()
    with TemporaryDirectory(prefix="passerby-bench-") as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        run(folder, options)


def run(folder: Path, chosen_by: argparse.Namespace) -> None:
    seconds = chosen_by.seconds or (10 if chosen_by.quick else 20)
    chosen = recordings(folder, seconds, not chosen_by.quick, chosen_by.only.split(","))
    rows: report.Rows = {}
    starts: report.Runs = {}
    rounds = chosen_by.rounds or (1 if chosen_by.quick else 2)
    if chosen_by.processes:
        _processes(folder, next(iter(chosen.items())), seconds, rounds, rows)
        report.write_processes(rows)
        return
    for _ in range(rounds):
        for recording, told in chosen.items():
            for name in _in_turn(recording, chosen_by.quick):
                _add(rows.setdefault(recording, {}), recording, name, COUNT, name, to_text(told))
            report.write(rows, starts)
        for told in list(chosen.values())[:1]:
            for name in STARTS * 3:
                options = ["--line", "a=0.4,0:0.4,1", "--detector", name, "--model-dir", str(who.MODELS)]
                _add(starts, "start", name, START, str(told.path), *options, "--quiet")
        report.write(rows, starts)


def _processes(folder: Path, one: tuple[str, Told], seconds: int, rounds: int, rows: report.Rows) -> None:
    """One long recording on two processes, and many recordings on two workers of Ray, against one."""
    recording, told = one
    long = Told(folder / f"long-{recording}.mp4", told.lines, told.ways)
    if not long.path.exists():
        repeated(told.path, LONG_S // seconds, long.path)
    for _ in range(rounds):
        for name in who.PROCESSES:
            _add(rows.setdefault(report.PROCESSES, {}), recording, name, COUNT, name, to_text(long))
    many = folder / f"many-{recording}"
    if not many.exists():
        many.mkdir()
        repeated(told.path, MANY_S // seconds, many / "north_20240601_120000.mp4")
        for number in range(1, MANY):
            shutil.copyfile(
                many / "north_20240601_120000.mp4", many / f"north_20240601_12{number * 2:02}00.mp4"
            )
    (x, y), (x_end, y_end) = told.lines[0].start, told.lines[0].end
    words = ["--line", f"a={x},{y}:{x_end},{y_end}", "--detector", who.NETWORK]
    command = [*cluster.APART, sys.executable, "-m", "tools.bench.cluster", str(many.resolve()), str(rounds)]
    done = subprocess.run(
        [*command, *words, "--model-dir", str(who.MODELS)],
        capture_output=True,
        text=True,
        check=False,
        cwd=who.ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    if done.returncode:
        print(f"Ray: {(done.stderr.strip() or 'no answer').splitlines()[-1]}", file=sys.stderr)
        return
    rows[report.CLUSTER] = json.loads(done.stdout.splitlines()[-1])
    print(report.CLUSTER, rows[report.CLUSTER], file=sys.stderr, flush=True)


def _in_turn(recording: str, quick: bool) -> Sequence[str]:
    """What is expensive and costs the same whatever is to be seen is left to the mixed street where time is short."""
    mixed = recording.startswith("street-mixed")
    heavy = [who.SUPERVISION, who.EACH_FRAME] if mixed or not quick else []
    savings = [name for name in who.WITHOUT if not (quick and name.endswith(" all"))] if mixed else []
    # What costs little is measured again: its figures are what the others are divided by.
    return [who.DECODE, who.PASSERBY, *heavy, who.WITH_MOTION, who.MOTION, *savings, who.DECODE, who.PASSERBY]


def _add(runs: report.Runs, recording: str, name: str, *arguments: str) -> None:
    try:
        answer: dict[str, Any] = measured(*arguments)
    except RuntimeError as error:
        print(f"{recording}, {name}: {error}", file=sys.stderr)
        return
    runs.setdefault(name, []).append(answer)
    print(recording, name, answer, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
