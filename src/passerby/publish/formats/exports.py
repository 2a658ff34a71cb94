"""Published numbers as files: CSV, JSON, Parquet and Excel, a batch of rows at a time.

Invariant: a row says the same in every format; values are signed and never clamped; text that a spreadsheet would run
as a formula stays text.
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
    *("start", "end", "camera", "line", "direction", "label"),
    *(
        "value",
        "noise_sd",
        "noise_95",
        "epsilon",
        "coverage",
        "sender_clock",
        "releases",
        "complete",
        "receipt",
    ),
)
MOST_IN_A_SHEET = 250_000
"""Rows of one Excel file, which is made in memory; Excel itself ends at 1,048,576."""

_BATCH = 5_000


def row_of(one: Sum, timezone: str) -> dict[str, tables.Value]:
    """The columns of one published number; times are aware, in the zone of that name."""
    return {
        "start": local(one.start_ms, timezone),
        "end": local(one.end_ms, timezone),
        "camera": one.cell.camera,
        "line": one.cell.line,
        "direction": one.cell.direction,
        "label": one.cell.label,
        "value": one.value,
        "noise_sd": round(one.noise_sd, 3),
        "noise_95": one.noise_95,
        "epsilon": one.epsilon,
        "coverage": round(one.coverage, 6),
        "sender_clock": None if one.sender_clock is None else round(one.sender_clock, 6),
        "releases": one.releases,
        "complete": one.complete,
        "receipt": one.receipt,
    }


def csv_text(sums: Iterable[Sum], timezone: str) -> Iterator[str]:
    """CSV (RFC 4180) with a header, also where there is no row."""
    yield tables.to_csv([], COLUMNS)
    for batch in _batches(sums):
        # The header once: it holds no line end, so what follows the first one is the rows.
        yield tables.to_csv([row_of(one, timezone) for one in batch], COLUMNS).partition("\r\n")[2]


def json_rows(sums: Iterable[Sum], timezone: str) -> list[dict[str, Any]]:
    """Rows as JSON has them: times in ISO 8601 with offset."""
    rows = (row_of(one, timezone) for one in sums)
    return [
        {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}
        for row in rows
    ]


def json_text(sums: Iterable[Sum], timezone: str) -> Iterator[str]:
    """A JSON list of rows, one on each line."""
    comma = ""
    yield "["
    for batch in _batches(sums):
        rows = (json.dumps(row, ensure_ascii=False, allow_nan=False) for row in json_rows(batch, timezone))
        yield f"{comma}\n" + ",\n".join(rows)
        comma = ","
    yield "\n]\n"


def parquet_bytes(sums: Iterable[Sum], timezone: str) -> bytes:
    """A Parquet file; times are instants with their zone. `check` tells whether it can be made."""
    content = io.BytesIO()
    _write_parquet(sums, timezone, content)
    return content.getvalue()


def xlsx_bytes(sums: Iterable[Sum], timezone: str) -> bytes:
    """An Excel file of at most MOST_IN_A_SHEET rows. `check` tells whether it can be made; raises InputError."""
    rows = list(islice(sums, MOST_IN_A_SHEET + 1))
    if len(rows) > MOST_IN_A_SHEET:
        raise InputError(
            f"more than {MOST_IN_A_SHEET} rows for Excel, expected a shorter time, a coarser resolution, or csv"
        )
    return tables.xlsx_bytes([row_of(one, timezone) for one in rows])


def check(format_: Format, path: Path) -> None:
    """Raises OutputError when a file of this format cannot be written here."""
    if format_ == "parquet":
        tables.check_parquet(path)
    if format_ == "xlsx":
        tables.check_xlsx(path)


def write(sums: Iterable[Sum], timezone: str, path: Path, format_: Format) -> None:
    """Write a file, whole or not at all. Raises OutputError, and InputError for too many rows for Excel."""
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
    kinds = {
        "start": instant,
        "end": instant,
        **dict.fromkeys(("camera", "line", "direction", "label"), text),
        "value": pa.int64(),
        "noise_sd": pa.float64(),
        "noise_95": pa.int64(),
        "epsilon": pa.float64(),
        "coverage": pa.float64(),
        "sender_clock": pa.float64(),
        "releases": pa.int64(),
        "complete": pa.bool_(),
        "receipt": text,
    }
    schema = pa.schema([(name, kinds[name]) for name in COLUMNS])
    with pq.ParquetWriter(file, schema) as writer:
        for batch in _batches(sums):
            rows = [row_of(one, timezone) for one in batch]
            writer.write_table(pa.Table.from_pylist(rows, schema=schema))


def _batches(sums: Iterable[Sum]) -> Iterator[Sequence[Sum]]:
    rest = iter(sums)
    while batch := list(islice(rest, _BATCH)):
        yield batch


@lru_cache(maxsize=4096)
def local(time_ms: int, timezone: str) -> datetime:
    """The aware local time in the zone of that name."""
    # Each start stands in a row for every cell, so most were worked out just before.
    return calendar.to_local(time_ms, ZoneInfo(timezone))
