"""Sixteen processes want the same slots at the same instant: prints, for each slot, how many were granted it.

usage: race.py LEDGER MARK CHARGES [planted], where CHARGES is `one` slot of one query or `many` queries on one
budget; planted reads before it locks
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

from passerby.domain.release import Cell
from passerby.domain.timespan import Span
from passerby.errors import BudgetError, LedgerError
from passerby.privacy import database
from passerby.privacy.charge import FootageCharge
from passerby.privacy.database import open_ledger

RACERS, SLOTS = 16, 4
where, mark, kind = sys.argv[1], Path(sys.argv[2]), sys.argv[3]


def wanted(racer: int, slot: int) -> FootageCharge:
    # `many`: 16 queries of epsilon 0.3 want the same bin, of which a budget of 1 bears three.
    query, epsilon_micro = ("bridge", 800_000) if kind == "one" else (f"ask {racer}", 300_000)
    return FootageCharge(
        camera="north",
        epoch=1,
        query=query,
        span=Span((3 * slot + 1) * 900_000, (3 * slot + 2) * 900_000),
        cells=(Cell("north", "bridge", "in", "person"),),
        epsilon_micro=epsilon_micro,
        rho_ms=6_000,
        k=2,
        chunk_ms=9_000,
        warmup_ms=2_000,
        cap=6,
    )


def read_before_locking() -> None:
    """Leave out BEGIN IMMEDIATE: what is read may be old by the time that it is acted on."""
    setattr(database, "_begin_immediate", lambda connection: None)  # noqa: B010


def run(racer: int, go: int, told: int) -> None:
    if sys.argv[4:] == ["planted"]:
        read_before_locking()
    ledger = open_ledger(where, mark)
    os.read(go, 1)
    granted = []
    for slot in range(SLOTS):
        try:
            ledger.spend(wanted(racer, slot))
        except BudgetError:
            continue
        granted.append(slot)
    os.write(told, (json.dumps(granted) + "\n").encode())


def main() -> None:
    ledger = open_ledger(where, mark, create=True)
    ledger.epoch("north", "first", 0, blackout_ms=17_000, budget_micro=1_000_000)
    start_reader, start_writer = os.pipe()
    told_reader, told_writer = os.pipe()
    for racer in range(RACERS):
        if os.fork() == 0:
            try:
                run(racer, start_reader, told_writer)
            except LedgerError:
                os._exit(1)
            finally:
                os._exit(0)
    os.write(start_writer, b"g" * RACERS)
    finished = [os.wait()[1] for _ in range(RACERS)]
    os.write(told_writer, b"[]\n")
    lines: list[Any] = [json.loads(line) for line in os.read(told_reader, 65_536).splitlines()]
    granted = [sum(slot in line for line in lines) for slot in range(SLOTS)]
    spends = [entry for entry in open_ledger(where, mark).entries() if entry.kind == "spend"]
    print(json.dumps({"granted": granted, "finished": finished, "spends": len(spends)}))


main()
