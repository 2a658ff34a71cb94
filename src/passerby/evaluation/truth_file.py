"""A truth file: the true crossings of lines in recordings, counted by eye or known in another way.

    CLIP.mp4:
      size: [768, 432]                     # px, as shown
      fps: 12.5
      lines:
        NAME: {from: [0, 216], to: [767, 216], anchor: centre,     # px; anchor: bottom by default
               to_left: {car: 2}, to_right: {},                    # none in a direction that is left out
               at_frames: [77, 206], certainty: certain,           # about when, and how sure: for people
               within_s: [[0, 60]]}                                # the checked spans; all of it by default
      occupancy: {whole_frame_max: 1, occupied_frames: [[60, 203]], plus_minus: 8}
      checking: {spent_s: 84.2, detector: motion, clicks: [...]}   # how it was made, where `verify` wrote it

Invariant: all mistakes are reported at once, each with file, line and key, with what was found and expected.
"""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite
from pathlib import Path
from typing import Any, Literal, TypeVar, cast, get_args

from passerby.config import yaml_document
from passerby.config.line_spec import make_line, name_problem
from passerby.config.yaml_document import Document, Key, shown
from passerby.domain.geometry import DIRECTIONS, Anchor, Direction, Line, Point
from passerby.domain.labels import LABELS
from passerby.domain.timespan import Span
from passerby.errors import LineError, TruthError

PLACES = 3
"""Decimal places of a place on a line in a truth file."""
_MOST_CROSSINGS = 10_000_000
_LARGEST_PX = 65_536
_LONGEST_S = 10_000_000

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class TrueLine:
    """`crossed`: direction -> label -> how many, for both directions; `at_frames` 0-based, about when.
    `within`: the spans, in ms since the first frame, that the counts are of; None for the whole clip."""

    line: Line
    crossed: Mapping[Direction, Mapping[str, int]]
    at_frames: tuple[int, ...]
    certainty: str | None
    within: tuple[Span, ...] | None


@dataclass(frozen=True, slots=True)
class Occupancy:
    """The number of objects in the frame: at most `whole_frame_max`, and at least one in `occupied_frames`, both ends
    included, each end exact to `plus_minus` frames."""

    whole_frame_max: int
    occupied_frames: tuple[tuple[int, int], ...]
    plus_minus: int


Verdict = Literal["right", "wrong", "other", "missed", "nothing", "checked"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)


@dataclass(frozen=True, slots=True)
class Click:
    """One click of a person who checks a count; times in ms since the first frame, `along` 0..1 on the line.

    right, wrong     whether the counted crossing at `at_ms` is true
    other            it is true, but of the class `label`
    missed           a true crossing at `at_ms` was not counted
    nothing          the motion at `at_ms` is no crossing
    checked          the person checked all from `at_ms` to `until_ms`: crossings without a click are right
    """

    verdict: Verdict
    line: str
    at_ms: int
    until_ms: int | None = None
    direction: Direction | None = None
    label: str | None = None
    along: float | None = None


@dataclass(frozen=True, slots=True)
class Checking:
    """How a truth was made with `verify`: the person's time in seconds, the detector whose counts were checked, and all
    clicks in order."""

    spent_s: float
    detector: str | None
    clicks: tuple[Click, ...] = ()


@dataclass(frozen=True, slots=True)
class TrueClip:
    """One recording; `size_px` (width, height) as shown; `fps` None where the file does not say."""

    name: str
    size_px: tuple[int, int]
    fps: float | None
    lines: tuple[TrueLine, ...]
    occupancy: Occupancy | None
    checking: Checking | None


@dataclass(frozen=True, slots=True)
class Truth:
    """A truth file that was read; `folder` contains its clips."""

    path: Path
    folder: Path
    clips: tuple[TrueClip, ...]
    line_numbers: Mapping[str, int]

    def video(self, clip: TrueClip) -> Path:
        return self.folder / clip.name

    def problem(self, clip: TrueClip, text: str) -> str:
        """One line for people about `clip`, such as TruthError takes."""
        return f"{self.path}:{self.line_numbers[clip.name]}: {clip.name}: {text}"


def load(path: Path, clips: Path | None = None, *, look: bool = True) -> Truth:
    """Read a truth file, whose clips are in the folder `clips` (its own where None); `look` checks that they exist.

    Raises TruthError with every mistake in it, a line each; a missing clip is one.
    """
    folder = path.parent if clips is None else clips
    if clips is not None and not clips.is_dir():
        raise TruthError([f"{clips}: no such folder, expected that of the clips"])
    read = yaml_document.load(
        path, TruthError, kind=_KIND, expected=_EXPECTED, most_bytes=20_000_000, most_values=1_000_000
    )
    return _truth(read, path, folder, look=look)


def parse(text: str, path: Path) -> Truth:
    """Read the text of a truth file without looking for its clips; `path` is its name in messages.

    Raises TruthError with every mistake in it, a line each.
    """
    read = yaml_document.parse(text, path, TruthError, kind=_KIND, expected=_EXPECTED, most_values=1_000_000)
    return _truth(read, path, path.parent, look=False)


def to_text(clips: Iterable[TrueClip]) -> str:
    """The text of a truth file, which `parse` reads back; points to a thousandth of a pixel, times to the ms."""
    return "".join(f"{line}\n" for clip in clips for line in _clip_lines(clip))


def _clip_lines(clip: TrueClip) -> Iterator[str]:
    # A line of JSON is YAML too, and a YAML library would take a second for a thousand clicks.
    yield f"{_json(clip.name)}:"
    yield f"  size: {_json(clip.size_px)}"
    if clip.fps is not None:
        yield f"  fps: {clip.fps!r}"
    yield "  lines:"
    for true in clip.lines:
        yield f"    {_json(true.line.name)}:"
        yield from (f"      {key}: {_json(value)}" for key, value in _line_entry(true, clip.size_px))
    if clip.occupancy is not None:
        yield "  occupancy:"
        yield f"    whole_frame_max: {clip.occupancy.whole_frame_max}"
        yield f"    occupied_frames: {_json(clip.occupancy.occupied_frames)}"
        yield f"    plus_minus: {clip.occupancy.plus_minus}"
    if clip.checking is not None:
        yield "  checking:"
        yield f"    spent_s: {round(clip.checking.spent_s, 1)}"
        if clip.checking.detector is not None:
            yield f"    detector: {_json(clip.checking.detector)}"
        yield "    clicks:" if clip.checking.clicks else "    clicks: []"
        yield from (f"    - {_json(_click_entry(click))}" for click in clip.checking.clicks)


def _line_entry(true: TrueLine, size_px: tuple[int, int]) -> Iterator[tuple[str, Any]]:
    for key, (x, y) in (("from", true.line.start), ("to", true.line.end)):
        yield key, [round(x * size_px[0], 3), round(y * size_px[1], 3)]
    yield "anchor", true.line.anchor
    if true.certainty is not None:
        yield "certainty", true.certainty
    for direction in DIRECTIONS:
        crossed = true.crossed[direction]
        yield direction, {label: crossed[label] for label in LABELS if label in crossed}
    yield "at_frames", true.at_frames
    if true.within is not None:
        yield "within_s", [[span.start_ms / 1000, span.end_ms / 1000] for span in true.within]


def _click_entry(click: Click) -> dict[str, Any]:
    entry = {
        "is": click.verdict,
        "line": click.line,
        "at_s": click.at_ms / 1000,
        "until_s": None if click.until_ms is None else click.until_ms / 1000,
        "along": None if click.along is None else round(click.along, PLACES),
        "direction": click.direction,
        "label": click.label,
    }
    return {key: value for key, value in entry.items() if value is not None}


def _json(value: Any) -> str:
    # Not escaped: YAML reads the two halves of an escaped pair one by one.
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


_KIND = "a truth file"
_EXPECTED = "a mapping from the names of clips"


def _truth(read: Document, path: Path, folder: Path, *, look: bool) -> Truth:
    if not read.value:
        read.add((), "found no clip, expected at least one")
    clips = []
    for name, value in read.value.items():
        if problem := name_problem(name):
            read.add((name,), f"{problem}, expected the name of a file")
        elif look and not (folder / name).is_file():
            read.add((name,), f"found no such clip in {folder}, expected a file of this name")
        clips.append(_clip(read, name, value))
    read.raise_problems()
    numbers = {str(key[0]): line for key, line in read.lines.items() if len(key) == 1}
    return Truth(path, folder, tuple(clip for clip in clips if clip is not None), numbers)


def _clip(read: Document, name: str, value: Any) -> TrueClip | None:
    key: Key = (name,)
    if not isinstance(value, dict):
        read.add(key, f"found {shown(value)}, expected a mapping with size and lines")
        return None
    _known(read, key, value, ("size", "fps", "lines", "occupancy", "checking"))
    size = _at(read, key, value, "size", _size, "two whole numbers of pixels, [width, height]")
    fps = _at(read, key, value, "fps", _fps, "frames per second, a number above 0", needed=False)
    lines = []
    given = value.get("lines")
    if not isinstance(given, dict) or not given:
        read.add((*key, "lines"), f"found {shown(given)}, expected a mapping from the names of lines")
    else:
        lines = [_line(read, (*key, "lines", name), given[name], size) for name in given]
    occupancy = _occupancy(read, (*key, "occupancy"), value["occupancy"]) if "occupancy" in value else None
    checking = _checking(read, (*key, "checking"), value["checking"]) if "checking" in value else None
    if size is None:
        return None
    return TrueClip(name, size, fps, tuple(line for line in lines if line is not None), occupancy, checking)


_LINE_KEYS = ("from", "to", "anchor", "certainty", *DIRECTIONS, "at_frames", "within_s")


def _line(read: Document, key: Key, value: Any, size: tuple[int, int] | None) -> TrueLine | None:
    if not isinstance(value, dict):
        read.add(key, f"found {shown(value)}, expected a mapping with from, to and counts")
        return None
    _known(read, key, value, _LINE_KEYS)
    start = _at(read, key, value, "from", _point, "a point [x, y] in pixels")
    end = _at(read, key, value, "to", _point, "a point [x, y] in pixels")
    anchor: Anchor | None = _at(read, key, value, "anchor", _anchor, "bottom or centre", needed=False)
    certainty = _at(read, key, value, "certainty", _text, "a text such as certain", needed=False)
    frames = _at(read, key, value, "at_frames", _frames, "a list of frame numbers from 0", needed=False)
    within = _at(
        read,
        key,
        value,
        "within_s",
        _spans,
        "a list of spans [start, end] in seconds, in order",
        needed=False,
    )
    crossed: dict[Direction, Mapping[str, int]] = {
        direction: _counts(read, (*key, direction), value.get(direction)) for direction in DIRECTIONS
    }
    if not any(direction in value for direction in DIRECTIONS):
        read.add(key, "found no counts, expected to_left and to_right")
    if start is None or end is None or size is None:
        return None
    try:
        line = make_line(str(key[-1]), start, end, size_px=size, anchor=anchor if anchor else "bottom")
    except LineError as error:
        read.add(key, str(error).partition(": ")[2])
        return None
    return TrueLine(line, crossed, frames or (), certainty, within)


def _counts(read: Document, key: Key, value: Any) -> Mapping[str, int]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        read.add(key, f"found {shown(value)}, expected a mapping from labels to counts")
        return {}
    _known(read, key, value, LABELS)
    for label, count in value.items():
        if not _whole(count) or count > _MOST_CROSSINGS:
            read.add((*key, label), f"found {shown(count)}, expected a whole number of crossings from 0")
    return {label: count for label, count in value.items() if _whole(count)}


def _occupancy(read: Document, key: Key, value: Any) -> Occupancy | None:
    if not isinstance(value, dict):
        read.add(key, f"found {shown(value)}, expected a mapping with whole_frame_max")
        return None
    _known(read, key, value, ("whole_frame_max", "occupied_frames", "plus_minus"))
    most = _at(read, key, value, "whole_frame_max", _count, "a whole number from 0")
    plus_minus = _at(read, key, value, "plus_minus", _count, "a whole number of frames from 0", needed=False)
    frames = _at(
        read,
        key,
        value,
        "occupied_frames",
        _stretches,
        "a list of stretches of frames [first, last]",
        needed=False,
    )
    return None if most is None else Occupancy(most, frames or (), plus_minus or 0)


def _checking(read: Document, key: Key, value: Any) -> Checking | None:
    if not isinstance(value, dict):
        read.add(key, f"found {shown(value)}, expected a mapping with spent_s")
        return None
    _known(read, key, value, ("spent_s", "detector", "clicks"))
    spent_s = _at(read, key, value, "spent_s", _seconds, "a number of seconds from 0")
    detector = _at(read, key, value, "detector", _text, "the name of a detector", needed=False)
    given = value.get("clicks", [])
    if not isinstance(given, list):
        read.add((*key, "clicks"), f"found {shown(given)}, expected a list")
        given = []
    clicks = [_click(read, (*key, "clicks", index), item) for index, item in enumerate(given)]
    if spent_s is None:
        return None
    return Checking(spent_s, detector, tuple(click for click in clicks if click is not None))


_CLICK_KEYS = ("is", "line", "at_s", "until_s", "direction", "label", "along")
_NEEDED = {
    "right": ("direction",),
    "wrong": ("direction",),
    "other": ("direction", "label"),
    "missed": ("direction", "label", "along"),
    "nothing": ("along",),
    "checked": ("until_s",),
}


def _click(read: Document, key: Key, value: Any) -> Click | None:
    if not isinstance(value, dict):
        read.add(key, f"found {shown(value)}, expected a mapping with is, line and at_s")
        return None
    _known(read, key, value, _CLICK_KEYS)
    verdict: Verdict | None = _at(read, key, value, "is", _verdict, f"one of {', '.join(VERDICTS)}")
    needed = _NEEDED.get(verdict or "", ())
    line = _at(read, key, value, "line", _text, "the name of a line")
    at_s = _at(read, key, value, "at_s", _seconds, "a number of seconds from 0")
    until_s = _at(read, key, value, "until_s", _seconds, "a number of seconds", needed="until_s" in needed)
    direction: Direction | None = _at(
        read, key, value, "direction", _direction, "to_left or to_right", needed="direction" in needed
    )
    label = _at(read, key, value, "label", _label, f"one of {', '.join(LABELS)}", needed="label" in needed)
    along = _at(read, key, value, "along", _number, "a place on the line, 0 to 1", needed="along" in needed)
    if verdict is None or line is None or at_s is None:
        return None
    until_ms = None if until_s is None else round(until_s * 1000)
    return Click(verdict, line, round(at_s * 1000), until_ms, direction, label, along)


def _known(read: Document, key: Key, mapping: Mapping[str, Any], known: Collection[str]) -> None:
    for name in mapping:
        if name not in known:
            read.add_unknown((*key, name), known)


def _at(
    read: Document,
    key: Key,
    mapping: Mapping[str, Any],
    name: str,
    convert: Callable[[Any], _T | None],
    expected: str,
    *,
    needed: bool = True,
) -> _T | None:
    """The value at `name`, converted; None where it is missing or cannot be converted, which is noted as a mistake
    unless it is missing and not `needed`."""
    if name not in mapping and not needed:
        return None
    value = mapping.get(name)
    converted = convert(value)
    if converted is None:
        read.add((*key, name), f"found {shown(value)}, expected {expected}")
    return converted


# Conversions of a value; None where the value is not allowed.


def _whole(value: Any) -> bool:
    # In Python a bool is an int; in a truth file it is not a number.
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _count(value: Any) -> int | None:
    return value if _whole(value) else None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e12:
        return None
    return float(value)


def _seconds(value: Any) -> float | None:
    number = _number(value)
    return number if number is not None and 0 <= number <= _LONGEST_S else None


def _fps(value: Any) -> float | None:
    number = _number(value)
    return number if number is not None and isfinite(number) and 0 < number <= 100_000 else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and name_problem(value) is None else None


def _anchor(value: Any) -> Anchor | None:
    return cast(Anchor, value) if value in ("bottom", "centre") else None


def _verdict(value: Any) -> Verdict | None:
    return cast(Verdict, value) if value in VERDICTS else None


def _direction(value: Any) -> Direction | None:
    return cast(Direction, value) if value in DIRECTIONS else None


def _label(value: Any) -> str | None:
    return value if isinstance(value, str) and value in LABELS else None


def _size(value: Any) -> tuple[int, int] | None:
    if not isinstance(value, list) or len(value) != 2:
        return None
    if not all(_whole(side) and 0 < side <= _LARGEST_PX for side in value):
        return None
    return value[0], value[1]


def _point(value: Any) -> Point | None:
    if not isinstance(value, list) or len(value) != 2:
        return None
    x, y = _number(value[0]), _number(value[1])
    return None if x is None or y is None else (x, y)


def _frames(value: Any) -> tuple[int, ...] | None:
    return tuple(value) if isinstance(value, list) and all(_whole(frame) for frame in value) else None


def _stretches(value: Any) -> tuple[tuple[int, int], ...] | None:
    if not isinstance(value, list):
        return None
    ends = [_frames(item) for item in value]
    if not all(end is not None and len(end) == 2 and end[0] <= end[1] for end in ends):
        return None
    return tuple((end[0], end[1]) for end in ends if end is not None)


def _spans(value: Any) -> tuple[Span, ...] | None:
    if not isinstance(value, list):
        return None
    spans = []
    for item in value:
        if not isinstance(item, list) or len(item) != 2:
            return None
        start_s, end_s = _seconds(item[0]), _seconds(item[1])
        if start_s is None or end_s is None or not start_s < end_s:
            return None
        spans.append(Span(round(start_s * 1000), round(end_s * 1000)))
    in_order = all(a.end_ms <= b.start_ms for a, b in pairwise(spans))
    return tuple(spans) if in_order else None
