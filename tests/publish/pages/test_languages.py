"""Every language has every message, with the same placeholders and all plural forms."""

import re
import string
from datetime import date, datetime
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from tools.messages import PAGES, messages

from passerby.domain.promise import Promise
from passerby.publish.pages import languages as module
from passerby.publish.pages.about import promise_text
from passerby.publish.pages.languages import MESSAGES, languages, preferred
from passerby.publish.pages.words import length_text

FILES = sorted(MESSAGES.glob("*.po"))


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_there_are_danish_german_and_french() -> None:
    assert {"en", "da", "de", "fr"} <= set(languages())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_message_is_translated_with_its_placeholders(path: Path) -> None:
    with path.open("rb") as file:
        catalog = read_po(file, locale=path.stem)
    wanted = {message if isinstance(message, str) else message[0] for message, _, _ in messages()}
    assert len(wanted) > 100
    translated = {
        message.id if isinstance(message.id, str) else message.id[0]: message
        for message in catalog
        if message.id and not message.fuzzy
    }
    assert wanted - translated.keys() == set(), "run make messages, and translate"
    assert translated.keys() - wanted == set(), "run make messages"
    for message in translated.values():
        texts = [message.string] if isinstance(message.string, str) else list(message.string or ())
        assert len(texts) == (1 if isinstance(message.id, str) else catalog.num_plurals)
        expected = placeholders(message.id if isinstance(message.id, str) else message.id[-1])
        for text in texts:
            assert text.strip(), message.id
            assert placeholders(text) == expected, message.id


def test_extraction_finds_every_message_of_the_sources() -> None:
    """Each call in the sources is a message of the catalogue: none is hidden, such as in an f-string."""
    found = sum(1 for _ in messages())
    sources = [*PAGES.glob("*.py"), *PAGES.glob("templates/*.html")]
    called = sum(
        len(
            re.findall(
                r"\b(?:translate(?:_plural)?|UrlError|NothingPublishedError|UnpublishedNameError)\(\s*[\"']",
                path.read_text(),
            )
        )
        for path in sources
    )
    assert found == called


@pytest.mark.parametrize(
    ("accept", "code"),
    [
        (None, "en"),
        ("", "en"),
        ("da", "da"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("sv,fr;q=0.4,da;q=0.7", "da"),
        ("fr;q=0,da;q=0", "en"),
        ("zz;q=1,*;q=0.1", "en"),
        ("da;q=2,fr", "fr"),
        (",,;q=,\x00," * 500, "en"),
        ("EN-us,da;q=0.9", "en"),
    ],
)
def test_the_preferred_language(accept: str | None, code: str) -> None:
    assert preferred(accept).code == code


def test_lengths_have_the_plural_forms_of_their_language() -> None:
    lengths = (1_000, 60_000, 900_000, 3_600_000, 5_400_000, 86_400_000)
    texts = {
        code: [length_text(length_ms, language) for length_ms in lengths]
        for code, language in languages().items()
    }
    assert texts["en"] == ["1 second", "1 minute", "15 minutes", "1 hour", "90 minutes", "1 day"]
    assert texts["da"] == ["1 sekund", "1 minut", "15 minutter", "1 time", "90 minutter", "1 dag"]
    assert texts["de"] == ["1 Sekunde", "1 Minute", "15 Minuten", "1 Stunde", "90 Minuten", "1 Tag"]
    assert texts["fr"] == ["1 seconde", "1 minute", "15 minutes", "1 heure", "90 minutes", "1 jour"]


@pytest.mark.parametrize("visits", [1, 2])
def test_the_promise_has_the_plural_forms_of_its_language(visits: int) -> None:
    promise = Promise(visits=visits, visit_s=4, times=2.8, right_percent=73.2, epsilon=1)
    texts = {code: promise_text(promise, language) for code, language in languages().items()}
    parts = {
        1: ("for 1 visit to a line, of at most 4 s.", "for 1 besøg", "für 1 Besuch an", "pour 1 visite à"),
        2: (
            "for up to 2 visits to a line, of at most 4 s each.",
            "op til 2 besøg",
            "2 Besuche an",
            "2 visites au plus",
        ),
    }[visits]
    for code, part in zip(("en", "da", "de", "fr"), parts, strict=True):
        assert part in texts[code]
    assert "73.2 times in 100" in texts["en"]


def test_numbers_and_times_are_those_of_the_language() -> None:
    when = datetime(2026, 11, 23, 14, 15)
    texts = {
        code: (language.number(1234.5, 1), language.share(0.732, 1), language.clock(when))
        for code, language in languages().items()
    }
    assert texts["en"] == ("1,234.5", "73.2%", "14:15")
    assert texts["da"] == ("1.234,5", "73,2\N{NO-BREAK SPACE}%", "14.15")
    assert texts["fr"][0] == "1\N{NARROW NO-BREAK SPACE}234,5"
    assert languages()["de"].day(date(2026, 11, 23)) == "Montag, 23. November 2026"


def test_a_language_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (MESSAGES / "da.po").read_text().replace('"Language: da\\n"', '"Language: sv\\n"')
    (tmp_path / "sv.po").write_text(text.replace("Hvor mange, aldrig hvem.", "Hur många, aldrig vem."))
    monkeypatch.setattr(module, "MESSAGES", tmp_path)
    languages.cache_clear()
    try:
        swedish = languages()["sv"]
        assert swedish.translate("How many, never who.") == "Hur många, aldrig vem."
        assert swedish.name == "Svenska"
        (tmp_path / "klingon language.po").write_text("")
        languages.cache_clear()
        with pytest.raises(ValueError, match="expected the name of a language"):
            languages()
    finally:
        languages.cache_clear()
