"""`make bench`: what counting costs, beside plain decoding, a peer, and each saving left out; writes the tables of
docs/speed.md.

    python -m tools.bench [--quick] [--seconds S] [--rounds N] [--only TEXT,...] [--processes] [--folder FOLDER]

Law: one run, every contender in turn, round after round; figures of one run are compared with each other, and
nothing is asserted.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tools.bench import contenders as who
from tools.bench import report
from tools.bench.measure import measured, to_text
from tools.bench.recordings import Told, recordings, repeated

STARTS = ("motion", who.NETWORK, "auto")
LONG_S = 600
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
    parser.add_argument("--processes", action="store_true", help="also two processes: for a quiet machine")
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
    for _ in range(chosen_by.rounds or (1 if chosen_by.quick else 2)):
        for recording, told in chosen.items():
            for name in _in_turn(recording, chosen_by.quick):
                _add(rows.setdefault(recording, {}), recording, name, COUNT, name, to_text(told))
            report.write(rows, starts)
        for told in list(chosen.values())[:1]:
            for name in STARTS * 3:
                options = ["--line", "a=0.4,0:0.4,1", "--detector", name, "--model-dir", str(who.MODELS)]
                _add(starts, "start", name, START, str(told.path), *options, "--quiet")
        report.write(rows, starts)
    if chosen_by.processes:
        for recording, told in list(chosen.items())[:1]:
            long = Told(folder / f"long-{recording}.mp4", told.lines, told.ways)
            if not long.path.exists():
                repeated(told.path, LONG_S // seconds, long.path)
            text = to_text(long)
            for name in who.PROCESSES:
                _add(rows.setdefault(report.PROCESSES, {}), recording, name, COUNT, name, text)
        report.write(rows, starts)


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
