"""When a recording began, and the bins of the local day that it falls into.

Law: instants are integer milliseconds UTC; local time appears only here and only with its zone.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

from passerby.errors import InputError
from passerby.places import Place
from passerby.span import Span

DAY_MS = 86_400_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)

# What many cameras show while nobody has set their clock, so nobody takes it for a real date.
_UNKNOWN = datetime(2000, 1, 1)
_UNKNOWN_TEXT = "unknown: times count from midnight of 2000-01-01; give --start"
# Writers that know no time leave 0, which is 1904 or 1970 by the container's epoch.
_OLDEST_CREATION = datetime(1990, 1, 1, tzinfo=UTC)

_UNITS_MS = {"ms": 1, "s": 1000, "m": 60_000, "min": 60_000, "h": 3_600_000, "d": DAY_MS}
_PART = re.compile(r"(\d{1,12}(?:\.\d{1,9})?)\s*(ms|min|s|m|h|d)\s*", re.ASCII)
_DATE_IN_NAME = re.compile(
    r"(?<!\d)((?:19|20)\d\d)([-_.]?)(\d\d)\2(\d\d)"
    r"(?:[T_ .-]|_-_| at )?"
    r"(\d\d)([-_.:h]?)(\d\d)(?:[-_.:m]?(\d\d))?(?:[.,]?(\d{3}))?(Z)?(?![0-9])",
    re.ASCII,
)


class Start(NamedTuple):
    """When a recording began: Unix ms UTC, the zone its times are shown in, and where that was found."""

    start_ms: int
    zone: tzinfo
    text: str

    @property
    def known(self) -> bool:
        return self.text != _UNKNOWN_TEXT


class Bin(NamedTuple):
    """A stretch of the local day: its span, and both ends as aware local times."""

    span: Span
    start: datetime
    end: datetime


def duration_ms(text: str) -> int:
    """`15m`, `900s`, `1h30m`, `1.5s`, `250ms` or `1d` in whole milliseconds. Raises InputError."""
    total = Decimal(0)
    at = 0
    stripped = text.strip()
    while part := _PART.match(stripped, at):
        total += Decimal(part[1]) * _UNITS_MS[part[2]]
        at = part.end()
    if at == 0 or at < len(stripped):
        raise InputError(f"{text!r} is no duration, expected one such as 15m, 900s, 1h or 250ms")
    if total != total.to_integral_value():
        raise InputError(f"{text!r} is no whole number of milliseconds")
    return int(total)


def bin_length_ms(text: str) -> int:
    """The length of a bin, at least a second, of which a day holds a whole number. Raises InputError."""
    length = duration_ms(text)
    if length < 1000 or DAY_MS % length:
        raise InputError(
            f"a bin of {text!r}: expected at least 1s and a whole number of bins in a day, such as 15m"
        )
    return length


def zone_of(name: str | None) -> tzinfo:
    """The zone of that IANA name; the machine's own for None. Raises InputError."""
    if name is None:
        return _machine_zone()
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        # Folders, odd paths and its own not-found error, which is a KeyError.
        raise InputError(
            f"{name!r} is no timezone, expected an IANA name such as Europe/Copenhagen"
        ) from None


def resolve_start(
    path: Place,
    *,
    start: str | None = None,
    timezone_name: str | None = None,
    created: datetime | None = None,
) -> Start:
    """When the recording `path` began: `start`, else `created` (aware), else a date in the file's name.

    Where none is known, times count from midnight of 2000-01-01, and the text says so. A `start` without
    offset is local time in the zone; one with an offset and no zone keeps that offset. Raises InputError for
    a start that is no date, or that the clock of the zone shows twice or never.
    """
    if start is not None:
        return _given(start, timezone_name)
    zone = zone_of(timezone_name)
    if created is not None and created >= _OLDEST_CREATION:
        return Start(to_ms(created), zone, "container creation time")
    if (found := date_in_name(path.name)) is not None:
        if found.tzinfo is not None:
            return Start(to_ms(found), zone, "date in the file name")
        instants = _instants(found, zone)
        note = {0: ", an hour that the clock skipped there", 1: ""}.get(
            len(instants), ", the first of two such hours"
        )
        # A camera that knows no summer time names such a file; it is read with the offset before the change.
        return Start(to_ms(found.replace(tzinfo=zone)), zone, f"date in the file name{note}")
    midnight = to_ms(_UNKNOWN.replace(tzinfo=zone))
    return Start(midnight, zone, _UNKNOWN_TEXT)


def date_in_name(name: str) -> datetime | None:
    """The first date and time in a file's name, such as 20231118_141500 or 2023-11-18T14.15.00.

    Naive, or aware in UTC when a Z follows. Years 1990 to 2099; seconds may be missing.
    """
    for found in _DATE_IN_NAME.finditer(name):
        year, _, month, day, hour, _, minute, second, milli, utc = found.groups()
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


def to_ms(moment: datetime) -> int:
    """Unix milliseconds UTC of an aware time, rounded down."""
    return (moment.astimezone(UTC) - _EPOCH) // _MILLISECOND


def to_local(time_ms: int, zone: tzinfo) -> datetime:
    """The aware local time of Unix milliseconds UTC."""
    return (_EPOCH + timedelta(milliseconds=time_ms)).astimezone(zone)


def bins(span: Span, bin_ms: int, zone: tzinfo) -> Iterator[Bin]:
    """The bins of the local day that `span` falls into, whole, in order, without a gap.

    `bin_ms` divides a day; bins begin where the wall clock shows a multiple of it. Where the clock jumps
    over such a multiple, one begins at the jump. Where it goes back by at least a bin, the repeated bins come
    twice; by less, the bin that it falls into is the longer: so a day of a clock change has 92 or 100
    quarter-hours, and a bin of a day is always one day. Raises ValueError when `bin_ms` divides no day.
    """
    if bin_ms <= 0 or DAY_MS % bin_ms:
        raise ValueError(f"a bin of {bin_ms} ms: expected a length that divides a day")
    if span.duration_ms == 0:
        return
    begin = _floor(span.start_ms, bin_ms, zone)
    while begin < span.end_ms:
        end = _next_edge(begin, bin_ms, zone)
        yield Bin(Span(begin, end), to_local(begin, zone), to_local(end, zone))
        begin = end


def covered(times_ms: Iterable[int], longest_gap_ms: int) -> tuple[Span, ...]:
    """The spans in which frames exist, from their sorted times.

    A frame covers the time up to the next one, but at most `longest_gap_ms`; the last one covers as much as
    the one before it did, and a single one a millisecond.
    """
    spans: list[Span] = []
    begin = previous = None
    step = 1
    for time_ms in times_ms:
        if previous is None or begin is None:
            begin = previous = time_ms
            continue
        if time_ms - previous > longest_gap_ms:
            spans.append(Span(begin, previous + longest_gap_ms))
            begin = time_ms
        elif time_ms > previous:
            step = time_ms - previous
        previous = time_ms
    if previous is not None and begin is not None:
        spans.append(Span(begin, previous + step))
    return tuple(spans)


def coverage(span: Span, spans: Sequence[Span]) -> float:
    """The share of `span`, from 0 to 1, that lies in `spans`, which do not overlap each other."""
    if span.duration_ms == 0:
        return 0.0
    return min(1.0, sum(span.overlap_ms(other) for other in spans) / span.duration_ms)


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


def _machine_zone() -> tzinfo:
    # Imported here so that counting in a named zone never asks the machine.
    import tzlocal

    try:
        return tzlocal.get_localzone()
    except (OSError, ValueError, KeyError):
        raise InputError("the machine's timezone could not be told: give --timezone") from None


def _name(zone: tzinfo) -> str:
    return zone.key if isinstance(zone, ZoneInfo) else str(zone)


def _offset_ms(time_ms: int, zone: tzinfo) -> int:
    return (to_local(time_ms, zone).utcoffset() or timedelta(0)) // _MILLISECOND


def _floor(time_ms: int, bin_ms: int, zone: tzinfo) -> int:
    """The last edge of a bin at or before `time_ms`."""
    before = time_ms - 2 * DAY_MS
    offset = _offset_ms(time_ms, zone)
    if _offset_ms(before, zone) == offset:
        return time_ms - (time_ms + offset) % bin_ms
    # The clock changed lately: walk here from an edge that lies before the change.
    edge = before - (before + _offset_ms(before, zone)) % bin_ms
    while (following := _next_edge(edge, bin_ms, zone)) <= time_ms:
        edge = following
    return edge


def _next_edge(edge: int, bin_ms: int, zone: tzinfo) -> int:
    """The edge that follows the edge `edge`; at most one change of the clock lies within a bin."""
    before = _offset_ms(edge, zone)
    wall = edge + before
    regular = edge + bin_ms - wall % bin_ms
    after = _offset_ms(regular, zone)
    if after == before:
        return regular
    change = _change(edge, regular, zone)
    if after > before:
        return max(change, regular - (after - before))
    following = change + -(change + after) % bin_ms
    repeats = following + after <= wall and before - after < bin_ms
    return following + bin_ms if repeats else following


def _change(low: int, high: int, zone: tzinfo) -> int:
    """The first instant in (low, high] with the offset of `high`, which that of `low` is not."""
    offset = _offset_ms(high, zone)
    while high - low > 1:
        middle = (low + high) // 2
        if _offset_ms(middle, zone) == offset:
            high = middle
        else:
            low = middle
    return high
