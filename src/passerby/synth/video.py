"""The street as a real file: H.264 in MP4, as a camera would have written it, and its truth beside it.

Law: a file appears under its name only when it is complete.
"""

import os
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import av
import av.error
import cv2
import numpy as np
from ruamel.yaml import YAML

from passerby.errors import OutputError
from passerby.geometry import DIRECTIONS, Line, Point
from passerby.synth.draw import frames
from passerby.synth.street import Street
from passerby.synth.truth import TrueCrossing, lines, truth

Progress = Callable[[int, int], None]
"""Called with how many frames are done, and of how many."""

_GOP_S = 2.0


def write(street: Street, path: str | Path, progress: Progress | None = None) -> tuple[TrueCrossing, ...]:
    """Write the street to `path`, an MP4 whose creation time is the street's start; returns what truly crossed
    its `lines`. Raises OutputError when the file cannot be written; nothing half-written is left."""
    path = Path(path)
    if not path.parent.is_dir():
        raise OutputError(f"{path}: expected its folder {path.parent} to exist")
    beside = path.with_name(f".{path.name}.part")
    try:
        _encode(street, beside, progress)
        os.replace(beside, path)
    except (OSError, av.error.FFmpegError) as error:
        raise OutputError(f"{path}: could not be written: {error}") from error
    finally:
        beside.unlink(missing_ok=True)
    return truth(street, lines(street))


def _encode(street: Street, path: Path, progress: Progress | None) -> None:
    rate = street.rate
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        start = datetime.fromtimestamp(street.start_ms / 1000, UTC)
        container.metadata["creation_time"] = start.strftime("%Y-%m-%dT%H:%M:%S.000000Z")
        stream = container.add_stream("libx264", rate=rate)
        stream.width, stream.height = street.width, street.height
        stream.pix_fmt = "yuv420p"
        stream.time_base = Fraction(1, 90_000)
        stream.codec_context.time_base = Fraction(rate.denominator, rate.numerator)
        stream.codec_context.gop_size = max(1, round(_GOP_S * street.fps))
        # As cameras do: no B-frames, and the same bytes on any number of cores.
        stream.codec_context.thread_count = 2
        stream.codec_context.options = {"crf": str(street.crf), "preset": "veryfast", "bf": "0"}
        for number, image in enumerate(frames(street)):
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
    path = Path(path)
    given = lines(street)
    crossed = truth(street, given)
    entry = {
        "size": [street.width, street.height],
        "fps": street.fps,
        "lines": {line.name: _line_entry(street, line, crossed) for line in given},
    }
    beside = path.with_name(f".{path.name}.part")
    try:
        with beside.open("w", encoding="utf-8") as file:
            YAML(typ="safe").dump({Path(video).name: entry}, file)
        os.replace(beside, path)
    except OSError as error:
        raise OutputError(f"{path}: could not be written: {error}") from error
    finally:
        beside.unlink(missing_ok=True)


def _line_entry(street: Street, line: Line, crossed: tuple[TrueCrossing, ...]) -> dict[str, object]:
    def pixels(point: Point) -> list[float]:
        return [round(point[0] * street.width, 1), round(point[1] * street.height, 1)]

    mine = [crossing for crossing in crossed if crossing.line == line.name]
    entry: dict[str, object] = {
        "from": pixels(line.start),
        "to": pixels(line.end),
        "anchor": line.anchor,
        "certainty": "certain",
    }
    for direction in DIRECTIONS:
        counts = Counter(crossing.label.text for crossing in mine if crossing.direction == direction)
        entry[direction] = dict(sorted(counts.items()))
    entry["at_frames"] = [
        round((crossing.time_ms - street.start_ms) / 1000 * float(street.rate)) for crossing in mine
    ]
    return entry
