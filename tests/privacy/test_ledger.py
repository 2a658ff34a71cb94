"""The rules of the ledger, in both databases."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.privacy.conftest import BIN_MS, begin, charge

from passerby.domain.timespan import Span
from passerby.errors import BudgetError, LedgerError
from passerby.privacy.charge import Stored
from passerby.privacy.database import open_ledger, seal_ledger
from passerby.privacy.ledger import Ledger


@pytest.fixture
def book(place: tuple[str | Path, Path]) -> Iterator[Ledger]:
    opened = open_ledger(*place, create=True)
    begin(opened)
    yield opened
    opened.close()


def test_a_slot_is_granted_once_and_answers_what_it_released(book: Ledger) -> None:
    receipt = book.spend(charge(1))
    assert receipt.stored is None
    with pytest.raises(BudgetError, match="never released"):
        book.spend(charge(1))
    book.record(receipt, Stored((-7,), 1_000_000))
    assert book.spend(charge(1)) == replace(receipt, stored=Stored((-7,), 1_000_000))
    with pytest.raises(LedgerError, match="used before"):
        book.record(receipt, Stored((8,), 1_000_000))
    assert book.released(receipt) == Stored((-7,), 1_000_000)


@pytest.mark.parametrize("dated", [None, 0, 250_000])
def test_whose_clock_it_was_is_kept_where_it_is_known(book: Ledger, dated: int | None) -> None:
    stored = Stored((-7,), 1_000_000, dated)
    receipt = book.spend(charge(1))
    book.record(receipt, stored)
    assert book.released(receipt) == stored
    assert book.spend(charge(1)).stored == stored
    # Where it is not, the entry is that of every version before.
    assert ("sender_micro" in book.entries()[-1].content) == (dated is not None)


def test_a_standing_query_costs_its_epsilon_once_and_for_ever(book: Ledger) -> None:
    for number in range(1, 30):
        book.spend(charge(number))
    assert book.spent_micro("north", Span(0, 100 * BIN_MS)) == 800_000
    book.spend(charge(1, 200_000, "bridge days", length=28))
    assert book.spent_micro("north", Span(0, 100 * BIN_MS)) == 1_000_000


def test_the_budget_is_held_for_every_segment(book: Ledger) -> None:
    book.spend(charge(1))
    with pytest.raises(
        BudgetError,
        match=r"camera north, query ask: the budget does not reach: epsilon 0\.3 asked, 0\.2 left of 1",
    ):
        book.spend(charge(1, 300_000, "ask"))
    # The next bin is in reach of a segment that touches this one, the one after that is not.
    with pytest.raises(BudgetError, match="does not reach"):
        book.spend(charge(2, 300_000, "ask"))
    book.spend(charge(3, 300_000, "ask"))
    book.spend(charge(1, 200_000, "small"))


def test_a_margin_of_rho_and_warm_up_stands_on_both_sides(book: Ledger) -> None:
    middle = replace(charge(0, 1_000_000, "middle"), span=Span(90_000, 180_000))
    book.spend(middle)
    for side, span in (("before", Span(72_000, 90_000)), ("after", Span(180_000, 198_000))):
        with pytest.raises(BudgetError, match="does not reach"):
            book.spend(replace(middle, query=side, span=span))
    for side, span in (("before", Span(63_000, 81_000)), ("after", Span(189_000, 207_000))):
        book.spend(replace(middle, query=side, span=span))


def test_cameras_have_budgets_of_their_own(book: Ledger) -> None:
    book.spend(charge(1, 1_000_000))
    begin(book, "south")
    book.spend(charge(1, 1_000_000, camera="south"))


def test_slots_of_a_query_neither_overlap_nor_change_their_terms(book: Ledger) -> None:
    book.spend(charge(1, length=2))
    with pytest.raises(LedgerError, match="overlaps"):
        book.spend(charge(2))
    with pytest.raises(LedgerError, match="overlaps"):
        book.spend(replace(charge(1, length=2), cap=5))
    with pytest.raises(LedgerError, match="other terms"):
        book.spend(charge(9, 700_000))
    with pytest.raises(LedgerError, match="other terms"):
        book.spend(replace(charge(9), cap=5))


def test_a_policy_change_in_the_middle_of_a_day_waits_for_a_blackout(book: Ledger) -> None:
    for number in range(1, 5):
        book.spend(charge(number))
    same = book.epoch("north", "first", 0, blackout_ms=17_000, budget_micro=1_000_000)
    assert (same.number, same.start_ms) == (1, 0)
    changed = book.epoch("north", "second", 4 * BIN_MS, blackout_ms=20_000, budget_micro=1_000_000)
    assert (changed.number, changed.start_ms) == (2, 5 * BIN_MS + 20_000)
    with pytest.raises(BudgetError, match="before epoch 2"):
        book.spend(charge(5, epoch=2))
    with pytest.raises(BudgetError, match="has ended"):
        book.spend(charge(5))
    with pytest.raises(LedgerError, match="no epoch 3"):
        book.spend(charge(6, epoch=3))
    book.spend(charge(6, epoch=2))
    # The day is held by neither epoch, so it is not released; the past of the first is still its own.
    with pytest.raises(BudgetError, match="has ended"):
        book.spend(charge(0, 200_000, "bridge days", length=96))
    book.spend(charge(0, 200_000, "bridge hours", length=4))


def test_a_clock_that_steps_back_finds_its_slots_spent(book: Ledger) -> None:
    for number in (10, 11, 12):
        book.record(book.spend(charge(number)), Stored((number,), 1_000_000))
    before = len(book.entries())
    for number in (10, 11, 12):
        assert book.spend(charge(number)).stored == Stored((number,), 1_000_000)
    assert len(book.entries()) == before


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE entry SET epsilon_micro = 1 WHERE number = 2",
        "UPDATE entry SET camera = 'south' WHERE number = 3",
        "UPDATE entry SET covers_start_ms = covers_end_ms WHERE number = 2",
        "DELETE FROM entry WHERE number = 2",
        "DELETE FROM entry WHERE number = 4",
        "UPDATE head SET number = 3",
        "UPDATE head SET ledger = 'another'",
        "DELETE FROM head",
    ],
)
def test_a_ledger_that_was_changed_stops_every_release(
    place: tuple[str | Path, Path], book: Ledger, change: str
) -> None:
    receipt = book.spend(charge(1))
    for number in (2, 3):
        book.spend(charge(number))
    with book._engine.begin() as connection:
        connection.execute(text(change))
    fresh = open_ledger(*place)
    for use in (
        lambda: fresh.spend(charge(9)),
        lambda: fresh.released(receipt),
        lambda: fresh.entries(),
        lambda: begin(fresh, "south"),
        lambda: fresh.seal(10**12),
    ):
        with pytest.raises(LedgerError, match="all releases stop"):
            use()
    fresh.close()


def test_cutting_off_the_end_with_its_head_is_noticed(place: tuple[str | Path, Path], book: Ledger) -> None:
    for number in (1, 2, 3):
        book.spend(charge(number))
    last = book.entries()[-2]
    with book._engine.begin() as connection:
        connection.execute(text("DELETE FROM entry WHERE number > :n"), {"n": last.number})
        connection.execute(text("UPDATE head SET number = :n, hash = :h"), {"n": last.number, "h": last.hash})
    for victim, reason in ((open_ledger(*place), "high-water mark"), (book, "went back in time")):
        with pytest.raises(LedgerError, match=reason):
            victim.spend(charge(9))
        victim.close()


def test_a_lost_ledger_is_not_made_anew(tmp_path: Path) -> None:
    where = tmp_path / "ledger.db"
    with pytest.raises(LedgerError, match="no ledger here"):
        open_ledger(where)
    assert not where.exists()
    opened = open_ledger(where, create=True)
    begin(opened)
    opened.close()
    where.unlink()
    with pytest.raises(LedgerError, match="one was lost"):
        open_ledger(where, create=True)


def test_a_broken_ledger_is_moved_away_and_a_sealed_one_takes_its_place(tmp_path: Path) -> None:
    where = tmp_path / "ledger.db"
    opened = open_ledger(where, create=True)
    begin(opened)
    opened.spend(charge(1))
    opened.close()
    where.rename(tmp_path / "broken.db")
    sealed = seal_ledger(where, before_ms=4 * BIN_MS)
    begin(sealed)
    with pytest.raises(BudgetError, match="sealed"):
        sealed.spend(charge(3))
    sealed.spend(charge(5))
    sealed.close()
    assert open_ledger(where).entries()[0].kind == "seal"


def test_a_seal_that_was_cut_short_leaves_a_ledger_that_is_not_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = tmp_path / "ledger.db"
    opened = open_ledger(where, create=True)
    begin(opened)
    opened.close()
    where.unlink()

    def killed(self: Ledger, before_ms: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "seal", killed)
        with pytest.raises(KeyboardInterrupt):
            seal_ledger(where, before_ms=4 * BIN_MS)
    with pytest.raises(LedgerError, match="high-water mark"):
        begin(open_ledger(where))
    seal_ledger(where, before_ms=4 * BIN_MS)
    begin(open_ledger(where))


def test_a_mark_that_is_gone_or_garbage_stops_every_release(
    place: tuple[str | Path, Path], book: Ledger
) -> None:
    mark = place[1]
    mark.write_bytes(b"\xff\x00")
    with pytest.raises(LedgerError, match="cannot be read"):
        book.spend(charge(1))
    mark.write_text("three words only here")
    with pytest.raises(LedgerError, match="expected a high-water mark"):
        book.spend(charge(1))
    mark.unlink()
    with pytest.raises(LedgerError, match="mark is missing"):
        book.spend(charge(1))


def test_a_file_that_is_no_ledger_is_refused_in_one_line(tmp_path: Path) -> None:
    where = tmp_path / "ledger.db"
    where.write_bytes(b"not a database at all" * 100)
    for create in (False, True):
        with pytest.raises(LedgerError, match=r"ledger\.db: the ledger cannot be opened") as caught:
            open_ledger(where, create=create)
        assert "\n" not in str(caught.value)
    assert where.read_bytes() == b"not a database at all" * 100


def test_a_server_that_is_away_is_told_without_its_password(tmp_path: Path) -> None:
    pytest.importorskip("psycopg", reason="the extra `postgres` is not installed")
    url = f"postgresql+psycopg://me:hidden@/none?host={tmp_path}"
    with pytest.raises(LedgerError, match="cannot be opened") as caught:
        open_ledger(url, tmp_path / "mark")
    assert "hidden" not in str(caught.value)
    with pytest.raises(LedgerError, match="high-water mark"):
        open_ledger(url)
    with pytest.raises(LedgerError, match="expected postgresql"):
        open_ledger("mysql://host/base", tmp_path / "mark")


def test_a_later_version_of_the_tables_is_left_alone(place: tuple[str | Path, Path], book: Ledger) -> None:
    with book._engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '999'"))
    with pytest.raises(LedgerError, match="later version"):
        open_ledger(*place)


def test_a_ledger_is_durable_as_it_says(ledger: Ledger) -> None:
    with ledger._engine.connect() as connection:
        assert connection.scalar(text("PRAGMA journal_mode")) == "wal"
        assert connection.scalar(text("PRAGMA synchronous")) == 2


def test_importing_passerby_loads_no_database_and_no_noise() -> None:
    code = "import sys, passerby; print([m for m in ('sqlalchemy', 'opendp', 'alembic') if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("page", [1, 2, 3, 7])
def test_a_chain_of_many_pages_is_followed_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr("passerby.privacy.entries._PAGE", page)
    where = tmp_path / "ledger.db"
    ledger = open_ledger(where, create=True)
    for number in range(6):
        ledger.epoch(f"camera {number}", "one", 0, blackout_ms=1, budget_micro=1)
    ledger.close()
    again = open_ledger(where)
    assert len(again.entries()) == 6
    again.close()

    with sqlite3.connect(where) as connection:
        connection.execute("DELETE FROM entry WHERE number = 6")
    connection.close()
    broken = open_ledger(where)
    with pytest.raises(LedgerError, match="broken at entry 6"):
        broken.entries()
    broken.close()


def test_a_spent_slot_is_regained_and_still_released_once(book: Ledger) -> None:
    assert book.regain(charge(1)) is None
    receipt = book.spend(charge(1))
    assert book.regain(charge(1)) == receipt
    book.record(receipt, Stored((-7,), 1_000_000))
    again = book.regain(charge(1))
    assert again == replace(receipt, stored=Stored((-7,), 1_000_000))
    assert again is not None
    with pytest.raises(LedgerError, match="used before"):
        book.record(again, Stored((8,), 1_000_000))


# Against its owner


def test_only_the_owner_can_read_a_new_ledger_and_its_mark(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path / "ledger.db", create=True)
    begin(ledger)
    ledger.close()

    modes = {path.name: oct(path.stat().st_mode & 0o777) for path in tmp_path.iterdir()}
    assert modes == dict.fromkeys(("ledger.db", "ledger.db.mark", "ledger.db.mark.lock"), "0o600")


def test_a_camera_by_another_name_has_no_budget_of_its_own(book: Ledger) -> None:
    def begun(camera: str, source: str) -> int:
        return book.epoch(
            camera, "first", 0, blackout_ms=17_000, budget_micro=1_000_000, source=source
        ).number

    assert begun("north", "lens") == 1
    assert begun("south", "lens") == begun("west", "another lens") == 1
    book.spend(charge(4))
    with pytest.raises(BudgetError, match="camera north has paid for this time from the same source"):
        book.spend(charge(4, camera="south"))
    book.spend(charge(4, camera="west"))
    # Another time is free: a camera may be renamed.
    book.spend(charge(9, camera="south"))
    with pytest.raises(BudgetError, match="camera south has paid for this time"):
        book.spend(charge(9))
