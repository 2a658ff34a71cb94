"""Updates the translations of the public pages: `make messages` adds new messages and removes unused ones.

A new language starts as a copy of da.po, with its own name and without translations; see docs/how-to/pages.md.
"""

from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po

PAGES = Path(__file__).parent.parent / "src/passerby/publish/pages"
KEYWORDS = {
    "translate": None,
    "translate_plural": (1, 2),
    "UrlError": None,
    "NothingPublishedError": None,
    "UnpublishedNameError": None,
}
WIDTH = 110


def messages() -> Iterator[tuple[str | tuple[str, ...], str, int]]:
    """Every message of the pages, its file below the folder of the pages, and its line."""
    for path in sorted((*PAGES.glob("*.py"), *PAGES.glob("templates/*.html"))):
        method = "python" if path.suffix == ".py" else "jinja2.ext:babel_extract"
        content = BytesIO(path.read_bytes())
        for line, message, _, _ in extract(method, content, KEYWORDS, options={"encoding": "utf-8"}):
            yield message, path.relative_to(PAGES).as_posix(), line


def template() -> Catalog:
    """All messages, without translations."""
    catalog = Catalog(project="Passerby", charset="utf-8")
    for message, path, _ in messages():
        # No line numbers: they would change with every edit.
        catalog.add(message, locations=[(path, 0)])
    return catalog


def is_translated(string: str | Sequence[str] | None) -> bool:
    """True if a message has its translation, in each of its plural forms."""
    return bool(string) if isinstance(string, str) or not string else all(string)


def main() -> None:
    for path in sorted((PAGES / "messages").glob("*.po")):
        with path.open("rb") as file:
            catalog = read_po(file, locale=path.stem)
        fresh = template()
        # Keep the translator's date: it must not change with each run.
        fresh.creation_date = catalog.creation_date
        catalog.update(fresh, no_fuzzy_matching=True)
        catalog.obsolete.clear()
        with path.open("wb") as file:
            write_po(file, catalog, width=WIDTH, omit_header=False, include_lineno=False, sort_output=True)
        missing = sum(1 for message in catalog if message.id and not is_translated(message.string))
        print(f"{path.name}: {len(catalog)} messages, {missing} without a translation")


if __name__ == "__main__":
    main()
