"""Rows to CSV, JSON, Parquet and Excel: for any rows of primitives and aware times.

Invariant: knows nothing of counting; a row is a frozen dataclass or a mapping, and its fields are the columns.
"""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from passerby.errors import OutputError
from passerby.io import files

Value = str | int | float | bool | datetime | None

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


def write_parquet(rows: Sequence[Any], path: Path) -> None:
    """Parquet with times in their zone. Raises OutputError, also when pyarrow is not installed."""
    check_parquet(path)
    import pyarrow as pa
    import pyarrow.parquet as pq

    mappings = [mapping_of(row) for row in rows]
    with files.replacing(path) as beside:
        pq.write_table(pa.Table.from_pylist(mappings), beside)


def write_xlsx(rows: Sequence[Any], path: Path) -> None:
    """An Excel file. Raises OutputError, also when xlsxwriter is not installed."""
    check_xlsx(path)
    files.write(path, xlsx_bytes(rows))


def xlsx_bytes(rows: Sequence[Any]) -> bytes:
    """One sheet. Excel knows no zones, so a time is its wall time with a column of its UTC offset beside it.

    `check_xlsx` tells whether it can be made.
    """
    import xlsxwriter

    wide = [_with_offsets(mapping_of(row)) for row in rows]
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    # In memory first: on a full disk the zip file would complain once more when it is forgotten.
    filled = io.BytesIO()
    with xlsxwriter.Workbook(filled, {**options, "in_memory": True}) as book:
        sheet = book.add_worksheet()
        bold = book.add_format({"bold": True})
        time = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        for column, name in enumerate(wide[0] if wide else ()):
            sheet.write_string(0, column, name, bold)
            sheet.set_column(column, column, max(12, len(name) + 2))
        sheet.freeze_panes(1, 0)
        for number, row in enumerate(wide, start=1):
            for column, value in enumerate(row.values()):
                if isinstance(value, datetime):
                    sheet.write_datetime(number, column, value, time)
                else:
                    sheet.write(number, column, value)
    return filled.getvalue()


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

    Each row has start, end, line, direction, label and count. OTAnalytics counts flows from one section to
    another; here a line and a direction is one flow, "<line> <direction>", with the line as both sections.
    """
    mappings = [mapping_of(row) for row in rows]
    return to_csv([_otanalytics_row(row) for row in mappings], _OTANALYTICS_COLUMNS)


def _otanalytics_row(row: Mapping[str, Any]) -> dict[str, Value]:
    start, end, line = row["start"], row["end"], row["line"]
    values = (
        f"{start:%Y-%m-%d %H:%M:%S}",
        f"{start:%Y-%m-%d}",
        f"{start:%H:%M:%S}",
        f"{end:%Y-%m-%d %H:%M:%S}",
        f"{end:%Y-%m-%d}",
        f"{end:%H:%M:%S}",
        row["label"],
        f"{line} {row['direction']}",
        line,
        line,
        row["count"],
    )
    return dict(zip(_OTANALYTICS_COLUMNS, values, strict=True))


def _missing(path: Path, what: str, package: str) -> OutputError:
    return OutputError(f"{path}: {what} needs {package}, install it with: pip install 'passerby[tables]'")


def _with_offsets(row: Mapping[str, Value]) -> dict[str, Value]:
    wide: dict[str, Value] = {}
    for name, value in row.items():
        if isinstance(value, datetime):
            wide[name] = value.replace(tzinfo=None)
            wide[f"{name} offset"] = value.isoformat()[-6:] if value.tzinfo is not None else ""
        else:
            wide[name] = value
    return wide


def _csv_cell(value: Value) -> Value:
    if isinstance(value, datetime):
        return value.isoformat()
    return _safe(value) if isinstance(value, str) else value


def _safe(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    return [_plain(item) for item in value]
