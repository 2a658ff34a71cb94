"""The ledger as text for people."""

import json
from dataclasses import replace
from itertools import pairwise

import pytest
from tests.privacy.conftest import begin, charge

from passerby.errors import LedgerError
from passerby.privacy.charge import Stored
from passerby.privacy.entries import Entry, canonical, genesis, link
from passerby.privacy.ledger import Ledger
from passerby.privacy.ledger_report import accounts, export, show, verify


def test_accounts_say_what_was_spent_and_what_stays_empty(ledger: Ledger) -> None:
    begin(ledger, "south")
    ledger.record(ledger.spend(charge(1)), Stored((3,), 1_000_000))
    ledger.spend(charge(2))
    ledger.spend(charge(1, 200_000, "bridge days", length=2))
    north, south = accounts(ledger)
    assert (north.camera, north.spent, north.unreleased, north.cost_micro) == ("north", 3, 2, 1_000_000)
    assert north.queries == ("bridge bins", "bridge days")
    assert (south.spent, south.cost_micro, south.budget_micro) == (0, 0, 1_000_000)
    text = "\n".join(show(ledger))
    assert "camera north: epoch 1 since 1970-01-01T00:00:00+00:00" in text
    assert "epsilon 1 of 1" in text
    assert "3 slots spent, 2 of them never released" in text


def test_every_published_receipt_has_to_be_in_the_ledger(ledger: Ledger) -> None:
    receipt = ledger.spend(charge(1))
    assert verify(ledger, [receipt.id]).startswith("2 entries, each fits the one before")
    with pytest.raises(LedgerError, match="1 published receipt is not in the ledger"):
        verify(ledger, [receipt.id, "0" * 64])


def test_what_is_exported_can_be_verified_by_anyone(ledger: Ledger) -> None:
    ledger.record(ledger.spend(charge(1)), Stored((-3,), 1_000_000))
    lines = [json.loads(line) for line in export(ledger)]
    assert [line["kind"] for line in lines] == ["epoch", "spend", "value"]
    entries = [Entry(**{**line, "body": canonical(line["body"])}) for line in lines]
    assert [entry.hash for entry in entries] == [entry.hash for entry in ledger.entries()]
    for before, entry in pairwise(entries):
        assert link(before.hash, entry) == entry.hash
        assert link(before.hash, replace(entry, epsilon_micro=1)) != entry.hash
    assert genesis("a").hash != genesis("b").hash
