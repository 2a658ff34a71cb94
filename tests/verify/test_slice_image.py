"""The picture of a slice.

Invariant: what must be in it is looked for in its pixels.
"""

import io

import numpy as np
from PIL import Image

from passerby.verify.check_session import CheckSession
from passerby.verify.slice_image import LABELS, picture


def pixels(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


def test_every_counted_crossing_is_marked_in_the_colour_of_its_class(session: CheckSession) -> None:
    drawn = pixels(picture(session.counts, session.slices))

    for name in ("person", "car", "bicycle"):
        assert (drawn == LABELS[name][1]).all(axis=2).sum() > 100
    assert not (drawn == LABELS["bus"][1]).all(axis=2).any()


def test_a_slice_without_a_picture_in_it_is_drawn(session: CheckSession) -> None:
    from dataclasses import replace

    empty = [replace(one, tones=np.empty((1, 0), np.uint8)) for one in session.slices]

    assert pixels(picture(replace(session.counts, crossings=()), empty)).shape[2] == 3


def test_ten_minutes_are_ten_rows(session: CheckSession) -> None:
    from dataclasses import replace

    def height(duration_s: float) -> int:
        one = replace(session.slices[0], tones=np.zeros((32, round(duration_s * 12.5)), np.uint8))
        return int(pixels(picture(replace(session.counts, duration_s=duration_s), [one])).shape[0])

    assert height(600) == height(100)
    assert height(600) < 1000
    assert height(1200) > 1.8 * height(600)
