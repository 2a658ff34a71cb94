"""Recordings as frames: probe a file, then read its pictures in the order of their capture.

Law: a frame leaves through the generator and is forgotten; time comes from the stream, never from a clock.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from passerby.errors import SourceError
from passerby.span import Span
from passerby.video.frame import Frame, Image

_LONGEST_MS = 48 * 3_600_000
"""A header that promises more than this beyond what was read is taken for damaged."""
_GAP_MS = 1_000
"""Frames that lie closer than this cover the time between them: phones and cheap cameras vary their rate."""


@dataclass(frozen=True, slots=True)
class Recording:
    """What a file says of itself. `width`, `height` px as shown (rotation applied); `fps` nominal;
    `duration_ms` by its header, 0 where it does not say; `created` UTC or None; `rotation` in quarter
    turns, counter-clockwise; `first_stamp` of the first frame, in ticks of the stream."""

    path: Path
    width: int
    height: int
    fps: float
    duration_ms: int
    created: datetime | None
    codec: str
    rotation: int
    first_stamp: int

    @property
    def aspect(self) -> float:
        return self.width / self.height


@dataclass(slots=True)
class Reading:
    """What reading came to, filled in while frames are drawn: `damaged` packets were skipped, `end_ms` is the
    time since the start of the file at which the last frame ends, `covered` where there were frames."""

    frames: int = 0
    damaged: int = 0
    end_ms: int = 0
    covered: list[Span] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def probe(video: str | Path) -> Recording:
    """What `video` says of itself.

    Raises SourceError: no such file, a folder, no video in it, no frame that can be decoded.
    """
    path = Path(video)
    if not path.exists():
        raise SourceError(f"{path}: no such file")
    if path.is_dir():
        raise SourceError(f"{path}: is a folder, expected a video file")
    if path.stat().st_size == 0:
        raise SourceError(f"{path}: is empty, expected a video file")
    try:
        with av.open(str(path)) as container:
            stream = _video_stream(container, path)
            first = next(_decoded(container, stream, Reading()), None)
            if first is None:
                raise SourceError(f"{path}: no frame in it can be decoded")
            rotation = round(first.rotation / 90) % 4
            width, height = first.width, first.height
            if rotation % 2:
                width, height = height, width
            return Recording(
                path=path,
                width=width,
                height=height,
                fps=_fps(stream),
                duration_ms=_duration_ms(container, stream),
                created=_created(container, stream),
                codec=stream.codec_context.name,
                rotation=rotation,
                first_stamp=_stamp(first, container) or 0,
            )
    except (av.FFmpegError, OSError, ValueError) as error:
        raise SourceError(f"{path}: cannot be read as a video ({_reason(error)})") from None


def frames(
    recording: Recording, start_ms: int = 0, span: Span | None = None, reading: Reading | None = None
) -> Iterator[Frame]:
    """Every frame of `recording` whose time lies in `span` (all of them where None), in order of time.

    `start_ms` is the Unix time (ms UTC) of the first frame. Frames that repeat or go back in time are
    dropped; damaged ones are skipped and noted in `reading`. Raises SourceError when the file cannot be opened.
    """
    reading = Reading() if reading is None else reading
    try:
        container = av.open(str(recording.path))
    except (av.FFmpegError, OSError) as error:
        raise SourceError(f"{recording.path}: cannot be read as a video ({_reason(error)})") from None
    with container:
        stream = _video_stream(container, recording.path)
        stream.codec_context.thread_count = 1
        if span is not None and span.start_ms > start_ms:
            _seek(container, stream, recording.first_stamp, span.start_ms - start_ms)
        frame_ms = 1000 / recording.fps
        latest_ms = recording.duration_ms + 10_000 if recording.duration_ms else None
        last_ms = -1
        for index, picture in enumerate(_decoded(container, stream, reading)):
            stamp = _stamp(picture, container)
            if stamp is not None:
                offset_ms = round((stamp - recording.first_stamp) * stream.time_base * 1000)
            elif index == 0:
                offset_ms = 0
            else:
                offset_ms = last_ms + round(frame_ms)
            if offset_ms <= last_ms or (latest_ms is not None and offset_ms > latest_ms):
                continue
            last_ms = offset_ms
            time_ms = start_ms + offset_ms
            if span is not None and time_ms < span.start_ms:
                continue
            if span is not None and time_ms >= span.end_ms:
                return
            _note(reading, offset_ms, round(offset_ms + frame_ms))
            yield _frame(picture, time_ms, recording)


def _note(reading: Reading, begin_ms: int, end_ms: int) -> None:
    reading.frames += 1
    reading.end_ms = end_ms
    if reading.covered and begin_ms - reading.covered[-1].end_ms <= _GAP_MS:
        reading.covered[-1] = Span(reading.covered[-1].start_ms, end_ms)
    else:
        reading.covered.append(Span(begin_ms, end_ms))


def _video_stream(container: Any, path: Path) -> Any:
    streams = [s for s in container.streams.video if not s.disposition & av.stream.Disposition.attached_pic]
    if not streams:
        found = ", ".join(sorted({s.type for s in container.streams})) or "nothing"
        raise SourceError(f"{path}: has no video track (found: {found})")
    return streams[0]


def _decoded(container: Any, stream: Any, reading: Reading) -> Iterator[Any]:
    """Pictures in order; a packet that cannot be decoded is noted and skipped, and so is the rest of a broken file."""
    try:
        for packet in container.demux(stream):
            try:
                pictures = packet.decode()
            except (av.FFmpegError, ValueError):
                reading.damaged += 1
                continue
            yield from pictures
    except (av.FFmpegError, OSError) as error:
        reading.damaged += 1
        reading.problems.append(f"reading stopped early ({_reason(error)})")


def _stamp(picture: Any, container: Any) -> int | None:
    """When a picture is shown. AVI stores no such thing: there the order of decoding stands in for it."""
    stamp = picture.dts if container.format.name == "avi" else picture.pts
    return None if stamp is None else int(stamp)


def _seek(container: Any, stream: Any, first_stamp: int, offset_ms: int) -> None:
    """To the keyframe at or before `offset_ms`; a file that cannot seek is read from its start."""
    try:
        container.seek(int(first_stamp + Fraction(offset_ms, 1000) / stream.time_base), stream=stream)
    except av.FFmpegError:
        container.seek(0)


def _fps(stream: Any) -> float:
    """Nominal frames per second, 25 where the file gives none or an impossible one."""
    for rate in (stream.average_rate, stream.guessed_rate, stream.base_rate):
        if rate and 0.01 <= float(rate) <= 1000:
            return float(rate)
    return 25.0


def _duration_ms(container: Any, stream: Any) -> int:
    if stream.duration is not None and stream.time_base is not None:
        duration_ms = round(stream.duration * stream.time_base * 1000)
    elif container.duration is not None:
        duration_ms = round(container.duration / 1000)
    else:
        return 0
    return duration_ms if 0 < duration_ms <= _LONGEST_MS else 0


def _created(container: Any, stream: Any) -> datetime | None:
    text = stream.metadata.get("creation_time") or container.metadata.get("creation_time")
    if not text:
        return None
    try:
        created = datetime.fromisoformat(text)
    except ValueError:
        return None
    if created.tzinfo is None:
        created = created.replace(tzinfo=UTC)
    # QuickTime counts from 1904 and cameras without a clock write its zero or that of Unix.
    return created.astimezone(UTC) if created.year > 1971 else None


def _frame(picture: Any, time_ms: int, recording: Recording) -> Frame:
    turned = recording.rotation % 2 == 1
    width, height = (recording.height, recording.width) if turned else (recording.width, recording.height)
    planar = picture.format.name in ("yuv420p", "yuvj420p")
    if not planar or (picture.width, picture.height) != (width, height):
        picture = picture.reformat(width=width, height=height, format="yuv420p")
    luma, u, v = (_plane(plane) for plane in picture.planes)
    if recording.rotation:
        luma, u, v = (np.rot90(plane, recording.rotation) for plane in (luma, u, v))
    return Frame(time_ms, luma, u, v)


def _plane(plane: Any) -> Image:
    """The plane as (H, W) uint8 without a copy: decoders pad their lines."""
    return np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: plane.height, : plane.width]


def _reason(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error)
    return str(text).strip().rstrip(".").lower() or type(error).__name__
