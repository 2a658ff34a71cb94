"""The lines of the site file that have published numbers, with their published directions and classes.

Invariant: a line without published numbers is not listed, nor is a camera or line that the site file does not name.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote, unquote

from passerby.config.site import Camera, CountedLine, Site
from passerby.domain.labels import LABELS
from passerby.domain.policy import FootagePolicy
from passerby.domain.release import Cell


@dataclass(frozen=True, slots=True)
class PublishedLine:
    """A line of a camera; `directions` and `labels` are the published ones, in the order of the site file; `bin_ms` is
    the length of a bin by the policy."""

    camera: Camera
    counted: CountedLine
    bin_ms: int
    directions: tuple[str, ...]
    labels: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.counted.line.name

    @property
    def junction(self) -> str | None:
        """The junction of which this line is an arm; None if it is not an arm."""
        return dict(self.camera.arms).get(self.name)

    @property
    def key(self) -> str:
        """The line in a URL: camera/line."""
        return f"{quote(self.camera.name, safe='')}/{quote(self.name, safe='')}"


def published_lines(site: Site, cells: Iterable[Cell]) -> tuple[PublishedLine, ...]:
    """The lines of the site that have a published cell, in the order of the site file."""
    published: dict[tuple[str, str], list[Cell]] = {}
    for cell in cells:
        published.setdefault((cell.camera, cell.line), []).append(cell)
    return tuple(_published_lines(site, published))


def names_of(key: str) -> tuple[str, str] | None:
    """The names of camera and line in a `key`; None if the text is not a key."""
    camera, slash, line = key.partition("/")
    return (unquote(camera), unquote(line)) if slash and "/" not in line else None


def _published_lines(site: Site, published: dict[tuple[str, str], list[Cell]]) -> Iterator[PublishedLine]:
    for camera in site.cameras:
        for counted in camera.lines:
            cells = published.get((camera.name, counted.line.name))
            if cells:
                directions = {cell.direction for cell in cells}
                labels = {cell.label for cell in cells}
                yield PublishedLine(
                    camera,
                    counted,
                    (site.privacy or counted.policy or FootagePolicy()).every_ms,
                    tuple(sorted(directions, key=lambda name: _rank(counted.line.names, name))),
                    tuple(sorted(labels, key=lambda name: _rank(LABELS, name))),
                )


def _rank(names: tuple[str, ...], name: str) -> tuple[int, str]:
    return (names.index(name) if name in names else len(names), name)
