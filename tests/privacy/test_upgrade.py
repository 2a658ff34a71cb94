"""A ledger, a store and open bins of an earlier version (commit d276e61), opened by this one.

Invariant: the files were made by the code of that commit (upgrade/make_d276e61.txt) and are never changed.
"""

import json
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("opendp", reason="the extra `private` is not installed")
pytest.importorskip("sqlalchemy", reason="the extra `private` is not installed")

from datetime import UTC

from passerby.config.site import CountedLine
from passerby.domain.geometry import Line
from passerby.domain.policy import CrossingsPolicy, FootagePolicy
from passerby.domain.release import Cell
from passerby.domain.timespan import Span
from passerby.errors import BudgetError
from passerby.privacy import answers, ledger_report
from passerby.privacy.accounts import Accounts
from passerby.privacy.charge import site_account
from passerby.privacy.crossings import CameraTable, SiteTerms, charge_for
from passerby.privacy.database import open_ledger
from passerby.privacy.epochs import begin_epoch, begin_site_epoch
from passerby.privacy.ledger import Ledger
from passerby.privacy.open_bins import OpenBin, from_plain
from passerby.privacy.standing_query import ad_hoc_charge, cells_of, standing_charge
from passerby.publish.store.database import upgrade
from passerby.publish.store.query import Query
from passerby.publish.store.releases import open_store

MADE = Path(__file__).with_name("upgrade")
BIN_MS, DAY_MS = 900_000, 86_400_000
START_MS = 20_500 * DAY_MS
POLICY = FootagePolicy()
LINES = tuple(
    CountedLine(Line(name, (0.1, 0.5), (0.9, 0.5), ("in", "out")), ("person", "bicycle"), 0.4, POLICY)
    for name in ("bridge", "road")
)
CELLS = cells_of("north", LINES[0])


def bin_(number: int) -> Span:
    return Span(START_MS + number * BIN_MS, START_MS + (number + 1) * BIN_MS)


def restored(name: str, folder: Path) -> Path:
    path = folder / f"{name}.db"
    with sqlite3.connect(path) as database:
        database.executescript((MADE / f"{name}_d276e61.sql").read_text())
    database.close()
    return path


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    path = restored("ledger", tmp_path)
    shutil.copy(MADE / "ledger_d276e61.mark", tmp_path / "ledger.db.mark")
    opened = open_ledger(path)
    yield opened
    opened.close()


def test_the_chain_of_an_earlier_ledger_is_whole_and_its_account_the_same(ledger: Ledger) -> None:
    assert ledger_report.verify(ledger).startswith("9 entries, each fits the one before")
    (account,) = ledger_report.accounts(ledger)
    assert (account.camera, account.epoch, account.spent, account.unreleased) == ("north", 1, 6, 4)
    # Both levels of one line, and a question about the other.
    assert (account.cost_micro, account.budget_micro) == (1_500_000, 2_000_000)


def test_an_unchanged_site_goes_on_in_its_epoch_and_releases_the_same_values_again(ledger: Ledger) -> None:
    assert begin_epoch(ledger, "north", "motion", LINES, START_MS).number == 1
    again = ledger.spend(standing_charge(POLICY, CELLS, 1, bin_(0), "bin"))
    assert again.stored is not None
    assert again.stored.values == (12, -3, 0, 41)
    with pytest.raises(BudgetError, match="never released"):
        ledger.spend(standing_charge(POLICY, CELLS, 1, bin_(2), "bin"))
    assert ledger.spend(standing_charge(POLICY, CELLS, 1, bin_(4), "bin")).stored is None
    bins, _ = answers.released(ledger, "north", "bridge")
    assert [release.value for release in bins][:4] == [12, -3, 0, 41]


def test_a_question_of_an_earlier_version_counts(ledger: Ledger) -> None:
    road = cells_of("north", LINES[1])
    with pytest.raises(BudgetError, match=r"the budget does not reach: epsilon 0\.8 asked, 0\.5 left of 2"):
        ledger.spend(standing_charge(POLICY, road, 1, bin_(0), "bin"))
    ledger.spend(ad_hoc_charge(POLICY, road, 1, bin_(0), 0.4))


class Kept:
    """The open bins that the earlier version kept in memory."""

    def save(self, camera: str, open_bins: object) -> None: ...

    def load(self) -> list[OpenBin]:
        return [from_plain(plain) for plain in json.loads((MADE / "open_bins_d276e61.json").read_text())]


def test_an_open_bin_of_an_earlier_version_is_continued(ledger: Ledger) -> None:
    accounts = Accounts(ledger, Kept())
    (opened,) = accounts.open_of("north", 1)

    assert (opened.span, opened.sums) == (bin_(3), (2, 0, 1, 0))
    assert accounts.draw(opened, opened.span.end_ms) is None
    assert opened.drawn is not None


def test_the_crossings_promise_begins_after_the_days_that_were_paid_for(ledger: Ledger) -> None:
    policy, account = CrossingsPolicy(), site_account("quay")
    epoch = begin_site_epoch(ledger, account, policy, UTC, START_MS)
    assert epoch.start_ms == START_MS + DAY_MS

    terms, table = SiteTerms(account, policy, UTC, epoch.number), CameraTable("north", LINES)
    with pytest.raises(BudgetError, match="before epoch 1 began"):
        ledger.spend(charge_for(terms, table, "bridge", bin_(20), "bin"))
    ledger.spend(charge_for(terms, table, "bridge", bin_(96), "bin"))


def test_an_earlier_store_is_brought_up_to_date_and_has_the_same_numbers(tmp_path: Path) -> None:
    path = restored("releases", tmp_path)
    upgrade(path)
    store = open_store(path, "UTC")

    assert sorted(store.cells()) == sorted(CELLS)
    values = {
        (row.cell, row.start_ms): (row.value, row.epsilon, row.releases) for row in store.rows(Query("bin"))
    }
    assert len(values) == 8
    assert values[Cell("north", "bridge", "in", "person"), START_MS] == (12, 0.8, 1)
