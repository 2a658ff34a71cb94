"""The state of a count that may be interrupted, in a file beside its output.

Invariant: the file has the crossings of one's own recordings, for bodies without a class also their size and pace, and
how reading went; it has no path and no picture, is readable by its owner alone, and is removed when all is counted.

One line of JSON for each part that was read and one for each recording that was counted. Each begins with the key of
its recording, which depends on the file, its state and all settings: a recording counted with other settings, or
changed since, is counted again. A line is on the disk before the next part is read; an incomplete line is ignored.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass, field
from pathlib import Path
from typing import Any

from passerby.counting.counts import Crossing, Evidence, Kinematics, LineDiagnostics
from passerby.counting.detections import Light
from passerby.domain.labels import label_of
from passerby.domain.timespan import Span
from passerby.errors import InputError, OutputError
from passerby.video.observe import Reading

SUFFIX = ".resume"


@dataclass(frozen=True, slots=True)
class Done:
    """The part of a recording that has been counted: all chunks that end by `counted_ms`, and `reading` of all parts
    that end by `read_ms`, both Unix ms UTC and None before the first; `complete` when nothing is left to do. `lights`:
    the light of each chunk."""

    crossings: tuple[Crossing, ...] = ()
    diagnostics: tuple[LineDiagnostics, ...] = ()
    reading: Reading = field(default_factory=Reading)
    counted_ms: int | None = None
    read_ms: int | None = None
    complete: bool = False
    lights: tuple[Light, ...] = ()


class Checkpoint:
    """The file in which the state of a count is kept. Use it in a `with` block; `remove` it when all is counted.

    >>> with passerby.Checkpoint(Path("counts.csv.resume")) as checkpoint:
    ...     counts = passerby.Counter([line], "motion").count("street.mp4", checkpoint=checkpoint)
    ...     checkpoint.remove()
    >>> sum(total.count for total in counts.totals)
    2
    """

    def __init__(self, path: Path) -> None:
        """Opens or creates `path`. Raises OutputError; InputError where another count has it open."""
        self.path = path
        self._done: dict[str, Done] = {}
        self._written: dict[str, int] = {}
        self._lights: dict[str, int] = {}
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as error:
            raise OutputError(f"{path}: could not be written: {error.strerror}") from None
        try:
            _lock(self._file, path)
            os.ftruncate(self._file, self._read())
        except BaseException:
            os.close(self._file)
            raise

    def __enter__(self) -> "Checkpoint":
        return self

    def __exit__(self, *_: object) -> None:
        if not os.fstat(self._file).st_size:
            self.remove()
        os.close(self._file)

    def take(self, key: str) -> Done:
        """The state of the recording of this key when the file was opened; it is handed out once, to save memory."""
        return self._done.pop(key, Done())

    def save(self, key: str, done: Done) -> None:
        """Append the state of the recording of this key; of its crossings those that were not written before.

        Raises OutputError.
        """
        line = {
            "key": key,
            "crossings": [_crossing(crossing) for crossing in done.crossings[self._written.get(key, 0) :]],
            "diagnostics": [asdict(of_line) for of_line in done.diagnostics],
            "reading": asdict(done.reading),
            "counted_ms": done.counted_ms,
            "read_ms": done.read_ms,
            "complete": done.complete,
            "lights": done.lights[self._lights.get(key, 0) :],
        }
        content = json.dumps(line, allow_nan=False).encode() + b"\n"
        try:
            while content:
                content = content[os.write(self._file, content) :]
            os.fsync(self._file)
        except OSError as error:
            raise OutputError(f"{self.path}: could not be written: {error.strerror}") from None
        self._written[key], self._lights[key] = len(done.crossings), len(done.lights)

    def remove(self) -> None:
        """Delete the file: all is counted, or nothing is."""
        self.path.unlink(missing_ok=True)

    def _read(self) -> int:
        """Read the states in the file; returns how many of its bytes are complete lines."""
        whole = 0
        for line in self.path.read_bytes().splitlines(keepends=True):
            if not line.endswith(b"\n"):
                break
            try:
                self._take(json.loads(line))
            except (ValueError, KeyError, TypeError):
                break
            whole += len(line)
        return whole

    def _take(self, line: dict[str, Any]) -> None:
        reading = line["reading"]
        covered = tuple(Span(**span) for span in reading.pop("covered"))
        problems = tuple(reading.pop("problems"))
        before = self._done.get(line["key"], Done())
        self._done[line["key"]] = done = Done(
            (*before.crossings, *(_crossing_of(row) for row in line["crossings"])),
            tuple(LineDiagnostics(**entry) for entry in line["diagnostics"]),
            Reading(**reading, covered=covered, problems=problems),
            line["counted_ms"],
            line["read_ms"],
            line["complete"],
            (*before.lights, *(Light(*row) for row in line["lights"])),
        )
        self._written[line["key"]], self._lights[line["key"]] = len(done.crossings), len(done.lights)


def key_of(settings: Sequence[object]) -> str:
    """A key of `settings`; objects differ if their `repr` differs."""
    return hashlib.sha256(repr(settings).encode(errors="backslashreplace")).hexdigest()[:32]


def _crossing(crossing: Crossing) -> list[Any]:
    kinematics = None if crossing.kinematics is None else list(astuple(crossing.kinematics))
    return [
        crossing.time_ms,
        crossing.line,
        crossing.direction,
        crossing.label.text,
        crossing.along,
        crossing.share,
        kinematics,
        None if crossing.evidence is None else _evidence(crossing.evidence),
    ]


def _evidence(evidence: Evidence) -> list[Any]:
    labels = evidence.cycle.text, evidence.vehicle.text
    return [*evidence.log, *labels, evidence.height_px, evidence.confirmed]


def _evidence_of(row: list[Any]) -> Evidence:
    person, cycling, driving, cycle, vehicle, height_px, confirmed = row
    return Evidence((person, cycling, driving), label_of(cycle), label_of(vehicle), height_px, confirmed)


def _crossing_of(row: list[Any]) -> Crossing:
    time_ms, line, direction, label, along, share, kinematics, evidence = row
    return Crossing(
        time_ms,
        line,
        direction,
        label_of(label),
        along,
        share,
        None if kinematics is None else Kinematics(*kinematics),
        None if evidence is None else _evidence_of(evidence),
    )


def _lock(file: int, path: Path) -> None:
    try:
        import fcntl
    except ImportError:  # Windows
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise InputError(f"{path}: another count is at work there, expected an output of its own") from None
