"""Recordings as frames: probe a file, then read its pictures in the order of their capture.

Invariant: a frame leaves through the generator and is forgotten; time comes from the stream, never from a clock.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import av
import numpy as np

from passerby.domain.timespan import Span
from passerby.errors import InputError, SourceError
from passerby.io import sources
from passerby.io.sources import Place
from passerby.video.decode import container as opening
from passerby.video.decode.frame import Frame, Image

_LONGEST_MS = 48 * 3_600_000
"""A header that promises more than this beyond what was read is taken for damaged."""
UNFILTERED_PX = 720
"""Least side of pictures that are decoded without the filter that smooths edges of blocks."""
_GAP_MS = 1_000
"""Frames that lie closer than this cover the time between them: phones and cheap cameras vary their rate."""


@dataclass(frozen=True, slots=True)
class Recording:
    """What a file says of itself. `width`, `height` px as shown (rotation applied); `fps` nominal;
    `duration_ms` by its header, 0 where it does not say; `created` UTC or None; `rotation` in quarter
    turns, counter-clockwise; `first_stamp` of the first frame, in ticks of the stream; `has_times` is False
    where pictures have no time of their own, so that they can only be read from the first one on; `decode` is how
    it is decoded, software or a kind of hardware; `filtered` is False where software decodes it without the filter
    that smooths edges of blocks."""

    path: Place
    width: int
    height: int
    fps: float
    duration_ms: int
    created: datetime | None
    codec: str
    rotation: int
    first_stamp: int
    has_times: bool = True
    decode: str = opening.SOFTWARE
    filtered: bool = True

    @property
    def aspect(self) -> float:
        return self.width / self.height


@dataclass(slots=True)
class Reading:
    """What reading came to, filled in while frames are drawn: `damaged` packets were skipped, `end_ms` is the
    time since the start of the file at which the last frame ends, `covered` where there were frames. `ended`
    when the file was read to its end; `doubtful` when some picture may differ from what reading from the start
    of the file would have given."""

    frames: int = 0
    damaged: int = 0
    end_ms: int = 0
    covered: list[Span] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    ended: bool = False
    doubtful: bool = False


def probe(video: str | Place, decode: str = opening.SOFTWARE) -> Recording:
    """What `video`, a file or a URL, says of itself; `decode` is how it is decoded then, which `auto` settles here.

    Raises SourceError: no such file, a folder, no video in it, no frame that can be decoded; InputError for
    hardware that is not here.
    """
    path = sources.place_of(video)
    sources.check(path)
    opening.check(decode)
    try:
        with opening.opened(path) as container:
            stream = _video_stream(container, path)
            first = next(_decoded(container, stream, Reading()), None)
            if first is None:
                raise SourceError(f"{path}: no frame in it can be decoded")
            rotation = round(first.rotation / 90) % 4
            width, height = first.width, first.height
            if rotation % 2:
                width, height = height, width
            recording = Recording(
                path=path,
                width=width,
                height=height,
                fps=_fps(stream),
                duration_ms=_duration_ms(container, stream),
                created=_created(container, stream),
                codec=stream.codec_context.name,
                rotation=rotation,
                first_stamp=_stamp(first, container) or 0,
                has_times=container.format.name != "avi" and first.pts is not None,
            )
    except (av.FFmpegError, OSError, ValueError) as error:
        raise opening.unreadable(path, error) from None
    if decode == opening.AUTO:
        for hardware in opening.HARDWARE:
            with suppress(InputError, SourceError):
                return _with_hardware(recording, hardware)
        return recording
    return recording if decode == opening.SOFTWARE else _with_hardware(recording, decode)


def _with_hardware(recording: Recording, decode: str) -> Recording:
    """`recording` to be decoded by that hardware. Raises SourceError where it does not decode the first picture."""
    # What comes back from a device has lost the time by which AVI is read.
    if not recording.has_times:
        raise opening.beyond(recording.path, decode)
    try:
        with opening.opened(recording.path, decode) as container:
            if next(_decoded(container, _video_stream(container, recording.path), Reading()), None) is None:
                raise opening.beyond(recording.path, decode)
    except (av.FFmpegError, OSError, ValueError) as error:
        raise opening.unreadable(recording.path, error) from None
    return replace(recording, decode=decode)


def unfiltered(recording: Recording) -> Recording:
    """`recording` to be decoded without that filter where pictures are so large that they are made smaller anyway."""
    return replace(recording, filtered=min(recording.width, recording.height) < UNFILTERED_PX)


def extent(recording: Recording) -> Span:
    """From the first to the end of the last picture, in ms since the first, by the file's time stamps alone: nothing
    is decoded, so that nothing that a picture shows can change it.

    Raises SourceError when the file cannot be read, or has no time stamps.
    """
    last_ms = 0
    try:
        with opening.opened(recording.path) as container:
            stream = _video_stream(container, recording.path)
            for packet in container.demux(stream):
                stamp = packet.dts if container.format.name == "avi" or packet.pts is None else packet.pts
                if stamp is None and packet.size:
                    raise SourceError(
                        f"{recording.path}: has no time stamps, expected a file such as MP4 or MKV"
                    )
                if stamp is not None:
                    last_ms = max(last_ms, round((stamp - recording.first_stamp) * stream.time_base * 1000))
    except (av.FFmpegError, OSError, ValueError) as error:
        if not last_ms:
            raise opening.unreadable(recording.path, error) from None
    latest_ms = recording.duration_ms + 10_000 if recording.duration_ms else last_ms
    return Span(0, min(last_ms, latest_ms) + round(1000 / recording.fps))


def frames(
    recording: Recording,
    start_ms: int = 0,
    span: Span | None = None,
    reading: Reading | None = None,
    margin_ms: int = 0,
) -> Iterator[Frame]:
    """Every frame of `recording` whose time lies in `span` (all of them where None), in order of time.

    `start_ms` is the Unix time (ms UTC) of the first frame. Frames that repeat or go back in time are
    dropped; damaged ones are skipped and noted in `reading`. Frames within `margin_ms` of `span` come too, and
    are not noted. Raises SourceError when the file cannot be opened.
    """
    reading = Reading() if reading is None else reading
    wide = None if span is None else Span(span.start_ms - margin_ms, span.end_ms + margin_ms)
    with opening.opened(recording.path, recording.decode) as container:
        stream = _video_stream(container, recording.path)
        if not recording.filtered and recording.decode == opening.SOFTWARE:
            stream.codec_context.options = {"skip_loop_filter": "all"}
        pictures = _decoded(container, stream, reading)
        if wide is not None and wide.start_ms > start_ms:
            pictures = _decoded_from(
                container, stream, recording.first_stamp, wide.start_ms - start_ms, reading
            )
        frame_ms = 1000 / recording.fps
        tick, ticks_a_ms = 1000 * stream.time_base.numerator, stream.time_base.denominator
        latest_ms = recording.duration_ms + 10_000 if recording.duration_ms else None
        last_ms = -1
        for index, picture in enumerate(pictures):
            stamp = _stamp(picture, container)
            if stamp is not None:
                offset_ms = round((stamp - recording.first_stamp) * tick / ticks_a_ms)
            elif index == 0:
                offset_ms = 0
            else:
                offset_ms = last_ms + round(frame_ms)
            # Reading that begins here knows nothing of what came before, and cannot drop the same pictures.
            reading.doubtful |= stamp is None or offset_ms <= last_ms or picture.is_corrupt
            if offset_ms <= last_ms or (latest_ms is not None and offset_ms > latest_ms):
                continue
            last_ms = offset_ms
            time_ms = start_ms + offset_ms
            if wide is not None and time_ms < wide.start_ms:
                continue
            if wide is not None and time_ms >= wide.end_ms:
                return
            if span is None or time_ms in span:
                _note(reading, offset_ms, round(offset_ms + frame_ms))
            yield _frame(picture, time_ms, recording)
        reading.ended = True


def add(whole: Reading, following: Reading) -> None:
    """Make `whole` what reading came to where the span that it read and the `following` one are read in one go."""
    whole.frames += following.frames
    whole.damaged += following.damaged
    whole.end_ms = following.end_ms or whole.end_ms
    whole.problems += following.problems
    whole.ended = following.ended
    whole.doubtful |= following.doubtful
    for span in following.covered:
        _cover(whole, span)


def _note(reading: Reading, begin_ms: int, end_ms: int) -> None:
    reading.frames += 1
    reading.end_ms = end_ms
    _cover(reading, Span(begin_ms, end_ms))


def _cover(reading: Reading, span: Span) -> None:
    if reading.covered and span.start_ms - reading.covered[-1].end_ms <= _GAP_MS:
        reading.covered[-1] = Span(reading.covered[-1].start_ms, span.end_ms)
    else:
        reading.covered.append(span)


def _video_stream(container: Any, path: Place) -> Any:
    streams = [s for s in container.streams.video if not s.disposition & av.stream.Disposition.attached_pic]
    if not streams:
        found = ", ".join(sorted({s.type for s in container.streams})) or "nothing"
        raise SourceError(f"{path}: has no video track (found: {found})")
    streams[0].codec_context.thread_count = 1
    return streams[0]


def _decoded(container: Any, stream: Any, reading: Reading) -> Iterator[Any]:
    """Pictures in order; a packet that cannot be decoded is noted and skipped, and so is the rest of a broken file."""
    try:
        for packet in container.demux(stream):
            try:
                pictures = packet.decode()
            except (av.FFmpegError, ValueError):
                reading.damaged += 1
                reading.doubtful = True
                continue
            yield from pictures
    except (av.FFmpegError, OSError) as error:
        reading.damaged += 1
        reading.doubtful = True
        reading.problems.append(f"reading stopped early ({sources.reason(error)})")


def _stamp(picture: Any, container: Any) -> int | None:
    """When a picture is shown. AVI stores no such thing: there the order of decoding stands in for it."""
    stamp = picture.dts if container.format.name == "avi" else picture.pts
    return None if stamp is None else int(stamp)


def _decoded_from(
    container: Any, stream: Any, first_stamp: int, offset_ms: int, reading: Reading
) -> Iterator[Any]:
    """Pictures from one at or before `offset_ms` on; a file that cannot seek is read from its start."""
    wanted = int(first_stamp + Fraction(offset_ms, 1000) / stream.time_base)
    # Files know when a keyframe is decoded, which is before it is shown: the one found may be shown too late.
    for back_ms in (0, 2_000, 10_000, offset_ms):
        try:
            container.seek(wanted - int(Fraction(back_ms, 1000) / stream.time_base), stream=stream)
        except av.FFmpegError:
            container.seek(0)
        pictures = _decoded(container, stream, reading)
        first = next(pictures, None)
        stamp = None if first is None else _stamp(first, container)
        if stamp is None or stamp <= wanted:
            break
    if first is not None:
        yield first
    yield from pictures


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
