"""Made-up bodies as a detector would report them: boxes by time, and the crossings that are counted from them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from passerby.counting.counts import Crossing
from passerby.counting.crossings import find_crossings
from passerby.counting.detections import Detections
from passerby.counting.tracker import track
from passerby.domain.geometry import Line
from passerby.domain.labels import Label
from passerby.domain.timespan import Span

WIDTH, HEIGHT = 640, 360
TICK_MS = 80
MIDDLE = Line("middle", (0.5, 0.0), (0.5, 1.0))
"""From top to bottom: who goes to larger x ends on the left hand side."""
EVER = Span(0, 10**12)

PERSON = (24.0, 60.0)
CAR = (110.0, 60.0)


@dataclass(frozen=True, slots=True)
class Box:
    """One box of one instant: `xyxy` px."""

    time_ms: int
    xyxy: tuple[float, float, float, float]
    label: Label = Label.PERSON
    confidence: float = 0.8


def along(
    *points: tuple[float, float, float],
    size: tuple[float, float] = PERSON,
    label: Label = Label.PERSON,
    confidence: float = 0.8,
    times_ms: Iterable[int] | None = None,
    tremble_px: float = 0.0,
    seed: int = 0,
) -> list[Box]:
    """The boxes of one body whose foot passes the `points` (seconds, x px, y px), at every tick in between
    or at `times_ms`; each foot is moved by up to `tremble_px` either way."""
    seconds, xs, ys = np.array(points, float).T
    if times_ms is None:
        first = -(-round(seconds[0] * 1000) // TICK_MS) * TICK_MS
        times_ms = range(first, round(seconds[-1] * 1000) + 1, TICK_MS)
    dice = np.random.default_rng(seed)
    boxes = []
    for time_ms in times_ms:
        shift = dice.uniform(-tremble_px, tremble_px, 2)
        x = float(np.interp(time_ms / 1000, seconds, xs)) + shift[0]
        y = float(np.interp(time_ms / 1000, seconds, ys)) + shift[1]
        box = (x - size[0] / 2, y - size[1], x + size[0] / 2, y)
        boxes.append(Box(time_ms, box, label, confidence))
    return boxes


def moved(box: Box, right_px: float = 0, down_px: float = 0, scale: float = 1) -> Box:
    """The box in a picture that was scaled, and then moved."""
    x1, y1, x2, y2 = (float(side) * scale for side in box.xyxy)
    return replace(box, xyxy=(x1 + right_px, y1 + down_px, x2 + right_px, y2 + down_px))


def mirrored(box: Box, width: int = WIDTH) -> Box:
    """The box in a picture whose left and right are swapped."""
    x1, y1, x2, y2 = box.xyxy
    return replace(box, xyxy=(width - x2, y1, width - x1, y2))


def seen(*bodies: Iterable[Box], empty_ms: Iterable[int] = ()) -> list[Detections]:
    """One `Detections` for each instant at which there is a box, and for those of `empty_ms`."""
    by_time: dict[int, list[Box]] = {time_ms: [] for time_ms in empty_ms}
    for body in bodies:
        for box in body:
            by_time.setdefault(box.time_ms, []).append(box)
    return [
        Detections(
            time_ms,
            np.array([box.xyxy for box in boxes], np.float32).reshape(-1, 4),
            np.array([box.confidence for box in boxes], np.float32),
            np.array([box.label for box in boxes], np.int64),
        )
        for time_ms, boxes in sorted(by_time.items())
    ]


def crossings(
    ticks: Iterable[Detections], lines: Sequence[Line] = (MIDDLE,), span: Span = EVER
) -> list[Crossing]:
    """What is counted of `ticks`, by a fresh tracker."""
    return find_crossings(track(ticks), lines, (WIDTH, HEIGHT), span)


def ways(found: Iterable[Crossing]) -> list[tuple[str, str, str]]:
    """Line, direction and label of each crossing, in order of time."""
    return [(crossing.line, crossing.direction, crossing.label.text) for crossing in found]
