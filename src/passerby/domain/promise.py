"""What rho, K and epsilon promise a passer-by, as numbers for plain words.

Invariant: rounded up, so that words made of them promise no more than the policy does.
"""

from dataclasses import dataclass
from math import ceil, exp
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from passerby.domain.policy import Policy

_LARGEST = 700.0
"""An epsilon from which e^epsilon has no place in a float; it hides nothing long before."""


@dataclass(frozen=True, slots=True, order=True)
class Promise:
    """Up to `visits` visits of up to `visit_s` each: nothing published is more than `times` times as likely, or as
    unlikely, as without them; an even bet on whether they were is right at most `right_percent` of the time."""

    visits: int
    visit_s: float
    times: float
    right_percent: float
    epsilon: float


def promise_of(policy: "Policy") -> Promise:
    """The promise of one line. `times` is e^epsilon, the even bet e^epsilon / (1 + e^epsilon) (privacy.md)."""
    factor = exp(min(policy.epsilon, _LARGEST))
    return Promise(
        visits=policy.k,
        visit_s=policy.rho_ms / 1000,
        times=ceil(factor * 10) / 10,
        right_percent=ceil(1000 * factor / (1 + factor)) / 10,
        epsilon=policy.epsilon,
    )
