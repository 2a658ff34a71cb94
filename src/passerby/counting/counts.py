"""Exact counts of one's own recording, as plain rows that pandas and polars can read.

Invariant: rows of primitives and aware datetimes; only the rooms that import rule 3 lists may import them.
"""

from dataclasses import dataclass
from datetime import datetime
from math import hypot

from passerby.domain.geometry import Direction
from passerby.domain.labels import Label


@dataclass(frozen=True, slots=True)
class Kinematics:
    """A body as it crosses: `length` and `height` of its box in px, its centre `x`, `y` in px, and its velocity
    `dx`, `dy` in px per ms."""

    length: float
    height: float
    x: float
    y: float
    dx: float
    dy: float

    @property
    def pace(self) -> float:
        """Speed in px per ms."""
        return hypot(self.dx, self.dy)


@dataclass(frozen=True, slots=True)
class Crossing:
    """One counted crossing.

    `time_ms` is in Unix ms UTC, interpolated between frames; `along` is the place on the line, 0 at its first point
    and 1 at its second; `share` of the votes, 0..1, went to `label`. `kinematics` is for a body without a class, until
    it has been compared with the usual traffic, and None in every result.
    """

    time_ms: int
    line: str
    direction: Direction
    label: Label
    along: float
    share: float
    kinematics: Kinematics | None = None


@dataclass(frozen=True, slots=True)
class BinCount:
    """The count of one bin `[start, end)`, line, direction and label; `coverage` is the share of the bin, 0..1, for
    which frames exist."""

    start: datetime
    end: datetime
    line: str
    direction: str
    label: str
    count: int
    coverage: float


@dataclass(frozen=True, slots=True)
class TotalCount:
    """The count of one line, direction and class in the whole recording."""

    line: str
    direction: str
    label: str
    count: int


@dataclass(frozen=True, slots=True)
class LineDiagnostics:
    """Signs of miscounts at one line.

    `lost_tracks` ended inside the corridor, away from its edge and the frame's; another track began at once beside
    `switched_tracks` of them; `close_votes` of all `crossings` were nearly given another class.
    """

    line: str
    lost_tracks: int
    switched_tracks: int
    close_votes: int
    crossings: int


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of wall clock and of CPU that the counting took."""

    wall_s: float
    cpu_s: float
    decode_cpu_s: float
    detect_cpu_s: float
    track_cpu_s: float
    frames_per_cpu_s: float


@dataclass(frozen=True, slots=True)
class Counts:
    """Everything counted in one recording.

    `start_from` names the source of `start`; `detector` is the name of the detectors that ran, such as
    `yolox_nano+motion`; `warnings` are lines for people; `diagnostics` are signs of miscounts.
    """

    video: str
    start: datetime
    start_from: str
    duration_s: float
    frames: int
    detector: str
    bins: tuple[BinCount, ...]
    totals: tuple[TotalCount, ...]
    crossings: tuple[Crossing, ...]
    cost: Cost
    warnings: tuple[str, ...]
    diagnostics: tuple[LineDiagnostics, ...] = ()
