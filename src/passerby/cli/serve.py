"""`passerby serve`: the public page over releases, as a process of its own.

Invariant: loads no module that reads pictures; logs no address and no request.
"""

from pathlib import Path

import click

from passerby import __version__
from passerby.cli.database import database_option, needs, store_of
from passerby.cli.group import note
from passerby.cli.lines import load_with_warnings
from passerby.cli.listening import listening_options, once_each
from passerby.cli.listening import serve as listen


@click.command(short_help="Serve the public page.")
@click.argument("site", type=click.Path(path_type=Path))
@database_option
@listening_options(8000)
def serve(site: Path, database: str | None, host: str, port: int) -> None:
    """Serve the public page of the site file SITE: published numbers, for everyone; see docs/how-to/pages.md.

    For TLS put a reverse proxy in front.
    """
    with needs("web"):
        from passerby.publish.pages import rendering
        from passerby.publish.pages.app import create_app
    loaded = load_with_warnings(site)
    if loaded.page.url is None:
        note(f"{site}: found no page.url, so the sign has no QR code")
    store = store_of(database, loaded)
    app = create_app(loaded, store, version=__version__, on_store_error=once_each())
    rendering.warm()
    listen(app, host, port, "/")
