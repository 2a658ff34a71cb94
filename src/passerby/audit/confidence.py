"""Confidence bounds on probabilities.

Invariant: exact binomial sums, no approximation. Source: Clopper and Pearson 1934.
"""

from math import exp, lgamma, log


def lower_bound(successes: int, trials: int, alpha: float) -> float:
    """Clopper and Pearson's one-sided lower bound on a probability, which is wrong with a chance of at most `alpha`.

    The p at which `successes` or more of `trials` have probability alpha; 0 when there were none.
    """
    if successes == 0:
        return 0.0
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if _tail(successes, trials, middle) < alpha:
            low = middle
        else:
            high = middle
    return low


def upper_bound(successes: int, trials: int, alpha: float) -> float:
    """The same from above: the p at which `successes` or fewer have probability alpha; 1 when all were."""
    return 1.0 - lower_bound(trials - successes, trials, alpha)


def _tail(successes: int, trials: int, p: float) -> float:
    """Pr[Binomial(trials, p) >= successes], summed from its largest term outwards until nothing is added."""
    if p <= 0:
        return 0.0
    total = 0.0
    largest = max(successes, int(trials * p))
    for steps in (range(largest, trials + 1), range(largest - 1, successes - 1, -1)):
        for count in steps:
            term = exp(
                lgamma(trials + 1)
                - lgamma(count + 1)
                - lgamma(trials - count + 1)
                + count * log(p)
                + (trials - count) * log(1 - p)
            )
            total += term
            if term < total * 1e-16:
                break
    return total
