"""What is asked of the store: which cells, when, how fine; read from text as people and programs give it.

Invariant: closed: what is not known is refused by name, and every message says what was expected.
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
    """The last row that was given: the next page begins after it."""

    start_ms: int
    cell_id: int

    def __str__(self) -> str:
        return f"{self.start_ms}-{self.cell_id}"


@dataclass(frozen=True, slots=True)
class Query:
    """What starts in `[from_ms, to_ms)` (Unix ms UTC; None: no bound); an empty tuple means all."""

    resolution: Resolution = "bin"
    from_ms: int | None = None
    to_ms: int | None = None
    cameras: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    directions: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.from_ms is not None and self.to_ms is not None and self.to_ms < self.from_ms:
            raise InputError("to lies before from, expected a later time")


def time_of(name: str, text: str, zone: tzinfo) -> int:
    """Unix ms UTC of a date, or of a date and a time, local in `zone` where it has no offset.

    A local time that the clock shows twice is the first; one that it skips is read with the offset before.
    Raises InputError, with the name of the parameter.
    """
    shown = text if len(text) <= 40 else f"{text[:39]}…"
    found = _TIME.fullmatch(text)
    if found is None:
        # A + in a URL is a space, and is easily forgotten.
        hint = " (in a URL, + is written %2B)" if re.search(r":\d\d \d\d:\d\d$", text) else ""
        raise InputError(
            f"{name} {shown!r} is no time, expected one such as 2026-11-23 or 2026-11-23T08:00:00+01:00{hint}"
        )
    # A leap second, which no clock of ours shows, is the second before it.
    plain = re.sub(r":60(?=\D|$)", ":59", text.upper()) if found["clock"] else text
    try:
        moment = datetime.fromisoformat(_with_six_digits(plain))
    except ValueError:
        raise InputError(f"{name} {shown!r}: there is no such day or time") from None
    if moment.tzinfo is None:
        # Near the ends of its years the library cannot work out an offset.
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
    found = _CURSOR.fullmatch(text)
    if found is None:
        raise InputError("cursor: expected what the page before gave")
    return Cursor(int(found[1]), int(found[2]))


def _with_six_digits(text: str) -> str:
    return re.sub(r"\.(\d{1,9})", lambda part: f".{part[1][:6]:0<6}", text)
