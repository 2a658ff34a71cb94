"""`passerby console`: the operator's pages, signed in, on a port of their own.

Invariant: the packages of the pages are loaded here alone, so that no other command waits for them.
"""

from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Address
from pathlib import Path
from typing import TYPE_CHECKING

import click

from passerby.cli.database import database_option, needs, store_of
from passerby.cli.group import note, write_out
from passerby.cli.ledger import LedgerOptions, ledger_of, ledger_options
from passerby.cli.lines import load_with_warnings
from passerby.cli.listening import address_of, listen, listening_options
from passerby.cli.options import grouped, model_dir_option
from passerby.cli.run import state_of, state_option
from passerby.cli.weights import fetch_default, offline_option
from passerby.errors import InputError

if TYPE_CHECKING:
    from passerby.console.site_state import SiteState


@dataclass(frozen=True, slots=True)
class ConsoleOptions:
    """The options that `console` has for itself."""

    names: tuple[str, ...]
    interface: str | None
    users: Path | None
    model_dir: Path | None


@click.command(short_help="Set up cameras and lines on a page, signed in.")
@click.argument("site", type=click.Path(path_type=Path))
@listening_options(8600)
@grouped(
    ConsoleOptions,
    "settings",
    click.option(
        "--name",
        "names",
        multiple=True,
        help="A host name under which browsers reach the console, such as that of a proxy; may be given several times.",
    ),
    click.option(
        "--interface",
        metavar="ADDRESS",
        help="Search for cameras on the network in which this machine has this address; by default the usual network.",
    ),
    click.option(
        "--users",
        type=click.Path(path_type=Path),
        help="The folder of the users and the journal; by default `console` beside SITE.",
    ),
    model_dir_option,
)
@offline_option
@state_option
@database_option
@ledger_options
def console(
    site: Path,
    host: str,
    port: int,
    settings: ConsoleOptions,
    state: Path | None,
    database: str | None,
    ledger: LedgerOptions,
) -> None:
    """Serve the operator's console of the site file SITE, until Ctrl-C.

    At the first start it prints an address at which the first user chooses a password; see docs/how-to/console.md.
    """
    loaded = load_with_warnings(site)
    fetch_default([camera.detector for camera in loaded.cameras], settings.model_dir)
    with needs("console"):
        from passerby.console.context import Settings, open_context
        from passerby.console.pages.server import LOOPBACK, application, serve
    location = ledger_of(ledger, loaded, create=False)
    context_settings = Settings(
        site=site,
        state=settings.users or site.parent / "console",
        backgrounds=_backgrounds_of(site.parent),
        ledger=location.where,
        mark=location.mark,
        database=store_of(database, loaded),
        model_dir=settings.model_dir,
        names=settings.names,
        interface=_interface_of(settings.interface),
        run_state=partial(_run_state, state_of(loaded, state)),
    )
    if host not in LOOPBACK:
        note("warning: passwords cross the network in clear; put a proxy with TLS in front")
    listening = listen(host, port)
    context = open_context(context_settings)
    with needs("console"):
        pages = application(context)
    address, token = address_of(listening, host), context.users.first_token()
    write_out(f"{address}\n")
    if token is not None:
        note(f"nobody can sign in yet; the first user begins at {address}/welcome?token={token}")
    serve(pages, context, listening, host)


def _interface_of(address: str | None) -> str | None:
    """Raises InputError for an address that is not IPv4."""
    try:
        return None if address is None else str(IPv4Address(address))
    except ValueError:
        raise InputError(f"--interface {address}: expected an IPv4 address of this machine") from None


def _run_state(folder: Path) -> "SiteState | None":
    """The state of the site as `passerby run` last wrote it; None where it never ran with this folder."""
    from passerby.console.site_state import CameraState, SiteState
    from passerby.live.supervisor import status

    try:
        written = status.read(folder)
    except InputError:
        return None
    cameras = {
        camera.camera: CameraState(
            camera.camera,
            camera.up,
            camera.reason,
            camera.since_ms,
            camera.fps,
            camera.covered,
            camera.epsilon_left,
            camera.epsilon_budget,
            camera.note,
        )
        for camera in written.cameras
    }
    return SiteState(written.written_ms, status.is_running(folder), cameras, written.problems)


def _backgrounds_of(folder: Path) -> Path:
    """The folder of approved backgrounds; it is called `plates` in sites that an earlier version set up."""
    earlier = folder / "plates"
    return earlier if earlier.is_dir() else folder / "backgrounds"
