"""A look is good for longer where what is seen is slow, and for no longer where it is not known how fast it is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerby.counting.detections import Detections
from passerby.domain.labels import Label
from passerby.video.scheduling.cadence import LONGEST, REACH, good_for_ms

LOOK_MS = 100
UNKNOWN = (np.nan, np.nan)


def good(*bodies: tuple[tuple[float, float], float]) -> float:
    """For bodies of 20 x 45 px, so of 30 px, each with a velocity in px per ms and a confidence."""
    rows = np.array([[x, 0, x + 20, 45] for x in range(0, 100 * len(bodies), 100)], np.float32).reshape(-1, 4)
    sure = np.array([confidence for _, confidence in bodies], np.float32)
    velocity = np.array([one for one, _ in bodies], np.float32).reshape(-1, 2)
    return good_for_ms(
        Detections(0, rows, sure, np.full(len(rows), Label.PERSON, np.int64)), velocity, LOOK_MS
    )


def test_nobody_is_fast() -> None:
    assert good() == LONGEST * LOOK_MS
    assert good((UNKNOWN, 0.2)) == LONGEST * LOOK_MS


def test_who_is_new_is_looked_at_again_at_once() -> None:
    assert good(((0, 0), 0.8), (UNKNOWN, 0.8)) == LOOK_MS
    assert good(((0, 0), 0.8), (UNKNOWN, 0.2)) == pytest.approx(LONGEST * LOOK_MS)


def test_who_stands_is_looked_at_seldom() -> None:
    assert good(((0, 0), 0.8)) == pytest.approx(LONGEST * LOOK_MS)


@given(st.floats(0, 3), st.floats(0, 6.3), st.floats(0.1, 1))
def test_nobody_goes_farther_than_may_be(speed: float, way: float, confidence: float) -> None:
    wait_ms = good(((speed * np.cos(way), speed * np.sin(way)), confidence), ((0.01, 0), 0.9))
    assert wait_ms <= LONGEST * LOOK_MS + 1e-3
    assert wait_ms * speed <= REACH * 30 * 1.001
