"""The door between the process that sees and the one that pays, adds noise and publishes: all that passes, in words.

Invariant: one line of JSON each, held to its form on both sides; upwards pass clipped counts, coverage, and the state
of a link, and there is no field for anything else.

    down (to who sees)   Order, then Paid; the end of the stream means: stop
    up                   Hello, then Pulse, Said; or Fault; and Checked, of a process that is given no camera
"""

import traceback
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from passerby.domain.link_health import Reason

MOST_BYTES = 65_536
"""A line from who sees that is longer than this is none of these."""

_Name = Annotated[str, Field(max_length=400)]
_Ms = Annotated[int, Field(ge=0, le=2**53)]


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Order(_Message):
    """Which camera of which site to look at; `site` is the text of the site file, `path` its name."""

    word: Literal["order"] = "order"
    site: str
    path: str
    camera: _Name
    model_dir: str | None
    frames_ms: _Ms
    answer_ms: _Ms


class Check(_Message):
    """Try to load these detectors, and end."""

    word: Literal["check"] = "check"
    detectors: list[str]
    model_dir: str | None


class Paid(_Message):
    """The time of a line that was paid for, and so may be looked at."""

    word: Literal["paid"] = "paid"
    line: _Name
    start_ms: _Ms
    end_ms: _Ms


class Hello(_Message):
    """Ready: the detector by its full name, which is part of the configuration."""

    word: Literal["hello"] = "hello"
    detector: _Name


class Checked(_Message):
    """What each detector is called in full; `problems` are lines for people."""

    word: Literal["checked"] = "checked"
    named: dict[str, str]
    problems: list[str]


class Pulse(_Message):
    """Once a second: the link, and since the start the frames that came, CPU time, the pictures that were to be
    looked at and those that were, and chunks given up."""

    word: Literal["pulse"] = "pulse"
    up: bool
    since_ms: _Ms
    reason: Annotated[str, Field(pattern=f"^({'|'.join(Reason)})$")]
    sender_clock: bool
    frames: _Ms
    cpu_ms: _Ms
    due: _Ms
    looked: _Ms
    given_up: _Ms


class Said(_Message):
    """What one chunk of a line says: a clipped count for each of its cells, empty where it was given up; for how
    long there were frames, and frames that the sender's clock dated."""

    word: Literal["said"] = "said"
    line: _Name
    start_ms: _Ms
    end_ms: _Ms
    counts: Annotated[list[Annotated[int, Field(ge=0, le=100_000)]], Field(max_length=64)]
    covered_ms: _Ms
    sender_ms: _Ms


class Fault(_Message):
    """Why it ends: the class of an error and the place in the program, never its text."""

    word: Literal["fault"] = "fault"
    kind: Annotated[str, Field(pattern="^[A-Za-z0-9_]{1,60}$")]
    place: Annotated[str, Field(pattern="^[a-z0-9_.]{1,80}:[0-9]{1,6}$")]


Down = Order | Check | Paid
Up = Hello | Pulse | Said | Fault

_DOWN: TypeAdapter[Down] = TypeAdapter(Annotated[Down, Field(discriminator="word")])
_UP: TypeAdapter[Up] = TypeAdapter(Annotated[Up, Field(discriminator="word")])
_CHECKED = TypeAdapter(Checked)
_T = TypeVar("_T")


def fault_of(error: Exception) -> Fault:
    """Where in the program it happened; the text of an error may hold anything."""
    own = [one for one in traceback.extract_tb(error.__traceback__) if "passerby" in Path(one.filename).parts]
    place = f"{Path(own[-1].filename).stem}:{own[-1].lineno}" if own else "unknown:0"
    return Fault(kind=type(error).__name__[:60], place=place)


def line_of(message: Down | Up | Checked) -> bytes:
    """The message as it passes."""
    return message.model_dump_json().encode() + b"\n"


def read_down(line: bytes) -> Down:
    """Raises ValueError for what is no message to who sees."""
    return _DOWN.validate_json(line)


def read_up(line: bytes) -> Up:
    """Raises ValueError for what who sees may not say; its text does not repeat it."""
    return _read(_UP, line)


def read_checked(line: bytes) -> Checked:
    """The answer to a Check. Raises ValueError as `read_up` does."""
    return _read(_CHECKED, line)


def _read(form: TypeAdapter[_T], line: bytes) -> _T:
    try:
        if len(line) > MOST_BYTES:
            raise ValueError
        return form.validate_json(line)
    except (ValidationError, ValueError):
        raise ValueError("a message that may not pass") from None
