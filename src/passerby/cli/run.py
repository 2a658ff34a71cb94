"""`passerby run`: the cameras of a site, day and night, unattended.

Invariant: every mistake is told before anything starts, and then nothing is started.
"""

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from passerby.cli.database import database_option, needs
from passerby.cli.group import note
from passerby.cli.ledger import ledger_options_as, place_of
from passerby.errors import InputError, OutputError

if TYPE_CHECKING:
    from passerby.live.supervisor.tmpfs_store import Hold

_KEY = "PASSERBY_SPOOL_KEY"
_LEAST_DELAY_MS = 2_000
_LONGEST_DELAY_MS = 3_600_000

state_option = click.option(
    "--state",
    type=click.Path(path_type=Path),
    envvar="PASSERBY_STATE",
    show_envvar=True,
    help="The folder in which releases wait for the store, with the status and the lock; by default SITE with .run "
    "added to its name.",
)


def state_of(site: Path, state: Path | None) -> Path:
    """The state folder of a site file."""
    return state or site.with_name(f"{site.name}.run")


@click.command(short_help="Run a site: its cameras, day and night.")
@click.argument("site", type=click.Path(path_type=Path))
@database_option
@ledger_options_as("ledger")
@state_option
@click.option("--model-dir", type=click.Path(path_type=Path), help="Folder of the detectors' weights.")
@click.option(
    "--delay",
    metavar="DURATION",
    default="60s",
    show_default=True,
    help="How long after its end a bin is published; what is not counted by then is left out of it.",
)
@click.option(
    "--log",
    type=click.Choice(["auto", "json", "text"]),
    default="auto",
    show_default=True,
    help="JSON lines, or text; auto is text on a terminal.",
)
def run(
    site: Path,
    where: str,
    ledger: str | None,
    mark: Path | None,
    state: Path | None,
    model_dir: Path | None,
    delay: str,
    log: Literal["auto", "json", "text"],
) -> None:
    """Run the cameras of the site file SITE until told to end: count, pay, add noise, publish; see docs/how-to/run.md.

    SIGHUP reads the site file again; SIGTERM ends within 5 s. What waits for the store is encrypted on disk where
    PASSERBY_SPOOL_KEY holds a Fernet key.
    """
    with needs("run"):
        from passerby.live.supervisor.accounting import delays_of
        from passerby.live.supervisor.desired_state import wanted
        from passerby.live.supervisor.logs import logger
        from passerby.live.supervisor.status import alone
        from passerby.live.supervisor.supervisor import Places, Supervisor

    # Until it can be obeyed.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    delays = delays_of(_delay_ms(delay))
    state = state_of(site, state)
    _expect_folder("--database", where)
    if ledger is not None:
        _expect_folder("--ledger", ledger)
    first = wanted(site, model_dir)
    for warning in first.site.warnings:
        note(f"warning: {warning}")
    with alone(state, site):
        places = Places(
            site=site,
            state=state,
            models=model_dir,
            ledger=place_of(ledger, create=True),
            mark=mark,
            store=where,
            spool_key=os.environ.get(_KEY) or None,
        )
        log_ = logger(as_json=log == "json" or (log == "auto" and not sys.stderr.isatty()))
        well = Supervisor(places, first, delays, _hold(state), log_.info, log_.warning).run()
    # A thread that waits for a database is not waited for.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0 if well else 1)


def _hold(state: Path) -> "Hold | None":
    from passerby.live.supervisor.tmpfs_store import Hold, folder_of

    try:
        return Hold(folder_of(state))
    except OutputError as error:
        note(f"warning: {error}; if this process is killed, what it has counted of open bins is lost")
        return None


def _delay_ms(text: str) -> int:
    from passerby.domain.calendar import duration_ms

    length_ms = duration_ms(text)
    if not _LEAST_DELAY_MS <= length_ms <= _LONGEST_DELAY_MS:
        raise InputError(f"--delay {text}: expected 2s to 1h")
    return length_ms


def _expect_folder(option: str, where: str) -> None:
    """A folder that is not there is a mistake; a database that is not there may come."""
    if "://" not in where and not Path(where).absolute().parent.is_dir():
        raise InputError(f"{option} {where}: the folder {Path(where).parent} does not exist")
