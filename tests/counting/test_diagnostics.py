"""Diagnostics of made-up tracks.

Invariant: a track is made by hand, so that the expected result is known.
"""

from dataclasses import dataclass

import numpy as np
import pytest

from passerby.counting.counts import Crossing, LineDiagnostics
from passerby.counting.detections import Tracks
from passerby.counting.diagnostics import add, lost_tracks, with_crossings
from passerby.domain.geometry import Line
from passerby.domain.labels import Label
from passerby.domain.timespan import Span

LINE = Line("mid", (0.5, 0.0), (0.5, 1.0))
WIDTH, HEIGHT = 200, 100


@dataclass(frozen=True)
class Walk:
    """From `start` to `end`, centres in px, over `first_ms` to `last_ms`, ten boxes a second, 10 px large."""

    start: tuple[float, float]
    end: tuple[float, float]
    first_ms: int
    last_ms: int


def tracks(*walks: Walk) -> Tracks:
    rows = [
        (time_ms, number, walk, (time_ms - walk.first_ms) / (walk.last_ms - walk.first_ms))
        for number, walk in enumerate(walks)
        for time_ms in range(walk.first_ms, walk.last_ms + 1, 100)
    ]
    rows.sort(key=lambda row: row[0])
    centres = np.array([np.array(w.start) + share * (np.array(w.end) - w.start) for _, _, w, share in rows])
    return Tracks(
        np.array([row[0] for row in rows], np.int64),
        np.hstack([centres - 5, centres + 5]).astype(np.float32),
        np.full(len(rows), 0.9, np.float32),
        np.full(len(rows), Label.PERSON, np.int64),
        np.array([row[1] for row in rows], np.int64),
    )


LATER = Walk((20, 90), (30, 90), 8000, 9900)  # far from the line: the recording goes on
OVER = Walk((20, 50), (180, 50), 0, 3000)


def found(
    *walks: Walk, half_width: float | None = 0.4, crossings: tuple[Crossing, ...] = ()
) -> LineDiagnostics:
    lost = lost_tracks(tracks(*walks), [LINE], (WIDTH, HEIGHT), half_width, Span(0, 10_000))
    (diagnostics,) = with_crossings(lost, crossings)
    return diagnostics


@pytest.mark.parametrize(
    ("walk", "ended"),
    [
        (OVER, 0),
        (Walk((20, 50), (95, 50), 0, 3000), 1),
        (
            Walk((20, 50), (62, 50), 0, 3000),
            0,
        ),  # its box reaches over the corridor's edge: it goes out of sight
        (Walk((95, 50), (95, 97), 0, 3000), 0),  # it leaves the picture
        (Walk((20, 50), (95, 50), 7000, 9500), 0),  # the recording ends, and not the track
        (Walk((90, 50), (95, 50), 0, 100), 0),  # a flicker
    ],
)
def test_tracks_that_end_inside_are_lost(walk: Walk, ended: int) -> None:
    diagnostics = found(walk, LATER)

    assert (diagnostics.lost_tracks, diagnostics.switched_tracks) == (ended, 0)


def test_a_lost_track_that_another_continues_is_switched() -> None:
    first = Walk((20, 50), (95, 50), 0, 3000)

    assert found(first, Walk((104, 50), (180, 50), 3400, 6000), LATER) == LineDiagnostics("mid", 1, 1, 0, 0)
    assert found(first, Walk((104, 50), (180, 50), 4400, 6000), LATER).switched_tracks == 0
    assert found(first, Walk((140, 20), (180, 20), 3400, 6000), LATER).switched_tracks == 0


def test_close_votes_are_counted() -> None:
    def crossing(share: float, line: str = "mid") -> Crossing:
        return Crossing(0, line, "to_left", Label.CAR, 0.5, share)

    diagnostics = found(OVER, crossings=(crossing(0.5), crossing(0.9), crossing(0.5, "other")))

    assert (diagnostics.close_votes, diagnostics.crossings) == (1, 2)


def test_no_tracks_give_zeros() -> None:
    nothing = Tracks(
        np.empty(0, np.int64),
        np.empty((0, 4), np.float32),
        np.empty(0, np.float32),
        np.empty(0, np.int64),
        np.empty(0, np.int64),
    )

    assert lost_tracks(nothing, [LINE], (WIDTH, HEIGHT), None, Span(0, 1)) == [
        LineDiagnostics("mid", 0, 0, 0, 0)
    ]


def test_diagnostics_of_spans_add_up() -> None:
    one, two = LineDiagnostics("mid", 1, 2, 3, 4), LineDiagnostics("mid", 10, 20, 30, 40)

    assert add([], [one]) == [one]
    assert add([one], [two]) == [LineDiagnostics("mid", 11, 22, 33, 44)]
