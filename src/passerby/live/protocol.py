"""The messages between the process that sees (the worker) and the one that pays, adds noise and publishes (the
supervisor).

Invariant: one line of JSON each, checked against its form on both sides. Only clipped counts, coverage and the state of
a link pass upwards, and there is no field for anything else.

    to the worker      CameraOrder, then PaidSpan; the end of the stream means: stop
    from the worker    Ready, then Heartbeat and ChunkCounts; or Fault
    without a camera   CheckDetectors, answered by CheckedDetectors
"""

import traceback
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from passerby.domain.link_health import Reason

MOST_BYTES = 65_536
"""A longer line from a worker is no message."""

_Name = Annotated[str, Field(max_length=400)]
_Ms = Annotated[int, Field(ge=0, le=2**53)]


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class CameraOrder(_Message):
    """The camera to count; `site` is the text of the site file, `path` its name. The waiting times (ms) after a chunk:
    for its last frames, and then for its counts."""

    message: Literal["camera-order"] = "camera-order"
    site: str
    path: str
    camera: _Name
    model_dir: str | None
    frames_ms: _Ms
    answer_ms: _Ms


class CheckDetectors(_Message):
    """Try to load these detectors, and end."""

    message: Literal["check-detectors"] = "check-detectors"
    detectors: list[str]
    model_dir: str | None


class PaidSpan(_Message):
    """A span of a line (Unix ms UTC) that was paid for, and so may be counted."""

    message: Literal["paid-span"] = "paid-span"
    line: _Name
    start_ms: _Ms
    end_ms: _Ms


class Ready(_Message):
    """The worker is ready; the detector's full name is part of the configuration."""

    message: Literal["ready"] = "ready"
    detector: _Name


class CheckedDetectors(_Message):
    """The full name of each detector; `problems` are lines for people."""

    message: Literal["checked-detectors"] = "checked-detectors"
    named: dict[str, str]
    problems: list[str]


class Heartbeat(_Message):
    """Once a second: the state of the link, and totals since the start: frames received, CPU time, frames that were
    due for the detectors, those that the detectors got to, and chunks skipped because the computer was too slow."""

    message: Literal["heartbeat"] = "heartbeat"
    up: bool
    since_ms: _Ms
    reason: Annotated[str, Field(pattern=f"^({'|'.join(Reason)})$")]
    sender_clock: bool
    frames: _Ms
    cpu_ms: _Ms
    due: _Ms
    processed: _Ms
    skipped: _Ms


class ChunkCounts(_Message):
    """A clipped count for each cell of a line in one chunk, empty where the chunk was skipped; for `covered_ms` of it
    there were frames, for `sender_ms` frames that the sender's clock dated."""

    message: Literal["chunk-counts"] = "chunk-counts"
    line: _Name
    start_ms: _Ms
    end_ms: _Ms
    counts: Annotated[list[Annotated[int, Field(ge=0, le=100_000)]], Field(max_length=64)]
    covered_ms: _Ms
    sender_ms: _Ms


class Fault(_Message):
    """Why the worker ends: the class of an error and its place in the program, never its text."""

    message: Literal["fault"] = "fault"
    kind: Annotated[str, Field(pattern="^[A-Za-z0-9_]{1,60}$")]
    place: Annotated[str, Field(pattern="^[a-z0-9_.]{1,80}:[0-9]{1,6}$")]


ToWorker = CameraOrder | CheckDetectors | PaidSpan
FromWorker = Ready | Heartbeat | ChunkCounts | Fault

_TO_WORKER: TypeAdapter[ToWorker] = TypeAdapter(Annotated[ToWorker, Field(discriminator="message")])
_FROM_WORKER: TypeAdapter[FromWorker] = TypeAdapter(Annotated[FromWorker, Field(discriminator="message")])
_CHECKED = TypeAdapter(CheckedDetectors)
_T = TypeVar("_T")


def fault_of(error: Exception) -> Fault:
    """The place in the program where it happened; the text of an error may contain anything."""
    own = [one for one in traceback.extract_tb(error.__traceback__) if "passerby" in Path(one.filename).parts]
    place = f"{Path(own[-1].filename).stem}:{own[-1].lineno}" if own else "unknown:0"
    return Fault(kind=type(error).__name__[:60], place=place)


def encode(message: ToWorker | FromWorker | CheckedDetectors) -> bytes:
    """The message as one line."""
    return message.model_dump_json().encode() + b"\n"


def to_worker(line: bytes) -> ToWorker:
    """Raises ValueError for a line that is no message to a worker."""
    return _TO_WORKER.validate_json(line)


def from_worker(line: bytes) -> FromWorker:
    """Raises ValueError for a line that a worker may not send; the error does not repeat its text."""
    return _read(_FROM_WORKER, line)


def checked_detectors(line: bytes) -> CheckedDetectors:
    """The answer to CheckDetectors. Raises ValueError as `from_worker` does."""
    return _read(_CHECKED, line)


def _read(form: TypeAdapter[_T], line: bytes) -> _T:
    try:
        if len(line) > MOST_BYTES:
            raise ValueError
        return form.validate_json(line)
    except (ValidationError, ValueError):
        raise ValueError("a message that may not pass") from None
