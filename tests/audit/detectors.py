"""What must hold of the private path, each as one question that a planted bug can be put to."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest
from tests.audit.street import contributions_of, pairs, terms
from tests.privacy.brute_force import histories
from tests.privacy.conftest import begin, charge
from tests.privacy.programs import run_program

from passerby.audit import noise_audit
from passerby.audit.locality import locality_audit
from passerby.domain.timespan import Span
from passerby.errors import LedgerError
from passerby.privacy import gate
from passerby.privacy.database import open_ledger
from passerby.privacy.noise import MICRO

SURE = 1e-6
"""The chance that an audit calls what is right wrong."""
DRAWS = 400


def noise() -> bool:
    """Noise audit: releases of two neighbours are as hard to tell apart as was claimed."""
    one, three = charge(1, MICRO), replace(terms(3), span=Span(0, 900_000))
    return all(
        noise_audit.noise_audit(
            noise_audit.gate_mechanism(paid),
            *noise_audit.saturating_pair(paid),
            claimed=paid.epsilon_micro / MICRO,
            draws=DRAWS,
            alpha=SURE,
        ).holds
        for paid in (one, three)
    )


def one_run() -> bool:
    """One-run audit: who guesses whether an actor was there is right no more often than was claimed."""
    paid = charge(1)
    base, effect = noise_audit.simulated_week(paid, 200)
    publish = noise_audit.gate_mechanism(paid)

    def publish_bin(number: int, count: int) -> float | None:
        outcome = publish((count,))
        return outcome[0] if outcome else None

    return noise_audit.one_run_audit(publish_bin, base, effect, claimed=0.8, alpha=SURE).holds


def locality() -> bool:
    """Locality audit: an event changes the chunks that were paid for, and no more of each than was paid for."""
    return all(
        one.holds
        for cells in (1, 3)
        for paid in (terms(cells),)
        for one in locality_audit(partial(contributions_of, charge=paid), pairs(paid), paid)
    )


def releases(folder: Path) -> bool:
    """Every cell every time, as an integer, and a retry answers what was answered before."""
    where = folder / f"{uuid4().hex}.db"
    ledger = open_ledger(where, create=True)
    begin(ledger)
    try:
        for number in (1, 2, 3):
            paid = replace(charge(number), cells=charge(number).cells + terms(2).cells[1:])
            receipt = ledger.spend(paid)
            counts = (0, 1) if number == 1 else (60, 60)
            first = gate.release(noise_audit.spread(counts, paid), receipt, ledger, 1.0)
            if tuple(one.cell for one in first) != paid.cells:
                return False
            if not all(type(one.value) is int for one in first):
                return False
            again = [
                gate.release([], receipt, ledger, 1.0),
                gate.release([], ledger.spend(paid), ledger, 1.0),
            ]
            if any(one != first for one in again):
                return False
    except LedgerError:
        return False
    finally:
        ledger.close()
    return True


def budget(monkeypatch: pytest.MonkeyPatch) -> bool:
    """Random histories against the brute-force counters: nothing over-spent, no chunk told twice by one query."""
    return histories(monkeypatch, 150, seed=20260101)[0]


def forks(*planted: str) -> bool:
    """A fork never draws what another process drew."""
    drawn = run_program("forked_noise", *planted)
    return len(set(drawn)) == len(drawn)


def race(folder: Path, *planted: str) -> bool:
    """Sixteen processes: each slot is granted once, and the others are refused for the right reason."""
    place = folder / f"{uuid4().hex}.db"
    outcome = run_program("race", place, place.with_suffix(".mark"), "many", *planted)
    return bool(outcome == {"granted": [3] * 4, "finished": [0] * 16, "spends": 12})
