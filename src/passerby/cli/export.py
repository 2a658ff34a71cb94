"""`passerby export`: published numbers as a file.

Invariant: every mistake that can be seen before the long work is told before it.
"""

from contextlib import closing
from pathlib import Path

import click

from passerby.cli.database import database_option, needs
from passerby.cli.group import write_out
from passerby.errors import InputError

_FILES_ONLY = ("parquet", "xlsx")


@click.command(short_help="Write published numbers to a file.")
@database_option
@click.option("--from", "from_", metavar="TIME", help="What starts at or after this, such as 2026-11-23.")
@click.option("--to", metavar="TIME", help="What starts before this.")
@click.option(
    "--resolution",
    type=click.Choice(["bin", "hour", "day"]),
    default="bin",
    show_default=True,
    help="How fine.",
)
@click.option("--camera", "cameras", metavar="NAME", multiple=True, help="Only this camera; several times.")
@click.option("--line", "lines", metavar="NAME", multiple=True, help="Only this line; several times.")
@click.option("--direction", "directions", metavar="NAME", multiple=True, help="Only this direction.")
@click.option("--label", "labels", metavar="LABEL", multiple=True, help="Only this class, such as person.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["csv", "json", "parquet", "xlsx"]),
    default="csv",
    show_default=True,
    help="parquet and xlsx need --out.",
)
@click.option("--out", type=click.Path(path_type=Path), help="Write to this file.")
def export(
    where: str,
    from_: str | None,
    to: str | None,
    resolution: str,
    cameras: tuple[str, ...],
    lines: tuple[str, ...],
    directions: tuple[str, ...],
    labels: tuple[str, ...],
    format_: str,
    out: Path | None,
) -> None:
    """Write published numbers, with their noise, to a file or to standard output."""
    from passerby.io import files

    with needs("web"):
        from passerby.publish.formats import exports
        from passerby.publish.store.query import Query, resolution_of, time_of
        from passerby.publish.store.releases import open_store
    (form,) = (known for known in exports.FORMATS if known == format_)
    if out is None and form in _FILES_ONLY:
        raise InputError(f"--format {form}: it is no text for a terminal, expected --out FILE with it")
    if out is not None:
        files.check_writable(out)
        exports.check(form, out)
    with closing(open_store(where, read_only=True)) as store:
        query = Query(
            resolution=resolution_of(resolution),
            from_ms=None if from_ is None else time_of("--from", from_, store.zone),
            to_ms=None if to is None else time_of("--to", to, store.zone),
            cameras=cameras,
            lines=lines,
            directions=directions,
            labels=labels,
        )
        rows = store.rows(query)
        if out is not None:
            exports.write(rows, store.timezone, out, form)
            return
        texts = exports.csv_text if form == "csv" else exports.json_text
        for text in texts(rows, store.timezone):
            write_out(text)
