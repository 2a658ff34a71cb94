"""The numbers that are shown, as files.

Invariant: the same rows as the API's and the exports': signed, with their noise, never clamped.
"""

from collections.abc import Iterable
from pathlib import Path

from passerby.errors import OutputError
from passerby.publish.formats import exports
from passerby.publish.store.sums import Sum

FORMS = {
    "csv": "text/csv; header=present",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "parquet": "application/vnd.apache.parquet",
}
"""The forms, and their media types."""
NAMES = {"csv": "CSV", "xlsx": "Excel", "parquet": "Parquet"}


def forms() -> list[str]:
    """Those that can be made here."""
    return [form for form in FORMS if _can(form)]


def table_bytes(rows: Iterable[Sum], timezone: str, form: str) -> bytes:
    """A whole file. Raises OutputError where it cannot be made here."""
    if form == "csv":
        return "".join(exports.csv_text(rows, timezone)).encode()
    _check(form)
    return exports.xlsx_bytes(rows, timezone) if form == "xlsx" else exports.parquet_bytes(rows, timezone)


def _check(form: str) -> None:
    for known in exports.FORMATS:
        if known == form:
            exports.check(known, Path(form))


def _can(form: str) -> bool:
    try:
        _check(form)
    except OutputError:
        return False
    return True
