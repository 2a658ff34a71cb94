"""`passerby run` as it is left running: real cameras over RTSP, real databases, real signals.

Invariant: every wait is for something that comes; no absolute time is asserted but that of SIGTERM, which is promised.
"""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from time import monotonic

import pytest

pytest.importorskip("opendp", reason="the extra `private` is not installed")
pytest.importorskip("structlog", reason="the extra `run` is not installed")

from tests.live.sites import BIN_MS, STREET, Place, now_ms, site_text, truth, until

from passerby.privacy import ledger_report
from passerby.privacy.database import open_ledger
from passerby.publish.store.database import upgrade
from passerby.publish.store.sums import Sum
from passerby.synth import rtsp_camera

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(not rtsp_camera.available(), reason="Debian's GStreamer RTSP server is not installed"),
]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> rtsp_camera.CodedStreet:
    return rtsp_camera.draw(STREET, tmp_path_factory.mktemp("street"))


class Cameras:
    """Two cameras that show the same street from the same instant on; north alone sends its wall clock."""

    def __init__(self, drawn: rtsp_camera.CodedStreet) -> None:
        self.drawn = drawn
        self.start_ms = now_ms()
        self.servers = {
            name: rtsp_camera.serve(
                drawn, self.start_ms, playback=rtsp_camera.Playback(sender_clock=name == "north")
            )
            for name in ("north", "south")
        }

    @property
    def sources(self) -> dict[str, str]:
        return {name: server.url for name, server in self.servers.items()}

    def kill(self, name: str) -> None:
        self.servers[name].stop()

    def serve(self, name: str) -> None:
        self.servers[name] = rtsp_camera.serve(
            self.drawn,
            self.start_ms,
            rtsp_camera.Listen(port=self.servers[name].port),
            rtsp_camera.Playback(sender_clock=name == "north"),
        )


@pytest.fixture
def cameras(drawn: rtsp_camera.CodedStreet) -> Iterator[Cameras]:
    found = Cameras(drawn)
    yield found
    for server in found.servers.values():
        server.stop()


@pytest.fixture
def place(tmp_path: Path, cameras: Cameras) -> Place:
    found = Place(tmp_path)
    found.site.write_text(site_text(cameras.sources))
    return found


def whole(bins: list[Sum]) -> None:
    """Every bin is there with all of its cells, none is twice, and each was paid for."""
    for camera in {one.cell.camera for one in bins}:
        starts = sorted({one.start_ms for one in bins if one.cell.camera == camera})
        assert all(later - one == BIN_MS for one, later in pairwise(starts)), starts
        keys = Counter((one.cell, one.start_ms) for one in bins if one.cell.camera == camera)
        assert set(keys.values()) == {1}
        assert len(keys) == 6 * len(starts)


def verified(place: Place) -> str:
    """The ledger's chain holds, and every published receipt is in it."""
    ledger = open_ledger(place.ledger)
    try:
        return ledger_report.verify(ledger, {one.receipt for one in place.bins() if one.receipt})
    finally:
        ledger.close()


def near_truth(cameras: Cameras, bins: list[Sum], camera: str) -> None:
    """What was released of whole bins is what truly crossed, but for what the detector errs at this size."""
    starts = [
        start
        for start in sorted({one.start_ms for one in bins})
        if all(one.coverage > 0.9 for one in bins if (one.cell.camera, one.start_ms) == (camera, start))
    ]
    true = truth(cameras.start_ms, starts)
    released = sum(one.value for one in bins if one.cell.camera == camera and one.start_ms in starts)
    # Motion alone tells cars from lorries and lorries from nothing at 192 x 108.
    expected = sum(true.values())
    assert starts
    assert abs(released - expected) <= max(3, expected // 2), (released, true)


def test_two_cameras_are_counted_paid_and_published(place: Place, cameras: Cameras) -> None:
    with place.running() as process:
        place.until_bins(3, "north", "south")
        shown = subprocess.run(
            [sys.executable, "-m", "passerby", "status", str(place.site)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert shown.returncode == 0, shown.stderr
        assert "north" in shown.stdout
        assert "up" in shown.stdout
        assert all(one["up"] and one["fps"] > 1 for one in place.status()["cameras"])
        until(lambda: any(one.sender_clock == 1 for one in place.bins()), place.told)
        assert {name: place.camera(name)["clock"] for name in ("north", "south")} == {
            "north": "sender",
            "south": "arrival",
        }

        begun_s = monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert monotonic() - begun_s < 5

    bins = place.bins()
    whole(bins)
    for camera in ("north", "south"):
        near_truth(cameras, bins, camera)
        of_camera = sorted({(one.start_ms, one.coverage) for one in bins if one.cell.camera == camera})
        # The first bin had begun before the camera was there.
        assert all(coverage > 0.97 for _, coverage in of_camera[1:]), of_camera
    assert {one.sender_clock for one in bins if one.cell.camera == "south"} == {0.0}
    dated = [
        one.sender_clock / one.coverage
        for one in sorted(bins, key=lambda one: one.start_ms)
        if one.cell.camera == "north" and one.coverage and one.sender_clock is not None
    ]
    # The first report of the sender comes some seconds after its first picture; from then on it is the sender's.
    assert dated[0] <= max(dated) == 1
    assert "entries" in verified(place)
    log = place.log.read_text()
    assert "rtsp://" not in log
    assert not [one for one in place.logged() if one["level"] == "warning"]
    again = subprocess.run(
        [sys.executable, "-m", "passerby", "status", str(place.site), "--format", "json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert again.returncode == 1
    assert "not running" in again.stderr


def test_the_site_file_is_read_again(place: Place, cameras: Cameras, tmp_path: Path) -> None:
    with place.running() as process:
        until(lambda: bool(place.camera("north").get("up") and place.camera("south").get("up")), place.told)
        before = place.camera("north")["process_id"]

        place.site.write_text(site_text(cameras.sources).replace("rho: 2s", "rho: soon"))
        process.send_signal(signal.SIGHUP)
        until(lambda: len(place.status()["problems"]) == 2, place.told)
        assert all("privacy.rho" in problem for problem in place.status()["problems"])
        assert {one["camera"] for one in place.status()["cameras"]} == {"north", "south"}

        # Another address: under a new name the same one would have to wait for what was paid for under the old.
        east = cameras.sources["south"].replace("127.0.0.1", "localhost")
        sources = {"north": cameras.sources["north"], "east": east}
        place.site.write_text(site_text(sources))
        process.send_signal(signal.SIGHUP)
        until(lambda: bool(place.camera("east").get("up")), place.told)
        assert place.camera("south") == {}
        # Where the API and the metrics read it, too.
        until(lambda: set(place.links()) == {"north", "east"}, place.told)
        assert place.camera("north")["process_id"] == before
        assert place.status()["problems"] == []

        # Of what was open of the camera that is gone, the rest is told too.
        place.until_bins(2, "east", "south")
        assert place.camera("north")["process_id"] == before

    whole(place.bins())
    verified(place)
    events = [(one["event"], one.get("camera")) for one in place.logged()]
    assert events.count(("camera starts", "north")) == 1
    assert [one for one in events if one[0] == "camera ends"] == [("camera ends", "south")]


def test_the_process_of_a_camera_may_die_or_hang(place: Place, cameras: Cameras) -> None:
    def renewed(name: str, process_id: int) -> bool:
        camera = place.camera(name)
        return bool(camera.get("up") and camera["process_id"] != process_id)

    with place.running():
        until(lambda: bool(place.camera("north").get("up") and place.camera("south").get("up")), place.told)
        killed, hung = (place.camera(name)["process_id"] for name in ("north", "south"))
        os.kill(killed, signal.SIGKILL)
        os.kill(hung, signal.SIGSTOP)
        until(lambda: renewed("north", killed), place.told)
        until(lambda: renewed("south", hung), place.told)
        assert place.camera("north")["restarts"] == 1
        place.until_bins(4, "north", "south")

    whole(place.bins())
    verified(place)


def test_a_camera_that_is_gone_is_told_and_shows_in_coverage(place: Place, cameras: Cameras) -> None:
    with place.running():
        until(lambda: bool(place.camera("north").get("up") and place.camera("south").get("up")), place.told)
        cameras.kill("south")
        until(lambda: place.camera("south").get("reason") == "unreachable", place.told)
        assert not place.camera("south")["up"]
        assert place.camera("north")["up"]
        gone = len(place.spans("south"))
        place.until_bins(gone + 3, "south")
        cameras.serve("south")
        until(lambda: bool(place.camera("south").get("up")), place.told)
        place.until_bins(len(place.spans("south")) + 3, "south")

    bins = place.bins()
    whole(bins)
    coverage = [one.coverage for one in bins if one.cell.camera == "south"]
    assert 0.0 in coverage
    assert max(coverage) > 0.97
    assert all(one.value == 0 for one in bins if one.coverage == 0)
    near_truth(cameras, bins, "south")
    told = [one["event"] for one in place.logged() if "outage" in one["event"]]
    assert told == ["camera south outage begins", "camera south outage ends"]


def test_whoever_is_killed_goes_on_where_it_was(place: Place, cameras: Cameras) -> None:
    process = place.start()
    try:
        place.until_bins(1, "north")
        (first, *_) = place.spans("north")
        # In the second half of a bin, so that there is something to lose.
        until(lambda: now_ms() % BIN_MS > 4_000, place.told)
        process.kill()
        killed_ms = now_ms()
        process.wait()
        children = [one["process_id"] for one in place.status()["cameras"]]
        until(lambda: not any(Path(f"/proc/{child}").exists() for child in children), place.told)
    finally:
        process.kill()
        process.wait()

    with place.running():
        until(lambda: bool(place.camera("north").get("up") and place.camera("south").get("up")), place.told)
        place.until_bins(len(place.spans("north")) + 4, "north")

    bins = place.bins()
    whole(bins)
    assert min(one.start_ms for one in bins) == first
    (cut,) = {
        one.coverage
        for one in bins
        if one.cell.camera == "north" and one.start_ms == killed_ms // BIN_MS * BIN_MS
    }
    # Its first chunk was done; all that may be missing is the second.
    assert cut > 0.4
    near_truth(cameras, bins, "north")
    verified(place)


def test_releases_wait_for_the_store_and_go_out_once(tmp_path: Path, cameras: Cameras) -> None:
    place = Place(tmp_path, make_store=False)
    place.site.write_text(site_text(cameras.sources))
    with place.running():
        until(lambda: place.status().get("waiting_bytes", 0) > 0, place.told)
        assert any(problem.startswith("store: ") for problem in place.status()["problems"])
        second = place.start()
        assert second.wait(60) == 2
        assert "already running" in place.log.read_text()
        waited = place.status()["waiting_bytes"]
        until(lambda: place.status()["waiting_bytes"] > waited, place.told)
        upgrade(place.store)
        place.until_bins(4, "north", "south")
        until(lambda: place.status()["waiting_bytes"] == 0, place.told)

    whole(place.bins())
    verified(place)
    told = [one["event"] for one in place.logged() if one["event"].startswith("store")]
    assert told == ["store outage begins", "store outage ends"]


def test_nothing_is_counted_before_the_ledger_is_there(place: Place, cameras: Cameras) -> None:
    # A folder in the ledger's place cannot be opened as a database.
    place.ledger.mkdir()
    with place.running():
        until(lambda: bool(place.camera("north").get("up")), place.told)
        assert any(problem.startswith("ledger: ") for problem in place.status()["problems"])
        assert place.camera("north")["epsilon_left"] is None
        place.ledger.rmdir()
        place.until_bins(2, "north", "south")
        assert not place.status()["problems"]

    whole(place.bins())
    verified(place)
    told = [one["event"] for one in place.logged() if one["event"].startswith("ledger")]
    assert told == ["ledger outage begins", "ledger outage ends"]


def test_a_wrong_password_is_told_corrected_without_a_restart_and_never_written(
    tmp_path: Path, drawn: rtsp_camera.CodedStreet
) -> None:
    right, wrong = "geheim-7391", "falsch-5512"
    server = rtsp_camera.serve(drawn, now_ms(), rtsp_camera.Listen(user="eye", password=right))
    place = Place(tmp_path)
    address = tmp_path / "address.txt"
    address.write_text(server.url.replace("//", f"//eye:{wrong}@"))
    place.site.write_text(site_text({"north": "{file: address.txt}"}))
    try:
        with place.running():
            until(lambda: place.camera("north").get("reason") == "credentials", place.told)
            until(
                lambda: any(one.reason == "credentials" and not one.up for one in place.links().values()),
                place.told,
            )
            process = place.camera("north")["process_id"]
            address.write_text(server.url.replace("//", f"//eye:{right}@"))
            until(lambda: bool(place.camera("north").get("up")), place.told)
            assert place.camera("north")["process_id"] == process
            place.until_bins(1, "north")
            started = [
                Path(f"/proc/{one}/{what}").read_bytes()
                for one in (process, place.status()["process_id"])
                for what in ("cmdline", "environ")
            ]
    finally:
        server.stop()
    kept = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path != address]
    assert len(kept) > 4
    for secret in (right.encode(), wrong.encode()):
        assert not any(secret in content for content in [*kept, *started])
    told = [one["event"] for one in place.logged() if "outage" in one["event"]]
    assert told == ["camera north outage begins", "camera north outage ends"]


# Read by every Python that starts; what sees takes longer for each picture than there is between two.
SLOW = """
import sys
if "passerby.live.worker" in sys.orig_argv:
    from time import process_time
    from passerby.video import windows
    Observation = windows.Observation
    def slowly(frames, *what, **more):
        def burning():
            for frame in frames:
                yield frame
                until = process_time() + 0.4
                while process_time() < until:
                    pass
        return Observation(burning(), *what, **more)
    windows.Observation = slowly
"""


def test_a_machine_that_is_too_slow_says_so_and_does_not_drift(
    place: Place, cameras: Cameras, tmp_path: Path
) -> None:
    (tmp_path / "slow").mkdir()
    (tmp_path / "slow" / "sitecustomize.py").write_text(SLOW)
    place.site.write_text(site_text({"north": cameras.sources["north"]}))
    path = os.pathsep.join([str(tmp_path / "slow"), *filter(None, [os.environ.get("PYTHONPATH")])])

    def problem() -> str:
        return next((one for one in place.status()["problems"] if one.startswith("machine: ")), "")

    with place.running(PYTHONPATH=path):
        until(lambda: "too slow for its 1 camera" in problem(), place.told)
        assert "computer too slow for its 1 camera, so segments are skipped" in problem()
        until(lambda: "skipped: computer too slow" in place.camera("north").get("note", ""), place.told)
        assert place.camera("north")["up"]
        # Nothing is put off: bins go out, one after the other.
        place.until_bins(len(place.spans("north")) + 3, "north")

    bins = place.bins()
    whole(bins)
    # How far the computer got depends on what is seen, so it enters no coverage: that is the link's.
    assert max(one.coverage for one in bins) > 0.5
    told = [one["event"] for one in place.logged() if one["event"].startswith("machine")]
    assert told[0] == "machine outage begins"
    assert told.count("machine outage begins") - told.count("machine outage ends") <= 1


@pytest.mark.parametrize("broken", [False, True])
def test_every_mistake_is_told_and_nothing_starts(tmp_path: Path, broken: bool) -> None:
    place = Place(tmp_path)
    password = "geheim-7391"
    place.site.write_text(
        "site: {name: quay, timezone: UTC}\ncameras:\n"
        f"  north:\n    source: rtsp://eye:{password}@127.0.0.1:9/x\n"
        "    lines: {a: {from: [0.1, 0.5], to: [0.9, 0.5]}}\n"
        "    privacy: {chunk: 7s}\n"
        "  south:\n    source: rtsp://${NOT_SET_ANYWHERE}@127.0.0.1:9/x\n"
        "  east:\n    detector: none-such\n    lines: {a: {from: [0.1, 0.5], to: [0.9, 0.5]}}\n"
        # What is no site file keeps nothing of the rest from being told.
        + (f"  west:\n    sourc: rtsp://eye:{password}@127.0.0.1:9/x\n    lines: 7\n" if broken else "")
    )
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "passerby", "run", str(place.site)),
            *("--database", place.store, "--ledger", str(place.ledger)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 2
    assert not place.state.exists()
    assert not place.ledger.exists()
    assert password not in ran.stderr
    for expected in (
        "cameras.north.privacy.chunk: found 7s",
        "none-such",
        "camera south: the environment variable NOT_SET_ANYWHERE is not set",
        "camera south: found no line",
        "camera east: found no source",
        "camera east, line a: found no privacy policy",
        *(("cameras.west.sourc", "cameras.west.lines") if broken else ()),
    ):
        assert expected in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--delay", "soon"], "soon"),
        (["--delay", "1s"], "--delay 1s: expected 2s to 1h"),
        (["--database", "/nowhere/at/all.db"], "the folder /nowhere/at does not exist"),
        (["--ledger", "/nowhere/at/all.db"], "the folder /nowhere/at does not exist"),
    ],
)
def test_options_that_cannot_be_meant(tmp_path: Path, arguments: list[str], expected: str) -> None:
    site = tmp_path / "site.yaml"
    site.write_text(site_text({"north": "rtsp://127.0.0.1:9/x"}))
    ran = subprocess.run(
        [sys.executable, "-m", "passerby", "run", str(site), *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )

    assert ran.returncode == 2
    assert expected in ran.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["site.yaml"]
