"""What kind of body crossed: a sum of log-evidence over its track.

Invariant: classes of the closed list alone; where the sum is not decisive the kind is `UNKNOWN`, and never guessed.

Evidence comes from what detectors say of its boxes, from the shape of the boxes that only moved, and from its pace and
proportions. `KindParams` has all numbers and their sources.
"""

from collections.abc import Sequence
from math import log

import numpy as np
from numpy.typing import NDArray

from passerby.counting.counts import Evidence, Kinematics
from passerby.counting.detections import KIND
from passerby.counting.parameters import CrossingParams, KindParams
from passerby.counting.paths import Path
from passerby.domain.labels import Label

KINDS = (Label.PERSON, Label.BICYCLE, Label.VEHICLE)
"""The kinds that are told apart, in the order of every (3,) array; a two-wheeler is a `BICYCLE` here."""

Votes = NDArray[np.float64]
"""(2, 8) by `Label`: sums of confidence of the boxes of detectors, and numbers of boxes of motion by their shape."""


def votes_of(path: Path) -> Votes:
    """The votes of a path's boxes; votes of several paths of one body are added."""
    moved = path.confidence == 0
    said = np.bincount(path.class_id, path.confidence, minlength=len(Label))
    return np.stack([said, np.bincount(path.class_id[moved], minlength=len(Label))]).astype(np.float64)


def evidence_of(votes: Votes, body: Kinematics | None, params: KindParams = KindParams()) -> Evidence:
    """The log-evidence of `votes` and of a body's pace and proportions, None where these are not known."""
    said, shapes = _by_kind(votes[0]), _by_kind(votes[1])
    total = np.zeros(len(KINDS))
    if said.sum() > 0:
        total += min(said.sum(), params.said_weight) * _expected(said, params.said)
    if shapes.sum() > 0:
        # A box of a detector weighs at most 1, a box of motion 1.
        moved_share = shapes.sum() / (shapes.sum() + said.sum())
        total += params.shape_weight * moved_share * _expected(shapes, params.shape)
    if body is not None:
        pace, aspect = max(1e-3, 1000 * body.pace / body.height), body.length / body.height
        total += params.pace_weight * _log_density(pace, params.pace, params)
        total += params.aspect_weight * _log_density(aspect, params.aspect, params)
    total -= total.max()
    return Evidence(
        (float(total[0]), float(total[1]), float(total[2])),
        _cycle(votes[0], params),
        _motor(votes, params),
    )


def decide(
    evidence: Evidence, experience: Sequence[float] = (), params: KindParams = KindParams()
) -> tuple[Label, float]:
    """The label of a body and the probability of its kind, 0..1; `UNKNOWN` below `params.decisive`.

    `experience`: log-odds (3,) of the kinds at its line before the body is looked at; empty where all are as likely.
    """
    probability = _probabilities(evidence, experience)
    best = int(probability.argmax())
    share = float(probability[best])
    if share < params.decisive:
        return Label.UNKNOWN, share
    return (Label.PERSON, evidence.cycle, evidence.vehicle)[best], share


def experience_of(bodies: Sequence[Evidence], params: KindParams = KindParams()) -> list[tuple[float, ...]]:
    """For each body, the log-odds (3,) of the kinds at its line, learned from all others that are beyond doubt."""
    probabilities = np.array([_probabilities(body) for body in bodies]).reshape(-1, len(KINDS))
    sure = np.eye(len(KINDS))[probabilities.argmax(axis=1)] * (
        probabilities.max(axis=1, keepdims=True) >= params.beyond_doubt
    )
    others = sure.sum(axis=0) - sure + params.prior_bodies
    odds = np.log(others / others.max(axis=1, keepdims=True))
    return [tuple(row) for row in np.maximum(odds, -log(params.experience_most)).tolist()]


def kind_of(path: Path, params: CrossingParams) -> Label:
    """The likeliest kind of a path by its boxes alone, as in `KINDS`."""
    return KINDS[int(np.argmax(evidence_of(votes_of(path), None, params.kinds).log))]


def _probabilities(evidence: Evidence, experience: Sequence[float] = ()) -> NDArray[np.float64]:
    total = np.array(evidence.log)
    if experience:
        total += experience
    likelihood = np.exp(total - total.max())
    return np.asarray(likelihood / likelihood.sum())


def _by_kind(votes: NDArray[np.float64]) -> NDArray[np.float64]:
    """(3,) sums of votes (8,) by kind; those for `UNKNOWN` are in none."""
    return np.bincount(KIND, votes, minlength=len(Label))[list(KINDS)].astype(np.float64)


def _expected(votes: NDArray[np.float64], table: tuple[tuple[float, ...], ...]) -> NDArray[np.float64]:
    """Mean log-likelihood (3,) of votes (3,) for each true kind, a row of `table` each."""
    return np.asarray(np.log(np.array(table)) @ (votes / votes.sum()))


def _log_density(
    value: float, table: tuple[tuple[float, float], ...], params: KindParams
) -> NDArray[np.float64]:
    """Log-density (3,) of the logarithm of `value`: normal for each kind, with a floor for what is unusual."""
    median, spread = np.array(table).T
    score = (np.log(value) - np.log(median)) / spread
    return np.asarray(np.log(np.exp(-score * score / 2) / (spread * np.sqrt(2 * np.pi)) + params.floor))


def _cycle(said: NDArray[np.float64], params: KindParams) -> Label:
    """A rider whose motor was not seen clearly rides a bicycle."""
    riding = said[[Label.PERSON, Label.BICYCLE, Label.MOTORCYCLE]].sum()
    has_motor = riding > 0 and said[Label.MOTORCYCLE] >= params.motor_share * riding
    return Label.MOTORCYCLE if has_motor else Label.BICYCLE


def _motor(votes: Votes, params: KindParams) -> Label:
    """A close vote between car, bus and truck is a `VEHICLE`; where a class is hardly ever named it is a car, as most
    are."""
    named, said = [Label.CAR, Label.BUS, Label.TRUCK], votes[0]
    total = float(said[named].sum())
    driving = total + float(said[Label.VEHICLE])
    if total <= params.min_named_share * driving or total < params.glimpse * float(votes[1].sum()):
        return Label.CAR
    best = max(named, key=lambda label: said[label])
    return best if said[best] >= params.class_share * total else Label.VEHICLE
