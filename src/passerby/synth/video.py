"""Write the street as a video file like a camera's (H.264 in MP4), and its truth file.

Invariant: a file gets its name only when it is complete.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import av
import av.error
import cv2
import numpy as np

from passerby.domain.geometry import DIRECTIONS, Line
from passerby.errors import OutputError
from passerby.evaluation.truth_file import TrueClip, TrueLine, to_text
from passerby.io import files
from passerby.synth.backdrop import Image
from passerby.synth.draw import frames
from passerby.synth.street import Street
from passerby.synth.truth import TrueCrossing, lines, truth

Progress = Callable[[int, int], None]
"""Called with the number of frames done and their total."""

_GOP_S = 2.0


def write(street: Street, path: str | Path, progress: Progress | None = None) -> tuple[TrueCrossing, ...]:
    """Write the street to the MP4 file `path`, whose creation time is the street's start. Return its true crossings.

    Raises OutputError if the file cannot be written; no incomplete file is left."""
    with files.replacing(Path(path)) as beside:
        try:
            _encode(street, beside, progress)
        except av.error.FFmpegError as error:
            raise OutputError(f"{path}: could not be written: {error}") from error
    return truth(street, lines(street))


def write_lossless(images: Iterable[Image], path: str | Path, street: Street) -> None:
    """Write pictures (height, width, 3) uint8 BGR as a recording of `street`: lossless, and every frame a key frame.

    A change in one picture therefore changes no other decoded frame. Raises OutputError."""
    with files.replacing(Path(path)) as beside:
        try:
            _mux(street, beside, images, 1, {"qp": "0", "preset": "ultrafast", "bf": "0"}, None)
        except av.error.FFmpegError as error:
            raise OutputError(f"{path}: could not be written: {error}") from error


def _encode(street: Street, path: Path, progress: Progress | None) -> None:
    # Cameras use no B-frames; this also gives the same bytes on any number of cores.
    options = {"crf": str(street.crf), "preset": "veryfast", "bf": "0"}
    _mux(street, path, frames(street), max(1, round(_GOP_S * street.fps)), options, progress)


def _mux(
    street: Street,
    path: Path,
    images: Iterable[Image],
    group: int,
    options: dict[str, str],
    progress: Progress | None,
) -> None:
    rate = street.rate
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        start = datetime.fromtimestamp(street.start_ms / 1000, UTC)
        container.metadata["creation_time"] = start.strftime("%Y-%m-%dT%H:%M:%S.000000Z")
        stream = container.add_stream("libx264", rate=rate)
        stream.width, stream.height = street.width, street.height
        stream.pix_fmt = "yuv420p"
        stream.time_base = Fraction(1, 90_000)
        stream.codec_context.time_base = Fraction(rate.denominator, rate.numerator)
        stream.codec_context.gop_size = group
        stream.codec_context.thread_count = 2
        stream.codec_context.options = options
        for number, image in enumerate(images):
            planes = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420), np.uint8)
            picture = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            picture.pts = number
            picture.time_base = Fraction(rate.denominator, rate.numerator)
            container.mux(stream.encode(picture))
            if progress is not None:
                progress(number + 1, street.frame_count)
        container.mux(stream.encode(None))


def write_truth(street: Street, video: str | Path, path: str | Path) -> None:
    """Write the truth file of the recording `video` of a street: crossings by line, direction and label.

    Raises OutputError if it cannot be written."""
    counting_lines = lines(street)
    crossed = truth(street, counting_lines)
    clip = TrueClip(
        name=Path(video).name,
        size_px=(street.width, street.height),
        fps=street.fps,
        lines=tuple(_true_line(street, line, crossed) for line in counting_lines),
        occupancy=None,
        checking=None,
    )
    files.write(Path(path), to_text([clip]))


def _true_line(street: Street, line: Line, crossed: tuple[TrueCrossing, ...]) -> TrueLine:
    of_line = [crossing for crossing in crossed if crossing.line == line.name]
    return TrueLine(
        line=line,
        crossed={
            direction: Counter(crossing.label.text for crossing in of_line if crossing.direction == direction)
            for direction in DIRECTIONS
        },
        at_frames=tuple(
            round((crossing.time_ms - street.start_ms) / 1000 * street.rate) for crossing in of_line
        ),
        certainty="certain",
        within=None,
    )
