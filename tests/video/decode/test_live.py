"""Live cameras against real servers: killed, stalled, locked, changed; files and devices; noticed, and recovered from.

Invariant: real bytes over real sockets on loopback; limits are shortened, and no absolute time is asserted.
"""

import os
import signal
from pathlib import Path
from threading import Event
from time import monotonic, time
from typing import Literal

import pytest
from tests.video import noise
from tests.video.reading import reading

from passerby.config.camera_address import Address, Transport
from passerby.domain.link_health import Health, Reason
from passerby.synth import Street, rtsp_camera
from passerby.video.decode import live
from passerby.video.decode.frame import Frame

pytestmark = pytest.mark.server

PASSWORD = "geheim-7391"

needs_server = pytest.mark.skipif(
    not rtsp_camera.available(), reason="Debian's GStreamer RTSP server is not installed"
)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> rtsp_camera.CodedStreet:
    return rtsp_camera.draw(
        Street(seed=3, duration_s=45, width=192, height=108, fps=10), tmp_path_factory.mktemp("street")
    )


@needs_server
@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_a_server_killed_stalled_and_restarted(drawn: rtsp_camera.CodedStreet, transport: Transport) -> None:
    start_ms = round(time() * 1000)
    server = rtsp_camera.serve(drawn, start_ms)
    try:
        with reading(server.url, transport) as camera:
            camera.until_frames(5)
            server.process.kill()
            camera.until_down(Reason.ENDED, Reason.STALLED)
            camera.until_down(Reason.UNREACHABLE)
            server.stop()
            server = rtsp_camera.serve(drawn, start_ms, rtsp_camera.Listen(port=server.port))
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
def test_the_senders_clock_is_used_where_the_stream_has_it(drawn: rtsp_camera.CodedStreet) -> None:
    server = rtsp_camera.serve(drawn, round(time() * 1000))
    try:
        with reading(server.url) as camera:
            camera.until(lambda: bool(camera.told) and camera.told[-1].sender_clock)
            camera.until_frames(3)
            assert abs(camera.times[-1] - time() * 1000) < 5_000
    finally:
        server.stop()


@needs_server
def test_a_stream_without_the_senders_clock_is_dated_by_its_arrival(drawn: rtsp_camera.CodedStreet) -> None:
    server = rtsp_camera.serve(drawn, round(time() * 1000), playback=rtsp_camera.Playback(sender_clock=False))
    try:
        with reading(server.url) as camera:
            # Longer than a sender waits with its first report.
            camera.until_frames(100)
            assert not any(one.sender_clock for one in camera.told)
    finally:
        server.stop()


@needs_server
@pytest.mark.parametrize("sign_in", ["basic", "digest"])
def test_wrong_credentials_are_reported_and_corrected_ones_used(
    drawn: rtsp_camera.CodedStreet,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    sign_in: Literal["basic", "digest"],
) -> None:
    monkeypatch.setenv("CAMERA_PASSWORD", "wrong-5512")
    access = rtsp_camera.Listen(user="eye", password=PASSWORD, sign_in=sign_in)
    server = rtsp_camera.serve(drawn, round(time() * 1000), access)
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
    server = rtsp_camera.serve(rtsp_camera.draw(streets, tmp_path), round(time() * 1000))
    try:
        with reading(server.url) as camera:
            camera.until(lambda: (256, 144) in camera.sizes)
            camera.until_frames(3)
            assert camera.sizes[0] == (192, 108)
            assert Reason.CHANGED in camera.reasons
            assert camera.told[-1].up
    finally:
        server.stop()


@needs_server
def test_another_codec_after_each_outage(tmp_path: Path) -> None:
    """RTSP tells the codec when a session begins: a camera that changes it ends the session."""
    start_ms, looped = round(time() * 1000), rtsp_camera.Playback(loop_s=2)
    server = rtsp_camera.serve(noise.drawn(tmp_path, "h264", 2), start_ms, playback=looped)
    port = server.port
    try:
        with reading(server.url) as camera:
            camera.until_frames(5)
            for codec in noise.CODECS[1:]:
                server.stop()
                server = rtsp_camera.serve(
                    noise.drawn(tmp_path, codec, 2), start_ms, rtsp_camera.Listen(port=port), looped
                )
                camera.until_down(Reason.ENDED, Reason.UNREACHABLE)
                camera.until_frames(5)
                assert camera.told[-1].up
    finally:
        server.stop()


@needs_server
def test_a_street_that_is_looped_never_ends(tmp_path: Path) -> None:
    server = rtsp_camera.serve(
        noise.drawn(tmp_path, "h264", 4), round(time() * 1000), playback=rtsp_camera.Playback(loop_s=4)
    )
    try:
        with reading(server.url) as camera:
            camera.until_frames(55)
            assert [one.up for one in camera.told[:2]] == [False, True]
            assert all(one.up for one in camera.told[1:])
            assert camera.times[-1] - camera.times[0] > 4_000
    finally:
        server.stop()


def test_a_file_is_looped_as_a_camera_in_real_time(tmp_path: Path) -> None:
    path = tmp_path / "loop.mp4"
    noise.record(path, 1)

    with reading(str(path)) as camera:
        camera.until_frames(25)
        assert camera.times[24] - camera.times[0] > 1_900
        assert [one.up for one in camera.told] == [False, True]


def test_a_missing_stream_is_tried_again_until_it_exists(tmp_path: Path) -> None:
    path = tmp_path / "later.mp4"

    with reading(str(path)) as camera:
        camera.until_down(Reason.NOT_FOUND)
        path.write_bytes(b"no video at all" * 100)
        camera.until_down(Reason.NO_VIDEO)
        noise.record(path, 1)
        camera.until_frames(3)


@pytest.mark.parametrize("address", ["/dev/video97", "v4l2:///dev/video97"])
def test_a_missing_device_is_reported_and_tried_again(address: str) -> None:
    """No more of USB is tested: there is no device on the machines that run this."""
    with reading(address) as camera:
        camera.until_down(Reason.NOT_FOUND)


@pytest.mark.parametrize("address", ["ftp://camera/x", "concat:/etc/passwd|x://y", "${NOT_SET_ANYWHERE}"])
def test_an_address_of_an_unknown_kind_is_never_opened(address: str) -> None:
    with reading(address) as camera:
        camera.until_down(Reason.ADDRESS)


def test_the_health_comes_about_once_a_second_without_frames() -> None:
    stop = Event()
    begun = monotonic()

    items = live.frames(Address("rtsp://127.0.0.1:9/none"), stop, limits=live.Limits(wait_s=4))
    told = [next(items) for _ in range(6)]
    stop.set()

    assert not any(isinstance(item, Frame) for item in told)
    assert len({item for item in told if isinstance(item, Health)}) <= 2
    assert monotonic() - begun > 1
    assert all(isinstance(item, Health) for item in items)
