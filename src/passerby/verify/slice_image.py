"""Time slices as PNG: rows for the page, and a picture of all rows with the counted crossings.

Invariant: it draws tones and crossings only; no outline of a body is finer than a cell of the slice.
"""

import io
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from passerby.counting.counts import Counts, Crossing
from passerby.domain.geometry import DIRECTIONS, Direction
from passerby.evaluation.review import row_length_ms
from passerby.video.scene.time_slice import TICK_MS, TimeSlice, Tone

Colour = tuple[int, int, int]

TONES: Mapping[Tone, Colour] = {
    Tone.STILL: (27, 31, 36),
    Tone.FAINT: (62, 71, 83),
    Tone.DARKER: (112, 128, 146),
    Tone.LIGHTER: (178, 190, 202),
    Tone.UNSEEN: (70, 44, 52),
}
LABELS: Mapping[str, tuple[str, Colour]] = {
    "person": ("P", (255, 209, 64)),
    "bicycle": ("B", (96, 220, 130)),
    "motorcycle": ("M", (190, 150, 255)),
    "car": ("C", (90, 180, 255)),
    "bus": ("U", (255, 140, 100)),
    "truck": ("T", (255, 160, 208)),
    "vehicle": ("V", (110, 232, 232)),
    "unknown": ("?", (214, 214, 214)),
}
"""A letter and a colour for each label; the style sheet of the page has the same colours."""

_WIDTH, _LEFT, _RIGHT = 1600, 92, 12
_LANE, _STRIP, _GAP = 20, 58, 6
_HEAD = 72
_PAPER: Colour = (250, 250, 248)
_INK: Colour = (28, 30, 34)
_MUTED: Colour = (110, 114, 120)
_GRID: Colour = (72, 80, 90)


def row_count(time_slice: TimeSlice, row_ms: int) -> int:
    return max(1, -(-int(time_slice.tones.shape[1]) * TICK_MS // row_ms))


def row_png(time_slice: TimeSlice, row: int, row_ms: int) -> bytes:
    """A row of a slice as a PNG, with a pixel for each cell and tick."""
    return _png(_painted(_row(time_slice, row, row_ms)))


def picture(counts: Counts, slices: Sequence[TimeSlice]) -> bytes:
    """All rows of all slices as a PNG; every counted crossing is marked with its time, direction and class."""
    duration_ms = round(counts.duration_s * 1000)
    row_ms = row_length_ms(duration_ms)
    rows = max(1, -(-duration_ms // row_ms))
    block = _LANE + _STRIP + _GAP
    canvas = Image.new("RGB", (_WIDTH, sum(_HEAD + rows * block for _ in slices) + _GAP), _PAPER)
    draw = ImageDraw.Draw(canvas)
    top = 0
    for time_slice in slices:
        crossings = [crossing for crossing in counts.crossings if crossing.line == time_slice.line]
        _head(draw, top, counts, time_slice, crossings, row_ms)
        top += _HEAD
        for row in range(rows):
            _draw_row(canvas, draw, top, counts, time_slice, crossings, row, row_ms)
            top += block
    return _png(canvas)


def _head(
    draw: ImageDraw.ImageDraw,
    top: int,
    counts: Counts,
    time_slice: TimeSlice,
    crossings: Sequence[Crossing],
    row_ms: int,
) -> None:
    title = f"{time_slice.line}: {len(crossings)} counted"
    draw.text((_LEFT, top + 8), title, _INK, _font(20))
    start = "" if counts.start is None else f"   from {counts.start_text}"
    details = (
        f"{counts.video}{start}   {counts.detector}   {row_ms // 1000} s per row   the line starts at the top"
    )
    draw.text((_LEFT, top + 36), details, _MUTED, _font(13))
    x = float(_WIDTH - _RIGHT)
    for direction in DIRECTIONS:
        text = direction.replace("_", " ")
        x -= draw.textlength(text, _font(14)) + 6
        draw.text((x, top + 12), text, _INK, _font(14))
        x -= 12
        draw.polygon(_arrow(x, top + 20, direction), _INK)
        x -= 18
    present = [name for name in LABELS if any(crossing.label.text == name for crossing in crossings)]
    for name in reversed(present):
        letter, colour = LABELS[name]
        x -= draw.textlength(name, _font(14)) + 6
        draw.text((x, top + 12), name, _INK, _font(14))
        x -= 18
        draw.rounded_rectangle((x, top + 12, x + 15, top + 28), 3, colour)
        draw.text((x + 7.5, top + 20), letter, _INK, _font(12), anchor="mm")
        x -= 14


def _draw_row(
    canvas: Image.Image,
    draw: ImageDraw.ImageDraw,
    top: int,
    counts: Counts,
    time_slice: TimeSlice,
    crossings: Sequence[Crossing],
    row: int,
    row_ms: int,
) -> None:
    start_ms = time_slice.start_ms + row * row_ms
    scale = (_WIDTH - _LEFT - _RIGHT) / row_ms
    time = counts.time_of(start_ms - time_slice.start_ms).strftime("%H:%M:%S")
    draw.text((_LEFT - 10, top + _LANE + 14), time, _INK, _font(15), anchor="rm")
    offset = f"+{row * row_ms // 60_000}:{row * row_ms // 1000 % 60:02}"
    draw.text((_LEFT - 10, top + _LANE + 36), offset, _MUTED, _font(12), anchor="rm")
    tones = _row(time_slice, row, row_ms)
    strip = top + _LANE
    if tones.shape[1]:
        size = max(1, round(tones.shape[1] * TICK_MS * scale)), _STRIP
        canvas.paste(_painted(tones).resize(size, Image.Resampling.NEAREST), (_LEFT, strip))
    for tenth in range(1, 10):
        tick_x = _LEFT + round(tenth * row_ms / 10 * scale)
        if tenth * row_ms < 10 * tones.shape[1] * TICK_MS:
            draw.line((tick_x, strip, tick_x, strip + _STRIP - 1), _GRID)
        if row == 0:
            draw.text((tick_x, top - 2), f"{tenth * row_ms // 10_000} s", _MUTED, _font(11), anchor="ms")
    taken = float("-inf")
    for crossing in crossings:
        at_ms = crossing.time_ms - start_ms
        if 0 <= at_ms < row_ms:
            x = _LEFT + at_ms * scale
            # Letters that would overlap are moved aside; a line connects each with its place.
            taken = max(x, taken + 25)
            _mark(draw, x, min(taken, _WIDTH - 14.0), top, crossing)


def _mark(draw: ImageDraw.ImageDraw, x: float, letter_x: float, top: int, crossing: Crossing) -> None:
    letter, colour = LABELS[crossing.label.text]
    y = top + _LANE + min(1.0, max(0.0, crossing.along)) * (_STRIP - 1)
    draw.line((letter_x, top + _LANE - 2, x, y), colour, 1)
    draw.ellipse((x - 5, y - 5, x + 5, y + 5), None, _INK, 1)
    draw.ellipse((x - 4, y - 4, x + 4, y + 4), None, colour, 2)
    right = crossing.direction == "to_right"
    box_x = letter_x - 5 if right else letter_x + 5
    draw.rounded_rectangle((box_x - 7, top + 2, box_x + 7, top + _LANE - 2), 3, colour)
    draw.text((box_x, top + _LANE / 2), letter, _INK, _font(12), anchor="mm")
    draw.polygon(_arrow(letter_x + (8 if right else -8), top + _LANE / 2, crossing.direction), _INK)


def _arrow(x: float, y: float, direction: Direction) -> list[tuple[float, float]]:
    way = 5 if direction == "to_right" else -5
    return [(x - way, y - 5), (x + way, y), (x - way, y + 5)]


def _row(time_slice: TimeSlice, row: int, row_ms: int) -> NDArray[np.uint8]:
    ticks = row_ms // TICK_MS
    return time_slice.tones[:, row * ticks : (row + 1) * ticks]


def _painted(tones: NDArray[np.uint8]) -> Image.Image:
    height, width = tones.shape
    image = Image.frombytes("P", (width, height), tones.tobytes()) if width else Image.new("P", (1, height))
    image.putpalette([value for tone in Tone for value in TONES[tone]])
    return image


def _png(image: Image.Image) -> bytes:
    content = io.BytesIO()
    image.save(content, "PNG", optimize=True)
    return content.getvalue()


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
