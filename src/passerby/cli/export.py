"""`passerby export`: published numbers as a file.

Invariant: a mistake that can be found before the long work is reported before it.
"""

from contextlib import closing
from dataclasses import dataclass

import click

from passerby.cli.database import StoreOptions, needs, store_options
from passerby.cli.group import write_out
from passerby.cli.options import grouped, renamed_option
from passerby.cli.output import OutputOptions, output_options_of, target_of

_FORMATS = ("csv", "json", "parquet", "xlsx")


@dataclass(frozen=True, slots=True)
class QueryOptions:
    """Which numbers to export; None and no name for all."""

    from_: str | None
    to: str | None
    resolution: str
    cameras: tuple[str, ...]
    lines: tuple[str, ...]
    directions: tuple[str, ...]
    classes: tuple[str, ...]


@click.command(short_help="Write published numbers to a file.")
@store_options
@grouped(
    QueryOptions,
    "query",
    click.option(
        "--from", "from_", metavar="TIME", help="Bins that start at or after this, such as 2026-11-23."
    ),
    click.option("--to", metavar="TIME", help="Bins that start before this."),
    click.option(
        "--resolution",
        type=click.Choice(["bin", "hour", "day"]),
        default="bin",
        show_default=True,
        help="One number for each bin, hour or day.",
    ),
    click.option(
        "--camera", "cameras", metavar="NAME", multiple=True, help="Only this camera; several times."
    ),
    click.option("--line", "lines", metavar="NAME", multiple=True, help="Only this line; several times."),
    click.option("--direction", "directions", metavar="NAME", multiple=True, help="Only this direction."),
    renamed_option(
        "--label",
        "--class",
        tuple,
        name="classes",
        metavar="CLASS",
        multiple=True,
        help="Only this class, such as person.",
    ),
)
@output_options_of(_FORMATS, "csv")
def export(store: StoreOptions, query: QueryOptions, output: OutputOptions) -> None:
    """Write published numbers, with their noise, to a file or to standard output."""
    with needs("web"):
        from passerby.publish.formats import exports
        from passerby.publish.store.query import Query, resolution_of, time_of
        from passerby.publish.store.releases import open_store
    target = target_of(output, _FORMATS, "csv")
    (form,) = (known for known in exports.FORMATS if known == target.format_)
    with closing(open_store(store.location, read_only=True)) as releases:
        rows = releases.rows(
            Query(
                resolution=resolution_of(query.resolution),
                from_ms=None if query.from_ is None else time_of("--from", query.from_, releases.zone),
                to_ms=None if query.to is None else time_of("--to", query.to, releases.zone),
                cameras=query.cameras,
                lines=query.lines,
                directions=query.directions,
                labels=query.classes,
            )
        )
        if target.out is not None:
            exports.write(rows, releases.timezone, target.out, form)
            return
        texts = exports.csv_text if form == "csv" else exports.json_text
        for text in texts(rows, releases.timezone):
            write_out(text)
