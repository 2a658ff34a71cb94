"""The time slice of a line: its changes, tick by tick, in a few flat tones.

Invariant: motion only, in cells so coarse and tones so few that an object is a streak and nobody can be recognised. A
tone depends on no frame farther away than CELL_MS + REACH_MS. No pixel leaves.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import groupby, pairwise
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from passerby.domain.geometry import Line
from passerby.video.decode.source import FrameReader, Recording
from passerby.video.motion import background_subtraction
from passerby.video.motion.background_subtraction import SmallPicture, shrink

TICK_MS = 80
MOST_CELLS = 32
"""Most cells along a line, however long it is."""
CELL_MS = 20_000
"""One background of the line serves all ticks of a cell of this length."""
REACH_MS = 20_000
"""How far before and after its cell the samples of a background are taken."""
SAMPLE_MS = 500
BAND_PX = 1.0
"""Half the width of the band around the line, in pixels of the picture made small."""
_CELL_PX = 4.0
_LEAST_CELLS = 6
_SWAY_PX = 0.5
_AROUND = (16, 12)
_STRONG = 2.5
"""How many times its limit a change exceeds to be strong."""
_HELD_TICKS = 13
"""A picture stands until the next one comes, but at most for this long: about a second."""
_SWAY_TICKS = 16
"""A streak of one cell that lasts for as long is an edge that sways."""
_LEAST_STREAK = (2, 2, 8)
_LEAST_FAINT = (2, 3, 12)
"""Least cells, ticks and area of a strong and of a faint streak."""


class Tone(IntEnum):
    """The tone of a cell in a tick; `UNSEEN` where the recording has no picture."""

    STILL = 0
    FAINT = 1
    DARKER = 2
    LIGHTER = 3
    UNSEEN = 4


@dataclass(frozen=True, slots=True, eq=False)
class TimeSlice:
    """`tones` (cells, ticks) uint8, a `Tone` each. The cells run from the line's start to its end, the ticks of TICK_MS
    from `start_ms` (Unix ms UTC)."""

    line: str
    start_ms: int
    tones: NDArray[np.uint8]


class Streak(NamedTuple):
    """A patch of motion: its time (Unix ms UTC), and its place on the line, from `first` to `last`, 0..1."""

    start_ms: int
    end_ms: int
    first: float
    last: float


class _Column(NamedTuple):
    """One tick. `yuv` (cells, steps, points, 3) uint8 of the line: steps along it, points across it. `around`
    (12, 16, 3) uint8 of the whole picture."""

    tick: int
    yuv: NDArray[np.uint8]
    around: NDArray[np.uint8]


def cut(recording: Recording, lines: Sequence[Line], start_ms: int) -> tuple[TimeSlice, ...]:
    """A slice for each line of a recording whose first frame is at `start_ms` (Unix ms UTC). Raises SourceError."""
    last_tick = None
    placed: list[NDArray[np.intp]] | None = None
    columns: list[list[_Column]] = [[] for _ in lines]
    done: list[list[tuple[int, NDArray[np.uint8]]]] = [[] for _ in lines]
    for frame in FrameReader(recording, start_ms):
        tick = (frame.time_ms - start_ms) // TICK_MS
        if tick == last_tick:
            continue
        last_tick = tick
        small = shrink(frame)
        if placed is None:
            placed = [_places(line, small) for line in lines]
        around = np.asarray(cv2.resize(small.yuv, _AROUND, interpolation=cv2.INTER_AREA), np.uint8)
        for places, waiting, toned in zip(placed, columns, done, strict=True):
            waiting.append(_Column(tick, small.yuv.reshape(-1, 3)[places], around))
            if (tick - waiting[0].tick) * TICK_MS >= 2 * (CELL_MS + 2 * REACH_MS):
                _settle(waiting, toned, last=False)
    for waiting, toned in zip(columns, done, strict=True):
        _settle(waiting, toned, last=True)
    return tuple(
        TimeSlice(line.name, start_ms, _joined(toned)) for line, toned in zip(lines, done, strict=True)
    )


def streaks(time_slice: TimeSlice) -> list[Streak]:
    """The patches of motion on the line, in order of time.

    Strong motion separates objects that cross close together. Faint motion is a patch where it touches no strong
    motion.
    """
    strong = np.isin(time_slice.tones, (Tone.DARKER, Tone.LIGHTER)).astype(np.uint8)
    strong = np.asarray(cv2.morphologyEx(strong, cv2.MORPH_CLOSE, np.ones((3, 5), np.uint8)), np.uint8)
    moved = np.isin(time_slice.tones, (Tone.FAINT, Tone.DARKER, Tone.LIGHTER)).astype(np.uint8)
    _, patches = cv2.connectedComponents(moved, connectivity=8)
    faint = moved * ~np.isin(patches, np.unique(patches[strong > 0]))
    found = [
        *_patches(time_slice, strong, _LEAST_STREAK, 0.0),
        *_patches(time_slice, faint, _LEAST_FAINT, 0.5),
    ]
    return sorted(found)


def _patches(
    time_slice: TimeSlice, mask: NDArray[np.uint8], least: tuple[int, int, int], least_fill: float
) -> Iterator[Streak]:
    """Connected patches of a (cells, ticks) mask with at least so many cells, ticks and area."""
    cells = mask.shape[0]
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    for left, top, width, height, area in stats[1:].tolist():
        if height < least[0] or width < least[1] or area < max(least[2], least_fill * height * width):
            continue
        start_ms = time_slice.start_ms + left * TICK_MS
        yield Streak(start_ms, start_ms + width * TICK_MS, top / cells, (top + height) / cells)


def _places(line: Line, small: SmallPicture) -> NDArray[np.intp]:
    """(cells, steps, points) flat indices of the pixels: steps along the line, points across it."""
    height, width = small.yuv.shape[:2]
    start = np.array(line.start) * [width, height]
    along = np.array(line.end) * [width, height] - start
    length = float(np.hypot(*along))
    across = np.array([-along[1], along[0]]) / length
    cells = int(min(MOST_CELLS, max(_LEAST_CELLS, length // _CELL_PX)))
    steps = max(2, round(length / cells))
    shares = (np.arange(cells * steps) + 0.5) / (cells * steps)
    offsets = np.arange(-BAND_PX, BAND_PX + 0.5)
    points = start + shares[:, None, None] * along + offsets[None, :, None] * across
    x = np.clip(points[..., 0].astype(np.intp), 0, width - 1)
    y = np.clip(points[..., 1].astype(np.intp), 0, height - 1)
    return np.asarray(y * width + x, np.intp).reshape(cells, steps, len(offsets))


def _settle(waiting: list[_Column], toned: list[tuple[int, NDArray[np.uint8]]], *, last: bool) -> None:
    """Move the tones of those columns whose background is complete from `waiting` to `toned`; drop the columns that no
    later background needs."""
    cell_ticks, reach = CELL_MS // TICK_MS, REACH_MS // TICK_MS
    newest = waiting[-1].tick if waiting else 0
    first = toned[-1][0] + 1 if toned else 0
    for cell, group in groupby([c for c in waiting if c.tick >= first], lambda c: c.tick // cell_ticks):
        start, end = cell * cell_ticks - reach, (cell + 1) * cell_ticks + reach
        if not last and newest < end:
            break
        still = _still([c for c in waiting if start <= c.tick < end])
        toned.extend((column.tick, _tones(column, still)) for column in group)
    if toned:
        oldest = (toned[-1][0] + 1) // cell_ticks * cell_ticks - reach
        waiting[:] = [column for column in waiting if column.tick >= oldest]


class _Still(NamedTuple):
    """The background of the line and of the whole picture; `limit`: the most by which a step without motion differs."""

    line: NDArray[np.float32]
    around: NDArray[np.float32]
    limit: NDArray[np.float32]


def _still(columns: list[_Column]) -> _Still:
    every = SAMPLE_MS // TICK_MS
    sampled = [next(group) for _, group in groupby(columns, lambda c: c.tick // every)]
    points = np.stack([column.yuv for column in sampled]).astype(np.float32)
    line = points.mean(axis=3)
    around = np.stack([column.around for column in sampled]).astype(np.float32)
    median = np.median(line, axis=0)
    # 1.4826 times the median absolute deviation is the standard deviation of normal noise.
    noise = np.median(np.abs(line - median), axis=0) * 1.4826
    along = np.abs(np.gradient(median.reshape(-1, 3), axis=0)).reshape(median.shape)
    across = np.abs(np.gradient(np.median(points, axis=0), axis=2)).max(axis=2)
    slope = np.maximum(along, across)
    # A mast that sways moves every edge: such a change is not motion.
    return _Still(
        median,
        np.median(around, axis=0),
        np.maximum(background_subtraction.PARAMS.least, 4 * noise) + _SWAY_PX * slope,
    )


def _tones(column: _Column, still: _Still) -> NDArray[np.uint8]:
    """(cells,) uint8, a `Tone` each: that of the step that changed most."""
    # A cloud, or the camera's gain, changes the whole picture: a change of half of it is not motion.
    shift = np.median(column.around - still.around, axis=(0, 1))
    difference = column.yuv.mean(axis=2) - still.line - shift
    size = np.abs(difference)
    size[..., 1:] *= 2
    ratio = (size / still.limit).max(axis=2)
    most = ratio.argmax(axis=1)[:, None]
    brighter = np.take_along_axis(difference[..., 0], most, axis=1)[:, 0] > 0
    strongest = np.take_along_axis(ratio, most, axis=1)[:, 0]
    tones = np.where(brighter, Tone.LIGHTER, Tone.DARKER).astype(np.uint8)
    tones[strongest < _STRONG] = Tone.FAINT
    tones[strongest < 1] = Tone.STILL
    return tones


def _joined(toned: Iterable[tuple[int, NDArray[np.uint8]]]) -> NDArray[np.uint8]:
    """(cells, ticks), with each column repeated until the next one."""
    columns = list(toned)
    if not columns:
        return np.empty((1, 0), np.uint8)
    tones = np.full((len(columns[0][1]), columns[-1][0] + 1), Tone.UNSEEN, np.uint8)
    for (tick, column), until in zip(columns, _untils(columns), strict=True):
        tones[:, tick:until] = column[:, None]
    tones[_edges(tones)] = Tone.STILL
    return tones


def _edges(tones: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """(cells, ticks) bool: motion that is one cell wide and lasts for seconds, so an edge that sways and no object."""
    edges = np.zeros(tones.shape, np.bool_)
    for kinds in ((Tone.FAINT, Tone.DARKER, Tone.LIGHTER), (Tone.DARKER, Tone.LIGHTER)):
        moved = np.isin(tones, kinds).astype(np.uint8)
        thick = cv2.morphologyEx(moved, cv2.MORPH_OPEN, np.ones((2, 1), np.uint8))
        thin = moved & (1 - thick)
        edges |= cv2.morphologyEx(thin, cv2.MORPH_OPEN, np.ones((1, _SWAY_TICKS), np.uint8)) > 0
    return edges


def _untils(columns: Sequence[tuple[int, NDArray[np.uint8]]]) -> Iterator[int]:
    for (tick, _), (following, _) in pairwise(columns):
        yield min(following, tick + _HELD_TICKS)
    yield columns[-1][0] + 1
