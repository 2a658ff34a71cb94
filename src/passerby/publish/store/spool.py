"""Releases on their way to the store: on disk before anything else, and given to the store exactly once.

Invariant: appended and fsynced before `put` returns; removed only after the store has kept it; the store takes each key
once, so what is sent again after a crash changes nothing; encrypted where a key is given.

    waiting   one line for each batch; `put` appends
    sending   what `drain` took over, whole, by a rename
    refused   what the store will never take, kept for people

A line is a checksum, how it is written (j: JSON, f: Fernet), and the text.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast
from zlib import crc32

from passerby.domain.release import Cell, Level, Release
from passerby.errors import ConflictError, InputError, OutputError, StoreError


class Keeper(Protocol):
    """What the spool needs of a store."""

    def write(self, releases: Sequence[Release], level: Level) -> object: ...


class Cipher(Protocol):
    """What the spool needs of a Fernet key."""

    def encrypt(self, data: bytes) -> bytes: ...

    def decrypt(self, token: bytes) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Drained:
    """How many batches the store has now, and how many it refused for good."""

    sent: int = 0
    refused: int = 0


class Spool:
    """A folder of waiting releases; any number of processes may put, and one at a time drains.

    `key` is a Fernet key: 32 random bytes in URL-safe base64. Raises OutputError when the folder cannot be used,
    InputError for a key that is none.
    """

    def __init__(self, folder: Path, key: str | None = None) -> None:
        self._folder = folder
        self._cipher = None if key is None else _cipher(key)
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise _cannot(folder, error) from None

    def put(self, releases: Sequence[Release], level: Level) -> None:
        """Keep a batch on disk; when this returns, it will reach the store. Raises OutputError."""
        line = self._line(releases, level)
        try:
            with self._locked("lock"):
                _append(self._folder / "waiting", line)
        except OSError as error:
            raise _cannot(self._folder / "waiting", error) from None

    def drain(self, store: Keeper) -> Drained:
        """Give all that waits to the store, in order; nothing where another process is doing so.

        Raises StoreError when the store cannot be used now, and what is left stays; OutputError.
        """
        drained = Drained()
        try:
            with self._locked("draining", wait=False) as mine:
                while mine and self._take_over():
                    drained = self._send(store, drained)
                    _remove(self._folder / "sending")
        except OSError as error:
            raise _cannot(self._folder, error) from None
        return drained

    def waiting_bytes(self) -> int:
        """The size of what waits; 0 when all was sent."""
        size = 0
        for name in ("waiting", "sending"):
            with suppress(FileNotFoundError):
                size += (self._folder / name).stat().st_size
        return size

    def _take_over(self) -> bool:
        """Whether there is anything to send: what was left of the last time, else what waits."""
        waiting, sending = self._folder / "waiting", self._folder / "sending"
        if sending.exists():
            return True
        with self._locked("lock"):
            if not waiting.exists():
                return False
            _rename(waiting, sending)
        return True

    def _send(self, store: Keeper, drained: Drained) -> Drained:
        with (self._folder / "sending").open("rb") as file:
            for line in file:
                if not line.endswith(b"\n"):
                    # Cut off in the middle of a `put`, which never returned: whoever called will call again.
                    continue
                batch = self._batch(line)
                try:
                    if batch is None:
                        raise InputError("a line that was damaged on disk")
                    store.write(*batch)
                except (ConflictError, InputError):
                    _append(self._folder / "refused", line)
                    drained = Drained(drained.sent, drained.refused + 1)
                else:
                    drained = Drained(drained.sent + 1, drained.refused)
        return drained

    def _line(self, releases: Sequence[Release], level: Level) -> bytes:
        rows = [
            [
                *(one.cell.camera, one.cell.line, one.cell.direction, one.cell.label),
                *(
                    one.start_ms,
                    one.end_ms,
                    one.value,
                    one.noise_scale,
                    one.epsilon,
                    one.coverage,
                    one.receipt,
                    one.sender_clock,
                ),
            ]
            for one in releases
        ]
        text = json.dumps([level, rows], separators=(",", ":")).encode()
        body = b"j " + text if self._cipher is None else b"f " + self._cipher.encrypt(text)
        return b"%08x %s\n" % (crc32(body), body)

    def _batch(self, line: bytes) -> tuple[list[Release], Level] | None:
        """What a line says; None for a damaged one. Raises StoreError for one that needs another key."""
        checksum, _, body = line.removesuffix(b"\n").partition(b" ")
        if checksum != b"%08x" % crc32(body):
            return None
        kind, _, text = body.partition(b" ")
        if kind == b"f":
            if self._cipher is None:
                raise StoreError(f"{self._folder}: what waits there is encrypted, expected its key")
            try:
                text = self._cipher.decrypt(text)
            except _not_of_this_key():
                raise StoreError(f"{self._folder}: what waits there was encrypted with another key") from None
        level, rows = json.loads(text)
        # A row of an earlier version ends with the receipt.
        return [Release(Cell(*row[:4]), *row[4:]) for row in rows], cast(Level, level)

    @contextmanager
    def _locked(self, name: str, *, wait: bool = True) -> Iterator[bool]:
        """Whether the lock is ours in the block; a process that dies lets go of it."""
        descriptor = os.open(self._folder / name, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                yield False
            else:
                yield True
        finally:
            os.close(descriptor)


def _append(path: Path, line: bytes) -> None:
    """Add a whole line, on disk when this returns; a file that ends within a line is cut to its last whole one."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        end = _end_of_lines(descriptor)
        os.ftruncate(descriptor, end)
        os.lseek(descriptor, end, os.SEEK_SET)
        try:
            left = line
            while left:
                left = left[os.write(descriptor, left) :]
            os.fsync(descriptor)
        except OSError:
            # A full disk leaves no half of a line.
            os.ftruncate(descriptor, end)
            raise
        if end == 0:
            _sync_folder(path.parent)
    finally:
        os.close(descriptor)


def _end_of_lines(descriptor: int) -> int:
    """Where the last whole line ends."""
    end = os.lseek(descriptor, 0, os.SEEK_END)
    while end > 0:
        begin = max(0, end - 65_536)
        found = os.pread(descriptor, end - begin, begin).rfind(b"\n")
        if found >= 0:
            return begin + found + 1
        end = begin
    return 0


def _rename(path: Path, target: Path) -> None:
    path.replace(target)
    _sync_folder(target.parent)


def _remove(path: Path) -> None:
    path.unlink()
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _cipher(key: str) -> Cipher:
    try:
        from cryptography.fernet import Fernet
    except ImportError:
        raise InputError(
            "an encrypted spool needs cryptography, install it with: pip install 'passerby[private]'"
        ) from None
    try:
        return Fernet(key.strip())
    except ValueError:
        # The key itself is not shown.
        raise InputError("the spool's key: expected 32 random bytes in URL-safe base64") from None


def _not_of_this_key() -> type[Exception]:
    from cryptography.fernet import InvalidToken

    return InvalidToken


def _cannot(path: Path, error: OSError) -> OutputError:
    return OutputError(f"{path}: could not be written: {error.strerror or error}")
