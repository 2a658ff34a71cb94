"""The 80 classes of COCO, and the six of them that are counted.

Invariant: every class but persons, bicycles and motor vehicles is dropped here.
"""

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


def best_label(scores: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """For (n, 80) class scores: the highest score of the six labels (n,) float32, and its `Label` (n,) int64."""
    counted = scores[:, _COLUMNS]
    return counted.max(axis=1), _ROWS[counted.argmax(axis=1)]
