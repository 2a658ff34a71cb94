"""Live cameras against real servers: killed, stalled, locked, changed, frozen; noticed, and recovered from.

Law: real bytes over real sockets on loopback; limits are shortened, and no absolute time is asserted.
"""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from time import monotonic, time

import av
import cv2
import numpy as np
import pytest

from passerby import simulate
from passerby.address import Address, Transport
from passerby.synth import Street
from passerby.video import live
from passerby.video.frame import Frame
from passerby.video.health import Health, Reason

LIMITS = live.Limits(stall_s=2, connect_s=10, frozen_s=3, wait_s=1)
PATIENCE_S = 40
PASSWORD = "geheim-7391"

needs_server = pytest.mark.skipif(
    not simulate.available(), reason="Debian's GStreamer RTSP server is not installed"
)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> simulate.Drawn:
    return simulate.draw(
        Street(seed=3, duration_s=45, width=192, height=108, fps=10), tmp_path_factory.mktemp("street")
    )


class Camera:
    """Reads a camera and remembers what it was told."""

    def __init__(self, address: str, transport: Transport = "tcp", limits: live.Limits = LIMITS) -> None:
        self.stop = Event()
        self.told: list[Health] = []
        self.sizes: list[tuple[int, int]] = []
        self.times: list[int] = []
        self._items = live.frames(Address(address), self.stop, transport=transport, limits=limits)

    def until(self, done: Callable[[], bool]) -> None:
        give_up = monotonic() + PATIENCE_S
        while not done():
            assert monotonic() < give_up, [(one.up, str(one.reason)) for one in self.told]
            item = next(self._items)
            if isinstance(item, Frame):
                self.times.append(item.time_ms)
                self.sizes.append((item.width, item.height))
            elif not self.told or item != self.told[-1]:
                self.told.append(item)

    def until_frames(self, number: int) -> None:
        enough = len(self.times) + number
        self.until(lambda: len(self.times) >= enough)

    def until_down(self, *reasons: Reason) -> None:
        self.until(lambda: bool(self.told) and not self.told[-1].up and self.told[-1].reason in reasons)

    @property
    def reasons(self) -> list[Reason]:
        return [one.reason for one in self.told]


@contextmanager
def reading(address: str, transport: Transport = "tcp", limits: live.Limits = LIMITS) -> Iterator[Camera]:
    camera = Camera(address, transport, limits)
    try:
        yield camera
    finally:
        camera.stop.set()
        assert all(later > time_ms for time_ms, later in zip(camera.times, camera.times[1:], strict=False))


@needs_server
@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_a_server_killed_stalled_and_restarted(drawn: simulate.Drawn, transport: Transport) -> None:
    start_ms = round(time() * 1000)
    server = simulate.serve(drawn, start_ms)
    try:
        with reading(server.url, transport) as camera:
            camera.until_frames(5)
            server.process.kill()
            camera.until_down(Reason.ENDED, Reason.STALLED)
            camera.until_down(Reason.UNREACHABLE)
            server.stop()
            server = simulate.serve(drawn, start_ms, port=server.port)
            camera.until_frames(5)
            assert camera.told[-1].up

            os.kill(server.process.pid, signal.SIGSTOP)
            camera.until_down(Reason.STALLED)
            assert camera.told[-1].since_ms == camera.times[-1]
            os.kill(server.process.pid, signal.SIGCONT)
            camera.until_frames(5)
            assert camera.told[-1].up
    finally:
        server.stop()


@needs_server
def test_the_senders_clock_is_used_where_the_stream_has_it(drawn: simulate.Drawn) -> None:
    server = simulate.serve(drawn, round(time() * 1000))
    try:
        with reading(server.url) as camera:
            camera.until(lambda: bool(camera.told) and camera.told[-1].sender_clock)
            camera.until_frames(3)
            assert abs(camera.times[-1] - time() * 1000) < 5_000
    finally:
        server.stop()


@needs_server
def test_wrong_credentials_are_told_and_corrected_ones_taken_up(
    drawn: simulate.Drawn, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CAMERA_PASSWORD", "wrong-5512")
    server = simulate.serve(drawn, round(time() * 1000), user="eye", password=PASSWORD)
    try:
        with reading(server.url.replace("//", "//eye:${CAMERA_PASSWORD}@")) as camera:
            camera.until_down(Reason.CREDENTIALS)
            monkeypatch.setenv("CAMERA_PASSWORD", PASSWORD)
            camera.until_frames(3)
            monkeypatch.delenv("CAMERA_PASSWORD")
            server.process.kill()
            camera.until_down(Reason.ADDRESS)
            told = repr(camera.told)
    finally:
        server.stop()
    printed = capfd.readouterr()
    for secret in (PASSWORD, "wrong-5512"):
        assert secret not in told + printed.out + printed.err


@needs_server
def test_another_size_in_mid_stream(tmp_path: Path) -> None:
    streets = [Street(duration_s=s, width=w, height=h, fps=10) for s, w, h in ((4, 192, 108), (12, 256, 144))]
    server = simulate.serve(simulate.draw(streets, tmp_path), round(time() * 1000))
    try:
        with reading(server.url) as camera:
            camera.until(lambda: (256, 144) in camera.sizes)
            camera.until_frames(3)
            assert camera.sizes[0] == (192, 108)
            assert Reason.CHANGED in camera.reasons
            assert camera.told[-1].up
    finally:
        server.stop()


def jpeg(number: int) -> bytes:
    noise = np.random.default_rng(number).integers(0, 255, (108, 192, 3), np.uint8)
    return bytes(cv2.imencode(".jpg", noise)[1])


@contextmanager
def listening(handler: type[BaseHTTPRequestHandler], port: int = 0) -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    server.daemon_threads = True
    server.block_on_close = False
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Mjpeg(BaseHTTPRequestHandler):
    """Pictures for ever, until `silent` or `over` is set; the same one while `frozen` is."""

    silent = Event()
    frozen = Event()
    over = Event()

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        number = 0
        try:
            while not self.over.wait(0.1):
                if self.silent.is_set():
                    continue
                data = jpeg(number)
                head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
                self.wfile.write(head.encode() + data + b"\r\n")
                number += not self.frozen.is_set()
        except OSError:
            return

    def log_message(self, *args: object) -> None:
        pass


def test_mjpeg_over_http_stalls_ends_and_comes_back() -> None:
    class Handler(Mjpeg):
        silent, over = Event(), Event()

    with listening(Handler) as port, reading(f"http://127.0.0.1:{port}/stream") as camera:
        camera.until_frames(5)
        Handler.silent.set()
        camera.until_down(Reason.STALLED)
        Handler.silent.clear()
        camera.until_frames(5)
        Handler.over.set()
        camera.until_down(Reason.ENDED, Reason.NO_VIDEO, Reason.UNREACHABLE)
        Handler.over.clear()
        camera.until_frames(5)
        assert abs(camera.times[-1] - time() * 1000) < 5_000
        Handler.over.set()


def test_a_frozen_picture_is_down_until_it_moves_again() -> None:
    class Handler(Mjpeg):
        frozen, over = Event(), Event()

    with listening(Handler) as port, reading(f"http://127.0.0.1:{port}/stream") as camera:
        camera.until_frames(5)
        Handler.frozen.set()
        camera.until_down(Reason.FROZEN)
        before = len(camera.times)
        Handler.frozen.clear()
        camera.until_frames(5)
        assert camera.told[-1].up
        assert camera.times[before] > camera.times[before - 1]
        assert camera.reasons.count(Reason.FROZEN) == 1
        Handler.over.set()


@pytest.mark.parametrize(("status", "reason"), [(401, Reason.CREDENTIALS), (404, Reason.NOT_FOUND)])
def test_refusals_over_http_are_told_by_class(status: int, reason: Reason) -> None:
    class Refusing(Mjpeg):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

    with listening(Refusing) as port, reading(f"http://eye:{PASSWORD}@127.0.0.1:{port}/") as camera:
        camera.until_down(reason)


def test_a_page_is_no_video() -> None:
    class Page(Mjpeg):
        def do_GET(self) -> None:
            page = b"<html>a camera's own page</html>" * 50
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

    with listening(Page) as port, reading(f"http://127.0.0.1:{port}/") as camera:
        camera.until_down(Reason.NO_VIDEO)


def make_recording(path: Path, seconds: float, **options: str) -> None:
    """Noise, 10 frames a second."""
    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 192, 108, "yuv420p"
        stream.codec_context.gop_size = 10
        dice = np.random.default_rng(1)
        for _ in range(round(seconds * 10)):
            image = dice.integers(0, 255, (108, 192, 3), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))


def test_hls(tmp_path: Path) -> None:
    make_recording(tmp_path / "live.m3u8", 8, hls_time="1", hls_list_size="0")

    class Files(SimpleHTTPRequestHandler):
        def __init__(self, *args: object, **kwargs: object) -> None:
            super().__init__(*args, directory=str(tmp_path), **kwargs)  # type: ignore[arg-type]

        def log_message(self, *args: object) -> None:
            pass

    with listening(Files) as port, reading(f"http://127.0.0.1:{port}/live.m3u8") as camera:
        camera.until_frames(5)
        assert camera.sizes[0] == (192, 108)
        # The playlist has an end, and the end of a live stream is an outage.
        camera.until_down(Reason.ENDED)


def test_a_file_is_looped_as_a_camera_in_real_time(tmp_path: Path) -> None:
    path = tmp_path / "loop.mp4"
    make_recording(path, 1)

    with reading(str(path), limits=live.Limits(frozen_s=0.5)) as camera:
        camera.until_frames(25)
        assert camera.times[24] - camera.times[0] > 1_900
        assert [one.up for one in camera.told] == [False, True]


def test_what_is_not_there_is_tried_again_until_it_is(tmp_path: Path) -> None:
    path = tmp_path / "later.mp4"

    with reading(str(path)) as camera:
        camera.until_down(Reason.NOT_FOUND)
        path.write_bytes(b"no video at all" * 100)
        camera.until_down(Reason.NO_VIDEO)
        make_recording(path, 1)
        camera.until_frames(3)


@pytest.mark.parametrize("address", ["ftp://camera/x", "concat:/etc/passwd|x://y", "${NOT_SET_ANYWHERE}"])
def test_an_address_of_no_known_kind_is_never_opened(address: str) -> None:
    with reading(address) as camera:
        camera.until_down(Reason.ADDRESS)


def test_the_health_is_told_about_once_a_second_while_there_is_nothing_else() -> None:
    stop = Event()
    begun = monotonic()

    items = live.frames(Address("rtsp://127.0.0.1:9/none"), stop, limits=live.Limits(wait_s=4))
    told = [next(items) for _ in range(6)]
    stop.set()

    assert not any(isinstance(item, Frame) for item in told)
    assert len({item for item in told if isinstance(item, Health)}) <= 2
    assert monotonic() - begun > 1
    assert all(isinstance(item, Health) for item in items)
