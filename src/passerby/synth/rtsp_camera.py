"""The synthetic street as a camera: drawn once, then served by the wall clock over a real RTSP server.

Invariant: what is served was drawn by `synth` with its truth; the server listens on loopback unless told otherwise.

The server is Debian's GStreamer in a process of its own (rtsp_server.py). It plays by the wall clock: a server
killed and started again goes on where the street is by then, as a street does.
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
"""What Debian calls what the server needs; `bad` holds the parser of H.264."""

PATH = "street"
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
class Unit:
    """One coded picture: where it lies in the file, when it is shown in seconds after the start."""

    offset: int
    size: int
    time_s: float
    key: bool


@dataclass(frozen=True, slots=True)
class Drawn:
    """A street ready to be served: its pictures one after the other in the file `video`, coded as `codec`, those of
    H.264 and H.265 in Annex B; and where each lies in it."""

    video: Path
    units: tuple[Unit, ...]
    codec: Codec = "h264"


@dataclass(frozen=True, slots=True)
class Server:
    """A server that listens: `url` holds no password."""

    process: "subprocess.Popen[str]"
    port: int
    url: str

    def stop(self) -> None:
        """End it as one does a process: at once, and waited for."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


@lru_cache(maxsize=1)
def available() -> bool:
    """Whether Debian's GStreamer can serve here."""
    try:
        ran = subprocess.run([_PYTHON, "-c", _NEEDED], capture_output=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return ran.returncode == 0


def draw(streets: Street | list[Street], folder: Path, progress: Progress | None = None) -> Drawn:
    """Draw a street into `folder`; several are played one after the other in one stream, each of its own size.

    Raises OutputError when it cannot be written.
    """
    units: list[Unit] = []
    offset, begin = 0, Fraction(0)
    path = folder / "street.h264"
    try:
        with path.open("wb") as out:
            for number, street in enumerate([streets] if isinstance(streets, Street) else streets):
                recording = folder / f"street-{number}.mp4"
                write(street, recording, progress)
                for data, time_s, key in _coded(recording):
                    out.write(data)
                    units.append(Unit(offset, len(data), float(begin + time_s), key))
                    offset += len(data)
                begin += Fraction(street.frame_count) / street.rate
                recording.unlink()
    except (OSError, av.error.FFmpegError) as error:
        raise OutputError(f"{path}: could not be written: {error}") from error
    return Drawn(path, tuple(units))


def _coded(recording: Path) -> Iterator[tuple[bytes, Fraction, bool]]:
    """Each coded picture as Annex B, when it is shown in seconds, and whether decoding can begin there."""
    with av.open(str(recording)) as container:
        stream = container.streams.video[0]
        annex_b = av.BitStreamFilterContext("h264_mp4toannexb", stream)
        for packet in container.demux(stream):
            if packet.pts is None:
                continue
            time_s, key = Fraction(packet.pts) * (stream.time_base or 1), packet.is_keyframe
            yield b"".join(bytes(one) for one in annex_b.filter(packet)), time_s, key


def serve(
    drawn: Drawn,
    start_ms: int,
    *,
    speed: float = 1.0,
    host: str = "127.0.0.1",
    port: int = 0,
    path: str = PATH,
    user: str | None = None,
    password: str = "",
    sign_in: Literal["basic", "digest"] = "digest",
    quits: bool = False,
    loop_s: float | None = None,
    tells: bool = False,
    sender_clock: bool = True,
) -> Server:
    """Serve what was drawn as if the street had begun at `start_ms` (Unix ms), `speed` times as fast as drawn.

    `port` 0 takes a free one. With `user` a client must sign in. `quits`: the server ends with the street.
    `loop_s`: the street begins again after so many seconds of its own, as long as it takes. `tells`: the server writes
    the Unix time to its standard output, a line each, when it begins to play to somebody. `sender_clock`: the stream
    tells the server's wall clock, in RTCP.
    Raises SourceError where GStreamer is missing or the port is taken.
    """
    if not available():
        raise SourceError(
            f"simulate-camera needs Debian's GStreamer RTSP server: apt-get install {' '.join(PACKAGES)}"
        )
    order = {
        "video": str(drawn.video.resolve()),
        "codec": drawn.codec,
        "start_s": start_ms / 1000,
        "loop_s": None if loop_s is None else loop_s / speed,
        "host": host,
        "port": port,
        "path": path,
        "user": user,
        "password": password,
        "sign_in": sign_in,
        "quits": quits,
        "tells": tells,
        "sender_clock": sender_clock,
        "units": [[unit.offset, unit.size, unit.time_s / speed, unit.key] for unit in drawn.units],
    }
    process = subprocess.Popen(
        [_PYTHON, str(_PROGRAM)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    bound = _told(process, json.dumps(order))
    if bound <= 0:
        Server(process, 0, "").stop()
        raise SourceError(f"simulate-camera: {host}:{port} could not be served, expected a free port")
    return Server(process, bound, f"rtsp://{host}:{bound}/{path}")


def _told(process: "subprocess.Popen[str]", order: str) -> int:
    """The port that the server says it listens on, 0 where it died instead."""
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
    """What truly crosses which line when, as JSON: times are those of the wall clock while it is served for the
    first time, and with `loop` again after every `end_ms - start_ms`."""
    given = lines(street)

    def shown(crossing: TrueCrossing) -> dict[str, str | int | float]:
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
        "lines": {line.name: {"from": line.start, "to": line.end} for line in given},
        "crossings": [shown(crossing) for crossing in truth(street, given)],
    }
    return json.dumps(document, indent=1) + "\n"


@contextmanager
def running(
    street: Street,
    folder: Path,
    *,
    speed: float = 1.0,
    port: int = 0,
    host: str = "127.0.0.1",
    user: str | None = None,
    password: str = "",
    loop: bool = False,
    truth_file: Path | None = None,
    progress: Progress | None = None,
) -> Iterator[Server]:
    """A street drawn into `folder` and served within the block; its truth is in `truth_file` before it begins.

    Raises InputError for a speed that cannot be meant, SourceError and OutputError as `serve` and `draw`.
    """
    if not 0.1 <= speed <= 20:
        raise InputError(f"speed {speed:g}: expected 0.1 to 20")
    if not available():
        raise SourceError(
            f"simulate-camera needs Debian's GStreamer RTSP server: apt-get install {' '.join(PACKAGES)}"
        )
    if truth_file is not None:
        files.check_writable(truth_file)
    drawn = draw(street, folder, progress)
    start_ms = (round(time()) + 1) * 1000
    if truth_file is not None:
        files.write(truth_file, truth_text(street, start_ms, speed, loop=loop))
    server = serve(
        drawn,
        start_ms,
        speed=speed,
        host=host,
        port=port,
        user=user,
        password=password,
        quits=not loop,
        loop_s=street.duration_s if loop else None,
    )
    try:
        yield server
    finally:
        server.stop()
