"""`passerby api`: the read-only API over releases, as a process of its own.

Invariant: loads no module that reads pictures; logs no address and no request.
"""

import click

from passerby import __version__
from passerby.cli.database import StoreOptions, needs, store_options
from passerby.cli.listening import listening_options, once_each, serve


@click.command(short_help="Serve published numbers over HTTP.")
@store_options
@listening_options(8080)
@click.option("--public", is_flag=True, help="Serve everyone; otherwise a key is needed.")
@click.option(
    "--per-minute",
    type=click.IntRange(1, 1_000_000),
    default=600,
    show_default=True,
    help="The most requests a minute of a key, and of an address.",
)
def api(store: StoreOptions, host: str, port: int, public: bool, per_minute: int) -> None:
    """Serve published numbers, read only, as JSON, CSV and Parquet; see docs/reference/api.md.

    For TLS put a reverse proxy in front.
    """
    with needs("web"):
        from passerby.publish.api.app import create_app
    app = create_app(
        store.location, public=public, per_minute=per_minute, version=__version__, on_store_error=once_each()
    )
    serve(app, host, port, "/v1/releases")
