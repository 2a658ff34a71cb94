"""`passerby serve`: the public page over releases, as a process of its own.

Invariant: loads nothing that sees; logs no address and no request.
"""

from pathlib import Path

import click

from passerby import __version__
from passerby.cli.database import database_option, needs
from passerby.cli.group import note
from passerby.cli.listening import listening_options, once_each
from passerby.cli.listening import serve as listen


@click.command(short_help="Serve the public page.")
@click.argument("site", type=click.Path(path_type=Path))
@database_option
@listening_options(8000)
def serve(site: Path, where: str, host: str, port: int) -> None:
    """Serve the public page of the site file SITE: what was published, for everyone; see docs/how-to/pages.md.

    TLS is a reverse proxy's work.
    """
    with needs("web"):
        from passerby.publish.pages import rendering
        from passerby.publish.pages.app import create_app
    from passerby.config.site import load

    loaded = load(site)
    for warning in loaded.warnings:
        note(f"warning: {warning}")
    if loaded.page.url is None:
        note(f"{site}: it names no page.url, so the sign has no code on it")
    app = create_app(loaded, where, version=__version__, on_store_error=once_each())
    rendering.warm()
    listen(app, host, port, "/")
