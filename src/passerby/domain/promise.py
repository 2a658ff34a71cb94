"""The promise of a policy to a passer-by, as numbers for plain words: of the footage promise for a line (rho, K,
epsilon), of the crossings promise for a whole site (C, b, epsilon).

Invariant: every number is rounded up from its exact value, so a sentence made of them never promises more than the
policy keeps.
"""

from dataclasses import dataclass
from decimal import ROUND_CEILING, Context, Decimal, localcontext
from math import inf, nextafter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from passerby.domain.policy import CrossingsPolicy, FootagePolicy

_TENTH = Decimal("0.1")
_LARGEST = Decimal(709)
"""e to the power of more than this has no float."""
_DAYS = 365


@dataclass(frozen=True, slots=True, order=True)
class Promise:
    """The footage promise of one line to a person who makes up to `visits` visits of up to `visit_s` seconds each.

    `times`: nothing published is more than so many times as likely, or as unlikely, as without the visits; infinite
    where no float holds it. `right_percent`: nobody who reads all numbers guesses better, in percent, whether the
    person was there (a coin is right 50 times in 100).
    """

    visits: int
    visit_s: float
    times: float
    right_percent: float
    epsilon: float


@dataclass(frozen=True, slots=True)
class SitePromise:
    """The crossings promise of a site to a person who crosses its lines up to `crossings` times on one local day.

    `times` and `right_percent`: as for `Promise`, for that day. `year_epsilon`: what a person spends who comes on every
    day of a year.
    """

    crossings: int
    times: float
    right_percent: float
    epsilon: float
    year_epsilon: float


def site_promise_of(policy: "CrossingsPolicy") -> SitePromise:
    """The crossings promise of a site: the same arithmetic as `promise_of`, for the person-day (crossings.md)."""
    epsilon = _exact(policy.epsilon)
    times, right_percent = (inf, 100.0) if epsilon > _LARGEST else _figures(epsilon)
    return SitePromise(
        crossings=policy.crossings,
        times=times,
        right_percent=right_percent,
        epsilon=policy.epsilon,
        year_epsilon=_rounded_up(epsilon * _DAYS),
    )


def promise_of(policy: "FootagePolicy") -> Promise:
    """The promise of one line: `times` is e^epsilon, the best guess e^epsilon / (1 + e^epsilon) (privacy.md).

    Both are rounded up to one digit after the point.
    """
    epsilon = _exact(policy.epsilon)
    times, right_percent = (inf, 100.0) if epsilon > _LARGEST else _figures(epsilon)
    return Promise(
        visits=policy.k,
        visit_s=policy.rho_ms / 1000,
        times=times,
        right_percent=right_percent,
        epsilon=policy.epsilon,
    )


def _exact(epsilon: float) -> Decimal:
    # The text of the policy and the float that was read from it may differ in the 17th digit.
    return max(Decimal(epsilon), Decimal(str(epsilon)))


def _figures(epsilon: Decimal) -> tuple[float, float]:
    # All digits of e^epsilon before the point, and 40 after it.
    with localcontext(Context(prec=40 + int(epsilon / 2), rounding=ROUND_CEILING)):
        # The library rounds a power to the nearest, whatever the context says.
        factor = epsilon.exp().next_plus()
        right = min(Decimal(100), (100 * factor / (1 + factor)).next_plus())
        return _rounded_up(factor), _rounded_up(right)


def _rounded_up(exact: Decimal) -> float:
    """The float of `exact` rounded up to one digit after the point, and never below `exact`."""
    rounded = float(exact.quantize(_TENTH, ROUND_CEILING))
    return rounded if Decimal(rounded) >= exact else nextafter(rounded, inf)
