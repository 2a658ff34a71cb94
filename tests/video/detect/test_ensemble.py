"""Two detectors that look at one picture see everyone once."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from passerby.counting.detections import KIND
from passerby.domain.labels import Label
from passerby.video.detect.ensemble import agreed
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


def test_one_body_that_both_see_is_one_and_the_surer_says_where() -> None:
    found = agreed(boxes((WALKER, 0.5, Label.PERSON)), boxes(((98, 104, 121, 158), 0.9, Label.PERSON)))
    assert rows(found) == [((98, 104, 121, 158), 0.9, Label.PERSON)]


def test_two_who_hide_each_other_stay_two() -> None:
    both = boxes((WALKER, 0.8, Label.PERSON), (BESIDE, 0.7, Label.PERSON))
    assert len(agreed(both, both).xyxy) == 2


def test_a_box_around_two_that_the_other_tells_apart_adds_nobody() -> None:
    both = boxes((WALKER, 0.8, Label.PERSON), (BESIDE, 0.7, Label.PERSON))
    assert len(agreed(both, boxes(((100, 100, 135, 160), 0.6, Label.PERSON))).xyxy) == 2


def test_a_second_box_on_one_body_is_an_echo() -> None:
    twice = boxes((WALKER, 0.8, Label.PERSON), ((106, 100, 124, 160), 0.4, Label.PERSON))
    assert len(agreed(twice, boxes((WALKER, 0.6, Label.PERSON))).xyxy) == 1


def test_what_one_of_them_does_not_see_is_believed_of_the_other() -> None:
    far = (300, 100, 320, 160)
    found = agreed(boxes((WALKER, 0.8, Label.PERSON)), boxes((far, 0.3, Label.PERSON)))
    assert len(found.xyxy) == 2
    assert rows(agreed(no_boxes(), found)) == rows(agreed(found, no_boxes())) == rows(found)


def test_a_walker_before_a_car_is_no_part_of_it() -> None:
    found = agreed(boxes(((50, 80, 250, 170), 0.9, Label.CAR)), boxes((WALKER, 0.6, Label.PERSON)))
    assert len(found.xyxy) == 2


def test_a_kind_is_named_by_who_knows_kinds_and_is_sure() -> None:
    place = (50, 80, 250, 170)
    vehicle = boxes((place, 0.9, Label.VEHICLE))
    assert agreed(vehicle, boxes((place, 0.7, Label.TRUCK))).class_id.tolist() == [Label.TRUCK]
    assert agreed(vehicle, boxes((place, 0.3, Label.TRUCK))).class_id.tolist() == [Label.VEHICLE]
    assert agreed(boxes((place, 0.5, Label.BUS)), vehicle).class_id.tolist() == [Label.VEHICLE]
    assert agreed(boxes((place, 0.95, Label.BUS)), vehicle).class_id.tolist() == [Label.BUS]


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
def test_nothing_is_made_up_and_no_kind_is_lost(
    one: list[tuple[int, ...]], other: list[tuple[int, ...]]
) -> None:
    first, second = made(one), made(other)  # type: ignore[arg-type]
    found = agreed(first, second)
    given_ = {tuple(row) for row in (*first.xyxy.tolist(), *second.xyxy.tolist())}
    assert {tuple(row) for row in found.xyxy.tolist()} <= given_
    assert max(len(first.xyxy), len(second.xyxy)) <= len(found.xyxy) + min(len(first.xyxy), len(second.xyxy))
    kinds = [set(KIND[one.class_id].tolist()) for one in (first, second, found)]
    assert kinds[2] == kinds[0] | kinds[1]
    assert len(found.xyxy) <= len(first.xyxy) + len(second.xyxy)
