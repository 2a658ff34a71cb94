"""Many recordings on a Ray cluster of one worker and of two, on this machine: a line of JSON.

    unshare --net --pid --fork --kill-child --mount-proc python -m tools.bench.cluster FOLDER ROUNDS OPTION...

with the options of `passerby count`.

Invariant: nothing is reached from outside: Ray listens in a network namespace that ends with this.
"""

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

PORT = 6398
NODE = [
    "--num-cpus=1",
    "--node-ip-address=127.0.0.1",
    "--object-store-memory=80000000",
    "--disable-usage-stats",
]
APART = ["unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
ALONE = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
LONGEST_WAIT_S = 120
RUNS = ("1 worker", "2 workers")


def main(recordings: Path, rounds: int, words: list[str]) -> None:
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    # Ray's sockets lie below it, and their names are short.
    with TemporaryDirectory(prefix="rb", ignore_cleanup_errors=True) as folder:
        os.environ |= {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": secrets.token_hex(32),
            "RAY_USAGE_STATS_ENABLED": "0",
            "HOME": folder,
        }
        head = ["ray", "start", "--head", f"--port={PORT}", "--include-dashboard=false", "--block"]
        answers: dict[str, list[dict[str, float]]] = {name: [] for name in RUNS}
        with _started([*head, f"--temp-dir={folder}/ray", *NODE]):
            for _ in range(rounds):
                _wait_for(1)
                answers[RUNS[0]].append(_count(recordings, words))
                with _started([*ALONE, "ray", "start", f"--address=127.0.0.1:{PORT}", "--block", *NODE]):
                    _wait_for(2)
                    answers[RUNS[1]].append(_count(recordings, words))
    print(json.dumps(answers))


@contextmanager
def _started(words: list[str]) -> Iterator[None]:
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def _wait_for(nodes: int) -> None:
    until_s = time.monotonic() + LONGEST_WAIT_S
    while time.monotonic() < until_s:
        words = ["ray", "status", f"--address=127.0.0.1:{PORT}"]
        told = subprocess.run(words, capture_output=True, text=True, check=False).stdout
        if told.partition("Active:")[2].partition("Pending:")[0].count("node_") == nodes:
            return
        time.sleep(1)
    raise TimeoutError(f"no cluster of {nodes} nodes")


def _count(recordings: Path, words: list[str]) -> dict[str, float]:
    command = [sys.executable, "-m", "passerby", "count", str(recordings), *words]
    command += ["--executor", "ray", "--address", f"127.0.0.1:{PORT}", "--timezone", "UTC", "--quiet"]
    before = _ticks()
    ticks, began_s = dict(before), time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    while process.poll() is None:
        # What a process took is lost when it ends.
        ticks |= _ticks()
        time.sleep(0.2)
    wall_s = time.perf_counter() - began_s
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    used = sum(ticks.values()) - sum(before.values())
    return {"wall_s": wall_s, "cpu_s": used / os.sysconf("SC_CLK_TCK"), "load": os.getloadavg()[0]}


def _ticks() -> dict[str, int]:
    """Of the CPU, that each process of the namespace has taken."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = path.read_text().rpartition(")")[2].split()
            found[path.parent.name] = int(fields[11]) + int(fields[12])
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
