"""How a web server starts, listens and stops.

Invariant: logs no address and no request; an address that cannot be used is reported in one line.
"""

import socket
from collections.abc import Callable
from typing import Any

import click

from passerby.cli.database import needs
from passerby.cli.group import note
from passerby.errors import InputError

Command = Callable[..., Any]

_STOP_S = 3


def listening_options(port: int) -> Callable[[Command], Command]:
    """--host and --port; `port` is the default."""

    def added(command: Command) -> Command:
        asked = click.option(
            "--port",
            type=click.IntRange(0, 65535),
            default=port,
            show_default=True,
            help="0 for a free port.",
        )(command)
        return click.option(
            "--host", default="127.0.0.1", show_default=True, help="The address to listen on."
        )(asked)

    return added


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens. Raises InputError."""
    try:
        listening = socket.create_server((host, port), family=_family(host))
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or "not an address of this machine"
        raise InputError(f"--host {host} --port {port}: cannot be listened on: {reason}") from None
    # Connections inherit it: without it the end of a short answer waits 40 ms until its beginning has arrived.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def address_of(listening: socket.socket, host: str) -> str:
    """The address of the server, without a path."""
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{listening.getsockname()[1]}"


def serve(app: Any, host: str, port: int, path: str) -> None:
    """Serve the ASGI `app` until it is stopped; `path` is that of the address that is printed. Raises InputError."""
    with needs("web"):
        import uvicorn
    listening = listen(host, port)
    config = uvicorn.Config(
        app,
        access_log=False,
        log_level="warning",
        lifespan="off",
        ws="none",
        server_header=False,
        limit_concurrency=200,
        timeout_graceful_shutdown=_STOP_S,
        h11_max_incomplete_event_size=16_384,
    )
    note(f"serving at {address_of(listening, host)}{path}")
    uvicorn.Server(config).run(sockets=[listening])


def once_each() -> Callable[[str], None]:
    """A function that notes a line for people, but not the same line twice in a row."""
    last: list[str] = []

    def note_new(text: str) -> None:
        if last != [text]:
            last[:] = [text]
            note(text)

    return note_new


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
