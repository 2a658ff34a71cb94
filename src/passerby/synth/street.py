"""The parts of a synthetic street: its settings, its lanes and its camera.

Invariant: geometry in metres and seconds; nothing is drawn and nothing is random here.

The ground is the plane z = 0. x runs along the street to the right, y away from the camera, z up. Traffic keeps
to the right, so the near lanes go to the right in the picture.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from passerby.domain.labels import Label
from passerby.errors import InputError

Array = NDArray[np.float64]


class Kind(StrEnum):
    """The type of an actor."""

    PERSON = "person"
    CYCLIST = "cyclist"
    CAR = "car"
    LORRY = "lorry"
    BUS = "bus"


LABELS = {
    Kind.PERSON: Label.PERSON,
    Kind.CYCLIST: Label.BICYCLE,
    Kind.CAR: Label.CAR,
    Kind.LORRY: Label.TRUCK,
    Kind.BUS: Label.BUS,
}

SIZES = {
    Kind.PERSON: (0.55, 0.5, 1.7),
    Kind.CYCLIST: (1.75, 0.6, 1.75),
    Kind.CAR: (4.4, 1.8, 1.47),
    Kind.LORRY: (8.2, 2.45, 3.5),
    Kind.BUS: (12.0, 2.5, 3.1),
}
"""Length, width and height in metres; an actor's own length and height may scale them."""


@dataclass(frozen=True, slots=True)
class Lane:
    """A strip of ground from y = `near_m` to y = `far_m`; `heading` is +1 or -1 along x, 0 for both directions."""

    near_m: float
    far_m: float
    heading: int

    @property
    def middle_m(self) -> float:
        return (self.near_m + self.far_m) / 2


NEAR_PAVEMENT = Lane(8.2, 11.2, 0)
VERGE = Lane(11.2, 12.6, 0)
NEAR_CYCLE_LANE = Lane(12.6, 14.4, 1)
NEAR_ROAD = Lane(14.4, 17.7, 1)
FAR_ROAD = Lane(17.7, 21.0, -1)
FAR_CYCLE_LANE = Lane(21.0, 22.8, -1)
PARKING = Lane(22.8, 25.0, -1)
FAR_PAVEMENT = Lane(25.0, 28.4, 0)
FRONTS_M = 28.4
"""The y of the house fronts."""

ZEBRA_M = (-17.5, -14.0)
"""The x from and to which people cross the street."""

LINES_X_M = -6.0
"""The x of the counting lines, near the middle of the picture."""

TARGET_M = (-6.0, 16.5, 0.0)
"""The point on the ground at the centre of the picture."""

POST_M = (0.0, 0.0, 7.5)
"""The camera's position at `scale` 1 or more."""

FOCAL = 0.68
"""Focal length in frame widths at `scale` 1: a horizontal view of about 73 degrees."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Actors per hour; vehicles are cars, lorries and buses."""

    people: float
    cyclists: float
    vehicles: float


DENSITIES = {
    "quiet": Rates(40, 12, 60),
    "light": Rates(120, 40, 240),
    "mixed": Rates(400, 120, 700),
    "dense": Rates(800, 160, 1600),
}
"""Named rates; dense is 200 people and 400 vehicles in 15 minutes."""


@dataclass(frozen=True, slots=True)
class Waypoint:
    """The position of an actor at a time; between two waypoints it moves at constant speed along a straight line."""

    time_s: float
    x_m: float
    y_m: float


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, cyclist or vehicle on the street: its path and its appearance.

    The seed `appearance` picks colours and build; `canary` paints it in a pattern that nothing else has. An actor
    exists from its first waypoint to its last; with a single waypoint it always exists. `facing` is its heading in
    radians before it first moves.
    """

    name: str
    kind: Kind
    path: tuple[Waypoint, ...]
    appearance: int = 0
    size: float = 1.0
    facing: float = 0.0
    canary: bool = False

    @property
    def label(self) -> Label:
        return LABELS[self.kind]

    @property
    def size_m(self) -> tuple[float, float, float]:
        """Length, width and height in metres."""
        length, width, height = SIZES[self.kind]
        return (
            length * self.size,
            width * (1 if self.kind is not Kind.PERSON else self.size),
            height * self.size,
        )

    def present(self, time_s: float) -> bool:
        return len(self.path) == 1 or self.path[0].time_s <= time_s <= self.path[-1].time_s


@dataclass(frozen=True, slots=True)
class Street:
    """The settings of a street, its camera and its recording; equal streets give equal bytes.

    `density` is a name in `DENSITIES` or your own `Rates`. `scale` is the size of objects in the picture: below 1 the
    camera is farther away, above 1 its lens is longer. `contrast` 1 is day, 0.15 deep night. `rain` is 0..1. `noise` is
    the standard deviation of the sensor's noise in grey levels. `shake_px` is the amplitude of the camera's shake.
    `crf` is x264's quality; a larger value is coarser. `extra` are your own actors, added to those of the seed.
    `start_ms` is Unix ms UTC, a whole second. Raises InputError that names a wrong setting.
    """

    seed: int = 1
    duration_s: float = 60.0
    width: int = 1280
    height: int = 720
    fps: float = 25.0
    density: str | Rates = "mixed"
    start_ms: int = 1_780_300_800_000
    scale: float = 1.0
    contrast: float = 1.0
    rain: float = 0.0
    noise: float = 2.0
    shake_px: float = 0.0
    crf: int = 23
    max_group: int = 4
    lorry_share: float = 0.08
    bus_share: float = 0.04
    stop_share: float = 0.06
    parked: int = 3
    extra: tuple[Actor, ...] = field(default=())

    def __post_init__(self) -> None:
        _expect("seed", self.seed, self.seed >= 0, "0 or more")
        _expect("duration_s", self.duration_s, 0 < self.duration_s <= 86_400, "more than 0 and at most 86400")
        for name, size in (("width", self.width), ("height", self.height)):
            _expect(
                name, size, 64 <= size <= 7680 and size % 2 == 0, "an even number of pixels from 64 to 7680"
            )
        _expect("fps", self.fps, 1 <= self.fps <= 120, "1 to 120")
        if isinstance(self.density, str):
            _expect("density", self.density, self.density in DENSITIES, "one of " + ", ".join(DENSITIES))
        else:
            for name in ("people", "cyclists", "vehicles"):
                rate = getattr(self.density, name)
                _expect(f"density.{name}", rate, 0 <= rate <= 3000, "0 to 3000 per hour")
        _expect("start_ms", self.start_ms, self.start_ms >= 0 and self.start_ms % 1000 == 0, "a whole second")
        _expect("scale", self.scale, 0.05 <= self.scale <= 4, "0.05 to 4")
        _expect("noise", self.noise, 0 <= self.noise <= 40, "0 to 40 grey levels")
        _expect("shake_px", self.shake_px, 0 <= self.shake_px <= 40, "0 to 40")
        _expect("crf", self.crf, 0 < self.crf <= 51, "1 to 51")
        _expect("max_group", self.max_group, 1 <= self.max_group <= 4, "1 to 4")
        _expect("parked", self.parked, 0 <= self.parked <= 12, "0 to 12")
        _expect("contrast", self.contrast, 0.02 <= self.contrast <= 1, "0.02 to 1")
        for name in ("rain", "lorry_share", "bus_share", "stop_share"):
            share = getattr(self, name)
            _expect(name, share, 0 <= share <= 1, "0 to 1")
        _expect(
            "lorry_share",
            self.lorry_share,
            self.lorry_share + self.bus_share <= 1,
            "at most 1 with bus_share",
        )
        names = [actor.name for actor in self.extra]
        _expect("extra", names, len(set(names)) == len(names), "a name of its own for each actor")

    @property
    def rates(self) -> Rates:
        return DENSITIES[self.density] if isinstance(self.density, str) else self.density

    @property
    def rate(self) -> Fraction:
        """Frames per second as a ratio, as video containers store it; 29.97 means 30000/1001."""
        film = Fraction(round(self.fps) * 1000, 1001)
        if round(float(film), 2) == round(self.fps, 2):
            return film
        return Fraction(self.fps).limit_denominator(1001)

    @property
    def frame_count(self) -> int:
        return max(1, round(self.duration_s * self.rate))

    @property
    def aspect(self) -> float:
        return self.width / self.height

    def time_s(self, frame: int) -> float:
        """The time of a frame, in seconds after the start."""
        return float(frame / self.rate)


def _expect(name: str, value: object, holds: bool, expected: str) -> None:
    if not holds:
        raise InputError(f"street: {name} is {value}: expected {expected}")


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A pinhole camera without distortion. `axes` rows point right, down and forward in the picture."""

    position: Array
    axes: Array
    focal_px: float
    centre: tuple[float, float]
    width: int
    height: int

    def project(self, points: Array) -> tuple[Array, Array]:
        """(n, 3) metres -> (n, 2) pixels, and (n,) the distance in front of the camera in metres, at least 0.05."""
        seen = (points - self.position) @ self.axes.T
        depth = np.maximum(seen[:, 2], 0.05)
        return seen[:, :2] / depth[:, None] * self.focal_px + self.centre, depth

    def fractions(self, x_m: float, y_m: float) -> tuple[float, float]:
        """A point of the ground in fractions of the frame."""
        pixels, _ = self.project(np.array([[x_m, y_m, 0.0]]))
        return float(pixels[0, 0]) / self.width, float(pixels[0, 1]) / self.height

    def reach_m(self, y_m: float, height_m: float = 4.0) -> tuple[float, float]:
        """The range of x in which an object of height up to `height_m` at `y_m` can be in the picture."""
        ends = []
        for column, side in ((0.0, min), (float(self.width), max)):
            # The edge of the frame is a plane through the camera: n . (p - position) = 0.
            right = (column - self.centre[0]) / self.focal_px
            normal = self.axes[0] - right * self.axes[2]
            meets = [
                self.position[0]
                - (normal[1] * (y_m - self.position[1]) + normal[2] * (z - self.position[2])) / normal[0]
                for z in (0.0, height_m)
            ]
            ends.append(float(side(meets)))
        return ends[0], ends[1]


@lru_cache(maxsize=64)
def view(width: int, height: int, scale: float) -> View:
    """The camera of a street of this size and scale."""
    target, post = np.array(TARGET_M), np.array(POST_M)
    forward = target - post
    position = target - forward / min(scale, 1.0)
    forward = forward / np.linalg.norm(forward)
    right = np.cross(forward, (0.0, 0.0, 1.0))
    right = right / np.linalg.norm(right)
    axes = np.array([right, np.cross(forward, right), forward])
    return View(position, axes, FOCAL * width * max(scale, 1.0), (width / 2, height / 2), width, height)


def view_of(street: Street) -> View:
    return view(street.width, street.height, street.scale)
