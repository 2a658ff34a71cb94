"""What is counted where: the site file's cameras and lines, with what of them was ever published.

Invariant: nothing that was not published is named, and nothing of a camera that the site file does not name.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote, unquote

from passerby.config.site import Camera, CountedLine, Site
from passerby.domain.labels import LABELS
from passerby.domain.policy import Policy
from passerby.domain.release import Cell


@dataclass(frozen=True, slots=True)
class Place:
    """One line of one camera: its directions and labels are those that were published, in the site file's order."""

    camera: Camera
    line: CountedLine
    directions: tuple[str, ...]
    labels: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.line.line.name

    @property
    def junction(self) -> str | None:
        """That of which it is an arm, if of any."""
        return dict(self.camera.arms).get(self.name)

    @property
    def bin_ms(self) -> int:
        """The length of a bin, where the line has a policy; else the usual one."""
        return (self.line.policy or Policy()).every_ms

    @property
    def key(self) -> str:
        """How a URL names it: camera and line."""
        return f"{quote(self.camera.name, safe='')}/{quote(self.name, safe='')}"


def places_of(site: Site, cells: Iterable[Cell]) -> tuple[Place, ...]:
    """Every line of which something was published, in the order of the site file."""
    published: dict[tuple[str, str], list[Cell]] = {}
    for cell in cells:
        published.setdefault((cell.camera, cell.line), []).append(cell)
    return tuple(_places(site, published))


def names_of(key: str) -> tuple[str, str] | None:
    """Camera and line of a `key`; None for a text that is none."""
    camera, slash, line = key.partition("/")
    return (unquote(camera), unquote(line)) if slash and "/" not in line else None


def _places(site: Site, published: dict[tuple[str, str], list[Cell]]) -> Iterator[Place]:
    for camera in site.cameras:
        for line in camera.lines:
            cells = published.get((camera.name, line.line.name))
            if cells:
                directions = {cell.direction for cell in cells}
                labels = {cell.label for cell in cells}
                yield Place(
                    camera,
                    line,
                    tuple(sorted(directions, key=lambda one: _rank(line.line.names, one))),
                    tuple(sorted(labels, key=lambda one: _rank(LABELS, one))),
                )


def _rank(names: tuple[str, ...], name: str) -> tuple[int, str]:
    return (names.index(name) if name in names else len(names), name)
