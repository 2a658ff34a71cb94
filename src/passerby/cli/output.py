"""Rows in the format that was asked for, to a file or to standard output.

Invariant: knows nothing of the meaning of rows; a file is written whole or not at all.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from passerby.cli.group import write_out
from passerby.cli.options import Decorator, grouped
from passerby.errors import InputError

if TYPE_CHECKING:
    from rich.table import Table

FORMATS = ("table", "json", "csv", "otanalytics", "parquet", "xlsx")
_BINARY = ("parquet", "xlsx")
_OF_SUFFIX = {
    ".csv": ("csv", "otanalytics"),
    ".json": ("json",),
    ".parquet": ("parquet",),
    ".txt": ("table", "csv", "json", "otanalytics"),
    ".xlsx": ("xlsx",),
}
"""The formats that a file of each suffix may have; the first is its format where none is given."""


@dataclass(frozen=True, slots=True)
class OutputOptions:
    """`format_` is None where it follows from the suffix of `out`."""

    format_: str | None
    out: Path | None


@dataclass(frozen=True, slots=True)
class Target:
    """A format, and the file to write; standard output where `out` is None."""

    format_: str
    out: Path | None


def output_options_of(formats: Sequence[str], default: str) -> Decorator:
    """--format and --out of a command that has these formats; `default` is the one for standard output."""
    binary = " and ".join(format_ for format_ in formats if format_ in _BINARY)
    return grouped(
        OutputOptions,
        "output",
        click.option(
            "--format",
            "format_",
            type=click.Choice(formats),
            help=f"By default the format that the suffix of --out names, else {default}. {binary} need --out.",
        ),
        click.option(
            "--out",
            type=click.Path(path_type=Path),
            help=f"Write to this file: {', '.join(_suffixes(formats))}.",
        ),
    )


def target_of(output: OutputOptions, formats: Sequence[str] = FORMATS, default: str = "table") -> Target:
    """The format and the file of the options. `formats` are those of the command; `default` is for standard output.

    Raises InputError for a format that does not fit the file's name, OutputError for a file that cannot be written.
    """
    from passerby.io import files, tables

    if output.out is not None:
        files.check_writable(output.out)
    format_ = _format_of(output, formats, default)
    if output.out is None:
        if format_ in _BINARY:
            raise InputError(f"--format {format_}: expected --out FILE with it")
        return Target(format_, None)
    if format_ == "parquet":
        tables.check_parquet(output.out)
    if format_ == "xlsx":
        tables.check_xlsx(output.out)
    return Target(format_, output.out)


def _format_of(output: OutputOptions, formats: Sequence[str], default: str) -> str:
    if output.out is None:
        return output.format_ or default
    suffix = output.out.suffix.lower()
    fitting = [format_ for format_ in _OF_SUFFIX.get(suffix, ()) if format_ in formats]
    if output.format_ is None:
        if not fitting:
            known = ", ".join(_suffixes(formats))
            raise InputError(
                f"--out {output.out}: found the suffix {suffix!r}, expected one of {known}, or --format FORMAT"
            )
        return fitting[0]
    if suffix in _OF_SUFFIX and output.format_ not in fitting:
        expected = " or ".join(_suffixes([output.format_]))
        raise InputError(
            f"--out {output.out}: found the suffix {suffix!r} with --format {output.format_}, expected {expected}"
        )
    return output.format_


def _suffixes(formats: Sequence[str]) -> list[str]:
    return [suffix for suffix, fitting in _OF_SUFFIX.items() if set(fitting) & set(formats)]


def write(
    target: Target,
    *,
    rows: Sequence[dict[str, Any]],
    columns: Sequence[str],
    document: Callable[[], Any],
    shown: Callable[[], "Iterable[Table | str]"],
    events: Sequence[dict[str, Any]] | None = None,
) -> None:
    """Write `rows` with `columns` as CSV, Parquet or Excel, `events` (by default `rows`) as OTAnalytics has them,
    the result of `document` as JSON, or the result of `shown` as tables for people.

    A row has the column `class`. CSV, Parquet and JSON repeat it under its old name `label` for one version.
    """
    from passerby.io import files, tables

    if target.format_ == "xlsx" and target.out is not None:
        tables.write_xlsx(rows, target.out, columns, sheet="Counts")
        return
    old = [with_old_name(row) for row in rows]
    old_columns = (*columns, "label") if "class" in columns else columns
    if target.format_ == "parquet" and target.out is not None:
        tables.write_parquet(old, target.out, old_columns)
        return
    if target.format_ == "json":
        text = tables.to_json(document())
    elif target.format_ == "csv":
        text = tables.to_csv(old, old_columns)
    elif target.format_ == "otanalytics":
        text = tables.to_otanalytics(rows if events is None else events)
    else:
        from passerby.cli.show import to_text

        text = to_text(shown(), plain=target.out is not None)
    if target.out is None:
        write_out(text)
    else:
        files.write(target.out, text)


def with_class(row: Any) -> dict[str, Any]:
    """A row of a dataclass, or a mapping, with its field `label` called `class`, as all output names it."""
    from passerby.io.tables import mapping_of

    return {"class" if name == "label" else name: value for name, value in mapping_of(row).items()}


def with_old_name(row: dict[str, Any]) -> dict[str, Any]:
    """The row, with its class once more under the old name `label`: scripts of an earlier version read it."""
    return {**row, "label": row["class"]} if "class" in row else row


output_options = output_options_of(FORMATS, "table")
