"""Every language says everything, with the same places for what is put in."""

import re
import string
from datetime import date, datetime
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from tools.messages import PAGES, messages

from passerby.publish.pages import languages as module
from passerby.publish.pages.languages import MESSAGES, languages, preferred

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
        one.id if isinstance(one.id, str) else one.id[0]: one for one in catalog if one.id and not one.fuzzy
    }
    assert wanted - translated.keys() == set(), "run make messages, and translate"
    assert translated.keys() - wanted == set(), "run make messages"
    for one in translated.values():
        texts = [one.string] if isinstance(one.string, str) else list(one.string or ())
        assert len(texts) == (1 if isinstance(one.id, str) else catalog.num_plurals)
        expected = placeholders(one.id if isinstance(one.id, str) else one.id[-1])
        for text in texts:
            assert text.strip(), one.id
            assert placeholders(text) == expected, one.id


def test_what_is_said_is_found_by_who_extracts() -> None:
    """Each `say("` in the sources is one message, and so is each error of an address: none is hidden from the
    extraction, such as within an f-string."""
    found = sum(1 for _ in messages())
    sources = [*PAGES.glob("*.py"), *PAGES.glob("templates/*.html")]
    said = sum(
        len(
            re.findall(
                r"\b(?:say(?:_n)?|MisreadError|NotYetError|UnpublishedError)\(\s*[\"']", path.read_text()
            )
        )
        for path in sources
    )
    assert found == said


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
def test_the_language_that_is_liked_best(accept: str | None, code: str) -> None:
    assert preferred(accept).code == code


def test_numbers_and_times_are_those_of_the_language() -> None:
    when = datetime(2026, 11, 23, 14, 15)
    told = {
        code: (one.number(1234.5, 1), one.share(0.732, 1), one.clock(when))
        for code, one in languages().items()
    }
    assert told["en"] == ("1,234.5", "73.2%", "14:15")
    assert told["da"] == ("1.234,5", "73,2\N{NO-BREAK SPACE}%", "14.15")
    assert told["fr"][0] == "1\N{NARROW NO-BREAK SPACE}234,5"
    assert languages()["de"].day(date(2026, 11, 23)) == "Montag, 23. November 2026"


def test_a_language_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (MESSAGES / "da.po").read_text().replace('"Language: da\\n"', '"Language: sv\\n"')
    (tmp_path / "sv.po").write_text(text.replace("Hvor mange, aldrig hvem.", "Hur många, aldrig vem."))
    monkeypatch.setattr(module, "MESSAGES", tmp_path)
    languages.cache_clear()
    try:
        swedish = languages()["sv"]
        assert swedish.say("How many, never who.") == "Hur många, aldrig vem."
        assert swedish.name == "Svenska"
        (tmp_path / "klingon language.po").write_text("")
        languages.cache_clear()
        with pytest.raises(ValueError, match="expected the name of a language"):
            languages()
    finally:
        languages.cache_clear()
