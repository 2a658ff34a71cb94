"""An extension of the docstring reader: shows examples in docstrings as code on the documentation site.

Invariant: an example begins at ">>> " and ends at an empty line, as doctest reads it; no other text is changed.
"""

from typing import Any

import griffe


def fenced(text: str) -> str:
    """The text of a docstring with each of its examples as a block of code."""
    lines: list[str] = []
    inside = False
    for line in text.splitlines():
        if not inside and line.startswith(">>> "):
            lines += ["", "```pycon"]
            inside = True
        elif inside and not line.strip():
            lines.append("```")
            inside = False
        lines.append(line)
    return "\n".join([*lines, "```"] if inside else lines)


class DoctestBlocks(griffe.Extension):
    """What zensical.toml names."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        if obj.docstring is not None:
            obj.docstring.value = fenced(obj.docstring.value)
