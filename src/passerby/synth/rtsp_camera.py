"""The synthetic street as an RTSP camera: drawn once, then played in real time by a real RTSP server.

Invariant: only streets drawn by `synth`, with known truth, are served; the server listens on loopback by default.

The server is Debian's GStreamer in its own process (rtsp_server.py). It plays by the wall clock: a server that is
killed and started again continues at the current time of the street.
"""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from time import time
from typing import IO, Literal

import av
import av.error

from passerby.errors import InputError, OutputError, SourceError
from passerby.io import files
from passerby.synth import Street, lines, truth, write
from passerby.synth.truth import TrueCrossing

PACKAGES = (
    "gstreamer1.0-rtsp",
    "gir1.2-gst-rtsp-server-1.0",
    "gstreamer1.0-plugins-good",
    "gstreamer1.0-plugins-bad",
    "python3-gi",
)
"""The Debian packages that the server needs; `bad` contains the parser of H.264."""

_MISSING = f"simulate-camera needs Debian's GStreamer RTSP server: apt-get install {' '.join(PACKAGES)}"

PATH = "street"
"""The path of the stream in its URL."""
_PYTHON = "/usr/bin/python3"
_PROGRAM = Path(__file__).with_name("rtsp_server.py")
_NEEDED = (
    "import gi\n"
    "gi.require_version('Gst', '1.0'); gi.require_version('GstRtspServer', '1.0')\n"
    "from gi.repository import Gst, GstRtspServer\n"
    "Gst.init(None)\n"
    "raise SystemExit(not all(Gst.ElementFactory.find(e) for e in ('appsrc', 'h264parse', 'rtph264pay')))\n"
)

Codec = Literal["h264", "h265", "mjpeg"]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class CodedFrame:
    """A coded frame: its `offset` and `size` in the file in bytes, its time in seconds after the start, and whether it
    is a `key` frame."""

    offset: int
    size: int
    time_s: float
    key: bool


@dataclass(frozen=True, slots=True)
class CodedStreet:
    """A street that is ready to be served: the file `video` holds the coded frames one after another (H.264 and H.265
    as Annex B), and `frames` their places in it."""

    video: Path
    frames: tuple[CodedFrame, ...]
    codec: Codec = "h264"


@dataclass(frozen=True, slots=True)
class Listen:
    """Where the server listens, and how its clients sign in. `port` 0 takes a free port; without `user` nobody has to
    sign in."""

    host: str = "127.0.0.1"
    port: int = 0
    user: str | None = None
    password: str = ""
    sign_in: Literal["basic", "digest"] = "digest"


@dataclass(frozen=True, slots=True)
class Playback:
    """How a street is played: `speed` times as fast as it was drawn.

    `loop_s`: it starts again after this many seconds of the street. `exits_at_end`: the server exits after the last
    frame. `prints_plays`: the server prints the Unix time, a line each, when it starts to play to a client.
    `sender_clock`: the stream carries the server's wall clock in RTCP."""

    speed: float = 1.0
    loop_s: float | None = None
    exits_at_end: bool = False
    prints_plays: bool = False
    sender_clock: bool = True


@dataclass(frozen=True, slots=True)
class Server:
    """A running server; `url` contains no password."""

    process: "subprocess.Popen[str]"
    port: int
    url: str

    def stop(self) -> None:
        """Kill the process and wait for its end."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


@lru_cache(maxsize=1)
def available() -> bool:
    """Whether the Debian packages of the server are installed."""
    try:
        ran = subprocess.run([_PYTHON, "-c", _NEEDED], capture_output=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return ran.returncode == 0


def draw(streets: Street | list[Street], folder: Path, progress: Progress | None = None) -> CodedStreet:
    """Draw a street into `folder`. Several streets, each of its own size, become one stream, one after another.

    Raises OutputError if it cannot be written.
    """
    coded: list[CodedFrame] = []
    offset, begin = 0, Fraction(0)
    path = folder / "street.h264"
    try:
        with path.open("wb") as out:
            for number, street in enumerate([streets] if isinstance(streets, Street) else streets):
                recording = folder / f"street-{number}.mp4"
                write(street, recording, progress)
                for data, time_s, key in _coded(recording):
                    out.write(data)
                    coded.append(CodedFrame(offset, len(data), float(begin + time_s), key))
                    offset += len(data)
                begin += Fraction(street.frame_count) / street.rate
                recording.unlink()
    except (OSError, av.error.FFmpegError) as error:
        raise OutputError(f"{path}: could not be written: {error}") from error
    return CodedStreet(path, tuple(coded))


def _coded(recording: Path) -> Iterator[tuple[bytes, Fraction, bool]]:
    """Each coded frame as Annex B, its time in seconds, and whether it is a key frame."""
    with av.open(str(recording)) as container:
        stream = container.streams.video[0]
        annex_b = av.BitStreamFilterContext("h264_mp4toannexb", stream)
        for packet in container.demux(stream):
            if packet.pts is None:
                continue
            time_s, key = Fraction(packet.pts) * (stream.time_base or 1), packet.is_keyframe
            yield b"".join(bytes(part) for part in annex_b.filter(packet)), time_s, key


def serve(
    coded: CodedStreet, start_ms: int, listen: Listen = Listen(), playback: Playback = Playback()
) -> Server:
    """Serve a street as if it had started at `start_ms` (Unix ms).

    Raises SourceError if GStreamer is missing or the port is taken.
    """
    if not available():
        raise SourceError(_MISSING)
    speed, loop_s = playback.speed, playback.loop_s
    order = {
        "video": str(coded.video.resolve()),
        "codec": coded.codec,
        "start_s": start_ms / 1000,
        "loop_s": None if loop_s is None else loop_s / speed,
        "host": listen.host,
        "port": listen.port,
        "path": PATH,
        "user": listen.user,
        "password": listen.password,
        "sign_in": listen.sign_in,
        "exits_at_end": playback.exits_at_end,
        "prints_plays": playback.prints_plays,
        "sender_clock": playback.sender_clock,
        "frames": [[frame.offset, frame.size, frame.time_s / speed, frame.key] for frame in coded.frames],
    }
    process = subprocess.Popen(
        [_PYTHON, str(_PROGRAM)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    port = _send_order(process, json.dumps(order))
    if port <= 0:
        Server(process, 0, "").stop()
        raise SourceError(
            f"simulate-camera: could not listen on {listen.host}:{listen.port}, expected a free port"
        )
    return Server(process, port, f"rtsp://{listen.host}:{port}/{PATH}")


def _send_order(process: "subprocess.Popen[str]", order: str) -> int:
    """Send the order to the server; return the port that it listens on, 0 if it died."""
    stdin: IO[str] | None = process.stdin
    stdout: IO[str] | None = process.stdout
    if stdin is None or stdout is None:
        return 0
    try:
        stdin.write(order + "\n")
        stdin.flush()
        return int(stdout.readline().strip() or 0)
    except (OSError, ValueError):
        return 0


def truth_text(street: Street, start_ms: int, speed: float = 1.0, *, loop: bool = False) -> str:
    """The true crossings of the street as JSON. Times are Unix times while it is played for the first time; with
    `loop` they repeat after every `end_ms - start_ms`."""
    counting_lines = lines(street)

    def to_json(crossing: TrueCrossing) -> dict[str, str | int | float]:
        time_ms = start_ms + round((crossing.time_ms - street.start_ms) / speed)
        return {
            "time_ms": time_ms,
            "time": datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec="milliseconds"),
            "line": crossing.line,
            "direction": crossing.direction,
            "label": crossing.label.text,
        }

    document = {
        "start_ms": start_ms,
        "end_ms": start_ms + round(street.duration_s * 1000 / speed),
        "speed": speed,
        "loop": loop,
        "size_px": [street.width, street.height],
        "fps": street.fps * speed,
        "lines": {line.name: {"from": line.start, "to": line.end} for line in counting_lines},
        "crossings": [to_json(crossing) for crossing in truth(street, counting_lines)],
    }
    return json.dumps(document, indent=1) + "\n"


@contextmanager
def running(
    street: Street,
    folder: Path,
    *,
    speed: float = 1.0,
    loop: bool = False,
    listen: Listen = Listen(),
    truth_file: Path | None = None,
    progress: Progress | None = None,
) -> Iterator[Server]:
    """Draw a street into `folder` and serve it for the block; its truth is written to `truth_file` before it starts.

    Raises InputError for a wrong speed; SourceError and OutputError as `serve` and `draw` do.
    """
    if not 0.1 <= speed <= 20:
        raise InputError(f"speed {speed:g}: expected 0.1 to 20")
    if not available():
        raise SourceError(_MISSING)
    if truth_file is not None:
        files.check_writable(truth_file)
    coded = draw(street, folder, progress)
    start_ms = (round(time()) + 1) * 1000
    if truth_file is not None:
        files.write(truth_file, truth_text(street, start_ms, speed, loop=loop))
    playback = Playback(speed, street.duration_s if loop else None, exits_at_end=not loop)
    server = serve(coded, start_ms, listen, playback)
    try:
        yield server
    finally:
        server.stop()
