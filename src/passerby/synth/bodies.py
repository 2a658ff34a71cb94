"""The shapes of people, bicycles and vehicles: solids in metres with colours, in the order of painting.

Invariant: geometry and colour only; nothing here depends on the camera, the time of day or how polygons are filled.

A body stands at the origin and faces +u; +v is its left, +w is up. Colours are BGR, 0..255.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import cos, pi, sin, sqrt, tau

import numpy as np

from passerby.synth.street import Array, Kind

Colour = tuple[float, float, float]
Point = tuple[float, float, float]

_SKINS: tuple[Colour, ...] = (
    (150, 175, 215),
    (120, 150, 200),
    (85, 115, 165),
    (60, 80, 115),
    (140, 170, 225),
)
_HAIRS: tuple[Colour, ...] = ((25, 28, 32), (35, 50, 75), (60, 90, 120), (90, 130, 160), (140, 145, 150))
_TOPS: tuple[Colour, ...] = (
    (45, 40, 38),
    (120, 60, 35),
    (40, 40, 150),
    (190, 190, 195),
    (90, 95, 100),
    (60, 100, 60),
    (150, 120, 60),
    (50, 120, 180),
    (100, 60, 110),
    (225, 225, 225),
    (70, 55, 40),
    (40, 150, 200),
)
_TROUSERS: tuple[Colour, ...] = (
    (90, 55, 40),
    (35, 33, 32),
    (70, 75, 80),
    (110, 80, 60),
    (90, 120, 140),
    (55, 50, 60),
)
_SHOES: tuple[Colour, ...] = ((30, 30, 32), (60, 70, 90), (200, 200, 205))
_PAINTS: tuple[Colour, ...] = (
    (235, 235, 235),
    (170, 172, 174),
    (105, 105, 107),
    (40, 40, 42),
    (130, 70, 30),
    (45, 40, 165),
    (70, 90, 50),
    (120, 150, 165),
    (190, 160, 110),
)
_LIVERIES: tuple[Colour, ...] = ((60, 60, 190), (190, 200, 205), (60, 170, 215), (140, 110, 40))
_BOXES: tuple[Colour, ...] = ((225, 225, 225), (180, 140, 60), (60, 60, 160), (100, 150, 60), (200, 205, 190))
_GLASS: Colour = (62, 52, 44)
_TYRE: Colour = (32, 31, 30)
_RUBBER: Colour = (45, 44, 43)
_RIM: Colour = (165, 166, 168)
_WHITE: Colour = (255, 255, 255)


@dataclass(frozen=True, slots=True)
class Blob:
    """The convex hull of balls: `balls` (k, 4) are centre and radius in metres. Painted from far to near."""

    balls: tuple[tuple[float, float, float, float], ...]
    colour: Colour


@dataclass(frozen=True, slots=True, eq=False)
class Solid:
    """A body of flat faces; those that face the camera are painted in order.

    `points` (n, 3) in metres. `faces` (m) are groups of slices of `points`, a slice for each contour; a second contour
    is a hole (even-odd rule). `normals`, `middles` and `colours` (m, 3) have a row per face. A face that is `two_sided`
    (m,) shows both sides.
    """

    points: Array
    faces: tuple[tuple[slice, ...], ...]
    normals: Array
    middles: Array
    colours: Array
    two_sided: Array


@dataclass(frozen=True, slots=True)
class _Face:
    contours: tuple[tuple[Point, ...], ...]
    colour: Colour
    outward: Point
    two_sided: bool = False


def _solid(faces: Iterable[_Face]) -> Solid:
    points: list[Point] = []
    groups, normals, middles, colours, sides = [], [], [], [], []
    for face in faces:
        slices = []
        for contour in face.contours:
            slices.append(slice(len(points), len(points) + len(contour)))
            points += contour
        groups.append(tuple(slices))
        corners = np.array(face.contours[0])
        # Newell's normal, turned to the outward side.
        following = np.roll(corners, -1, axis=0)
        normal = np.cross(corners, following).sum(axis=0)
        normal = normal / max(float(np.linalg.norm(normal)), 1e-9)
        normals.append(normal if normal @ np.array(face.outward) >= 0 else -normal)
        middles.append(corners.mean(axis=0))
        colours.append(face.colour)
        sides.append(face.two_sided)
    return Solid(
        np.array(points, float),
        tuple(groups),
        np.array(normals),
        np.array(middles),
        np.array(colours, float),
        np.array(sides, bool),
    )


def _quad(corners: Sequence[Point], colour: Colour, outward: Point) -> _Face:
    return _Face((tuple(corners),), colour, outward)


def _disc(
    u: float, v: float, w: float, radius: float, colour: Colour, side: float, hole: float = 0.0
) -> _Face:
    """A disc or ring in the plane v = const that faces `side`."""
    turns = [tau * k / 20 for k in range(20)]
    rings = [tuple((u + r * cos(a), v, w + r * sin(a)) for a in turns) for r in (radius, hole) if r > 0]
    return _Face(tuple(rings), colour, (0.0, side, 0.0))


def _wheel(u: float, half_width: float, radius: float) -> list[_Face]:
    faces = []
    for side in (1.0, -1.0):
        v = side * half_width
        faces += [
            _disc(u, v * 1.002, radius, radius * 1.16, (22, 22, 22), side),
            _disc(u, v * 1.01, radius, radius, _TYRE, side),
            _disc(u, v * 1.015, radius, radius * 0.66, _RIM, side),
            _disc(u, v * 1.018, radius, radius * 0.48, (95, 96, 98), side),
            _disc(u, v * 1.02, radius, radius * 0.2, _RIM, side),
        ]
    return faces


def _box(
    u: tuple[float, float],
    v: tuple[float, float],
    w: tuple[float, float],
    colour: Colour,
    top: Colour | None = None,
) -> list[_Face]:
    (u1, u2), (v1, v2), (w1, w2) = u, v, w
    return [
        _quad([(u1, v1, w1), (u1, v2, w1), (u1, v2, w2), (u1, v1, w2)], colour, (-1, 0, 0)),
        _quad([(u2, v1, w1), (u2, v2, w1), (u2, v2, w2), (u2, v1, w2)], colour, (1, 0, 0)),
        _quad([(u1, v1, w1), (u2, v1, w1), (u2, v1, w2), (u1, v1, w2)], colour, (0, -1, 0)),
        _quad([(u1, v2, w1), (u2, v2, w1), (u2, v2, w2), (u1, v2, w2)], colour, (0, 1, 0)),
        _quad([(u1, v1, w2), (u2, v1, w2), (u2, v2, w2), (u1, v2, w2)], top or colour, (0, 0, 1)),
    ]


def _panel(u: tuple[float, float], v: float, w: tuple[float, float], colour: Colour) -> list[_Face]:
    """The same rectangle on both flanks, just outside `v`."""
    return [
        _quad(
            [(u[0], s * v, w[0]), (u[1], s * v, w[0]), (u[1], s * v, w[1]), (u[0], s * v, w[1])],
            colour,
            (0.0, s, 0.0),
        )
        for s in (1.0, -1.0)
    ]


def _end_panel(u: float, v: tuple[float, float], w: tuple[float, float], colour: Colour) -> _Face:
    """A rectangle on the front (`u` > 0) or the back of a body."""
    return _quad(
        [(u, v[0], w[0]), (u, v[1], w[0]), (u, v[1], w[1]), (u, v[0], w[1])],
        colour,
        (1.0 if u > 0 else -1.0, 0, 0),
    )


def _mix(colour: Colour, other: Colour, share: float) -> Colour:
    return (
        colour[0] + (other[0] - colour[0]) * share,
        colour[1] + (other[1] - colour[1]) * share,
        colour[2] + (other[2] - colour[2]) * share,
    )


@lru_cache(maxsize=1024)
def vehicle(kind: Kind, appearance: int, size: float) -> Solid:
    """A car, lorry or bus; the seed `appearance` picks its paint and, for a car, its shape."""
    dice = np.random.default_rng([appearance, 7])
    if kind is Kind.LORRY:
        return _scaled(_lorry(dice), size)
    if kind is Kind.BUS:
        return _scaled(_bus(dice), size)
    return _scaled(_car(dice), size)


def _scaled(faces: list[_Face], size: float) -> Solid:
    solid = _solid(faces)
    return Solid(
        solid.points * size, solid.faces, solid.normals, solid.middles * size, solid.colours, solid.two_sided
    )


_CAR_PROFILE = (
    (-2.1, 0.22),
    (-2.18, 0.36),
    (-2.2, 0.6),
    (-2.16, 0.82),
    (-2.08, 0.99),
    (-1.0, 0.98),
    (0.2, 0.95),
    (1.05, 0.92),
    (1.45, 0.87),
    (1.78, 0.8),
    (2.02, 0.7),
    (2.15, 0.56),
    (2.2, 0.4),
    (2.12, 0.22),
)
"""A car's flank below its windows, (u, w) from the rear sill over the bonnet to the front sill."""
_CAR_HALF_M = (0.78, 0.82, 0.84, 0.84, 0.84, 0.89, 0.9, 0.88, 0.86, 0.83, 0.78, 0.74, 0.74, 0.74)
"""Half its width at each of those points."""
_ROOF_HATCH = (
    (-2.06, 0.97),
    (-1.72, 1.36),
    (-1.4, 1.44),
    (-0.7, 1.47),
    (-0.05, 1.44),
    (0.24, 1.36),
    (1.12, 0.9),
)
_ROOF_SALOON = (
    (-1.78, 0.97),
    (-1.12, 1.34),
    (-0.86, 1.42),
    (-0.5, 1.45),
    (0.0, 1.43),
    (0.26, 1.36),
    (1.12, 0.9),
)


def _car_half_m(w: float) -> float:
    """Half the cabin's width at a height: it leans inwards."""
    return 0.84 - (w - 0.95) * 0.42


def _car(dice: np.random.Generator) -> list[_Face]:
    paint = _PAINTS[int(dice.integers(len(_PAINTS)))]
    roof = _ROOF_HATCH if dice.random() < 0.6 else _ROOF_SALOON
    return [
        *_car_body(paint),
        *_car_lights(),
        *_car_doors(paint),
        *_car_cabin(paint, roof),
        *_car_mirrors(paint),
    ]


_CAR_MAX_HALF_M = 0.9


def _dark(paint: Colour) -> Colour:
    return _mix(paint, (20, 20, 20), 0.6)


def _car_body(paint: Colour) -> list[_Face]:
    """The hull below the windows, and its two flanks."""
    faces: list[_Face] = []
    hull = list(zip(_CAR_PROFILE, _CAR_HALF_M, strict=True))
    for ((ua, wa), ia), ((ub, wb), ib) in pairwise(hull):
        corners = [(ua, -ia, wa), (ub, -ib, wb), (ub, ib, wb), (ua, ia, wa)]
        faces.append(_quad(corners, paint, (wa - wb, 0.0, ub - ua)))
    for side in (1.0, -1.0):
        flank = [(u, side * i, w) for (u, w), i in hull]
        faces.append(_quad(flank, paint, (0, side, 0)))
        # A real flank curves: it is lighter at the shoulder and darker at the sill.
        shoulder = [(-2.1, 0.7), (-2.06, 0.98), (1.1, 0.92), (1.75, 0.78), (1.9, 0.64)]
        corners = [(u, side * (_CAR_MAX_HALF_M + 0.002), w) for u, w in shoulder]
        faces.append(_quad(corners, _mix(paint, _WHITE, 0.12), (0, side, 0)))
        sill = [(-2.12, 0.22), (-2.17, 0.34), (2.16, 0.34), (2.12, 0.22)]
        corners = [(u, side * (_CAR_MAX_HALF_M + 0.003), w) for u, w in sill]
        faces.append(_quad(corners, _dark(paint), (0, side, 0)))
    return faces


def _car_lights() -> list[_Face]:
    """Grille, bumpers, blank number plates, headlights and rear lights."""
    faces = [
        _end_panel(2.2, (-0.46, 0.46), (0.34, 0.5), (34, 34, 34)),
        _end_panel(2.17, (-0.3, 0.3), (0.56, 0.63), (40, 40, 40)),
        _end_panel(2.215, (-0.25, 0.25), (0.4, 0.5), (225, 230, 230)),
        _end_panel(-2.215, (-0.25, 0.25), (0.62, 0.73), (225, 230, 230)),
        _end_panel(-2.2, (-0.72, 0.72), (0.24, 0.38), (45, 45, 45)),
    ]
    for side in (1.0, -1.0):
        front = [
            (2.14, side * 0.42, 0.56),
            (2.13, side * 0.74, 0.56),
            (1.95, side * 0.78, 0.72),
            (2.03, side * 0.44, 0.69),
        ]
        faces.append(_quad(front, (245, 245, 240), (1, 0, 0.5)))
        rear = [
            (-2.21, side * 0.5, 0.68),
            (-2.2, side * 0.83, 0.68),
            (-2.14, side * 0.83, 0.88),
            (-2.17, side * 0.5, 0.88),
        ]
        faces.append(_quad(rear, (40, 35, 190), (-1, 0, 0)))
        wrap = [(-2.18, 0.7), (-1.92, 0.74), (-1.92, 0.86), (-2.13, 0.88)]
        corners = [(u, side * (_CAR_MAX_HALF_M + 0.005), w) for u, w in wrap]
        faces.append(_quad(corners, (40, 35, 190), (0, side, 0)))
    return faces


def _car_doors(paint: Colour) -> list[_Face]:
    """The wheels, and the gaps and handles of the doors."""
    half = _CAR_MAX_HALF_M
    faces: list[_Face] = []
    for u in (-1.3, 1.36):
        faces += _wheel(u, half, 0.32)
    for u in (-0.9, 0.05, 0.98):
        faces += _panel((u - 0.008, u + 0.008), half + 0.006, (0.36, 0.92), _mix(paint, (20, 20, 20), 0.45))
    for u in (-0.78, 0.18):
        faces += _panel((u, u + 0.14), half + 0.008, (0.8, 0.83), _dark(paint))
    return faces


def _car_cabin(paint: Colour, roof: Sequence[tuple[float, float]]) -> list[_Face]:
    """The cabin under the profile `roof` (u, w): the sides and their windows, the roof, windscreen and rear window."""
    faces: list[_Face] = []
    for side in (1.0, -1.0):
        faces.append(_quad([(u, side * _car_half_m(w), w) for u, w in roof], paint, (0, side, 0.4)))
        top = [(u, w) for u, w in roof if w > 1.3]
        panes = (
            [(roof[0][0] + 0.24, 1.0), (top[0][0] + 0.14, 1.33), (-0.45, 1.39), (-0.45, 1.0)],
            [(-0.37, 1.0), (-0.37, 1.39), (top[-1][0] - 0.1, 1.33), (0.86, 1.0)],
        )
        for pane in panes:
            corners = [(u, side * (_car_half_m(w) + 0.01), w) for u, w in pane]
            faces.append(_quad(corners, _GLASS, (0, side, 0.4)))
            # The upper part of the glass reflects the sky.
            upper = [_between(pane[0], pane[1], 0.55), pane[1], pane[2], _between(pane[3], pane[2], 0.8)]
            corners = [(u, side * (_car_half_m(w) + 0.012), w) for u, w in upper]
            faces.append(_quad(corners, _mix(_GLASS, (200, 185, 170), 0.18), (0, side, 0.4)))
    for (ua, wa), (ub, wb) in pairwise(roof):
        ia, ib = _car_half_m(wa), _car_half_m(wb)
        corners = [(ua, -ia, wa), (ub, -ib, wb), (ub, ib, wb), (ua, ia, wa)]
        outward = (wa - wb, 0.0, ub - ua)
        faces.append(_quad(corners, paint, outward))
        if abs(wa - wb) > 0.3:
            forward = 0.01 if wb < wa else -0.01
            glass = _mix(_GLASS, (200, 185, 170), 0.3)
            faces.append(_quad(_inset(corners, 0.09, (forward, 0, 0.01)), glass, outward))
    return faces


def _car_mirrors(paint: Colour) -> list[_Face]:
    faces: list[_Face] = []
    for side in (1.0, -1.0):
        v = side * (_CAR_MAX_HALF_M + 0.08)
        faces += _box((0.72, 0.84), (v - 0.08, v + 0.08), (0.93, 1.06), _dark(paint))
    return faces


def _between(a: tuple[float, float], b: tuple[float, float], share: float) -> tuple[float, float]:
    return (a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share)


def _inset(corners: Sequence[Point], share: float, shift: Point) -> list[Point]:
    middle = tuple(sum(corner[k] for corner in corners) / len(corners) for k in range(3))
    return [
        (
            c[0] + (middle[0] - c[0]) * share + shift[0],
            c[1] + (middle[1] - c[1]) * share + shift[1],
            c[2] + (middle[2] - c[2]) * share + shift[2],
        )
        for c in corners
    ]


def _lorry(dice: np.random.Generator) -> list[_Face]:
    paint = _PAINTS[int(dice.integers(len(_PAINTS)))]
    load = _BOXES[int(dice.integers(len(_BOXES)))]
    chassis: Colour = (48, 47, 46)
    faces = _box((-4.05, 4.0), (-1.0, 1.0), (0.45, 0.95), chassis)
    for u in (-2.6, 2.9):
        faces += _wheel(u, 1.16, 0.5)
    faces += _panel((-1.6, 1.4), 1.08, (0.45, 0.85), (85, 85, 86))
    body = _box((-4.1, 1.9), (-1.225, 1.225), (0.98, 3.5), load)
    body += _panel((-4.05, 1.85), 1.23, (0.98, 1.1), _mix(load, (30, 30, 30), 0.5))
    body += _panel((-4.05, 1.85), 1.23, (3.38, 3.5), _mix(load, (30, 30, 30), 0.35))
    sign = _PAINTS[int(dice.integers(len(_PAINTS)))]
    body += _panel((-2.9, 0.7), 1.235, (1.9, 2.6), _mix(load, sign, 0.8))
    body.append(_end_panel(-4.11, (-0.03, 0.03), (1.0, 3.45), (60, 60, 60)))
    for v in (-0.95, 0.95):
        body.append(_end_panel(-4.12, (v - 0.14, v + 0.14), (0.75, 0.92), (40, 35, 190)))
    return [*faces, *body, *_lorry_cab(paint)]


def _lorry_cab(paint: Colour) -> list[_Face]:
    cab: list[_Face] = []
    profile = [(2.1, 0.4), (2.1, 2.65), (3.75, 2.7), (4.02, 1.75), (4.1, 0.4)]
    half = 1.15
    for a, b in pairwise(profile):
        outward = (-(b[1] - a[1]), 0.0, b[0] - a[0])
        cab.append(
            _quad(
                [(a[0], -half, a[1]), (b[0], -half, b[1]), (b[0], half, b[1]), (a[0], half, a[1])],
                paint,
                outward,
            )
        )
    for side in (1.0, -1.0):
        cab.append(_quad([(u, side * half, w) for u, w in profile], paint, (0, side, 0)))
        cab.append(
            _quad(
                [
                    (u, side * (half + 0.005), w)
                    for u, w in ((2.9, 1.65), (3.88, 1.65), (3.68, 2.4), (2.9, 2.4))
                ],
                _GLASS,
                (0, side, 0),
            )
        )
        cab.append(_disc(2.95, side * (half + 0.006), 0.5, 0.62, (25, 25, 25), side))
        cab.append(_disc(2.95, side * (half + 0.012), 0.5, 0.5, _TYRE, side))
        cab.append(_disc(2.95, side * (half + 0.014), 0.5, 0.29, _RIM, side))
        v = side * (half + 0.16)
        cab += _box((3.8, 3.92), (v - 0.09, v + 0.09), (1.75, 2.3), (40, 40, 40))
    glass = [(4.03, -1.05, 1.72), (4.03, 1.05, 1.72), (3.79, 1.05, 2.58), (3.79, -1.05, 2.58)]
    cab.append(_quad(glass, _mix(_GLASS, (190, 175, 160), 0.2), (1, 0, 0.3)))
    cab.append(_end_panel(4.12, (-0.8, 0.8), (0.95, 1.35), (45, 45, 46)))
    cab.append(_end_panel(4.13, (-1.1, 1.1), (0.4, 0.62), (60, 60, 60)))
    for v in (-0.88, 0.88):
        cab.append(_end_panel(4.14, (v - 0.16, v + 0.16), (0.66, 0.84), (250, 250, 245)))
    return cab


def _bus(dice: np.random.Generator) -> list[_Face]:
    paint = _LIVERIES[int(dice.integers(len(_LIVERIES)))]
    half = 1.25
    dark = _mix(paint, (25, 25, 25), 0.6)
    faces = _box((-6.0, 6.0), (-half, half), (0.3, 3.05), paint, _mix(paint, (235, 235, 235), 0.6))
    faces += _panel((-6.0, 6.0), half + 0.004, (0.3, 0.55), dark)
    faces += _panel((-5.9, 5.9), half + 0.004, (1.3, 2.6), (40, 36, 32))
    for step in range(8):
        u = -5.75 + step * 1.45
        faces += _panel(
            (u, u + 1.33), half + 0.008, (1.36, 2.52), _mix(_GLASS, (170, 150, 130), 0.12 + 0.1 * (step % 3))
        )
    # Doors are on the right, at the kerb.
    for u in (3.9, -0.6):
        for edge in (0.0, 0.62):
            pane = (u + edge, u + edge + 0.57)
            faces.append(
                _quad(
                    [
                        (pane[0], -half - 0.012, 0.45),
                        (pane[1], -half - 0.012, 0.45),
                        (pane[1], -half - 0.012, 2.5),
                        (pane[0], -half - 0.012, 2.5),
                    ],
                    (70, 60, 52),
                    (0, -1, 0),
                )
            )
    for u in (-3.2, 3.1):
        faces += _wheel(u, half, 0.48)
    faces.append(_end_panel(6.01, (-1.15, 1.15), (1.2, 2.6), _mix(_GLASS, (190, 175, 160), 0.2)))
    faces.append(_end_panel(6.015, (-0.9, 0.9), (2.66, 2.95), (25, 25, 25)))
    faces.append(_end_panel(6.02, (-0.7, 0.5), (2.72, 2.9), (60, 190, 240)))
    faces.append(_end_panel(6.015, (-0.02, 0.02), (1.2, 2.6), (40, 40, 40)))
    faces.append(_end_panel(6.01, (-1.2, 1.2), (0.3, 0.55), dark))
    for v in (-0.95, 0.95):
        faces.append(_end_panel(6.02, (v - 0.17, v + 0.17), (0.66, 0.86), (250, 250, 245)))
        faces.append(_end_panel(-6.02, (v - 0.12, v + 0.12), (0.8, 1.3), (40, 35, 190)))
    faces.append(_end_panel(-6.01, (-0.95, 0.95), (1.6, 2.5), _GLASS))
    for side in (1.0, -1.0):
        v = side * (half + 0.2)
        faces += _box((5.95, 6.1), (v - 0.1, v + 0.1), (1.9, 2.4), (40, 40, 40))
    return faces


@dataclass(frozen=True, slots=True)
class _Clothes:
    skin: Colour
    hair: Colour
    top: Colour
    trousers: Colour
    shoes: Colour
    long_coat: bool
    bag: bool
    long_hair: bool
    bag_colour: Colour


@lru_cache(maxsize=4096)
def _clothes(appearance: int) -> _Clothes:
    dice = np.random.default_rng([appearance, 3])

    def pick(colours: Sequence[Colour]) -> Colour:
        colour = colours[int(dice.integers(len(colours)))]
        light = float(dice.uniform(0.85, 1.15))
        return (min(255.0, colour[0] * light), min(255.0, colour[1] * light), min(255.0, colour[2] * light))

    return _Clothes(
        pick(_SKINS),
        pick(_HAIRS),
        pick(_TOPS),
        pick(_TROUSERS),
        pick(_SHOES),
        bool(dice.random() < 0.2),
        bool(dice.random() < 0.35),
        bool(dice.random() < 0.4),
        pick(_TOPS),
    )


def _ball(at: Point, radius: float) -> tuple[float, float, float, float]:
    return (*at, radius)


def _limb(joints: Sequence[Point], radii: Sequence[float], colour: Colour) -> list[Blob]:
    return [
        Blob((_ball(a, ra), _ball(b, rb)), colour)
        for (a, ra), (b, rb) in zip(
            zip(joints, radii, strict=True), zip(joints[1:], radii[1:], strict=True), strict=False
        )
    ]


def person(appearance: int, height_m: float, walked_m: float, vigour: float) -> list[Blob]:
    """A pedestrian after `walked_m`; `vigour` 0 stands still, 1 walks. The blobs are not sorted by depth."""
    wears = _clothes(appearance)
    s = height_m / 1.75
    phase = tau * (walked_m / (1.42 * s) + (appearance % 97) / 97)
    legs = [_leg(phase + (0.0 if side > 0 else pi), vigour, side, s) for side in (1, -1)]
    lift = -min(leg[2][2] for leg in legs) + 0.05 * s
    hip_z = lift
    result: list[Blob] = []
    for hip, knee, ankle, toe in legs:
        joints = [_up(hip, lift), _up(knee, lift), _up(ankle, lift)]
        result += _limb(joints, (0.088 * s, 0.066 * s, 0.047 * s), wears.trousers)
        shoe = (_ball(_up(ankle, lift), 0.05 * s), _ball(_up(toe, lift), 0.038 * s))
        result.append(Blob(shoe, wears.shoes))
    shoulder_z, lean = hip_z + 0.5 * s, 0.03 * s
    twist = 0.05 * s * vigour * sin(phase)
    hem = -0.28 * s if wears.long_coat else -0.04 * s
    trunk = (
        _ball((lean + twist, 0.155 * s, shoulder_z), 0.075 * s),
        _ball((lean - twist, -0.155 * s, shoulder_z), 0.075 * s),
        _ball((0.0, 0.11 * s, hip_z + hem), (0.12 if wears.long_coat else 0.09) * s),
        _ball((0.0, -0.11 * s, hip_z + hem), (0.12 if wears.long_coat else 0.09) * s),
        _ball((lean + 0.03 * s, 0.0, hip_z + 0.32 * s), 0.12 * s),
    )
    result.append(Blob(trunk, wears.top))
    for side in (1, -1):
        swing = -0.5 * vigour * sin(phase + (0.0 if side > 0 else pi))
        shoulder = (lean + twist * side, 0.2 * s * side, shoulder_z + 0.01 * s)
        result += _arm(shoulder, swing, vigour, side, s, wears)
    if wears.bag:
        bag = (
            _ball((-0.17 * s, 0.09 * s, shoulder_z - 0.05 * s), 0.08 * s),
            _ball((-0.17 * s, -0.09 * s, shoulder_z - 0.05 * s), 0.08 * s),
            _ball((-0.17 * s, 0.0, hip_z + 0.12 * s), 0.12 * s),
        )
        result.append(Blob(bag, wears.bag_colour))
    result += _head((lean, 0.0, shoulder_z), s, wears.skin, wears.hair, wears.long_hair)
    return result


def _arm(shoulder: Point, swing: float, vigour: float, side: int, s: float, wears: _Clothes) -> list[Blob]:
    """An arm of a pedestrian that is `swing` radians forward, and its hand."""
    elbow = (
        shoulder[0] + 0.28 * s * sin(swing),
        shoulder[1] + 0.035 * s * side,
        shoulder[2] - 0.28 * s * cos(swing),
    )
    bend = swing + 0.25 + 0.25 * vigour
    hand = (elbow[0] + 0.25 * s * sin(bend), elbow[1], elbow[2] - 0.25 * s * cos(bend))
    radii = (0.062 * s, 0.05 * s, 0.04 * s)
    arm = _limb([shoulder, elbow, hand], radii, _mix(wears.top, (0, 0, 0), 0.12))
    return [*arm, Blob((_ball(hand, 0.045 * s),), wears.skin)]


def _head(neck: Point, s: float, skin: Colour, hair: Colour, long_hair: bool) -> list[Blob]:
    u, v, w = neck
    face = (u + 0.045 * s, v, w + 0.235 * s)
    result = [
        Blob(
            (_ball((u, v, w + 0.03 * s), 0.055 * s), _ball((u + 0.01 * s, v, w + 0.16 * s), 0.055 * s)), skin
        ),
        Blob((_ball(face, 0.088 * s), _ball((face[0] - 0.01 * s, v, face[2] - 0.06 * s), 0.065 * s)), skin),
    ]
    crown = [
        _ball((u - 0.012 * s, v, w + 0.285 * s), 0.1 * s),
        _ball((u - 0.035 * s, v, w + 0.24 * s), 0.092 * s),
    ]
    if long_hair:
        crown.append(_ball((u - 0.07 * s, v, w + 0.08 * s), 0.075 * s))
    result.append(Blob(tuple(crown), hair))
    return result


def _up(point: Point, lift: float) -> Point:
    return (point[0], point[1], point[2] + lift)


def _leg(phase: float, vigour: float, side: int, s: float) -> tuple[Point, Point, Point, Point]:
    """Hip, knee, ankle and toe in metres, with the hip at height 0."""
    thigh = vigour * (0.5 * sin(phase) + 0.06)
    bend = vigour * (0.12 + 0.85 * max(0.0, cos(phase + 0.35)) ** 1.5)
    shin = thigh - bend
    hip = (0.0, 0.09 * s * side, 0.0)
    knee = (0.44 * s * sin(thigh), hip[1], -0.44 * s * cos(thigh))
    ankle = (knee[0] + 0.43 * s * sin(shin), hip[1], knee[2] - 0.43 * s * cos(shin))
    pitch = 0.55 * shin if shin < 0 else 0.8 * shin
    toe = (ankle[0] + 0.17 * s * cos(pitch), hip[1] * 1.15, ankle[2] + 0.17 * s * sin(pitch) - 0.02 * s)
    return hip, knee, ankle, toe


_WHEEL_M = 0.345
_REAR, _FRONT = -0.52, 0.53
_PEDALS = (-0.06, 0.3)
_CRANK_M = 0.17


def bicycle(travelled_m: float, size: float) -> Solid:
    """The two upright wheels of a bicycle after `travelled_m`, with spokes that turn."""
    faces: list[_Face] = []
    turned = -travelled_m / (_WHEEL_M * size)
    ring = np.array([(cos(tau * k / 24), sin(tau * k / 24)) for k in range(24)])
    for u in (_REAR, _FRONT):
        contours = []
        for radius in (_WHEEL_M, _WHEEL_M - 0.045):
            contours.append(
                tuple((u + radius * float(c), 0.0, _WHEEL_M + radius * float(d)) for c, d in ring)
            )
        faces.append(_Face(tuple(contours), (28, 27, 26), (0, 1, 0), two_sided=True))
        rim = tuple(
            tuple((u + radius * float(c), 0.0, _WHEEL_M + radius * float(d)) for c, d in ring)
            for radius in (_WHEEL_M - 0.045, _WHEEL_M - 0.065)
        )
        faces.append(_Face(rim, (150, 150, 152), (0, 1, 0), two_sided=True))
        for spoke in range(5):
            angle = turned + tau * spoke / 10
            du, dw = cos(angle) * (_WHEEL_M - 0.06), sin(angle) * (_WHEEL_M - 0.06)
            nu, nw = -sin(angle) * 0.002, cos(angle) * 0.002
            corners = (
                (u + du + nu, 0.0, _WHEEL_M + dw + nw),
                (u - du + nu, 0.0, _WHEEL_M - dw + nw),
                (u - du - nu, 0.0, _WHEEL_M - dw - nw),
                (u + du - nu, 0.0, _WHEEL_M + dw - nw),
            )
            faces.append(_Face((corners,), (104, 104, 106), (0, 1, 0), two_sided=True))
    return _scaled(faces, size)


_SADDLE: Point = (-0.26, 0.0, 0.94)
_CHEST: Point = (0.0, 0.0, 1.43)
_HIP_Z = 1.0


def rider(appearance: int, size: float, travelled_m: float, vigour: float) -> list[Blob]:
    """The frame of a bicycle and its rider after `travelled_m`; `vigour` 0 coasts, 1 pedals."""
    wears = _clothes(appearance)
    dice = np.random.default_rng([appearance, 5])
    paint = _PAINTS[int(dice.integers(len(_PAINTS)))]
    helmet = bool(dice.random() < 0.6)
    phase = -travelled_m / 2.1 * vigour + (appearance % 89) / 89 * tau
    hair = wears.hair
    if helmet:
        hair = (45.0, 45.0, 190.0) if appearance % 2 else (210.0, 210.0, 215.0)
    blobs = [
        *_bicycle_frame(paint),
        *_rider_legs(phase, wears),
        *_rider_trunk(wears),
        *_head((_CHEST[0] + 0.06, 0.0, _CHEST[2] + 0.02), 1.0, wears.skin, hair, False),
    ]
    return [
        Blob(tuple((u * size, v * size, w * size, r * size) for u, v, w, r in blob.balls), blob.colour)
        for blob in blobs
    ]


def _bicycle_frame(paint: Colour) -> list[Blob]:
    """The tubes, the handlebar and the saddle."""
    bar: Point = (0.42, 0.0, 1.02)
    pedals: Point = (_PEDALS[0], 0.0, _PEDALS[1])
    head_tube: Point = (0.36, 0.0, 0.86)
    tube = 0.021
    result: list[Blob] = []
    for a, b in (
        ((_REAR, 0.0, _WHEEL_M), pedals),
        ((_REAR, 0.0, _WHEEL_M), (-0.22, 0.0, 0.8)),
        (pedals, _SADDLE),
        (pedals, (0.38, 0.0, 0.76)),
        ((-0.2, 0.0, 0.78), head_tube),
        ((_FRONT, 0.0, _WHEEL_M), bar),
    ):
        result += _limb([a, b], (tube, tube), paint)
    result += _limb([(0.4, -0.27, 1.04), bar, (0.4, 0.27, 1.04)], (0.017, 0.02, 0.017), (40, 40, 40))
    seat = [(_SADDLE[0] - 0.12, 0.0, 0.95), (_SADDLE[0] + 0.12, 0.0, 0.95)]
    return [*result, *_limb(seat, (0.05, 0.03), (30, 30, 30))]


def _rider_legs(phase: float, wears: _Clothes) -> list[Blob]:
    """Both legs, with their shoes and the cranks under them; `phase` is the angle of the left crank in radians."""
    pedals: Point = (_PEDALS[0], 0.0, _PEDALS[1])
    result: list[Blob] = []
    for side in (1, -1):
        angle = phase + (0.0 if side > 0 else pi)
        foot = (pedals[0] + _CRANK_M * cos(angle), 0.11 * side, pedals[2] + _CRANK_M * sin(angle) + 0.05)
        hip = (_SADDLE[0] + 0.02, 0.09 * side, _HIP_Z)
        knee = _knee(hip, foot, 0.44, 0.45)
        result += _limb([hip, knee, foot], (0.09, 0.066, 0.046), wears.trousers)
        shoe = (
            _ball((foot[0] - 0.05, foot[1], foot[2]), 0.045),
            _ball((foot[0] + 0.13, foot[1], foot[2] - 0.03), 0.036),
        )
        result.append(Blob(shoe, wears.shoes))
        result += _limb([pedals, (foot[0], 0.05 * side, foot[2] - 0.05)], (0.014, 0.014), (60, 60, 60))
    return result


def _rider_trunk(wears: _Clothes) -> list[Blob]:
    """The trunk, and both arms on the handlebar."""
    trunk = (
        _ball((_CHEST[0], 0.15, _CHEST[2]), 0.075),
        _ball((_CHEST[0], -0.15, _CHEST[2]), 0.075),
        _ball((_SADDLE[0], 0.09, _HIP_Z + 0.02), 0.1),
        _ball((_SADDLE[0], -0.09, _HIP_Z + 0.02), 0.1),
        _ball((-0.11, 0.0, 1.25), 0.125),
    )
    result = [Blob(trunk, wears.top)]
    for side in (1, -1):
        shoulder = (_CHEST[0] + 0.02, 0.19 * side, _CHEST[2] + 0.01)
        elbow = (0.19, 0.25 * side, 1.19)
        hand = (0.4, 0.25 * side, 1.06)
        result += _limb([shoulder, elbow, hand], (0.06, 0.048, 0.038), _mix(wears.top, (0, 0, 0), 0.12))
        result.append(Blob((_ball(hand, 0.045),), wears.skin))
    return result


def _knee(hip: Point, foot: Point, thigh: float, shin: float) -> Point:
    """The joint of two bones of these lengths between `hip` and `foot`, bent forwards."""
    du, dw = foot[0] - hip[0], foot[2] - hip[2]
    span = min(sqrt(du * du + dw * dw), thigh + shin - 1e-6)
    share = (thigh * thigh - shin * shin + span * span) / (2 * span)
    rise = sqrt(max(0.0, thigh * thigh - share * share))
    eu, ew = du / span, dw / span
    return (hip[0] + eu * share - ew * rise, (hip[1] + foot[1]) / 2 * 1.1, hip[2] + ew * share + eu * rise)
