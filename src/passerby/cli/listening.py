"""How a web server of ours starts, listens and stops.

Invariant: logs no address and no request; what cannot be listened on is told in one line.
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
    """--host and --port, with this one where none is given."""

    def added(command: Command) -> Command:
        asked = click.option(
            "--port", type=click.IntRange(0, 65535), default=port, show_default=True, help="0 for a free one."
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
        reason = getattr(error, "strerror", None) or "it is no address of this machine"
        raise InputError(f"--host {host} --port {port}: cannot be listened on: {reason}") from None
    # Inherited by what is accepted: else the end of a short answer waits 40 ms for its beginning to arrive.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def address_of(listening: socket.socket, host: str) -> str:
    """The beginning of the addresses of what is served there."""
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{listening.getsockname()[1]}"


def serve(app: Any, host: str, port: int, path: str) -> None:
    """Serve the ASGI `app` until it is stopped; `path` is what is told to be looked at first. Raises InputError."""
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
    """Notes a line for people when it is another than the last one, however often it comes."""
    told: list[str] = []

    def tell(text: str) -> None:
        if told != [text]:
            told[:] = [text]
            note(text)

    return tell


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
