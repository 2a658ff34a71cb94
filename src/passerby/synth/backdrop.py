"""The empty street as the camera sees it: ground, road marks and house fronts, drawn once.

Invariant: nothing here moves, and nothing here depends on who is on the street.
"""

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

_PIXELS_PER_M = 32.0
_WALL_M = 10.5
_OVERSAMPLE = 2

_ASPHALT: Colour = (92, 92, 90)
_CYCLE: Colour = (78, 82, 118)
_SLABS: Colour = (146, 150, 152)
_KERB: Colour = (172, 174, 174)
_GRASS: Colour = (58, 96, 74)
_PAINT: Colour = (214, 216, 216)
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
    """(height, width, 3) uint8 BGR of the street with nobody on it; read-only."""
    camera = view(width, height, scale)
    dice = np.random.default_rng([seed, 51])
    result = np.empty((height, width, 3), np.uint8)
    left, right = camera.reach_m(FRONTS_M + 4)
    span = (max(left - 4, -400.0), min(right + 4, 400.0))
    near = max(_nearest_m(camera) - 1, -300.0)
    per_m = min(_PIXELS_PER_M * max(width / 1280 * min(scale, 2.0), 0.15), 32_000 / (span[1] - span[0]))
    ground = _ground(dice, span, near, per_m)
    wall = _wall(dice, span, per_m)
    band = 120
    for top in range(0, height, band):
        bottom = min(height, top + band)
        result[top:bottom] = _band(camera, top, bottom, ground, wall, span[0], near, per_m)
    result.setflags(write=False)
    return result


def _nearest_m(camera: View) -> float:
    """The y where the bottom edge of the picture meets the ground."""
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
    """Rows of the picture: every pixel's ray is followed to the ground, a front, a roof or the sky."""
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
    # Beyond the roofs: haze that pales upwards.
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
    """Smooth noise of unit spread whose blotches are about `cell` texture pixels wide."""
    small = dice.standard_normal((max(2, int(rows / cell) + 2), max(2, int(columns / cell) + 2))).astype(
        np.float32
    )
    return np.asarray(cv2.resize(small, (columns, rows), interpolation=cv2.INTER_CUBIC), np.float32)


def _ground(dice: np.random.Generator, span: tuple[float, float], near: float, per_m: float) -> Texture:
    """The ground from above; row 0 is at `near`, column 0 at `span[0]`."""
    rows, columns = int((FRONTS_M + 1 - near) * per_m) + 1, int((span[1] - span[0]) * per_m) + 1
    rough = (
        3.2 * _grain(dice, rows, columns, 1.3)
        + 2.6 * _grain(dice, rows, columns, 0.5 * per_m)
        + 3.0 * _grain(dice, rows, columns, 3.5 * per_m)
    )
    image = np.empty((rows, columns, 3), np.float32)
    image[:] = _SLABS

    def across(y_m: float) -> int:
        return int(np.clip(round((y_m - near) * per_m), 0, rows))

    def along(x_m: float) -> int:
        return int(np.clip(round((x_m - span[0]) * per_m), 0, columns))

    def fill(
        y1: float, y2: float, colour: Colour, x1: float = span[0], x2: float = span[1], share: float = 1
    ) -> None:
        part = image[across(y1) : max(across(y2), across(y1) + 1), along(x1) : max(along(x2), along(x1) + 1)]
        part += (np.array(colour, np.float32) - part) * share

    fill(VERGE.near_m, VERGE.far_m, _GRASS)
    grass = image[across(VERGE.near_m) : across(VERGE.far_m)]
    grass += (
        9 * _grain(dice, grass.shape[0], columns, 2.0) + 6 * _grain(dice, grass.shape[0], columns, 12.0)
    )[..., None]
    fill(near, NEAR_PAVEMENT.near_m - 0.3, (118, 124, 128))
    # Slabs: joints, and each slab a little lighter or darker than its neighbours.
    for first, last in ((near, VERGE.near_m), (FAR_PAVEMENT.near_m, FRONTS_M)):
        step = 0.6 if first > 0 else 0.75
        top, bottom = across(first), across(last)
        lines = int((last - first) / step) + 1
        tones = dice.normal(0, 3.5, (lines + 1, int((span[1] - span[0]) / step) + 2)).astype(np.float32)
        y_index = ((np.arange(top, bottom) - top) / (step * per_m)).astype(int)
        x_index = (np.arange(columns) / (step * per_m)).astype(int)
        image[top:bottom] += tones[np.clip(y_index, 0, lines)][:, np.clip(x_index, 0, tones.shape[1] - 1)][
            ..., None
        ]
        for line in range(lines + 1):
            fill(first + line * step, first + line * step + 0.02, (104, 106, 108), share=0.6)
        for line in range(int((span[1] - span[0]) / step) + 1):
            x = span[0] + line * step
            fill(first, last, (104, 106, 108), x, x + 0.02, share=0.6)
    fill(NEAR_CYCLE_LANE.near_m, FAR_PAVEMENT.near_m, _ASPHALT)
    fill(NEAR_CYCLE_LANE.near_m, NEAR_CYCLE_LANE.far_m, _CYCLE)
    fill(FAR_CYCLE_LANE.near_m, FAR_CYCLE_LANE.far_m, _CYCLE)
    fill(PARKING.near_m, PARKING.far_m, (106, 106, 108))
    # Wheel tracks are darker, mends in the asphalt darker still.
    for lane in (NEAR_ROAD, FAR_ROAD):
        for side in (-0.8, 0.8):
            fill(lane.middle_m + side - 0.28, lane.middle_m + side + 0.28, (78, 78, 77), share=0.45)
    for _ in range(int((span[1] - span[0]) / 5)):
        x, y = float(dice.uniform(*span)), float(dice.uniform(NEAR_ROAD.near_m + 0.2, FAR_ROAD.far_m - 1.6))
        fill(
            y,
            y + float(dice.uniform(0.5, 1.4)),
            (70, 70, 70),
            x,
            x + float(dice.uniform(0.8, 3.5)),
            share=0.45,
        )
    for _ in range(int((span[1] - span[0]) / 9)):
        centre = (
            along(float(dice.uniform(*span))),
            across(float(dice.uniform(NEAR_ROAD.near_m, FAR_ROAD.far_m))),
        )
        cv2.circle(image, centre, max(1, int(0.33 * per_m)), (62, 62, 62), -1, cv2.LINE_AA)
        cv2.circle(image, centre, max(1, int(0.33 * per_m)), (105, 105, 105), 1, cv2.LINE_AA)
    for y in (NEAR_CYCLE_LANE.near_m, FAR_PAVEMENT.near_m):
        fill(y - 0.16, y + 0.02, _KERB)
        fill(y + 0.02, y + 0.28, (80, 80, 80), share=0.7)
    fill(NEAR_PAVEMENT.far_m, NEAR_PAVEMENT.far_m + 0.12, _KERB)
    # Marks.
    for y in (NEAR_ROAD.near_m, FAR_ROAD.far_m):
        fill(y - 0.06, y + 0.07, _PAINT, share=0.85)
    middle = NEAR_ROAD.far_m
    for dash in np.arange(np.floor(span[0] / 6) * 6, span[1], 6.0):
        fill(middle - 0.06, middle + 0.07, _PAINT, float(dash), float(dash) + 3.0, share=0.85)
    for bay in np.arange(np.floor(span[0] / 5.6) * 5.6, span[1], 5.6):
        fill(PARKING.near_m, PARKING.far_m - 0.3, _PAINT, float(bay), float(bay) + 0.1, share=0.7)
    fill(PARKING.near_m - 0.05, PARKING.near_m + 0.05, _PAINT, share=0.7)
    for stripe in np.arange(NEAR_CYCLE_LANE.near_m + 0.2, PARKING.near_m, 1.0):
        fill(float(stripe), float(stripe) + 0.5, _PAINT, *ZEBRA_M, share=0.9)
    fill(VERGE.near_m, VERGE.far_m, _SLABS, ZEBRA_M[0] - 0.5, ZEBRA_M[1] + 0.5)
    fill(PARKING.near_m, PARKING.far_m, _SLABS, ZEBRA_M[0] - 0.5, ZEBRA_M[1] + 0.5)
    return np.asarray(image + rough[..., None], np.float32)


def _wall(dice: np.random.Generator, span: tuple[float, float], per_m: float) -> Texture:
    """The house fronts seen straight on; the bottom row is the ground, the topmost 3 m are roofs."""
    rows, columns = int((_WALL_M + 3) * per_m) + 2, int((span[1] - span[0]) * per_m) + 1
    image = np.empty((rows, columns, 3), np.float32)

    def fill(x1: float, x2: float, z1: float, z2: float, colour: Colour) -> None:
        left, right = (int(np.clip(round((x - span[0]) * per_m), 0, columns)) for x in (x1, x2))
        top, bottom = (int(np.clip(round((_WALL_M + 3 - z) * per_m), 0, rows)) for z in (z2, z1))
        image[top : max(bottom, top + 1), left : max(right, left + 1)] = colour

    def shade(colour: Colour, share: float) -> Colour:
        return (colour[0] * share, colour[1] * share, colour[2] * share)

    x, last = span[0], -1
    while x < span[1]:
        width = float(dice.uniform(7, 12))
        choice = int(dice.integers(len(_FRONTS) - 1))
        last = choice if choice < last or last < 0 else choice + 1
        colour = _FRONTS[last]
        fill(x, x + width, -1, _WALL_M, colour)
        fill(x, x + width, _WALL_M, _WALL_M + 3, (86, 84, 96))
        fill(x, x + width, _WALL_M - 0.35, _WALL_M, shade(colour, 1.15))
        fill(x, x + width, 0, 0.5, shade(colour, 0.6))
        fill(x, x + width, 3.3, 3.55, shade(colour, 1.12))
        fill(x, x + 0.1, 0, _WALL_M, shade(colour, 0.7))
        bays = int(width // 2.1)
        step = width / bays
        shop = bool(dice.random() < 0.5)
        for bay in range(bays):
            middle = x + (bay + 0.5) * step
            if shop:
                fill(middle - step * 0.44, middle + step * 0.44, 0.45, 2.75, (60, 56, 50))
                fill(middle - step * 0.4, middle + step * 0.4, 0.55, 2.65, (92, 88, 80))
            elif bay == bays // 2:
                fill(middle - 0.6, middle + 0.6, 0, 2.6, shade(colour, 1.15))
                fill(middle - 0.48, middle + 0.48, 0, 2.45, (58, 62, 72))
            else:
                _window(fill, middle, 1.0, shade(colour, 1.15))
            for storey in range(2):
                _window(fill, middle, 4.3 + 3.1 * storey, shade(colour, 1.15))
        if shop:
            sign: Colour = ((70, 60, 120), (120, 80, 50), (60, 90, 60))[int(dice.integers(3))]
            fill(x + 0.4, x + width - 0.4, 2.8, 3.25, sign)
        x += width
    grain = 3.0 * _grain(dice, rows, columns, 1.5) + 4.0 * _grain(dice, rows, columns, 2.0 * per_m)
    return np.asarray(image * 0.92 + grain[..., None], np.float32)


def _window(fill: object, middle: float, sill: float, frame: Colour) -> None:
    assert callable(fill)
    fill(middle - 0.62, middle + 0.62, sill - 0.12, sill + 1.72, frame)
    fill(middle - 0.5, middle + 0.5, sill, sill + 1.6, (78, 72, 64))
    fill(middle - 0.5, middle + 0.5, sill + 0.8, sill + 1.6, (104, 98, 90))
    fill(middle - 0.03, middle + 0.03, sill, sill + 1.6, frame)
