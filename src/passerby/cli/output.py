"""Rows in the format that was asked for, to a file or to standard output.

Invariant: knows nothing of what rows mean; a file is written whole or not at all.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from passerby.cli.group import write_out
from passerby.errors import InputError

if TYPE_CHECKING:
    from rich.table import Table

FORMATS = ("table", "json", "csv", "otanalytics", "parquet", "xlsx")
_FILES_ONLY = ("parquet", "xlsx")


def check(format_: str, out: Path | None) -> None:
    """Raises InputError or OutputError for a format that cannot be written there."""
    from passerby.io import files, tables

    if out is None and format_ in _FILES_ONLY:
        raise InputError(f"--format {format_}: it is no text for a terminal, expected --out FILE with it")
    if out is None:
        return
    files.check_writable(out)
    if format_ == "parquet":
        tables.check_parquet(out)
    if format_ == "xlsx":
        tables.check_xlsx(out)


def write(
    format_: str,
    out: Path | None,
    *,
    rows: Sequence[Any],
    columns: Sequence[str],
    document: Callable[[], Any],
    shown: Callable[[], "Iterable[Table | str]"],
    events: Sequence[Any] | None = None,
) -> None:
    """Write `rows`, those of `columns` in CSV, `events` (by default the same) as OTAnalytics', or what `document`
    gives as JSON and `shown` as tables for people."""
    from passerby.io import files, tables

    if out is not None and format_ in _FILES_ONLY:
        (tables.write_parquet if format_ == "parquet" else tables.write_xlsx)(rows, out)
        return
    if format_ == "json":
        text = tables.to_json(document())
    elif format_ == "csv":
        text = tables.to_csv(rows, columns)
    elif format_ == "otanalytics":
        text = tables.to_otanalytics(rows if events is None else events)
    else:
        from passerby.cli.show import to_text

        text = to_text(shown(), plain=out is not None)
    if out is None:
        write_out(text)
    else:
        files.write(out, text)
