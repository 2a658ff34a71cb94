"""The element of a page on which lines are drawn over a background.

Invariant: it receives the address of an approved background, shapes and marks, and returns shapes; nothing else.
"""

from collections.abc import Sequence
from typing import Any

from nicegui.element import Element

from passerby.video.setup.coarse_marks import Mark


class Canvas(Element, component="page/canvas.js"):
    """A picture of `size` (width, height) px at the URL `src`, and the shapes drawn on it.

    Its events are `change`, with the shapes, and `tool`, with the name of a tool."""

    def __init__(
        self, src: str, size: tuple[int, int], shapes: list[dict[str, Any]], *, label: str, readonly: bool
    ) -> None:
        super().__init__()
        self.props["src"] = src
        self.props["width"], self.props["height"] = size
        self.props["initial"] = shapes
        self.props["marks"] = []
        self.props["readonly"] = readonly
        self.props["tool"] = "select"
        self.props["snap"] = True
        self.props["label"] = label

    def set(self, key: str, value: Any) -> None:
        """Set a property, such as the tool."""
        if self.props.get(key) != value:
            self.props[key] = value
            self.update()

    def show(self, marks: Sequence[Mark]) -> None:
        self.set("marks", [{"x": mark.x, "y": mark.y, "label": mark.label} for mark in marks])
