"""One contender on one recording, in a process of its own, measured from within: a line of JSON.

    python -m tools.bench.measure CONTENDER RECORDING     with RECORDING as JSON of path, lines and ways

Invariant: CPU seconds, of all threads and of all children; what else runs on the machine changes them little.
"""

import json
import os
import re
import resource
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tools.bench.contenders import CONTENDERS, PROCESSES, SUPERVISION
from tools.bench.recordings import Told, Ways

from passerby.domain.geometry import Line

ROOT = Path(__file__).parents[2]


def measured(module: str, *arguments: str) -> dict[str, Any]:
    """What a process of such a module answers. Raises RuntimeError with its last line where it fails."""
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    if done.returncode:
        raise RuntimeError((done.stderr.strip() or f"exit code {done.returncode}").splitlines()[-1])
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def to_text(told: Told) -> str:
    ways = [[line, direction, number] for (line, direction), number in told.ways.items()]
    lines = [asdict(line) for line in told.lines]
    return json.dumps({"path": str(told.path), "lines": lines, "ways": ways})


def of_text(text: str) -> Told:
    read = json.loads(text)
    lines = tuple(
        Line(one["name"], tuple(one["start"]), tuple(one["end"]), tuple(one["names"]), one["anchor"])
        for one in read["lines"]
    )
    return Told(Path(read["path"]), lines, Counter({(line, way): n for line, way, n in read["ways"]}))


def count(contender: str, told: Told) -> dict[str, Any]:
    """CPU seconds of the counting alone; libraries and weights are loaded before, once in each process."""
    run = {**CONTENDERS, **PROCESSES}[contender](told.path, told.lines)
    highest_kb, stop = [0], threading.Event()

    def watch() -> None:
        while not stop.wait(0.2):
            for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
                highest_kb[0] = max(highest_kb[0], _high_water_kb(pid))

    watching = threading.Thread(target=watch)
    if contender in PROCESSES:
        watching.start()
    began_s, before_s = time.perf_counter(), _cpu_s()
    frames, ways = run()
    cpu_s, wall_s = _cpu_s() - before_s, time.perf_counter() - began_s
    stop.set()
    return {
        "frames": frames,
        "cpu_s": cpu_s,
        "wall_s": wall_s,
        "wrong": None if ways is None else wrong(ways, told.ways, either=contender == SUPERVISION),
        "of": sum(told.ways.values()),
        "peak_mb": _high_water_kb("self") / 1024,
        "worker_mb": highest_kb[0] / 1024,
        "load": os.getloadavg()[0],
    }


def wrong(counted: Ways, true: Ways, either: bool = False) -> int:
    """Over lines and directions, the difference; `either`: with its directions named so that it is least."""

    def error(ways: Ways) -> int:
        return sum(abs(ways[way] - true[way]) for way in ways.keys() | true.keys())

    if not either:
        return error(counted)
    other = {"to_left": "to_right", "to_right": "to_left"}
    return min(error(counted), error(Counter({(line, other[way]): n for (line, way), n in counted.items()})))


def _cpu_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _high_water_kb(pid: str) -> int:
    try:
        found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return 0
    return int(found[1]) if found else 0


if __name__ == "__main__":
    print(json.dumps(count(sys.argv[1], of_text(sys.argv[2]))))
