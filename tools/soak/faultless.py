"""What the same counting finds of the same streets where nothing fails.

Invariant: the line, the chunks and the detector of the site's own file, over the very pictures that were served; no
server, no fault and no clock.
"""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from fractions import Fraction
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path

import av
from tools.soak.cameras import FPS, LOOP_S

from passerby.config import site
from passerby.config.site import Camera
from passerby.counting.crossings import find_crossings
from passerby.domain.labels import label_of, reported
from passerby.domain.timespan import Span, cut
from passerby.recordings import release
from passerby.video.observe import probe

Found = list[tuple[float, str]]
"""When in the loop something was found to cross, in seconds, and in which direction."""


def found(site_file: Path, videos: Sequence[Path], start_ms: int) -> list[Found]:
    """Of each camera of the site, in their order, on two processes; `videos` are H.264, shown over and over since
    `start_ms`."""
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        return list(pool.map(_found, site.load(site_file).cameras, videos, repeat(start_ms)))


def _found(camera: Camera, video: Path, start_ms: int) -> Found:
    """All chunks of one loop: 90 s are whole chunks, so they are those of every loop."""
    (counted,) = camera.lines
    assert counted.policy is not None
    recording = probe(twice(video))
    counting = release.Counting(recording, start_ms, camera.name, counted, camera.detector)
    chunk_ms = counted.policy.chunk_ms
    first_ms = -(-(start_ms + counted.policy.warmup_ms) // chunk_ms) * chunk_ms
    chunks = cut(Span(first_ms, first_ms + round(LOOP_S * 1000)), chunk_ms)
    wanted = [label_of(text) for text in counted.labels or ()]
    crossings = [
        one
        for crossed in release.tracked(
            release.Part((counting,), tuple((0, chunk) for chunk in chunks)),
            lambda tracks, _, chunk: find_crossings(
                tracks, [counted.line], (recording.width, recording.height), chunk
            ),
        )
        for one in crossed
        if reported(one.label, wanted) is not None
    ]
    return sorted(
        ((one.time_ms - start_ms) / 1000 % LOOP_S, counted.line.direction_name(one.direction))
        for one in crossings
    )


def twice(video: Path) -> Path:
    """A recording of two loops, so that every chunk of one has its warm-up before it."""
    path = video.with_name("twice.mp4")
    with av.open(str(video), format="h264") as streamed, av.open(str(path), "w") as recording:
        stream = streamed.streams.video[0]
        # A packet is given away when it is written.
        coded = [(bytes(one), one.is_keyframe) for one in streamed.demux(stream) if one.size]
        out = recording.add_stream_from_template(stream)
        for number, (data, key) in enumerate(coded * 2):
            packet = av.Packet(data)
            packet.stream, packet.time_base, packet.is_keyframe = out, 1 / Fraction(FPS), key
            packet.pts = packet.dts = number
            recording.mux(packet)
    return path
