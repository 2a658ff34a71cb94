"""Texts, numbers and times in the reader's language: English in the source code, other languages in .po files.

Invariant: a language is a file in `messages`; a missing translation is shown in English; names that the operator chose
are not translated.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import lru_cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime, format_skeleton, format_time
from babel.lists import format_list
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent

MESSAGES = Path(__file__).with_name("messages")
ENGLISH = "en"
_FORMATS = {ENGLISH: "en_GB"}
"""The locale of dates and numbers, where the language code alone would mean another country."""
_RANGE = re.compile(
    r"\s*([A-Za-z]{1,8}|\*)((?:-[A-Za-z0-9]{1,8})*)\s*(?:;\s*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*)?",
    re.ASCII,
)


@dataclass(frozen=True)
class Language:
    """A language: its `code` in HTML, its locale and its translations."""

    code: str
    locale: Locale
    translations: NullTranslations

    @property
    def name(self) -> str:
        """The name of the language in that language."""
        name = Locale.parse(self.code.replace("-", "_")).get_display_name() or self.code
        return name[:1].upper() + name[1:]

    @property
    def direction(self) -> str:
        return self.locale.text_direction

    def translate(self, message: str, **values: Any) -> str:
        """The translation of `message`, with `values` for the names in braces."""
        return self.translations.gettext(message).format(**values)

    def translate_plural(self, singular: str, plural: str, n: int, **values: Any) -> str:
        """The translation in the plural form for the number `n`, which is inserted for `{n}`."""
        return self.translations.ngettext(singular, plural, n).format(n=self.number(n), **values)

    def number(self, value: float, digits: int = 0) -> str:
        return str(format_decimal(round(value, digits), locale=self.locale))

    def share(self, value: float, digits: int = 0) -> str:
        pattern = self.locale.percent_formats[None].pattern
        if digits:
            pattern = re.sub(r"0(?![#0,.])", f"0.{'#' * digits}", pattern, count=1)
        return str(format_percent(value, format=pattern, locale=self.locale))

    def listing(self, texts: Sequence[str]) -> str:
        """Such as one, two and three."""
        return str(format_list(list(texts), locale=self.locale))

    def day(self, when: date) -> str:
        """Such as Monday 23 November 2026."""
        return str(format_date(when, "full", locale=self.locale))

    def short_day(self, when: date) -> str:
        """Such as Mon 23 Nov."""
        return str(format_skeleton("MMMEd", datetime.combine(when, time()), locale=self.locale))

    def weekday_and_day(self, when: date) -> str:
        """Such as Mon 23."""
        return f"{self.weekday(when.weekday(), short=True).rstrip('.')} {when.day}"

    def plain_day(self, when: date) -> str:
        """Such as 23 November 2026."""
        return str(format_date(when, "long", locale=self.locale))

    def weekday(self, number: int, *, short: bool = False) -> str:
        """The name of a day of the week; 0 is Monday."""
        names = self.locale.days["stand-alone"]["abbreviated" if short else "wide"]
        return str(names[number])

    def month(self, when: date) -> str:
        """Such as Nov."""
        return str(format_date(when, "LLL", locale=self.locale))

    def day_of_month(self, when: date) -> str:
        """Such as 23 Nov."""
        return str(format_skeleton("MMMd", datetime.combine(when, time()), locale=self.locale))

    def clock(self, when: datetime | time) -> str:
        return str(format_time(when, "short", locale=self.locale))

    def moment(self, when: datetime) -> str:
        """Such as 23 Nov 2026, 14:15."""
        return str(format_datetime(when, "medium", locale=self.locale)).replace(
            str(format_time(when, "medium", locale=self.locale)), self.clock(when)
        )


@lru_cache(maxsize=1)
def languages() -> dict[str, Language]:
    """All languages by their code, English first. Raises ValueError for a file with an unknown name."""
    known = {ENGLISH: Language(ENGLISH, Locale.parse(_FORMATS[ENGLISH]), NullTranslations())}
    for path in sorted(MESSAGES.glob("*.po")):
        code = path.stem.replace("_", "-")
        try:
            locale = Locale.parse(_FORMATS.get(code, path.stem))
        except (ValueError, UnknownLocaleError):
            raise ValueError(f"{path}: expected the name of a language, such as da.po or pt_BR.po") from None
        known[code] = Language(code, locale, _compiled(path))
    return known


def preferred(accept_language: str | None) -> Language:
    """The language that the header `Accept-Language` prefers (RFC 9110, section 12.5.4); else English."""
    known = languages()
    best, best_quality = ENGLISH, 0.0
    for part in (accept_language or "")[:500].split(","):
        match = _RANGE.fullmatch(part)
        if match is None:
            continue
        quality = float(match[3] or 1)
        primary, whole = match[1].lower(), f"{match[1]}{match[2]}".lower()
        for code in known:
            if quality > best_quality and code.lower() in (primary, whole):
                best, best_quality = code, quality
    return known[best]


def _compiled(path: Path) -> GNUTranslations:
    # Compiled when it is read, so that a translator's file needs no build step.
    compiled = BytesIO()
    with path.open("rb") as file:
        write_mo(compiled, read_po(file, locale=path.stem))
    compiled.seek(0)
    return GNUTranslations(compiled)
