"""The marks of a live camera: cells and labels, for a time, and nothing that tells two objects apart.

Invariant: the same boxes with other pixels give the same marks.
"""

from random import Random
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from passerby.counting.detections import Detections
from passerby.domain.labels import Label
from passerby.video.setup.coarse_marks import COLUMNS, ROWS, Mark, quantised


def seen(*boxes: tuple[float, float, float, float, Label]) -> Detections:
    return Detections(
        1,
        np.array([box[:4] for box in boxes], np.float32).reshape(-1, 4),
        np.full(len(boxes), 0.9, np.float32),
        np.array([box[4] for box in boxes], np.int64),
    )


def test_a_mark_is_the_middle_of_the_cell_with_the_feet() -> None:
    (mark,) = quantised(seen((100, 50, 110, 99, Label.PERSON)), 640, 360)

    assert mark == Mark(5.5 / 32, 4.5 / 18, "person")


def test_objects_in_one_cell_are_one_mark() -> None:
    two = seen((100, 50, 110, 99, Label.PERSON), (102, 40, 113, 95, Label.PERSON))

    assert len(quantised(two, 640, 360)) == 1


@given(
    st.lists(
        st.tuples(*[st.floats(-50, 900, width=32)] * 4, st.sampled_from(list(Label))),
        max_size=6,
    ),
    st.randoms(),
)
def test_marks_lie_on_the_grid_in_order_of_place(boxes: list[Any], random: Random) -> None:
    found = quantised(seen(*boxes), 640, 360)

    shuffled = list(boxes)
    random.shuffle(shuffled)
    assert quantised(seen(*shuffled), 640, 360) == found
    for mark in found:
        assert (mark.x * COLUMNS - 0.5).is_integer()
        assert (mark.y * ROWS - 0.5).is_integer()
        assert 0 < mark.x < 1
        assert 0 < mark.y < 1
