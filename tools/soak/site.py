"""The site of a soak, run as its users run it, and read as they read it.

Invariant: commands of passerby alone; nothing of it is looked at from within.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import zip_longest
from math import inf
from pathlib import Path
from time import monotonic

from tools.soak import cameras
from tools.soak.cameras import Camera
from tools.soak.findings import Row

from passerby.domain.policy import PromiseName

DELAY_S = 40
FILE = "site.yaml"
PRIVACY: dict[PromiseName, str] = {
    "crossings": "{promise: crossings, crossings: 1, influence: 1, epsilon: 100, every: 1m, reserve: 0}",
    "footage": "{promise: footage, rho: 4s, k: 1, epsilon: 100, chunk: 15s, warmup: 4s, clip: 6, every: 1m}",
}
"""Next to no noise under the crossings promise, and little under the footage promise: it protects nobody here."""


@contextmanager
def running(
    folder: Path, watched: Sequence[Camera], seeds: Sequence[int], promise: PromiseName
) -> "Iterator[subprocess.Popen[bytes]]":
    """The site, run as its users run it; ended whatever happens."""
    (folder / FILE).write_text(text(seeds, [camera.serve() for camera in watched], promise))
    passerby(folder, "db", "upgrade", "--timezone", "UTC", "--database", "releases.db")
    places = ["--database", "releases.db", "--ledger", "ledger.db", "--state", "state"]
    with (folder / "run.log").open("wb") as log:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "passerby",
                "run",
                FILE,
                *places,
                "--delay",
                f"{DELAY_S}s",
                "--log",
                "json",
            ],
            cwd=folder,
            env=_environment(),
            stdout=log,
            stderr=log,
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def text(seeds: Sequence[int], addresses: Sequence[str], promise: PromiseName = "crossings") -> str:
    """The site file of the streets of these seeds, each served at one address."""
    made = f"site: {{name: soak, timezone: UTC}}\nprivacy: {PRIVACY[promise]}\ncameras:\n"
    for number, (seed, address) in enumerate(zip(seeds, addresses, strict=True)):
        line = cameras.line_of(cameras.street(seed))
        ends = f"from: {list(line.start)}, to: {list(line.end)}, count: [vehicle]"
        # Every fourth comes over UDP.
        made += (
            f"  {name(number)}:\n    source: {address}\n    transport: {'udp' if number % 4 == 3 else 'tcp'}\n"
            f"    detector: motion\n    lines: {{{line.name}: {{{ends}}}}}\n"
        )
    return made


def stopped(site: "subprocess.Popen[bytes]") -> tuple[float, bool]:
    """Seconds from SIGTERM to its end, and whether that was as it should be."""
    begun = monotonic()
    site.send_signal(signal.SIGTERM)
    try:
        code = site.wait(30)
    except subprocess.TimeoutExpired:
        return 30.0, False
    return monotonic() - begun, code == 0


def rows(folder: Path) -> list[Row]:
    """All bins that were published."""
    found = json.loads(
        passerby(
            folder, "export", "--database", "releases.db", "--format", "json", "--resolution", "bin"
        ).stdout
    )
    return [
        Row(
            cell=(one["camera"], one["direction"]),
            begin=datetime.fromisoformat(one["start"]).timestamp(),
            value=one["value"],
            noise_sd=one["noise_sd"],
            coverage=one["coverage"],
        )
        for one in found
    ]


def told(folder: Path, camera: str) -> list[tuple[float, float]]:
    """From when to when the log tells of an outage of the camera, in Unix seconds."""
    begun: list[float] = []
    ended: list[float] = []
    for line in (folder / "run.log").read_text().splitlines():
        one = json.loads(line) if line.startswith("{") else {"event": ""}
        for event, times in (("begins", begun), ("ends", ended)):
            if one["event"] == f"camera {camera} outage {event}":
                times.append(datetime.fromisoformat(one["timestamp"]).timestamp())
    return list(zip_longest(begun, ended, fillvalue=inf))


def passerby(folder: Path, *arguments: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
    """A command, run in the folder."""
    return subprocess.run(
        [sys.executable, "-m", "passerby", *arguments],
        cwd=folder,
        env=_environment(),
        capture_output=True,
        text=True,
        check=check,
    )


def _environment() -> dict[str, str]:
    """Without what would name other places."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PASSERBY_")}


def name(number: int) -> str:
    """Of the camera of that number."""
    return f"camera-{number + 1}"
