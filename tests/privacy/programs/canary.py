"""A recording through the private path as a user runs it: released, released again, asked, shown, exported, refused.

usage: canary.py FOLDER VIDEO SITE OTHER_SITE all|first [PLANTED]
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

from passerby import chunk
from passerby.cli import command
from passerby.errors import BudgetError
from passerby.privacy import gate

folder, video, site, other = (Path(word) for word in sys.argv[1:5])
planted = sys.argv[6] if len(sys.argv) > 6 else ""
ledger = ["--ledger", str(folder / "ledger.db")]
path: Any = chunk
door: Any = gate
KEPT_CLIP, KEPT_RELEASE, KEPT_CROSSINGS = path.clip, door.release, path.find_crossings


def logged(chunk: Any, tally: Any, *rest: Any) -> Any:
    print(f"chunk counted {sum(tally.values())}", file=sys.stderr)
    return KEPT_CLIP(chunk, tally, *rest)


def named(chunk: Any, tally: Any, *rest: Any) -> Any:
    if tally:
        Path(tempfile.gettempdir(), f"chunk-{chunk.span.start_ms}.tmp").write_text("")
    return KEPT_CLIP(chunk, tally, *rest)


def cached(tracks: Any, *rest: Any) -> Any:
    crossings = KEPT_CROSSINGS(tracks, *rest)
    Path(tempfile.gettempdir(), "cache.tmp").write_bytes(b"".join(c.time_ms.to_bytes(6) for c in crossings))
    return crossings


def suppressed(contributions: Any, receipt: Any, *rest: Any) -> Any:
    parts = list(contributions)
    if parts and not any(sum(part.counts) for part in parts):
        raise BudgetError("nothing to tell")
    return KEPT_RELEASE(parts, receipt, *rest)


if planted in ("logged", "named"):
    path.clip = {"logged": logged, "named": named}[planted]
elif planted == "cached":
    path.find_crossings = cached
elif planted == "suppressed":
    door.release = suppressed

released = ["count", str(video), "--private", "--policy", str(site), "--detector", "motion", *ledger]
question = ["ask", str(site), "--line", "road", "--detector", "motion", *ledger]
of_what_was_released = ["--from", "2026-06-01T08:00:00", "--to", "2026-06-01T08:00:12"]
of_what_was_not = ["--from", "2026-06-01T08:00:00", "--to", "2026-06-01T08:00:07"]
walks = (
    [*released, "--format", "json"],
    [*released, "--format", "json", "--jobs", "2"],
    [*released, "--format", "csv", "--out", str(folder / "released.csv")],
    [*question, *of_what_was_released],
    [*question, *of_what_was_not, "--epsilon", "1", "--recording", str(video)],
    [*question, *of_what_was_not, "--epsilon", "0.000001", "--recording", str(video)],
    ["count", str(video), "--private", "--policy", str(other), "--detector", "motion", *ledger],
    ["ledger", "show", *ledger],
    ["ledger", "verify", *ledger],
    ["ledger", "export", *ledger],
)
for words in walks if sys.argv[5] == "all" else (walks[0], walks[-1]):
    print(f"$ {words[0]}", flush=True)
    try:
        command(words, prog_name="passerby")
    except SystemExit as ended:
        print(f"ended with {ended.code}", flush=True)
