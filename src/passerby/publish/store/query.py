"""A query of the store: cells, time and resolution, parsed from the text that people and programs write.

Invariant: unknown values are refused; every message names the parameter and the expected form.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from passerby.errors import InputError
from passerby.publish.store.sums import Resolution

RESOLUTIONS: tuple[Resolution, ...] = ("bin", "hour", "day")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_TIME = re.compile(
    r"\d{4}-\d\d-\d\d(?P<clock>[Tt ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(?P<offset>[Zz]|[+-]\d\d:\d\d)?)?", re.ASCII
)
_CURSOR = re.compile(r"(\d{1,15})-(\d{1,9})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last row of a page: the next page begins after it."""

    start_ms: int
    cell_id: int

    def __str__(self) -> str:
        return f"{self.start_ms}-{self.cell_id}"


@dataclass(frozen=True, slots=True)
class Query:
    """Rows that start in `[from_ms, to_ms)` (Unix ms UTC; None: no bound); an empty tuple means all."""

    resolution: Resolution = "bin"
    from_ms: int | None = None
    to_ms: int | None = None
    cameras: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    directions: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.from_ms is not None and self.to_ms is not None and self.to_ms < self.from_ms:
            raise InputError("to is before from, expected a later time")


def time_of(name: str, text: str, zone: tzinfo) -> int:
    """Unix ms UTC of a date, or of a date and a time; local time in `zone` if it has no offset.

    When clocks change, a local time that occurs twice means the first, and one that is skipped is read with the offset
    before the change. Raises InputError, which names the parameter `name`.
    """
    shown = text if len(text) <= 40 else f"{text[:39]}…"
    match = _TIME.fullmatch(text)
    if match is None:
        # In a URL, an unescaped + is a space.
        hint = " (in a URL, + is written %2B)" if re.search(r":\d\d \d\d:\d\d$", text) else ""
        raise InputError(
            f"{name} {shown!r} is not a time, expected e.g. 2026-11-23 or 2026-11-23T08:00:00+01:00{hint}"
        )
    # Python has no leap seconds: use the second before.
    plain = re.sub(r":60(?=\D|$)", ":59", text.upper()) if match["clock"] else text
    try:
        moment = datetime.fromisoformat(_with_six_digits(plain))
    except ValueError:
        raise InputError(f"{name} {shown!r}: this day or time does not exist") from None
    if moment.tzinfo is None:
        # Near year 1 and year 9999 the library cannot compute an offset.
        moment = moment.replace(tzinfo=zone if 1900 <= moment.year <= 9000 else UTC)
    return (moment - _EPOCH) // _MILLISECOND


def resolution_of(text: str) -> Resolution:
    """Raises InputError."""
    for resolution in RESOLUTIONS:
        if resolution == text:
            return resolution
    raise InputError(f"resolution {text[:40]!r}: expected one of {', '.join(RESOLUTIONS)}")


def cursor_of(text: str) -> Cursor:
    """Raises InputError."""
    match = _CURSOR.fullmatch(text)
    if match is None:
        raise InputError("cursor: expected the value of `next` of the previous page")
    return Cursor(int(match[1]), int(match[2]))


def _with_six_digits(text: str) -> str:
    return re.sub(r"\.(\d{1,9})", lambda part: f".{part[1][:6]:0<6}", text)
