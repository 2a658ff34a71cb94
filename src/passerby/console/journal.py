"""Who did what on the console, when and from where: one line of JSON each, added at the end.

Invariant: nothing is changed or taken out; what is written holds no password, no address of a camera, no count.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from passerby.errors import OutputError

_LAST_BYTES = 400_000


@dataclass(frozen=True, slots=True)
class Entry:
    """`time_ms` Unix ms UTC; `who` is a user's name, empty for nobody known; `what` a few words; `about` on what."""

    time_ms: int
    who: str
    where: str
    what: str
    about: str = ""


class Journal:
    """The journal in the file `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._turn = Lock()

    def note(self, entry: Entry) -> None:
        """Add an entry, which is on the disk when this returns. Raises OutputError."""
        line = json.dumps(asdict(entry), ensure_ascii=True) + "\n"
        with self._turn:
            try:
                descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
                try:
                    os.write(descriptor, line.encode())
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)
            except OSError as error:
                raise OutputError(f"{self._path}: could not be written: {error.strerror or error}") from None

    def last(self, most: int = 500) -> tuple[Entry, ...]:
        """The newest entries, newest first; a line that is none is passed over."""
        return tuple(reversed(list(self._read())))[:most]

    def _read(self) -> Iterator[Entry]:
        try:
            with self._path.open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - _LAST_BYTES))
                lines = file.read().splitlines()
        except FileNotFoundError:
            return
        for line in lines:
            try:
                said: Any = json.loads(line)
                yield Entry(**said)
            except (ValueError, TypeError):
                continue
