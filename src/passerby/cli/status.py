"""`passerby status`: how the cameras of a running site are.

Invariant: reads what `passerby run` wrote, and needs neither the ledger nor the store.
"""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from passerby.cli.database import needs
from passerby.cli.group import note, write_out
from passerby.cli.run import state_of, state_option

if TYPE_CHECKING:
    from passerby.live.supervisor.status import CameraStatus

_NOT_WELL = 1
_COLUMNS = ("camera", "health", "since (UTC)", "frames/s", "coverage today", "epsilon left")


@click.command(short_help="How the cameras of a running site are.")
@click.argument("site", type=click.Path(path_type=Path))
@state_option
@click.option("--format", "format_", type=click.Choice(["table", "json"]), default="table", show_default=True)
def status(site: Path, state: Path | None, format_: Literal["table", "json"]) -> int:
    """Show how the site of the file SITE is, as `passerby run` told last: links, frames, coverage, budget.

    Exits with 1 where it is not run, or hangs.
    """
    with needs("run"):
        from passerby.live.supervisor import status as files
    folder = state_of(site, state)
    found = files.read(folder)
    age_ms = round(time.time() * 1000) - found.written_ms
    running = files.is_run(folder)
    stale = running and age_ms > files.STALE_MS
    if format_ == "json":
        from passerby.io.tables import mapping_of, to_json

        write_out(to_json({**mapping_of(found), "running": running, "stale": stale}))
    else:
        from passerby.cli.show import table, to_text

        rows = [_row(one) for one in found.cameras]
        write_out(to_text([table(f"Site {found.site}", _COLUMNS, rows, 3)], plain=False))
        for one in found.cameras:
            if one.note:
                note(f"camera {one.camera}: {one.note}")
        for problem in found.problems:
            note(problem)
        if found.waiting_bytes:
            note(f"{found.waiting_bytes} bytes of releases wait for the store")
    if not running:
        note(f"{site}: is not run; this is how it was {round(age_ms / 1000)} s ago")
    elif stale:
        note(f"{site}: the run hangs: it told nothing for {round(age_ms / 1000)} s")
    return 0 if running and not stale else _NOT_WELL


def _row(one: "CameraStatus") -> tuple[str, ...]:
    since = datetime.fromtimestamp(one.since_ms / 1000, UTC)
    budget = "-"
    if one.epsilon_left is not None:
        budget = f"{one.epsilon_left:g} of {one.epsilon_budget:g}"
    return (
        one.camera,
        "up" if one.up else f"down: {one.reason}",
        f"{since:%Y-%m-%d %H:%M:%S}",
        f"{one.fps:.1f}",
        "-" if one.covered is None else f"{one.covered:.0%}",
        budget,
    )
