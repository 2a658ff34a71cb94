"""`passerby api`: the read-only API over releases, as a process of its own.

Law: loads nothing that sees; logs no address and no request.
"""

import socket

import click

from passerby import __version__
from passerby.cli.database import database_option, needs
from passerby.cli.group import note
from passerby.errors import InputError

_STOP_S = 3


@click.command(short_help="Serve published numbers over HTTP.")
@database_option
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="0 for a free one."
)
@click.option("--public", is_flag=True, help="Let everyone read; otherwise a key is needed.")
@click.option(
    "--per-minute",
    type=click.IntRange(1, 1_000_000),
    default=600,
    show_default=True,
    help="How often a key, and an address, may ask.",
)
def api(where: str, host: str, port: int, public: bool, per_minute: int) -> None:
    """Serve published numbers, read only: JSON, CSV and Parquet; see docs/api.md. TLS is a reverse proxy's work."""
    with needs("web"):
        import uvicorn

        from passerby.publish.api import create_app
    told: list[str] = []

    def on_store_error(text: str) -> None:
        # Once for each cause, however often it is asked for.
        if told != [text]:
            told[:] = [text]
            note(text)

    app = create_app(
        where, public=public, per_minute=per_minute, version=__version__, on_store_error=on_store_error
    )
    try:
        listening = socket.create_server((host, port), family=_family(host))
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or "it is no address of this machine"
        raise InputError(f"--host {host} --port {port}: cannot be listened on: {reason}") from None
    # Inherited by what is accepted: else the end of a short answer waits 40 ms for its beginning to arrive.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
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
    shown = f"[{host}]" if ":" in host else host
    note(f"serving at http://{shown}:{listening.getsockname()[1]}/v1/releases")
    uvicorn.Server(config).run(sockets=[listening])


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
