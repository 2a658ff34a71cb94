"""Bring the public page's translations up to date: `make messages` adds what is new and drops what is gone.

A new language begins as a copy of da.po, with its own name and no translations; see docs/how-to/pages.md.
"""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po

PAGES = Path(__file__).parent.parent / "src/passerby/publish/pages"
KEYWORDS = {"say": None, "say_n": (1, 2), "MisreadError": None, "NotYetError": None, "UnpublishedError": None}
WIDTH = 110


def messages() -> Iterator[tuple[str | tuple[str, ...], str, int]]:
    """Every message of the pages, the file it stands in below the pages' folder, and its line."""
    for path in sorted((*PAGES.glob("*.py"), *PAGES.glob("templates/*.html"))):
        method = "python" if path.suffix == ".py" else "jinja2.ext:babel_extract"
        content = BytesIO(path.read_bytes())
        for line, message, _, _ in extract(method, content, KEYWORDS, options={"encoding": "utf-8"}):
            yield message, path.relative_to(PAGES).as_posix(), line


def template() -> Catalog:
    """All messages, untranslated."""
    catalog = Catalog(project="Passerby", charset="utf-8")
    for message, path, _ in messages():
        # Without line numbers, which would change with every edit.
        catalog.add(message, locations=[(path, 0)])
    return catalog


def main() -> None:
    for path in sorted((PAGES / "messages").glob("*.po")):
        with path.open("rb") as file:
            catalog = read_po(file, locale=path.stem)
        fresh = template()
        # The date of a file is that of its translator, and not of each run of this.
        fresh.creation_date = catalog.creation_date
        catalog.update(fresh, no_fuzzy_matching=True)
        catalog.obsolete.clear()
        with path.open("wb") as file:
            write_po(file, catalog, width=WIDTH, omit_header=False, include_lineno=False, sort_output=True)
        missing = sum(1 for one in catalog if one.id and not one.string)
        print(f"{path.name}: {len(catalog)} messages, {missing} without a translation")


if __name__ == "__main__":
    main()
