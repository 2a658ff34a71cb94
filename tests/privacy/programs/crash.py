"""Kills a release between every two of its steps, then tries it again: prints what was left each time.

usage: crash.py FOLDER
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from passerby.domain.release import Cell
from passerby.domain.timespan import Span
from passerby.errors import BudgetError, LedgerError
from passerby.privacy import entries, gate, high_water_mark, ledger
from passerby.privacy.charge import FootageCharge
from passerby.privacy.database import open_ledger
from passerby.privacy.noise import add_noise

CHARGE = FootageCharge(
    camera="north",
    epoch=1,
    query="bridge",
    span=Span(900_000, 1_800_000),
    cells=(Cell("north", "bridge", "in", "person"),),
    epsilon_micro=800_000,
    rho_ms=6_000,
    k=2,
    chunk_ms=9_000,
    warmup_ms=2_000,
    cap=6,
)
steps = 0


def step(die_at: int) -> None:
    global steps
    steps += 1
    if steps == die_at:
        os.kill(os.getpid(), signal.SIGKILL)


def stepping(function: Callable[..., Any], die_at: int) -> Callable[..., Any]:
    def stepped(*given: Any, **named: Any) -> Any:
        step(die_at)
        result = function(*given, **named)
        step(die_at)
        return result

    return stepped


def note(path: Path, line: str) -> None:
    with path.open("a") as file:
        file.write(line + "\n")


def attempt(folder: Path, die_at: int) -> None:
    def drawn(*given: Any) -> tuple[int, ...]:
        values = add_noise(*given)
        note(folder / "drawn", json.dumps(values))
        return values

    setattr(gate, "add_noise", drawn)  # noqa: B010
    for module, name in (
        (ledger, "take_turn"),
        (ledger, "add"),
        (ledger, "raise_mark"),
        (high_water_mark, "write_mark"),
        (gate, "add_noise"),
        (entries, "insert"),
        (entries, "update"),
    ):
        setattr(module, name, stepping(getattr(module, name), die_at))
    book = open_ledger(folder / "ledger.db")
    try:
        released = gate.release([], book.spend(CHARGE), book, 1.0)
    except BudgetError:
        note(folder / "published", "refused")
    else:
        step(die_at)
        note(folder / "published", json.dumps([one.value for one in released]))
    os._exit(0)


def in_a_child(folder: Path, die_at: int) -> bool:
    """Whether the attempt came to its end."""
    child = os.fork()
    if child == 0:
        try:
            attempt(folder, die_at)
        finally:
            os._exit(1)
    return os.waitpid(child, 0)[1] == 0


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def main() -> None:
    add_noise((0,), 1, 1)  # loaded here, it is loaded in every child
    outcomes: list[dict[str, Any]] = []
    finished = False
    while not finished:
        die_at = len(outcomes) + 1
        folder = Path(sys.argv[1]) / str(die_at)
        folder.mkdir()
        book = open_ledger(folder / "ledger.db", create=True)
        book.epoch("north", "first", 0, blackout_ms=17_000, budget_micro=1_000_000)
        finished = in_a_child(folder, die_at)
        spent = sum(entry.kind == "spend" for entry in open_ledger(folder / "ledger.db").entries())
        before = len(lines(folder / "drawn"))
        again = in_a_child(folder, 0)
        try:
            whole = len(open_ledger(folder / "ledger.db").entries())
        except LedgerError:
            whole = 0
        outcomes.append(
            {
                "finished": finished,
                "spent": spent,
                "again": again,
                "drawn_before": before,
                "drawn": lines(folder / "drawn"),
                "published": lines(folder / "published"),
                "whole": whole,
            }
        )
    print(json.dumps(outcomes))


main()
