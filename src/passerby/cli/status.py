"""`passerby status`: the state of the cameras of a running site.

Invariant: reads the status file of `passerby run`, and needs neither the ledger nor the store.
"""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from passerby.cli.database import needs
from passerby.cli.group import note, write_out
from passerby.cli.run import default_state, state_option
from passerby.domain.wording import counted_noun
from passerby.errors import SiteError

if TYPE_CHECKING:
    from passerby.live.supervisor.status import CameraStatus

_NOT_WELL = 1
_COLUMNS = ("camera", "health", "since (UTC)", "frames/s", "coverage today", "epsilon left")


@click.command(short_help="Show the cameras of a running site.")
@click.argument("site", type=click.Path(path_type=Path))
@state_option
@click.option("--format", "format_", type=click.Choice(["table", "json"]), default="table", show_default=True)
def status(site: Path, state: Path | None, format_: Literal["table", "json"]) -> int:
    """Show the state of the site of the file SITE, as `passerby run` last wrote it: links, frames, coverage, budget.

    Exits with 1 where the site is not running, or its run hangs.
    """
    with needs("run"):
        from passerby.live.supervisor import status as files
    folder = state or _state_of(site)
    written = files.read(folder)
    age_ms = round(time.time() * 1000) - written.written_ms
    running = files.is_running(folder)
    stale = running and age_ms > files.STALE_MS
    if format_ == "json":
        from passerby.io.tables import mapping_of, to_json

        write_out(to_json({**mapping_of(written), "running": running, "stale": stale}))
    else:
        from passerby.cli.show import table, to_text

        rows = [_row(camera) for camera in written.cameras]
        write_out(to_text([table(f"Site {written.site}", _COLUMNS, rows, 3)], plain=False))
        for camera in written.cameras:
            if camera.note:
                note(f"camera {camera.camera}: {camera.note}")
        for problem in written.problems:
            note(problem)
        if written.waiting_bytes:
            note(f"releases of {counted_noun(written.waiting_bytes, 'byte')} wait for the store")
    if not running:
        note(f"{site}: not running; this was its state {round(age_ms / 1000)} s ago")
    elif stale:
        note(f"{site}: the run hangs: it wrote no status for {round(age_ms / 1000)} s")
    return 0 if running and not stale else _NOT_WELL


def _state_of(site: Path) -> Path:
    """The state folder that the site file names. A run goes on while its file has mistakes, so its status is shown."""
    from passerby.config.site import load

    try:
        return load(site).state or default_state(site)
    except SiteError:
        return default_state(site)


def _row(camera: "CameraStatus") -> tuple[str, ...]:
    since = datetime.fromtimestamp(camera.since_ms / 1000, UTC)
    budget = "-"
    if camera.epsilon_left is not None:
        budget = f"{camera.epsilon_left:g} of {camera.epsilon_budget:g}"
    return (
        camera.camera,
        "up" if camera.up else f"down: {camera.reason}",
        f"{since:%Y-%m-%d %H:%M:%S}",
        f"{camera.fps:.1f}",
        "-" if camera.covered is None else f"{camera.covered:.0%}",
        budget,
    )
