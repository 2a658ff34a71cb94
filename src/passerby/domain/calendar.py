"""Instants, local time, durations, and the bins of the local day.

Invariant: instants are integer milliseconds UTC; local time is made here alone, and always with its zone.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

from passerby.domain.timespan import Span
from passerby.errors import InputError

DAY_MS = 86_400_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)

_UNITS_MS = {"ms": 1, "s": 1000, "m": 60_000, "min": 60_000, "h": 3_600_000, "d": DAY_MS}
_PART = re.compile(r"(\d{1,12}(?:\.\d{1,9})?)\s*(ms|min|s|m|h|d)\s*", re.ASCII)


Moment = datetime | timedelta
"""An aware local time; or the time since a recording began, where its clock is not known."""


class Bin(NamedTuple):
    """A part of the local day: its span, and both ends as aware local times."""

    span: Span
    start: datetime
    end: datetime


class ElapsedBin(NamedTuple):
    """A part of a recording whose clock is not known: its span, and both ends as times since the recording began."""

    span: Span
    start: timedelta
    end: timedelta


def duration_ms(text: str) -> int:
    """A duration such as `15m`, `900s`, `1h30m`, `1.5s`, `250ms` or `1d` in whole milliseconds. Raises InputError."""
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


def duration_text(length_ms: int) -> str:
    """A duration as a site file has it, such as 15m: in the largest unit that it is a whole number of."""
    for unit in ("d", "h", "m", "s"):
        if length_ms and length_ms % _UNITS_MS[unit] == 0:
            return f"{length_ms // _UNITS_MS[unit]}{unit}"
    return f"{(Decimal(length_ms) / 1000).normalize():f}s"


def bin_length_ms(text: str) -> int:
    """The length of a bin: at least a second, and a whole number of them in a day. Raises InputError."""
    length = duration_ms(text)
    if length < 1000 or DAY_MS % length:
        raise InputError(
            f"a bin of {text!r}: expected at least 1s and a whole number of bins in a day, such as 15m"
        )
    return length


def zone_of(name: str | None) -> tzinfo:
    """The time zone of an IANA name; the machine's own for None. Raises InputError."""
    if name is None:
        return _machine_zone()
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        # Folders, odd paths, and the library's own not-found error, which is a KeyError.
        raise InputError(
            f"{name!r} is no timezone, expected an IANA name such as Europe/Copenhagen"
        ) from None


def to_ms(moment: datetime) -> int:
    """Unix milliseconds UTC of an aware time, rounded down."""
    return (moment.astimezone(UTC) - _EPOCH) // _MILLISECOND


def to_local(time_ms: int, zone: tzinfo) -> datetime:
    """The aware local time of Unix milliseconds UTC."""
    return (_EPOCH + timedelta(milliseconds=time_ms)).astimezone(zone)


def bins(span: Span, bin_ms: int, zone: tzinfo) -> Iterator[Bin]:
    """The bins of local time that overlap `span`, each whole, in order, without a gap.

    A bin begins where the wall clock shows a multiple of `bin_ms`. Where the clock jumps over a multiple, a bin begins
    at the jump. Where it goes back by at least a bin, the repeated bins come twice; where it goes back by less, the bin
    in which that happens is longer. So a day with a clock change has 92 or 100 quarter-hours, and a bin of a day is
    always one day. Raises ValueError when a day is not a multiple of `bin_ms`.
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


def parted(span: Span, bin_ms: int, zone: tzinfo) -> Iterator[Span]:
    """The parts of `span` that lie in one bin each, in order. Raises ValueError as `bins` does."""
    for one in bins(span, bin_ms, zone):
        yield Span(max(span.start_ms, one.span.start_ms), min(span.end_ms, one.span.end_ms))


def elapsed_bins(span: Span, bin_ms: int) -> Iterator[ElapsedBin]:
    """The bins of a recording whose clock is not known: from the start of `span` on, whole, in order."""
    for start_ms in range(span.start_ms, span.end_ms, bin_ms):
        end_ms = start_ms + bin_ms
        elapsed = timedelta(milliseconds=start_ms - span.start_ms)
        yield ElapsedBin(Span(start_ms, end_ms), elapsed, elapsed + timedelta(milliseconds=bin_ms))


def elapsed_text(elapsed: timedelta) -> str:
    """Hours, minutes and seconds, such as 0:15:00 or 30:00:00.250."""
    total_ms = elapsed // _MILLISECOND
    seconds, milliseconds = divmod(total_ms, 1000)
    text = f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return text + (f".{milliseconds:03}" if milliseconds else "")


def covered(times_ms: Iterable[int], longest_gap_ms: int) -> tuple[Span, ...]:
    """The spans with frames, from the sorted times of the frames.

    A frame covers the time up to the next frame, but at most `longest_gap_ms`. The last frame covers as much as the
    frame before it, and a single frame covers a millisecond.
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
    """The share of `span`, 0..1, that lies in `spans`, which do not overlap one another."""
    if span.duration_ms == 0:
        return 0.0
    return min(1.0, sum(span.overlap_ms(covering) for covering in spans) / span.duration_ms)


def _machine_zone() -> tzinfo:
    # Imported here, so that counting in a named zone does not depend on the machine.
    import tzlocal

    try:
        return tzlocal.get_localzone()
    except (OSError, ValueError, KeyError):
        raise InputError("the machine's timezone is not known: expected --timezone") from None


def _offset_ms(time_ms: int, zone: tzinfo) -> int:
    return (to_local(time_ms, zone).utcoffset() or timedelta(0)) // _MILLISECOND


def _floor(time_ms: int, bin_ms: int, zone: tzinfo) -> int:
    """The last edge of a bin at or before `time_ms`."""
    before = time_ms - 2 * DAY_MS
    offset = _offset_ms(time_ms, zone)
    if _offset_ms(before, zone) == offset:
        return time_ms - (time_ms + offset) % bin_ms
    # The clock changed recently: step forward from an edge before the change.
    edge = before - (before + _offset_ms(before, zone)) % bin_ms
    while (following := _next_edge(edge, bin_ms, zone)) <= time_ms:
        edge = following
    return edge


def _next_edge(edge: int, bin_ms: int, zone: tzinfo) -> int:
    """The edge after `edge`; at most one change of the clock lies within a bin."""
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
    """The first instant in (low, high] with the offset of `high`; that of `low` differs."""
    offset = _offset_ms(high, zone)
    while high - low > 1:
        middle = (low + high) // 2
        if _offset_ms(middle, zone) == offset:
            high = middle
        else:
            low = middle
    return high
