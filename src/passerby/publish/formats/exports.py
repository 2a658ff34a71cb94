"""Published numbers as files: CSV, JSON, Parquet and Excel, one batch of rows at a time.

Invariant: a row has the same columns and values in every format, whatever was counted; values can be negative and are
never clamped; text that a spreadsheet would run as a formula stays text.
"""

import io
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import IO, Any, Literal
from zoneinfo import ZoneInfo

from passerby.domain import calendar
from passerby.errors import InputError
from passerby.io import files, tables
from passerby.publish.store.sums import Sum

Format = Literal["csv", "json", "parquet", "xlsx"]
FORMATS: tuple[Format, ...] = ("csv", "json", "parquet", "xlsx")
COLUMNS = (
    *("start", "end", "camera", "line", "direction", "class"),
    *("value", "noise_sd", "noise_95", "epsilon"),
    *("coverage", "sender_clock", "releases", "complete", "receipt", "promise"),
)
# Excel has no timezones, so each time has its offset in a column of its own.
_SHEET_COLUMNS = ("start", "start offset", "end", "end offset", *COLUMNS[2:])

MOST_IN_A_SHEET = 250_000
"""Rows of one Excel file, which is made in memory; Excel's own limit is 1,048,576."""

_BATCH = 5_000


def row_of(number: Sum, timezone: str) -> dict[str, tables.Value]:
    """The columns of one published number; times are aware, in this timezone (an IANA name)."""
    return {
        "start": local(number.start_ms, timezone),
        "end": local(number.end_ms, timezone),
        "camera": number.cell.camera,
        "line": number.cell.line,
        "direction": number.cell.direction,
        "class": number.cell.label,
        "value": number.value,
        "noise_sd": round(number.noise_sd, 3),
        "noise_95": number.noise_95,
        "epsilon": number.epsilon,
        "coverage": round(number.coverage, 6),
        "sender_clock": None if number.sender_clock is None else round(number.sender_clock, 6),
        "releases": number.releases,
        "complete": number.complete,
        "receipt": number.receipt,
        "promise": number.promise,
    }


def csv_text(sums: Iterable[Sum], timezone: str) -> Iterator[str]:
    """CSV (RFC 4180) with a header, also if there is no row; in pieces."""
    yield tables.to_csv([], COLUMNS)
    for batch in _batches(sums):
        # Only the first piece has the header: the rows of a batch begin after its first line end.
        yield tables.to_csv([row_of(number, timezone) for number in batch], COLUMNS).partition("\r\n")[2]


def json_rows(sums: Iterable[Sum], timezone: str) -> list[dict[str, Any]]:
    """Rows for JSON: times are text in ISO 8601 with offset.

    `label` is the old name of `class`, kept for one version.
    """
    rows = (row_of(number, timezone) for number in sums)
    plain = (
        {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}
        for row in rows
    )
    return [{**row, "label": row["class"]} for row in plain]


def json_text(sums: Iterable[Sum], timezone: str) -> Iterator[str]:
    """A JSON list with one row on each line; in pieces."""
    comma = ""
    yield "["
    for batch in _batches(sums):
        rows = (json.dumps(row, ensure_ascii=False, allow_nan=False) for row in json_rows(batch, timezone))
        yield f"{comma}\n" + ",\n".join(rows)
        comma = ","
    yield "\n]\n"


def parquet_bytes(sums: Iterable[Sum], timezone: str) -> bytes:
    """A Parquet file; times are instants with their timezone. Call `check` first."""
    content = io.BytesIO()
    _write_parquet(sums, timezone, content)
    return content.getvalue()


def xlsx_bytes(sums: Iterable[Sum], timezone: str) -> bytes:
    """An Excel file of at most MOST_IN_A_SHEET rows; more raise InputError. Call `check` first."""
    rows = list(islice(sums, MOST_IN_A_SHEET + 1))
    if len(rows) > MOST_IN_A_SHEET:
        raise InputError(
            f"more than {MOST_IN_A_SHEET} rows do not fit into one Excel file, "
            "expected a shorter time, a coarser resolution, or csv"
        )
    return tables.xlsx_bytes([row_of(number, timezone) for number in rows], _SHEET_COLUMNS, sheet="Counts")


def check(format_: Format, path: Path) -> None:
    """Raises OutputError if files of this format cannot be written here (a package is missing)."""
    if format_ == "parquet":
        tables.check_parquet(path)
    if format_ == "xlsx":
        tables.check_xlsx(path)


def write(sums: Iterable[Sum], timezone: str, path: Path, format_: Format) -> None:
    """Write a whole file or none. Raises OutputError, and InputError if an Excel file would have too many rows."""
    check(format_, path)
    if format_ == "xlsx":
        try:
            content = xlsx_bytes(sums, timezone)
        except InputError as error:
            raise InputError(f"{path}: {error}") from None
        files.write(path, content)
        return
    with files.replacing(path) as beside:
        if format_ == "parquet":
            with beside.open("wb") as file:
                _write_parquet(sums, timezone, file)
            return
        texts = csv_text(sums, timezone) if format_ == "csv" else json_text(sums, timezone)
        with beside.open("w", encoding="utf-8", newline="") as text_file:
            text_file.writelines(texts)


def _write_parquet(sums: Iterable[Sum], timezone: str, file: IO[bytes]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    instant, text = pa.timestamp("ms", tz=timezone), pa.string()
    types = {
        "start": instant,
        "end": instant,
        **dict.fromkeys(("camera", "line", "direction", "class"), text),
        "value": pa.int64(),
        "noise_sd": pa.float64(),
        "noise_95": pa.int64(),
        "epsilon": pa.float64(),
        "coverage": pa.float64(),
        "sender_clock": pa.float64(),
        "releases": pa.int64(),
        "complete": pa.bool_(),
        "receipt": text,
        "promise": text,
    }
    schema = pa.schema([(name, types[name]) for name in COLUMNS])
    with pq.ParquetWriter(file, schema) as writer:
        for batch in _batches(sums):
            rows = [row_of(number, timezone) for number in batch]
            writer.write_table(pa.Table.from_pylist(rows, schema=schema))


def _batches(sums: Iterable[Sum]) -> Iterator[Sequence[Sum]]:
    rest = iter(sums)
    while batch := list(islice(rest, _BATCH)):
        yield batch


@lru_cache(maxsize=4096)
def local(time_ms: int, timezone: str) -> datetime:
    """The aware local time in this timezone (an IANA name)."""
    # Every cell has a row with the same start, so most times are in the cache.
    return calendar.to_local(time_ms, ZoneInfo(timezone))
