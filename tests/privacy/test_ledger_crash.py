"""What is left when a process dies, a disk is full, a backup is restored or many want one slot."""

import shutil
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import event
from tests.privacy.conftest import BIN_MS, begin, charge
from tests.privacy.programs import run_program

from passerby.errors import BudgetError, LedgerError
from passerby.privacy import high_water_mark as mark_module
from passerby.privacy import ledger as ledger_module
from passerby.privacy.charge import Stored
from passerby.privacy.database import open_ledger
from passerby.privacy.high_water_mark import Mark
from passerby.privacy.ledger import Ledger

pytestmark = pytest.mark.process


@pytest.mark.parametrize(("kind", "granted"), [("one", 1), ("many", 3)])
def test_sixteen_processes_race_for_a_slot(place: tuple[str | Path, Path], kind: str, granted: int) -> None:
    outcome = run_program("race", *place, kind)
    assert outcome["finished"] == [0] * 16
    assert outcome["granted"] == [granted] * 4
    assert outcome["spends"] == 4 * granted


def test_killed_between_any_two_steps_it_never_draws_twice(tmp_path: Path) -> None:
    outcomes = run_program("crash", tmp_path)
    assert len(outcomes) > 20
    assert [one["finished"] for one in outcomes] == [False] * (len(outcomes) - 1) + [True]
    for one in outcomes:
        assert one["again"]
        assert one["whole"] >= 2
        # At most one draw whatever happens, and nothing but that draw is ever published.
        assert len(one["drawn"]) <= 1
        assert {text for text in one["published"] if text != "refused"} <= set(one["drawn"])
        if one["spent"] and one["drawn_before"] == 0:
            assert one["published"] == ["refused"]
        if not one["spent"]:
            assert one["published"] == one["drawn"]
    # Every ending was met: before the slot was spent, spent and lost, kept and told again.
    assert {one["published"][0] == "refused" for one in outcomes} == {True, False}
    assert any(one["drawn_before"] and one["published"] == ["refused"] for one in outcomes)
    assert any(one["drawn_before"] and one["published"] == one["drawn"] for one in outcomes[:-1])


def test_a_full_disk_stops_releases_and_gives_nothing_back(ledger: Ledger) -> None:
    ledger.spend(charge(1))

    def cap(connection: sqlite3.Connection, _: object) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages + 1}")

    event.listen(ledger._engine, "connect", cap)
    granted = 0
    with pytest.raises(LedgerError, match="full"):
        for number in range(2, 200):
            ledger.spend(charge(number))
            granted += 1
    event.remove(ledger._engine, "connect", cap)
    assert sum(entry.kind == "spend" for entry in ledger.entries()) == 1 + granted
    ledger.spend(charge(500))


def test_a_mark_that_cannot_be_written_leaves_the_slot_spent(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, mark: Mark) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(mark_module, "write_mark", full)
        with pytest.raises(LedgerError, match="No space left"):
            ledger.spend(charge(1))
    with pytest.raises(BudgetError, match="never released"):
        ledger.spend(charge(1))


def test_a_limit_on_file_sizes_leaves_a_ledger_that_is_whole(tmp_path: Path) -> None:
    outcome = run_program("full_disk", tmp_path)
    assert outcome["stopped"].endswith("all releases stop")
    assert "\n" not in outcome["stopped"]
    after = open_ledger(tmp_path / "ledger.db")
    assert sum(entry.kind == "spend" for entry in after.entries()) == outcome["granted"] > 0
    after.spend(charge(5_000))
    after.close()


def test_a_restored_backup_fails_closed_until_it_is_sealed(tmp_path: Path) -> None:
    where, backup = tmp_path / "ledger.db", tmp_path / "backup.db"
    opened = open_ledger(where, create=True)
    begin(opened)
    opened.record(opened.spend(charge(1)), Stored((5,), 1_000_000))
    shutil.copyfile(where, backup)
    lost = opened.spend(charge(2))
    shutil.copyfile(backup, where)
    for victim in (opened, open_ledger(where)):
        with pytest.raises(LedgerError, match="passerby ledger seal"):
            victim.spend(charge(3))
        with pytest.raises(LedgerError, match="passerby ledger seal"):
            victim.released(lost)
    healed = open_ledger(where)
    healed.seal(4 * BIN_MS)
    for number in (2, 3, 4):
        with pytest.raises(BudgetError, match="sealed"):
            healed.spend(charge(number))
    with pytest.raises(LedgerError, match="never given"):
        healed.released(lost)
    healed.spend(charge(5))
    assert healed.spend(charge(1)).stored == Stored((5,), 1_000_000)
    with pytest.raises(LedgerError, match="went back in time"):
        opened.spend(charge(9))
    # The backup is behind the new mark too.
    shutil.copyfile(backup, where)
    with pytest.raises(LedgerError, match="high-water mark"):
        open_ledger(where).spend(charge(9))


def test_a_mark_never_falls(tmp_path: Path) -> None:
    path = tmp_path / "mark"
    mark_module.raise_mark(path, Mark("one", 5, "five"))
    mark_module.raise_mark(path, Mark("one", 4, "four"))
    assert mark_module.read_mark(path) == Mark("one", 5, "five")


def test_the_budget_check_is_what_holds_the_budget(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests above can fail: without the check the second charge is granted."""
    ledger.spend(charge(1))
    monkeypatch.setattr(ledger_module, "_check_budget", lambda connection, charge: None)
    ledger.spend(charge(1, 800_000, "ask"))
    assert ledger.spent_micro("north", charge(1).covers) > 1_000_000
