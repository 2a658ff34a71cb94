"""Answers from what was released: exactly the time that was asked for, or none."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.privacy.conftest import BIN_MS, CELL, begin, charge

from passerby.domain.noise_interval import variance
from passerby.domain.release import Release
from passerby.domain.timespan import Chunk, Span
from passerby.privacy import answers, gate
from passerby.privacy.contribution import clip
from passerby.privacy.database import open_ledger
from passerby.privacy.ledger import Ledger

DAY_BINS = 96


def bins(first: int, number: int, value: int = 7) -> list[Release]:
    return [
        Release(CELL, n * BIN_MS, (n + 1) * BIN_MS, value, 30.0, 0.8, 1.0, f"bin {n}")
        for n in range(first, first + number)
    ]


def day(value: int) -> Release:
    return Release(CELL, 0, DAY_BINS * BIN_MS, value, 120.0, 0.2, 0.5, "day")


def test_bins_are_summed_where_they_make_up_the_time() -> None:
    found = answers.summed(bins(0, 8), [], CELL, Span(2 * BIN_MS, 5 * BIN_MS))
    assert found is not None
    assert (found.value, found.coverage) == (21, 1.0)
    assert found.noise_95 == pytest.approx(1.96 * (3 * variance(30.0)) ** 0.5, rel=0.1)


@pytest.mark.parametrize(
    "span",
    [Span(BIN_MS, 9 * BIN_MS), Span(1, BIN_MS), Span(0, BIN_MS - 1), Span(-BIN_MS, BIN_MS), Span(5, 5)],
)
def test_what_releases_do_not_make_up_has_no_answer(span: Span) -> None:
    assert answers.summed(bins(0, 8), [], CELL, span) is None
    assert answers.summed([*bins(0, 3), *bins(4, 4)], [], CELL, Span(0, 8 * BIN_MS)) is None


def test_a_day_and_its_bins_are_weighed_by_their_noise() -> None:
    whole = Span(0, DAY_BINS * BIN_MS)
    of_bins, of_day = bins(0, DAY_BINS), day(1000)
    both = answers.summed(of_bins, [of_day], CELL, whole)
    alone = answers.summed([], [of_day], CELL, whole)
    assert both is not None
    assert alone is not None
    assert both.value == gate.reconcile(of_bins, of_day)[1].value
    assert alone.value == 1000
    assert both.noise_95 < alone.noise_95
    # A day and two bins of the next.
    more = answers.summed([*of_bins, *bins(DAY_BINS, 2)], [of_day], CELL, Span(0, (DAY_BINS + 2) * BIN_MS))
    assert more is not None
    assert more.value == both.value + 14


def test_what_the_ledger_holds_is_what_was_released(tmp_path: Path) -> None:
    ledger: Ledger = open_ledger(tmp_path / "ledger.db", create=True)
    begin(ledger)
    given: list[Release] = []
    for number in (3, 1):
        paid = charge(number)
        part = clip(Chunk("north", Span(number * BIN_MS, number * BIN_MS + 9_000)), {CELL: 4}, (CELL,), 6)
        given += gate.release([part], ledger.spend(paid), ledger, 0.5)
    ledger.spend(replace(charge(2), query="bridge bins"))
    found, days = answers.released(ledger, "north", "bridge")
    assert found == sorted(given, key=lambda one: one.start_ms)
    assert days == []
    assert answers.released(ledger, "south", "bridge") == ([], [])
    assert answers.named(ledger, given[0].receipt[:12]) == given[:1]
    assert answers.named(ledger, "none of them") == answers.named(ledger, "") == []
    ledger.close()
