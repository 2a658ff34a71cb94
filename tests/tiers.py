"""The tiers of the tests, and the skips that continuous integration accepts.

Invariant: a test without the marker of a tier is a unit or property test, which needs Python alone and is quick.
"""

from collections import Counter
from collections.abc import Iterable

import pytest
from hypothesis import settings

TIERS = {
    "server": "needs a server: PostgreSQL, RTSP, HTTP, S3 or Ray",
    "browser": "drives Chromium",
    "process": "starts programs, and stops or kills some of them",
    "slow": "computes for seconds, such as counting a recording",
}
"""What `make test` leaves out and `make test-all` runs: a marker, and what its tests do."""

NOT_POSSIBLE = "not possible on this machine: "
"""Begins the reason of a skip that installing a program, a package or a file cannot mend."""

_OF_FIXTURE = {"browser": "browser", "server": "server", "shared_clips": "slow", "shared_models": "slow"}
_POSTGRESQL = "postgresql"
_USUAL_EXAMPLES = 100


def not_possible(reason: str) -> str:
    """The reason of a skip that `--require-all` accepts."""
    return NOT_POSSIBLE + reason


def examples(count: int) -> int:
    """How many examples a property test tries: `count` in `make test` and `make test-all`, many more in `make fuzz`."""
    return max(1, count * settings().max_examples // _USUAL_EXAMPLES)


def mark(item: pytest.Item) -> None:
    """Add the marker of a tier for what the test's fixtures start."""
    for fixture in getattr(item, "fixturenames", ()):
        if fixture in _OF_FIXTURE:
            item.add_marker(_OF_FIXTURE[fixture])
    call = getattr(item, "callspec", None)
    if call is not None and _POSTGRESQL in call.params.values():
        item.add_marker("server")


def tier_of(item: pytest.Item) -> str | None:
    """The first tier whose marker the test has; None for a unit or property test."""
    return next((tier for tier in TIERS if item.get_closest_marker(tier) is not None), None)


def split(items: Iterable[pytest.Item]) -> tuple[list[pytest.Item], list[pytest.Item]]:
    """The unit and property tests, and those of the other tiers."""
    unit: list[pytest.Item] = []
    others: list[pytest.Item] = []
    for item in items:
        (unit if tier_of(item) is None else others).append(item)
    return unit, others


def counted(items: Iterable[pytest.Item]) -> dict[str, int]:
    """How many tests each tier has."""
    numbers = Counter(tier_of(item) for item in items)
    return {tier: numbers[tier] for tier in TIERS if numbers[tier]}


def described(left_out: dict[str, int]) -> str:
    """One line for people about the tests that were left out."""
    parts = ", ".join(f"{number} {tier}" for tier, number in left_out.items())
    return (
        f"{sum(left_out.values())} tests of other tiers were left out ({parts}); run all with: make test-all"
    )


def refusal(reason: str) -> str | None:
    """Why `--require-all` does not accept a skip with this `reason`; None where it does."""
    text = reason.removeprefix("Skipped: ")
    if text.startswith(NOT_POSSIBLE):
        return None
    return f"skipped, and --require-all allows that only where it is {NOT_POSSIBLE.strip(': ')}: {text}"
