"""A patch of people side by side is split; any other patch stays whole."""

import itertools

import numpy as np
import pytest

from passerby.synth import bodies
from passerby.video.decode.frame import Image
from passerby.video.motion.split_groups import pedestrians_of


def drawn(people: int, tall: int, apart_m: float, phase: int = 0) -> Image:
    """Walkers beside each other, seen from the side, as balls of the synthetic street's bodies."""
    per_m = tall / 1.8
    wide = int((apart_m * (people - 1) + 1.2) * per_m)
    y, x = np.mgrid[0:tall, 0:wide] + 0.5
    mask = np.zeros((tall, wide), bool)
    for k in range(people):
        for blob in bodies.person(11 * k + phase, 1.75, 0.3 * k + 0.1 * phase, 1.0):
            ends = np.array(blob.balls)
            for share in np.linspace(0, 1, 6):
                u, _, w, r = ends[0] * (1 - share) + ends[-1] * share
                mask |= (x - (0.6 + k * apart_m + u) * per_m) ** 2 + (y - (1.8 - w) * per_m) ** 2 <= (
                    r * per_m
                ) ** 2
    columns = np.flatnonzero(mask.any(axis=0))
    rows = np.flatnonzero(mask.any(axis=1))
    return np.asarray(mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] * 255, np.uint8)


@pytest.mark.parametrize("tall", [24, 40, 80])
@pytest.mark.parametrize("people", [2, 3, 4])
def test_a_row_of_people_is_split(people: int, tall: int) -> None:
    found = [len(pedestrians_of(drawn(people, tall, 0.65, phase))) for phase in range(8)]
    # Heads hide behind each other now and then: a track needs most of its boxes, not all.
    assert sum(number == people for number in found) >= 6
    assert max(found) <= people


@pytest.mark.parametrize("tall", [24, 40, 80])
def test_one_pedestrian_is_not_split(tall: int) -> None:
    assert [len(pedestrians_of(drawn(1, tall, 0.0, phase))) for phase in range(8)] == [0] * 8


def test_parts_cover_the_patch_from_left_to_right() -> None:
    patch = drawn(3, 60, 0.65)
    parts = pedestrians_of(patch)
    assert parts[0][0] == 0
    assert parts[-1][2] == patch.shape[1]
    assert all(one[2] == following[0] for one, following in itertools.pairwise(parts))
    assert all(0 <= top < bottom <= patch.shape[0] for _, top, _, bottom in parts)


def test_a_vehicle_and_a_speck_are_not_split() -> None:
    box = np.full((40, 70), 255, np.uint8)
    roof = box.copy()
    roof[:15, :20] = roof[:15, 50:] = 0
    two_cabs = box.copy()
    two_cabs[:15, 30:40] = 0
    for patch in (box, roof, two_cabs, np.full((6, 6), 255, np.uint8), np.zeros((40, 40), np.uint8)):
        assert pedestrians_of(patch) == []
