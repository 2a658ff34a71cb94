"""`passerby db`: the store of releases: its schema, and how long it keeps numbers.

Invariant: nothing but `upgrade` changes a schema, and nothing but `prune` deletes numbers.
"""

import time

import click

from passerby.cli.database import StoreOptions, needs, store_options
from passerby.cli.group import write_out
from passerby.domain.wording import counted_noun
from passerby.errors import InputError


@click.group(short_help="The store of releases.")
def db() -> None:
    """The store of releases: create and upgrade it, and set how long it keeps numbers."""


@db.command()
@store_options
@click.option(
    "--timezone", metavar="ZONE", help="The timezone of hours and days; it cannot be changed later."
)
def upgrade(store: StoreOptions, timezone: str | None) -> None:
    """Bring the store's schema up to date, and create the store where there is none."""
    with needs("web"):
        from passerby.publish.store import database, releases
    if timezone is not None:
        from passerby.domain.calendar import zone_of

        zone_of(timezone)
    location = store.location
    changed = database.upgrade(location)
    opened = releases.open_store(location, timezone)
    try:
        zone = f"days of {opened.timezone}" if opened.has_timezone else "no timezone yet"
        write_out(f"{opened.name}: {'brought up to date' if changed else 'up to date'}, {zone}\n")
    finally:
        opened.close()


@db.command()
@store_options
@click.option("--bins", metavar="DURATION", help="How long bins are kept, such as 400d, or forever.")
@click.option("--hours", metavar="DURATION", help="How long hours are kept; at least as long as bins.")
@click.option("--days", metavar="DURATION", help="How long days are kept; at least as long as hours.")
def retention(store: StoreOptions, bins: str | None, hours: str | None, days: str | None) -> None:
    """Set how long numbers are kept, where an option is given, and show it; `prune` deletes older ones."""
    with needs("web"):
        from passerby.publish.store.releases import Retention, open_store
    releases = open_store(store.location)
    try:
        kept = releases.retention()
        if (bins, hours, days) != (None, None, None):
            kept = Retention(
                kept.bin_ms if bins is None else _duration_ms(bins),
                kept.hour_ms if hours is None else _duration_ms(hours),
                kept.day_ms if days is None else _duration_ms(days),
            )
            releases.set_retention(kept)
    finally:
        releases.close()
    for name, length_ms in (("bins", kept.bin_ms), ("hours", kept.hour_ms), ("days", kept.day_ms)):
        write_out(f"{name}: {'forever' if length_ms is None else _days(length_ms)}\n")


@db.command()
@store_options
def prune(store: StoreOptions) -> None:
    """Delete permanently all numbers that are older than their retention; their sums stay."""
    with needs("web"):
        from passerby.publish.store.releases import open_store
    releases = open_store(store.location)
    try:
        deleted = releases.prune(int(time.time() * 1000))
        write_out(f"{releases.name}: {counted_noun(deleted, 'row')} deleted\n")
    finally:
        releases.close()


def _duration_ms(text: str) -> int | None:
    from passerby.domain.calendar import duration_ms

    if text == "forever":
        return None
    try:
        return duration_ms(text)
    except InputError:
        raise InputError(f"{text!r} is no duration, expected one such as 400d, or forever") from None


def _days(length_ms: int) -> str:
    days = length_ms / 86_400_000
    return f"{days:g} day" if days == 1 else f"{days:g} days"
