"""Read recordings: probe a file, then read its frames in order of time.

Invariant: a frame leaves through the iterator and is not kept here; times come from the stream, never from a clock.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import av
import numpy as np

from passerby.domain.timespan import Span
from passerby.errors import InputError, SourceError
from passerby.io import sources
from passerby.io.sources import Place
from passerby.video.decode import container
from passerby.video.decode.frame import Frame, Image

_LONGEST_MS = 48 * 3_600_000
"""A header with a longer duration than this is taken for damaged."""
_BEYOND_HEADER_MS = 10_000
"""A frame whose time lies further than this behind the duration of the header is dropped."""
UNFILTERED_PX = 720
"""Least side of pictures that may be decoded without the deblocking filter."""
_GAP_MS = 1_000
"""Frames closer than this cover the time between them: phones and cheap cameras vary their frame rate."""


@dataclass(frozen=True, slots=True)
class Recording:
    """The properties of a video file.

    `width`, `height`: px as shown, with the rotation applied. `fps`: nominal frames per second. `duration_ms`: by the
    header, 0 where it has none. `created`: UTC, or None. `rotation`: quarter turns, counter-clockwise. `first_stamp`:
    time stamp of the first frame, in ticks of the stream. `has_times`: False where frames carry no time stamps of
    their own, so that the file can only be read from its start. `decode`: software or a kind of hardware.
    `filtered`: False where software decodes without the deblocking filter.
    """

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
    decode: str = container.SOFTWARE
    filtered: bool = True

    @property
    def aspect(self) -> float:
        """Width by height."""
        return self.width / self.height


@dataclass(frozen=True, slots=True)
class Reading:
    """How reading a file, or a span of it, went.

    `frames`: number of frames in the span. `damaged`: number of packets that could not be decoded. `end_ms`: end of
    the last frame, in ms since the start of the file. `covered`: spans with frames, in the same ms. `problems`: lines
    for the user. `ended`: the file was read to its end. `doubtful`: some frame may differ from that which reading the
    file from its start would give.
    """

    frames: int = 0
    damaged: int = 0
    end_ms: int = 0
    covered: tuple[Span, ...] = ()
    problems: tuple[str, ...] = ()
    ended: bool = False
    doubtful: bool = False

    def then(self, following: "Reading") -> "Reading":
        """The reading of two spans in one go, of which `following` is the second."""
        covered = self.covered
        for span in following.covered:
            covered = _covering(covered, span)
        return Reading(
            frames=self.frames + following.frames,
            damaged=self.damaged + following.damaged,
            end_ms=following.end_ms or self.end_ms,
            covered=covered,
            problems=(*self.problems, *following.problems),
            ended=following.ended,
            doubtful=self.doubtful or following.doubtful,
        )


def probe(video: str | Place, decode: str = container.SOFTWARE) -> Recording:
    """The properties of `video`, a file or a URL, to be decoded as `decode` says; `auto` is settled here.

    Raises SourceError where there is no such file, no video in it or no frame that can be decoded; InputError for
    hardware that this machine does not have.
    """
    path = sources.place_of(video)
    sources.check(path)
    container.check(decode)
    try:
        with container.opened(path) as media:
            stream = _video_stream(media, path)
            first = next(iter(_Decoder(media, stream)), None)
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
                duration_ms=_duration_ms(media, stream),
                created=_created(media, stream),
                codec=stream.codec_context.name,
                rotation=rotation,
                first_stamp=_stamp(first, media) or 0,
                has_times=media.format.name != "avi" and first.pts is not None,
            )
    except (av.FFmpegError, OSError, ValueError) as error:
        raise container.unreadable(path, error) from None
    if decode == container.AUTO:
        for hardware in container.HARDWARE:
            with suppress(InputError, SourceError):
                return _with_hardware(recording, hardware)
        return recording
    return recording if decode == container.SOFTWARE else _with_hardware(recording, decode)


def _with_hardware(recording: Recording, decode: str) -> Recording:
    """`recording` to be decoded by that hardware. Raises SourceError where it does not decode the first frame."""
    # Frames that come back from a device have lost the decoding time, which is all that AVI has.
    if not recording.has_times:
        raise container.undecodable(recording.path, decode)
    try:
        with container.opened(recording.path, decode) as media:
            if next(iter(_Decoder(media, _video_stream(media, recording.path))), None) is None:
                raise container.undecodable(recording.path, decode)
    except (av.FFmpegError, OSError, ValueError) as error:
        raise container.unreadable(recording.path, error) from None
    return replace(recording, decode=decode)


def unfiltered(recording: Recording) -> Recording:
    """`recording` to be decoded without the deblocking filter where its frames are so large that they are scaled down
    anyway."""
    return replace(recording, filtered=min(recording.width, recording.height) < UNFILTERED_PX)


def extent(recording: Recording) -> Span:
    """From the first frame to the end of the last one, in ms since the first, by the file's time stamps alone:
    nothing is decoded, so the contents of the pictures cannot change it.

    Raises SourceError when the file cannot be read, or has no time stamps.
    """
    last_ms = 0
    try:
        with container.opened(recording.path) as media:
            stream = _video_stream(media, recording.path)
            for packet in media.demux(stream):
                stamp = packet.dts if media.format.name == "avi" or packet.pts is None else packet.pts
                if stamp is None and packet.size:
                    raise SourceError(
                        f"{recording.path}: has no time stamps, expected a file such as MP4 or MKV"
                    )
                if stamp is not None:
                    last_ms = max(last_ms, round((stamp - recording.first_stamp) * stream.time_base * 1000))
    except (av.FFmpegError, OSError, ValueError) as error:
        if not last_ms:
            raise container.unreadable(recording.path, error) from None
    latest_ms = recording.duration_ms + _BEYOND_HEADER_MS if recording.duration_ms else last_ms
    return Span(0, min(last_ms, latest_ms) + round(1000 / recording.fps))


class FrameReader:
    """The frames of `recording` whose time lies in `span` (all of them where None), in order of time: iterate it once.

    `start_ms` is the Unix time (ms UTC) of the first frame of the file. Frames that repeat or go back in time are
    dropped, and damaged ones are skipped. Frames within `margin_ms` of `span` come too, but `reading` does not count
    them. `reading` says how reading went so far. Iterating raises SourceError when the file cannot be opened.
    """

    def __init__(
        self, recording: Recording, start_ms: int = 0, span: Span | None = None, margin_ms: int = 0
    ) -> None:
        self._recording = recording
        self._start_ms = start_ms
        self._span = span
        self._wide = None if span is None else Span(span.start_ms - margin_ms, span.end_ms + margin_ms)
        self._reading = Reading()
        self._decoder: _Decoder | None = None

    @property
    def reading(self) -> Reading:
        """How reading went so far; final when the iteration has ended."""
        decoder = self._decoder
        if decoder is None or not decoder.damaged:
            return self._reading
        return replace(
            self._reading, damaged=decoder.damaged, problems=tuple(decoder.problems), doubtful=True
        )

    def __iter__(self) -> Iterator[Frame]:
        recording, wide = self._recording, self._wide
        with container.opened(recording.path, recording.decode) as media:
            stream = _video_stream(media, recording.path)
            if not recording.filtered and recording.decode == container.SOFTWARE:
                stream.codec_context.options = {"skip_loop_filter": "all"}
            self._decoder = decoder = _Decoder(media, stream)
            if wide is None or wide.start_ms <= self._start_ms:
                pictures = iter(decoder)
            else:
                pictures = decoder.since(recording.first_stamp, wide.start_ms - self._start_ms)
            for picture, offset_ms in self._timed(pictures, media, stream):
                time_ms = self._start_ms + offset_ms
                if wide is not None and time_ms < wide.start_ms:
                    continue
                if wide is not None and time_ms >= wide.end_ms:
                    return
                if self._span is None or time_ms in self._span:
                    self._count(offset_ms)
                yield _frame(picture, time_ms, recording)
            self._reading = replace(self._reading, ended=True)

    def _timed(self, pictures: Iterator[Any], media: Any, stream: Any) -> Iterator[tuple[Any, int]]:
        """Pictures with their time in ms since the first one; those that do not move on in time are dropped."""
        recording = self._recording
        frame_ms = 1000 / recording.fps
        tick, ticks_a_ms = 1000 * stream.time_base.numerator, stream.time_base.denominator
        latest_ms = recording.duration_ms + _BEYOND_HEADER_MS if recording.duration_ms else None
        last_ms = -1
        for index, picture in enumerate(pictures):
            stamp = _stamp(picture, media)
            if stamp is not None:
                offset_ms = round((stamp - recording.first_stamp) * tick / ticks_a_ms)
            elif index == 0:
                offset_ms = 0
            else:
                offset_ms = last_ms + round(frame_ms)
            # A reader that begins here does not know the earlier frames, and cannot drop the same ones.
            if stamp is None or offset_ms <= last_ms or picture.is_corrupt:
                self._reading = replace(self._reading, doubtful=True)
            if offset_ms <= last_ms or (latest_ms is not None and offset_ms > latest_ms):
                continue
            last_ms = offset_ms
            yield picture, offset_ms

    def _count(self, offset_ms: int) -> None:
        end_ms = round(offset_ms + 1000 / self._recording.fps)
        self._reading = replace(
            self._reading,
            frames=self._reading.frames + 1,
            end_ms=end_ms,
            covered=_covering(self._reading.covered, Span(offset_ms, end_ms)),
        )


def _covering(covered: tuple[Span, ...], span: Span) -> tuple[Span, ...]:
    """`covered` and a later `span`, as one where they are close."""
    if covered and span.start_ms - covered[-1].end_ms <= _GAP_MS:
        return (*covered[:-1], Span(covered[-1].start_ms, span.end_ms))
    return (*covered, span)


def _video_stream(media: Any, path: Place) -> Any:
    streams = [s for s in media.streams.video if not s.disposition & av.stream.Disposition.attached_pic]
    if not streams:
        found = ", ".join(sorted({s.type for s in media.streams})) or "nothing"
        raise SourceError(f"{path}: has no video track (found: {found})")
    streams[0].codec_context.thread_count = 1
    return streams[0]


class _Decoder:
    """The pictures of a stream in order. A packet that cannot be decoded is counted in `damaged` and skipped; where
    the file breaks off, a line of `problems` says so and the rest is skipped."""

    def __init__(self, media: Any, stream: Any) -> None:
        self.damaged = 0
        self.problems: list[str] = []
        self._media = media
        self._stream = stream

    def __iter__(self) -> Iterator[Any]:
        try:
            for packet in self._media.demux(self._stream):
                try:
                    pictures = packet.decode()
                except (av.FFmpegError, ValueError):
                    self.damaged += 1
                    continue
                yield from pictures
        except (av.FFmpegError, OSError) as error:
            self.damaged += 1
            self.problems.append(f"reading stopped early ({sources.reason(error)})")

    def since(self, first_stamp: int, offset_ms: int) -> Iterator[Any]:
        """Pictures from a keyframe at or before `offset_ms` on; a file that cannot seek is read from its start."""
        time_base = self._stream.time_base
        wanted = int(first_stamp + Fraction(offset_ms, 1000) / time_base)
        # Files index keyframes by decoding time, which is earlier than display time: the keyframe may be too late.
        for back_ms in (0, 2_000, 10_000, offset_ms):
            try:
                self._media.seek(wanted - int(Fraction(back_ms, 1000) / time_base), stream=self._stream)
            except av.FFmpegError:
                self._media.seek(0)
            pictures = iter(self)
            first = next(pictures, None)
            stamp = None if first is None else _stamp(first, self._media)
            if stamp is None or stamp <= wanted:
                break
        if first is not None:
            yield first
        yield from pictures


def _stamp(picture: Any, media: Any) -> int | None:
    """When a picture is shown, in ticks of the stream. AVI does not store that: the decoding time stands in for it."""
    stamp = picture.dts if media.format.name == "avi" else picture.pts
    return None if stamp is None else int(stamp)


def _fps(stream: Any) -> float:
    """Nominal frames per second; 25 where the file has none or an impossible one."""
    for rate in (stream.average_rate, stream.guessed_rate, stream.base_rate):
        if rate and 0.01 <= float(rate) <= 1000:
            return float(rate)
    return 25.0


def _duration_ms(media: Any, stream: Any) -> int:
    if stream.duration is not None and stream.time_base is not None:
        duration_ms = round(stream.duration * stream.time_base * 1000)
    elif media.duration is not None:
        duration_ms = round(media.duration / 1000)
    else:
        return 0
    return duration_ms if 0 < duration_ms <= _LONGEST_MS else 0


def _created(media: Any, stream: Any) -> datetime | None:
    text = stream.metadata.get("creation_time") or media.metadata.get("creation_time")
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
