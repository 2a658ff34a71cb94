"""The privacy policies of the two promises, `crossings` and `footage`: what is promised, and its cost in noise.

Invariant: standard library only; a policy that cannot hold raises PolicyError when it is made.
"""

from dataclasses import dataclass, fields
from math import isfinite
from typing import Any, Literal

from passerby.domain.calendar import DAY_MS, duration_text
from passerby.errors import PolicyError

PromiseName = Literal["crossings", "footage"]
"""`crossings` protects what one person adds to the table of a day; `footage` protects any change of the pictures."""


@dataclass(frozen=True, slots=True)
class CrossingsPolicy:
    """The crossings promise of a whole site: `epsilon` hides all crossings of one person on one local day.

    A person crosses at most `crossings` times (C), and each crossing changes all tallies together by at most
    `influence` (b) in L1. A bin lasts `every_ms`. The share `reserve` of epsilon, 0 to below 1, is kept for questions
    that are asked beside the standing numbers. Raises PolicyError, which names the first key that cannot hold.
    """

    crossings: int = 4
    influence: int = 2
    epsilon: float = 1.0
    every_ms: int = 900_000
    reserve: float = 0.1

    def __post_init__(self) -> None:
        _check_limits(self)
        if DAY_MS % self.every_ms:
            raise PolicyError(
                f"privacy.every: found {duration_text(self.every_ms)}, expected a duration that parts a day, such as "
                "15m"
            )


@dataclass(frozen=True, slots=True)
class FootagePolicy:
    """The event-duration promise: `epsilon` hides everything that is visible at most `k` times, each for at most
    `rho_ms`.

    A chunk of `chunk_ms` looks back by `warmup_ms` and counts at most `clip`; a bin lasts `every_ms`, a whole number of
    chunks. Raises PolicyError, which names the first key that cannot hold.
    """

    rho_ms: int = 6_000
    k: int = 2
    epsilon: float = 1.0
    clip: int = 6
    chunk_ms: int = 9_000
    warmup_ms: int = 2_000
    every_ms: int = 900_000

    def __post_init__(self) -> None:
        _check_limits(self)
        if problem := policy_misfit(self.chunk_ms, self.every_ms):
            raise PolicyError(f"privacy: {problem}")


def _check_limits(policy: CrossingsPolicy | FootagePolicy) -> None:
    for field in fields(policy):
        value = getattr(policy, field.name)
        if expected := policy_limit(field.name, value):
            raise PolicyError(f"privacy.{field.name.removesuffix('_ms')}: found {value}, expected {expected}")


def policy_limit(key: str, value: Any) -> str | None:
    """The expected values of a policy's key where `value` cannot hold; None for a value that can."""
    if key in ("epsilon", "reserve"):
        number = isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
        if key == "reserve":
            return None if number and 0 <= value < 1 else "a share from 0 to below 1, such as 0.1"
        return None if number and value > 0 else "a finite number above 0, such as 1"
    whole = isinstance(value, int) and not isinstance(value, bool)
    if key == "warmup_ms":
        return None if whole and value >= 0 else "a duration of 0s or more, such as 2s"
    if key == "every_ms":
        return None if whole and value >= 1000 else "a duration that parts a day, such as 15m"
    if key.endswith("_ms"):
        return None if whole and value > 0 else "a duration above 0, such as 6s"
    return None if whole and value > 0 else "a whole number above 0"


def policy_misfit(chunk_ms: int, every_ms: int) -> str | None:
    """The fault of a chunk that is longer than a bin; None for one that is not."""
    if chunk_ms > every_ms:
        return f"found a chunk of {duration_text(chunk_ms)}, expected at most every, which is {duration_text(every_ms)}"
    return None
