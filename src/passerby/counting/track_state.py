"""One track while its chunk is read: its boxes so far, and where the next one is expected.

Invariant: positions, sizes and velocities alone; nothing describes the look of a body.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from passerby.counting.detections import KIND
from passerby.counting.parameters import TrackerParams

ANY_KIND = -1
"""Kind of a box without a class: it may continue a track of any kind."""


class Row(NamedTuple):
    """A box of a track: `xyxy` (4,) float32 px, `confidence` 0 where no detector gave it a class."""

    time_ms: int
    xyxy: NDArray[np.float32]
    confidence: float
    class_id: int

    @property
    def centre(self) -> NDArray[np.float32]:
        """(2,) px."""
        return np.asarray((self.xyxy[:2] + self.xyxy[2:]) / 2, np.float32)


@dataclass(slots=True, eq=False)
class TrackState:
    """`centre` (2,) and `size` (2,) px as of the last box; `velocity` (2,) px per ms; `kind` as in `KIND`.

    `parent` is the track of the pedestrian beside whom this one was first seen. `missed` counts ticks since the last
    box, `gaps` ticks without a box before it, and `occluded_ms` the time since a box of its own was seen.
    """

    rows: list[Row]
    centre: NDArray[np.float64]
    size: NDArray[np.float64]
    kind: int
    parent: "TrackState | None" = None
    velocity: NDArray[np.float64] = field(default_factory=lambda: np.zeros(2))
    missed: int = 0
    gaps: int = 0
    occluded_ms: int = 0

    @property
    def time_ms(self) -> int:
        """Time of the last box."""
        return self.rows[-1].time_ms

    @property
    def is_new(self) -> bool:
        """Whether it has a single box, so that its velocity is not known yet."""
        return len(self.rows) == 1

    def expected(self, time_ms: int) -> NDArray[np.float64]:
        """Expected centre (2,) px at `time_ms`, at constant velocity."""
        return self.centre + self.velocity * (time_ms - self.time_ms)

    def expected_box(self, time_ms: int) -> NDArray[np.float32]:
        """Expected box (4,) px at `time_ms`."""
        middle = self.expected(time_ms)
        return np.concatenate([middle - self.size / 2, middle + self.size / 2]).astype(np.float32)

    def pace(self, window_ms: int, *, at_start: bool = False) -> NDArray[np.float64]:
        """Velocity (2,) px per ms over the last `window_ms` of the track, or over the first."""
        rows = self.rows if at_start else self.rows[::-1]
        end = rows[0]
        inner = next(row for row in reversed(rows) if abs(row.time_ms - end.time_ms) <= window_ms)
        if inner is end:
            return np.zeros(2)
        centres = [(row.xyxy[:2] + row.xyxy[2:]).astype(np.float64) / 2 for row in (end, inner)]
        return np.asarray((centres[1] - centres[0]) / (inner.time_ms - end.time_ms))

    def has_travelled(self, params: TrackerParams) -> bool:
        """Whether it has been seen to go its way, so that it may be continued while it is occluded."""
        if len(self.rows) < params.occlusion_min_boxes or self.occluded_ms > params.occlusion_max_ms:
            return False
        travel = np.abs(self.centre - self.rows[0].centre) / self.size
        return bool(travel.max() >= params.occlusion_min_travel)

    def extend(
        self,
        row: Row,
        centre: NDArray[np.float64],
        size: NDArray[np.float64],
        kind: int,
        params: TrackerParams,
    ) -> None:
        """Continue the track with a box of its own, of that centre (2,), size (2,) and kind."""
        elapsed_ms = row.time_ms - self.time_ms
        if elapsed_ms > 0:
            measured = (centre - self.centre) / elapsed_ms
            weight = 1.0 if self.is_new else params.velocity_smoothing
            self.velocity = self.velocity * (1 - weight) + measured * weight
        weight = 1.0 if self.is_new else params.size_smoothing
        self.size = size if self.is_new else self.size * (1 - weight) + size * weight
        self.occluded_ms = 0
        self.centre = centre
        self.kind = self.kind if kind == ANY_KIND else kind
        self._append(row)

    def extend_occluded(self, row: Row) -> None:
        """Continue the track with its share of a box that hides it; its size and velocity stay the same."""
        self.centre = np.asarray(row.centre, np.float64)
        self.occluded_ms += row.time_ms - self.time_ms
        self._append(row)

    def _append(self, row: Row) -> None:
        self.gaps += self.missed - 1
        self.missed = 0
        self.rows.append(row)


def kind_of(class_id: int, confidence: float) -> int:
    """Person, two-wheeler or motor vehicle, as in `KIND`; `ANY_KIND` for a box without a class."""
    return ANY_KIND if confidence == 0 else int(KIND[class_id])
