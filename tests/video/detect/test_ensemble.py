"""An object that two detectors find is one object, and no object is lost."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from passerby.counting.detections import KIND
from passerby.domain.labels import Label
from passerby.video.detect.ensemble import merged
from passerby.video.detect.nms import Boxes, no_boxes

WALKER = (100, 100, 120, 160)
BESIDE = (115, 100, 135, 160)


def boxes(*rows: tuple[tuple[int, int, int, int], float, Label]) -> Boxes:
    return Boxes(
        np.array([xyxy for xyxy, _, _ in rows], np.float32).reshape(-1, 4),
        np.array([sure for _, sure, _ in rows], np.float32),
        np.array([int(label) for _, _, label in rows], np.int64),
    )


def rows(found: Boxes) -> list[tuple[tuple[float, ...], float, Label]]:
    return [
        (tuple(xyxy.tolist()), round(float(sure), 3), Label(int(label)))
        for xyxy, sure, label in zip(*found, strict=True)
    ]


def test_an_object_that_both_find_is_one_with_the_box_of_the_surer_one() -> None:
    found = merged(boxes((WALKER, 0.5, Label.PERSON)), boxes(((98, 104, 121, 158), 0.9, Label.PERSON)))
    assert rows(found) == [((98, 104, 121, 158), 0.9, Label.PERSON)]


def test_two_objects_that_hide_each_other_stay_two() -> None:
    both = boxes((WALKER, 0.8, Label.PERSON), (BESIDE, 0.7, Label.PERSON))
    assert len(merged(both, both).xyxy) == 2


def test_a_box_around_two_objects_of_the_second_detector_adds_none() -> None:
    both = boxes((WALKER, 0.8, Label.PERSON), (BESIDE, 0.7, Label.PERSON))
    assert len(merged(both, boxes(((100, 100, 135, 160), 0.6, Label.PERSON))).xyxy) == 2


def test_a_second_box_on_an_object_of_a_pair_is_dropped() -> None:
    twice = boxes((WALKER, 0.8, Label.PERSON), ((106, 100, 124, 160), 0.4, Label.PERSON))
    assert len(merged(twice, boxes((WALKER, 0.6, Label.PERSON))).xyxy) == 1


def test_an_object_that_only_one_detector_finds_is_kept() -> None:
    far = (300, 100, 320, 160)
    found = merged(boxes((WALKER, 0.8, Label.PERSON)), boxes((far, 0.3, Label.PERSON)))
    assert len(found.xyxy) == 2
    assert rows(merged(no_boxes(), found)) == rows(merged(found, no_boxes())) == rows(found)


def test_a_pedestrian_in_front_of_a_car_is_kept() -> None:
    found = merged(boxes(((50, 80, 250, 170), 0.9, Label.CAR)), boxes((WALKER, 0.6, Label.PERSON)))
    assert len(found.xyxy) == 2


def test_the_kind_of_a_vehicle_comes_from_a_detector_that_is_sure_of_it() -> None:
    place = (50, 80, 250, 170)
    vehicle = boxes((place, 0.9, Label.VEHICLE))
    assert merged(vehicle, boxes((place, 0.7, Label.TRUCK))).class_id.tolist() == [Label.TRUCK]
    assert merged(vehicle, boxes((place, 0.3, Label.TRUCK))).class_id.tolist() == [Label.VEHICLE]
    assert merged(boxes((place, 0.5, Label.BUS)), vehicle).class_id.tolist() == [Label.VEHICLE]
    assert merged(boxes((place, 0.95, Label.BUS)), vehicle).class_id.tolist() == [Label.BUS]


def made(draw: list[tuple[int, int, int, int, int, int]]) -> Boxes:
    return boxes(*(((x, y, x + w, y + h), c / 10, Label(k)) for x, y, w, h, c, k in draw))


ROWS = st.lists(
    st.tuples(
        st.integers(0, 80),
        st.integers(0, 80),
        st.integers(5, 60),
        st.integers(5, 60),
        st.integers(1, 10),
        st.integers(0, len(Label) - 1),
    ),
    max_size=7,
)


@given(ROWS, ROWS)
def test_no_box_is_invented_and_no_kind_is_lost(
    one: list[tuple[int, ...]], other: list[tuple[int, ...]]
) -> None:
    first, second = made(one), made(other)  # type: ignore[arg-type]
    found = merged(first, second)
    given_ = {tuple(row) for row in (*first.xyxy.tolist(), *second.xyxy.tolist())}
    assert {tuple(row) for row in found.xyxy.tolist()} <= given_
    assert max(len(first.xyxy), len(second.xyxy)) <= len(found.xyxy) + min(len(first.xyxy), len(second.xyxy))
    kinds = [set(KIND[one.class_id].tolist()) for one in (first, second, found)]
    assert kinds[2] == kinds[0] | kinds[1]
    assert len(found.xyxy) <= len(first.xyxy) + len(second.xyxy)
