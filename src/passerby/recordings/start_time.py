"""When a recording began: by the user, else by the container's metadata, else by the name of the file.

Invariant: a start that none of them gives is marked as not known; a start that is not possible is an InputError.
"""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import NamedTuple
from zoneinfo import ZoneInfo

from passerby.domain.calendar import to_local, to_ms, zone_of
from passerby.errors import InputError
from passerby.io.sources import Place

# A placeholder that keeps arithmetic on one scale; it is never shown.
_UNKNOWN = datetime(2000, 1, 1)
_UNKNOWN_TEXT = "times count from the start of the recording; give --start"
# Writers without a clock leave 0, which is 1904 or 1970 by the epoch of the container.
_OLDEST_CREATION = datetime(1990, 1, 1, tzinfo=UTC)
_DATE_IN_NAME = re.compile(
    r"(?<!\d)((?:19|20)\d\d)([-_.]?)(\d\d)\2(\d\d)"
    r"(?:[T_ .-]|_-_| at )?"
    r"(\d\d)([-_.:h]?)(\d\d)(?:[-_.:m]?(\d\d))?(?:[.,]?(\d{3}))?(Z)?(?![0-9])",
    re.ASCII,
)


class Start(NamedTuple):
    """When a recording began: Unix ms UTC, the zone in which its times are shown, and the source of the start."""

    start_ms: int
    zone: tzinfo
    text: str
    known: bool = True


def resolve_start(
    path: Place,
    *,
    start: str | None = None,
    timezone_name: str | None = None,
    created: datetime | None = None,
) -> Start:
    """When the recording `path` began: `start`, else `created` (aware), else a date in the file's name.

    Where none is known, `known` is false and the start is a placeholder, midnight of 2000-01-01. A `start` without
    offset is local time in the zone; one with an offset and no zone keeps that offset. Raises InputError for
    a start that is no date, or that the clock of the zone shows twice or never.
    """
    if start is not None:
        return _given(start, timezone_name)
    zone = zone_of(timezone_name)
    if created is not None and created >= _OLDEST_CREATION:
        return Start(to_ms(created), zone, "container creation time")
    if (moment := date_in_name(path.name)) is not None:
        if moment.tzinfo is not None:
            return Start(to_ms(moment), zone, "date in the file name")
        instants = _instants(moment, zone)
        note = {0: ", an hour that the clock skipped there", 1: ""}.get(
            len(instants), ", the first of two such hours"
        )
        # Cameras without summer time write such names; they are read with the offset before the change.
        return Start(to_ms(moment.replace(tzinfo=zone)), zone, f"date in the file name{note}")
    midnight = to_ms(_UNKNOWN.replace(tzinfo=zone))
    return Start(midnight, zone, _UNKNOWN_TEXT, known=False)


def date_in_name(name: str) -> datetime | None:
    """The first date and time in a file's name, such as 20231118_141500 or 2023-11-18T14.15.00.

    Naive, or aware in UTC when a Z follows. Years 1990 to 2099; seconds may be missing.
    """
    for match in _DATE_IN_NAME.finditer(name):
        year, _, month, day, hour, _, minute, second, milli, utc = match.groups()
        try:
            moment = datetime(
                int(year),
                int(month),
                int(day),
                int(hour),
                int(minute),
                int(second or 0),
                int(milli or 0) * 1000,
            )
        except ValueError:
            continue
        if moment.year >= _OLDEST_CREATION.year:
            return moment.replace(tzinfo=UTC) if utc else moment
    return None


def _given(text: str, timezone_name: str | None) -> Start:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise InputError(f"--start {text!r} is no time, expected one such as 2023-11-18T14:15:00") from None
    if not 1970 < moment.year < 2200:
        raise InputError(f"--start {text!r}: expected a year from 1971 to 2199")
    if moment.tzinfo is not None:
        offset = moment.utcoffset() or timedelta(0)
        zone = timezone(offset) if timezone_name is None else zone_of(timezone_name)
        return Start(to_ms(moment), zone, "--start")
    zone = zone_of(timezone_name)
    instants = _instants(moment, zone)
    if not instants:
        raise InputError(f"--start {text!r}: the clock of {_name(zone)} skipped this time")
    if len(instants) == 2:
        offsets = " or ".join(
            to_local(instant, zone).isoformat(timespec="seconds")[-6:] for instant in instants
        )
        raise InputError(
            f"--start {text!r}: the clock of {_name(zone)} showed it twice, expected an offset, {offsets}"
        )
    return Start(instants[0], zone, "--start")


def _instants(moment: datetime, zone: tzinfo) -> list[int]:
    """The instants, none to two, at which the clock of `zone` shows the naive `moment`."""
    both = {to_ms(moment.replace(tzinfo=zone, fold=fold)) for fold in (0, 1)}
    floor_ms = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    return sorted(instant for instant in both if to_local(instant, zone).replace(tzinfo=None) == floor_ms)


def _name(zone: tzinfo) -> str:
    return zone.key if isinstance(zone, ZoneInfo) else str(zone)
