"""The templates, and what each may call.

Invariant: everything is escaped but what was drawn here; a name that is not given is an error, not an empty text.
"""

from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from passerby.publish.pages import words
from passerby.publish.pages.filters import with_other
from passerby.publish.pages.languages import Language, languages

FOLDER = Path(__file__).with_name("templates")


def render(name: str, language: Language, **values: Any) -> str:
    """The page of this template, in this language."""
    return (
        _environment()
        .get_template(name)
        .render(
            language=language,
            languages=list(languages().values()),
            say=language.say,
            say_n=language.say_n,
            with_other=with_other,
            label=lambda text: words.of_label(text, language),
            direction=lambda text: words.of_direction(text, language),
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
