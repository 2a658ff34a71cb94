"""Non-maximum suppression: one object, one box."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerby.domain.labels import Label
from passerby.video.detect.nms import Boxes, no_boxes, suppress, within

CAR = [0, 0, 100, 50]
CAR_AGAIN = [4, 2, 104, 52]
BESIDE = [90, 0, 190, 50]


def boxes(*rows: tuple[list[float], float, Label]) -> Boxes:
    return Boxes(
        np.array([row[0] for row in rows], np.float32).reshape(-1, 4),
        np.array([row[1] for row in rows], np.float32),
        np.array([row[2] for row in rows], np.int64),
    )


@pytest.mark.parametrize(
    ("found", "kept"),
    [
        ([], []),
        ([(CAR, 0.5, Label.CAR)], [Label.CAR]),
        ([(CAR, 0.5, Label.CAR), (CAR_AGAIN, 0.9, Label.TRUCK)], [Label.TRUCK]),
        ([(CAR, 0.5, Label.VEHICLE), (CAR_AGAIN, 0.4, Label.BUS)], [Label.VEHICLE]),
        ([(CAR, 0.5, Label.CAR), (BESIDE, 0.9, Label.CAR)], [Label.CAR, Label.CAR]),
        ([(CAR, 0.5, Label.PERSON), (CAR_AGAIN, 0.9, Label.CAR)], [Label.CAR, Label.PERSON]),
        ([(CAR, 0.9, Label.PERSON), (CAR_AGAIN, 0.5, Label.BICYCLE)], [Label.PERSON, Label.BICYCLE]),
        ([(CAR, 0.4, Label.BICYCLE), (CAR_AGAIN, 0.5, Label.MOTORCYCLE)], [Label.MOTORCYCLE]),
        ([(CAR, 0.4, Label.BICYCLE), (CAR_AGAIN, 0.5, Label.CAR)], [Label.CAR, Label.BICYCLE]),
    ],
)
def test_an_object_keeps_its_surest_box(
    found: list[tuple[list[float], float, Label]], kept: list[Label]
) -> None:
    assert [Label(number) for number in suppress(boxes(*found)).class_id] == kept


def test_no_boxes_stay_no_boxes_of_the_same_types() -> None:
    empty = within(suppress(no_boxes()), 10, 10)
    assert [array.dtype for array in empty] == [np.float32, np.float32, np.int64]
    assert empty.xyxy.shape == (0, 4)


corner = st.integers(0, 60)
side = st.integers(1, 60)
box = st.tuples(corner, corner, side, side, st.integers(1, 99), st.sampled_from(list(Label)))


@given(st.lists(box, max_size=12))
def test_kept_boxes_are_sorted_separate_and_among_the_given_ones(
    rows: list[tuple[int, int, int, int, int, Label]],
) -> None:
    found = boxes(
        *(([float(x), float(y), float(x + w), float(y + h)], c / 100, label) for x, y, w, h, c, label in rows)
    )
    kept = suppress(found, iou=0.5)
    assert list(kept.confidence) == sorted(kept.confidence, reverse=True)
    assert {tuple(b) for b in kept.xyxy.tolist()} <= {tuple(b) for b in found.xyxy.tolist()}
    assert (len(kept.xyxy) > 0) == (len(found.xyxy) > 0)
    for label in Label:
        same = kept.xyxy[kept.class_id == label]
        for i, one in enumerate(same):
            for other in same[i + 1 :]:
                assert overlap(one, other) <= 0.5 + 1e-6


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(0.0, float(width)) * max(0.0, float(height))
    areas = [float((b[2] - b[0]) * (b[3] - b[1])) for b in (one, other)]
    return shared / (sum(areas) - shared)


def test_boxes_are_cut_to_the_image_and_dropped_outside_it() -> None:
    found = boxes(
        ([-5, -5, 5, 5], 0.9, Label.CAR), ([20, 20, 30, 30], 0.8, Label.CAR), ([3, 3, 40, 9], 0.7, Label.BUS)
    )
    kept = within(found, 10, 8)
    assert kept.xyxy.tolist() == [[0, 0, 5, 5], [3, 3, 10, 8]]
    assert kept.class_id.tolist() == [Label.CAR, Label.BUS]
