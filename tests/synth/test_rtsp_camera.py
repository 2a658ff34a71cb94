"""The simulated camera: its truth file describes the stream, its live counts agree, and its errors are clear.

Invariant: a real server is opened as any camera is; no absolute time is asserted.
"""

import ast
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Generator
from pathlib import Path
from threading import Event
from time import monotonic, time
from types import SimpleNamespace
from typing import Any, cast

import av
import pytest

import passerby
from passerby import synth
from passerby.config.camera_address import Address
from passerby.counting.crossings import find_crossings
from passerby.counting.tracker import track
from passerby.domain.timespan import Span
from passerby.errors import InputError, SourceError
from passerby.synth import Street, rtsp_camera
from passerby.video.decode import live
from passerby.video.decode.connection import planes
from passerby.video.decode.frame import Frame
from passerby.video.decode.source import Recording
from passerby.video.observe import Observation, setup_for

pytestmark = pytest.mark.server

needs_server = pytest.mark.skipif(
    not rtsp_camera.available(), reason="Debian's GStreamer RTSP server is not installed"
)
SMALL = Street(seed=5, duration_s=3, width=192, height=108, fps=10)


def run(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "passerby", "simulate-camera", "--port", "0", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, **environment},
    )


def test_the_truth_file_has_times_of_the_wall_clock() -> None:
    street = Street(seed=5, duration_s=60, fps=10, density="dense")
    now = 1_790_000_000_000

    document = json.loads(rtsp_camera.truth_text(street, now, speed=2))
    true = synth.truth(street, synth.lines(street))

    assert len(document["crossings"]) == len(true) > 0
    assert [one["time_ms"] for one in document["crossings"]] == [
        now + round((crossing.time_ms - street.start_ms) / 2) for crossing in true
    ]
    assert document["end_ms"] == now + 30_000
    assert set(document["lines"]) == {line.name for line in synth.lines(street)}


def test_the_coded_frames_cover_the_file(tmp_path: Path) -> None:
    drawn = rtsp_camera.draw([SMALL, SMALL], tmp_path)

    assert len(drawn.frames) == 60
    assert [round(frame.time_s * 10) for frame in drawn.frames] == list(range(60))
    assert sum(frame.size for frame in drawn.frames) == drawn.video.stat().st_size
    assert drawn.frames[0].key
    assert drawn.frames[30].key
    assert [path.name for path in tmp_path.iterdir()] == ["street.h264"]


@needs_server
def test_the_command_serves_until_the_street_ends(tmp_path: Path) -> None:
    truth = tmp_path / "truth.json"

    ran = run("--duration", "4s", "--size", "192x108", "--fps", "10", "--truth", str(truth))

    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith("rtsp://127.0.0.1:")
    document = json.loads(truth.read_text())
    assert document["size_px"] == [192, 108]
    assert document["end_ms"] - document["start_ms"] == 4000


@needs_server
def test_a_server_ends_with_the_process_that_started_it() -> None:
    program = (
        "import sys, time, tempfile, pathlib\n"
        "from passerby.synth import rtsp_camera\n"
        "from passerby.synth import Street\n"
        "street = Street(duration_s=60, width=64, height=64, fps=1)\n"
        "drawn = rtsp_camera.draw(street, pathlib.Path(tempfile.mkdtemp()))\n"
        "print(rtsp_camera.serve(drawn, int(time.time() * 1000)).process.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    server = int(parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()

    give_up = monotonic() + 20
    while _runs(server):
        assert monotonic() < give_up


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@needs_server
def test_a_taken_port_is_an_error(tmp_path: Path) -> None:
    drawn = rtsp_camera.draw(SMALL, tmp_path)
    server = rtsp_camera.serve(drawn, round(time() * 1000))
    try:
        with pytest.raises(SourceError, match=f"could not listen on .*:{server.port}, expected a free port"):
            rtsp_camera.serve(drawn, round(time() * 1000), rtsp_camera.Listen(port=server.port))
    finally:
        server.stop()


@needs_server
def test_a_server_prints_when_it_starts_to_play(tmp_path: Path) -> None:
    begun = time()
    server = rtsp_camera.serve(
        rtsp_camera.draw(SMALL, tmp_path),
        round(begun * 1000),
        playback=rtsp_camera.Playback(loop_s=3, prints_plays=True),
    )
    try:
        with av.open(server.url, options={"rtsp_transport": "tcp"}, timeout=20):
            assert server.process.stdout is not None
            assert begun <= float(server.process.stdout.readline()) <= time()
    finally:
        server.stop()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--size", "wide"), "expected a width and a height"),
        (("--size", "63x64"), "width is 63"),
        (("--density", "packed"), "expected one of quiet"),
        (("--duration", "soon"), "soon"),
        (("--user", "eye"), "PASSERBY_CAMERA_PASSWORD"),
        (("--speed", "0"), "speed 0: expected"),
        (("--truth", "/nowhere/truth.json"), "/nowhere"),
    ],
)
def test_errors_have_one_line(arguments: tuple[str, ...], message: str) -> None:
    if "--truth" in arguments and not rtsp_camera.available():
        pytest.skip("Debian's GStreamer RTSP server is not installed")
    ran = run(*arguments)

    assert (ran.returncode, ran.stdout) == (2, "")
    assert message in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


def test_a_missing_server_is_an_error_that_names_its_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rtsp_camera, "available", lambda: False)

    with (
        pytest.raises(SourceError, match=r"apt-get install gstreamer1\.0-rtsp"),
        rtsp_camera.running(SMALL, tmp_path),
    ):
        pass


def test_a_wrong_speed_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="speed 99"), rtsp_camera.running(SMALL, tmp_path, speed=99):
        pass


def test_the_server_program_imports_nothing_of_passerby() -> None:
    tree = ast.parse(Path(rtsp_camera.__file__).with_name("rtsp_server.py").read_text())
    imported = {
        name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in [getattr(node, "module", None) or node.names[0].name]
    }

    assert imported <= {*sys.stdlib_module_names, "collections.abc", "gi", "gi.repository"}


@needs_server
def test_a_counter_streams_crossings_of_a_camera_until_it_is_closed(tmp_path: Path) -> None:
    street = Street(seed=11, duration_s=30, width=320, height=180, fps=12.5, density="dense")
    params = passerby.CountingParams(chunk_ms=3_000, margin_ms=3_000)
    counter = passerby.Counter(synth.lines(street), "motion", params=params)
    drawn = rtsp_camera.draw(street, tmp_path)
    server = rtsp_camera.serve(drawn, round(time()) * 1000)
    try:
        stream = cast("Generator[passerby.Crossing]", counter.stream(server.url))
        crossings = [next(stream) for _ in range(3)]
        delay_ms = time() * 1000 - crossings[-1].time_ms
        stream.close()
    finally:
        server.stop()

    assert crossings == sorted(crossings, key=lambda crossing: crossing.time_ms)
    assert {crossing.line for crossing in crossings} <= {line.name for line in synth.lines(street)}
    # A chunk and a margin, and the seconds by which motion is late.
    assert 0 < delay_ms < 60_000


@needs_server
def test_live_counts_equal_the_counts_of_the_file(tmp_path: Path) -> None:
    """Both are compared with the truth; the accuracy is measured elsewhere, and only bounded here."""
    street = Street(
        seed=11, duration_s=30, width=640, height=360, fps=12.5, density=synth.Rates(0, 300, 1500)
    )
    lines = synth.lines(street)
    recording = cast(Recording, SimpleNamespace(width=street.width, height=street.height))
    setup = setup_for(recording, lines, 0.4, (), True)

    def counted(frames: Any) -> Counter[str]:
        ticks = list(Observation(frames, setup))
        span = Span(ticks[0].time_ms, ticks[-1].time_ms + 1)
        found = find_crossings(track(ticks), lines, (street.width, street.height), span)
        return Counter(f"{one.line} {one.direction}" for one in found)

    drawn = rtsp_camera.draw(street, tmp_path)
    start_ms = (round(time()) + 1) * 1000
    true = Counter(f"{one.line} {one.direction}" for one in synth.truth(street, lines))
    server = rtsp_camera.serve(drawn, start_ms, playback=rtsp_camera.Playback(exits_at_end=True))
    stop = Event()

    def frames() -> Any:
        for item in live.frames(Address(server.url), stop):
            if isinstance(item, Frame):
                yield item
            if time() * 1000 > start_ms + street.duration_s * 1000 + 1000:
                stop.set()

    def filed() -> Any:
        with av.open(str(drawn.video), format="h264") as container:
            for number, picture in enumerate(container.decode(video=0)):
                yield Frame(start_ms + number * 80, *planes(picture))

    try:
        seen = counted(frames())
    finally:
        server.stop()
    in_file = counted(filed())

    assert true.total() >= 10
    print("true", true.total(), "live", seen.total(), "file", in_file.total())
    assert abs(seen.total() - in_file.total()) <= 0.2 * true.total()
    missed, over = true - seen, seen - true
    assert missed.total() + over.total() <= 0.5 * true.total()
