"""What a reader chose to see, as the URL holds it: line, direction, class, days and how fine.

Invariant: closed: what a URL cannot mean is refused in one line that says what was expected; a URL that leaves
something out always shows the newest.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import urlencode

from passerby.domain.calendar import DAY_MS
from passerby.publish.pages.counted_lines import Place, names_of
from passerby.publish.pages.languages import languages
from passerby.publish.pages.url_errors import MisreadError, UnpublishedError, typed
from passerby.publish.store.query import RESOLUTIONS
from passerby.publish.store.rollup import HOUR_MS
from passerby.publish.store.sums import Resolution

LONGEST_DAYS = 366
_MOST_BARS = 400
NAMES = ("at", "direction", "label", "from", "to", "resolution", "lang", "renew")
"""What an address can say, in the order in which it says it."""
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


@dataclass(frozen=True, slots=True)
class Choice:
    """What is shown: the days `first` to `last`, both of them, of one line; None for all of a part.

    `asked` is what the URL said, without what it left out; `dropped` are names that mean nothing on this line.
    """

    place: Place
    direction: str | None
    label: str | None
    first: date
    last: date
    resolution: Resolution
    asked: tuple[tuple[str, str], ...]
    dropped: tuple[str, ...] = ()

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    def query(self, **other: str | None) -> str:
        """The URL's query for this choice with `other` in its place; None leaves a part out."""
        return with_other(self.asked, **other)


def with_other(asked: Sequence[tuple[str, str]], **other: str | None) -> str:
    """A URL's query, with its question mark, of `asked` with `other` in its place; "" where nothing is left."""
    changed = {name.rstrip("_"): value for name, value in other.items()}
    kept = {**dict(asked), **changed}
    query = urlencode([(name, kept[name]) for name in NAMES if kept.get(name)])
    return f"?{query}" if query else ""


def read(
    parameters: Sequence[tuple[str, str]], allowed: Sequence[str] = NAMES
) -> tuple[tuple[str, str], ...]:
    """The parameters of a URL that say something. Raises MisreadError for one that is not known or is given twice."""
    said: dict[str, str] = {}
    for name, value in parameters:
        if name not in allowed:
            raise MisreadError(
                "{name}: there is no such parameter, expected some of {names}",
                name=name[:40],
                names=", ".join(allowed),
            )
        if name in said:
            raise MisreadError("{name}: given twice, expected once", name=name)
        said[name] = value
    if said.get("lang") and said["lang"] not in languages():
        raise _not_one_of("lang", said["lang"], languages())
    if said.get("renew") not in (None, "", "off"):
        raise _not_one_of("renew", said["renew"], ["off"])
    return tuple((name, said[name]) for name in NAMES if said.get(name))


def choose(asked: tuple[tuple[str, str], ...], places: Sequence[Place], newest: date) -> Choice:
    """The choice that was `asked` for; what was left out is the first line, and the `newest` day.

    Raises MisreadError, and UnpublishedError for what was never published.
    """
    said = dict(asked)
    place = _place(said.get("at"), places)
    dropped: list[str] = []
    direction = _part("direction", said, place.directions, places, dropped)
    label = _part("label", said, place.labels, places, dropped)
    last = _date("to", said["to"]) if "to" in said else None
    first = _date("from", said["from"]) if "from" in said else None
    if first is None:
        first = last or newest
    if last is None:
        last = max(first, newest) if "from" in said else newest
        last = min(last, first + timedelta(days=LONGEST_DAYS - 1))
    if last < first:
        raise MisreadError(
            "to {last} lies before from {first}, expected a later day",
            last=last.isoformat(),
            first=first.isoformat(),
        )
    days = (last - first).days + 1
    if days > LONGEST_DAYS:
        raise MisreadError(
            "from {first} to {last}: expected at most {number} days",
            first=first.isoformat(),
            last=last.isoformat(),
            number=str(LONGEST_DAYS),
        )
    return Choice(
        place,
        direction,
        label,
        first,
        last,
        _resolution(said.get("resolution"), days, place.bin_ms),
        tuple(one for one in asked if one[0] not in dropped),
        tuple(dropped),
    )


def _place(key: str | None, places: Sequence[Place]) -> Place:
    if key is None:
        return places[0]
    names = names_of(key)
    if names is None:
        raise MisreadError(
            "at {text}: expected a camera and a line, such as {example}",
            text=typed(key),
            example=places[0].key,
        )
    for place in places:
        if (place.camera.name, place.name) == names:
            return place
    raise _unpublished("at", key, [places[0].key])


def _part(
    name: str, said: dict[str, str], here: Sequence[str], places: Sequence[Place], dropped: list[str]
) -> str | None:
    value = said.get(name)
    if value is None or value in here:
        return value
    # Who changes the line in the form keeps a direction that only the old line has.
    if any(value in (*place.directions, *place.labels) for place in places):
        dropped.append(name)
        return None
    raise _unpublished(name, value, here)


def _not_one_of(name: str, text: str, known: Iterable[str]) -> MisreadError:
    return MisreadError(
        "{name} {text}: expected one of {names}", name=name, text=typed(text), names=", ".join(known)
    )


def _unpublished(name: str, text: str, known: Iterable[str]) -> UnpublishedError:
    return UnpublishedError(
        "{name} {text}: nothing was published for it, expected one such as {names}",
        name=name,
        text=typed(text),
        names=", ".join(known),
    )


def _date(name: str, text: str) -> date:
    try:
        if not _DATE.fullmatch(text):
            raise ValueError
        found = date.fromisoformat(text)
    except ValueError:
        raise MisreadError(
            "{name} {text} is no day, expected one such as 2026-11-23", name=name, text=typed(text)
        ) from None
    if not 1971 <= found.year < 2200:
        raise MisreadError("{name} {text}: expected a year from 1971 to 2199", name=name, text=text)
    return found


def _resolution(text: str | None, days: int, bin_ms: int) -> Resolution:
    """What was asked for, or coarser where that would be more bars than a picture can hold."""
    if text is not None and text not in RESOLUTIONS:
        raise _not_one_of("resolution", text, RESOLUTIONS)
    has_hours = HOUR_MS % bin_ms == 0
    fits: dict[Resolution, bool] = {
        "bin": days * DAY_MS <= _MOST_BARS * bin_ms,
        "hour": has_hours and days * DAY_MS <= _MOST_BARS * HOUR_MS,
        "day": True,
    }
    usual = "bin" if days == 1 else "hour"
    finest = RESOLUTIONS.index(next(one for one in RESOLUTIONS if one == (text or usual)))
    return next(one for one in RESOLUTIONS[finest:] if fits[one])
