"""The page templates (Jinja) and the functions that they may call.

Invariant: everything is escaped except SVG that was drawn here; a missing value is an error, not an empty text.
"""

from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from passerby.publish.pages import words
from passerby.publish.pages.filters import query_with
from passerby.publish.pages.languages import Language, languages

FOLDER = Path(__file__).with_name("templates")


def render(name: str, language: Language, **values: Any) -> str:
    """The page of the template `name` as HTML, in this language."""
    return (
        _environment()
        .get_template(name)
        .render(
            language=language,
            languages=list(languages().values()),
            translate=language.translate,
            translate_plural=language.translate_plural,
            query_with=query_with,
            class_heading=lambda label: words.class_heading(label, language),
            direction_name=lambda direction: words.direction_name(direction, language),
            interval_name=words.interval_name(language),
            **values,
        )
    )


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
