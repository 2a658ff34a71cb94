"""What is counted: synthetic streets as a camera would send them, at two sizes, and real clips where they are at hand.

Invariant: every recording comes with its lines and with what truly crossed them; nothing is measured here.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path

import av
import cv2
import numpy as np
from av.container import OutputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray

from passerby import synth
from passerby.domain.geometry import Line
from passerby.evaluation import truth_file
from passerby.io import files

CLIPS = Path(__file__).parents[3] / "shared/clips"
REAL = ("car-park.mp4", "pavement.mp4", "highway.avi")

SEED, FPS = 4, 25
RATES = {1080: "4M", 360: "800k"}
"""Rows of the recordings, and bits a second: what a camera's main stream and its substream are set to."""
DENSITIES = ("mixed", "quiet", "dense")

Image = NDArray[np.uint8]
Ways = Counter[tuple[str, str]]
"""Crossings by line and direction; kinds are left out, since not all contenders know the same."""


@dataclass(frozen=True, slots=True)
class Told:
    """A file, its lines, and what truly crossed them."""

    path: Path
    lines: tuple[Line, ...]
    ways: Ways


def recordings(folder: Path, seconds: float, clips: bool, only: Sequence[str] = ("",)) -> dict[str, Told]:
    """By name, those with one of `only` in it. What is not in `folder` yet is made there; clips are left out where
    there are none."""

    def wanted(name: str) -> list[str]:
        return [f"{name}-{rows}" for rows in RATES if any(part in f"{name}-{rows}" for part in only)]

    found: dict[str, Told] = {}
    for density in DENSITIES:
        street = synth.Street(
            seed=SEED, width=1920, height=1080, fps=FPS, duration_s=seconds, density=density
        )
        name = f"street-{density}"
        if not wanted(name):
            continue
        lines = synth.lines(street)
        ways: Ways = Counter((c.line, str(c.direction)) for c in synth.truth(street, lines))
        for rows, path in _written(name, folder, street.rate, partial(synth.frames, street)).items():
            found[f"{name}-{rows}"] = Told(path, tuple(lines), ways)
    if clips and CLIPS.is_dir():
        told = truth_file.load(CLIPS / "truth.yaml", None)
        for clip in told.clips:
            name = clip.name.split(".")[0]
            if clip.name not in REAL or not wanted(name):
                continue
            ways = Counter()
            for one in clip.lines:
                for direction, labels in one.crossed.items():
                    ways[one.line.name, direction] = sum(labels.values())
            rate = Fraction(clip.fps or FPS).limit_denominator(1001)
            for rows, path in _written(name, folder, rate, partial(_pictures, told.video(clip))).items():
                found[f"{name}-{rows}"] = Told(path, tuple(one.line for one in clip.lines), ways)
    return {name: told for name, told in found.items() if any(part in name for part in only)}


def _written(
    name: str, folder: Path, rate: Fraction, images: Callable[[], Iterable[Image]]
) -> dict[int, Path]:
    """The same pictures by x264 as a camera's main stream and substream: a constant rate, a keyframe each 2 s, no
    B-frames. By rows; made once."""
    paths = {rows: folder / f"{name}-{rows}.mp4" for rows in RATES}
    if all(path.exists() for path in paths.values()):
        return paths
    with ExitStack() as stack:
        outputs: list[tuple[int, OutputContainer, VideoStream]] = []
        for rows, path in paths.items():
            beside = stack.enter_context(files.replacing(path))
            container = stack.enter_context(av.open(str(beside), "w", format="mp4"))
            stream = container.add_stream("libx264", rate=rate)
            stream.pix_fmt = "yuv420p"
            stream.codec_context.gop_size = round(2 * rate)
            stream.codec_context.thread_count = 1
            bits = dict.fromkeys(("b", "maxrate", "bufsize"), RATES[rows])
            stream.codec_context.options = {"preset": "veryfast", "bf": "0", **bits}
            outputs.append((rows, container, stream))
        for number, image in enumerate(images()):
            high, wide = image.shape[:2]
            for rows, container, stream in outputs:
                size = round(wide * rows / high / 2) * 2, rows
                if not number:
                    stream.width, stream.height = size
                way = cv2.INTER_AREA if rows < high else cv2.INTER_CUBIC
                picture = av.VideoFrame.from_ndarray(
                    np.asarray(cv2.resize(image, size, interpolation=way), np.uint8), format="bgr24"
                )
                picture.pts, picture.time_base = number, 1 / rate
                container.mux(stream.encode(picture))
        for _, container, stream in outputs:
            container.mux(stream.encode(None))
    return paths


def _pictures(path: Path) -> Iterator[Image]:
    with av.open(str(path)) as container:
        for picture in container.decode(video=0):
            yield picture.to_ndarray(format="bgr24").astype(np.uint8, copy=False)


def repeated(path: Path, times: int, to: Path) -> None:
    """The recording so many times in a row, without encoding it again."""
    with files.replacing(to) as beside, av.open(str(beside), "w", format="mp4") as output:
        with av.open(str(path)) as first:
            stream = output.add_stream_from_template(first.streams.video[0])
        begins = 0
        for _ in range(times):
            ends = begins
            for packet in _packets(path):
                assert packet.pts is not None
                assert packet.dts is not None
                packet.pts += begins
                packet.dts += begins
                ends = max(ends, packet.pts + (packet.duration or 0))
                packet.stream = stream
                output.mux(packet)
            begins = ends


def _packets(path: Path) -> Iterator["av.Packet[VideoStream]"]:
    with av.open(str(path)) as container:
        for packet in container.demux(video=0):
            if packet.dts is not None:
                yield packet
