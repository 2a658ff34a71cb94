"""Exact counts of one's own recording, as plain rows that pandas and polars can read.

Invariant: rows of primitives and aware datetimes; only the rooms that import rule 3 lists may import them.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from math import hypot
from pathlib import Path
from typing import Any, Literal

from passerby.domain.calendar import Moment, to_local
from passerby.domain.geometry import Direction
from passerby.domain.labels import Label
from passerby.errors import OutputError
from passerby.io import files, tables

COLUMNS = ("start", "end", "line", "direction", "class", "count", "coverage", "mark")
"""The columns of the tables that `Counts` makes."""


@dataclass(frozen=True, slots=True)
class Kinematics:
    """A body as it crosses: `length` and `height` of its box in px, its centre `x`, `y` in px, and its velocity
    `dx`, `dy` in px per ms.

    >>> passerby.Kinematics(length=40, height=20, x=100, y=50, dx=0.3, dy=0.4).pace
    0.5
    """

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
class Evidence:
    """What speaks for a crossing. `log`: the natural logarithm of the body's likelihood as a person, as a two-wheeler
    and as a motor vehicle, the greatest of them 0; `cycle` and `vehicle`: its label if it is one of these.
    `height_px`: the height of its box. `confirmed`: False where a detector and motion ran, and one of them alone saw
    it cross.

    >>> evidence = passerby.Evidence((-5.2, 0.0, -1.1), passerby.Label.BICYCLE, passerby.Label.CAR)
    >>> evidence.cycle.text
    'bicycle'
    """

    log: tuple[float, float, float]
    cycle: Label
    vehicle: Label
    height_px: float = 0.0
    confirmed: bool = True


@dataclass(frozen=True, slots=True)
class Crossing:
    """One counted crossing.

    `time_ms` is in Unix ms UTC, interpolated between frames (where the clock of the recording is not known, only its
    distance from `Counts.start_ms` has a meaning); `along` is the place on the line, 0 at its first point
    and 1 at its second; `share` is the probability, 0..1, of the kind of `label`, and for `UNKNOWN` that of the
    likeliest kind. `evidence`, and the `kinematics` of a body without a class, are kept until it has been compared with
    the usual traffic, and are None in every result.

    >>> counts = passerby.count("street.mp4", [line], detector="motion")
    >>> [(crossing.line, crossing.direction, crossing.label.text) for crossing in counts.crossings][:1]
    [('road', 'to_right', 'car')]
    """

    time_ms: int
    line: str
    direction: Direction
    label: Label
    along: float
    share: float
    kinematics: Kinematics | None = None
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True)
class BinCount:
    """The count of one bin `[start, end)`, line, direction and label, by local time or by the time elapsed since the
    first frame; `coverage` is the share of the bin, 0..1, for which frames exist; `mark` is the reason to doubt the
    count of this line and bin, empty where there is none.

    >>> counts = passerby.count("street.mp4", [line], detector="motion")
    >>> row = counts.bins[0]
    >>> row.line, row.direction, row.label, row.count
    ('road', 'to_right', 'car', 1)
    """

    start: Moment
    end: Moment
    line: str
    direction: str
    label: str
    count: int
    coverage: float
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Visibility:
    """How well the bodies that cross one line in one bin can be seen.

    Of its `crossings`, `named` have a class and `confirmed` were seen by a detector and by motion. `height_px`: median
    height of their boxes; `contrast`: between the darkest and the lightest part of the corridors, 0..1; `noise`:
    standard deviation of the light, in steps of 255. Each is None where nothing was measured. `mark` is the reason to
    doubt the count, empty where there is none.

    >>> counts = passerby.count("street.mp4", [line], detector="motion")
    >>> [(row.line, row.crossings, row.named) for row in counts.visibility]
    [('road', 2, 2)]
    """

    start: Moment
    end: Moment
    line: str
    crossings: int
    named: int
    confirmed: int
    height_px: float | None
    contrast: float | None
    noise: float | None
    mark: str


@dataclass(frozen=True, slots=True)
class TotalCount:
    """The count of one line, direction and class in the whole recording.

    >>> counts = passerby.count("street.mp4", [line], detector="motion")
    >>> [(row.direction, row.count) for row in counts.totals if row.count]
    [('to_right', 1), ('to_left', 1)]
    """

    line: str
    direction: str
    label: str
    count: int


@dataclass(frozen=True, slots=True)
class LineDiagnostics:
    """Signs of miscounts at one line.

    `lost_tracks` ended inside the corridor, away from its edge and the frame's; another track began at once beside
    `switched_tracks` of them; `close_votes` of all `crossings` were nearly given another class.

    >>> counts = passerby.count("street.mp4", [line], detector="motion")
    >>> counts.diagnostics[0].line, counts.diagnostics[0].crossings
    ('road', 2)
    """

    line: str
    lost_tracks: int
    switched_tracks: int
    close_votes: int
    crossings: int


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of wall clock and of CPU that the counting took.

    >>> counts = passerby.count("street.mp4", [line], detector="motion")
    >>> counts.cost.wall_s > 0
    True
    """

    wall_s: float
    cpu_s: float
    decode_cpu_s: float
    detect_cpu_s: float
    track_cpu_s: float
    frames_per_cpu_s: float


@dataclass(frozen=True, slots=True)
class Counts:
    """Everything counted in one recording.

    `start` is the local time of the first frame, None where the clock of the recording is not known: its bins then
    have the time elapsed since the first frame in place of local times. `start_ms` is the first frame on the scale of
    `Crossing.time_ms`. `start_from` names the source of `start`; `detector` is the name of the detectors that ran, such
    as `yolox_nano+motion`; `warnings` are lines for people; `diagnostics` are signs of miscounts;
    `visibility` has a row for each line and bin.

    >>> counts = passerby.count("street.mp4", [line], detector="motion")
    >>> counts.duration_s, counts.frames, counts.detector
    (12.0, 120, 'motion')
    >>> list(counts.to_pandas().columns)
    ['start', 'end', 'line', 'direction', 'class', 'count', 'coverage', 'mark']
    """

    video: str
    start: datetime | None
    start_ms: int
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
    visibility: tuple[Visibility, ...] = ()

    @property
    def clock(self) -> Literal["wall", "elapsed"]:
        """Whether the bins have local times or elapsed times."""
        return "elapsed" if self.start is None else "wall"

    def time_of(self, at_ms: int) -> datetime:
        """The local time `at_ms` after the first frame; with an unknown clock, elapsed time as a time of day."""
        if self.start is None:
            return to_local(at_ms, UTC)
        return to_local(self.start_ms + at_ms, self.start.tzinfo or UTC)

    @property
    def start_text(self) -> str:
        """The start for people."""
        return "unknown" if self.start is None else self.start.isoformat(" ", timespec="seconds")

    def rows(self) -> list[dict[str, Any]]:
        """The bins as mappings with the columns of `COLUMNS`."""
        return [
            dict(
                zip(
                    COLUMNS,
                    (b.start, b.end, b.line, b.direction, b.label, b.count, b.coverage, b.mark),
                    strict=True,
                )
            )
            for b in self.bins
        ]

    def to_pandas(self) -> Any:
        """The bins as a `pandas.DataFrame` with the columns of `COLUMNS`. Raises OutputError without pandas."""
        try:
            import pandas as pd
        except ImportError:
            raise OutputError("Counts.to_pandas needs pandas: pip install pandas") from None
        return pd.DataFrame(self.rows(), columns=list(COLUMNS))

    def to_polars(self) -> Any:
        """The bins as a `polars.DataFrame` with the columns of `COLUMNS`. Raises OutputError without polars."""
        try:
            import polars as pl
        except ImportError:
            raise OutputError("Counts.to_polars needs polars: pip install polars") from None
        return pl.DataFrame(self.rows(), schema=list(COLUMNS), orient="row")

    def to_csv(self, path: str | Path) -> None:
        """Write the bins as CSV (RFC 4180) with the columns of `COLUMNS`. Raises OutputError."""
        files.write(Path(path), tables.to_csv(self.rows(), COLUMNS))
