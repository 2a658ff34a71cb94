"""Time slices of small made-up recordings.

Invariant: what moves in them is drawn here, so that where its streak must lie is known.
"""

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from passerby.domain.geometry import Line
from passerby.video.observe import probe
from passerby.video.scene.time_slice import (
    CELL_MS,
    MOST_CELLS,
    REACH_MS,
    TICK_MS,
    TimeSlice,
    Tone,
    cut,
    streaks,
)

WIDTH, HEIGHT = 160, 120
MID = Line("mid", (0.5, 0.0), (0.5, 1.0))
MOTION = (Tone.DARKER, Tone.LIGHTER)

Picture = NDArray[np.uint8]


def write(
    path: Path, count: int, fps: int, draw: Callable[[float, Picture], None], skip: range = range(0)
) -> Path:
    """A recording of a textured street; `draw` paints on the picture of a time in seconds."""
    random = np.random.default_rng(7)
    street = np.repeat(np.repeat(random.integers(100, 130, (HEIGHT // 4, WIDTH // 4, 1)), 4, 0), 4, 1)
    street = np.broadcast_to(street, (HEIGHT, WIDTH, 3))
    with av.open(path, "w") as container:
        stream = container.add_stream("mpeg4", rate=fps)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.bit_rate = 4_000_000
        for number in range(count):
            if number in skip:
                continue
            picture = street.astype(np.uint8)
            draw(number / fps, picture)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def slice_of(path: Path, line: Line = MID) -> TimeSlice:
    (one,) = cut(probe(path), [line], 0)
    return one


def walker(from_s: float, y: int, shade: int = 20, px_per_s: float = 60) -> Callable[[float, Picture], None]:
    """12 px wide and 24 high, its middle on the line at `from_s`."""

    def draw(time_s: float, picture: Picture) -> None:
        x = round(WIDTH / 2 + (time_s - from_s) * px_per_s)
        if -6 <= x <= WIDTH + 6:
            picture[y : y + 24, max(0, x - 6) : max(0, x + 6)] = shade

    return draw


def test_each_crossing_is_one_streak_at_its_time_and_place(tmp_path: Path) -> None:
    walkers = [(3.0, 10, 20), (6.0, 80, 230), (6.1, 20, 20), (9.0, 48, 20)]

    def draw(time_s: float, picture: Picture) -> None:
        for at_s, y, shade in walkers:
            walker(at_s, y, shade)(time_s, picture)

    one = slice_of(write(tmp_path / "a.mp4", 150, 12, draw))
    found = streaks(one)

    assert len(found) == len(walkers)
    for streak, (at_s, y, _) in zip(found, sorted(walkers), strict=True):
        assert streak.start_ms / 1000 < at_s < streak.end_ms / 1000
        assert streak.end_ms - streak.start_ms < 700
        assert abs(streak.first - y / HEIGHT) < 0.08
        assert abs(streak.last - (y + 24) / HEIGHT) < 0.08
    dark, light = (one.tones[:, round(at_s * 1000 / TICK_MS)] for at_s in (3.0, 6.0))
    assert Tone.DARKER in dark
    assert Tone.LIGHTER not in dark
    assert Tone.LIGHTER in light


def test_faint_motion_is_a_streak_where_no_strong_one_is() -> None:
    tones = np.zeros((32, 200), np.uint8)
    tones[4:8, 20:30] = Tone.FAINT  # somebody in the colours of the street
    tones[10:14, 60:66] = Tone.DARKER
    tones[14:20, 60:70] = Tone.FAINT  # a shadow
    tones[25, 100:104] = Tone.FAINT  # noise

    found = streaks(TimeSlice("mid", 0, tones))

    assert [(streak.start_ms // TICK_MS, round(streak.first * 32)) for streak in found] == [(20, 4), (60, 10)]


def test_a_still_street_has_no_streak(tmp_path: Path) -> None:
    one = slice_of(write(tmp_path / "a.mp4", 60, 12, lambda time_s, picture: None))

    assert not np.isin(one.tones, MOTION).any()
    assert streaks(one) == []


def test_a_cloud_is_no_streak_and_a_pedestrian_under_it_is_one(tmp_path: Path) -> None:
    def draw(time_s: float, picture: Picture) -> None:
        if 4 <= time_s < 8:
            picture[:] = (picture * 0.7).astype(np.uint8)
        walker(6.0, 40)(time_s, picture)

    (streak,) = streaks(slice_of(write(tmp_path / "a.mp4", 150, 12, draw)))

    assert streak.start_ms < 6000 < streak.end_ms
    assert streak.end_ms - streak.start_ms < 700


def test_a_slice_is_too_coarse_to_recognise_a_person(tmp_path: Path) -> None:
    def draw(time_s: float, picture: Picture) -> None:
        if 2 <= time_s < 3:
            picture[:] = np.random.default_rng(1).integers(0, 255, picture.shape)

    one = slice_of(write(tmp_path / "a.mp4", 60, 12, draw), Line("long", (0.0, 0.0), (1.0, 1.0)))

    assert one.tones.shape[0] <= MOST_CELLS
    assert set(np.unique(one.tones)) <= {int(tone) for tone in Tone}


def test_a_tick_without_a_picture_is_unseen(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4", 120, 10, lambda time_s, picture: None, skip=range(40, 80))

    one = slice_of(path)

    unseen = np.flatnonzero((one.tones == Tone.UNSEEN).all(axis=0)) * TICK_MS
    assert (one.tones == Tone.UNSEEN).any(axis=0).sum() == len(unseen)
    # The last picture stands for itself for about a second.
    assert 4500 < unseen.min() < 5500
    assert 7800 < unseen.max() < 8000


@pytest.mark.parametrize("fps", [2, 5, 10, 12, 25])
def test_its_length_is_that_of_the_recording(tmp_path: Path, fps: int) -> None:
    one = slice_of(write(tmp_path / "a.mp4", 6 * fps, fps, lambda time_s, picture: None))

    assert abs(one.tones.shape[1] * TICK_MS - 6000) <= max(TICK_MS, 1000 / fps)
    assert not (one.tones == Tone.UNSEEN).any()


def test_it_depends_on_no_frame_far_away(tmp_path: Path) -> None:
    """Two recordings that differ from some time on have the same slice up to a cell and its reach before it."""
    differ_s, fps = 100, 4

    def draw(time_s: float, picture: Picture) -> None:
        for at_s in range(5, 120, 7):
            walker(at_s, at_s % 90, px_per_s=30)(time_s, picture)

    def drawn_otherwise(time_s: float, picture: Picture) -> None:
        draw(time_s, picture)
        if time_s >= differ_s:
            picture[:] = 255 - picture

    one, other = (
        slice_of(write(tmp_path / f"{name}.mp4", 120 * fps, fps, drawing))
        for name, drawing in (("a", draw), ("b", drawn_otherwise))
    )

    # An edge that sways is told from a body by what lies a second beside it.
    same = (differ_s * 1000 - CELL_MS - REACH_MS) // TICK_MS - 16
    assert np.array_equal(one.tones[:, :same], other.tones[:, :same])
    assert np.isin(one.tones[:, :same], MOTION).any()
    assert not np.array_equal(one.tones[:, -200:], other.tones[:, -200:])


def test_lines_of_one_recording_have_their_own_slices(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4", 96, 12, walker(4.0, 40))
    late = Line("late", (0.75, 0.0), (0.75, 1.0))

    mid, right = cut(probe(path), [MID, late], 1000)

    assert (mid.line, right.line, mid.start_ms) == ("mid", "late", 1000)
    ((first,), (second,)) = streaks(mid), streaks(right)
    # 40 px farther on, at 60 px a second.
    assert abs((second.start_ms - first.start_ms) - 667) < 200
