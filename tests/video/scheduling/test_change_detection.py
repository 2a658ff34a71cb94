"""Changes are found; a change of light, noise, and the outside of a corridor are no changes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.tiers import examples

from passerby.video.decode.regions import region_of
from passerby.video.scheduling.change_detection import ChangeGrid, change_grid, changes

Image = NDArray[np.uint8]
SIZE = 320, 180


def ground(seed: int = 1) -> Image:
    return np.random.default_rng(seed).integers(80, 140, (SIZE[1], SIZE[0]), np.uint8)


@pytest.fixture
def everywhere() -> ChangeGrid:
    return change_grid(region_of((0, 0, *SIZE), np.ones((SIZE[1], SIZE[0]), np.bool_)), SIZE)


def test_the_same_picture_has_no_change(everywhere: ChangeGrid) -> None:
    assert changes(ground(), ground(), everywhere) == []


@settings(max_examples=examples(30), deadline=None)
@given(st.integers(0, 290), st.integers(0, 150), st.booleans())
def test_a_change_contains_an_object_that_appeared(x: int, y: int, is_dark: bool) -> None:
    grid = change_grid(region_of((0, 0, *SIZE), np.ones((SIZE[1], SIZE[0]), np.bool_)), SIZE)
    now = ground()
    now[y : y + 20, x : x + 12] = 0 if is_dark else 255
    [(left, top, right, bottom)] = changes(ground(), now, grid)
    assert left <= x
    assert top <= y
    assert right >= min(SIZE[0], x + 12)
    assert bottom >= min(SIZE[1], y + 20)
    assert (right - left) * (bottom - top) < 50 * 50


def test_two_objects_far_apart_are_two_changes(everywhere: ChangeGrid) -> None:
    now = ground()
    now[20:40, 20:32] = 255
    now[120:140, 220:232] = 255
    assert len(changes(ground(), now, everywhere)) == 2


@pytest.mark.parametrize("gain", [-25, -3, 3, 40])
def test_a_change_of_all_the_light_is_no_change(everywhere: ChangeGrid, gain: int) -> None:
    now = (ground().astype(np.int16) + gain).clip(0, 255).astype(np.uint8)
    assert changes(ground(), now, everywhere) == []


@pytest.mark.parametrize("sigma", [1.0, 3.0, 8.0])
def test_noise_is_no_change_and_hides_none(everywhere: ChangeGrid, sigma: float) -> None:
    dice = np.random.default_rng(7)

    def noisy(image: Image) -> Image:
        return (image + dice.normal(0, sigma, image.shape)).clip(0, 255).astype(np.uint8)

    assert changes(noisy(ground()), noisy(ground()), everywhere) == []
    now = ground()
    now[60:90, 100:115] = 255
    assert len(changes(noisy(ground()), noisy(now), everywhere)) == 1


def test_changes_outside_the_corridor_are_ignored() -> None:
    shown = np.zeros((SIZE[1], SIZE[0]), np.bool_)
    shown[:, 100:200] = True
    grid = change_grid(region_of((0, 0, *SIZE), shown), SIZE)
    now = ground()
    now[60:90, 20:60] = 255
    assert changes(ground(), now, grid) == []
    now[60:90, 150:160] = 255
    assert len(changes(ground(), now, grid)) == 1
