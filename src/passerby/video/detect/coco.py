"""The 80 classes of COCO, of which six are ours.

Invariant: what is no person, bicycle or motor vehicle is dropped here and has no name beyond it.
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
    """Of (n, 80) class scores: the highest among our six (n,) float32, and its `Label` (n,) int64."""
    ours = scores[:, _COLUMNS]
    return ours.max(axis=1), _ROWS[ours.argmax(axis=1)]
