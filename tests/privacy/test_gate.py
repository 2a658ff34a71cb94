"""The door: what goes in, what comes out, and that it comes out once."""

from dataclasses import replace
from statistics import fmean, pvariance

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.privacy.conftest import BIN_MS, CELL, charge

from passerby.domain.release import Cell, Release
from passerby.domain.timespan import Chunk, Span
from passerby.errors import LedgerError
from passerby.privacy import gate
from passerby.privacy.charge import FootageCharge, Receipt, Stored
from passerby.privacy.contribution import Contribution, clip
from passerby.privacy.ledger import Ledger
from passerby.privacy.noise import MICRO, add_noise

CELLS = (CELL, Cell("north", "bridge", "out", "person"))


def contribution(number: int, *counts: int, chunk_ms: int = 9_000) -> Contribution:
    span = Span(number * chunk_ms, (number + 1) * chunk_ms)
    cells = CELLS[: len(counts)]
    return clip(Chunk("north", span), dict(zip(cells, counts, strict=True)), cells, 6)


def pair(number: int) -> FootageCharge:
    return replace(charge(number), cells=CELLS)


def test_chunks_add_up_in_any_order_and_missing_ones_are_zero() -> None:
    parts = [contribution(5, 2, 1), contribution(99, 9, 0), contribution(0, 1, 0)]
    assert gate.total(parts, pair(0)) == gate.total(parts[::-1], pair(0)) == (9, 1)
    assert gate.total([], pair(0)) == (0, 0)


@pytest.mark.parametrize(
    "wrong",
    [
        [contribution(1, 1, 1), contribution(1, 1, 1)],
        [contribution(100, 1, 1)],
        [contribution(-1, 1, 1)],
        [contribution(1, 1)],
        [replace(contribution(1, 1, 1), chunk=Chunk("south", Span(0, 9_000)))],
        [replace(contribution(1, 1, 1), counts=(4711, 0))],
        [replace(contribution(1, 1, 1), counts=(-4711, 0))],
        [contribution(0, 1, 1), replace(contribution(1, 1, 1), chunk=Chunk("north", Span(8_000, 17_000)))],
    ],
)
def test_what_does_not_belong_is_refused_without_a_number(wrong: list[Contribution]) -> None:
    with pytest.raises(ValueError, match="contribution") as caught:
        gate.total(wrong, pair(0))
    assert "4711" not in str(caught.value)


def test_every_cell_is_released_every_time_and_once(ledger: Ledger) -> None:
    receipt = ledger.spend(pair(3))
    released = gate.release([], receipt, ledger, 0.5)
    assert [one.cell for one in released] == list(CELLS)
    assert {(one.start_ms, one.end_ms) for one in released} == {(3 * BIN_MS, 4 * BIN_MS)}
    # two cells: Delta = K 2 * m 2 * D1 12 = 48, at epsilon 0.8
    assert {(one.noise_scale, one.epsilon, one.coverage) for one in released} == {(60.0, 0.8, 0.5)}
    again = [gate.release([contribution(300, 6, 6)], receipt, ledger, 1.0) for _ in range(20)]
    assert all(one == released for one in again)
    assert gate.release([], ledger.spend(pair(3)), ledger, 1.0) == released


def test_what_was_not_paid_for_is_not_released(ledger: Ledger) -> None:
    with pytest.raises(LedgerError, match="never given"):
        gate.release([], Receipt(pair(3), "0" * 64), ledger, 1.0)
    receipt = ledger.spend(pair(3))
    with pytest.raises(LedgerError, match="never given"):
        gate.release([], replace(receipt, charge=pair(4)), ledger, 1.0)
    with pytest.raises(LedgerError, match="never given"):
        gate.release([], replace(receipt, charge=replace(pair(3), epsilon_micro=1)), ledger, 1.0)


def test_noise_is_paid_for_before_and_kept_before_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []

    class Book:
        def released(self, receipt: Receipt) -> Stored | None:
            order.append("asked")
            return None

        def record(self, receipt: Receipt, stored: Stored) -> None:
            order.append("kept")
            raise LedgerError("full")

    def noised(*given: object) -> tuple[int, ...]:
        order.append("drawn")
        return (0, 0)

    monkeypatch.setattr(gate, "add_noise", noised)
    with pytest.raises(LedgerError):
        gate.release([], Receipt(pair(3), "id"), Book(), 1.0)
    assert order == ["asked", "drawn", "kept"]


def test_a_day_need_not_keep_its_chunks() -> None:
    first = gate.merge([contribution(number, 6, 3) for number in range(100)], pair(0))
    second = gate.merge([contribution(150, 2, 0)], pair(1))
    day = replace(pair(0), span=Span(0, 96 * BIN_MS), query="bridge days")
    assert gate.total([second, first], day) == (602, 300)


def releases(values: list[int], scale: float = 30.0) -> list[Release]:
    return [
        Release(CELL, index * BIN_MS, (index + 1) * BIN_MS, value, scale, 0.8, 1.0, "r")
        for index, value in enumerate(values)
    ]


@given(values=st.lists(st.integers(-100, 500), min_size=1, max_size=12), whole=st.integers(-200, 3000))
def test_reconciled_bins_are_integers_and_make_up_the_day(values: list[int], whole: int) -> None:
    day = replace(releases([whole], 120.0)[0], end_ms=len(values) * BIN_MS)
    bins, agreed = gate.reconcile(releases(values)[::-1], day)
    assert sum(one.value for one in bins) == agreed.value
    assert min(sum(values), whole) - 1 <= agreed.value <= max(sum(values), whole) + 1
    assert all(type(one.value) is int for one in bins)
    assert agreed.noise_scale <= min(120.0, 30.0 * len(values) ** 0.5) + 1e-9


def test_reconciliation_has_the_spread_that_it_claims() -> None:
    days, bins = [], []
    for _ in range(1500):
        noisy = releases(list(add_noise([50] * 8, 24, 800_000)))
        (whole,) = add_noise([400], 24, 200_000)
        revised, day = gate.reconcile(noisy, replace(releases([whole], 120.0)[0], end_ms=8 * BIN_MS))
        days.append(day)
        bins.append(revised[3])
    for drawn, truth in ((days, 400), (bins, 50)):
        claimed = 2 * drawn[0].noise_scale ** 2
        spread = pvariance([one.value for one in drawn])
        assert 0.8 < spread / claimed < 1.25
        assert abs(fmean(one.value for one in drawn) - truth) < 5 * (claimed / 1500) ** 0.5


def test_bins_that_are_not_the_day_are_not_reconciled() -> None:
    day = replace(releases([1], 120.0)[0], end_ms=3 * BIN_MS)
    with pytest.raises(ValueError, match="make up the day"):
        gate.reconcile(releases([1, 2]), day)
    unlike = [*releases([1, 2]), *releases([0, 0, 0], 40.0)[2:]]
    with pytest.raises(ValueError, match="unlike noise"):
        gate.reconcile(unlike, day)


def test_epsilon_and_coverage_are_told_to_the_millionth(ledger: Ledger) -> None:
    (one,) = gate.release([], ledger.spend(charge(5, 333_333)), ledger, 1 / 3)
    assert (one.epsilon, one.coverage) == (333_333 / MICRO, 333_333 / MICRO)
