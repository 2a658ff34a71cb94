"""The background on which lines are drawn, as an element of a page.

Invariant: it is given the address of an approved picture, shapes and marks; it answers shapes, and knows no more.
"""

from collections.abc import Sequence
from typing import Any

from nicegui.element import Element

from passerby.video.scene.coarse_marks import Mark


class Board(Element, component="page/drawing.js"):
    """A picture of `width` x `height` px at `src` and what is drawn on it. Events: `change` with shapes, and `tool`."""

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
        """One of its properties, such as the tool."""
        if self.props.get(key) != value:
            self.props[key] = value
            self.update()

    def show(self, marks: Sequence[Mark]) -> None:
        self.set("marks", [{"x": mark.x, "y": mark.y, "label": mark.label} for mark in marks])
