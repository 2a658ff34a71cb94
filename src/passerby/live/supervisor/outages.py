"""The outages of a running site: each is logged once when it begins and once when it ends, however often it is tried.

Invariant: a year of failures is two lines of log; no count of passers-by comes here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import random
from threading import Lock
from time import monotonic, time

from passerby.io.backoff import LONGEST_WAIT_S, wait_s


@dataclass(frozen=True, slots=True)
class Outage:
    """Since when something fails (Unix ms UTC), and the problem in one line for people."""

    since_ms: int
    problem: str


class Outages:
    """By name, such as `store`; `log(event, **details)` writes a line of the log."""

    def __init__(self, log: Callable[..., None]) -> None:
        self._log = log
        self._turn = Lock()
        self._now: dict[str, Outage] = {}
        self._failures: dict[str, int] = {}
        self._again_s: dict[str, float] = {}

    def begin(self, name: str, problem: str, longest_s: float = LONGEST_WAIT_S) -> None:
        """Note a failure: the newest problem is shown, and `waiting` is true until it is time for the next try."""
        with self._turn:
            before = self._now.get(name)
            self._failures[name] = self._failures.get(name, 0) + 1
            self._again_s[name] = monotonic() + wait_s(self._failures[name], random(), longest_s)
            self._now[name] = Outage(round(time() * 1000) if before is None else before.since_ms, problem)
        if before is None:
            self._log(f"{name} outage begins", problem=problem)

    def end(self, name: str) -> None:
        """Note that it works."""
        with self._turn:
            before = self._now.pop(name, None)
            self._failures.pop(name, None)
            self._again_s.pop(name, None)
        if before is not None:
            self._log(f"{name} outage ends", lasted_s=round(time() - before.since_ms / 1000))

    def waiting(self, name: str) -> bool:
        """Whether it is too early to try again."""
        with self._turn:
            return monotonic() < self._again_s.get(name, 0.0)

    def now(self) -> dict[str, Outage]:
        with self._turn:
            return dict(self._now)
