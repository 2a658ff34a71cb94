"""A site file, site.yaml, as frozen facts: what is counted where, and what is promised to who passes by.

Invariant: configuration names things, never code; every mistake is told at once, by file, line, key and what was
expected; no password is ever printed.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from difflib import get_close_matches
from itertools import pairwise
from math import isfinite
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import CoreSchema, ErrorDetails, core_schema

from passerby.config import yaml_document
from passerby.config.camera_address import TRANSPORTS, Address, Transport, problem_of
from passerby.config.line_spec import make_line, name_problem
from passerby.config.yaml_document import Document, Key, shown
from passerby.domain.calendar import bin_length_ms, duration_ms, zone_of
from passerby.domain.geometry import DEFAULT_CORRIDOR, DIRECTIONS, Anchor, Line, Point, Zone
from passerby.domain.labels import LABELS
from passerby.domain.policy import Policy, policy_limit
from passerby.errors import InputError, LineError, PolicyError, SiteError

ARM_NAMES = ("in", "out")
"""Of a line that is an arm of a junction: into it, and out of it."""

_LARGE_EPSILON = 5.0
_LONGEST_SENTENCE = 500
_WEB_ADDRESS = re.compile(r"https?://[^\s/@<>\"']+(?:/[^\s<>\"']*)?")


@dataclass(frozen=True, slots=True)
class CountedLine:
    """A line and how it is counted: which labels (None: all), in which corridor (half-width in frame heights;
    None: the whole picture), under which policy (None: its camera has none)."""

    line: Line
    labels: tuple[str, ...] | None
    corridor: float | None
    policy: Policy | None


@dataclass(frozen=True, slots=True)
class Accuracy:
    """What a check by hand found on a `day`: the `share`, 0 to 1, that was counted rightly."""

    share: float
    day: date


@dataclass(frozen=True, slots=True)
class PublicPage:
    """What the public page says of who counts and why; `url` is where it will be found."""

    operator: str | None = None
    purpose: str | None = None
    contact: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Camera:
    """One fixed camera; `detector` is a name or a path, `auto` for the best at hand; `substream` is a smaller
    stream of the same view, and `transport` what carries RTSP. `plan` is a picture of that view without anybody, for
    the public page. `arms` are (line, junction) of each line that lies across an arm of a junction."""

    name: str
    source: Address | None
    detector: str
    lines: tuple[CountedLine, ...]
    zones: tuple[Zone, ...]
    policy: Policy | None
    substream: Address | None = None
    transport: Transport = "tcp"
    plan: Path | None = None
    accuracy: Accuracy | None = None
    arms: tuple[tuple[str, str], ...] = ()

    @property
    def watched(self) -> Address | None:
        """The stream that is counted on."""
        return self.substream or self.source


@dataclass(frozen=True, slots=True)
class Site:
    """A site file that was read; `warnings` are lines for people about what is allowed but hardly meant."""

    path: Path
    name: str
    timezone: str
    cameras: tuple[Camera, ...]
    warnings: tuple[str, ...]
    page: PublicPage = PublicPage()

    def camera(self, name: str | None = None) -> Camera:
        """The camera of that name, or the only one. Raises InputError."""
        names = ", ".join(camera.name for camera in self.cameras)
        if name is None:
            if len(self.cameras) == 1:
                return self.cameras[0]
            raise InputError(f"{self.path}: it has several cameras, expected one of them: {names}")
        for camera in self.cameras:
            if camera.name == name:
                return camera
        raise InputError(f"{self.path}: it has no camera {name!r}, expected one of: {names}")


_WHAT = "a site file"
_EXPECTED = "the keys site and cameras"


def load(path: Path) -> Site:
    """Read a site file. Raises SiteError with every mistake in it, a line each."""
    return _read(yaml_document.load(path, SiteError, what=_WHAT, expected=_EXPECTED))


def load_policy(path: Path) -> Policy | None:
    """The policy of a file that holds the one key `privacy`; None where it is a site file.

    Raises SiteError with every mistake in it, a line each.
    """
    read = yaml_document.load(path, SiteError, what="a policy", expected="the key privacy")
    if "cameras" in read.value:
        return None
    if set(read.value) != {"privacy"}:
        raise SiteError([f"{path}: expected the one key privacy, or a site file"])
    try:
        parsed = _Privacy.model_validate(read.value["privacy"])
    except ValidationError as error:
        _add_all(({**one, "loc": ("privacy", *one["loc"])} for one in error.errors(include_url=False)), read)
        parsed = _Privacy()
    policy = Policy()
    try:
        policy = _policy(policy, parsed)
    except PolicyError as error:
        read.add(("privacy",), str(error).partition(": ")[2])
    read.raise_problems()
    return policy


def parse(text: str, path: Path) -> Site:
    """Read the text of a site file; `path` is its name in messages, and what a `file:` is relative to.

    Raises SiteError with every mistake in it, a line each.
    """
    return _read(yaml_document.parse(text, path, SiteError, what=_WHAT, expected=_EXPECTED))


def _read(read: Document) -> Site:
    _add_misfits(read.value, read)
    try:
        parsed = _File.model_validate(read.value)
    except ValidationError as error:
        _add_all(error.errors(include_url=False), read)
    read.raise_problems()
    return _site(parsed, read.path, read)


def _add_all(errors: Iterable[ErrorDetails], read: Document) -> None:
    for error in errors:
        # A fault in a key itself is told at its entry.
        key = error["loc"][:-1] if error["loc"][-1:] == ("[key]",) else error["loc"]
        if error["type"] == "extra_forbidden":
            read.add_unknown(key, _known_keys(key[:-1]))
        elif error["type"] == "missing":
            read.add(key, f"found nothing, expected {_expected(key)}")
        elif error["type"] == "value_error":
            read.add(key, str(error["ctx"]["error"]))
        elif error["type"] == "too_short":
            read.add(key, "found none, expected at least one camera")
        else:
            read.add(key, f"found {shown(error['input'])}, expected {_expected(key)}")


@dataclass(frozen=True, slots=True)
class _Check:
    """What a key holds: `parse` makes its value, or raises TypeError, and `expected` is told, or ValueError,
    which says it itself."""

    expected: str
    parse: Callable[[Any], Any]

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.checked)

    def checked(self, value: Any) -> Any:
        try:
            return self.parse(value)
        except TypeError:
            raise ValueError(f"found {shown(value)}, expected {self.expected}") from None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    if problem := name_problem(value):
        raise ValueError(f"{problem}, expected a name that can be read")
    return value


def _timezone(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    try:
        zone_of(value)
    except InputError:
        raise TypeError from None
    return value


def _labels(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(item, str) for item in value):
        raise TypeError
    for item in value:
        if item not in LABELS:
            near = get_close_matches(item, LABELS, n=1)
            raise ValueError(
                f"found the class {item!r}, expected {near[0] if near else 'one of ' + ', '.join(LABELS)}"
            )
    if len(set(value)) < len(value):
        raise ValueError("found a class twice, expected each once")
    return tuple(value)


def _names(value: Any) -> tuple[str, str]:
    if not isinstance(value, list) or len(value) != 2:
        raise TypeError
    right, left = (_text(item) for item in value)
    if right == left:
        raise ValueError(f"found {right!r} for both directions, expected two different names")
    return right, left


def _point(value: Any) -> Point:
    if not isinstance(value, list) or len(value) != 2:
        raise TypeError
    x, y = (_number(item) for item in value)
    if not (-1e-6 <= x <= 1 + 1e-6 and -1e-6 <= y <= 1 + 1e-6):
        raise ValueError(f"found {x:g}, {y:g}, which lies outside the frame, expected fractions from 0 to 1")
    return min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0)


def _corners(value: Any) -> tuple[Point, ...]:
    if not isinstance(value, list):
        raise TypeError
    corners = tuple(_point(item) for item in value)
    if len(set(corners)) < 3:
        raise TypeError
    twice_area = sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise((*corners, corners[0])))
    if abs(twice_area) < 1e-8:
        raise ValueError("found corners on one line, expected an area")
    return corners


def _anchor(value: Any) -> str:
    if value not in ("bottom", "centre"):
        raise TypeError
    return str(value)


def _transport(value: Any) -> Transport:
    for transport in TRANSPORTS:
        if value == transport:
            return transport
    raise TypeError


def _corridor(value: Any) -> float | None:
    if value == "off":
        return None
    width = _number(value)
    if not 0 < width <= 2:
        raise TypeError
    return width


def _address(value: Any) -> str | dict[str, str]:
    # No error of this key shows its value.
    if isinstance(value, str) and value.strip():
        if problem := problem_of(value.strip()):
            raise ValueError(problem)
        return value.strip()
    if (
        isinstance(value, dict)
        and list(value) == ["file"]
        and isinstance(value["file"], str)
        and value["file"]
    ):
        return value
    raise ValueError(
        "found something else, expected an address (with ${VARIABLE} for its password) or {file: path}"
    )


def _sentence(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise TypeError
    text = " ".join(value.split())
    if not text.isprintable() or len(text) > _LONGEST_SENTENCE:
        raise ValueError(
            f"found {len(text)} characters, expected at most {_LONGEST_SENTENCE} that can be read"
        )
    return text


def _web_address(value: Any) -> str:
    if not isinstance(value, str) or not _WEB_ADDRESS.fullmatch(value):
        raise TypeError
    return value


def _plan(value: Any) -> str:
    if not isinstance(value, str) or Path(value).suffix.lower() not in (".png", ".svg"):
        raise TypeError
    return value


def _share(value: Any) -> float:
    share = _number(value)
    if not 0 <= share <= 1:
        raise TypeError
    return share


def _day(value: Any) -> date:
    # A quoted date is a text; one without quotes is read by YAML.
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        raise TypeError
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise TypeError from None


def _number(value: Any) -> float:
    # bool is an int to Python, but no number to who writes a site file.
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError
    try:
        number = float(value)
    except OverflowError:
        raise TypeError from None
    if not isfinite(number):
        raise TypeError
    return number


def _limited(key: str) -> Callable[[Any], Any]:
    def parse_value(value: Any) -> Any:
        parsed = value
        if key.endswith("_ms"):
            if not isinstance(value, str):
                raise TypeError
            try:
                parsed = bin_length_ms(value) if key == "every_ms" else duration_ms(value)
            except InputError as error:
                raise ValueError(str(error)) from None
        elif key == "epsilon":
            parsed = _number(value)
        if policy_limit(key, parsed):
            raise TypeError
        return parsed

    return parse_value


def _policy_check(key: str) -> _Check:
    return _Check(policy_limit(key, None) or "", _limited(key))


_Name = Annotated[str, _Check("a name", _text)]
_End = Annotated[Point, _Check("a point [x, y] in fractions of the frame", _point)]
_Corners = Annotated[tuple[Point, ...], _Check("a list of at least three points [x, y]", _corners)]
_Address = Annotated[str | dict[str, str] | None, _Check("an address", _address)]
_Sentence = Annotated[str, _Check(f"a text of at most {_LONGEST_SENTENCE} characters", _sentence)]
_Labels = Annotated[tuple[str, ...], _Check(f"a list of some of {', '.join(LABELS)}", _labels)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _Privacy(_Model):
    rho: Annotated[int | None, _policy_check("rho_ms")] = None
    k: Annotated[int | None, _policy_check("k")] = None
    epsilon: Annotated[float | None, _policy_check("epsilon")] = None
    clip: Annotated[int | None, _policy_check("clip")] = None
    chunk: Annotated[int | None, _policy_check("chunk_ms")] = None
    warmup: Annotated[int | None, _policy_check("warmup_ms")] = None
    every: Annotated[int | None, _policy_check("every_ms")] = None


class _Line(_Model):
    start: _End = Field(alias="from")
    end: _End = Field(alias="to")
    names: Annotated[tuple[str, str], _Check("two names, [to_right, to_left]", _names)] = DIRECTIONS
    count: _Labels | None = None
    anchor: Annotated[Anchor, _Check("bottom or centre", _anchor)] = "bottom"
    arm: _Name | None = None
    corridor: Annotated[
        float | None, _Check("half its width in frame heights, above 0 and at most 2, or off", _corridor)
    ] = DEFAULT_CORRIDOR
    privacy: _Privacy | None = None

    @model_validator(mode="after")
    def _has_length(self) -> "_Line":
        try:
            make_line("-", self.start, self.end)
        except LineError as error:
            raise ValueError(str(error).partition(": ")[2]) from None
        return self

    @model_validator(mode="after")
    def _goes_in_and_out(self) -> "_Line":
        if self.arm is not None and set(self.names) != set(ARM_NAMES):
            raise ValueError(
                f"an arm of the junction {self.arm!r}, expected its names to be [in, out] or [out, in]"
            )
        return self


class _Accuracy(_Model):
    share: Annotated[float, _Check("a share from 0 to 1", _share)]
    day: Annotated[date, _Check("a date such as 2026-11-23", _day)]


class _Camera(_Model):
    source: _Address = None
    substream: _Address = None
    transport: Annotated[Transport, _Check(" or ".join(TRANSPORTS), _transport)] = "tcp"
    detector: _Name = "auto"
    lines: dict[_Name, _Line] = {}
    zones: dict[_Name, _Corners] = {}
    plan: Annotated[str | None, _Check("the name of a PNG or SVG file", _plan)] = None
    accuracy: _Accuracy | None = None
    privacy: _Privacy | None = None


class _Page(_Model):
    operator: _Sentence | None = None
    purpose: _Sentence | None = None
    contact: _Sentence | None = None
    url: Annotated[str | None, _Check("a web address such as https://counts.example.org/", _web_address)] = (
        None
    )


class _Place(_Model):
    name: _Name
    timezone: Annotated[str, _Check("an IANA name such as Europe/Copenhagen", _timezone)]


class _File(_Model):
    site: _Place
    page: _Page | None = None
    cameras: Annotated[dict[_Name, _Camera], Field(min_length=1)]


def _model_at(key: Key) -> type[_Model]:
    """The model of the mapping at `key`, which is one that pydantic found a fault in."""
    match key:
        case ():
            return _File
        case ("site",):
            return _Place
        case ("page",):
            return _Page
        case (*_, "accuracy"):
            return _Accuracy
        case (*_, "privacy"):
            return _Privacy
        case ("cameras", _):
            return _Camera
        case _:
            return _Line


def _expected(key: Key) -> str:
    match key:
        case ("site",):
            return "a mapping with name and timezone"
        case ("cameras",) | ("cameras", _, "lines" | "zones"):
            return "a mapping from names"
        case (*parent, last):
            for name, field in _model_at(tuple(parent)).model_fields.items():
                if last == (field.alias or name):
                    for check in field.metadata:
                        if isinstance(check, _Check):
                            return check.expected
    return f"a mapping with some of {', '.join(_known_keys(key))}"


def _known_keys(key: Key) -> list[str]:
    return [field.alias or name for name, field in _model_at(key).model_fields.items()]


def _site(parsed: _File, path: Path, read: Document) -> Site:
    cameras = tuple(_camera(name, camera, path) for name, camera in parsed.cameras.items())
    page = PublicPage(**parsed.page.model_dump()) if parsed.page else PublicPage()
    return Site(path, parsed.site.name, parsed.site.timezone, cameras, tuple(_warnings(cameras, read)), page)


def _camera(name: str, parsed: _Camera, path: Path) -> Camera:
    policy = _policy(Policy(), parsed.privacy) if parsed.privacy else None
    zones = tuple(Zone(zone_name, corners) for zone_name, corners in parsed.zones.items())
    lines = tuple(
        CountedLine(
            make_line(line_name, line.start, line.end, names=line.names, anchor=line.anchor),
            line.count,
            line.corridor,
            _policy(policy or Policy(), line.privacy) if line.privacy else policy,
        )
        for line_name, line in parsed.lines.items()
    )
    source, substream = (_opened(said, path.parent) for said in (parsed.source, parsed.substream))
    plan = None if parsed.plan is None else path.parent / parsed.plan
    accuracy = Accuracy(**parsed.accuracy.model_dump()) if parsed.accuracy else None
    arms = tuple((line, said.arm) for line, said in parsed.lines.items() if said.arm is not None)
    return Camera(
        name, source, parsed.detector, lines, zones, policy, substream, parsed.transport, plan, accuracy, arms
    )


def _opened(said: str | dict[str, str] | None, folder: Path) -> Address | None:
    if isinstance(said, dict):
        return Address(None, folder / said["file"], folder)
    return None if said is None else Address(said, folder=folder)


def _policy(under: Policy, parsed: _Privacy) -> Policy:
    """The policy `under`, with what is said in the file in its place. Raises PolicyError for a misfit."""
    said = parsed.model_dump(exclude_unset=True)
    names = {field.name.removesuffix("_ms"): field.name for field in fields(Policy)}
    return replace(under, **{names[name]: value for name, value in said.items()})


def _add_misfits(value: dict[str, Any], read: Document) -> None:
    """What is wrong between the keys of policies, told even where there are other mistakes."""
    for name, camera in _mapping(value, "cameras").items():
        key: Key = ("cameras", name)
        under = _policy_or(Policy(), camera, key, read)
        for line_name, line in _mapping(camera, "lines").items():
            _policy_or(under, line, (*key, "lines", line_name), read)


def _policy_or(under: Policy, holder: Any, key: Key, read: Document) -> Policy:
    try:
        return _policy(under, _Privacy.model_validate(_mapping(holder, "privacy")))
    except ValidationError:
        return under
    except PolicyError as error:
        read.add((*key, "privacy"), str(error).partition(": ")[2])
        return under


def _mapping(holder: Any, key: str) -> dict[str, Any]:
    inner = holder.get(key) if isinstance(holder, dict) else None
    return inner if isinstance(inner, dict) else {}


def _warnings(cameras: Iterable[Camera], read: Document) -> Iterator[str]:
    for camera in cameras:
        key: Key = ("cameras", camera.name)
        for said_at, address in (("source", camera.source), ("substream", camera.substream)):
            if address is None:
                continue
            for name in address.missing():
                yield read.told((*key, said_at), f"the environment variable {name} is not set")
            if address.in_clear:
                yield read.told(
                    (*key, said_at), "holds a password in clear, better ${VARIABLE} or {file: path}"
                )
        policies = {(*key, "privacy"): camera.policy} | {
            (*key, "lines", line.line.name, "privacy"): line.policy for line in camera.lines
        }
        for where, policy in policies.items():
            if where in read.lines and policy is not None and policy.epsilon > _LARGE_EPSILON:
                yield read.told(
                    (*where, "epsilon"), f"{policy.epsilon:g} is above {_LARGE_EPSILON:g}: it hides little"
                )
