"""The high-water mark: the last entry of the ledger, kept in a file beside it, so that a restored backup is noticed.

Invariant: the mark only rises; it is on the disk before noise is drawn for any entry that it covers.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from passerby.errors import LedgerError


@dataclass(frozen=True, slots=True)
class Mark:
    """The last entry that is known: the ledger's name, the number of the entry and its hash."""

    ledger: str
    number: int
    hash: str


def read_mark(path: Path) -> Mark | None:
    """The mark, or None when there is no such file. Raises LedgerError when the file is no mark."""
    try:
        words = path.read_text("ascii").split()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise LedgerError(f"{path}: a high-water mark that cannot be read ({type(error).__name__})") from None
    if len(words) != 3 or not words[1].isdigit():
        raise LedgerError(f"{path}: expected a high-water mark: a ledger, a number and a hash")
    return Mark(words[0], int(words[1]), words[2])


def raise_mark(path: Path, mark: Mark) -> None:
    """Write `mark` unless a higher one of the same ledger is there. Raises LedgerError when it cannot be kept."""
    try:
        with _alone(path):
            known = read_mark(path)
            if known is None or known.ledger != mark.ledger or known.number < mark.number:
                write_mark(path, mark)
    except OSError as error:
        raise LedgerError(f"{path}: the high-water mark cannot be kept: {error.strerror}") from None


def write_mark(path: Path, mark: Mark) -> None:
    """Replace the mark and wait until it is on the disk. Raises OSError."""
    beside = path.with_name(path.name + ".new")
    with open(beside, "w", encoding="ascii", opener=_private) as file:
        file.write(f"{mark.ledger} {mark.number} {mark.hash}\n")
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    with open(path.with_name(path.name + ".lock"), "a", opener=_private) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
