"""The shapes drawn on a background (lines, zones, known lengths), from the browser and to the site file.

Invariant: a drawing from a browser is read as data, and refused as a whole if any part of it is invalid.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, Literal, cast

from ruamel.yaml.comments import CommentedMap

from passerby.config.line_spec import make_line, name_problem
from passerby.config.site import ARM_NAMES, Camera, CountedLine
from passerby.console.preview import Scale
from passerby.console.site_file import Change, flow, mapping_at, point
from passerby.domain.geometry import DEFAULT_CORRIDOR, DIRECTIONS, Line, Point
from passerby.domain.labels import LABELS
from passerby.errors import InputError, LineError

Kind = Literal["line", "zone", "scale"]

_MOST, _MOST_CORNERS = 200, 100
_SAME = 5e-5
"""Coordinates that differ by less are equal: they are written with four decimals."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A shape with its points in fractions of the picture. `was` is its name in the file, empty for a new shape.

    A line has the `names` of its directions (to_right, to_left), the counted `labels` (empty: all), its `corridor`
    (half the width in frame heights, None for off), and `arm`, its junction if any. A scale has `metres`."""

    kind: Kind
    name: str
    points: tuple[Point, ...]
    was: str = ""
    names: tuple[str, str] = DIRECTIONS
    labels: tuple[str, ...] = ()
    corridor: float | None = DEFAULT_CORRIDOR
    metres: float = 0.0
    arm: str = ""

    def line(self) -> Line:
        """Raises LineError for an invalid line."""
        return make_line(self.name, self.points[0], self.points[-1], names=self.names)


def of_camera(camera: Camera, scales: Sequence[Scale]) -> tuple[Shape, ...]:
    """The shapes of a camera in the site file, and its known lengths."""
    lines = [
        Shape(
            "line",
            counted.line.name,
            (counted.line.start, counted.line.end),
            counted.line.name,
            counted.line.names,
            counted.labels or (),
            counted.corridor,
            arm=dict(camera.arms).get(counted.line.name, ""),
        )
        for counted in camera.lines
    ]
    zones = [Shape("zone", zone.name, zone.corners, zone.name) for zone in camera.zones]
    lengths = [Shape("scale", "", (scale.start, scale.end), metres=scale.metres) for scale in scales]
    return (*lines, *zones, *lengths)


def to_browser(shapes: Sequence[Shape]) -> list[dict[str, Any]]:
    return [
        {
            "id": number,
            "kind": shape.kind,
            "name": shape.name,
            "was": shape.was,
            "points": [list(corner) for corner in shape.points],
            "names": list(shape.names),
            "labels": list(shape.labels),
            "corridor": shape.corridor,
            "metres": shape.metres,
            "arm": shape.arm,
        }
        for number, shape in enumerate(shapes, start=1)
    ]


def from_browser(drawing: Any) -> tuple[Shape, ...]:
    """Raises InputError for a drawing that our own pages never send."""
    if not isinstance(drawing, list) or len(drawing) > _MOST:
        raise InputError(f"a drawing: expected a list of at most {_MOST} shapes")
    try:
        return tuple(_shape(shape) for shape in drawing)
    except (KeyError, TypeError, ValueError, OverflowError):
        raise InputError("a drawing: expected shapes of known kinds, with points and names") from None


def check(shapes: Sequence[Shape]) -> None:
    """Raises InputError for a mistake that the user can correct, such as a missing name or a line of no length."""
    for kind in ("line", "zone"):
        _check_names(kind, [shape.name for shape in shapes if shape.kind == kind])
    for shape in shapes:
        if shape.kind == "line":
            _check_line(shape)
        elif shape.kind == "zone" and len(set(shape.points)) < 3:
            raise InputError(f"zone {shape.name!r}: expected at least three corners")
        elif shape.kind == "scale" and not 0.1 <= shape.metres <= 1000:
            raise InputError("a known length: expected 0.1 to 1000 m")


def _check_names(kind: str, names: Sequence[str]) -> None:
    taken: set[str] = set()
    for name in names:
        if problem := name_problem(name):
            raise InputError(f"a {kind}: {problem}")
        if name in taken:
            raise InputError(f"{kind} {name!r}: two {kind}s have this name, expected different names")
        taken.add(name)


def _check_line(shape: Shape) -> None:
    shape.line()
    if shape.names[0] == shape.names[1] or any(name_problem(name) for name in shape.names):
        raise LineError(f"line {shape.name!r}: expected two different names for its directions")
    if shape.arm and set(shape.names) != set(ARM_NAMES):
        raise LineError(f"line {shape.name!r}: an arm of a junction, expected the directions in and out")
    if shape.arm and (problem := name_problem(shape.arm)):
        raise LineError(f"line {shape.name!r}: the junction: {problem}")


def scales_of(shapes: Sequence[Shape]) -> tuple[Scale, ...]:
    return tuple(
        Scale(shape.points[0], shape.points[-1], shape.metres)
        for shape in shapes
        if shape.kind == "scale" and shape.metres > 0
    )


def change_of(camera: Camera, shapes: Sequence[Shape]) -> Change:
    """The change of the site file to the drawn lines and zones. An unchanged shape keeps its text in the file."""
    lines = [shape for shape in shapes if shape.kind == "line"]
    zones = [shape for shape in shapes if shape.kind == "zone"]

    def change(root: CommentedMap) -> None:
        of_camera = mapping_at(root, "cameras", camera.name)
        if lines or camera.lines:
            _change_lines(mapping_at(of_camera, "lines"), camera, lines)
        if zones or camera.zones:
            _change_zones(mapping_at(of_camera, "zones"), camera, zones)

    return change


def _change_lines(lines: CommentedMap, camera: Camera, shapes: Sequence[Shape]) -> None:
    _arrange(lines, shapes)
    before = {counted.line.name: counted for counted in camera.lines}
    for shape in shapes:
        entry = mapping_at(lines, shape.name) if shape.name in lines else _new(lines, shape.name)
        _set_line(entry, shape, before.get(shape.was), dict(camera.arms).get(shape.was, ""))


def _change_zones(zones: CommentedMap, camera: Camera, shapes: Sequence[Shape]) -> None:
    _arrange(zones, shapes)
    corners = {zone.name: zone.corners for zone in camera.zones}
    for shape in shapes:
        if not _alike(corners.get(shape.was, ()), shape.points):
            zones[shape.name] = flow([point(*corner) for corner in shape.points])


def _arrange(holder: CommentedMap, shapes: Sequence[Shape]) -> None:
    """Remove the deleted shapes, and rename shapes in place, with their comments."""
    kept = {shape.was: shape.name for shape in shapes if shape.was}
    for key in [key for key in holder if key not in kept]:
        del holder[key]
    for old, new in kept.items():
        if old != new and old in holder:
            position = list(holder).index(old)
            value, comment = holder.pop(old), holder.ca.items.pop(old, None)
            holder.insert(position, new, value)
            if comment is not None:
                holder.ca.items[new] = comment


def _new(lines: CommentedMap, name: str) -> CommentedMap:
    made = CommentedMap()
    made.fa.set_flow_style()
    lines[name] = made
    return made


def _set_line(entry: CommentedMap, shape: Shape, was: CountedLine | None, was_arm: str) -> None:
    """Write the keys of a line that differ from the line `was`, or from the defaults of a new line."""
    if was is None or not _alike((was.line.start,), shape.points[:1]):
        entry["from"] = point(*shape.points[0])
    if was is None or not _alike((was.line.end,), shape.points[-1:]):
        entry["to"] = point(*shape.points[-1])
    if shape.names != (was.line.names if was else DIRECTIONS):
        entry["names"] = flow(list(shape.names))
    if shape.arm != was_arm:
        _set_or_remove(entry, "arm", shape.arm)
    # The order of labels has no meaning, so another order is no change.
    if set(shape.labels) != set((was.labels or ()) if was else ()):
        _set_or_remove(entry, "count", flow(list(shape.labels)))
    if shape.corridor != (was.corridor if was else DEFAULT_CORRIDOR):
        entry["corridor"] = "off" if shape.corridor is None else round(shape.corridor, 4)


def _set_or_remove(entry: CommentedMap, key: str, value: Any) -> None:
    """Set a key, or remove it for an empty value."""
    if value:
        entry[key] = value
    else:
        entry.pop(key, None)


def _alike(a: Sequence[Point], b: Sequence[Point]) -> bool:
    return len(a) == len(b) and all(
        abs(x - y) <= _SAME for p, q in zip(a, b, strict=True) for x, y in zip(p, q, strict=True)
    )


def _shape(document: Mapping[str, Any]) -> Shape:
    kind = document["kind"]
    if kind not in ("line", "zone", "scale"):
        raise ValueError
    points = tuple(_point(pair) for pair in document["points"])
    if not (2 <= len(points) <= _MOST_CORNERS if kind == "zone" else len(points) == 2):
        raise ValueError
    right, left = (_text(name) for name in document["names"])
    chosen = {_text(label) for label in document["labels"]}
    corridor = None if document["corridor"] is None else _number(document["corridor"], 0.001, 2.0)
    return Shape(
        cast(Kind, kind),
        _text(document["name"]).strip(),
        points,
        _text(document["was"]),
        (right.strip(), left.strip()),
        tuple(label for label in LABELS if label in chosen),
        corridor,
        _number(document["metres"], 0.0, 100_000.0),
        _text(document["arm"]).strip(),
    )


def _point(pair: Any) -> Point:
    x, y = pair
    return _number(x, 0.0, 1.0), _number(y, 0.0, 1.0)


def _number(value: Any, least: float, most: float) -> float:
    """A finite number, moved into the range from `least` to `most`."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise TypeError
    return min(max(float(value), least), most)


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > 200:
        raise TypeError
    return value
