"""The annotated image, for checking a count: lines, directions and counts on the background.

Invariant: drawn from the lines, the totals and the background alone, never from a frame or a box.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, hypot, pi, sin
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from passerby.counting.counts import Counts, TotalCount
from passerby.domain.geometry import DIRECTIONS, Line
from passerby.errors import InputError
from passerby.io import files
from passerby.video.decode.frame import Image
from passerby.video.detect.detector import LoadedDetector
from passerby.video.scene.background import Background, Samples, empty

LONG_PX = 1280
"""Longest side of the image: a smaller background is enlarged, so that text stays readable."""
SHORT_PX = 400
"""Least side of the image, so that there is room for text."""

Colour = tuple[int, int, int]

# Blue, green, red. Colour-blind people can tell them apart. A dark halo makes them visible on any ground.
_COLOURS: tuple[Colour, ...] = (
    (60, 214, 255),
    (255, 196, 94),
    (186, 138, 255),
    (140, 226, 128),
    (92, 152, 255),
    (236, 224, 120),
)
_INK: Colour = (30, 24, 20)
_PAPER: Colour = (255, 255, 255)
_MUTED: Colour = (206, 198, 190)

_Point = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Rectangle:
    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True)
class _Panel:
    """The counts of one direction. `rows`: (label, count), the counts `digits_px` wide. `tip`: the tip of its arrow."""

    box: _Rectangle
    tip: _Point
    name: str
    rows: tuple[tuple[str, str], ...]
    digits_px: int
    colour: Colour


def check(path: Path) -> None:
    """Raises InputError for a name that does not end in .png, OutputError for a path that cannot be written."""
    if path.suffix.lower() != ".png":
        raise InputError(f"{path}: expected a name that ends in .png for the picture")
    files.check_writable(path)


def write(
    path: Path,
    counts: Counts,
    lines: Sequence[Line],
    samples: Samples,
    detectors: Sequence[LoadedDetector],
) -> tuple[str, ...]:
    """Write the annotated image of a recording as a PNG; returns warnings for the user.

    `detectors` check the background for people. Raises OutputError.
    """
    if not len(samples):
        return (f"{path}: not written, since no frame of the recording could be read",)
    background = empty(samples, detectors)
    start = [] if counts.start is None else [counts.start_text]
    details = "   ".join([*start, _duration(counts.duration_s), counts.detector])
    files.write(path, _encoded(draw(background, lines, counts.totals, details)))
    if detectors:
        return ()
    return (
        f"{path}: check before sharing: people who never moved may be visible, since no model looked for them",
    )


def png(background: Background) -> bytes:
    """The background alone, as a PNG."""
    return _encoded(background.image)


def _encoded(image: Image) -> bytes:
    encoded, data = cv2.imencode(".png", image)
    if not encoded:
        raise ValueError("OpenCV could not encode an image as PNG")
    return data.tobytes()


def draw(background: Background, lines: Sequence[Line], totals: Sequence[TotalCount], details: str) -> Image:
    """(H, W, 3) uint8 BGR: the background with `lines` and `totals`, and `details` in a strip below it."""
    canvas, left, top, width, height = _enlarged(background.image)
    scale = {1: 1.0, 2: 1.0, 3: 0.92, 4: 0.84, 5: 0.78}.get(len(lines), 0.7)
    taken = np.zeros(canvas.shape[:2], np.float32)
    marks = []
    for index, line in enumerate(lines):
        start, end = (np.array([left + x * width, top + y * height]) for x, y in (line.start, line.end))
        marks.append((line, _COLOURS[index % len(_COLOURS)], start, end))
    for _, colour, start, end in marks:
        _draw_line(canvas, taken, start, end, colour, scale)
    tips = [
        [_draw_arrow(canvas, taken, start, end, side, colour, scale) for side in (1, -1)]
        for _, colour, start, end in marks
    ]
    panels = []
    for (line, colour, start, end), (right, left_tip) in zip(marks, tips, strict=True):
        for tip, direction, side in ((right, DIRECTIONS[0], 1), (left_tip, DIRECTIONS[1], -1)):
            name = line.direction_name(direction)
            rows = [(t.label, t.count) for t in totals if t.line == line.name and t.direction == name]
            panels.append(_panel_of(taken, tip, (start, end, side), name, rows, colour, scale))
    for panel in panels:
        _draw_leader(canvas, panel, scale)
    for panel in panels:
        _draw_counts(canvas, panel, scale)
    for line, colour, start, end in marks:
        _draw_name(canvas, taken, line.name, start, end, colour, scale)
    return np.concatenate([canvas, _strip(canvas.shape[1], details)])


def _enlarged(background: Image) -> tuple[Image, int, int, int, int]:
    """The background on a canvas with room for text, and its left, top, width and height on it, px."""
    factor = LONG_PX / max(background.shape[:2])
    width, height = (max(1, round(side * factor)) for side in background.shape[1::-1])
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    large = cv2.resize(background, (width, height), interpolation=method)
    canvas = np.full((max(height, SHORT_PX), max(width, SHORT_PX), 3), _INK, np.uint8)
    left, top = (canvas.shape[1] - width) // 2, (canvas.shape[0] - height) // 2
    canvas[top : top + height, left : left + width] = large
    return canvas, left, top, width, height


def _polygon(canvas: Image, points: Sequence[_Point], colour: Colour) -> None:
    # Sixteenths of a pixel keep slanted edges smooth.
    corners = np.round(np.array(points) * 16).astype(np.int32)
    cv2.fillPoly(canvas, [corners], colour, cv2.LINE_AA, 4)


def _stroke(canvas: Image, start: _Point, end: _Point, width: float, colour: Colour) -> None:
    along = (end - start) / max(1e-6, float(np.hypot(*(end - start))))
    across = np.array([-along[1], along[0]]) * width / 2
    _polygon(canvas, [start + across, end + across, end - across, start - across], colour)


def _dot(canvas: Image, at: _Point, radius: float, colour: Colour) -> None:
    centre = tuple(np.round(at * 16).astype(int).tolist())
    cv2.circle(canvas, centre, round(radius * 16), colour, -1, cv2.LINE_AA, 4)


def _claim(taken: NDArray[np.float32], start: _Point, end: _Point, width: float, weight: float) -> None:
    first, last = ([round(float(value)) for value in point] for point in (start, end))
    cv2.line(taken, first, last, weight, round(width))


def _draw_line(
    canvas: Image, taken: NDArray[np.float32], start: _Point, end: _Point, colour: Colour, scale: float
) -> None:
    for extra, ink in ((4.0, _INK), (0.0, colour)):
        _stroke(canvas, start, end, 5 * scale + extra, ink)
        _dot(canvas, start, 9 * scale + extra / 2, ink)
        _dot(canvas, end, 6 * scale + extra / 2, ink)
    _claim(taken, start, end, 18 * scale, 4.0)


def _draw_arrow(
    canvas: Image,
    taken: NDArray[np.float32],
    start: _Point,
    end: _Point,
    side: int,
    colour: Colour,
    scale: float,
) -> _Point:
    """An arrow from the middle of the line to its right (`side` 1) or left (-1) hand side; returns its tip."""
    dx, dy = (end - start) / max(1e-6, float(np.hypot(*(end - start))))
    out = np.array([-dy, dx]) * side
    foot = (start + end) / 2 + out * 13 * scale
    length = 52 * scale
    limit = np.array([canvas.shape[1], canvas.shape[0]]) - 14.0
    while length > 30 * scale and not ((foot + out * length >= 14) & (foot + out * length <= limit)).all():
        length -= 2
    tip = foot + out * length
    across = np.array([-out[1], out[0]])
    for extra, ink in ((4.0, _INK), (0.0, colour)):
        half, head = 13 * scale + extra * 1.0, 22 * scale
        neck = tip - out * head
        _stroke(canvas, foot - out * extra / 2, neck + out, 6 * scale + extra, ink)
        barb = neck - out * extra / 2
        _polygon(canvas, [tip + out * extra, barb + across * half, barb - across * half], ink)
    _claim(taken, foot, tip, 34 * scale, 6.0)
    return np.asarray(tip, np.float64)


def _text_size(text: str, size: int, weight: int) -> tuple[int, int, int]:
    """Width of `text`, and its extent above and below its base line, in px."""
    _, top, width, height = cv2.getTextSize((0, 0), text, (0, 0), cv2.FontFace("sans"), size, weight)
    return int(width), int(-top), int(height + top)


def _text(canvas: Image, text: str, x: float, y: float, size: int, weight: int, colour: Colour) -> None:
    """`text` with its base line at (x, y); OpenCV's own font has Latin, Greek and Cyrillic."""
    cv2.putText(canvas, text, (round(x), round(y)), colour, cv2.FontFace("sans"), size, weight)


def _short(text: str, size: int, weight: int, width: float) -> str:
    """`text`, cut to at most `width` px."""
    if _text_size(text, size, weight)[0] <= width:
        return text
    while text and _text_size(text + "…", size, weight)[0] > width:
        text = text[:-1]
    return text + "…"


def _rounded(canvas: Image, box: _Rectangle, colour: Colour, opacity: float, radius: float) -> None:
    left, top = max(0, round(box.left)), max(0, round(box.top))
    right, bottom = min(canvas.shape[1], round(box.right)), min(canvas.shape[0], round(box.bottom))
    if right <= left or bottom <= top:
        return
    mask = np.zeros((bottom - top, right - left, 3), np.uint8)
    r = min(radius, (right - left) / 2, (bottom - top) / 2)
    width, height = right - left, bottom - top
    corners = []
    centres = ((width - r, height - r, 0.0), (r, height - r, 0.5), (r, r, 1.0), (width - r, r, 1.5))
    for x, y, quarter in centres:
        corners += [
            np.array([x + r * cos(pi * (quarter + s / 16)), y + r * sin(pi * (quarter + s / 16))])
            for s in range(9)
        ]
    _polygon(mask, corners, (255, 255, 255))
    share = mask.astype(np.float32) / 255 * opacity
    under = canvas[top:bottom, left:right].astype(np.float32)
    canvas[top:bottom, left:right] = np.rint(under * (1 - share) + np.array(colour) * share).astype(np.uint8)


def _panel_of(
    taken: NDArray[np.float32],
    tip: _Point,
    line: tuple[_Point, _Point, int],
    name: str,
    rows: Sequence[tuple[str, int]],
    colour: Colour,
    scale: float,
) -> _Panel:
    """The counts of one direction, as close to the tip of its arrow as there is room."""
    shown = tuple((label, str(count)) for label, count in rows if count) or (("", "0"),)
    title_px, row_px = round(21 * scale), round(25 * scale)
    name = _short(name, title_px, 500, 320 * scale)
    digits = max(_text_size(count, row_px, 700)[0] for _, count in shown)
    words = max(_text_size(label, row_px, 450)[0] for label, _ in shown)
    inner = max(_text_size(name, title_px, 500)[0], digits + 9 * scale + words)
    width, height = inner + 30 * scale, 41 * scale + 33 * scale * len(shown)
    return _Panel(_place(taken, tip, width, height, line), tip, name, shown, digits, colour)


def _draw_leader(canvas: Image, panel: _Panel, scale: float) -> None:
    """A line from an arrow to its panel, where they lie apart."""
    box, tip = panel.box, panel.tip
    if _distance(tip, box) > 30 * scale:
        nearest = np.clip(tip, [box.left, box.top], [box.right, box.bottom])
        _stroke(canvas, tip, nearest, 5, _INK)
        _stroke(canvas, tip, nearest, 2, panel.colour)


def _draw_counts(canvas: Image, panel: _Panel, scale: float) -> None:
    box, digits = panel.box, panel.digits_px
    title_px, row_px = round(21 * scale), round(25 * scale)
    _rounded(canvas, box, _INK, 0.82, 9 * scale)
    bar = _Rectangle(box.left, box.top, box.left + 6 * scale, box.bottom)
    _rounded(canvas, bar, panel.colour, 1.0, 3 * scale)
    x = box.left + 18 * scale
    _text(canvas, panel.name, x, box.top + 27 * scale, title_px, 500, _MUTED)
    for index, (label, count) in enumerate(panel.rows):
        y = box.top + 33 * scale + 33 * scale * (index + 0.78)
        _text(canvas, count, x + digits - _text_size(count, row_px, 700)[0], y, row_px, 700, _PAPER)
        _text(canvas, label, x + digits + 9 * scale, y, row_px, 450, _PAPER)


def _place(
    taken: NDArray[np.float32],
    tip: _Point,
    width: float,
    height: float,
    line: tuple[_Point, _Point, int] | None,
) -> _Rectangle:
    """The best place near `tip` for a box, within the image. The place is marked in `taken`."""
    rows, columns = taken.shape
    total = cv2.integral(taken)
    best, least = _Rectangle(4, 4, 4 + width, 4 + height), float("inf")
    for reach in range(4, 420, 14):
        for turn in range(32):
            x, y = cos(turn * pi / 16), sin(turn * pi / 16)
            # From the tip outwards: the box touches a circle of `reach` around it.
            centre = tip + np.array([x * (width / 2 + reach), y * (height / 2 + reach)])
            left = min(max(6.0, centre[0] - width / 2), max(6.0, columns - 6 - width))
            top = min(max(6.0, centre[1] - height / 2), max(6.0, rows - 6 - height))
            box = _Rectangle(left, top, left + width, top + height)
            cost = _distance(tip, box) + _covered(total, box)
            if line is not None:
                start, end, side = line
                middle = np.array([left + width / 2, top + height / 2])
                dx, dy = end - start
                offset = (dx * (middle[1] - start[1]) - dy * (middle[0] - start[0])) / max(1.0, hypot(dx, dy))
                cost += 0.25 * max(0.0, -offset * side) + (150 if offset * side <= 0 else 0)
            if cost < least:
                best, least = box, cost
        if least <= reach:
            break
    first, last = (round(best.left - 5), round(best.top - 5)), (round(best.right + 5), round(best.bottom + 5))
    cv2.rectangle(taken, first, last, 20.0, -1)
    return best


def _distance(point: _Point, box: _Rectangle) -> float:
    nearest = np.clip(point, [box.left, box.top], [box.right, box.bottom])
    return float(np.hypot(*(nearest - point)))


def _covered(total: NDArray[np.float64], box: _Rectangle) -> float:
    """The cost of the marks that a box would cover, as px of distance that are worth avoiding it."""
    rows, columns = total.shape[0] - 1, total.shape[1] - 1
    left, right = (min(columns, max(0, round(x))) for x in (box.left, box.right))
    top, bottom = (min(rows, max(0, round(y))) for y in (box.top, box.bottom))
    weight = total[bottom, right] - total[top, right] - total[bottom, left] + total[top, left]
    return float(weight) / 25


def _draw_name(
    canvas: Image,
    taken: NDArray[np.float32],
    name: str,
    start: _Point,
    end: _Point,
    colour: Colour,
    scale: float,
) -> None:
    """The line's name on a tag of its colour at its start, from where right and left are defined."""
    size = round(22 * scale)
    name = _short(name, size, 650, 360 * scale)
    width = _text_size(name, size, 650)[0] + 22 * scale
    height = 34 * scale
    box = _place(
        taken, start + (start - end) / max(1.0, float(np.hypot(*(end - start)))) * 8, width, height, None
    )
    _rounded(
        canvas, _Rectangle(box.left - 2, box.top - 2, box.right + 2, box.bottom + 2), _INK, 0.9, 9 * scale
    )
    _rounded(canvas, box, colour, 1.0, 7 * scale)
    _text(canvas, name, box.left + 11 * scale, box.top + 25 * scale, size, 650, _INK)


def _strip(width: int, details: str) -> Image:
    strip = np.full((46, width, 3), _INK, np.uint8)
    size = 19
    while size > 11 and _text_size(details, size, 420)[0] > width - 32:
        size -= 1
    _text(strip, _short(details, size, 420, width - 32), 16, 30, size, 420, _MUTED)
    return strip


def _duration(duration_s: float) -> str:
    """Such as `1 h 15 min`, `2 min 5 s` or `3.2 s`."""
    if duration_s < 60:
        return f"{duration_s:.1f} s"
    minutes, seconds = divmod(round(duration_s), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s"
