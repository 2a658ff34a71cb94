"""What the same counting finds of the same streets where nothing fails.

Invariant: the line, the promise and the detector of the site's own file, over the very pictures that were served; no
server, no fault and no clock.
"""

from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from fractions import Fraction
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path

import av
from tools.soak.cameras import FPS, LOOP_S

from passerby.config import site
from passerby.config.site import Camera, CountedLine
from passerby.counting.chunks import chunks, crossings_of, of_stream
from passerby.counting.counts import Crossing
from passerby.counting.crossings import find_crossings
from passerby.counting.parameters import CountingParams
from passerby.domain.labels import label_of, reported
from passerby.domain.timespan import Span, cut
from passerby.recordings import release
from passerby.video.detect.selection import choose
from passerby.video.observe import probe
from passerby.video.scheduling.optimizations import suited
from passerby.video.streaming import RecordingSource, StreamObservation

Found = list[tuple[float, str]]
"""When in the loop something was found to cross, in seconds, and in which direction."""


def found(site_file: Path, videos: Sequence[Path], start_ms: int) -> list[Found]:
    """Of each camera of the site, in their order, on two processes; `videos` are H.264, shown over and over since
    `start_ms`."""
    told = site.load(site_file)
    count = _of_chunks if told.privacy is None else _of_stream
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        return list(pool.map(count, told.cameras, videos, repeat(start_ms)))


def _of_stream(camera: Camera, video: Path, start_ms: int) -> Found:
    """One pass, as under the crossings promise: of the middle one of three loops, which has the others around it."""
    (counted,) = camera.lines
    observation = StreamObservation(
        RecordingSource(probe(looped(video, 3)), start_ms),
        (counted.line,),
        camera.corridor,
        choose(camera.detector, None),
        suited(camera.detector),
    )
    params = of_stream(CountingParams())
    crossings = [
        one
        for span, ticks in chunks(observation, params)
        for one in crossings_of(ticks, (counted.line,), observation.size_px, span, camera.corridor, params)[0]
    ]
    middle_ms = start_ms + round(LOOP_S * 1000)
    return _in_loop(crossings, counted, start_ms, Span(middle_ms, middle_ms + round(LOOP_S * 1000)))


def _of_chunks(camera: Camera, video: Path, start_ms: int) -> Found:
    """All chunks of one loop, as under the footage promise: 90 s are whole chunks, so they are those of every loop."""
    (counted,) = camera.lines
    assert counted.policy is not None
    recording = probe(looped(video, 2))
    counting = release.Counting(recording, start_ms, camera.name, counted, camera.detector)
    chunk_ms = counted.policy.chunk_ms
    first_ms = -(-(start_ms + counted.policy.warmup_ms) // chunk_ms) * chunk_ms
    of_loop = Span(first_ms, first_ms + round(LOOP_S * 1000))
    part = release.Part((counting,), tuple((0, chunk) for chunk in cut(of_loop, chunk_ms)))
    crossings = [
        one
        for crossed in release.tracked(
            part,
            lambda tracks, _, chunk: find_crossings(
                tracks, [counted.line], (recording.width, recording.height), chunk
            ),
        )
        for one in crossed
    ]
    return _in_loop(crossings, counted, start_ms, of_loop)


def _in_loop(crossings: Iterable[Crossing], counted: CountedLine, start_ms: int, span: Span) -> Found:
    wanted = [label_of(text) for text in counted.labels or ()]
    return sorted(
        ((one.time_ms - start_ms) / 1000 % LOOP_S, counted.line.direction_name(one.direction))
        for one in crossings
        if one.time_ms in span and reported(one.label, wanted) is not None
    )


def looped(video: Path, times: int) -> Path:
    """A recording of so many loops, so that what is counted of one has another before it."""
    path = video.with_name(f"looped-{times}.mp4")
    with av.open(str(video), format="h264") as streamed, av.open(str(path), "w") as recording:
        stream = streamed.streams.video[0]
        # A packet is given away when it is written.
        coded = [(bytes(one), one.is_keyframe) for one in streamed.demux(stream) if one.size]
        out = recording.add_stream_from_template(stream)
        for number, (data, key) in enumerate(coded * times):
            packet = av.Packet(data)
            packet.stream, packet.time_base, packet.is_keyframe = out, 1 / Fraction(FPS), key
            packet.pts = packet.dts = number
            recording.mux(packet)
    return path
