"""The status of a running site: one file, written whole by `passerby run` and read by `passerby status`.

Invariant: links, coverage, budgets and problems; no count and no address is in it.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from time import sleep
from typing import Any

from passerby.errors import InputError, OutputError
from passerby.io import files

STALE_MS = 30_000
"""A status older than this is of a run that hangs, or of a computer that slept."""


@dataclass(frozen=True, slots=True)
class CameraStatus:
    """One camera: its link since `since_ms` (Unix ms UTC) and a class of reasons; `fps`: frames received a second;
    `covered`: the share of its day so far with frames; epsilon left of the budget for a person who passes now; `note`:
    a line for people."""

    camera: str
    up: bool
    reason: str
    since_ms: int
    fps: float
    covered: float | None
    epsilon_left: float | None
    epsilon_budget: float | None
    clock: str
    restarts: int
    process_id: int | None
    note: str


@dataclass(frozen=True, slots=True)
class Status:
    """The whole site; `problems` are lines for people."""

    site: str
    process_id: int
    started_ms: int
    written_ms: int
    waiting_bytes: int
    cameras: tuple[CameraStatus, ...]
    problems: tuple[str, ...]


def write(state: Path, status: Status) -> None:
    """Raises OutputError."""
    files.write(_file(state), json.dumps(asdict(status), indent=1) + "\n")


def read(state: Path) -> Status:
    """The last status of the site of this state folder. Raises InputError where there is none."""
    path = _file(state)
    try:
        plain: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        cameras = tuple(CameraStatus(**one) for one in plain.pop("cameras"))
        return Status(**{**plain, "cameras": cameras, "problems": tuple(plain["problems"])})
    except FileNotFoundError:
        raise InputError(f"{path}: no such file: this site has not run with this state folder") from None
    except (OSError, ValueError, TypeError, KeyError):
        raise InputError(f"{path}: cannot be read as a status") from None


@contextmanager
def alone(state: Path, site: Path) -> Iterator[None]:
    """The state folder, made where it is not there, for one run only. Raises InputError where there is another."""
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(_lock(state), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise OutputError(f"{state}: could not be made: {error.strerror or error}") from None
    try:
        if not _locked(descriptor):
            raise InputError(f"{site}: already running, by another process with {state}")
        yield
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    for _ in range(5):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            # `passerby status` holds it for an instant.
            sleep(0.05)
        else:
            return True
    return False


def is_running(state: Path) -> bool:
    """Whether a process runs the site of this state folder."""
    try:
        descriptor = os.open(_lock(state), os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)


def _file(state: Path) -> Path:
    return state / "status.json"


def _lock(state: Path) -> Path:
    return state / "run.lock"
