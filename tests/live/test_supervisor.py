"""The supervisor, without a process: whatever a camera's process says, it stands, and lets no word of it out."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import enumerate as enumerate_threads
from typing import Any

import pytest
from tests.tiers import examples

pytest.importorskip("opendp", reason="the extra `private` is not installed")
pytest.importorskip("structlog", reason="the extra `run` is not installed")

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.live.sites import until
from tests.live.test_accounting import CHUNK_MS, DELAYS, NOON_MS, World, camera
from tests.live.test_camera_process import pulses

from passerby.config import site
from passerby.domain.link_health import Reason
from passerby.live.protocol import ChunkCounts, Heartbeat, Ready
from passerby.live.supervisor.camera_process import CameraProcess
from passerby.live.supervisor.desired_state import DesiredState
from passerby.live.supervisor.supervisor import Locations, Supervisor, _Count, _Join
from passerby.live.supervisor.terms import FootageTerms
from passerby.publish.store.database import upgrade
from passerby.publish.store.releases import Store, open_store

SITE = """site: {name: quay, timezone: UTC}
cameras:
  north:
    source: street.mp4
    lines: {road: {from: [0, 0.5], to: [1, 0.5], count: [car]}}
    privacy: {rho: 4s, k: 1, epsilon: 1000000, chunk: 9s, warmup: 2s, clip: 9}
"""


class Run:
    """A supervisor of one camera whose processes are put in its place, and its log."""

    def __init__(self, folder: Path) -> None:
        self.log: list[str] = []
        path = folder / "site.yaml"
        path.write_text(SITE)
        wanted = DesiredState(site.parse(SITE, path), SITE, {"north": "motion"})
        places = Locations(
            path, folder, None, str(folder / "ledger.db"), None, str(folder / "store.db"), None
        )
        self.supervisor = Supervisor(places, wanted, DELAYS, None, self.tell, self.tell)
        order = self.supervisor._order(wanted, wanted.cameras["north"])
        self.camera = CameraProcess(
            wanted.cameras["north"], order, self.supervisor._receive, self.supervisor._outages
        )
        self.supervisor._processes["north"] = self.camera
        self.process = Process()
        self.camera._worker = self.process  # type: ignore[assignment]

    def tell(self, event: str, **what: Any) -> None:
        self.log.append(f"{event} {what}")

    def say(self, message: Any) -> None:
        self.supervisor._receive(self.camera, self.process, message)  # type: ignore[arg-type]
        self.supervisor._listen()


class Process:
    process_id, ended, started_s = 7, False, 0.0

    def __init__(self) -> None:
        self.killed = 0

    def kill(self) -> None:
        self.killed += 1


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr("passerby.live.supervisor.supervisor._TURN_S", 0.01)
    return Run(tmp_path)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    upgrade(tmp_path / "store.db")
    opened = open_store(tmp_path / "store.db", "UTC")
    yield opened
    opened.close()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    found = World(tmp_path)
    found.book.join(FootageTerms(camera(), "motion"), NOON_MS)
    yield found
    found.ledger.close()


on_grid = st.integers(-2, 110).map(lambda number: NOON_MS + number * CHUNK_MS)
anywhere = st.integers(0, 2**53) | on_grid
said = st.builds(
    ChunkCounts,
    line=st.sampled_from(["road", "road", "none", "", "x" * 400]),
    start_ms=anywhere,
    end_ms=anywhere,
    counts=st.lists(st.integers(0, 12) | st.integers(0, 100_000), max_size=4),
    covered_ms=st.integers(0, 2**53),
    sender_ms=st.integers(0, 2**53),
)
usual = st.builds(
    lambda start_ms, counts, covered_ms: ChunkCounts(
        line="road",
        start_ms=start_ms,
        end_ms=start_ms + CHUNK_MS,
        counts=counts,
        covered_ms=covered_ms,
        sender_ms=0,
    ),
    on_grid,
    st.lists(st.integers(0, 12), min_size=2, max_size=2),
    st.integers(0, 20_000),
)


@pytest.mark.slow
@settings(max_examples=examples(200), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(usual | said, max_size=20))
def test_whatever_a_camera_says_of_its_chunks_the_accounts_stand(
    run: Run, world: World, messages: list[ChunkCounts]
) -> None:
    book = world.book
    for message in messages:
        killed = run.process.killed
        open_before = [(slot.sums, slot.covered_ms, slot.sender_ms) for slot in book._accounts._open.values()]
        assert run.supervisor._add(book, _Count("north", message))
        if run.process.killed > killed:
            # What ends it adds nothing.
            assert open_before == [
                (slot.sums, slot.covered_ms, slot.sender_ms) for slot in book._accounts._open.values()
            ]
    for slot in book._accounts._open.values():
        chunks = slot.span.duration_ms // CHUNK_MS
        assert all(0 <= one <= 9 * chunks for one in slot.sums or ())
        assert 0 <= slot.coverage <= 1
    assert all("x" * 400 not in line for line in run.log)


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(told=st.lists(pulses, max_size=5))
def test_whatever_a_camera_says_of_its_link_it_can_be_told(
    run: Run, store: Store, told: list[Heartbeat]
) -> None:
    run.say(Ready(detector="motion"))
    for pulse in told:
        run.say(pulse)
        run.supervisor._judge()
        run.supervisor._status_s = 0.0
        run.supervisor._write_status()
        store.report(run.supervisor._health())
        (health,) = store.health()
        assert health.since_ms <= health.seen_ms
        assert health.reason.replace(" ", "-") in (*Reason, "", "starting", "crashed")
    assert not any(name == "status" for name in run.supervisor._outages.now())


def test_it_counts_by_the_detector_that_was_tried_and_by_no_other(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_hand = {"north": "motion"}
    monkeypatch.setattr(
        "passerby.live.supervisor.supervisor.with_detectors_tried_again",
        lambda before, _: replace(before, detectors=dict(at_hand)),
    )
    run.say(Ready(detector="motion"))
    (join,) = run.supervisor._requested()
    assert isinstance(join, _Join)
    assert isinstance(join.terms, FootageTerms)
    assert join.terms.detector == "motion"
    run.say(Ready(detector="a text of its own"))
    assert run.supervisor._requested() == []
    assert run.process.killed == 1
    assert "detector of camera north" in run.supervisor._outages.now()
    assert not any("a text of its own" in line for line in run.log)
    until(lambda: all(one.name != "detectors" for one in enumerate_threads()), lambda: "")
    assert run.supervisor._desired.detectors == {"north": "motion"}
    # Somebody put another in its place: found out by a process that sees no camera.
    at_hand["north"] = "another"
    run.say(Ready(detector="another"))
    until(lambda: run.supervisor._desired.detectors == at_hand, lambda: "")
    assert run.process.killed == 2
    run.say(Ready(detector="another"))
    (join,) = run.supervisor._requested()
    assert isinstance(join, _Join)
    assert isinstance(join.terms, FootageTerms)
    assert join.terms.detector == "another"
    assert "detector of camera north" not in run.supervisor._outages.now()


def test_what_pages_tell_of_a_camera_is_no_reason_to_start_it_anew(run: Run) -> None:
    before = run.supervisor._desired
    (north,) = before.site.cameras
    shown = replace(north, plan=Path("plan.png"))
    run.supervisor._apply(replace(before, site=replace(before.site, cameras=(shown,)), text="newer"))
    assert run.supervisor._processes["north"] is run.camera
    assert run.camera.camera is shown
    # Started again one day, it reads the newest file.
    assert run.camera.order.site == "newer"  # type: ignore[union-attr]
    run.process.stop = lambda: None  # type: ignore[attr-defined]
    elsewhere = replace(north, transport="udp")
    run.supervisor._apply(replace(before, site=replace(before.site, cameras=(elsewhere,))))
    assert run.supervisor._processes["north"] is not run.camera
    run.supervisor._apply(replace(before, site=replace(before.site, cameras=())))
    assert run.supervisor._processes == {}
    assert run.supervisor._health() == ()
    assert run.supervisor._outages.now() == {}


def test_a_file_that_cannot_be_read_at_all_is_told_without_its_text(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> DesiredState:
        raise RecursionError("rtsp://eye:geheim-7391@10.0.0.7/x")

    monkeypatch.setattr("passerby.live.supervisor.supervisor.read_desired_state", broken)
    run.supervisor._read_again()
    run.supervisor._reload()
    assert run.supervisor._processes["north"] is run.camera
    (problem,) = run.supervisor._refused
    assert "site.yaml: cannot be read (RecursionError at " in problem
    assert not any("geheim" in line for line in run.log)
    assert any("site file refused" in line for line in run.log)


def test_a_part_that_breaks_ends_the_run_and_tells_where(run: Run, capfd: pytest.CaptureFixture[str]) -> None:
    def broken() -> None:
        raise KeyError("rtsp://eye:geheim-7391@10.0.0.7/x")

    run.supervisor._guarded(broken)
    assert run.supervisor._broken
    assert run.supervisor._stop.is_set()
    (line,) = run.log
    assert "KeyError" in line
    printed = capfd.readouterr()
    assert "geheim" not in line + printed.out + printed.err
