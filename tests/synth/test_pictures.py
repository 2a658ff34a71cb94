"""Equal streets give equal pictures, and an actor changes only the pixels that it covers."""

from dataclasses import replace

import numpy as np
import pytest

from passerby.synth import Actor, Kind, Rates, Street, actors, frames, passing
from passerby.synth.motion import positions
from passerby.synth.street import NEAR_PAVEMENT, NEAR_ROAD, view_of

SMALL = Street(seed=3, density="dense", duration_s=8, width=320, height=180, fps=5)
EMPTY = replace(SMALL, density=Rates(0, 0, 0), parked=0)


def test_equal_streets_give_equal_pictures_and_other_seeds_others() -> None:
    one, same = list(frames(SMALL, last=6)), list(frames(replace(SMALL), last=6))
    assert all(np.array_equal(a, b) for a, b in zip(one, same, strict=True))
    assert not np.array_equal(one[0], next(frames(replace(SMALL, seed=4))))
    assert one[0].shape == (180, 320, 3)
    assert one[0].dtype == np.uint8
    assert len(list(frames(SMALL))) == SMALL.frame_count == 40


def test_a_frame_does_not_depend_on_the_frames_before() -> None:
    for number, image in enumerate(frames(SMALL, last=5)):
        assert np.array_equal(image, next(frames(SMALL, first=number)))


@pytest.mark.slow
@pytest.mark.parametrize(
    "street",
    [SMALL, replace(SMALL, rain=0.6, contrast=0.4), replace(SMALL, noise=0)],
    ids=["day", "rain", "noiseless"],
)
def test_leaving_an_actor_out_changes_no_pixel_elsewhere(street: Street) -> None:
    view = view_of(street)
    touched = 0
    for number in (3, 17, 31):
        time_s = street.time_s(number)
        whole = next(frames(street, first=number))
        for actor in actors(street):
            if not actor.present(time_s):
                continue
            without = next(frames(street, {actor.name}, first=number))
            rows, columns = np.nonzero((whole != without).any(axis=2))
            if len(rows) == 0:
                continue
            touched += 1
            # Nobody's body or shadow reaches further over the ground than its length and its height.
            length, width, height = actor.size_m
            reach = max(length, width) / 2 + 1.2 * height + 0.3
            x, y = positions(actor, np.array([time_s]))[0]
            corners = np.array(
                [
                    (x + a * reach, y + b * reach, c)
                    for a in (-1, 1)
                    for b in (-1, 1)
                    for c in (0, height * 1.1)
                ]
            )
            pixels, _ = view.project(corners)
            (x1, y1), (x2, y2) = pixels.min(axis=0) - 8, pixels.max(axis=0) + 8
            assert x1 <= columns.min()
            assert columns.max() <= x2
            assert y1 <= rows.min()
            assert rows.max() <= y2
    assert touched > 10


def test_leaving_out_an_absent_actor_changes_nothing() -> None:
    gone = {actor.name for actor in actors(SMALL) if not actor.present(1.0)}
    assert gone
    assert np.array_equal(next(frames(SMALL, first=5)), next(frames(SMALL, gone, first=5)))


def _canary_share(image: np.ndarray) -> float:
    blue, green, red = (image[..., k].astype(int) for k in range(3))
    magenta = (blue > 180) & (red > 180) & (green < 90)
    return float((magenta | ((green > 180) & (blue < 90) & (red < 90))).mean())


@pytest.mark.parametrize("kind", list(Kind))
def test_a_canary_has_colours_that_nothing_else_has(kind: Kind) -> None:
    path = passing(EMPTY, NEAR_ROAD, 1.0, 8.0, at_m=-6.0)
    plain = replace(EMPTY, extra=(Actor("one", kind, path),))
    painted = replace(EMPTY, extra=(Actor("one", kind, path, canary=True),))
    assert _canary_share(next(frames(plain, first=5))) == 0
    assert _canary_share(next(frames(painted, first=5))) > 0.001
    assert _canary_share(next(frames(SMALL))) == 0


def test_on_an_empty_street_only_the_noise_changes() -> None:
    still = list(frames(replace(EMPTY, noise=0), last=3))
    assert max(int(np.abs(a.astype(int) - still[0]).max()) for a in still) <= 2
    noisy = list(frames(replace(EMPTY, noise=4), last=2))
    spread = float((noisy[0].astype(float) - noisy[1]).std())
    assert 4 < spread < 7  # sqrt(2) * 4, a little less where the greys saturate


def test_weather_and_camera_settings_change_the_picture() -> None:
    day = next(frames(EMPTY))
    assert next(frames(replace(EMPTY, contrast=0.2))).std() < 0.4 * day.std()
    assert float(np.abs(next(frames(replace(EMPTY, rain=1.0))).astype(float) - day).mean()) > 8
    calm = [np.abs(a.astype(float) - day).mean() for a in frames(replace(EMPTY, noise=0), first=1, last=4)]
    shaken = [
        np.abs(a.astype(float) - day).mean() for a in frames(replace(EMPTY, noise=0, shake_px=4), last=4)
    ]
    assert max(shaken) > 1.5 * max(calm)
    assert not np.array_equal(day, next(frames(replace(EMPTY, scale=0.5))))


def test_a_walker_swings_its_legs_and_a_loiterer_does_not() -> None:
    path = passing(EMPTY, NEAR_PAVEMENT, 0.0, 1.3, heading=1, at_m=-6.5, stops=[(-5.5, 5.0)])
    street = replace(EMPTY, noise=0, fps=10, extra=(Actor("one", Kind.PERSON, path),))
    walking: list[int] = []
    waiting: list[int] = []
    for first, areas in ((0, walking), (20, waiting)):
        for number in range(first, first + 6):
            whole, bare = next(frames(street, first=number)), next(frames(street, {"one"}, first=number))
            areas.append(int((whole != bare).any(axis=2).sum()))
    assert min(walking) > 50
    assert max(walking) - min(walking) > 0.05 * min(walking)
    assert max(waiting) - min(waiting) < 0.02 * min(waiting)
