"""`passerby db`: the store of releases: its schema, and how long it keeps what.

Invariant: nothing but `upgrade` changes a schema, and nothing but `prune` gives numbers up.
"""

import time

import click

from passerby.cli.database import database_option, needs
from passerby.cli.group import write_out
from passerby.errors import InputError


@click.group(short_help="The store of releases.")
def db() -> None:
    """The store of releases: make and upgrade it, and say how long it keeps what."""


@db.command()
@database_option
@click.option("--timezone", metavar="ZONE", help="The site's, by which hours and days are cut, for good.")
def upgrade(where: str, timezone: str | None) -> None:
    """Bring the store's schema up to date, making the store where there is none."""
    with needs("web"):
        from passerby.publish.store import database
        from passerby.publish.store import releases as store
    if timezone is not None:
        from passerby.domain.calendar import zone_of

        zone_of(timezone)
    changed = database.upgrade(where)
    opened = store.open_store(where, timezone)
    try:
        zone = f"days of {opened.timezone}" if opened.has_timezone else "no timezone yet"
        write_out(f"{opened.name}: {'brought up to date' if changed else 'up to date'}, {zone}\n")
    finally:
        opened.close()


@db.command()
@database_option
@click.option("--bins", metavar="DURATION", help="How long bins are kept, such as 400d, or forever.")
@click.option("--hours", metavar="DURATION", help="How long hours are kept; at least as long as bins.")
@click.option("--days", metavar="DURATION", help="How long days are kept; at least as long as hours.")
def retention(where: str, bins: str | None, hours: str | None, days: str | None) -> None:
    """Show how long numbers are kept, after setting what is given; `prune` is what gives them up."""
    with needs("web"):
        from passerby.publish.store.releases import Retention, open_store
    store = open_store(where)
    try:
        kept = store.retention()
        if (bins, hours, days) != (None, None, None):
            kept = Retention(
                kept.bin_ms if bins is None else _duration_ms(bins),
                kept.hour_ms if hours is None else _duration_ms(hours),
                kept.day_ms if days is None else _duration_ms(days),
            )
            store.keep(kept)
    finally:
        store.close()
    for name, length_ms in (("bins", kept.bin_ms), ("hours", kept.hour_ms), ("days", kept.day_ms)):
        write_out(f"{name}: {'forever' if length_ms is None else f'{length_ms / 86_400_000:g} days'}\n")


@db.command()
@database_option
def prune(where: str) -> None:
    """Give up, for good, what is older than its retention; sums of it stay."""
    with needs("web"):
        from passerby.publish.store.releases import open_store
    store = open_store(where)
    try:
        write_out(f"{store.name}: {store.prune(int(time.time() * 1000))} rows given up\n")
    finally:
        store.close()


def _duration_ms(text: str) -> int | None:
    from passerby.domain.calendar import duration_ms

    if text == "forever":
        return None
    try:
        return duration_ms(text)
    except InputError:
        raise InputError(f"{text!r} is no duration, expected one such as 400d, or forever") from None
