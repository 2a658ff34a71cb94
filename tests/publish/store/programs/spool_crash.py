"""Kills sending between every two of its steps, then goes on: prints what the store holds each time.

usage: spool_crash.py FOLDER
"""

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from passerby.domain.release import Cell, Release
from passerby.publish.store import releases as store_module
from passerby.publish.store import spool as spool_module
from passerby.publish.store import writing as writing_module
from passerby.publish.store.database import upgrade
from passerby.publish.store.query import Query
from passerby.publish.store.releases import open_store
from passerby.publish.store.spool import Spool

CELL = Cell("north", "bridge", "in", "person")
BATCHES = [
    [Release(CELL, number * 900_000, (number + 1) * 900_000, number, 30.0, 0.8, 1.0, f"{number}")]
    for number in range(2)
]
steps = 0


def stepping(function: Callable[..., Any], die_at: int) -> Callable[..., Any]:
    def step() -> None:
        global steps
        steps += 1
        if steps == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def stepped(*given: Any, **named: Any) -> Any:
        step()
        result = function(*given, **named)
        step()
        return result

    return stepped


def half_write(descriptor: int, content: bytes) -> int:
    """As much as a system may take at once: less than was given."""
    return _write(descriptor, content[: max(1, len(content) // 2)])


_write = os.write


def attempt(folder: Path, die_at: int) -> None:
    if die_at:
        for module, name in (
            (spool_module, "_append"),
            (spool_module, "_rename"),
            (spool_module, "_remove"),
            (spool_module, "_sync_folder"),
            (writing_module, "insert"),
            (writing_module, "_roll_up"),
            (store_module, "_touch"),
        ):
            setattr(module, name, stepping(getattr(module, name), die_at))
        os.write = stepping(half_write, die_at)
        os.fsync = stepping(os.fsync, die_at)
    spool, store = Spool(folder / "spool"), open_store(folder / "releases.db")
    told = folder / "told"
    for number, batch in enumerate(BATCHES):
        # What `put` did not answer for is put again, as whoever releases does after a crash.
        if not (told / str(number)).exists():
            spool.put(batch, "bin")
            (told / str(number)).touch()
        if number == 0:
            spool.drain(store)
    spool.drain(store)
    os._exit(0)


def in_a_child(folder: Path, die_at: int) -> bool:
    """Whether the attempt came to its end."""
    child = os.fork()
    if child == 0:
        attempt(folder, die_at)
    return os.waitpid(child, 0)[1] == 0


def main() -> None:
    outcomes: list[dict[str, Any]] = []
    finished = False
    empty = Path(sys.argv[1]) / "empty.db"
    upgrade(empty)
    open_store(empty, "Europe/Copenhagen").close()
    while not finished:
        die_at = len(outcomes) + 1
        folder = Path(sys.argv[1]) / str(die_at)
        (folder / "told").mkdir(parents=True)
        shutil.copyfile(empty, folder / "releases.db")
        finished = in_a_child(folder, die_at)
        again = in_a_child(folder, 0)
        store = open_store(folder / "releases.db", read_only=True)
        outcomes.append(
            {
                "finished": finished,
                "again": again,
                "bins": [row.value for row in store.rows(Query("bin"))],
                "hours": [(row.value, row.releases) for row in store.rows(Query("hour"))],
                "left": Spool(folder / "spool").waiting_bytes(),
                "refused": (folder / "spool" / "refused").exists(),
            }
        )
        store.close()
    print(json.dumps(outcomes))


main()
