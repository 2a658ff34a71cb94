"""What is done of a count that may be cut short, in a file beside its output.

Invariant: holds the crossings of one's own recordings, of what had no name its size and pace, and how reading them
went, and no path and no picture; is readable by its owner alone, and is gone when the count is whole.

One line of JSON for each span that was seen, and one for each recording that was counted; each begins with the key
of its recording, which names the file, its state, and all that its crossings depend on: what was found under other
settings, or in another file, is counted again. A line is on the disk before the next span is; a line that was cut
off is none.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass, field
from pathlib import Path
from typing import Any

from passerby.counting.counts import Crossing, Kinematics, LineDiagnostics
from passerby.domain.labels import label_of
from passerby.domain.timespan import Span
from passerby.errors import InputError, OutputError
from passerby.video.observe import Reading

SUFFIX = ".resume"


@dataclass(slots=True)
class Done:
    """What was counted of one recording: all chunks that end by `tallied_ms`, and `reading` of all spans that end by
    `seen_ms`; both None before the first. `complete` when there is nothing left to do."""

    crossings: list[Crossing] = field(default_factory=list)
    diagnostics: list[LineDiagnostics] = field(default_factory=list)
    reading: Reading = field(default_factory=Reading)
    tallied_ms: int | None = None
    seen_ms: int | None = None
    complete: bool = False


class Kept:
    """The file of what is done. Use it in a `with` block; `remove` it when all is counted."""

    def __init__(self, path: Path) -> None:
        """Opens `path`, made where it is not there. Raises OutputError; InputError where another count has it open."""
        self.path = path
        self._done: dict[str, Done] = {}
        self._written: dict[str, int] = {}
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

    def __enter__(self) -> "Kept":
        return self

    def __exit__(self, *_: object) -> None:
        if not os.fstat(self._file).st_size:
            self.remove()
        os.close(self._file)

    def of(self, key: str) -> Done:
        """What is done of the recording of this key: of nothing that is not known, nothing."""
        return self._done.setdefault(key, Done())

    def keep(self, key: str) -> None:
        """Write down what was added to the `Done` of this key. Raises OutputError."""
        done = self.of(key)
        line = {
            "key": key,
            "crossings": [_crossing(one) for one in done.crossings[self._written.get(key, 0) :]],
            "diagnostics": [asdict(line) for line in done.diagnostics],
            "reading": asdict(done.reading),
            "tallied_ms": done.tallied_ms,
            "seen_ms": done.seen_ms,
            "complete": done.complete,
        }
        content = json.dumps(line, allow_nan=False).encode() + b"\n"
        try:
            while content:
                content = content[os.write(self._file, content) :]
            os.fsync(self._file)
        except OSError as error:
            raise OutputError(f"{self.path}: could not be written: {error.strerror}") from None
        self._written[key] = len(done.crossings)

    def remove(self) -> None:
        """All is counted, or nothing is done."""
        self.path.unlink(missing_ok=True)

    def _read(self) -> int:
        """Takes up what the file holds, and tells how many of its bytes are whole lines."""
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
        found = Done(
            [*self.of(line["key"]).crossings, *(_crossing_of(one) for one in line["crossings"])],
            [LineDiagnostics(**entry) for entry in line["diagnostics"]],
            Reading(**reading, covered=covered, problems=problems),
            line["tallied_ms"],
            line["seen_ms"],
            line["complete"],
        )
        self._done[line["key"]] = found
        self._written[line["key"]] = len(found.crossings)


def key_of(settings: Sequence[object]) -> str:
    """A key for all that a recording's crossings depend on; objects are told apart by what they print."""
    return hashlib.sha256(repr(settings).encode(errors="backslashreplace")).hexdigest()[:32]


def _crossing(one: Crossing) -> list[Any]:
    kinematics = None if one.kinematics is None else list(astuple(one.kinematics))
    return [one.time_ms, one.line, one.direction, one.label.text, one.along, one.share, kinematics]


def _crossing_of(row: list[Any]) -> Crossing:
    time_ms, line, direction, label, along, share, kinematics = row
    return Crossing(
        time_ms,
        line,
        direction,
        label_of(label),
        along,
        share,
        None if kinematics is None else Kinematics(*kinematics),
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
