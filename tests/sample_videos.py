"""Small recordings of all kinds, made on the spot: what cameras, phones and broken disks leave behind."""

import json
import struct
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]

MILLISECONDS = Fraction(1, 1000)


def walkers(seconds: float = 4, rate: int = 10, width: int = 320, height: int = 180) -> Iterator[Image]:
    """(height, width, 3) uint8 RGB: something dark, of a person's shape, goes from left to right in four seconds,
    again and again."""
    for number in range(round(seconds * rate)):
        image = np.full((height, width, 3), 160, np.uint8)
        left = round(number % (4 * rate) / (4 * rate) * width)
        top, size = height * 4 // 9, min(width, height)
        image[top : top + max(1, size // 3), left : left + max(1, size * 2 // 15)] = 30
        yield image


def write(
    path: Path,
    images: Iterable[Image],
    *,
    rate: int = 10,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    times_ms: Sequence[int] | None = None,
    gop: int = 10,
    metadata: dict[str, str] | None = None,
    options: dict[str, str] | None = None,
) -> Path:
    """Write `images` (H, W, 3) uint8 RGB at `rate`, or at `times_ms`; the container is that of the suffix."""
    with av.open(str(path), "w", options=options or {}) as container:
        container.metadata.update(metadata or {})
        stream: Any = None
        for number, image in enumerate(images):
            if stream is None:
                stream = container.add_stream(codec, rate=rate)
                stream.height, stream.width = image.shape[:2]
                stream.pix_fmt = pix_fmt
                stream.codec_context.gop_size = gop
                if codec == "libx264":
                    stream.codec_context.options = {"preset": "ultrafast", "crf": "20"}
                if times_ms is not None:
                    stream.codec_context.time_base = MILLISECONDS
                    stream.time_base = MILLISECONDS
            picture = av.VideoFrame.from_ndarray(image, format="rgb24")
            if times_ms is not None:
                picture.pts, picture.time_base = times_ms[number], MILLISECONDS
            container.mux(stream.encode(picture))
        if stream is not None:
            container.mux(stream.encode(None))
    return path


def turned(path: Path, quarters: int) -> Path:
    """Say in an MP4 that players are to show it turned by so many quarters clockwise, as phones do."""
    matrices = {0: (1, 0, 0, 1), 1: (0, 1, -1, 0), 2: (-1, 0, 0, -1), 3: (0, -1, 1, 0)}
    a, b, c, d = matrices[quarters % 4]
    matrix = struct.pack(">9i", a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30)
    content = bytearray(path.read_bytes())
    header = content.index(b"tkhd") + 4
    assert content[header] == 0, "a track header of version 0 has its matrix after 40 bytes"
    content[header + 40 : header + 76] = matrix
    path.write_bytes(content)
    return path


def sound(path: Path, seconds: float = 1.0) -> Path:
    """A recording of nothing but a tone."""
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("aac", rate=16_000, layout="mono")
        tone = (np.sin(np.arange(round(16_000 * seconds)) / 10) * 0.2).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(tone[None], format="fltp", layout="mono")
        frame.sample_rate = 16_000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


NORTH = ("north_20240601_120000.mp4", "north_20240601_120100.mp4")
"""Two recordings of one camera, named by their times."""


def numbers_of(counted: str) -> dict[str, Any]:
    """What `--format json` says, without what it cost and where the files lie."""
    found: dict[str, Any] = json.loads(counted)
    for one in (found, *found.get("files", ())):
        del one["cost"]
        if "video" in one:
            one["video"] = one["video"].rpartition("/")[2]
    return found
