"""The path of each track, and whether it is a body's or a flicker.

Invariant: a path has no number: its track's id ends here.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from passerby.counting.detections import Tracks
from passerby.counting.parameters import CrossingParams


class Path(NamedTuple):
    """The boxes of one track in order of time: `time_ms` (n,), `xyxy` (n, 4) px, `confidence` (n,), `class_id` (n,)."""

    time_ms: NDArray[np.int64]
    xyxy: NDArray[np.float32]
    confidence: NDArray[np.float32]
    class_id: NDArray[np.int64]

    @property
    def total_confidence(self) -> float:
        """Sum over all boxes; 0 where no box has a class."""
        return float(self.confidence.sum())

    def rows(self, chosen: NDArray[np.bool_]) -> "Path":
        """The part of the path where `chosen` (n,) is true."""
        return Path(self.time_ms[chosen], self.xyxy[chosen], self.confidence[chosen], self.class_id[chosen])

    def near(self, time_ms: int, within_ms: int) -> "Path":
        """The part within `within_ms` of `time_ms`; the whole path where that part is empty."""
        chosen = np.abs(self.time_ms - time_ms) <= within_ms
        return self.rows(chosen) if chosen.any() else self


def body_paths(tracks: Tracks, params: CrossingParams) -> Iterator[Path]:
    """The paths of tracks that are bodies."""
    order = np.lexsort((tracks.time_ms, tracks.tracker_id))
    cuts = np.flatnonzero(np.diff(tracks.tracker_id[order])) + 1
    for rows in np.split(order, cuts):
        path = Path(tracks.time_ms[rows], tracks.xyxy[rows], tracks.confidence[rows], tracks.class_id[rows])
        if len(rows) >= params.min_boxes and _is_body(path, params):
            yield path


def _is_body(path: Path, params: CrossingParams) -> bool:
    """A path without a class is a body's if it leads somewhere: flicker, leaves and ghosts stay in one place."""
    if path.total_confidence > 0:
        return True
    size = np.median(path.xyxy[:, 2:] - path.xyxy[:, :2], axis=0)
    if len(path.time_ms) < params.moving_min_boxes:
        return _rushes_through(path, params)
    if size.max() > params.moving_max_elongation * size.min():
        return False
    # Each axis in its own measure: a pedestrian passes by in widths, not in heights.
    centre = (path.xyxy[:, :2] + path.xyxy[:, 2:]) / 2 / size
    travel = float(np.hypot(*(centre - centre[0]).T).max())
    steps = float(np.hypot(*np.diff(centre, axis=0).T).sum())
    return travel >= params.moving_min_travel and travel >= params.moving_min_straightness * steps


def _rushes_through(path: Path, params: CrossingParams) -> bool:
    """Whether a path of few boxes is of a body that is fast for the corridor: it comes in at one side and is gone at
    the other, straight, and always about as large across its way."""
    first, last = path.xyxy[0].astype(np.float64), path.xyxy[-1].astype(np.float64)
    centre = (path.xyxy[:, :2] + path.xyxy[:, 2:]).astype(np.float64) / 2
    way = centre[-1] - centre[0]
    axis = int(np.abs(way).argmax())
    apart = max(last[axis] - first[axis + 2], first[axis] - last[axis + 2])
    sides = path.xyxy[:, 2:] - path.xyxy[:, :2]
    across = sides[:, 1 - axis]
    steps = np.diff(centre[:, axis]) * np.sign(way[axis])
    return bool(
        apart > 0
        and across.min() >= params.rushing_min_share * across.max()
        and (steps > 0).all()
        and steps.min() >= params.rushing_min_share * steps.max()
        and abs(way[1 - axis]) <= (1 - params.rushing_min_share) * abs(way[axis])
        and np.median(sides[:, axis]) >= np.median(across)
    )
