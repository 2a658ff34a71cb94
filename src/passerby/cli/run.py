"""`passerby run`: the cameras of a site, day and night, unattended.

Invariant: with any mistake nothing starts, and every mistake is reported.
"""

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from passerby.cli.database import database_option, needs, store_of
from passerby.cli.group import note
from passerby.cli.ledger import LedgerOptions, ledger_of, ledger_options
from passerby.cli.options import model_dir_option
from passerby.cli.weights import fetch_default, offline_option
from passerby.errors import InputError, OutputError, SiteError

if TYPE_CHECKING:
    from passerby.config.site import Site
    from passerby.live.supervisor.tmpfs_store import TmpfsStore

_KEY = "PASSERBY_SPOOL_KEY"
_LEAST_DELAY_MS = 2_000
_LONGEST_DELAY_MS = 3_600_000

state_option = click.option(
    "--state",
    type=click.Path(path_type=Path),
    envvar="PASSERBY_STATE",
    show_envvar=True,
    help="The folder of the run's status and lock, and of releases that wait for the store; by default the key `state` "
    "of the site file, else SITE with .run added to its name.",
)


def state_of(site: "Site", state: Path | None) -> Path:
    """The state folder: `state`, else as the site file names it, else the default."""
    return state or site.state or default_state(site.path)


def default_state(site_file: Path) -> Path:
    """The state folder of a site file that names none."""
    return site_file.with_name(f"{site_file.name}.run")


@click.command(short_help="Run a site: its cameras, day and night.")
@click.argument("site", type=click.Path(path_type=Path))
@database_option
@ledger_options
@state_option
@model_dir_option
@offline_option
@click.option(
    "--delay",
    metavar="DURATION",
    default="60s",
    show_default=True,
    help="A bin is published this long after its end; segments that are not counted by then are left out.",
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
    database: str | None,
    ledger: LedgerOptions,
    state: Path | None,
    model_dir: Path | None,
    delay: str,
    log: Literal["auto", "json", "text"],
) -> None:
    """Run the cameras of the site file SITE until stopped: count, pay, add noise, publish; see docs/how-to/run.md.

    SIGHUP reads the site file again; SIGTERM stops the run within 5 s. Releases that wait for the store are encrypted
    on disk where PASSERBY_SPOOL_KEY holds a Fernet key.
    """
    from passerby.config.site import load

    with needs("run"):
        from passerby.live.supervisor.accounting import delays_of, short_delay
        from passerby.live.supervisor.desired_state import read_desired_state
        from passerby.live.supervisor.logs import logger
        from passerby.live.supervisor.status import alone
        from passerby.live.supervisor.supervisor import Locations, Supervisor

    # A SIGHUP that comes before the run handles it would end the process.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    delays = delays_of(_delay_ms(delay))
    # Where the site file has mistakes, they are told next, all of them at once.
    with suppress(SiteError):
        fetch_default([camera.detector for camera in load(site).cameras], model_dir)
    first = read_desired_state(site, model_dir)
    if wanted := short_delay(first.site.promise, delays):
        raise InputError(f"--delay {delay}: {wanted}")
    for warning in first.site.warnings:
        note(f"warning: {warning}")
    state = state_of(first.site, state)
    store = store_of(database, first.site)
    location = ledger_of(ledger, first.site, create=True)
    _expect_folder("--database", store)
    _expect_folder("--ledger", location.where)
    with alone(state, site):
        locations = Locations(
            site=site,
            state=state,
            models=model_dir,
            ledger=location.where,
            mark=location.mark,
            store=store,
            spool_key=os.environ.get(_KEY) or None,
        )
        log_ = logger(as_json=log == "json" or (log == "auto" and not sys.stderr.isatty()))
        well = Supervisor(locations, first, delays, _open_bin_store(state), log_.info, log_.warning).run()
    # A thread may still wait for a database, and a normal exit would wait for it.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0 if well else 1)


def _open_bin_store(state: Path) -> "TmpfsStore | None":
    from passerby.live.supervisor.tmpfs_store import TmpfsStore, folder_of

    try:
        return TmpfsStore(folder_of(state))
    except OutputError as error:
        note(f"warning: {error}; if this process is killed, the counts of open bins are lost")
        return None


def _delay_ms(text: str) -> int:
    from passerby.domain.calendar import duration_ms

    length_ms = duration_ms(text)
    if not _LEAST_DELAY_MS <= length_ms <= _LONGEST_DELAY_MS:
        raise InputError(f"--delay {text}: expected 2s to 1h")
    return length_ms


def _expect_folder(option: str, where: str) -> None:
    """Raises InputError where the folder of a file is missing; a database server may come up later."""
    if "://" not in where and not Path(where).absolute().parent.is_dir():
        raise InputError(f"{option} {where}: the folder {Path(where).parent} does not exist")
