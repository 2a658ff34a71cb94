"""The class of a path: its boxes vote with their confidence.

Invariant: classes of the closed list alone; a vote that is too close between vehicles names none of them.
"""

import numpy as np
from numpy.typing import NDArray

from passerby.counting.parameters import CrossingParams
from passerby.counting.paths import Path
from passerby.domain.labels import MOTOR_VEHICLES, Label

_CYCLES = [int(Label.BICYCLE), int(Label.MOTORCYCLE)]
_NAMED = [int(Label.CAR), int(Label.BUS), int(Label.TRUCK)]
_MOTORS = [*_NAMED, int(Label.VEHICLE)]


def votes_of(path: Path, params: CrossingParams) -> NDArray[np.float64]:
    """(8,) sums of confidence by `Label`; where hardly any box has a class, the shape has the only vote."""
    votes = np.bincount(path.class_id, path.confidence, minlength=len(Label)).astype(np.float64)
    if votes.sum() < params.min_mean_confidence * len(path.class_id):
        votes[:] = 0
        votes[_shape(path)] = 1e-3
    return votes


def elect(votes: NDArray[np.float64], params: CrossingParams = CrossingParams()) -> tuple[Label, float]:
    """The label that `votes` (8,) give, and the share of them that it won, 0..1.

    A close vote between car, bus and truck gives `VEHICLE`. A motor vehicle whose class is hardly ever named is a
    car, as most are. A rider whose motor was not seen clearly rides a bicycle.
    """
    total = float(votes.sum())
    walking, cycling, driving = (
        float(votes[Label.PERSON]),
        float(votes[_CYCLES].sum()),
        float(votes[_MOTORS].sum()),
    )
    if not walking + cycling + driving:
        return Label.UNKNOWN, float(votes[Label.UNKNOWN]) / total
    # Detectors often take a rider for a pedestrian, hardly ever a pedestrian for a rider.
    if cycling >= params.rider_share * (cycling + walking) > 0 and cycling + walking > driving:
        has_motor = float(votes[Label.MOTORCYCLE]) >= params.motor_share * (cycling + walking)
        return (Label.MOTORCYCLE if has_motor else Label.BICYCLE), (cycling + walking) / total
    if driving < walking:
        return Label.PERSON, walking / total
    named = float(votes[_NAMED].sum())
    if named <= params.min_named_share * driving:
        return Label.CAR, driving / total
    best = max(_NAMED, key=lambda label: votes[label])
    share = float(votes[best]) / named
    return (Label(best) if share >= params.class_share else Label.VEHICLE), share * driving / total


def kind_of(path: Path, params: CrossingParams) -> Label:
    """The elected label of a path, with all motor vehicles as `VEHICLE`."""
    label, _ = elect(votes_of(path, params), params)
    return Label.VEHICLE if label in MOTOR_VEHICLES else label


def _shape(path: Path) -> Label:
    """The label by shape of most boxes without a class; a motor vehicle is taken for a car, as most are."""
    label = Label(int(np.bincount(path.class_id[path.confidence == 0], minlength=len(Label)).argmax()))
    return Label.CAR if label == Label.VEHICLE else label
