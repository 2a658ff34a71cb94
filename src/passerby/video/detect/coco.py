"""The 80 classes of COCO, and the six of them that are counted.

Invariant: every class but persons, bicycles and motor vehicles is dropped here.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from passerby.domain.labels import Label

CLASSES = 80

# cocodataset.org: person 0, bicycle 1, car 2, motorcycle 3, bus 5, truck 7 (of the 80, counted from 0).
_COLUMN = {
    Label.PERSON: 0,
    Label.BICYCLE: 1,
    Label.CAR: 2,
    Label.MOTORCYCLE: 3,
    Label.BUS: 5,
    Label.TRUCK: 7,
}
LABELS = frozenset(_COLUMN)
_ROWS = np.array(sorted(LABELS), np.int64)
_COLUMNS = np.array([_COLUMN[label] for label in sorted(LABELS)], np.int64)


NUMBERS = 91
"""COCO's own numbers end at 90, with gaps; networks that use them have a column for 0 and for every gap."""
BY_COLUMN: Mapping[int, Label] = {column: label for label, column in _COLUMN.items()}
BY_NUMBER: Mapping[int, Label] = {
    1: Label.PERSON,
    2: Label.BICYCLE,
    3: Label.CAR,
    4: Label.MOTORCYCLE,
    6: Label.BUS,
    8: Label.TRUCK,
}
"""cocodataset.org: the numbers in the annotations."""


def labels_of(
    numbers: NDArray[np.int64], known: Mapping[int, Label]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """For class numbers (n,): the `Label` of each (n,) int64, and whether it is one that is counted (n,) bool."""
    labels = [known.get(int(number), Label.UNKNOWN) for number in numbers]
    return np.array(labels, np.int64), np.isin(numbers, list(known))


def best_label(scores: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """For (n, 80) class scores: the highest score of the six labels (n,) float32, and its `Label` (n,) int64."""
    counted = scores[:, _COLUMNS]
    return counted.max(axis=1), _ROWS[counted.argmax(axis=1)]
