"""A site of simulated cameras in a folder, run as `passerby run` by real processes.

Invariant: real servers, real databases, real signals; policies are short, and an epsilon so large that noise is
almost none.
"""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep, time
from typing import Any

from passerby import synth
from passerby.publish.store.database import upgrade
from passerby.publish.store.query import Query
from passerby.publish.store.releases import Health, open_store
from passerby.publish.store.sums import Sum
from passerby.synth import Street, rtsp_camera

PATIENCE_S = 60.0
BIN_MS = 5_000
CHUNK_MS = 2_500
STREET = Street(seed=5, duration_s=120.0, width=192, height=108, fps=10, density="dense", parked=0)
POLICY = "{rho: 2s, k: 1, epsilon: 1000000, chunk: 2500ms, warmup: 1s, clip: 9, every: 5s}"
"""Noise of a scale of 0.0001: what is released is what was counted."""


def camera_text(name: str, source: str, **more: str) -> str:
    """A camera of a site file, with the road of the synthetic street as its line."""
    (road, *_) = synth.lines(STREET)
    ends = "from: [{}, {}], to: [{}, {}]".format(*road.start, *road.end)
    said = {"detector": "motion", "count": "[person, bicycle, car]", **more}
    return (
        f"  {name}:\n    source: {source}\n    detector: {said['detector']}\n"
        f"    lines:\n      road: {{{ends}, count: {said['count']}}}\n    privacy: {POLICY}\n"
    )


def site_text(cameras: dict[str, str]) -> str:
    """A site file of cameras by name and source."""
    return "site: {name: quay, timezone: UTC}\ncameras:\n" + "".join(
        camera_text(name, source) for name, source in cameras.items()
    )


class Place:
    """A folder with a site file, a ledger and a store."""

    def __init__(self, folder: Path, store: str | None = None, *, make_store: bool = True) -> None:
        self.folder = folder
        self.site = folder / "site.yaml"
        self.ledger = folder / "ledger.db"
        self.store = store or str(folder / "releases.db")
        self.state = folder / "site.yaml.run"
        self.log = folder / "log.jsonl"
        if make_store:
            upgrade(self.store)

    def start(self, *arguments: str, **environment: str) -> "subprocess.Popen[bytes]":
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [
                    *(sys.executable, "-m", "passerby", "run", str(self.site), "--log", "json"),
                    *("--database", self.store, "--ledger", str(self.ledger), "--delay", "4s", *arguments),
                ],
                stderr=log,
                env={**os.environ, **environment},
            )

    @contextmanager
    def running(self, *arguments: str, **environment: str) -> "Iterator[subprocess.Popen[bytes]]":
        process = self.start(*arguments, **environment)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE_S)

    def status(self) -> dict[str, Any]:
        """What the run told last; nothing before it told anything."""
        try:
            return dict(json.loads((self.state / "status.json").read_text()))
        except FileNotFoundError:
            return {"cameras": [], "problems": []}

    def camera(self, name: str) -> dict[str, Any]:
        return next((one for one in self.status()["cameras"] if one["camera"] == name), {})

    def logged(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]

    def bins(self) -> list[Sum]:
        """All that is in the store."""
        store = open_store(self.store, read_only=True)
        try:
            return list(store.rows(Query(resolution="bin")))
        finally:
            store.close()

    def links(self) -> dict[str, Health]:
        """What the store is told of the cameras, as the API and the metrics tell it."""
        store = open_store(self.store, read_only=True)
        try:
            return {one.camera: one for one in store.health()}
        finally:
            store.close()

    def spans(self, camera: str) -> list[int]:
        """The starts of the bins of a camera that were published, each once."""
        return sorted({one.start_ms for one in self.bins() if one.cell.camera == camera})

    def until_bins(self, number: int, *cameras: str) -> None:
        """Wait until so many bins are published of each camera."""
        until(lambda: all(len(self.spans(camera)) >= number for camera in cameras), self.told)

    def told(self) -> str:
        return f"{self.status()}\n{self.log.read_text()[-4000:]}"


def until(done: Callable[[], bool], told: Callable[[], str], patience_s: float = PATIENCE_S) -> None:
    """Wait for something that will come."""
    give_up = monotonic() + patience_s
    while not done():
        assert monotonic() < give_up, told()
        sleep(0.1)


def truth(start_ms: int, starts: Sequence[int]) -> "Counter[tuple[str, str]]":
    """What truly crosses the road, by direction and class, in the bins that begin at `starts`."""
    crossings = json.loads(rtsp_camera.truth_text(STREET, start_ms))["crossings"]
    return Counter(
        (one["direction"], one["label"])
        for one in crossings
        if one["line"] == "road" and any(0 <= one["time_ms"] - start < BIN_MS for start in starts)
    )


def now_ms() -> int:
    return round(time() * 1000)
