"""`passerby keys`: the keys of the API.

Invariant: a key is shown when it is made, and never again.
"""

import time

import click

from passerby.cli.database import StoreOptions, needs, store_options
from passerby.cli.group import note, write_out


@click.group(short_help="Keys of the API.")
def keys() -> None:
    """Keys of the API: create, list, revoke."""


@keys.command()
@click.argument("name")
@store_options
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(["releases", "metrics"]),
    multiple=True,
    default=("releases",),
    show_default=True,
    help="The part of the API that it opens; may be given several times.",
)
@click.option(
    "--expires", metavar="DURATION", default="365d", show_default=True, help="How long it is valid, or never."
)
def create(name: str, store: StoreOptions, scopes: tuple[str, ...], expires: str) -> None:
    """Create a key called NAME, and print it; it is not shown again."""
    from passerby.domain.calendar import duration_ms

    with needs("web"):
        from passerby.publish.api import keys as of_api
        from passerby.publish.store.database import open_database
    now_ms = int(time.time() * 1000)
    expires_ms = None if expires == "never" else now_ms + duration_ms(expires)
    database = open_database(store.location)
    try:
        wanted = tuple(scope for scope in of_api.SCOPES if scope in scopes)
        key = of_api.create(database, name, wanted, now_ms, expires_ms)
    finally:
        database.close()
    write_out(f"{key}\n")
    note("this key is not shown again; it goes into the header Authorization: Bearer KEY")


@keys.command("list")
@store_options
def list_(store: StoreOptions) -> None:
    """List the keys, without their secrets."""
    from datetime import UTC

    from passerby.cli.show import table, to_text
    from passerby.domain.calendar import to_local

    with needs("web"):
        from passerby.publish.api import keys as of_api
        from passerby.publish.store.database import open_database
    database = open_database(store.location, read_only=True)
    try:
        listed = of_api.listed(database)
    finally:
        database.close()
    now_ms = int(time.time() * 1000)

    def day(time_ms: int | None) -> str:
        return "never" if time_ms is None else f"{to_local(time_ms, UTC):%Y-%m-%d}"

    rows = [
        (key.id, key.name, " ".join(key.scopes), day(key.created_ms), day(key.expires_ms), key.state(now_ms))
        for key in listed
    ]
    write_out(to_text([table(None, ("id", "name", "scopes", "created", "expires", "state"), rows)]))


@keys.command()
@click.argument("id")
@store_options
def revoke(id: str, store: StoreOptions) -> None:  # noqa: A002 - the word that help shows
    """Revoke the key ID: the next request with it is refused."""
    with needs("web"):
        from passerby.publish.api import keys as of_api
        from passerby.publish.store.database import open_database
    database = open_database(store.location)
    try:
        of_api.revoke(database, id, int(time.time() * 1000))
    finally:
        database.close()
    write_out(f"{id}: revoked\n")
