"""The filters of a page, from its URL: line, direction, class, days and resolution.

Invariant: a URL that is not valid is refused in one line that says what was expected; a URL without a parameter shows
the latest numbers.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import urlencode

from passerby.domain.calendar import DAY_MS
from passerby.publish.pages.languages import languages
from passerby.publish.pages.published_lines import PublishedLine, names_of
from passerby.publish.pages.url_errors import UnpublishedNameError, UrlError, quoted
from passerby.publish.store.query import RESOLUTIONS
from passerby.publish.store.rollup import HOUR_MS
from passerby.publish.store.sums import Resolution

LONGEST_DAYS = 366
_MOST_BARS = 400
NAMES = ("at", "direction", "class", "from", "to", "resolution", "lang", "renew")
"""The parameters of a URL, in the order in which a URL has them."""
_OLD_NAMES = {"label": "class"}
"""Old names that are accepted for one version, and the names that replaced them."""
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


@dataclass(frozen=True, slots=True)
class Filters:
    """One line, from the day `first` to the day `last` (both included); a direction or class of None means all.

    `parameters` are those of the URL; `dropped` are the names of parameters that do not apply to this line.
    """

    line: PublishedLine
    direction: str | None
    label: str | None
    first: date
    last: date
    resolution: Resolution
    parameters: tuple[tuple[str, str], ...]
    dropped: tuple[str, ...] = ()

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    def query(self, **changes: str | None) -> str:
        """The query of a URL for these filters with `changes`; None removes a parameter."""
        return query_with(self.parameters, **changes)


def query_with(parameters: Sequence[tuple[str, str]], **changes: str | None) -> str:
    """The query of a URL, with its question mark: `parameters` with `changes`; None removes a parameter.

    A parameter whose name is a Python keyword ends with an underscore, such as `from_`. An empty query is "".
    """
    changed = {name.rstrip("_"): value for name, value in changes.items()}
    values = {**dict(parameters), **changed}
    query = urlencode([(name, values[name]) for name in NAMES if values.get(name)])
    return f"?{query}" if query else ""


def read_query(
    parameters: Sequence[tuple[str, str]], allowed: Sequence[str] = NAMES
) -> tuple[tuple[str, str], ...]:
    """The parameters of a URL without empty ones. Raises UrlError for an unknown name, or one that is given twice."""
    values: dict[str, str] = {}
    for given, value in parameters:
        name = _OLD_NAMES.get(given, given)
        if name not in allowed:
            raise UrlError(
                "{name}: there is no such parameter, expected one of {names}",
                name=name[:40],
                names=", ".join(allowed),
            )
        if name in values:
            raise UrlError("{name}: given twice, expected once", name=name)
        values[name] = value
    if values.get("lang") and values["lang"] not in languages():
        raise _unexpected("lang", values["lang"], languages())
    if values.get("renew") not in (None, "", "off"):
        raise _unexpected("renew", values["renew"], ["off"])
    return tuple((name, values[name]) for name in NAMES if values.get(name))


def filters_of(
    parameters: tuple[tuple[str, str], ...], lines: Sequence[PublishedLine], newest: date
) -> Filters:
    """The filters in a URL. Defaults are the first line and the day `newest`.

    Raises UrlError, and UnpublishedNameError for a name that has no published numbers.
    """
    values = dict(parameters)
    line = _line(values.get("at"), lines)
    direction = _part("direction", values, line.directions, lines)
    label = _part("class", values, line.labels, lines)
    dropped = tuple(
        name for name, part in (("direction", direction), ("class", label)) if part is None and name in values
    )
    first, last = _days(values, newest)
    resolution = _resolution(values.get("resolution"), (last - first).days + 1, line.bin_ms)
    kept = tuple((name, value) for name, value in parameters if name not in dropped)
    return Filters(line, direction, label, first, last, resolution, kept, dropped)


def _line(key: str | None, lines: Sequence[PublishedLine]) -> PublishedLine:
    if key is None:
        return lines[0]
    names = names_of(key)
    if names is None:
        raise UrlError(
            "at {text}: expected a camera and a line, such as {example}",
            text=quoted(key),
            example=lines[0].key,
        )
    for line in lines:
        if (line.camera.name, line.name) == names:
            return line
    raise _unpublished("at", key, [lines[0].key])


def _part(
    name: str, values: dict[str, str], published: Sequence[str], lines: Sequence[PublishedLine]
) -> str | None:
    """The direction or class in the URL; None for all, also if only another line has it."""
    value = values.get(name)
    if value is None or value in published:
        return value
    # When the reader changes the line in the form, the form still has the direction of the old line.
    if any(value in (*line.directions, *line.labels) for line in lines):
        return None
    raise _unpublished(name, value, published)


def _days(values: dict[str, str], newest: date) -> tuple[date, date]:
    """The first and the last day. Raises UrlError."""
    last = _date("to", values["to"]) if "to" in values else None
    first = _date("from", values["from"]) if "from" in values else None
    if first is None:
        first = last or newest
    if last is None:
        last = max(first, newest) if "from" in values else newest
        last = min(last, first + timedelta(days=LONGEST_DAYS - 1))
    if last < first:
        raise UrlError(
            "to {last} is before from {first}, expected a later date",
            last=last.isoformat(),
            first=first.isoformat(),
        )
    if (last - first).days + 1 > LONGEST_DAYS:
        raise UrlError(
            "from {first} to {last}: expected at most {number} days",
            first=first.isoformat(),
            last=last.isoformat(),
            number=str(LONGEST_DAYS),
        )
    return first, last


def _unexpected(name: str, text: str, expected: Iterable[str]) -> UrlError:
    return UrlError(
        "{name} {text}: expected one of {names}", name=name, text=quoted(text), names=", ".join(expected)
    )


def _unpublished(name: str, text: str, published: Iterable[str]) -> UnpublishedNameError:
    return UnpublishedNameError(
        "{name} {text}: nothing was published for it, expected for example {names}",
        name=name,
        text=quoted(text),
        names=", ".join(published),
    )


def _date(name: str, text: str) -> date:
    try:
        if not _DATE.fullmatch(text):
            raise ValueError
        day = date.fromisoformat(text)
    except ValueError:
        raise UrlError(
            "{name} {text} is not a date, expected for example 2026-11-23", name=name, text=quoted(text)
        ) from None
    if not 1971 <= day.year < 2200:
        raise UrlError("{name} {text}: expected a year from 1971 to 2199", name=name, text=text)
    return day


def _resolution(text: str | None, days: int, bin_ms: int) -> Resolution:
    """The resolution in the URL, or a coarser one if a chart cannot show so many bars."""
    if text is not None and text not in RESOLUTIONS:
        raise _unexpected("resolution", text, RESOLUTIONS)
    has_hours = HOUR_MS % bin_ms == 0
    fits: dict[Resolution, bool] = {
        "bin": days * DAY_MS <= _MOST_BARS * bin_ms,
        "hour": has_hours and days * DAY_MS <= _MOST_BARS * HOUR_MS,
        "day": True,
    }
    default = "bin" if days == 1 else "hour"
    finest = RESOLUTIONS.index(next(name for name in RESOLUTIONS if name == (text or default)))
    return next(name for name in RESOLUTIONS[finest:] if fits[name])
