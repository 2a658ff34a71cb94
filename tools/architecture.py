"""Draw docs/reference/architecture.svg from the import rules in pyproject.toml: `make docs` writes it.

Invariant: everything in the picture is read from [tool.importlinter]; nothing is drawn by hand.
"""

import sys
import tomllib
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs/reference/architecture.svg"

WIDTH = 980
MARGIN = 24
ROW_HEIGHT = 52
BOX_HEIGHT = 34
LETTER_WIDTH = 7.6  # of the font below, at 14 px
GAP = 12
LINE_HEIGHT = 20
LONGEST = 110  # letters of a line of text

STYLE = """
  text { font: 14px system-ui, sans-serif; fill: #1d2733; }
  .small { font-size: 13px; fill: #46535f; }
  .head { font-weight: 600; }
  .row { fill: #eef2f4; }
  .box { fill: #ffffff; stroke: #7b8b99; }
  .limited { fill: #e3f0ea; stroke: #2d7a58; stroke-width: 2; }
  .protected { stroke: #a3341f; stroke-width: 2.5; }
"""


def rules(project: Path) -> tuple[str, list[dict[str, Any]]]:
    """The root package and its contracts, as pyproject.toml states them."""
    settings = tomllib.loads(project.read_text())["tool"]["importlinter"]
    return settings["root_package"], settings["contracts"]


def layers(contracts: list[dict[str, Any]], package: str) -> list[list[str]]:
    """The rows of the package's own layers contract, highest first; "(name)" may be absent."""
    for contract in contracts:
        if contract["type"] == "layers" and contract.get("containers") == [package]:
            return [
                [name.strip(" ()") for name in layer.replace(":", "|").split("|")]
                for layer in contract["layers"]
            ]
    raise SystemExit(f"pyproject.toml: expected a layers contract with containers = [{package!r}]")


def named_in(contracts: list[dict[str, Any]], kind: str, key: str, package: str) -> set[str]:
    """The parts of the package, one level deep, that contracts of this kind name under this key."""
    modules = {module for c in contracts if c["type"] == kind for module in c.get(key, [])}
    return {module.split(".")[1] for module in modules if module.startswith(f"{package}.")}


def wrapped(text: str) -> list[str]:
    """Lines of at most LONGEST letters."""
    lines = [""]
    for word in text.split():
        if len(lines[-1]) + len(word) >= LONGEST:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def boxes(row: list[str], top: float, marks: dict[str, str]) -> Iterator[str]:
    """One layer: a band, and a box for each module on it."""
    yield f'<rect class="row" x="{MARGIN}" y="{top}" width="{WIDTH - 2 * MARGIN}" height="{ROW_HEIGHT - 6}"/>'
    widths = [len(name) * LETTER_WIDTH + 22 for name in row]
    left = (WIDTH - sum(widths) - GAP * (len(row) - 1)) / 2
    middle = top + (ROW_HEIGHT - 6) / 2
    for name, width in zip(row, widths, strict=True):
        yield (
            f'<rect class="box {marks.get(name, "")}" x="{left:.1f}" y="{middle - BOX_HEIGHT / 2}" '
            f'width="{width:.1f}" height="{BOX_HEIGHT}" rx="5"/>'
        )
        yield f'<text x="{left + width / 2:.1f}" y="{middle + 5}" text-anchor="middle">{escape(name)}</text>'
        left += width + GAP


def drawing(project: Path) -> str:
    """The whole picture as SVG."""
    package, contracts = rules(project)
    rows = layers(contracts, package)
    marks = dict.fromkeys(named_in(contracts, "forbidden", "source_modules", package), "limited")
    for name in named_in(contracts, "protected", "protected_modules", package):
        marks[name] = f"{marks.get(name, '')} protected".strip()

    parts: list[str] = []
    top = float(MARGIN)
    for line in (
        f"{package}: a part may import parts on lower rows only. Parts on one row do not import each other.",
        "Green: a rule limits what it may import. Red border: a rule limits which parts may import it.",
    ):
        parts.append(f'<text x="{MARGIN}" y="{top + 14}">{escape(line)}</text>')
        top += LINE_HEIGHT + 2
    top += 6
    for row in rows:
        parts.extend(boxes(row, top, marks))
        top += ROW_HEIGHT
    top += 18
    parts.append(f'<text class="head" x="{MARGIN}" y="{top}">All import rules</text>')
    for contract in contracts:
        for number, line in enumerate(wrapped(contract["name"])):
            top += LINE_HEIGHT
            indent = MARGIN if number == 0 else MARGIN + 20
            parts.append(f'<text class="small" x="{indent}" y="{top}">{escape(line)}</text>')
    height = top + MARGIN
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" role="img">',
            f"<title>The parts of {escape(package)} and which may import which</title>",
            f"<style>{STYLE}</style>",
            f'<rect width="{WIDTH}" height="{height:.0f}" fill="#ffffff"/>',
            *parts,
            "</svg>\n",
        ]
    )


if __name__ == "__main__":
    PICTURE.write_text(drawing(ROOT / "pyproject.toml"))
    print(PICTURE, file=sys.stderr)
