"""Exact counts of one's own recording, as plain rows that pandas and polars read as they are.

Invariant: rows of primitives and aware datetimes; only the pipeline, the video room and the console may see them.
"""

from dataclasses import dataclass
from datetime import datetime
from math import hypot

from passerby.domain.geometry import Direction
from passerby.domain.labels import Label


@dataclass(frozen=True, slots=True)
class Moved:
    """What crossed: `length` and `height` px of its box, the middle of it at `x`, `y` px, and its way `dx`, `dy` px
    per ms."""

    length: float
    height: float
    x: float
    y: float
    dx: float
    dy: float

    @property
    def pace(self) -> float:
        """px per ms."""
        return hypot(self.dx, self.dy)


@dataclass(frozen=True, slots=True)
class Crossing:
    """One counted crossing: `time_ms` Unix ms UTC, interpolated between frames; `along` 0..1 on the line;
    `share` of the track's class vote that went to `label`, 0..1; `moved` of what no detector named, while it
    may be a part of another."""

    time_ms: int
    line: str
    direction: Direction
    label: Label
    along: float
    share: float
    moved: Moved | None = None


@dataclass(frozen=True, slots=True)
class BinCount:
    """`[start, end)` in local wall time with its UTC offset; `coverage` is the share of the bin with frames."""

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
class Leak:
    """Of one line: tracks that `ended` inside its corridor, away from its edge and the frame's; of those, the ones
    that another track took up at once (`switched`); crossings of a `close` vote, of all `crossings`."""

    line: str
    ended: int
    switched: int
    close: int
    crossings: int


@dataclass(frozen=True, slots=True)
class Cost:
    """What the counting took, in seconds of wall and of CPU."""

    wall_s: float
    cpu_s: float
    decode_cpu_s: float
    detect_cpu_s: float
    track_cpu_s: float
    frames_per_cpu_s: float


@dataclass(frozen=True, slots=True)
class Counts:
    """Everything counted in one recording. `start_from` says where the start was taken from;
    `detector` says which detector ran and with what; `warnings` are lines for people; `leaks` hint at errors."""

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
    leaks: tuple[Leak, ...] = ()
