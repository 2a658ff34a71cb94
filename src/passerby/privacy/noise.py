"""The one place where noise is drawn.

Invariant: every draw is fresh, from OpenDP's exact integer sampler and the system's entropy; nothing here can be
seeded.

Proof that this is epsilon-differentially private: docs/proofs/noise.md.
"""

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from math import inf, nextafter
from typing import Any

from passerby.errors import PolicyError

MICRO = 1_000_000
"""Epsilons are counted in millionths, so that they add up exactly."""


def scale(delta: int, epsilon_micro: int) -> float:
    """The scale of the noise: the smallest float that is at least Delta / epsilon.

    Raises PolicyError for a Delta or an epsilon of 0 or less: noise of scale 0 is none.
    """
    if delta <= 0 or epsilon_micro <= 0:
        raise PolicyError("noise of scale 0 is none: expected a sensitivity and an epsilon above 0")
    exact = Fraction(delta * MICRO, epsilon_micro)
    nearest = float(exact)
    return nearest if Fraction(nearest) >= exact else nextafter(nearest, inf)


def add_noise(counts: Sequence[int], delta: int, epsilon_micro: int) -> tuple[int, ...]:
    """`counts` with discrete Laplace noise of scale Delta / epsilon on each, in one vector draw.

    The results are signed integers. Raises PolicyError when the scale would be 0.
    """
    measure = _measurement(delta, epsilon_micro)
    try:
        noised = measure(list(counts))
    except Exception:
        # The library's own text would contain the count that it refused.
        raise PolicyError("counts that cannot be noised: expected 64-bit integers") from None
    return tuple(noised)


@lru_cache(maxsize=64)
def _measurement(delta: int, epsilon_micro: int) -> Any:
    # Not opendp.prelude, which loads data frame libraries too.
    from opendp.domains import atom_domain, vector_domain
    from opendp.measurements import make_laplace
    from opendp.metrics import l1_distance
    from opendp.mod import enable_features

    enable_features("contrib")
    claimed = epsilon_micro / MICRO
    width = scale(delta, epsilon_micro)
    space = vector_domain(atom_domain(T="i64")), l1_distance(T="i64")
    measurement = make_laplace(*space, scale=width)
    # OpenDP's own proof of the loss rounds up: a hair more noise, until it agrees with the claim.
    while measurement.map(delta) > claimed:
        width = nextafter(width, inf)
        measurement = make_laplace(*space, scale=width)
    return measurement
