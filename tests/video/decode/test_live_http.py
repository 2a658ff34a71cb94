"""Cameras over HTTP: MJPEG, HLS with a rolling playlist, MPEG-TS; stalled, still, changed, refused, recovered.

Invariant: real bytes over real sockets on loopback; limits are shortened, and no absolute time is asserted.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from time import monotonic, time
from typing import cast

import cv2
import numpy as np
import pytest
from tests.video import noise
from tests.video.reading import reading

from passerby.domain.link_health import Reason
from passerby.synth.rtsp_camera import Codec
from passerby.video.decode.connection import Pacer

pytestmark = pytest.mark.server

PASSWORD = "geheim-7391"


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


def test_a_picture_that_does_not_change_is_as_good_as_any() -> None:
    """Somebody far from every line would wake such a camera up: its health must not tell."""

    class Handler(Mjpeg):
        frozen, over = Event(), Event()

    with listening(Handler) as port, reading(f"http://127.0.0.1:{port}/stream") as camera:
        camera.until_frames(5)
        Handler.frozen.set()
        before = len(camera.times)
        camera.until_frames(60)
        Handler.frozen.clear()
        camera.until_frames(5)
        assert len(camera.times) >= before + 65
        assert [one.up for one in camera.told] == [False, True]
        Handler.over.set()


@pytest.mark.parametrize(("status", "reason"), [(401, Reason.CREDENTIALS), (404, Reason.NOT_FOUND)])
def test_http_errors_become_their_reasons(status: int, reason: Reason) -> None:
    class Refusing(Mjpeg):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

    with listening(Refusing) as port, reading(f"http://eye:{PASSWORD}@127.0.0.1:{port}/") as camera:
        camera.until_down(reason)


def test_a_web_page_is_not_a_video() -> None:
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


class Quiet(BaseHTTPRequestHandler):
    """Answers with the result of `answer`, 404 for None."""

    def answer(self) -> bytes | None:
        raise NotImplementedError

    def do_GET(self) -> None:
        body = self.answer()
        try:
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")
        except OSError:
            return

    def log_message(self, *args: object) -> None:
        pass


class Playlist(Quiet):
    """A playlist of which three segments of a second are shown, which rolls on by the clock until `still` is set."""

    segments: list[bytes]
    begun_s: float
    still: Event
    first: int

    def answer(self) -> bytes | None:
        name = self.path.removeprefix("/").partition(".")[0]
        if name.isdecimal():
            return self.segments[int(name) % len(self.segments)]
        kind = type(self)
        if not kind.still.is_set():
            kind.first = int(monotonic() - kind.begun_s)
        head = f"#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:{kind.first}\n"
        listed = "".join(f"#EXTINF:1.0,\n{number}.ts\n" for number in range(kind.first, kind.first + 3))
        return (head + listed).encode()


H264, LARGE, H265 = ("h264", noise.SIZE), ("h264", (256, 144)), ("h265", (256, 144))


def parts(folder: Path, kinds: Sequence[tuple[str, tuple[int, int]]], first_s: int = 100) -> list[bytes]:
    """Segments of a second, of these codecs and sizes, whose time stamps go on from one to the next."""
    path = folder / "part.ts"
    made = []
    for second, (codec, size) in enumerate(kinds):
        noise.record(path, 1, codec=cast(Codec, codec), size=size, first_s=second + first_s)
        made.append(path.read_bytes())
    return made


def test_hls_rolls_on_stalls_and_comes_back(tmp_path: Path) -> None:
    class Handler(Playlist):
        segments = parts(tmp_path, [H264] * 40)
        begun_s, still, first = monotonic(), Event(), 0

    with listening(Handler) as port, reading(f"http://127.0.0.1:{port}/live.m3u8") as camera:
        # More than was listed at first, and no faster than it was taken: a segment comes at once.
        camera.until_frames(60)
        assert camera.told[-1].up
        assert [one.up for one in camera.told] == [False, True]
        spread = np.diff(camera.times[10:])
        assert spread.max() < 1_000
        assert camera.times[-1] - camera.times[0] > 5_000

        Handler.still.set()
        camera.until_down(Reason.STALLED)
        Handler.still.clear()
        camera.until_frames(10)
        assert camera.told[-1].up


def test_hls_of_another_size_and_another_codec_in_mid_stream(tmp_path: Path) -> None:
    class Handler(Playlist):
        segments = parts(tmp_path, [H264] * 6 + [LARGE] * 6 + [H265] * 28)
        begun_s, still, first = monotonic(), Event(), 0

    with listening(Handler) as port, reading(f"http://127.0.0.1:{port}/live.m3u8") as camera:
        camera.until(lambda: (256, 144) in camera.sizes)
        assert Reason.CHANGED in camera.reasons
        camera.until_down(Reason.UNDECODABLE, Reason.STALLED)
        camera.until_frames(5)
        assert camera.told[-1].up


def test_a_recording_on_a_web_server_ends(tmp_path: Path) -> None:
    class File(Quiet):
        def answer(self) -> bytes | None:
            return (tmp_path / "part.ts").read_bytes()

    parts(tmp_path, [H264])
    with listening(File) as port, reading(f"http://127.0.0.1:{port}/file.ts") as camera:
        camera.until_frames(5)
        camera.until_down(Reason.ENDED)


class Ts(Quiet):
    """MPEG-TS in real time, part by part: those of the third second and later are `later`."""

    early: list[bytes]
    later: list[bytes]

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "video/mp2t")
        self.end_headers()
        kind = type(self)
        try:
            for part in [*kind.early, *kind.later]:
                self.wfile.write(part)
                Event().wait(1)
        except OSError:
            return
        finally:
            kind.early = []


def test_another_codec_in_mid_stream(tmp_path: Path) -> None:
    class Handler(Ts):
        early = parts(tmp_path, [H264] * 3)
        later = parts(tmp_path, [H265] * 20, first_s=103)

    with listening(Handler) as port, reading(f"http://127.0.0.1:{port}/stream") as camera:
        camera.until_frames(5)
        camera.until_down(Reason.UNDECODABLE, Reason.STALLED)
        camera.until_frames(5)
        assert camera.told[-1].up


@pytest.mark.parametrize("leap_s", [-60, 60])
def test_a_camera_whose_clock_jumps(tmp_path: Path, leap_s: int) -> None:
    """Pictures go on being stamped by the clock of this machine."""

    class Handler(Ts):
        early = parts(tmp_path, [H264] * 3)
        later = parts(tmp_path, [H264] * 20, first_s=103 + leap_s)

    with listening(Handler) as port, reading(f"http://127.0.0.1:{port}/stream") as camera:
        camera.until(lambda: Reason.CLOCK in camera.reasons)
        before = len(camera.times)
        camera.until_frames(5)
        assert camera.told[-1].up
        assert abs(camera.times[-1] - time() * 1000) < 5_000
        assert camera.times[before] > camera.times[before - 1]


def test_pictures_that_arrive_together_are_paced_by_their_stamps() -> None:
    pace = Pacer(2)

    assert [round(pace.wait_s(n * 100, 50), 3) for n in range(15)] == [n / 10 for n in range(15)]


def test_the_pace_starts_anew_after_a_gap_a_delay_or_a_jump() -> None:
    pace = Pacer(2)

    assert pace.wait_s(1_000, 50) == 0
    assert pace.wait_s(60_000, 51) == pace.wait_s(1_000, 52) == 0
    assert pace.wait_s(2_000, 60) == 0
    assert round(pace.wait_s(2_500, 60), 3) == 0.5


def test_a_recording_of_one_picture_a_minute_takes_its_time() -> None:
    assert [Pacer().wait_s(0, 50), (slow := Pacer()).wait_s(0, 50), slow.wait_s(60_000, 50)] == [0, 0, 60]
