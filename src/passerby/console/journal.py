"""The journal of the console: who did what, when and from where; a line of JSON for each entry.

Invariant: entries are only added, never changed or removed; none holds a password, a camera's address or a count.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from passerby.errors import OutputError

_LAST_BYTES = 400_000


@dataclass(frozen=True, slots=True)
class Entry:
    """`time_ms` is Unix ms UTC, `user` a user's name (empty if unknown), `address` the client's IP address, `action`
    a few words, `subject` the object of the action."""

    time_ms: int
    user: str
    address: str
    action: str
    subject: str = ""


class Journal:
    """The journal in the file `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()

    def add(self, entry: Entry) -> None:
        """Add an entry; it is on the disk when this returns. Raises OutputError."""
        line = _to_json(entry) + "\n"
        with self._lock:
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
        """The newest entries, newest first; invalid lines are skipped."""
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
                yield _from_json(line)
            except (ValueError, TypeError, KeyError):
                continue


def _to_json(entry: Entry) -> str:
    """The keys of the file are older than the names of the fields, and stay as they are."""
    document = {
        "time_ms": entry.time_ms,
        "who": entry.user,
        "where": entry.address,
        "what": entry.action,
        "about": entry.subject,
    }
    return json.dumps(document, ensure_ascii=True)


def _from_json(line: bytes) -> Entry:
    document = json.loads(line)
    texts = (document["who"], document["where"], document["what"], document.get("about", ""))
    return Entry(document["time_ms"], *texts)
