"""Signed heads: whoever keeps one finds a ledger whose owner rewrote its past."""

import json
import sqlite3
from pathlib import Path

import pytest
from tests.privacy.conftest import begin, charge

from passerby.errors import InputError, LedgerError
from passerby.privacy import ledger_report, signed_head
from passerby.privacy.charge import Stored
from passerby.privacy.database import open_ledger

NOW_MS = 1_780_000_000_000


def filled(folder: Path, slots: int) -> Path:
    where = folder / "ledger.db"
    ledger = open_ledger(where, create=True)
    begin(ledger)
    for number in range(1, slots + 1):
        ledger.record(ledger.spend(charge(number)), Stored((number,), 1_000_000))
    ledger.close()
    return where


def test_a_head_says_which_entry_was_the_last_and_who_signed(tmp_path: Path) -> None:
    ledger = open_ledger(filled(tmp_path, 2))
    line = signed_head.sign(ledger.head(), NOW_MS, ledger.key_file)
    found = signed_head.read(line)

    assert (found.mark, found.time_ms) == (ledger.head(), NOW_MS)
    assert signed_head.read(signed_head.sign(ledger.head(), NOW_MS + 1_000, ledger.key_file)).key == found.key
    assert ledger.key_file == tmp_path / "ledger.db.key"
    assert oct(ledger.key_file.stat().st_mode & 0o777) == "0o600"
    assert "5 entries" in ledger_report.verify(ledger, heads=[found.mark])


def test_a_ledger_that_goes_on_still_has_its_earlier_heads(tmp_path: Path) -> None:
    ledger = open_ledger(filled(tmp_path, 2))
    heads = [ledger.head()]
    for number in (3, 4):
        ledger.spend(charge(number))
        heads.append(ledger.head())

    assert "7 entries" in ledger_report.verify(ledger, heads=heads)


def test_a_ledger_whose_owner_forgot_a_spend_is_found_by_a_head(tmp_path: Path) -> None:
    where = filled(tmp_path, 3)
    ledger = open_ledger(where)
    kept = ledger.head()
    ledger.close()
    # The owner takes out the last slot, and writes head and mark anew.
    with sqlite3.connect(where) as database:
        database.execute("DELETE FROM entry WHERE number > 5")
        number, hash_ = database.execute("SELECT number, hash FROM entry ORDER BY number DESC").fetchone()
        database.execute("UPDATE head SET number = ?, hash = ?", (number, hash_))
    database.close()
    (tmp_path / "ledger.db.mark").write_text(f"{kept.ledger} {number} {hash_}\n")

    forged = open_ledger(where)
    assert "5 entries" in ledger_report.verify(forged)
    with pytest.raises(LedgerError, match=r"\(entry 7\) is not of this ledger, or it is newer"):
        ledger_report.verify(forged, heads=[kept])
    forged.record(forged.spend(charge(9)), Stored((1,), 0))
    with pytest.raises(LedgerError, match="the past of the ledger was rewritten: entry 7"):
        ledger_report.verify(forged, heads=[kept])


@pytest.mark.parametrize("key", ["ledger", "number", "hash", "time", "key"])
def test_a_changed_head_is_refused(tmp_path: Path, key: str) -> None:
    ledger = open_ledger(filled(tmp_path, 1))
    head = json.loads(signed_head.sign(ledger.head(), NOW_MS, ledger.key_file))
    head[key] = {"number": 1, "time": "2020-01-01T00:00:00+00:00"}.get(key, "A" * 43 + "=")
    with pytest.raises(InputError, match=r"signature is not that of its key|no signed head"):
        signed_head.read(json.dumps(head))


@pytest.mark.parametrize("text", ["", "{}", "[]", "3", '{"signature": 3}', "\0", '{"signature": "AA=="}'])
def test_what_is_no_head_is_refused(text: str) -> None:
    with pytest.raises(
        InputError, match="no signed head, expected a line that `passerby ledger head` printed"
    ):
        signed_head.read(text)


def test_a_key_that_is_none_is_an_error(tmp_path: Path) -> None:
    ledger = open_ledger(filled(tmp_path, 1))
    ledger.key_file.write_text("no key")
    with pytest.raises(LedgerError, match=r"ledger\.db\.key: the key of the ledger could not be read"):
        signed_head.sign(ledger.head(), NOW_MS, ledger.key_file)
