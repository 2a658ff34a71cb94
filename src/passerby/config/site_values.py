"""The values of a site file's keys: each is parsed, or refused with the value that was expected.

Invariant: a parser raises TypeError for a value of another kind, and ValueError with a text for any other mistake.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from difflib import get_close_matches
from itertools import pairwise
from math import isfinite
from pathlib import Path
from typing import Any, get_args

from pydantic_core import CoreSchema, core_schema

from passerby.config.camera_address import TRANSPORTS, Transport, problem_of
from passerby.config.database_address import database_problem
from passerby.config.line_spec import name_problem
from passerby.config.yaml_document import shown
from passerby.domain.calendar import bin_length_ms, duration_ms, zone_of
from passerby.domain.geometry import Point
from passerby.domain.labels import LABELS
from passerby.domain.policy import PromiseName, policy_limit
from passerby.errors import InputError

PROMISES: tuple[PromiseName, ...] = get_args(PromiseName)
LONGEST_SENTENCE = 500
_WEB_ADDRESS = re.compile(r"https?://[^\s/@<>\"']+(?:/[^\s<>\"']*)?")


@dataclass(frozen=True, slots=True)
class Check:
    """The check of a key: `parse` makes its value. Where that raises TypeError, the error names what is `expected`."""

    expected: str
    parse: Callable[[Any], Any]

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.checked)

    def checked(self, value: Any) -> Any:
        try:
            return self.parse(value)
        except TypeError:
            raise ValueError(f"found {shown(value)}, expected {self.expected}") from None


def name(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    if problem := name_problem(value):
        raise ValueError(f"{problem}, expected a name that can be read")
    return value


def timezone(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    try:
        zone_of(value)
    except InputError:
        raise TypeError from None
    return value


def labels(value: Any) -> tuple[str, ...]:
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


def direction_names(value: Any) -> tuple[str, str]:
    if not isinstance(value, list) or len(value) != 2:
        raise TypeError
    right, left = (name(item) for item in value)
    if right == left:
        raise ValueError(f"found {right!r} for both directions, expected two different names")
    return right, left


def point(value: Any) -> Point:
    if not isinstance(value, list) or len(value) != 2:
        raise TypeError
    x, y = (_number(item) for item in value)
    if not (-1e-6 <= x <= 1 + 1e-6 and -1e-6 <= y <= 1 + 1e-6):
        raise ValueError(f"found {x:g}, {y:g}, which lies outside the frame, expected fractions from 0 to 1")
    return min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0)


def corners(value: Any) -> tuple[Point, ...]:
    if not isinstance(value, list):
        raise TypeError
    points = tuple(point(item) for item in value)
    if len(set(points)) < 3:
        raise TypeError
    twice_area = sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise((*points, points[0])))
    if abs(twice_area) < 1e-8:
        raise ValueError("found corners on one line, expected an area")
    return points


def anchor(value: Any) -> str:
    if value not in ("bottom", "centre"):
        raise TypeError
    return str(value)


def transport(value: Any) -> Transport:
    for known in TRANSPORTS:
        if value == known:
            return known
    raise TypeError


def promise(value: Any) -> PromiseName:
    for known in PROMISES:
        if value == known:
            return known
    raise TypeError


def corridor(value: Any) -> float | None:
    if value == "off":
        return None
    width = _number(value)
    if not 0 < width <= 2:
        raise TypeError
    return width


def camera_address(value: Any) -> str | dict[str, str]:
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
        "found no address, expected an address (with ${VARIABLE} for its password) or {file: path}"
    )


def sentence(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise TypeError
    text = " ".join(value.split())
    if not text.isprintable() or len(text) > LONGEST_SENTENCE:
        raise ValueError(
            f"found {len(text)} characters, expected at most {LONGEST_SENTENCE} that can be read"
        )
    return text


def web_address(value: Any) -> str:
    if not isinstance(value, str) or not _WEB_ADDRESS.fullmatch(value):
        raise TypeError
    return value


def plan(value: Any) -> str:
    if not isinstance(value, str) or Path(value).suffix.lower() not in (".png", ".svg"):
        raise TypeError
    return value


def share(value: Any) -> float:
    number = _number(value)
    if not 0 <= number <= 1:
        raise TypeError
    return number


def day(value: Any) -> date:
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
    # bool is an int to Python, and no number in a site file.
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
        elif key in ("epsilon", "reserve"):
            parsed = _number(value)
        if policy_limit(key, parsed):
            raise TypeError
        return parsed

    return parse_value


def policy_check(key: str) -> Check:
    return Check(policy_limit(key, None) or "", _limited(key))


def database_address(value: Any) -> str:
    """A path or URL of a database. No error of this key shows its value, which may hold a password."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError("found no address, expected a path or postgresql://USER@HOST/DATABASE")
    if problem := database_problem(value.strip()):
        raise ValueError(problem)
    return value.strip()


def path(value: Any) -> str:
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise TypeError
    return value
