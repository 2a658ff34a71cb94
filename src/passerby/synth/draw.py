"""Pictures of the street: the backdrop, then shadows, then the actors from far to near, then the sensor's effects.

Invariant: a pixel depends on the street's settings, the frame number and the actors that cover it, with their shadows;
without an actor, every pixel that it did not cover stays the same to the bit.
"""

from collections.abc import Collection, Iterator
from functools import cmp_to_key

import cv2
import numpy as np
from numpy.typing import NDArray

from passerby.synth import bodies
from passerby.synth.backdrop import Image, backdrop
from passerby.synth.motion import headings, positions, walked_m
from passerby.synth.street import Actor, Array, Kind, Street, View, view_of
from passerby.synth.traffic import actors

_SUN = np.array((-0.5, -0.6, 1.0)) / np.linalg.norm((-0.5, -0.6, 1.0))
_SHADOW = 0.46
_SHIFT = 4
_TURNS = np.stack([np.cos(np.arange(14) * 2 * np.pi / 14), np.sin(np.arange(14) * 2 * np.pi / 14)], axis=1)
_CANARY = ((255.0, 0.0, 255.0), (0.0, 255.0, 0.0))
_TILES = 5
_SPARE = 64


def frames(
    street: Street, without: Collection[str] = (), *, first: int = 0, last: int | None = None
) -> Iterator[Image]:
    """The frames from `first` up to but not including `last` (all by default), each (height, width, 3) uint8 BGR.

    The actors named in `without` are left out; every pixel that they and their shadows do not cover stays the same to
    the bit. A frame does not depend on the frames before it.
    """
    view = view_of(street)
    empty = backdrop(street.seed, street.width, street.height, street.scale)
    tiles = _noise_tiles(street)
    streaks = _rain_tiles(street)
    shown = [actor for actor in actors(street) if actor.name not in without]
    end = street.frame_count if last is None else min(last, street.frame_count)
    for number in range(first, end):
        time_s = street.time_s(number)
        image = empty.copy()
        here = [_Placed(actor, view, time_s) for actor in shown if actor.present(time_s)]
        here = [placed for placed in here if placed.near(street.width, street.height)]
        _cast_shadows(image, empty, view, here)
        for placed in sorted(here, key=cmp_to_key(_painter_order)):
            _paint(image, view, placed)
        yield _expose(street, number, image, tiles, streaks)


class _Placed:
    """An actor at a time: its position, its rotation, and its shape in metres."""

    def __init__(self, actor: Actor, view: View, time_s: float) -> None:
        at = np.array([time_s])
        self.actor = actor
        self.ground = positions(actor, at)[0]
        self.heading = float(headings(actor, at)[0])
        length, width, height = actor.size_m
        cos, sin = abs(np.cos(self.heading)), abs(np.sin(self.heading))
        self.half_x = (length * cos + width * sin) / 2
        self.half_y = (length * sin + width * cos) / 2
        self.height = height
        self.distance = float(np.hypot(*(self.ground - view.position[:2])))
        self._view = view
        self.walked = float(walked_m(actor, at)[0]) if len(actor.path) > 1 else 0.0
        if len(actor.path) > 1:
            step = positions(actor, np.array([time_s - 0.25, time_s + 0.25]))
            self.speed = float(np.hypot(*(step[1] - step[0]))) * 2
        else:
            self.speed = 0.0
        spin = np.array(
            [[np.cos(self.heading), np.sin(self.heading)], [-np.sin(self.heading), np.cos(self.heading)]]
        )
        self.turn = np.eye(3)
        self.turn[:2, :2] = spin

    def near(self, width: int, height: int) -> bool:
        """Whether part of it or of its shadow can be in the picture."""
        reach = 1.2 * self.height + 0.6
        x, y = self.ground
        corners = np.array(
            [
                (x + dx * (self.half_x + reach), y + dy * (self.half_y + reach), z)
                for dx in (-1, 1)
                for dy in (-1, 1)
                for z in (0.0, self.height)
            ]
        )
        pixels, depth = self._view.project(corners)
        if depth.min() < 0.5:
            return False
        low, high = pixels.min(axis=0), pixels.max(axis=0)
        return bool(high[0] > 0 and high[1] > 0 and low[0] < width and low[1] < height)

    def world(self, points: Array) -> Array:
        """(n, 3) metres in the body's axes -> (n, 3) metres in the street's axes."""
        moved: Array = points @ self.turn
        moved[:, :2] += self.ground
        return moved

    def blobs(self) -> list[bodies.Blob]:
        actor = self.actor
        if actor.kind is Kind.PERSON:
            return bodies.person(actor.appearance, self.height, self.walked, min(1.0, self.speed / 1.1))
        if actor.kind is Kind.CYCLIST:
            return bodies.rider(actor.appearance, actor.size, self.walked, 1.0)
        return []

    def solid(self) -> bodies.Solid | None:
        actor = self.actor
        if actor.kind is Kind.PERSON:
            return None
        if actor.kind is Kind.CYCLIST:
            return bodies.bicycle(self.walked, actor.size)
        return bodies.vehicle(actor.kind, actor.appearance, actor.size)


def _painter_order(a: _Placed, b: _Placed) -> int:
    """Negative if `a` is painted before `b`: by lane, and within a lane by distance."""
    if a.ground[1] - a.half_y >= b.ground[1] + b.half_y:
        return -1
    if b.ground[1] - b.half_y >= a.ground[1] + a.half_y:
        return 1
    return -1 if a.distance > b.distance else 1


def _fixed(points: Array) -> NDArray[np.int32]:
    return np.rint(points * (1 << _SHIFT)).astype(np.int32)


def _fill(image: Image, contours: list[NDArray[np.int32]], colour: tuple[float, ...]) -> None:
    if len(contours) == 1:
        cv2.fillConvexPoly(image, contours[0], colour, cv2.LINE_AA, _SHIFT)
    else:
        cv2.fillPoly(image, contours, colour, cv2.LINE_AA, _SHIFT)


def _discs(view: View, balls: Array) -> tuple[Array, Array, Array]:
    """Balls (n, 4) in metres -> centres (n, 2) px, radii (n,) px, depths (n,) m."""
    centres, depth = view.project(balls[:, :3])
    # OpenCV's anti-aliased edges extend about half a pixel.
    return centres, np.maximum(balls[:, 3] * view.focal_px / depth - 0.4, 0.15), depth


def _cast_shadows(image: Image, empty: Image, view: View, here: list[_Placed]) -> None:
    """Darken the ground in the shadows of all actors; two overlapping shadows are as dark as one."""
    height, width = image.shape[:2]
    mask = np.zeros((height, width), np.uint8)
    areas: list[tuple[slice, slice]] = []
    for placed in here:
        hulls = _shadow_hulls(view, placed)
        everything = np.concatenate([hull.reshape(-1, 2) for hull in hulls])
        pad = 6
        x1, y1 = np.floor(everything.min(axis=0)).astype(int) - pad
        x2, y2 = np.ceil(everything.max(axis=0)).astype(int) + pad
        x1, y1, x2, y2 = max(int(x1), 0), max(int(y1), 0), min(int(x2), width), min(int(y2), height)
        if x1 >= x2 or y1 >= y2:
            continue
        # The margin lets the soft edge be the same where the frame cuts a shadow off.
        own = np.zeros((y2 - y1, x2 - x1), np.uint8)
        corner = np.array([x1, y1], np.int32) << _SHIFT
        for hull in hulls:
            cv2.fillConvexPoly(own, cv2.convexHull(_fixed(hull)) - corner, 255, cv2.LINE_AA, _SHIFT)
        own = cv2.GaussianBlur(own, (5, 5), 0)
        area = (slice(y1, y2), slice(x1, x2))
        mask[area] = cv2.max(mask[area], own)
        areas.append(area)
    for area in areas:
        light = cv2.convertScaleAbs(mask[area], alpha=-_SHADOW, beta=255.0)
        image[area] = cv2.multiply(empty[area], cv2.merge([light, light, light]), scale=1 / 255)


def _shadow_hulls(view: View, placed: _Placed) -> list[Array]:
    """Point sets (n, 2) px whose convex hulls are together the shadow of an actor."""
    slope = -_SUN[:2] / _SUN[2]
    hulls: list[Array] = []
    blobs = placed.blobs()
    if blobs:
        balls = np.array([ball for blob in blobs for ball in blob.balls])
        world = placed.world(balls[:, :3])
        world[:, :2] += world[:, 2:] * slope
        world[:, 2] = 0.0
        centres, radii, _ = _discs(view, np.concatenate([world, balls[:, 3:]], axis=1))
        rims = centres[:, None, :] + _TURNS[None] * (radii[:, None, None] * np.array((1.0, 0.5)))
        start = 0
        for blob in blobs:
            hulls.append(rims[start : start + len(blob.balls)].reshape(-1, 2))
            start += len(blob.balls)
    solid = placed.solid()
    if solid is not None:
        world = placed.world(solid.points)
        flat = world.copy()
        flat[:, :2] += flat[:, 2:] * slope
        flat[:, 2] = 0.0
        pixels, _ = view.project(flat)
        if placed.actor.kind is Kind.CYCLIST:
            hulls += [pixels[group[0]] for group in solid.faces[:4:1] if len(group) == 2]
        else:
            world[:, 2] = 0.0
            under, _ = view.project(world)
            hulls.append(np.concatenate([pixels, under]))
    return hulls


def _paint(image: Image, view: View, placed: _Placed) -> None:
    """Draw an actor onto the picture."""
    solid = placed.solid()
    if solid is not None:
        _paint_solid(image, view, placed, solid)
    blobs = placed.blobs()
    if blobs:
        _paint_blobs(image, view, placed, blobs)


def _paint_solid(image: Image, view: View, placed: _Placed, solid: bodies.Solid) -> None:
    world = placed.world(solid.points)
    pixels, _ = view.project(world)
    contours = _fixed(pixels)
    normals = solid.normals @ placed.turn
    middles = placed.world(solid.middles)
    facing = (normals * (view.position - middles)).sum(axis=1)
    lit = np.clip(normals @ _SUN, 0, 1)
    light = 0.5 + 0.5 * lit + 0.12 * normals[:, 2]
    light = np.where(solid.two_sided, 1.0, light)
    colours = np.clip(solid.colours * light[:, None], 0, 255)
    for index in np.flatnonzero((facing > 0) | solid.two_sided):
        colour = (
            _CANARY[index % 2] if placed.actor.canary else tuple(float(value) for value in colours[index])
        )
        _fill(image, [contours[part] for part in solid.faces[index]], colour)


def _paint_blobs(image: Image, view: View, placed: _Placed, blobs: list[bodies.Blob]) -> None:
    balls = np.array([ball for blob in blobs for ball in blob.balls])
    balls[:, :3] = placed.world(balls[:, :3])
    centres, radii, depth = _discs(view, balls)
    rims = centres[:, None, :] + _TURNS[None] * radii[:, None, None]
    # Each part is painted dark, then smaller and lighter towards the sun, so that it looks round.
    inner = (
        centres[:, None, :]
        - radii[:, None, None] * np.array((0.22, 0.2))
        + _TURNS[None] * (0.62 * radii[:, None, None])
    )
    starts = np.cumsum([0, *(len(blob.balls) for blob in blobs)])
    order = sorted(range(len(blobs)), key=lambda k: -float(depth[starts[k] : starts[k + 1]].mean()))
    for k in order:
        part = slice(int(starts[k]), int(starts[k + 1]))
        dark, bright = (
            tuple(min(255.0, value * share) for value in blobs[k].colour) for share in (0.78, 1.06)
        )
        if placed.actor.canary:
            dark, bright = _CANARY if k % 2 else _CANARY[::-1]
        hull = cv2.convexHull(_fixed(rims[part].reshape(-1, 2)))
        cv2.fillConvexPoly(image, hull, dark, cv2.LINE_AA, _SHIFT)
        if float(radii[part].max()) > 2.0:
            hull = cv2.convexHull(_fixed(inner[part].reshape(-1, 2)))
            cv2.fillConvexPoly(image, hull, bright, cv2.LINE_AA, _SHIFT)


def _noise_tiles(street: Street) -> list[tuple[Image, Image]]:
    """The noise that the sensor adds and subtracts: a few tiles larger than the frame, cut at random offsets."""
    dice = np.random.default_rng([street.seed, 61])
    result = []
    shape = (street.height + _SPARE, street.width + _SPARE)
    for _ in range(_TILES if street.noise > 0 else 0):
        grey = dice.standard_normal(shape, np.float32)[..., None] * (street.noise * 0.85)
        colour = dice.standard_normal((*shape, 3), np.float32) * (street.noise * 0.5)
        both = np.rint(grey + colour)
        result.append((np.clip(both, 0, 255).astype(np.uint8), np.clip(-both, 0, 255).astype(np.uint8)))
    return result


def _rain_tiles(street: Street) -> list[Image]:
    """Streaks of rain, a few tiles larger than the frame."""
    dice = np.random.default_rng([street.seed, 62])
    result = []
    height, width = street.height + _SPARE, street.width + _SPARE
    for _ in range(4 if street.rain > 0 else 0):
        tile = np.zeros((height, width), np.uint8)
        for _ in range(int(street.rain * width * height / 900)):
            x, y = float(dice.uniform(0, width)), float(dice.uniform(0, height))
            length = float(dice.uniform(0.012, 0.045)) * height
            ends = _fixed(np.array([(x, y), (x - 0.12 * length, y + length)]))
            cv2.line(
                tile, ends[0].tolist(), ends[1].tolist(), float(dice.uniform(20, 70)), 1, cv2.LINE_AA, _SHIFT
            )
        result.append(np.asarray(cv2.merge([tile] * 3), np.uint8))
    return result


def _expose(
    street: Street, number: int, image: Image, tiles: list[tuple[Image, Image]], streaks: list[Image]
) -> Image:
    """Apply shake, brightness, rain and noise, which depend on the frame number alone."""
    dice = np.random.default_rng([street.seed, 71, number])
    time_s = street.time_s(number)
    if street.shake_px > 0:
        phase = street.seed % 7
        shift_x = np.sin(time_s * 5.1 + phase) * 0.6 + np.sin(time_s * 11.3) * 0.3 + dice.normal(0, 0.15)
        shift_y = np.sin(time_s * 6.7 + 1) * 0.6 + np.sin(time_s * 13.9 + phase) * 0.3 + dice.normal(0, 0.15)
        move = np.array([[1, 0, shift_x * street.shake_px], [0, 1, shift_y * street.shake_px]], float)
        image = cv2.warpAffine(
            image,
            move,
            (street.width, street.height),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
    drift = 1 + 0.02 * np.sin(time_s * 0.13 + street.seed) + 0.01 * np.sin(time_s * 0.61 + 2)
    contrast = street.contrast * (1 - 0.3 * street.rain)
    floor = 14 * (1 - street.contrast) + 50 * street.rain * 0.3
    table = np.clip(np.rint(np.arange(256) * contrast * drift + floor), 0, 255).astype(np.uint8)
    image = cv2.LUT(image, table)
    if streaks:
        tile = streaks[int(dice.integers(len(streaks)))]
        left, top = (int(value) for value in dice.integers(_SPARE, size=2))
        image = cv2.add(image, tile[top : top + street.height, left : left + street.width])
    if tiles:
        plus, minus = tiles[int(dice.integers(len(tiles)))]
        left, top = (int(value) for value in dice.integers(_SPARE, size=2))
        area = (slice(top, top + street.height), slice(left, left + street.width))
        image = cv2.subtract(cv2.add(image, plus[area]), minus[area])
    return image
