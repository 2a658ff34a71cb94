"""`passerby console`: the operator's pages, signed in, on a port of their own.

Invariant: what the pages need is loaded here alone, so that no other command waits for it.
"""

from functools import partial
from ipaddress import IPv4Address
from pathlib import Path
from typing import TYPE_CHECKING

import click

from passerby.cli.database import database_option, needs
from passerby.cli.group import note, write_out
from passerby.cli.ledger import ledger_options_as, place_of
from passerby.cli.listening import address_of, listen, listening_options
from passerby.cli.run import state_of, state_option
from passerby.errors import InputError

if TYPE_CHECKING:
    from passerby.console.site_state import SiteState


@click.command(short_help="Set up cameras and lines on a page, signed in.")
@click.argument("site", type=click.Path(path_type=Path))
@listening_options(8600)
@click.option(
    "--name",
    "names",
    multiple=True,
    help="A name that browsers ask for it by, such as that of the proxy before it; may be given several times.",
)
@click.option(
    "--interface",
    metavar="ADDRESS",
    help="Look for cameras on the network on which this machine has this address; by default on the usual one.",
)
@click.option(
    "--users",
    type=click.Path(path_type=Path),
    help="The folder of its users and its journal; by default `console` beside SITE.",
)
@state_option
@database_option
@ledger_options_as("ledger")
@click.option("--model-dir", type=click.Path(path_type=Path), help="Folder of the detectors' weights.")
def console(
    site: Path,
    host: str,
    port: int,
    names: tuple[str, ...],
    interface: str | None,
    users: Path | None,
    state: Path | None,
    where: str,
    ledger: str | None,
    mark: Path | None,
    model_dir: Path | None,
) -> None:
    """Serve the operator's console of the site file SITE, until Ctrl-C.

    At the first start it prints an address by which the first user chooses a password; see docs/how-to/console.md.
    """
    from passerby.config.site import load

    loaded = load(site)
    for warning in loaded.warnings:
        note(f"warning: {warning}")
    with needs("console"):
        from passerby.console.context import Settings, open_desk
        from passerby.console.server import LOOPBACK, application, serve
    settings = Settings(
        site=site,
        state=users or site.parent / "console",
        backgrounds=_backgrounds_of(site.parent),
        ledger=place_of(ledger, create=False),
        mark=mark,
        database=where,
        model_dir=model_dir,
        names=names,
        interface=_interface_of(interface),
        run_state=partial(_told, state_of(site, state)),
    )
    if host not in LOOPBACK:
        note("warning: passwords would cross the network in clear: let a proxy with TLS stand before it")
    listening = listen(host, port)
    desk = open_desk(settings)
    with needs("console"):
        pages = application(desk)
    address, token = address_of(listening, host), desk.users.first_token()
    write_out(f"{address}\n")
    if token is not None:
        note(f"nobody can sign in yet; the first user begins at {address}/welcome?token={token}")
    serve(pages, desk, listening, host)


def _interface_of(address: str | None) -> str | None:
    """Raises InputError for what is no IPv4 address."""
    try:
        return None if address is None else str(IPv4Address(address))
    except ValueError:
        raise InputError(f"--interface {address}: expected an IPv4 address of this machine") from None


def _told(folder: Path) -> "SiteState | None":
    """What `passerby run` told of the site last; None where it was never run with this folder."""
    from passerby.console.site_state import CameraState, SiteState
    from passerby.live.supervisor import status

    try:
        found = status.read(folder)
    except InputError:
        return None
    cameras = {
        one.camera: CameraState(
            one.camera,
            one.up,
            one.reason,
            one.since_ms,
            one.fps,
            one.covered,
            one.epsilon_left,
            one.epsilon_budget,
            one.note,
        )
        for one in found.cameras
    }
    return SiteState(found.written_ms, status.is_run(folder), cameras, found.problems)


def _backgrounds_of(folder: Path) -> Path:
    """Where approved backgrounds lie; `plates` is the folder's name in sites that an earlier version set up."""
    earlier = folder / "plates"
    return earlier if earlier.is_dir() else folder / "backgrounds"
