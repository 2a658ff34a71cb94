"""Rows to CSV, JSON, Parquet and Excel: for any rows of primitives, aware times and elapsed times.

Invariant: knows nothing of counting; a row is a frozen dataclass or a mapping, and its fields are the columns.
"""

import csv
import io
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from passerby.domain.calendar import elapsed_text
from passerby.errors import InputError, OutputError
from passerby.io import files

Value = str | int | float | bool | datetime | timedelta | None

SHARES = frozenset({"coverage", "sender_clock"})
"""Columns of shares from 0 to 1, which Excel shows in percent."""

_LEAST_WIDTH, _MOST_WIDTH, _TIME_WIDTH = 10, 60, 19
"""Widths of Excel's columns in characters."""

_OTANALYTICS_COLUMNS = (
    "start time",
    "start occurrence date",
    "start occurrence time",
    "end time",
    "end occurrence date",
    "end occurrence time",
    "classification",
    "flow",
    "from section",
    "to section",
    "count",
)
# A cell that begins so is run as a formula by spreadsheets, and anyone may have chosen a name.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def mapping_of(row: Any) -> dict[str, Value]:
    """The columns of one row, in order."""
    if isinstance(row, Mapping):
        return dict(row)
    if is_dataclass(row):
        return {field.name: getattr(row, field.name) for field in fields(row)}
    raise TypeError(f"{type(row).__name__}: expected a dataclass or a mapping")


def to_csv(rows: Sequence[Any], columns: Sequence[str] | None = None) -> str:
    """CSV (RFC 4180) with a header; times in ISO 8601 with offset; text that spreadsheets would run gets a '.

    `columns` names the header where there may be no row to take it from.
    """
    mappings = [mapping_of(row) for row in rows]
    header = list(columns if columns is not None else mappings[0] if mappings else ())
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(_safe(name) for name in header)
    writer.writerows([_csv_cell(row[name]) for name in header] for row in mappings)
    return text.getvalue()


def to_json(value: Any) -> str:
    """One JSON document of dataclasses, mappings, sequences, primitives and aware times, and a line end."""
    return json.dumps(_plain(value), ensure_ascii=False, allow_nan=False, indent=2) + "\n"


def write_parquet(rows: Sequence[Any], path: Path, columns: Sequence[str] = ()) -> None:
    """Parquet with times in their zone; `columns` are those of a file without rows.

    Raises OutputError, also when pyarrow is not installed.
    """
    check_parquet(path)
    import pyarrow as pa
    import pyarrow.parquet as pq

    mappings = _of_single_types([mapping_of(row) for row in rows])
    table = pa.Table.from_pylist(mappings) if mappings else pa.table({name: pa.array([]) for name in columns})
    with files.replacing(path) as beside:
        pq.write_table(table, beside)


def write_xlsx(rows: Sequence[Any], path: Path, columns: Sequence[str] = (), *, sheet: str = "Data") -> None:
    """An Excel file, as `xlsx_bytes` makes it. Raises OutputError, also when xlsxwriter is not installed."""
    check_xlsx(path)
    files.write(path, xlsx_bytes(rows, columns, sheet=sheet))


def xlsx_bytes(rows: Sequence[Any], columns: Sequence[str] = (), *, sheet: str = "Data") -> bytes:
    """One sheet with a frozen header, a filter, and columns as wide as their content.

    Excel knows no zones, so a time is its wall time with a column of its UTC offset beside it. The columns of
    SHARES are shown in percent. `columns` are those of a file without rows. `check_xlsx` tells whether it can be made.
    """
    import xlsxwriter

    mappings = [mapping_of(row) for row in rows]
    dated = {name for row in mappings for name, value in row.items() if isinstance(value, datetime)}
    wide = [_with_offsets(row, dated) for row in mappings]
    header = list(wide[0]) if wide else list(columns)
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    # In memory first: on a full disk the zip file would complain once more when it is forgotten.
    filled = io.BytesIO()
    with xlsxwriter.Workbook(filled, {**options, "in_memory": True}) as book:
        page = book.add_worksheet(sheet)
        bold = book.add_format({"bold": True})
        time = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        elapsed = book.add_format({"num_format": "[h]:mm:ss"})
        percent = book.add_format({"num_format": "0.0%"})
        for column, name in enumerate(header):
            page.write_string(0, column, name, bold)
            page.set_column(column, column, _width(name, [row[name] for row in wide]))
        for number, row in enumerate(wide, start=1):
            for column, name in enumerate(header):
                value = row[name]
                if isinstance(value, datetime):
                    page.write_datetime(number, column, value, time)
                elif isinstance(value, timedelta):
                    page.write_datetime(number, column, value, elapsed)
                else:
                    page.write(number, column, value, percent if name in SHARES else None)
        page.freeze_panes(1, 0)
        if header:
            page.autofilter(0, 0, len(wide), len(header) - 1)
    return filled.getvalue()


def _of_single_types(rows: list[dict[str, Value]]) -> list[dict[str, Value]]:
    """The rows with text in each column that has both local and elapsed times: a column of Parquet has one type."""
    dated = {name for row in rows for name, value in row.items() if isinstance(value, datetime)}
    elapsed = {name for row in rows for name, value in row.items() if isinstance(value, timedelta)}
    mixed = dated & elapsed
    return [{name: _csv_cell(row[name]) if name in mixed else row[name] for name in row} for row in rows]


def _width(name: str, values: Sequence[Value]) -> int:
    """The width of a column, in characters, that shows its header with the filter's button, and its values."""
    longest = max(
        (_TIME_WIDTH if isinstance(value, datetime) else len(str(value)) for value in values), default=0
    )
    return min(max(_LEAST_WIDTH, len(name) + 4, longest + 2), _MOST_WIDTH)


def check_parquet(path: Path) -> None:
    """Raises OutputError when Parquet cannot be written here."""
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError:
        raise _missing(path, "Parquet", "pyarrow") from None


def check_xlsx(path: Path) -> None:
    """Raises OutputError when Excel files cannot be written here."""
    try:
        import xlsxwriter  # noqa: F401
    except ImportError:
        raise _missing(path, "Excel", "xlsxwriter") from None


def to_otanalytics(rows: Sequence[Any]) -> str:
    """Counts as OTAnalytics exports them: its columns, in its order, with local wall times without offset.

    Each row has start, end, line, direction, class and count. OTAnalytics counts flows from one section to
    another; here a line and a direction is one flow, "<line> <direction>", with the line as both sections.
    """
    mappings = [mapping_of(row) for row in rows]
    return to_csv([_otanalytics_row(row) for row in mappings], _OTANALYTICS_COLUMNS)


def _otanalytics_row(row: Mapping[str, Any]) -> dict[str, Value]:
    start, end, line = row["start"], row["end"], row["line"]
    if isinstance(start, timedelta):
        raise InputError("--format otanalytics: found a recording without a date, expected --start")
    values = (
        f"{start:%Y-%m-%d %H:%M:%S}",
        f"{start:%Y-%m-%d}",
        f"{start:%H:%M:%S}",
        f"{end:%Y-%m-%d %H:%M:%S}",
        f"{end:%Y-%m-%d}",
        f"{end:%H:%M:%S}",
        row["class"],
        f"{line} {row['direction']}",
        line,
        line,
        row["count"],
    )
    return dict(zip(_OTANALYTICS_COLUMNS, values, strict=True))


def _missing(path: Path, what: str, package: str) -> OutputError:
    return OutputError(f"{path}: {what} needs {package}, install it with: pip install 'passerby[tables]'")


def _with_offsets(row: Mapping[str, Value], dated: Collection[str]) -> dict[str, Value]:
    """The row with a column of UTC offsets after each of the `dated` columns."""
    wide: dict[str, Value] = {}
    for name, value in row.items():
        offset = ""
        if isinstance(value, datetime):
            wide[name] = value.replace(tzinfo=None)
            offset = value.isoformat()[-6:] if value.tzinfo is not None else ""
        else:
            wide[name] = value
        if name in dated:
            wide[f"{name} offset"] = offset
    return wide


def _csv_cell(value: Value) -> Value:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return elapsed_text(value)
    return _safe(value) if isinstance(value, str) else value


def _safe(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return elapsed_text(value)
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    return [_plain(item) for item in value]
