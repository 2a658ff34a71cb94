"""What is drawn on a background: lines, zones and known lengths, as they come from the browser and go to the site file.

Invariant: what comes from a browser is read as data, and refused whole where any of it cannot be meant.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, Literal, cast

from ruamel.yaml.comments import CommentedMap

from passerby.config.line_spec import make_line, name_problem
from passerby.config.site import ARM_NAMES, Camera
from passerby.console.preview import Scale
from passerby.console.site_file import Change, flow, mapping_at, point
from passerby.domain.geometry import DEFAULT_CORRIDOR, DIRECTIONS, Line, Point
from passerby.domain.labels import LABELS
from passerby.errors import InputError, LineError

Kind = Literal["line", "zone", "scale"]

_MOST, _MOST_CORNERS = 200, 100
_SAME = 5e-5
"""Points are written with four decimals."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Points in fractions of the picture. `was` is the name that it has in the file, empty for a new one.

    Of a line: `names` of its (to_right, to_left), `labels` counted (empty: all), `corridor` as half its width in
    frame heights, None for off, `arm` the junction that it is an arm of, if of any. Of a scale: its `metres`."""

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
        """Raises LineError for one that cannot be counted."""
        return make_line(self.name, self.points[0], self.points[-1], names=self.names)


def of_camera(camera: Camera, scales: Sequence[Scale]) -> tuple[Shape, ...]:
    """What is drawn of a camera already."""
    lines = [
        Shape(
            "line",
            one.line.name,
            (one.line.start, one.line.end),
            one.line.name,
            one.line.names,
            one.labels or (),
            one.corridor,
            arm=dict(camera.arms).get(one.line.name, ""),
        )
        for one in camera.lines
    ]
    zones = [Shape("zone", zone.name, zone.corners, zone.name) for zone in camera.zones]
    known = [Shape("scale", "", (scale.start, scale.end), metres=scale.metres) for scale in scales]
    return (*lines, *zones, *known)


def to_browser(shapes: Sequence[Shape]) -> list[dict[str, Any]]:
    return [
        {
            "id": number,
            "kind": shape.kind,
            "name": shape.name,
            "was": shape.was,
            "points": [list(one) for one in shape.points],
            "names": list(shape.names),
            "labels": list(shape.labels),
            "corridor": shape.corridor,
            "metres": shape.metres,
            "arm": shape.arm,
        }
        for number, shape in enumerate(shapes, start=1)
    ]


def from_browser(said: Any) -> tuple[Shape, ...]:
    """Raises InputError for what no page of ours would send."""
    if not isinstance(said, list) or len(said) > _MOST:
        raise InputError(f"a drawing: expected a list of at most {_MOST} shapes")
    try:
        return tuple(_shape(one) for one in said)
    except (KeyError, TypeError, ValueError, OverflowError):
        raise InputError("a drawing: expected shapes of known kinds, with points and names") from None


def check(shapes: Sequence[Shape]) -> None:
    """Raises InputError for what a person can mend: a name that is missing or taken, a line of no length."""
    for kind, what in (("line", "line"), ("zone", "zone")):
        taken: set[str] = set()
        for shape in shapes:
            if shape.kind != kind:
                continue
            if problem := name_problem(shape.name):
                raise InputError(f"a {what}: {problem}")
            if shape.name in taken:
                raise InputError(f"{what} {shape.name!r}: two have this name, expected one of each")
            taken.add(shape.name)
            if shape.kind == "line":
                shape.line()
                if shape.names[0] == shape.names[1] or any(name_problem(name) for name in shape.names):
                    raise LineError(f"line {shape.name!r}: expected two different names of its directions")
                if shape.arm and set(shape.names) != set(ARM_NAMES):
                    raise LineError(f"line {shape.name!r}: an arm, expected its directions to be in and out")
                if shape.arm and (problem := name_problem(shape.arm)):
                    raise LineError(f"line {shape.name!r}: the junction: {problem}")
            elif len(set(shape.points)) < 3:
                raise InputError(f"zone {shape.name!r}: expected at least three corners")
    for shape in shapes:
        if shape.kind == "scale" and not 0.1 <= shape.metres <= 1000:
            raise InputError("a known length: expected 0.1 to 1000 m")


def scales_of(shapes: Sequence[Shape]) -> tuple[Scale, ...]:
    return tuple(
        Scale(shape.points[0], shape.points[-1], shape.metres)
        for shape in shapes
        if shape.kind == "scale" and shape.metres > 0
    )


def change_of(camera: Camera, shapes: Sequence[Shape]) -> Change:
    """The change of the site file that makes the camera's lines and zones those that are drawn; whatever is drawn
    as it was stays as it is written."""
    drawn = {kind: [shape for shape in shapes if shape.kind == kind] for kind in ("line", "zone")}

    def change(root: CommentedMap) -> None:
        of_camera = mapping_at(root, "cameras", camera.name)
        if drawn["line"] or camera.lines:
            lines = mapping_at(of_camera, "lines")
            _arrange(lines, drawn["line"])
            before = {one.line.name: one for one in camera.lines}
            for shape in drawn["line"]:
                was = before.get(shape.was)
                at = mapping_at(lines, shape.name) if shape.name in lines else _new(lines, shape.name)
                _set_line(at, shape, was, dict(camera.arms).get(shape.was, ""))
        if drawn["zone"] or camera.zones:
            zones = mapping_at(of_camera, "zones")
            _arrange(zones, drawn["zone"])
            corners = {zone.name: zone.corners for zone in camera.zones}
            for shape in drawn["zone"]:
                if not _alike(corners.get(shape.was, ()), shape.points):
                    zones[shape.name] = flow([point(*one) for one in shape.points])

    return change


def _arrange(holder: CommentedMap, shapes: Sequence[Shape]) -> None:
    """Take out what is not drawn any more, and rename in place what has another name; comments stay with it."""
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


def _set_line(at: CommentedMap, shape: Shape, was: Any, was_arm: str) -> None:
    """Only what differs from what the file says, or from what is meant where it says nothing."""
    if was is None or not _alike((was.line.start,), shape.points[:1]):
        at["from"] = point(*shape.points[0])
    if was is None or not _alike((was.line.end,), shape.points[-1:]):
        at["to"] = point(*shape.points[-1])
    if shape.names != (was.line.names if was else DIRECTIONS):
        at["names"] = flow(list(shape.names))
    if shape.arm != was_arm:
        if shape.arm:
            at["arm"] = shape.arm
        else:
            at.pop("arm", None)
    if shape.labels != ((was.labels or ()) if was else ()):
        if shape.labels:
            at["count"] = flow(list(shape.labels))
        else:
            at.pop("count", None)
    if shape.corridor != (was.corridor if was else DEFAULT_CORRIDOR):
        at["corridor"] = "off" if shape.corridor is None else round(shape.corridor, 4)


def _alike(one: Sequence[Point], other: Sequence[Point]) -> bool:
    return len(one) == len(other) and all(
        abs(a - b) <= _SAME for p, q in zip(one, other, strict=True) for a, b in zip(p, q, strict=True)
    )


def _shape(said: Mapping[str, Any]) -> Shape:
    kind = said["kind"]
    if kind not in ("line", "zone", "scale"):
        raise ValueError
    points = tuple(_point(one) for one in said["points"])
    if not (2 <= len(points) <= _MOST_CORNERS if kind == "zone" else len(points) == 2):
        raise ValueError
    right, left = (_text(one) for one in said["names"])
    labels = tuple(label for label in LABELS if label in {_text(one) for one in said["labels"]})
    corridor = None if said["corridor"] is None else _number(said["corridor"], 0.001, 2.0)
    metres = _number(said["metres"], 0.0, 100_000.0)
    name, was, arm = _text(said["name"]).strip(), _text(said["was"]), _text(said["arm"]).strip()
    names = right.strip(), left.strip()
    return Shape(cast(Kind, kind), name, points, was, names, labels, corridor, metres, arm)


def _point(said: Any) -> Point:
    x, y = said
    return _number(x, 0.0, 1.0), _number(y, 0.0, 1.0)


def _number(said: Any, least: float, most: float) -> float:
    if isinstance(said, bool) or not isinstance(said, int | float) or not isfinite(said):
        raise TypeError
    return min(max(float(said), least), most)


def _text(said: Any) -> str:
    if not isinstance(said, str) or len(said) > 200:
        raise TypeError
    return said
