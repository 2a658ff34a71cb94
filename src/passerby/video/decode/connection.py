"""One connection to a live camera: opened, read and decoded in a thread that ends with the connection.

Invariant: every fault becomes a `Reason`; no address and no text of a library leaves this file.
"""

import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from math import inf
from pathlib import Path
from queue import Empty, Full, Queue
from threading import Event, Thread
from time import monotonic, time
from typing import Any

import av
import av.error
import numpy as np

from passerby.config.camera_address import Transport, kind_of
from passerby.domain.link_health import Reason
from passerby.video.decode.frame import Image

_WAITING = 4
"""Most pictures that wait to be taken; after that the oldest is dropped, whatever it shows."""
_PENDING = 64
"""Most packets whose time of arrival is remembered until their picture is decoded."""
_LATE_S = 2.0
"""A picture that is later than this starts the pace anew."""
_GAP_S = 2.0
"""A picture that would wait for longer than this starts the pace anew, for streams over HTTP."""
# The time stamps of these formats are made up by FFmpeg: the formats carry none.
_UNTIMED = frozenset({"mpjpeg", "mjpeg", "jpeg_pipe", "video4linux2,v4l2"})
# The size and the codec are in the first keyframe, and the frame rate is not needed.
_QUICK_PROBE = {"analyzeduration": "1000000", "fpsprobesize": "0"}
_REASONS: tuple[tuple[tuple[type[BaseException], ...], Reason], ...] = (
    ((av.error.HTTPUnauthorizedError, av.error.HTTPForbiddenError, PermissionError), Reason.CREDENTIALS),
    ((av.error.HTTPNotFoundError, FileNotFoundError), Reason.NOT_FOUND),
    (
        (av.error.InvalidDataError, av.error.DecoderNotFoundError, av.error.DemuxerNotFoundError),
        Reason.NO_VIDEO,
    ),
)


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A decoded picture as planes of 4:2:0, with its times.

    `arrival_ms`: Unix ms UTC of arrival. `pts_ms`: the stream's time stamp in ms, None where it has none. `sender_ms`:
    Unix ms UTC of the sender's clock, None where it sends none.
    """

    luma: Image
    u: Image
    v: Image
    arrival_ms: int
    pts_ms: float | None
    sender_ms: int | None


class Pacer:
    """Slows pictures down to real time: each comes as long after the first as their time stamps say. Where a picture is
    late, or would have to wait for more than `longest_s`, the pace starts anew with it."""

    def __init__(self, longest_s: float = inf) -> None:
        self._longest_s = longest_s
        self._begun_s: float | None = None

    def wait_s(self, at_ms: float, now_s: float) -> float:
        """How many seconds the picture with the time stamp `at_ms` has to wait, at `now_s` of a monotonic clock."""
        at_s = at_ms / 1000
        if self._begun_s is None or not -_LATE_S <= self._begun_s + at_s - now_s <= self._longest_s:
            self._begun_s = now_s - at_s
        return max(0.0, self._begun_s + at_s - now_s)


class Connection:
    """A connection, open until `close`. `packets`: how many came. `dropped`: how many pictures were dropped because
    they were not taken in time."""

    def __init__(self, address: str, transport: Transport, silence_s: float) -> None:
        self.packets = 0
        self.dropped = 0
        self._closing = Event()
        self._items: Queue[Picture | Reason] = Queue(_WAITING)
        self._thread = Thread(
            target=self._run, args=(address, transport, silence_s), name="camera", daemon=True
        )
        self._thread.start()

    def take(self, timeout_s: float) -> Picture | Reason | None:
        """The next picture, or the reason why there is no other; None where neither came in time."""
        try:
            return self._items.get(timeout=timeout_s)
        except Empty:
            return None

    def close(self) -> None:
        """Close. A thread that waits for bytes ends at its own time limit; nothing waits for the thread."""
        self._closing.set()

    def join(self, timeout_s: float) -> None:
        """Wait for the thread to end, for at most `timeout_s` seconds."""
        self._thread.join(timeout_s)

    def _run(self, address: str, transport: Transport, silence_s: float) -> None:
        try:
            play = self._loop if kind_of(address) == "file" else self._stream
            play(address, transport, silence_s)
            # demux ends without an error when a server is killed.
            reason = Reason.ENDED
        except Exception as error:
            reason = self._reason(error)
        self._put(reason)

    def _reason(self, error: Exception) -> Reason:
        for kinds, reason in _REASONS:
            if isinstance(error, kinds):
                return reason
        if isinstance(error, av.error.ExitError | TimeoutError):
            return Reason.STALLED if self.packets else Reason.UNREACHABLE
        return Reason.ENDED if self.packets else Reason.UNREACHABLE

    def _put(self, item: "Picture | Reason") -> None:
        while not self._closing.is_set():
            try:
                self._items.put_nowait(item)
            except Full:
                with suppress(Empty):
                    self._items.get_nowait()
                    self.dropped += 1
            else:
                return

    def _stream(self, address: str, transport: Transport, silence_s: float) -> None:
        # FFmpeg exceeds its own limits about twofold; and a segment of HLS may take long to come.
        timeout_s = max(1.0, silence_s if kind_of(address) == "http" else silence_s / 2)
        with _open(address, transport, timeout_s) as container:
            if not container.streams.video:
                raise av.error.InvalidDataError(0, "no video")
            stream = container.streams.video[0]
            stream.codec_context.thread_count = 1
            timed = container.format.name not in _UNTIMED
            # A stream over HTTP comes segment by segment, or all at once.
            pacer = Pacer(_GAP_S) if timed and kind_of(address) == "http" else None
            came: dict[int | None, tuple[int, int | None]] = {}
            for packet in container.demux(stream):
                if self._closing.is_set():
                    return
                self.packets += 1
                arrival_ms = round(time() * 1000)
                came[packet.pts] = arrival_ms, _sender_ms(packet)
                for picture in _pictures(packet):
                    arrived_ms, sender_ms = came.get(picture.pts, (arrival_ms, None))
                    pts = picture.pts if timed else None
                    pts_ms = None if pts is None else float(pts * stream.time_base * 1000)
                    if pacer is not None and pts_ms is not None:
                        if self._closing.wait(pacer.wait_s(pts_ms, monotonic())):
                            return
                        arrived_ms = round(time() * 1000)
                    self._put(Picture(*planes(picture), arrived_ms, pts_ms, sender_ms))
                while len(came) > _PENDING:
                    del came[next(iter(came))]

    def _loop(self, address: str, _transport: Transport, _silence_s: float) -> None:
        """A file in real time, again and again; the time of a picture is its time of arrival."""
        path = Path(address.removeprefix("file://"))
        while not self._closing.is_set():
            pacer, shown = Pacer(), 0
            with av.open(str(path), options={"protocol_whitelist": "file"}) as container:
                if not container.streams.video:
                    raise av.error.InvalidDataError(0, "no video")
                stream = container.streams.video[0]
                stream.codec_context.thread_count = 1
                for packet in container.demux(stream):
                    self.packets += 1
                    for picture in _pictures(packet):
                        at_ms = 0.0 if picture.pts is None else float(picture.pts * stream.time_base * 1000)
                        if self._closing.wait(pacer.wait_s(at_ms, monotonic())):
                            return
                        self._put(Picture(*planes(picture), round(time() * 1000), None, None))
                        shown += 1
            if not shown:
                raise av.error.InvalidDataError(0, "no picture")
            # The duration of the last picture, roughly; it also prevents a busy loop.
            self._closing.wait(0.04)


def planes(picture: Any) -> tuple[Image, Image, Image]:
    """Y, U and V of a decoded picture as planes of 4:2:0, uint8 each, without a copy where it is 4:2:0 already."""
    if picture.format.name not in ("yuv420p", "yuvj420p"):
        picture = picture.reformat(format="yuv420p")
    # Decoders pad their lines.
    luma, u, v = (
        np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: plane.height, : plane.width]
        for plane in picture.planes
    )
    return luma, u, v


def _open(address: str, transport: Transport, timeout_s: float) -> Any:
    limits = (timeout_s, timeout_s)
    match kind_of(address):
        case "rtsp":
            options = {"rtsp_transport": transport, "allowed_media_types": "video", **_QUICK_PROBE}
            return av.open(address, options=options, timeout=limits)
        case "http":
            # A playlist may name other addresses, but never a file of this machine.
            options = {
                "protocol_whitelist": "http,https,tcp,tls,crypto",
                # HLS: start close to the end of the playlist, one segment before the last.
                "live_start_index": "-2",
                **_QUICK_PROBE,
            }
            return av.open(address, options=options, timeout=limits)
        case "v4l2":
            return av.open(address.removeprefix("v4l2://"), format="v4l2", timeout=limits)
    raise av.error.DemuxerNotFoundError(0, "unknown")


def _pictures(packet: Any) -> Iterator[Any]:
    """The pictures of a packet; none where it cannot be decoded."""
    with suppress(av.FFmpegError, ValueError):
        yield from packet.decode()


def _sender_ms(packet: Any) -> int | None:
    """The sender's clock in Unix ms: the first field of libavutil's AVProducerReferenceTime, int64 microseconds."""
    if not packet.has_sidedata("prft"):
        return None
    return int(struct.unpack_from("=q", bytes(packet.get_sidedata("prft")))[0] // 1000)
