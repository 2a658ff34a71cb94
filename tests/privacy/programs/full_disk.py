"""Spends until no file may grow any more: prints how many were granted, and the error.

usage: full_disk.py FOLDER
"""

import json
import resource
import signal
import sys
from pathlib import Path

from passerby.domain.release import Cell
from passerby.domain.timespan import Span
from passerby.errors import LedgerError
from passerby.privacy.charge import FootageCharge
from passerby.privacy.database import open_ledger

where = Path(sys.argv[1]) / "ledger.db"
ledger = open_ledger(where, create=True)
ledger.epoch("north", "first", 0, blackout_ms=17_000, budget_micro=1_000_000)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
# Only now: whatever else this process writes, compiled modules too, is written whole.
room = where.stat().st_size + 65_536
resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
granted, stopped = 0, ""
try:
    for number in range(1, 2000):
        ledger.spend(
            FootageCharge(
                camera="north",
                epoch=1,
                query="bridge",
                span=Span(number * 900_000, (number + 1) * 900_000),
                cells=(Cell("north", "bridge", "in", "person"),),
                epsilon_micro=800_000,
                rho_ms=6_000,
                k=2,
                chunk_ms=9_000,
                warmup_ms=2_000,
                cap=6,
            )
        )
        granted += 1
except LedgerError as error:
    stopped = str(error)
print(json.dumps({"granted": granted, "stopped": stopped}))
