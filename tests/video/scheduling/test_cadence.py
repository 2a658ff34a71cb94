"""Detections are valid for longer where objects are slow, and no longer than usual where a speed is unknown."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerby.counting.detections import Detections
from passerby.domain.labels import Label
from passerby.video.scheduling.cadence import PARAMS, valid_for_ms

INTERVAL_MS = 100
UNKNOWN = (np.nan, np.nan)


def valid_ms(*objects: tuple[tuple[float, float], float]) -> float:
    """For objects of 20 x 45 px, so of 30 px, each with a velocity in px per ms and a confidence."""
    rows = np.array([[x, 0, x + 20, 45] for x in range(0, 100 * len(objects), 100)], np.float32).reshape(
        -1, 4
    )
    sure = np.array([confidence for _, confidence in objects], np.float32)
    velocity = np.array([speed for speed, _ in objects], np.float32).reshape(-1, 2)
    return valid_for_ms(
        Detections(0, rows, sure, np.full(len(rows), Label.PERSON, np.int64)), velocity, INTERVAL_MS
    )


def test_an_empty_corridor_allows_the_longest_delay() -> None:
    assert valid_ms() == PARAMS.longest * INTERVAL_MS
    assert valid_ms((UNKNOWN, 0.2)) == PARAMS.longest * INTERVAL_MS


def test_a_sure_new_object_allows_no_delay() -> None:
    assert valid_ms(((0, 0), 0.8), (UNKNOWN, 0.8)) == INTERVAL_MS
    assert valid_ms(((0, 0), 0.8), (UNKNOWN, 0.2)) == pytest.approx(PARAMS.longest * INTERVAL_MS)


def test_a_standing_object_allows_the_longest_delay() -> None:
    assert valid_ms(((0, 0), 0.8)) == pytest.approx(PARAMS.longest * INTERVAL_MS)


@given(st.floats(0, 3), st.floats(0, 6.3), st.floats(0.1, 1))
def test_no_object_moves_farther_than_its_reach(speed: float, way: float, confidence: float) -> None:
    wait_ms = valid_ms(((speed * np.cos(way), speed * np.sin(way)), confidence), ((0.01, 0), 0.9))
    assert wait_ms <= PARAMS.longest * INTERVAL_MS + 1e-3
    assert wait_ms * speed <= PARAMS.reach * 30 * 1.001
