"""The spool: releases on disk on their way to the store, so that a crash or an outage loses none.

Invariant: a batch is appended and fsynced before `put` returns, and removed only after the store has committed it; the
store accepts each key once, so a batch that is sent again after a crash changes nothing; encrypted if a key is given.

    waiting   one line for each batch; `put` appends to it
    sending   the lines that `drain` is sending (`waiting`, renamed)
    refused   what the store refused for good, for the operator: its cells, times and receipts, without its values,
              because a second number of one bin would tell more than the first

A line is a checksum, the encoding (j: JSON, f: Fernet), and the text.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Protocol, cast
from zlib import crc32

from passerby.domain.release import Cell, Level, Release
from passerby.errors import ConflictError, InputError, OutputError, StoreError


class ReleaseWriter(Protocol):
    """The part of a store that the spool uses."""

    def write(self, releases: Sequence[Release], level: Level) -> object: ...


class Cipher(Protocol):
    """The part of a Fernet key that the spool uses."""

    def encrypt(self, data: bytes) -> bytes: ...

    def decrypt(self, token: bytes) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Drained:
    """How many batches the store committed, and how many it refused for good."""

    sent: int = 0
    refused: int = 0


class Spool:
    """A folder of waiting releases; any number of processes may `put`, and one at a time may `drain`.

    `key` is a Fernet key: 32 random bytes in URL-safe base64. Raises OutputError if the folder cannot be used,
    InputError for an invalid key.
    """

    def __init__(self, folder: Path, key: str | None = None) -> None:
        self._folder = folder
        self._cipher = None if key is None else _cipher(key)
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise _cannot(folder, error) from None

    def put(self, releases: Sequence[Release], level: Level) -> None:
        """Append a batch; when this returns, the batch is on disk. Raises OutputError."""
        line = self._line(releases, level)
        try:
            with self._locked("lock"):
                _append(self._folder / "waiting", line)
        except OSError as error:
            raise _cannot(self._folder / "waiting", error) from None

    def drain(self, store: ReleaseWriter) -> Drained:
        """Send all waiting batches to the store, in order; does nothing while another process drains.

        Raises StoreError if the store cannot be used now (the rest stays on disk), and OutputError.
        """
        drained = Drained()
        try:
            with self._locked("draining", wait=False) as locked:
                while locked and self._take_over():
                    drained = self._send(store, drained)
                    _remove(self._folder / "sending")
        except OSError as error:
            raise _cannot(self._folder, error) from None
        return drained

    def waiting_bytes(self) -> int:
        """The size of the waiting batches; 0 when all were sent."""
        size = 0
        for name in ("waiting", "sending"):
            with suppress(FileNotFoundError):
                size += (self._folder / name).stat().st_size
        return size

    def _take_over(self) -> bool:
        """Fill `sending`, unless lines of the last time are left in it. False if there is nothing to send."""
        waiting, sending = self._folder / "waiting", self._folder / "sending"
        if sending.exists():
            return True
        with self._locked("lock"):
            if not waiting.exists():
                return False
            _rename(waiting, sending)
        return True

    def _send(self, store: ReleaseWriter, drained: Drained) -> Drained:
        with (self._folder / "sending").open("rb") as file:
            for line in file:
                if not line.endswith(b"\n"):
                    # The process died within `put`, which did not return: its caller will call again.
                    continue
                batch = self._batch(line)
                try:
                    if batch is None:
                        raise InputError("a line of the spool is damaged")
                    store.write(*batch)
                except (ConflictError, InputError):
                    _append(self._folder / "refused", _named(batch))
                    drained = Drained(drained.sent, drained.refused + 1)
                else:
                    drained = Drained(drained.sent + 1, drained.refused)
        return drained

    def _line(self, releases: Sequence[Release], level: Level) -> bytes:
        rows = [
            [
                *(release.cell.camera, release.cell.line, release.cell.direction, release.cell.label),
                *(release.start_ms, release.end_ms, release.value),
                *(release.noise_scale, release.epsilon, release.coverage),
                *(release.receipt, release.sender_clock, release.promise),
            ]
            for release in releases
        ]
        text = json.dumps([level, rows], separators=(",", ":")).encode()
        body = b"j " + text if self._cipher is None else b"f " + self._cipher.encrypt(text)
        return b"%08x %s\n" % (crc32(body), body)

    def _batch(self, line: bytes) -> tuple[list[Release], Level] | None:
        """The batch in a line; None if the line is damaged. Raises StoreError if it needs another key."""
        checksum, _, body = line.removesuffix(b"\n").partition(b" ")
        if checksum != b"%08x" % crc32(body):
            return None
        kind, _, text = body.partition(b" ")
        if kind == b"f":
            if self._cipher is None:
                raise StoreError(f"{self._folder}: its releases are encrypted, expected the spool's key")
            try:
                text = self._cipher.decrypt(text)
            except _wrong_key_error():
                raise StoreError(f"{self._folder}: its releases were encrypted with another key") from None
        level, rows = json.loads(text)
        # A row of an earlier version ends with the receipt.
        return [Release(Cell(*row[:4]), *row[4:]) for row in rows], cast(Level, level)

    @contextmanager
    def _locked(self, name: str, *, wait: bool = True) -> Iterator[bool]:
        """Yields true if this process has the lock; the lock ends with the block or the process."""
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


def _named(batch: tuple[list[Release], Level] | None) -> bytes:
    """A line that names the releases of a batch, without their values."""
    releases, level = batch if batch is not None else ([], "damaged")
    rows = [[*astuple(one.cell), one.start_ms, one.end_ms, one.receipt] for one in releases]
    return json.dumps([level, rows], separators=(",", ":")).encode() + b"\n"


def _append(path: Path, line: bytes) -> None:
    """Append a line and fsync; an incomplete line at the end of the file is cut off first."""
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
            # Leave no incomplete line on a full disk.
            os.ftruncate(descriptor, end)
            raise
        if end == 0:
            _sync_folder(path.parent)
    finally:
        os.close(descriptor)


def _end_of_lines(descriptor: int) -> int:
    """The offset of the end of the last whole line, in bytes."""
    end = os.lseek(descriptor, 0, os.SEEK_END)
    while end > 0:
        begin = max(0, end - 65_536)
        position = os.pread(descriptor, end - begin, begin).rfind(b"\n")
        if position >= 0:
            return begin + position + 1
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
        # The message does not repeat the key.
        raise InputError("the key of the spool: expected 32 random bytes in URL-safe base64") from None


def _wrong_key_error() -> type[Exception]:
    from cryptography.fernet import InvalidToken

    return InvalidToken


def _cannot(path: Path, error: OSError) -> OutputError:
    return OutputError(f"{path}: could not be written: {error.strerror or error}")
