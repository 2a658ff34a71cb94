"""The street as a real file: H.264 in MP4, as a camera would have written it, and its truth beside it.

Invariant: a file appears under its name only when it is complete.
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
"""Called with how many frames are done, and of how many."""

_GOP_S = 2.0


def write(street: Street, path: str | Path, progress: Progress | None = None) -> tuple[TrueCrossing, ...]:
    """Write the street to `path`, an MP4 whose creation time is the street's start; returns what truly crossed
    its `lines`. Raises OutputError when the file cannot be written; nothing half-written is left."""
    with files.replacing(Path(path)) as beside:
        try:
            _encode(street, beside, progress)
        except av.error.FFmpegError as error:
            raise OutputError(f"{path}: could not be written: {error}") from error
    return truth(street, lines(street))


def write_apart(images: Iterable[Image], path: str | Path, street: Street) -> None:
    """Write pictures (H, W, 3) uint8 BGR as a recording of `street`, each without loss and on its own, so that a
    change in one is a change in no other once they are decoded. Raises OutputError."""
    with files.replacing(Path(path)) as beside:
        try:
            _mux(street, beside, images, 1, {"qp": "0", "preset": "ultrafast", "bf": "0"}, None)
        except av.error.FFmpegError as error:
            raise OutputError(f"{path}: could not be written: {error}") from error


def _encode(street: Street, path: Path, progress: Progress | None) -> None:
    # As cameras do: no B-frames, and the same bytes on any number of cores.
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
    """Write the truth of a written street as a truth file: for each line the crossings by direction and label,
    in pixels. Raises OutputError when it cannot be written."""
    given = lines(street)
    crossed = truth(street, given)
    clip = TrueClip(
        name=Path(video).name,
        size_px=(street.width, street.height),
        fps=street.fps,
        lines=tuple(_true_line(street, line, crossed) for line in given),
        occupancy=None,
        checking=None,
    )
    files.write(Path(path), to_text([clip]))


def _true_line(street: Street, line: Line, crossed: tuple[TrueCrossing, ...]) -> TrueLine:
    mine = [crossing for crossing in crossed if crossing.line == line.name]
    return TrueLine(
        line=line,
        crossed={
            direction: Counter(crossing.label.text for crossing in mine if crossing.direction == direction)
            for direction in DIRECTIONS
        },
        at_frames=tuple(
            round((crossing.time_ms - street.start_ms) / 1000 * street.rate) for crossing in mine
        ),
        certainty="certain",
        within=None,
    )
