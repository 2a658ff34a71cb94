"""Bugs planted one at a time, as patches of the code that runs: each must be caught, by what the table says.

docs/explanation/audit.md holds the same table for people.
"""

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import false
from tests.audit import detectors, street

from passerby.privacy import contribution, gate
from passerby.privacy import ledger as ledger_module
from passerby.privacy.charge import FootageCharge, Receipt
from passerby.privacy.ledger import Ledger
from passerby.privacy.noise import MICRO, add_noise

pytestmark = pytest.mark.slow

Patch = Callable[[pytest.MonkeyPatch], None]
KEPT_CHUNKS, KEPT_CHANGE, KEPT_RELEASE = (
    contribution.chunks_touched,
    contribution.largest_change,
    gate.release,
)


def in_place_of(module: Any, name: str, planted: Any) -> Patch:
    return lambda patch: patch.setattr(module, name, planted)


def seeded(counts: Sequence[int], delta: int, epsilon_micro: int) -> tuple[int, ...]:
    chance, q = np.random.default_rng(4), np.exp(-epsilon_micro / MICRO / delta)
    noise = chance.geometric(1 - q, len(counts)) - chance.geometric(1 - q, len(counts))
    return tuple(int(count + one) for count, one in zip(counts, noise, strict=True))


def used_again(counts: Sequence[int], delta: int, epsilon_micro: int) -> tuple[int, ...]:
    (noise,) = add_noise([0], delta, epsilon_micro)
    return tuple(count + noise for count in counts)


def in_floats(counts: Sequence[int], delta: int, epsilon_micro: int) -> tuple[float, ...]:
    scale = delta * MICRO / epsilon_micro
    return tuple(count + random.choice((-1, 1)) * random.expovariate(1 / scale) for count in counts)


def half_as_much(counts: Sequence[int], delta: int, epsilon_micro: int) -> tuple[int, ...]:
    return add_noise(counts, max(1, delta // 4), epsilon_micro)


def without_small_ones(counts: Sequence[int], delta: int, epsilon_micro: int) -> tuple[int, ...]:
    noised = add_noise(counts, delta, epsilon_micro)
    return tuple(one if count >= 5 else 0 for one, count in zip(noised, counts, strict=True))


def without_small_bins(contributions: Any, receipt: Receipt, ledger: Any, coverage: float) -> Any:
    parts = list(contributions)
    released = KEPT_RELEASE(parts, receipt, ledger, coverage)
    return released if sum(gate.total(parts, receipt.charge)) >= 5 else ()


def unclipped(chunk: Any, tally: Any, cells: Any, cap: int) -> contribution.Contribution:
    return contribution.Contribution(chunk, tuple(cells), tuple(max(0, tally.get(cell, 0)) for cell in cells))


def drawn_again(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Ledger, "released", lambda self, receipt: None)
    patch.setattr(Ledger, "record", lambda self, receipt, stored: None)
    patch.setattr(ledger_module, "_paid_before", lambda connection, charge, slot: Receipt(charge, slot.hash))


def remembers_longer(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(street, "remembered_from", lambda start_ms, charge: start_ms - 3 * charge.warmup_ms)
    patch.setattr(street, "background", lambda levels: min(levels[-6:], default=0))


def long_memory(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(street, "remembered_from", lambda start_ms, charge: 0)
    patch.setattr(street, "background", lambda levels: min(levels, default=0))


PLANTED: dict[str, tuple[Patch, set[str]]] = {
    "seeded generator": (in_place_of(gate, "add_noise", seeded), {"noise"}),
    "the same noise reused across cells": (in_place_of(gate, "add_noise", used_again), {"noise"}),
    "float noise": (in_place_of(gate, "add_noise", in_floats), {"releases"}),
    "too little noise": (in_place_of(gate, "add_noise", half_as_much), {"noise", "one_run"}),
    "warm-up forgotten in the formula": (
        in_place_of(contribution, "chunks_touched", lambda rho, w, a, c: KEPT_CHUNKS(rho, 0, a, c)),
        {"locality"},
    ),
    "warm-up forgotten in the counting": (remembers_longer, {"locality"}),
    "off-by-one m": (
        in_place_of(contribution, "chunks_touched", lambda *given: KEPT_CHUNKS(*given) - 1),
        {"locality"},
    ),
    "clip after the sum": (in_place_of(contribution, "clip", unclipped), {"locality"}),
    "U for 2U": (in_place_of(contribution, "largest_change", lambda cells, cap: cap), {"locality"}),
    "long-memory background": (long_memory, {"locality"}),
    "small bins set to zero": (in_place_of(gate, "add_noise", without_small_ones), {"noise"}),
    "small bins suppressed": (in_place_of(gate, "release", without_small_bins), {"noise", "releases"}),
    "new noise on retry": (drawn_again, {"releases"}),
    "double spend: no budget check": (
        in_place_of(ledger_module, "_check_budget", lambda connection, charge: None),
        {"budget"},
    ),
    "overlapping windows": (in_place_of(ledger_module, "_meets", lambda span: (false(),)), {"budget"}),
    "margins forgotten": (
        in_place_of(FootageCharge, "covers", property(lambda charge: charge.span)),
        {"budget"},
    ),
}


def ask(name: str, folder: Path, patch: pytest.MonkeyPatch) -> bool:
    """The detector's answer."""
    if name == "releases":
        return detectors.releases(folder)
    if name == "budget":
        with patch.context() as own:
            return detectors.budget(own)
    question: Callable[[], bool] = getattr(detectors, name)
    try:
        return question()
    except ValueError:
        # The gate's own checks refused what the bug made.
        return False


@pytest.mark.parametrize("detector", ["noise", "one_run", "locality", "releases", "budget", "forks"])
def test_nothing_is_caught_where_nothing_is_planted(
    detector: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ask(detector, tmp_path, monkeypatch)


@pytest.mark.parametrize("bug", PLANTED)
def test_a_planted_bug_is_caught(bug: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plant, catchers = PLANTED[bug]
    plant(monkeypatch)
    for catcher in catchers:
        assert not ask(catcher, tmp_path, monkeypatch), f"{catcher} did not catch it"


def test_a_forked_generator_is_caught() -> None:
    assert not detectors.forks("planted")


def test_reading_before_locking_is_caught(tmp_path: Path) -> None:
    assert detectors.race(tmp_path)
    assert not detectors.race(tmp_path, "planted")


def test_the_table_for_people_names_every_bug_and_who_catches_it(root: Path) -> None:
    document = (root / "docs" / "explanation" / "audit.md").read_text("utf-8")
    rows = {
        cells[0].strip(): {name.strip() for name in cells[1].split(",")}
        for cells in (line.strip("| ").split("|") for line in document.splitlines() if line.startswith("| "))
        if len(cells) == 3
    }
    for bug, (_, catchers) in PLANTED.items():
        assert rows[bug] == {name.replace("_", " ") for name in catchers}
    assert rows["forked generator"] == {"forks"}
    assert rows["double spend: read before the lock"] == {"race"}
