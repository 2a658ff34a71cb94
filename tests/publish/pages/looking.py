"""Searches the responses of servers for traces of a canary: its texture, its green, the time of its crossing, and the
address of its camera.

Invariant: a response is unpacked until nothing is packed, and each unpacked form is searched for each trace.
"""

import base64
import binascii
import gzip
import html
import io
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote_to_bytes

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tests.console.street import canaries

from passerby.domain.calendar import DAY_MS

RUN_PX = 8
"""So many pixels in a row are a texture: a random match has a chance of 1 in 2^64."""
_DEPTH = 3
_PACKED = (
    (
        re.compile(rb"[A-Za-z0-9+/_-]{24,}={0,2}"),
        lambda found: base64.b64decode(_padded(found), validate=True),
    ),
    (re.compile(rb"(?:[0-9a-fA-F]{2}){12,}"), binascii.unhexlify),
)
_NUMBER = re.compile(rb"(?<![\w.])\d+(?:\.\d+)?(?:[eE]\+?\d+)?(?![\w.])")
_DAYS_BEFORE_1970 = 25_569
_CLOCK = re.compile(rb"\d\d:\d\d:(\d\d)(?:[.,](\d+))?")


@dataclass(frozen=True)
class Answer:
    """The response of `address`: its headers and its body, or one message of a web socket."""

    address: str
    headers: bytes
    body: bytes


@dataclass(frozen=True)
class Traces:
    """What a canary would leave. `runs`: 8 bytes of its pixels, as uint64, sorted. A time within `[start_ms, end_ms)`
    that is no multiple of `grid_ms` can only be of a crossing, or of a picture. `words`: what stands nowhere but in
    the address of its camera, in lower case."""

    runs: NDArray[np.uint64]
    start_ms: int
    end_ms: int
    grid_ms: int
    words: tuple[bytes, ...]

    def finer(self, time_ms: float) -> bool:
        """True if a time is finer than the edges of bins."""
        return self.start_ms <= time_ms < self.end_ms and round(time_ms) % self.grid_ms != 0


def runs_of(video: Path) -> NDArray[np.uint64]:
    """Of every picture of a recording, each eight pixels in a row at a canary: of its planes as they were decoded, and
    in RGB, BGR and grey."""
    found: list[NDArray[np.uint64]] = []
    with av.open(str(video)) as container:
        for frame in container.decode(video=0):
            rgb = np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
            rows, columns = np.nonzero(green(rgb))
            if not rows.size:
                continue
            planes = frame.to_ndarray(format="yuv420p")[: frame.height]
            grey = np.rint(rgb.astype(float) @ (0.299, 0.587, 0.114)).astype(np.uint8)
            for image, wide in ((planes, 1), (grey, 1), (rgb, 3), (np.ascontiguousarray(rgb[..., ::-1]), 3)):
                flat = image.reshape(frame.height, -1)
                for shift in range(-RUN_PX + 1, 1):
                    first = np.clip((columns + shift) * wide, 0, flat.shape[1] - RUN_PX)
                    found.append(
                        flat[rows[:, None], first[:, None] + np.arange(RUN_PX)].view(np.uint64)[:, 0]
                    )
    every = np.unique(np.concatenate(found))
    # A run of few tones may be anything.
    various = [len(set(run)) >= 5 for run in every.view(np.uint8).reshape(-1, RUN_PX).tolist()]
    return np.asarray(every[np.array(various)], np.uint64)


def green(rgb: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where an (H, W, 3) picture has the green that nothing else has."""
    red, middle, blue = (rgb[..., channel].astype(int) for channel in range(3))
    return np.asarray(middle - red - blue > 20)


def found_in(answers: Iterable[Answer], traces: Traces) -> list[str]:
    """What tells of a canary, and where."""
    found: dict[str, None] = {}
    for answer in answers:
        for form, content in forms(answer):
            for what in _store_errors(content, traces):
                found[f"{what}: {answer.address}, {form}"] = None
    return list(found)


def forms(answer: Answer) -> Iterator[tuple[str, bytes]]:
    """Every form of an answer, by what was done to get it."""
    yield "headers", answer.headers
    yield from _unpacked("body", answer.body, _DEPTH)


def _unpacked(form: str, content: bytes, depth: int) -> Iterator[tuple[str, bytes]]:
    yield form, content
    if not depth:
        return
    for name, inner in _within(content):
        yield from _unpacked(f"{form} > {name}", inner, depth - 1)


def _within(content: bytes) -> Iterator[tuple[str, bytes]]:
    if content[:2] == b"\x1f\x8b":
        with suppress(OSError, EOFError, zlib.error):
            yield "gzip", gzip.decompress(content)
    if content[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            # It says when the file was made, which is when it was asked for.
            names = [name for name in archive.namelist() if name != "docProps/core.xml"]
            yield from ((name, archive.read(name)) for name in names)
        return
    if content[:4] == b"PAR1":
        yield "table", _table(content)
        return
    with suppress(Exception):
        image = Image.open(io.BytesIO(content)).convert("RGB")
        yield "pixels", np.asarray(image).tobytes()
        return
    text = content.decode("utf-8", "replace")
    plain = html.unescape(text)
    if plain != text:
        yield "unescaped", plain.encode()
    unquoted = unquote_to_bytes(content) if b"%" in content else content
    if unquoted != content:
        yield "unquoted", unquoted
    for pattern, unpack in _PACKED:
        for each in pattern.finditer(content):
            with suppress(ValueError):
                yield "encoded", unpack(each[0])


def _padded(text: bytes) -> bytes:
    plain = text.rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
    return plain + b"=" * (-len(plain) % 4)


def _table(content: bytes) -> bytes:
    """A Parquet file as text, with what it says of itself."""
    import pyarrow.parquet as pq

    table = pq.read_table(io.BytesIO(content))
    texts = [*(table.schema.metadata or {}).values()]
    columns = [f"{value}".encode() for column in table.columns for value in column.to_pylist()]
    return b"\n".join([*texts, *columns])


def _store_errors(content: bytes, traces: Traces) -> Iterator[str]:
    if _is_picture(content) and canaries(content):
        yield "a canary's green"
    lower = content.lower()
    for word in traces.words:
        if word in lower:
            yield f"the word {word.decode()}"
    windows = _windows(content)
    if (traces.runs[np.searchsorted(traces.runs, windows).clip(max=traces.runs.size - 1)] == windows).any():
        yield "a canary's texture"
    if any(_binary_time(windows, traces)) or any(_written_time(content, traces)):
        yield "a time finer than a bin"


def _is_picture(content: bytes) -> bool:
    try:
        Image.open(io.BytesIO(content)).verify()
    except Exception:
        return False
    return True


def _windows(content: bytes) -> NDArray[np.uint64]:
    """Every eight bytes in a row, but those of even areas, which are the same as the eight before."""
    if len(content) < RUN_PX:
        return np.empty(0, np.uint64)
    rows = np.lib.stride_tricks.sliding_window_view(np.frombuffer(content, np.uint8), RUN_PX)
    every = np.ascontiguousarray(rows).view(np.uint64)[:, 0]
    return np.asarray(every[np.append(True, every[1:] != every[:-1])], np.uint64)


def _binary_time(windows: NDArray[np.uint64], traces: Traces) -> Iterator[bool]:
    """As a whole number of milli-, micro- or nanoseconds, from either end."""
    for ordered in (windows, windows.byteswap()):
        for per_ms in (1, 10**3, 10**6):
            first, end = np.uint64(traces.start_ms * per_ms), np.uint64(traces.end_ms * per_ms)
            near = ordered[(ordered >= first) & (ordered < end)]
            yield any(traces.finer(int(each) / per_ms) for each in near)


def _written_time(content: bytes, traces: Traces) -> Iterator[bool]:
    """As a number of seconds to nanoseconds, as days of a spreadsheet, or as a time of day with its seconds."""
    for each in _NUMBER.finditer(content):
        if (number := float(each[0])) > _DAYS_BEFORE_1970:
            yield any(traces.finer(number / per_ms) for per_ms in (0.001, 1, 10**3, 10**6))
            yield traces.finer((number - _DAYS_BEFORE_1970) * DAY_MS)
    for each in _CLOCK.finditer(content):
        fine_ms = int(each[1]) * 1000 + (float(f"0.{each[2].decode()}") * 1000 if each[2] else 0)
        yield fine_ms % traces.grid_ms != 0
