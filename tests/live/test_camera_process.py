"""One camera watched over, by a clock of the test: started, ended where it hangs, started again later each time."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerby.config.camera_address import Address
from passerby.config.site import Camera
from passerby.domain.link_health import Reason
from passerby.io.backoff import LONGEST_WAIT_S
from passerby.live.protocol import CheckDetectors, ChunkCounts, Fault, FromWorker, Heartbeat, PaidSpan, Ready
from passerby.live.supervisor import camera_process, outages
from passerby.live.supervisor.camera_process import HANG_S, START_S, CameraProcess
from passerby.live.supervisor.outages import Outages

pytestmark = pytest.mark.process

CAMERA = Camera("north", Address("rtsp://127.0.0.1:9/x"), "motion", (), (), None)
ORDER = CheckDetectors(detectors=[], model_dir=None)
HELLO = Ready(detector="motion")


def pulse(second: int = 0, **changed: Any) -> Heartbeat:
    """What a camera at 10 frames a second tells after so many seconds."""
    told = {
        "up": True,
        "since_ms": 5,
        "reason": "live",
        "sender_clock": False,
        "frames": 10 * second,
        "cpu_ms": 100 * second,
        "due": 10 * second,
        "processed": 10 * second,
        "skipped": 0,
    }
    return Heartbeat(**{**told, **changed})


class Process:
    """A child without a process."""

    def __init__(self, _order: object, heard: Callable[..., None]) -> None:
        World.now.started.append(self)
        self.heard = heard
        self.started_s = self.received_s = World.now.clock_s
        self.told: list[PaidSpan] = []
        self.killed = self.stopped = False

    def send(self, message: PaidSpan) -> None:
        self.told.append(message)

    def kill(self) -> None:
        self.killed = True

    def stop(self) -> None:
        self.stopped = True


class World:
    """A camera that is watched, its processes, the log and the clock."""

    now: "World"

    def __init__(self) -> None:
        World.now = self
        self.clock_s = 1_000.0
        self.started: list[Process] = []
        self.log: list[tuple[str, str]] = []
        self.heard: list[FromWorker | None] = []
        self.outages = Outages(lambda event, **what: self.log.append((event, what.get("problem", ""))))
        self.camera = CameraProcess(
            CAMERA, ORDER, lambda _one, _child, message: self.heard.append(message), self.outages
        )

    @property
    def process(self) -> Process:
        return self.started[-1]

    def say(self, message: FromWorker | None) -> bool:
        self.process.received_s = self.clock_s
        return self.camera.take(self.process, message)  # type: ignore[arg-type]

    def pass_s(self, seconds: float) -> None:
        self.clock_s += seconds
        self.camera.supervise()


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(camera_process, "WorkerProcess", Process)
    for module in (camera_process, outages):
        monkeypatch.setattr(module, "monotonic", lambda: World.now.clock_s)
        monkeypatch.setattr(module, "random", lambda: 0.0)
    return World()


def test_a_camera_is_up_once_it_is_ready_and_sends(world: World) -> None:
    camera = world.camera
    assert (camera.up, camera.reason) == (False, "starting")
    world.pass_s(0)
    world.say(pulse(1))
    assert not camera.up
    world.say(HELLO)
    assert camera.up
    world.say(pulse(2, up=False, reason="stalled"))
    assert not camera.up
    world.say(pulse(3))
    assert world.log == [("camera north outage begins", "stalled"), ("camera north outage ends", "")]


def test_a_camera_that_is_only_connecting_is_no_outage(world: World) -> None:
    world.pass_s(0)
    world.say(HELLO)
    world.say(pulse(0, up=False, reason="connecting"))
    assert world.log == []


def test_one_that_says_nothing_hangs_and_may_take_longer_to_start(world: World) -> None:
    world.pass_s(0)
    world.pass_s(HANG_S + 1)
    assert not world.process.killed
    world.pass_s(START_S - HANG_S)
    assert world.process.killed
    assert world.camera.reason == "hung"
    world.camera.take(world.process, None)
    world.pass_s(60)
    world.say(HELLO)
    for _ in range(3):
        world.pass_s(HANG_S - 1)
        world.say(pulse())
    assert not world.process.killed
    world.pass_s(HANG_S + 0.1)
    assert world.process.killed


def test_one_that_ends_is_started_again_later_each_time_and_told_once(world: World) -> None:
    waits = []
    world.pass_s(0)
    for _ in range(8):
        number = len(world.started)
        world.say(HELLO)
        world.say(Fault(kind="OSError", place="live:12"))
        world.say(None)
        assert not world.camera.up
        waited = 0.0
        while len(world.started) == number:
            world.pass_s(0.5)
            waited += 0.5
        waits.append(waited)
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (1.0, LONGEST_WAIT_S)
    assert world.camera.restarts == 8
    assert world.log == [("process of camera north outage begins", "OSError at live:12")]
    assert world.outages.now()["process of camera north"].problem == "OSError at live:12"
    # Over it once it lives; and steady for a while, it begins anew.
    world.say(HELLO)
    world.pass_s(11)
    world.say(pulse(11))
    assert world.outages.now() == {}
    for second in range(12, 72):
        world.pass_s(1)
        world.say(pulse(second))
    world.say(None)
    number = len(world.started)
    world.pass_s(1.0)
    assert len(world.started) == number + 1


def test_where_no_process_can_be_started_it_is_tried_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> Process:
        raise OSError("no more processes")

    monkeypatch.setattr(camera_process, "WorkerProcess", full)
    for _ in range(100):
        world.pass_s(1)
    assert 3 < world.camera.restarts < 20
    assert len(world.log) == 1
    monkeypatch.setattr(camera_process, "WorkerProcess", Process)
    world.pass_s(LONGEST_WAIT_S)
    world.say(HELLO)
    world.say(pulse(1))
    assert world.camera.up


def test_what_an_earlier_process_said_no_longer_counts(world: World) -> None:
    world.pass_s(0)
    world.say(HELLO)
    old = world.process
    world.say(None)
    world.pass_s(LONGEST_WAIT_S)
    assert world.process is not old
    assert not world.camera.take(old, pulse(1))  # type: ignore[arg-type]
    assert not world.camera.take(old, None)  # type: ignore[arg-type]
    assert not world.camera.up
    assert world.say(HELLO)


def test_a_grant_reaches_the_process_that_is_there(world: World) -> None:
    paid = PaidSpan(line="road", start_ms=0, end_ms=1)
    world.camera.grant(paid)
    world.pass_s(0)
    world.camera.grant(paid)
    assert world.process.told == [paid]


def test_a_camera_that_is_gone_is_no_longer_wrong(world: World) -> None:
    world.pass_s(0)
    world.say(HELLO)
    world.say(pulse(1, up=False, reason="unreachable"))
    assert world.outages.now()
    assert world.camera.stop() is world.process  # type: ignore[comparison-overlap]
    assert world.process.stopped
    assert world.outages.now() == {}
    # Its last words come after it was told to end.
    assert not world.say(pulse(2, up=False, reason="stalled"))
    assert world.outages.now() == {}
    assert world.camera.stop() is None


def test_one_that_says_what_it_may_not_is_ended(world: World) -> None:
    world.camera.crash()
    world.pass_s(0)
    world.camera.crash()
    assert world.process.killed
    assert world.camera.reason == "crashed"


def test_its_pace_and_its_need_are_of_the_last_while(world: World) -> None:
    assert (world.camera.fps, world.camera.cores_needed, world.camera.skipped) == (0.0, None, 0)
    world.pass_s(0)
    world.say(HELLO)
    for second in range(100):
        world.pass_s(1)
        world.say(pulse(second, skipped=second // 50))
    assert world.camera.fps == pytest.approx(10)
    assert world.camera.cores_needed == pytest.approx(0.1)
    # One was given up in the last minute, one before.
    assert world.camera.skipped == 1
    for second in range(100, 200):
        world.pass_s(1)
        world.say(pulse(second, skipped=1, processed=1_000 + 5 * (second - 100)))
    assert world.camera.cores_needed == pytest.approx(0.2, rel=0.1)
    assert world.camera.skipped == 0


numbers = st.integers(0, 2**53)
pulses = st.builds(
    Heartbeat,
    up=st.booleans(),
    since_ms=numbers,
    reason=st.sampled_from([str(reason) for reason in Reason]),
    sender_clock=st.booleans(),
    frames=numbers,
    cpu_ms=numbers,
    due=numbers,
    processed=numbers,
    skipped=numbers,
)
faults = st.builds(Fault, kind=st.just("OSError"), place=st.just("live:1"))
said = st.builds(
    ChunkCounts,
    line=st.text(max_size=9),
    start_ms=numbers,
    end_ms=numbers,
    counts=st.lists(st.integers(0, 100_000), max_size=4),
    covered_ms=numbers,
    sender_ms=numbers,
)
messages = st.one_of(pulses, faults, said, st.just(HELLO), st.none())


@given(st.lists(st.tuples(messages, st.floats(0, 200)), max_size=30))
def test_whatever_a_process_says_when_it_is_watched_over(
    events: list[tuple[FromWorker | None, float]],
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(camera_process, "WorkerProcess", Process)
        for module in (camera_process, outages):
            patch.setattr(module, "monotonic", lambda: World.now.clock_s)
        world = World()
        world.pass_s(0)
        for message, seconds in events:
            if world.camera.worker is not None:
                world.say(message)
            world.pass_s(seconds)
            camera = world.camera
            assert camera.fps >= 0
            assert camera.cores_needed is None or camera.cores_needed == camera.cores_needed
            assert not (camera.up and camera.worker is None)
            assert all(
                event.startswith(("camera north", "process of camera north")) for event, _ in world.log
            )
        # Whatever it was, it is started again.
        if world.camera.worker is None:
            world.pass_s(LONGEST_WAIT_S)
        assert world.camera.worker is not None
