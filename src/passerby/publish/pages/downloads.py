"""Download files of the numbers that a page shows.

Invariant: the same rows as in the API and in exports: with their noise, possibly negative, never clamped.
"""

from collections.abc import Iterable
from pathlib import Path

from passerby.errors import OutputError
from passerby.publish.formats import exports
from passerby.publish.store.sums import Sum

MEDIA_TYPES = {
    "csv": "text/csv; header=present",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "parquet": "application/vnd.apache.parquet",
}
"""The formats, by their file suffix."""
NAMES = {"csv": "CSV", "xlsx": "Excel", "parquet": "Parquet"}


def formats() -> list[str]:
    """The formats that this installation can write."""
    return [format_ for format_ in MEDIA_TYPES if _can_write(format_)]


def table_bytes(rows: Iterable[Sum], timezone: str, format_: str) -> bytes:
    """A whole file; times are in this timezone (an IANA name). Raises OutputError if the format needs a package that is
    not installed, InputError for too many rows."""
    if format_ == "csv":
        return "".join(exports.csv_text(rows, timezone)).encode()
    _check(format_)
    return exports.xlsx_bytes(rows, timezone) if format_ == "xlsx" else exports.parquet_bytes(rows, timezone)


def _check(format_: str) -> None:
    for known in exports.FORMATS:
        if known == format_:
            exports.check(known, Path(format_))


def _can_write(format_: str) -> bool:
    try:
        _check(format_)
    except OutputError:
        return False
    return True
