"""Every process of a site killed, singly and all at once: nothing lost, nothing doubled, the ledger verifies.

Invariant: kills come at random times from a fixed seed; what may be missing is what was open at a kill, and no more.

PASSERBY_KILLS says how many rounds (pytest -s prints the figures), PASSERBY_KILLS_SEED which.
"""

import os
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from time import sleep

import pytest

pytest.importorskip("opendp", reason="the extra `private` is not installed")
pytest.importorskip("structlog", reason="the extra `run` is not installed")

from tests.live.sites import BIN_MS, CHUNK_MS, STREET, Place, now_ms, site_text, until

from passerby import synth
from passerby.privacy import ledger_report
from passerby.privacy.database import open_ledger
from passerby.synth import rtsp_camera

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(not rtsp_camera.available(), reason="Debian's GStreamer RTSP server is not installed"),
]

ROUNDS = int(os.environ.get("PASSERBY_KILLS", "3"))
SEED = int(os.environ.get("PASSERBY_KILLS_SEED", "7"))
CAMERAS = ("file", "rtsp")
SLACK_MS = 1_500
"""Until word of a camera that counts has come to the status file and to here."""


@dataclass(frozen=True)
class Down:
    """When a camera's chunks may have been lost: from a kill until it counts again."""

    camera: str
    start_ms: int
    end_ms: int


class Rounds:
    """A site that is killed again and again."""

    def __init__(self, place: Place, random: Random) -> None:
        self.place = place
        self.random = random
        self.process = place.start()
        self.downs: list[Down] = []
        self.killed = 0

    def ids(self) -> dict[str, int]:
        """The processes of the cameras that are up, as this run tells and not one before it."""
        status = self.place.status()
        mine = status.get("process_id") == self.process.pid
        return {one["camera"]: one["process_id"] for one in status["cameras"] if mine and one["up"]}

    def until_up(self) -> None:
        until(lambda: self.ids().keys() == set(CAMERAS), self.place.told, 120)

    def restart(self) -> None:
        self.process.wait()
        self.process = self.place.start()

    def kill(self, *processes: int) -> None:
        for process in processes:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
                self.killed += 1

    def one_after_another(self) -> None:
        """Each camera, then, while they are coming back, who runs them."""
        ids, begun_ms = self.ids(), now_ms()
        for process in self.random.sample(sorted(ids.values()), len(ids)):
            self.kill(process)
            sleep(self.random.uniform(0, 0.5))
        self.kill(self.process.pid)
        self.restart()
        self.back(begun_ms)

    def all_at_once(self) -> None:
        ids, begun_ms = self.ids(), now_ms()
        everyone = [self.process.pid, *ids.values()]
        self.random.shuffle(everyone)
        self.kill(*everyone)
        self.restart()
        self.back(begun_ms)

    def back(self, begun_ms: int) -> None:
        self.until_up()
        self.downs += [Down(name, begun_ms, now_ms() + SLACK_MS) for name in CAMERAS]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    folder = tmp_path / "street"
    folder.mkdir()
    # Over and over, however many rounds there are.
    server = rtsp_camera.serve(
        rtsp_camera.draw(STREET, folder), now_ms(), playback=rtsp_camera.Playback(loop_s=STREET.duration_s)
    )
    video = tmp_path / "street.mp4"
    synth.write(STREET, video)
    found = Place(tmp_path)
    found.site.write_text(site_text({"file": str(video), "rtsp": server.url}))
    yield found
    server.stop()


def test_killing_loses_nothing_but_what_is_open_and_doubles_nothing(place: Place) -> None:
    random = Random(SEED)
    site = Rounds(place, random)
    try:
        site.until_up()
        begun_ms = now_ms()
        place.until_bins(1, *CAMERAS)
        for number in range(ROUNDS):
            (site.all_at_once, site.one_after_another)[number % 2]()
            sleep(random.uniform(0, 1.2 * BIN_MS / 1000))
        done = {name: len(place.spans(name)) for name in CAMERAS}
        until(lambda: all(len(place.spans(name)) >= done[name] + 5 for name in CAMERAS), place.told, 120)
        until(lambda: place.status()["waiting_bytes"] == 0, place.told)
    finally:
        site.process.send_signal(signal.SIGTERM)
        site.process.wait(60)

    bins = place.bins()
    whole, cut = judged(place, site.downs, begun_ms)
    ledger = open_ledger(place.ledger)
    try:
        entries = ledger.entries()
        told = ledger_report.verify(ledger, {one.receipt for one in bins if one.receipt})
    finally:
        ledger.close()
    paid = {
        (one.camera, one.start_ms) for one in entries if one.kind == "spend" and one.query.endswith(" bins")
    }
    drawn = Counter((one.camera, one.query, one.start_ms) for one in entries if one.kind == "value")
    published = {(one.cell.camera, one.start_ms) for one in bins}
    # All that was paid for is published, but for what is still open; nothing is drawn twice.
    assert published <= paid
    newest = {name: max(start for camera, start in published if camera == name) for name in CAMERAS}
    assert not {(camera, start) for camera, start in paid - published if start < newest[camera]}
    assert set(drawn.values()) == {1}
    print(
        f"\n{ROUNDS} rounds, {site.killed} processes killed: {len(published)} bins published, none lost or doubled; "
        f"{whole} that no kill touched, {cut} cut by no more than their open chunks; {told}"
    )


def judged(place: Place, downs: list[Down], begun_ms: int) -> tuple[int, int]:
    """Every cell of every bin once; uncovered is only what was open at a kill. Answers how many bins no kill touched,
    and how many it did."""
    bins = place.bins()
    keys = Counter((one.cell, one.start_ms) for one in bins)
    assert set(keys.values()) == {1}
    # Chunks that are given up are told, and cost coverage that no kill did.
    slow = any(one["event"] == "machine outage begins" for one in place.logged())
    whole = cut = 0
    for camera in CAMERAS:
        covered = {one.start_ms: one.coverage for one in bins if one.cell.camera == camera}
        assert sum(cell.camera == camera for cell, _ in keys) == 6 * len(covered)
        for start in range(min(covered), max(covered) + 1, BIN_MS):
            lost_ms = lost(camera, start, downs)
            if start not in covered:
                # Begun and ended while nobody was there to pay for it.
                assert lost_ms == BIN_MS, (camera, start, downs)
            elif start > begun_ms:
                # Some is uncovered where a street begins anew at its end.
                uncovered_ms = (1 - covered[start]) * BIN_MS
                assert slow or uncovered_ms <= lost_ms + BIN_MS // 10, (camera, start, covered[start], downs)
                whole, cut = whole + (lost_ms == 0), cut + (lost_ms > 0)
    assert whole
    return whole, cut


def lost(camera: str, start_ms: int, downs: list[Down]) -> int:
    """How much of the bin lies in chunks that were open at a kill, or began before the camera was back."""
    chunks = range(start_ms, start_ms + BIN_MS, CHUNK_MS)
    # The answer of a chunk comes a moment after its end.
    hit = [
        chunk
        for chunk in chunks
        if any(
            one.camera == camera and chunk < one.end_ms and chunk + CHUNK_MS + SLACK_MS > one.start_ms
            for one in downs
        )
    ]
    return len(hit) * CHUNK_MS
