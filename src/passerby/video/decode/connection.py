"""One connection to a live camera: opened, read and decoded in a thread of its own, which dies with it.

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
"""Pictures that wait to be looked at; beyond this the oldest goes, whatever it shows."""
_PENDING = 64
_LATE_S = 2.0
_GAP_S = 2.0
# Made-up time stamps: these formats carry none.
_UNTIMED = frozenset({"mpjpeg", "mjpeg", "jpeg_pipe", "video4linux2,v4l2"})
# The size and the codec are in the first key picture; the rate nobody needs.
_SHORT_LOOK = {"analyzeduration": "1000000", "fpsprobesize": "0"}
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
    """A decoded picture as planes of 4:2:0, and all that is known of its time: Unix ms UTC of arrival, the
    stream's time stamp in ms, the sender's Unix ms."""

    luma: Image
    u: Image
    v: Image
    arrival_ms: int
    pts_ms: float | None
    sender_ms: int | None


class Pace:
    """Pictures shown no faster than their time stamps tell, as of the first: as of the next one where they are late,
    or would have to wait for more than `longest_s`."""

    def __init__(self, longest_s: float = inf) -> None:
        self._longest_s = longest_s
        self._begun_s: float | None = None

    def wait_s(self, at_ms: float, now_s: float) -> float:
        """How long the picture with the time stamp `at_ms` is to wait, at `now_s` of a clock that never goes back."""
        at_s = at_ms / 1000
        if self._begun_s is None or not -_LATE_S <= self._begun_s + at_s - now_s <= self._longest_s:
            self._begun_s = now_s - at_s
        return max(0.0, self._begun_s + at_s - now_s)


class Link:
    """A connection from its making to `close`; `packets` tells how many came, `dropped` how many pictures went
    unseen because nobody took them in time."""

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
        """The next picture, or why there is no more; None where neither came in time."""
        try:
            return self._items.get(timeout=timeout_s)
        except Empty:
            return None

    def close(self) -> None:
        """Let go. A thread that waits for bytes ends at its own time limit, and nobody waits for it."""
        self._closing.set()

    def join(self, timeout_s: float) -> None:
        self._thread.join(timeout_s)

    def _run(self, address: str, transport: Transport, silence_s: float) -> None:
        try:
            play = self._loop if kind_of(address) == "file" else self._stream
            play(address, transport, silence_s)
            # demux ends without a word when a server is killed.
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
        # FFmpeg's own limits are exceeded about twofold; and a segment of HLS may be long in coming.
        timeout_s = max(1.0, silence_s if kind_of(address) == "http" else silence_s / 2)
        with _open(address, transport, timeout_s) as container:
            if not container.streams.video:
                raise av.error.InvalidDataError(0, "no video")
            stream = container.streams.video[0]
            stream.codec_context.thread_count = 1
            timed = container.format.name not in _UNTIMED
            # What comes over HTTP comes by the segment, or all at once.
            pace = Pace(_GAP_S) if timed and kind_of(address) == "http" else None
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
                    if pace is not None and pts_ms is not None:
                        if self._closing.wait(pace.wait_s(pts_ms, monotonic())):
                            return
                        arrived_ms = round(time() * 1000)
                    self._put(Picture(*planes(picture), arrived_ms, pts_ms, sender_ms))
                while len(came) > _PENDING:
                    del came[next(iter(came))]

    def _loop(self, address: str, _transport: Transport, _silence_s: float) -> None:
        """A file in real time, over and over, as of its arrival."""
        path = Path(address.removeprefix("file://"))
        while not self._closing.is_set():
            pace, shown = Pace(), 0
            with av.open(str(path), options={"protocol_whitelist": "file"}) as container:
                if not container.streams.video:
                    raise av.error.InvalidDataError(0, "no video")
                stream = container.streams.video[0]
                stream.codec_context.thread_count = 1
                for packet in container.demux(stream):
                    self.packets += 1
                    for picture in _pictures(packet):
                        at_ms = 0.0 if picture.pts is None else float(picture.pts * stream.time_base * 1000)
                        if self._closing.wait(pace.wait_s(at_ms, monotonic())):
                            return
                        self._put(Picture(*planes(picture), round(time() * 1000), None, None))
                        shown += 1
            if not shown:
                raise av.error.InvalidDataError(0, "no picture")
            # Some way to the last picture's end, and never a busy loop.
            self._closing.wait(0.04)


def planes(picture: Any) -> tuple[Image, Image, Image]:
    """Luma and the two quarter-size planes of a decoded picture, without a copy where it is 4:2:0 already."""
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
            options = {"rtsp_transport": transport, "allowed_media_types": "video", **_SHORT_LOOK}
            return av.open(address, options=options, timeout=limits)
        case "http":
            # A playlist may name other addresses; files of this machine are none of its business.
            options = {
                "protocol_whitelist": "http,https,tcp,tls,crypto",
                # Of HLS: close to the end of the playlist, and yet with a segment in hand.
                "live_start_index": "-2",
                **_SHORT_LOOK,
            }
            return av.open(address, options=options, timeout=limits)
        case "v4l2":
            return av.open(address.removeprefix("v4l2://"), format="v4l2", timeout=limits)
    raise av.error.DemuxerNotFoundError(0, "unknown")


def _pictures(packet: Any) -> Iterator[Any]:
    """A packet that cannot be decoded gives none."""
    with suppress(av.FFmpegError, ValueError):
        yield from packet.decode()


def _sender_ms(packet: Any) -> int | None:
    """libavutil's AVProducerReferenceTime: an int64 of microseconds since 1970 comes first."""
    if not packet.has_sidedata("prft"):
        return None
    return int(struct.unpack_from("=q", bytes(packet.get_sidedata("prft")))[0] // 1000)
