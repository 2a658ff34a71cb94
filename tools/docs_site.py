"""Build the documentation site strictly: `make docs-site` writes build/docs-site.

Invariant: a dead link, a page that the navigation lacks, a public name without documentation, or a file
that is loaded from another host ends the build with exit code 1.
"""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from tools import architecture

import passerby

ROOT = Path(__file__).parents[1]
CONFIG = ROOT / "zensical.toml"
PYTHON_PAGE = "reference/python.md"

LINK = re.compile(r"\]\(\s*<?([^)\s>]+)>?[^)]*\)")
CODE = re.compile(r"^```.*?^```|^(?: {4}|\t).*?$|`[^`\n]*`", re.MULTILINE | re.DOTALL)
LOADED = re.compile(
    r"<(?:script|img|iframe|source|link|video|audio)\b[^>]*?\b(?:src|href)=[\"']?((?:https?:)?//[^\"'\s>]+)"
)
LOADED_BY_STYLE = re.compile(r"(?:@import\s+|url\()[\"']?((?:https?:)?//[^\"')\s]+)")


def dead_links(page: Path, root: Path) -> Iterator[str]:
    """Relative links of a Markdown page, pictures too, that lead to no file below `root`."""
    for target in LINK.findall(CODE.sub("", page.read_text())):
        path = unquote(target.partition("#")[0])
        if not path or re.match(r"[a-z]+:", target):
            continue
        linked = (page.parent / path).resolve()
        if not linked.is_file() or not linked.is_relative_to(root.resolve()):
            yield f"{page.relative_to(ROOT)}: {target}: expected a file below {root.name or root}"


def listed_pages(nav: Any) -> Iterator[str]:
    """The pages that a navigation lists, in its order."""
    if isinstance(nav, str):
        yield nav
    elif isinstance(nav, dict):
        for part in nav.values():
            yield from listed_pages(part)
    else:
        for part in nav:
            yield from listed_pages(part)


def navigation_mistakes(docs: Path, nav: Any) -> Iterator[str]:
    """Pages that the navigation lacks, and entries of it that have no page."""
    listed = set(listed_pages(nav))
    written = {path.relative_to(docs).as_posix() for path in docs.rglob("*.md")}
    for name in sorted(written - listed):
        yield f"docs/{name}: expected in nav of zensical.toml"
    for name in sorted(listed - written):
        yield f"zensical.toml: nav: {name}: expected a page in docs/"


def undocumented_names(reference: str) -> Iterator[str]:
    """Public names without a docstring, or without an entry in the Python reference."""
    described = set(re.findall(r"^::: passerby\.(\w+)$", reference, re.MULTILINE))
    for name in passerby.__all__:
        kind = getattr(passerby, name)
        text = kind.__doc__ or ""
        if not text or text.startswith(
            f"{name}("
        ):  # a dataclass writes its signature where there is no docstring
            yield f"passerby.{name}: expected a docstring"
        if name not in described:
            yield f"docs/{PYTHON_PAGE}: expected a line ::: passerby.{name}"


def loaded_from_elsewhere(site: Path) -> Iterator[str]:
    """Scripts, styles, fonts and pictures that a built page takes from another host."""
    for path in sorted(site.rglob("*")):
        if path.suffix == ".html":
            found = LOADED.findall(path.read_text())
        elif path.suffix == ".css":
            found = LOADED_BY_STYLE.findall(path.read_text())
        else:
            continue
        for address in found:
            yield f"{path.relative_to(site)}: {address}: expected no file of another host"


def build() -> int:
    """Check the pages, build them, check the site; every mistake on a line of its own."""
    architecture.PICTURE.write_text(architecture.drawing(ROOT / "pyproject.toml"))
    project = tomllib.loads(CONFIG.read_text())["project"]
    docs = ROOT / project["docs_dir"]
    site = ROOT / project["site_dir"]
    mistakes = [mistake for page in sorted(docs.rglob("*.md")) for mistake in dead_links(page, docs)]
    mistakes += [m for page in sorted(ROOT.glob("*.md")) for m in dead_links(page, ROOT)]
    mistakes += navigation_mistakes(docs, project["nav"])
    mistakes += undocumented_names((docs / PYTHON_PAGE).read_text())
    if not mistakes:
        shutil.rmtree(site, ignore_errors=True)  # pages that are gone
        generator = str(Path(sys.executable).parent / "zensical")
        command = [generator, "build", "--strict", "--clean", "--config-file", str(CONFIG)]
        if subprocess.run(command, check=False, env={**os.environ, "NO_COLOR": "1"}).returncode != 0:
            return 1
        mistakes += loaded_from_elsewhere(site)
    for mistake in mistakes:
        print(mistake, file=sys.stderr)
    if not mistakes:
        print(f"{site.relative_to(ROOT)}/index.html")
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(build())
