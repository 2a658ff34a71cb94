"""The crossings promise: its sensitivity on every small table, its split, and its charges in the ledger.

Invariant: neighbouring tables are all that the definition allows, and the loss is worked out exactly, without drawing.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime
from fractions import Fraction
from functools import cache
from itertools import product
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.tiers import examples

from passerby.config.line_spec import name_problem
from passerby.config.site import CountedLine
from passerby.domain import calendar
from passerby.domain.geometry import Line
from passerby.domain.noise_interval import noise_95_of_release
from passerby.domain.policy import CrossingsPolicy, FootagePolicy
from passerby.domain.release import Level, Release
from passerby.domain.timespan import Chunk, Span
from passerby.errors import BudgetError, LedgerError, PolicyError
from passerby.privacy import crossings
from passerby.privacy.accounts import Accounts
from passerby.privacy.charge import Charge, Receipt, Stored, is_site, site_account
from passerby.privacy.contribution import Contribution
from passerby.privacy.crossings import (
    CameraTable,
    CrossingsCharge,
    SiteTerms,
    charge_for,
    influence,
    local_days,
    question_charge,
    sensitivity,
    spent_by,
    split,
)
from passerby.privacy.database import open_ledger
from passerby.privacy.epochs import begin_epoch, begin_site_epoch
from passerby.privacy.ledger import Ledger
from passerby.privacy.noise import scale
from passerby.privacy.open_bins import OpenBin, from_plain, to_plain
from passerby.privacy.standing_query import ad_hoc_charge, standing_charge

ZONE = ZoneInfo("Europe/Copenhagen")
ACCOUNT = site_account("quay")
POLICY = CrossingsPolicy()
BIN_MS = POLICY.every_ms
MIDNIGHT_MS = calendar.to_ms(datetime(2026, 6, 1, tzinfo=ZONE))
DAY = Span(MIDNIGHT_MS, MIDNIGHT_MS + calendar.DAY_MS)
NEXT_DAY = Span(DAY.end_ms, DAY.end_ms + calendar.DAY_MS)


def counted(name: str, *labels: str) -> CountedLine:
    return CountedLine(Line(name, (0.1, 0.5), (0.9, 0.5)), labels or ("person",), None, None)


NORTH = CameraTable("north", (counted("bridge"), counted("road", "car", "bus")))
SOUTH = CameraTable("south", (counted("bridge"),))


def terms(epoch: int = 1, policy: CrossingsPolicy = POLICY) -> SiteTerms:
    return SiteTerms(ACCOUNT, policy, ZONE, epoch)


def of_bin(number: int, table: CameraTable = NORTH, line: str = "bridge", epoch: int = 1) -> CrossingsCharge:
    span = Span(DAY.start_ms + number * BIN_MS, DAY.start_ms + (number + 1) * BIN_MS)
    return charge_for(terms(epoch), table, line, span, "bin")


def of_day(
    table: CameraTable = NORTH, line: str = "bridge", epoch: int = 1, day: Span = DAY
) -> CrossingsCharge:
    return charge_for(terms(epoch), table, line, day, "day")


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = open_ledger(tmp_path / "ledger.db", create=True)
    begin_site_epoch(opened, ACCOUNT, POLICY, ZONE, 0)
    yield opened
    opened.close()


# Sensitivity


@cache
def changes(places: int, most: int) -> frozenset[tuple[int, ...]]:
    """Every change of a table with so many places that is at most `most` in L1."""
    if places == 0:
        return frozenset({()})
    return frozenset(
        (step, *rest) for step in range(-most, most + 1) for rest in changes(places - 1, most - abs(step))
    )


@pytest.mark.parametrize(("cells", "bins"), list(product((1, 2, 3), repeat=2)))
def test_no_pair_of_neighbouring_tables_loses_more_than_epsilon(cells: int, bins: int) -> None:
    for most_crossings, b in product((1, 2, 3), (1, 2, 3) if cells * bins <= 4 else (1, 2)):
        policy = CrossingsPolicy(crossings=most_crossings, influence=b, reserve=0.1)
        delta, shares = sensitivity(policy), split(policy)
        reached = {(0,) * (cells * bins)}
        for _ in range(most_crossings):
            reached = {
                tuple(one + other for one, other in zip(before, change, strict=True))
                for before in reached
                for change in changes(cells * bins, b)
            }
        most = Fraction(0)
        for change in reached:
            of_bins = sum(map(abs, change))
            of_days = sum(abs(sum(change[cell * bins : (cell + 1) * bins])) for cell in range(cells))
            assert of_days <= of_bins <= delta
            # A question is about some of the bins: at most all of their change.
            loss = of_bins * (shares.bins + shares.reserve) + of_days * shares.days
            most = max(most, Fraction(loss, delta))
        # Never more than epsilon, and the bound is reached, so no smaller noise would do.
        assert most == 1_000_000


def test_more_cells_lines_and_cameras_cost_nothing() -> None:
    assert sensitivity(POLICY) == 8
    assert {of_bin(0).delta, of_bin(0, SOUTH).delta, of_bin(0, NORTH, "road").delta} == {8}


def test_a_kind_of_number_that_declares_nothing_cannot_be_released(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PolicyError, match="kind 'flows' do not declare how far one crossing changes them"):
        sensitivity(POLICY, ("lines", "flows"))
    with pytest.raises(PolicyError, match="flows"):
        charge_for(replace(terms(), kinds=("lines", "flows")), NORTH, "bridge", DAY, "day")

    monkeypatch.setattr(crossings, "INFLUENCES", {**crossings.INFLUENCES, "flows": lambda policy: 1})
    assert influence(POLICY, ("lines", "flows")) == 3
    assert sensitivity(POLICY, ("lines", "flows")) == 12


# The split


@given(
    epsilon=st.integers(1_000, 20_000_000),
    reserve=st.integers(0, 999),
)
def test_the_shares_are_all_of_epsilon_and_none_is_empty(epsilon: int, reserve: int) -> None:
    try:
        shares = split(CrossingsPolicy(epsilon=epsilon / 1e6, reserve=reserve / 1000))
    except PolicyError:
        assert (epsilon - epsilon * reserve // 1000) < 12
        return
    assert shares.bins + shares.days + shares.reserve == epsilon
    assert min(shares.bins, shares.days) > 0
    assert shares.reserve == epsilon * reserve // 1000


def test_the_default_split_gives_bins_three_quarters_and_days_the_rest() -> None:
    shares = split(POLICY)

    assert (shares.bins, shares.days, shares.reserve) == (750_000, 150_000, 100_000)
    # A third more noise than with all of epsilon, and no more.
    assert scale(8, shares.bins) == pytest.approx(4 / 3 * scale(8, 1_000_000))
    assert noise_95_of_release(scale(8, shares.bins)) == 32


def test_the_split_is_the_one_of_least_variance_of_a_day() -> None:
    bins = 96

    def variance(of_bins: float) -> float:
        """Of a day, reconciled from the sum of its bins and its own number: both by inverse variance."""
        information = of_bins**2 / bins + (1 - of_bins) ** 2
        return 1 / information

    allowed = [Fraction(number, 1000) for number in range(750, 1000)]
    assert min(allowed, key=lambda share: variance(float(share))) == crossings.BINS_SHARE


def test_an_epsilon_too_small_to_be_shared_is_refused() -> None:
    with pytest.raises(PolicyError, match="too small to be shared by bins and days"):
        split(CrossingsPolicy(epsilon=0.000001))


# Over time


def test_who_comes_every_day_spends_epsilon_each_day() -> None:
    assert spent_by(POLICY) == 1
    assert spent_by(POLICY, days=365) == 365
    assert spent_by(POLICY, days=220, crossings=2) == 110
    assert spent_by(CrossingsPolicy(epsilon=0.1), days=365) == Fraction("36.5")


def test_who_crosses_more_often_is_protected_proportionally_less() -> None:
    assert spent_by(POLICY, crossings=12) == 3


# Charges


@pytest.mark.parametrize(("date", "hours"), [((2026, 3, 29), 23), ((2026, 6, 1), 24), ((2026, 10, 25), 25)])
def test_a_day_pays_for_all_of_its_bins_also_when_the_clock_changes(
    date: tuple[int, int, int], hours: int
) -> None:
    noon = calendar.to_ms(datetime(*date, 12, tzinfo=ZONE))
    day = local_days(Span(noon, noon + 1), ZONE)
    assert day.duration_ms == hours * 3_600_000
    for one in calendar.bins(day, BIN_MS, ZONE):
        charge = charge_for(terms(), NORTH, "bridge", one.span, "bin")
        assert charge.covers == day
    assert charge_for(terms(), NORTH, "bridge", day, "day").covers == day


def test_an_account_has_a_name_that_no_camera_can_have() -> None:
    assert is_site(ACCOUNT)
    assert name_problem(ACCOUNT) is not None
    with pytest.raises(PolicyError, match="expected the account of a site"):
        replace(of_bin(0), account="north")


def test_any_sum_of_whole_numbers_is_allowed() -> None:
    charge = of_bin(0)

    def said(*counts: int) -> Contribution:
        return Contribution(Chunk("north", charge.span), charge.cells, counts)

    assert charge.allows(said(0, 10_000))
    assert charge.allows_chunk(said(3, 0))
    assert not charge.allows(said(-1, 0))
    assert not charge.allows(said(1))
    assert not charge.allows(said(True, 0))


OF_FOOTAGE = standing_charge(FootagePolicy(), of_bin(0).cells, 1, Span(0, 900_000), "bin")


@pytest.mark.parametrize("charge", [of_bin(3), of_day(), OF_FOOTAGE])
def test_an_open_bin_of_either_promise_is_read_as_it_was_kept(charge: Charge) -> None:
    opened = OpenBin("bin", Receipt(charge, "receipt"), (3, 4), 1, 2, 3, None)
    assert from_plain(json.loads(json.dumps(to_plain(opened)))) == opened


def test_a_bin_that_an_earlier_version_kept_is_of_the_footage_promise() -> None:
    plain = to_plain(OpenBin("bin", Receipt(OF_FOOTAGE, "receipt")))
    del plain["promise"], plain["charge"]["limit"]

    assert from_plain(plain).charge.terms == OF_FOOTAGE.terms


# In the ledger


def test_all_lines_and_cameras_of_a_site_share_one_epsilon_each_day(ledger: Ledger) -> None:
    for number in range(3):
        for table, line in ((NORTH, "bridge"), (NORTH, "road"), (SOUTH, "bridge")):
            ledger.spend(of_bin(number, table, line))
    assert ledger.spent_micro(ACCOUNT, DAY) == 750_000

    for table, line in ((NORTH, "bridge"), (NORTH, "road"), (SOUTH, "bridge")):
        assert ledger.spend(of_day(table, line)).charge.epsilon_micro == 250_000
    assert ledger.spent_micro(ACCOUNT, DAY) == 1_000_000
    assert ledger.spent_micro(ACCOUNT, NEXT_DAY) == 0


def test_a_day_takes_what_nobody_asked_of_the_reserve(ledger: Ledger) -> None:
    ledger.spend(of_bin(0))
    ledger.spend(question_charge(terms(), NORTH, "bridge", Span(DAY.start_ms, DAY.start_ms + 60_000), 0.06))

    assert ledger.spend(of_day()).charge.epsilon_micro == 190_000
    # A later line of the same day has the price of its pool.
    assert ledger.spend(of_day(SOUTH)).charge.epsilon_micro == 190_000
    assert ledger.spent_micro(ACCOUNT, DAY) == 1_000_000


def test_a_day_never_takes_the_share_of_the_bins(ledger: Ledger) -> None:
    assert ledger.spend(of_day()).charge.epsilon_micro == 250_000
    ledger.spend(of_bin(0))
    assert ledger.spent_micro(ACCOUNT, DAY) == 1_000_000


def test_questions_are_paid_from_the_reserve_alone(ledger: Ledger) -> None:
    span = Span(DAY.start_ms, DAY.start_ms + 60_000)
    ledger.spend(question_charge(terms(), NORTH, "bridge", span, 0.06))
    # The same about another line costs nothing more; another question does.
    ledger.spend(question_charge(terms(), NORTH, "road", span, 0.06))
    assert ledger.spent_micro(ACCOUNT, DAY) == 60_000
    with pytest.raises(
        BudgetError, match=r"the reserve of a day does not reach: epsilon 0\.05 asked, 0\.04 left of 0\.1"
    ):
        ledger.spend(question_charge(terms(), NORTH, "bridge", span, 0.05))
    ledger.spend(question_charge(terms(), NORTH, "bridge", span, 0.04))
    ledger.spend(of_bin(0))
    assert ledger.spend(of_day()).charge.epsilon_micro == 150_000


def test_a_question_over_two_days_is_paid_by_both(ledger: Ledger) -> None:
    span = Span(DAY.end_ms - 60_000, DAY.end_ms + 60_000)
    ledger.spend(question_charge(terms(), NORTH, "bridge", span, 0.1))

    assert ledger.spent_micro(ACCOUNT, DAY) == ledger.spent_micro(ACCOUNT, NEXT_DAY) == 100_000
    for day in (DAY, NEXT_DAY):
        with pytest.raises(BudgetError, match="the reserve of a day does not reach"):
            ledger.spend(
                question_charge(terms(), SOUTH, "bridge", Span(day.start_ms, day.start_ms + 1), 0.01)
            )


def test_a_changed_line_begins_no_epoch_and_waits_for_the_next_bin(ledger: Ledger) -> None:
    ledger.spend(of_bin(0))
    renamed = CameraTable("north", (counted("quayside"), *NORTH.lines[1:]))

    with pytest.raises(BudgetError, match="the lines of camera north changed in this time"):
        ledger.spend(of_bin(0, renamed, "quayside"))
    ledger.spend(of_bin(1, renamed, "quayside"))
    assert begin_site_epoch(ledger, ACCOUNT, POLICY, ZONE, DAY.start_ms).number == 1
    assert ledger.spent_micro(ACCOUNT, DAY) == 750_000


def test_other_classes_of_a_line_wait_for_the_next_bin(ledger: Ledger) -> None:
    ledger.spend(of_bin(0))
    wider = CameraTable("north", (counted("bridge", "person", "bicycle"), *NORTH.lines[1:]))

    with pytest.raises(BudgetError, match="spent with other terms"):
        ledger.spend(of_bin(0, wider))
    ledger.spend(of_bin(1, wider))


def test_a_camera_by_another_name_gets_no_second_number(ledger: Ledger) -> None:
    source = crossings.source_digest("rtsp://me:secret@camera.local/stream")
    assert source == crossings.source_digest("rtsp://camera.local/stream")
    ledger.spend(of_bin(0, replace(NORTH, source=source)))

    with pytest.raises(BudgetError, match="camera north has paid for this time from the same source"):
        ledger.spend(of_bin(0, replace(SOUTH, source=source)))
    ledger.spend(of_bin(0, replace(SOUTH, source="another")))


def test_another_policy_takes_effect_with_the_next_local_day(ledger: Ledger) -> None:
    ledger.spend(of_bin(0))
    wider = replace(POLICY, crossings=2)
    changed = begin_site_epoch(ledger, ACCOUNT, wider, ZONE, DAY.start_ms)

    assert (changed.number, changed.start_ms) == (2, DAY.end_ms)
    with pytest.raises(BudgetError, match="before epoch 2 began"):
        ledger.spend(charge_for(terms(2, wider), NORTH, "bridge", of_bin(1).span, "bin"))
    # The day that was begun is finished under the policy that it began with.
    assert ledger.spend(of_day()).charge.epsilon_micro == 250_000
    ledger.spend(charge_for(terms(2, wider), NORTH, "bridge", NEXT_DAY, "day"))


def footage() -> tuple[CountedLine, ...]:
    return (replace(counted("bridge"), policy=FootagePolicy()),)


def test_footage_after_crossings_begins_with_the_next_local_day(ledger: Ledger) -> None:
    ledger.spend(of_bin(50))
    epoch = begin_epoch(ledger, "north", "motion", footage(), DAY.start_ms)

    assert epoch.start_ms == DAY.end_ms + 17_000
    cells = of_bin(0).cells
    ledger.spend(
        standing_charge(
            FootagePolicy(), cells, 1, Span(NEXT_DAY.start_ms + BIN_MS, NEXT_DAY.start_ms + 2 * BIN_MS), "bin"
        )
    )


def test_crossings_after_footage_begins_with_the_next_local_day(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path / "ledger.db", create=True)
    begin_epoch(ledger, "south", "motion", footage(), DAY.start_ms)
    cells = charge_for(terms(), SOUTH, "bridge", DAY, "day").cells
    ledger.spend(standing_charge(FootagePolicy(), cells, 1, Span(DAY.start_ms, DAY.start_ms + BIN_MS), "bin"))

    epoch = begin_site_epoch(ledger, ACCOUNT, POLICY, ZONE, DAY.start_ms)
    assert epoch.start_ms == DAY.end_ms


def test_no_day_is_paid_for_under_both_promises_or_two_names_of_a_site(ledger: Ledger) -> None:
    ledger.spend(of_bin(0))
    begin_epoch(ledger, "south", "motion", footage(), 0)
    cells = charge_for(terms(), SOUTH, "bridge", DAY, "day").cells
    taken = "site quay has paid for this time in the same ledger; another promise or another name"
    with pytest.raises(BudgetError, match=taken):
        ledger.spend(standing_charge(FootagePolicy(), cells, 1, Span(DAY.end_ms - BIN_MS, DAY.end_ms), "bin"))

    renamed = site_account("harbour")
    begin_site_epoch(ledger, renamed, POLICY, ZONE, 0)
    with pytest.raises(BudgetError, match=taken):
        ledger.spend(replace(of_bin(1), account=renamed))
    ledger.spend(charge_for(SiteTerms(renamed, POLICY, ZONE, 1), NORTH, "bridge", NEXT_DAY, "day"))


def test_a_question_about_one_line_stays_within_the_epsilon_of_that_line(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path / "ledger.db", create=True)
    lines = (*footage(), replace(counted("road"), policy=FootagePolicy()))
    begin_epoch(ledger, "north", "motion", lines, 0)
    cells = of_bin(0).cells
    ledger.spend(ad_hoc_charge(FootagePolicy(), cells, 1, Span(900_000, 1_800_000), 0.6))
    with pytest.raises(
        BudgetError, match=r"the budget of line bridge does not reach: epsilon 0\.9 asked, 0\.4 left of 1"
    ):
        ledger.spend(ad_hoc_charge(FootagePolicy(), cells, 1, Span(900_000, 1_800_000), 0.9))
    with pytest.raises(BudgetError, match="the budget of line bridge does not reach"):
        ledger.spend(standing_charge(FootagePolicy(), cells, 1, Span(900_000, 1_800_000), "bin"))


# In the accounts


class Memory:
    """Keeps open bins as the folder in memory does: as JSON."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    def save(self, camera: str, open_bins: Iterable[OpenBin]) -> None:
        self.kept[camera] = json.dumps([to_plain(one) for one in open_bins])

    def load(self) -> list[OpenBin]:
        return [from_plain(plain) for text in self.kept.values() for plain in json.loads(text)]


def add(accounts: Accounts, number: int, *counts: int) -> None:
    charge = of_bin(number)
    span = Span(charge.span.start_ms, charge.span.start_ms + 10_000)
    contribution = Contribution(Chunk("north", span), charge.cells, counts)
    accounts.add(contribution, 1, covered_ms=10_000, account=ACCOUNT)


def drawn(accounts: Accounts, ledger: Ledger) -> list[Release]:
    found: list[Release] = []
    for open_bin in accounts.ended(NEXT_DAY.end_ms):
        assert accounts.draw(open_bin, open_bin.span.end_ms) is None
    accounts.publish(NEXT_DAY.end_ms, lambda releases, level: found.extend(releases))
    return found


def spends(ledger: Ledger) -> list[str]:
    return [entry.query for entry in ledger.entries() if entry.kind == "spend"]


def test_a_day_is_paid_for_when_it_ends_and_before_its_noise_is_drawn(ledger: Ledger) -> None:
    accounts = Accounts(ledger, Memory())
    accounts.pay(of_day(), "day", resume=True)
    assert accounts.open_cells(of_day())
    accounts.pay(of_bin(0), "bin", resume=True)
    add(accounts, 0, 40, 2)
    assert spends(ledger) == ['bins "north" bridge']

    found = drawn(accounts, ledger)
    assert {release.epsilon for release in found} == {0.75, 0.25}
    assert {
        (release.cell.direction, release.noise_scale) for release in found if release.epsilon == 0.25
    } == {
        ("to_right", 32.0),
        ("to_left", 32.0),
    }
    kinds = [entry.kind for entry in ledger.entries()]
    assert kinds == ["epoch", "spend", "value", "spend", "value"]


def test_what_was_counted_of_a_day_outlives_a_process(ledger: Ledger) -> None:
    store = Memory()
    first = Accounts(ledger, store)
    first.pay(of_day(), "day", resume=True)
    first.pay(of_bin(0), "bin", resume=True)
    add(first, 0, 40, 2)

    second = Accounts(ledger, store)
    (day,) = [one for one in second.open_of("north", 1, ACCOUNT) if one.level == "day"]
    assert (day.sums, day.receipt.id) == ((40, 2), "")
    assert len(drawn(second, ledger)) == 4
    assert not Memory.load(store)


def test_a_crash_between_payment_and_value_leaves_the_day_payable_once(ledger: Ledger) -> None:
    store = Memory()
    first = Accounts(ledger, store)
    first.pay(of_day(), "day", resume=True)
    add(first, 0, 40, 2)
    # Killed after the payment was on the disk, and before the value was.
    ledger.spend(of_day())

    second = Accounts(ledger, store)
    assert len(drawn(second, ledger)) == 2
    assert spends(ledger) == ['days "north" bridge']

    third = Accounts(ledger, Memory())
    again = third.pay(of_day(), "day", resume=True)
    assert again.receipt.stored is not None
    assert third.open_cells(of_day()) is None


def test_a_day_that_the_budget_does_not_reach_is_closed_and_says_why(ledger: Ledger) -> None:
    store = Memory()
    accounts = Accounts(ledger, store)
    opened = accounts.pay(of_day(), "day", resume=True)
    add(accounts, 0, 1, 1)
    ledger.seal(DAY.start_ms + 1)

    assert "given up when the ledger was sealed" in str(accounts.draw(opened, DAY.end_ms))
    assert accounts.open_cells(of_day()) is None
    assert not store.load()


def test_no_value_is_recorded_twice_for_a_day(ledger: Ledger) -> None:
    receipt = ledger.spend(of_day())
    ledger.record(receipt, Stored((1, 2), 1_000_000))
    with pytest.raises(LedgerError, match="used before"):
        ledger.record(receipt, Stored((3, 4), 1_000_000))


def test_the_configuration_of_a_site_is_its_policy_and_zone_alone() -> None:
    text = crossings.configuration(POLICY, ZONE)

    assert text == crossings.configuration(CrossingsPolicy(), ZONE)
    assert json.loads(text)["policy"] == asdict(POLICY)
    assert text != crossings.configuration(POLICY, UTC)
    assert text != crossings.configuration(replace(POLICY, reserve=0.0), ZONE)


# Any sequence

STEPS = st.lists(
    st.tuples(
        st.sampled_from(("bin", "day", "ask")),
        st.sampled_from(((NORTH, "bridge"), (NORTH, "road"), (SOUTH, "bridge"))),
        st.integers(0, 3),
        st.sampled_from((0.02, 0.04, 0.06, 0.2)),
    ),
    min_size=4,
    max_size=14,
)


@settings(max_examples=examples(15), deadline=None)
@given(steps=STEPS, reserve=st.sampled_from((0.0, 0.1, 0.4)))
def test_no_order_of_payments_costs_a_person_more_than_epsilon(
    tmp_path_factory: pytest.TempPathFactory,
    steps: list[tuple[str, tuple[CameraTable, str], int, float]],
    reserve: float,
) -> None:
    policy = CrossingsPolicy(reserve=reserve)
    book = open_ledger(tmp_path_factory.mktemp("ledger") / "ledger.db", create=True)
    begin_site_epoch(book, ACCOUNT, policy, ZONE, 0)
    # The worst person of each day: all of Delta in one slot, whichever, of each query of the table.
    worst: dict[int, dict[tuple[str, int], int]] = {}
    for kind, (table, line), number, epsilon in steps:
        day = (DAY, NEXT_DAY)[number // 2]
        span = Span(day.start_ms + number * BIN_MS, day.start_ms + (number + 1) * BIN_MS)
        try:
            if kind == "ask":
                paid = book.spend(question_charge(terms(1, policy), table, line, span, epsilon))
            else:
                level: Level = "day" if kind == "day" else "bin"
                held = day if level == "day" else span
                paid = book.spend(charge_for(terms(1, policy), table, line, held, level))
        except BudgetError:
            continue
        charge = paid.charge
        # What a change of one crossing costs there: its share of the noise scale.
        prices = worst.setdefault(day.start_ms, {})
        of_question = (charge.pool, charge.span.start_ms if kind == "ask" else 0)
        prices[of_question] = max(prices.get(of_question, 0), charge.epsilon_micro * charge.delta // 8)
    assert all(sum(prices.values()) <= 1_000_000 for prices in worst.values())
    for prices in worst.values():
        asked_micro = sum(price for (pool, _), price in prices.items() if pool.startswith("asked"))
        assert asked_micro <= split(policy).reserve
    book.close()
