"""The time of a live frame, and frozen pictures: without a clock or a camera.

Invariant: every time is given by the test.
"""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from passerby.video.decode.frame import Frame
from passerby.video.decode.timestamps import TRUSTED_MS, Stamps

NOW = 1_780_300_800_000


def test_jitter_of_the_network_is_removed_after_a_frame_with_little_delay() -> None:
    stamps = Stamps()
    delays = [5, 300, 40, 800, 5, 120]

    times = [stamps.stamp(NOW + n * 100 + late, n * 100, None).time_ms for n, late in enumerate(delays)]

    assert all(abs(time - (NOW + 5 + n * 100)) <= 2 for n, time in enumerate(times))


def test_without_a_time_stamp_the_time_of_arrival_is_used() -> None:
    stamps = Stamps()

    assert stamps.stamp(NOW, None, None).time_ms == NOW
    assert stamps.stamp(NOW + 730, 100, None).time_ms == NOW + 730


def test_frames_of_a_segment_get_the_times_of_their_stamps() -> None:
    stamps = Stamps()
    for n in range(10):
        stamps.stamp(NOW, n * 200, None)

    times = [stamps.stamp(NOW + 2000, 2000 + n * 200, None).time_ms for n in range(10)]

    assert all(abs(later - time - 200) <= 5 for time, later in pairwise(times))
    assert times[-1] <= NOW + 2000


def test_the_senders_clock_is_used_where_it_can_be_right() -> None:
    right = Stamps().stamp(NOW, 0, NOW - 350)
    wrong = Stamps().stamp(NOW, 0, NOW - TRUSTED_MS - 1)

    assert (right.time_ms, right.by_sender) == (NOW - 350, True)
    assert (wrong.time_ms, wrong.by_sender) == (NOW, False)


def test_a_jump_of_a_cameras_clock_is_reported_once() -> None:
    for pts_ms, sender_ms in ((3_600_000, None), (-3_600_000, None), (5_200, NOW + 3_600_000)):
        stamps = Stamps()
        jumps = [stamps.stamp(NOW + n * 200, n * 200, NOW + n * 200).jumped for n in range(25)]
        leap = stamps.stamp(NOW + 5_200, pts_ms, sender_ms)
        after = stamps.stamp(NOW + 5_400, pts_ms + 200, None if sender_ms is None else sender_ms + 200)

        assert not any(jumps)
        assert leap.jumped
        assert not after.jumped
        assert abs(after.time_ms - (NOW + 5_400)) <= 10


def test_frames_that_stay_late_mean_that_our_clock_was_set() -> None:
    stamps = Stamps()
    stamps.stamp(NOW, 0, None)

    times = [stamps.stamp(NOW + 3_600_000 + n * 200, n * 200, None).time_ms for n in range(1, 80)]

    assert abs(times[-1] - (NOW + 3_600_000 + 79 * 200)) <= 10


@given(st.lists(st.integers(0, 1500), min_size=1, max_size=60))
def test_a_frame_is_never_dated_after_its_arrival(delays: list[int]) -> None:
    stamps = Stamps()

    for n, late in enumerate(delays):
        arrival = NOW + n * 100 + late
        assert stamps.stamp(arrival, n * 100, None).time_ms <= arrival


def picture(seed: int) -> Frame:
    grey = np.random.default_rng(seed).integers(0, 255, (36, 64), np.uint8)
    return Frame(NOW, grey, grey[::2, ::2], grey[::2, ::2])
