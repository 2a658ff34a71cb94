"""Streams of noise, which no coder can repeat to the last bit: files, and pictures as a server sends them.

Invariant: tests' own; 10 pictures a second, a key picture every second.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import av
import numpy as np

from passerby.synth.rtsp_camera import Codec, CodedFrame, CodedStreet

SIZE = (192, 108)
CODECS: tuple[Codec, ...] = ("h264", "h265", "mjpeg")
_CODERS: dict[Codec, tuple[str, str, dict[str, str]]] = {
    "h264": ("libx264", "yuv420p", {"preset": "ultrafast", "tune": "zerolatency"}),
    "h265": (
        "libx265",
        "yuv420p",
        {
            "preset": "ultrafast",
            "tune": "zerolatency",
            "x265-params": "log-level=none:repeat-headers=1:pools=1",
        },
    ),
    "mjpeg": ("mjpeg", "yuvj420p", {}),
}


def record(
    path: Path,
    seconds: float,
    *,
    codec: Codec = "h264",
    size: tuple[int, int] = SIZE,
    first_s: float = 0,
    options: dict[str, str] | None = None,
) -> None:
    """A file whose pictures begin at the time stamp `first_s`."""
    coder, pixels, coding = _CODERS[codec]
    with av.open(str(path), "w", options=options) as container:
        stream = cast(Any, container.add_stream(coder, rate=10, options=coding))
        _set(stream, size, pixels)
        # Other noise at each time, so that parts that follow each other do not repeat.
        for packet in _packets(stream, seconds, size, round(first_s * 10)):
            packet.pts += round(first_s * 10)
            packet.dts += round(first_s * 10)
            container.mux(packet)


def drawn(folder: Path, codec: Codec, seconds: float) -> CodedStreet:
    """The streams that the simulated camera can serve."""
    coder, pixels, coding = _CODERS[codec]
    context = cast(Any, av.CodecContext.create(coder, "w"))
    context.rate, context.options = 10, coding
    _set(context, SIZE, pixels)
    path, frames, offset = folder / f"noise.{codec}", [], 0
    with path.open("wb") as out:
        for number, packet in enumerate(_packets(context, seconds, SIZE)):
            offset += out.write(bytes(packet))
            frames.append(CodedFrame(offset - packet.size, packet.size, number / 10, packet.is_keyframe))
    return CodedStreet(path, tuple(frames), codec)


def _set(coder: Any, size: tuple[int, int], pixels: str) -> None:
    coder.width, coder.height = size
    coder.pix_fmt = pixels
    coder.gop_size = 10


def _packets(coder: Any, seconds: float, size: tuple[int, int], seed: int = 0) -> Iterator[Any]:
    dice = np.random.default_rng(seed)
    for number in range(round(seconds * 10)):
        image = dice.integers(0, 255, (size[1], size[0], 3), np.uint8)
        frame = av.VideoFrame.from_ndarray(image, format="rgb24")
        frame.pts = number
        yield from coder.encode(frame)
    yield from coder.encode(None)
