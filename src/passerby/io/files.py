"""Atomic files: the new content is written beside the old file, then renamed over it.

Invariant: nothing half-written is left behind, whatever happens in between.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from passerby.errors import OutputError


def check_writable(path: Path) -> None:
    """Check before the long work starts that `path` can be written; leaves nothing there.

    Raises OutputError for a folder, a device or a socket, and a missing or closed parent folder.
    """
    target = _target(path)
    try:
        beside, descriptor = _open_beside(target)
    except OSError as error:
        raise _cannot(path, error) from error
    os.close(descriptor)
    beside.unlink()


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path beside `path`, of the same suffix, to be written in the block; renamed to `path` at its end.

    When the block raises, `path` stays as it was. Raises OutputError, with its name, where that fails.
    """
    target = _target(path)
    beside: Path | None = None
    try:
        try:
            beside, descriptor = _open_beside(target)
            os.close(descriptor)
            yield beside
            _flush_to_disk(beside)
            if target.exists():
                beside.chmod(target.stat().st_mode & 0o777)
            beside.replace(target)
        except OSError as error:
            raise _cannot(path, error) from error
    except BaseException:
        if beside is not None:
            with suppress(OSError):
                beside.unlink(missing_ok=True)
        raise


def write(path: Path, content: str | bytes) -> None:
    """Write `content` (text as UTF-8, line ends as given) to `path`. Raises OutputError."""
    # A file's name may not be valid text in any encoding; it is written escaped, which JSON reads too.
    raw = content.encode(errors="backslashreplace") if isinstance(content, str) else content
    with replacing(path) as beside:
        beside.write_bytes(raw)


def _target(path: Path) -> Path:
    """The file that is written: a symbolic link is followed, so that the link stays."""
    try:
        target = Path(os.path.realpath(path))
        if target.is_dir():
            raise OutputError(f"{path}: a folder, expected the name of a file to write")
        if target.exists() and not target.is_file():
            raise OutputError(f"{path}: not a plain file, expected the name of a file to write")
        if not target.parent.is_dir():
            raise OutputError(f"{path}: the folder {path.parent} does not exist")
        # A name that is too long fails here, and not in the rename after an hour's work.
        with suppress(FileNotFoundError):
            target.stat()
    except (OSError, ValueError) as error:
        raise _cannot(path, error) from error
    return target


def _open_beside(target: Path) -> tuple[Path, int]:
    # Opened by os.open and not by tempfile, so that the file has the permissions of the user's umask.
    beside = target.with_name(f".passerby-{secrets.token_hex(8)}{target.suffix[:32]}")
    return beside, os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)


def _flush_to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _cannot(path: Path, error: Exception) -> OutputError:
    cause = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return OutputError(f"{path}: could not be written: {cause}")
