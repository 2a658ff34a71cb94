"""The empty street in the camera's view: ground, road markings and house fronts, drawn once.

Invariant: nothing here moves or depends on the traffic.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from passerby.synth.street import (
    FAR_CYCLE_LANE,
    FAR_PAVEMENT,
    FAR_ROAD,
    FRONTS_M,
    NEAR_CYCLE_LANE,
    NEAR_PAVEMENT,
    NEAR_ROAD,
    PARKING,
    VERGE,
    ZEBRA_M,
    Array,
    View,
    view,
)

Image = NDArray[np.uint8]
Texture = NDArray[np.float32]
Colour = tuple[float, float, float]
FillWall = Callable[[float, float, float, float, Colour], None]
"""Paints a rectangle of a wall: x from, x to, height from, height to (in metres), and its colour."""

_PIXELS_PER_M = 32.0
_WALL_M = 10.5
_OVERSAMPLE = 2

_ASPHALT: Colour = (92, 92, 90)
_CYCLE: Colour = (78, 82, 118)
_SLABS: Colour = (146, 150, 152)
_KERB: Colour = (172, 174, 174)
_GRASS: Colour = (58, 96, 74)
_PAINT: Colour = (214, 216, 216)
_JOINT: Colour = (104, 106, 108)
_FRONTS: tuple[Colour, ...] = (
    (92, 108, 150),
    (150, 178, 196),
    (120, 140, 158),
    (178, 188, 190),
    (84, 98, 128),
    (140, 160, 150),
)


@lru_cache(maxsize=4)
def backdrop(seed: int, width: int, height: int, scale: float) -> Image:
    """(height, width, 3) uint8 BGR of the empty street; the array is read-only."""
    camera = view(width, height, scale)
    dice = np.random.default_rng([seed, 51])
    result = np.empty((height, width, 3), np.uint8)
    left, right = camera.reach_m(FRONTS_M + 4)
    span = (max(left - 4, -400.0), min(right + 4, 400.0))
    near = max(_nearest_m(camera) - 1, -300.0)
    per_m = min(_PIXELS_PER_M * max(width / 1280 * min(scale, 2.0), 0.15), 32_000 / (span[1] - span[0]))
    ground = _ground(dice, _Area(span, near, per_m))
    wall = _wall(dice, span, per_m)
    band = 120
    for top in range(0, height, band):
        bottom = min(height, top + band)
        result[top:bottom] = _band(camera, top, bottom, ground, wall, span[0], near, per_m)
    result.setflags(write=False)
    return result


def _nearest_m(camera: View) -> float:
    """The y in metres where the bottom edge of the picture meets the ground."""
    down = (camera.height - camera.centre[1]) / camera.focal_px
    ray = camera.axes[2] + down * camera.axes[1]
    return float(camera.position[1] - camera.position[2] / ray[2] * ray[1]) - 8.0


def _band(
    camera: View,
    top: int,
    bottom: int,
    ground: Texture,
    wall: Texture,
    left_m: float,
    near_m: float,
    per_m: float,
) -> Image:
    """Rows `top` to `bottom` of the picture: the ray of each pixel ends on the ground, a front, a roof or the sky."""
    over = _OVERSAMPLE
    columns = (np.arange(camera.width * over, dtype=np.float64) + 0.5) / over
    rows = top + (np.arange((bottom - top) * over, dtype=np.float64) + 0.5) / over
    right = ((columns - camera.centre[0]) / camera.focal_px)[None, :]
    down = ((rows - camera.centre[1]) / camera.focal_px)[:, None]
    dx, dy, dz = (camera.axes[0, k] * right + camera.axes[1, k] * down + camera.axes[2, k] for k in range(3))
    x0, y0, z0 = (float(value) for value in camera.position)
    with np.errstate(divide="ignore"):
        reach = np.where(dz < -1e-6, -z0 / dz, np.inf)
    on_ground = reach * dy + y0 <= FRONTS_M
    reach = np.where(on_ground, reach, (FRONTS_M - y0) / np.maximum(dy, 1e-3))
    x = (x0 + reach * dx - left_m) * per_m
    z = z0 + reach * dz
    from_ground = _sample(ground, x, (reach * dy + y0 - near_m) * per_m)
    from_wall = _sample(wall, x, (_WALL_M + 3.0 - z) * per_m)
    # Above the roofs is haze, which gets paler upwards.
    height = np.clip((z - _WALL_M) / 25.0, 0, 1)[..., None]
    sky = np.array((178, 170, 160)) * (1 - height) + np.array((228, 214, 200)) * height
    seen = np.where(
        on_ground[..., None], from_ground, np.where((z < _WALL_M + 3.0)[..., None], from_wall, sky)
    )
    small = cv2.resize(seen.astype(np.float32), (camera.width, bottom - top), interpolation=cv2.INTER_AREA)
    return np.asarray(np.clip(np.rint(small), 0, 255), np.uint8)


def _sample(texture: Texture, x: Array, y: Array) -> Texture:
    return np.asarray(
        cv2.remap(
            texture,
            np.clip(x, -10, 40_000).astype(np.float32),
            np.clip(y, -10, 40_000).astype(np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REFLECT_101,
        ),
        np.float32,
    )


def _grain(dice: np.random.Generator, rows: int, columns: int, cell: float) -> Texture:
    """(rows, columns) smooth noise of unit standard deviation, with blotches about `cell` texture pixels wide."""
    small = dice.standard_normal((max(2, int(rows / cell) + 2), max(2, int(columns / cell) + 2))).astype(
        np.float32
    )
    return np.asarray(cv2.resize(small, (columns, rows), interpolation=cv2.INTER_CUBIC), np.float32)


@dataclass(frozen=True, slots=True)
class _Area:
    """The ground of a texture: x over `span` and y from `near` to the fronts, in metres; `per_m` is pixels a metre."""

    span: tuple[float, float]
    near: float
    per_m: float

    @property
    def rows(self) -> int:
        return int((FRONTS_M + 1 - self.near) * self.per_m) + 1

    @property
    def columns(self) -> int:
        return int((self.span[1] - self.span[0]) * self.per_m) + 1

    def row(self, y_m: float) -> int:
        return int(np.clip(round((y_m - self.near) * self.per_m), 0, self.rows))

    def column(self, x_m: float) -> int:
        return int(np.clip(round((x_m - self.span[0]) * self.per_m), 0, self.columns))


class _Canvas:
    """The texture of the ground seen from above, painted in metres."""

    def __init__(self, area: _Area) -> None:
        self.area = area
        self.image = np.empty((area.rows, area.columns, 3), np.float32)
        self.image[:] = _SLABS

    def fill(
        self,
        ys: tuple[float, float],
        colour: Colour,
        xs: tuple[float, float] | None = None,
        *,
        share: float = 1,
    ) -> None:
        """Mix `colour` into a rectangle by `share`, 0..1; `xs` is the whole length of the street by default."""
        row, column = self.area.row, self.area.column
        x1, x2 = self.area.span if xs is None else xs
        top, left = row(ys[0]), column(x1)
        part = self.image[top : max(row(ys[1]), top + 1), left : max(column(x2), left + 1)]
        part += (np.array(colour, np.float32) - part) * share


def _ground(dice: np.random.Generator, area: _Area) -> Texture:
    """The ground from above: row 0 is at `area.near`, column 0 at `area.span[0]`.

    The order of these calls fixes the order of random numbers, and so the picture of each seed.
    """
    rows, columns, per_m = area.rows, area.columns, area.per_m
    rough = (
        3.2 * _grain(dice, rows, columns, 1.3)
        + 2.6 * _grain(dice, rows, columns, 0.5 * per_m)
        + 3.0 * _grain(dice, rows, columns, 3.5 * per_m)
    )
    canvas = _Canvas(area)
    _paint_verge(canvas, dice)
    canvas.fill((area.near, NEAR_PAVEMENT.near_m - 0.3), (118, 124, 128))
    for first, last in ((area.near, VERGE.near_m), (FAR_PAVEMENT.near_m, FRONTS_M)):
        _paint_slabs(canvas, dice, first, last)
    _paint_asphalt(canvas)
    _paint_wear(canvas, dice)
    _paint_kerbs(canvas)
    _paint_markings(canvas)
    return np.asarray(canvas.image + rough[..., None], np.float32)


def _paint_verge(canvas: _Canvas, dice: np.random.Generator) -> None:
    area = canvas.area
    canvas.fill((VERGE.near_m, VERGE.far_m), _GRASS)
    grass = canvas.image[area.row(VERGE.near_m) : area.row(VERGE.far_m)]
    rows, columns = grass.shape[0], area.columns
    grass += (9 * _grain(dice, rows, columns, 2.0) + 6 * _grain(dice, rows, columns, 12.0))[..., None]


def _paint_slabs(canvas: _Canvas, dice: np.random.Generator, first: float, last: float) -> None:
    """Slabs of slightly different tones, and the joints between them."""
    span, per_m = canvas.area.span, canvas.area.per_m
    step = 0.6 if first > 0 else 0.75
    top, bottom = canvas.area.row(first), canvas.area.row(last)
    lines = int((last - first) / step) + 1
    tones = dice.normal(0, 3.5, (lines + 1, int((span[1] - span[0]) / step) + 2)).astype(np.float32)
    y_index = ((np.arange(top, bottom) - top) / (step * per_m)).astype(int)
    x_index = (np.arange(canvas.area.columns) / (step * per_m)).astype(int)
    tones_by_row = tones[np.clip(y_index, 0, lines)]
    canvas.image[top:bottom] += tones_by_row[:, np.clip(x_index, 0, tones.shape[1] - 1)][..., None]
    for line in range(lines + 1):
        canvas.fill((first + line * step, first + line * step + 0.02), _JOINT, share=0.6)
    for line in range(int((span[1] - span[0]) / step) + 1):
        x = span[0] + line * step
        canvas.fill((first, last), _JOINT, (x, x + 0.02), share=0.6)


def _paint_asphalt(canvas: _Canvas) -> None:
    canvas.fill((NEAR_CYCLE_LANE.near_m, FAR_PAVEMENT.near_m), _ASPHALT)
    canvas.fill((NEAR_CYCLE_LANE.near_m, NEAR_CYCLE_LANE.far_m), _CYCLE)
    canvas.fill((FAR_CYCLE_LANE.near_m, FAR_CYCLE_LANE.far_m), _CYCLE)
    canvas.fill((PARKING.near_m, PARKING.far_m), (106, 106, 108))


def _paint_wear(canvas: _Canvas, dice: np.random.Generator) -> None:
    """Wheel tracks, darker patches of repaired asphalt, and manhole covers."""
    span, per_m = canvas.area.span, canvas.area.per_m
    for lane in (NEAR_ROAD, FAR_ROAD):
        for side in (-0.8, 0.8):
            track = lane.middle_m + side
            canvas.fill((track - 0.28, track + 0.28), (78, 78, 77), share=0.45)
    for _ in range(int((span[1] - span[0]) / 5)):
        x, y = float(dice.uniform(*span)), float(dice.uniform(NEAR_ROAD.near_m + 0.2, FAR_ROAD.far_m - 1.6))
        ys, xs = (y, y + float(dice.uniform(0.5, 1.4))), (x, x + float(dice.uniform(0.8, 3.5)))
        canvas.fill(ys, (70, 70, 70), xs, share=0.45)
    for _ in range(int((span[1] - span[0]) / 9)):
        x, y = float(dice.uniform(*span)), float(dice.uniform(NEAR_ROAD.near_m, FAR_ROAD.far_m))
        centre, radius = (canvas.area.column(x), canvas.area.row(y)), max(1, int(0.33 * per_m))
        cv2.circle(canvas.image, centre, radius, (62, 62, 62), -1, cv2.LINE_AA)
        cv2.circle(canvas.image, centre, radius, (105, 105, 105), 1, cv2.LINE_AA)


def _paint_kerbs(canvas: _Canvas) -> None:
    for y in (NEAR_CYCLE_LANE.near_m, FAR_PAVEMENT.near_m):
        canvas.fill((y - 0.16, y + 0.02), _KERB)
        canvas.fill((y + 0.02, y + 0.28), (80, 80, 80), share=0.7)
    canvas.fill((NEAR_PAVEMENT.far_m, NEAR_PAVEMENT.far_m + 0.12), _KERB)


def _paint_markings(canvas: _Canvas) -> None:
    """Edge lines, the dashed middle line, parking bays, the zebra crossing and the paths to it."""
    span = canvas.area.span
    for y in (NEAR_ROAD.near_m, FAR_ROAD.far_m):
        canvas.fill((y - 0.06, y + 0.07), _PAINT, share=0.85)
    middle = NEAR_ROAD.far_m
    for dash in np.arange(np.floor(span[0] / 6) * 6, span[1], 6.0):
        canvas.fill((middle - 0.06, middle + 0.07), _PAINT, (float(dash), float(dash) + 3.0), share=0.85)
    for bay in np.arange(np.floor(span[0] / 5.6) * 5.6, span[1], 5.6):
        ys = (PARKING.near_m, PARKING.far_m - 0.3)
        canvas.fill(ys, _PAINT, (float(bay), float(bay) + 0.1), share=0.7)
    canvas.fill((PARKING.near_m - 0.05, PARKING.near_m + 0.05), _PAINT, share=0.7)
    for stripe in np.arange(NEAR_CYCLE_LANE.near_m + 0.2, PARKING.near_m, 1.0):
        canvas.fill((float(stripe), float(stripe) + 0.5), _PAINT, ZEBRA_M, share=0.9)
    path = (ZEBRA_M[0] - 0.5, ZEBRA_M[1] + 0.5)
    canvas.fill((VERGE.near_m, VERGE.far_m), _SLABS, path)
    canvas.fill((PARKING.near_m, PARKING.far_m), _SLABS, path)


def _wall(dice: np.random.Generator, span: tuple[float, float], per_m: float) -> Texture:
    """The house fronts seen straight on: the bottom row is the ground, the top 3 m are roofs."""
    rows, columns = int((_WALL_M + 3) * per_m) + 2, int((span[1] - span[0]) * per_m) + 1
    image = np.empty((rows, columns, 3), np.float32)

    def fill(x1: float, x2: float, z1: float, z2: float, colour: Colour) -> None:
        """Paint a rectangle of the wall, in metres."""
        left, right = (int(np.clip(round((x - span[0]) * per_m), 0, columns)) for x in (x1, x2))
        top, bottom = (int(np.clip(round((_WALL_M + 3 - z) * per_m), 0, rows)) for z in (z2, z1))
        image[top : max(bottom, top + 1), left : max(right, left + 1)] = colour

    x, last = span[0], -1
    while x < span[1]:
        width = float(dice.uniform(7, 12))
        choice = int(dice.integers(len(_FRONTS) - 1))
        last = choice if choice < last or last < 0 else choice + 1
        _paint_house(fill, dice, x, width, _FRONTS[last])
        x += width
    grain = 3.0 * _grain(dice, rows, columns, 1.5) + 4.0 * _grain(dice, rows, columns, 2.0 * per_m)
    return np.asarray(image * 0.92 + grain[..., None], np.float32)


def _paint_house(fill: FillWall, dice: np.random.Generator, x: float, width: float, colour: Colour) -> None:
    """One house from `x` to `x + width`, with a shop or a door on its ground floor and two floors above."""
    light = _shade(colour, 1.15)
    fill(x, x + width, -1, _WALL_M, colour)
    fill(x, x + width, _WALL_M, _WALL_M + 3, (86, 84, 96))
    fill(x, x + width, _WALL_M - 0.35, _WALL_M, light)
    fill(x, x + width, 0, 0.5, _shade(colour, 0.6))
    fill(x, x + width, 3.3, 3.55, _shade(colour, 1.12))
    fill(x, x + 0.1, 0, _WALL_M, _shade(colour, 0.7))
    bays = int(width // 2.1)
    step = width / bays
    shop = bool(dice.random() < 0.5)
    for bay in range(bays):
        middle = x + (bay + 0.5) * step
        if shop:
            fill(middle - step * 0.44, middle + step * 0.44, 0.45, 2.75, (60, 56, 50))
            fill(middle - step * 0.4, middle + step * 0.4, 0.55, 2.65, (92, 88, 80))
        elif bay == bays // 2:
            fill(middle - 0.6, middle + 0.6, 0, 2.6, light)
            fill(middle - 0.48, middle + 0.48, 0, 2.45, (58, 62, 72))
        else:
            _paint_window(fill, middle, 1.0, light)
        for storey in range(2):
            _paint_window(fill, middle, 4.3 + 3.1 * storey, light)
    if shop:
        sign: Colour = ((70, 60, 120), (120, 80, 50), (60, 90, 60))[int(dice.integers(3))]
        fill(x + 0.4, x + width - 0.4, 2.8, 3.25, sign)


def _paint_window(fill: FillWall, middle: float, sill: float, frame: Colour) -> None:
    fill(middle - 0.62, middle + 0.62, sill - 0.12, sill + 1.72, frame)
    fill(middle - 0.5, middle + 0.5, sill, sill + 1.6, (78, 72, 64))
    fill(middle - 0.5, middle + 0.5, sill + 0.8, sill + 1.6, (104, 98, 90))
    fill(middle - 0.03, middle + 0.03, sill, sill + 1.6, frame)


def _shade(colour: Colour, share: float) -> Colour:
    return (colour[0] * share, colour[1] * share, colour[2] * share)
