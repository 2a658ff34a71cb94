"""`passerby models`: list the known weights, and pull them from their makers.

Invariant: the only module that downloads anything; a download is used only after its SHA-256 was checked.
"""

import hashlib
import http.client
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from queue import Queue
from threading import Event, Thread

from passerby.errors import ModelError, OutputError
from passerby.io import files
from passerby.models.catalogue import KNOWN, RemoteFile, Weights, find, how_to_get, known, located, model_dir

__all__ = ["Listed", "find", "list_models", "model_dir", "pull", "pull_or_reason"]

Progress = Callable[[str, int, int], None]
"""Called with a file's name, the bytes received so far and the bytes in total."""

_BLOCK_BYTES = 1 << 16
_TIMEOUT_S = 30.0
_FIRST_S = 5.0


@dataclass(frozen=True, slots=True)
class Listed:
    """Known weights and the path of their file on this machine, None if it is not there."""

    weights: Weights
    path: Path | None


def list_models(folder: Path | None = None) -> list[Listed]:
    """All known weights and their files on this machine. `find` describes which folders are searched."""
    return [Listed(weights, located(weights.name, folder)) for weights in KNOWN]


def pull(
    name: str,
    progress: Progress | None = None,
    folder: Path | None = None,
    *,
    timeout_s: float = _TIMEOUT_S,
) -> Path:
    """Download the weights of that name into `folder` (default: `model_dir()`); return the file to load.

    A complete file is not downloaded again, and an interrupted download is resumed. `timeout_s`: the longest wait for
    the maker's answer. Raises ModelError if the name is
    unknown, the maker cannot be reached, or the file has another SHA-256 than expected; OutputError if it cannot be
    written.
    """
    weights = known(name)
    if weights is None:
        raise ModelError(f"{name}: no such model; expected one of {', '.join(w.name for w in KNOWN)}")
    if not weights.files:
        raise ModelError(
            f"{weights.name}: its maker publishes no hash to check a download; {how_to_get(weights)}"
        )
    folder = model_dir() if folder is None else folder
    for file in weights.files:
        target = folder / file.name
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if not (target.is_file() and _sha256(target) == file.sha256):
                _pull_file(file, target, progress, timeout_s)
        except OSError as error:
            raise OutputError(f"{target}: cannot be written ({error.strerror or error})") from None
    return folder / weights.files[-1].name


def pull_or_reason(name: str, folder: Path | None = None, first_s: float = _FIRST_S) -> str | None:
    """Pull weights as `pull` does; None when they are there, else why not, in one line.

    Gives up where no byte has come within `first_s` seconds, whatever keeps it waiting (name servers too).
    """
    begun, reasons = Event(), Queue[str | None]()

    def work() -> None:
        try:
            pull(name, lambda *_: begun.set(), folder, timeout_s=first_s)
            reasons.put(None)
        except (ModelError, OutputError) as error:
            reasons.put(str(error))
        begun.set()

    Thread(target=work, daemon=True).start()
    if not begun.wait(first_s):
        return f"{name}: no answer within {first_s:g} s; passerby models pull {name} tries again"
    return reasons.get()


def add(path: Path, folder: Path | None = None) -> Path:
    """Copy the weights of `path` into `folder` (default: `model_dir()`), with the .bin beside an .xml; return the copy.

    Raises ModelError where another file of that name is there; OutputError if it cannot be written.
    """
    folder = model_dir() if folder is None else folder
    sources = [path.with_suffix(".bin"), path] if path.suffix == ".xml" else [path]
    for source in sources:
        target = folder / source.name
        try:
            if target.exists() and _sha256(target) != _sha256(source):
                raise ModelError(f"{target}: another file of that name is there, expected none")
            content = source.read_bytes()
        except OSError as error:
            raise ModelError(f"{source}: cannot be read ({error.strerror or error})") from None
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{folder}: cannot be written ({error.strerror or error})") from None
        files.write(target, content)
    return folder / path.name


def _pull_file(file: RemoteFile, target: Path, progress: Progress | None, timeout_s: float) -> None:
    part = target.with_name(target.name + ".part")
    if not part.is_file() or part.stat().st_size < file.size_bytes:
        _fetch(file, part, target, progress, timeout_s)
    size = part.stat().st_size
    if size < file.size_bytes:
        raise ModelError(f"{file.name}: cut short at {size} of {file.size_bytes} bytes; pull again to resume")
    if (actual := _sha256(part)) != file.sha256:
        part.unlink()
        raise ModelError(f"{file.name}: SHA-256 is {actual}, expected {file.sha256}; removed the download")
    part.replace(target)


def _fetch(file: RemoteFile, part: Path, target: Path, progress: Progress | None, timeout_s: float) -> None:
    """Append the missing bytes to `part`, or write it from the start if the server cannot resume."""
    done = part.stat().st_size if part.is_file() else 0
    headers = {"User-Agent": "passerby", **({"Range": f"bytes={done}-"} if done else {})}
    request = urllib.request.Request(file.url, headers=headers)
    try:
        answer = urllib.request.urlopen(request, timeout=timeout_s)
    except (OSError, http.client.HTTPException) as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()
            if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
                part.unlink()
        raise _unreachable(file, target, error) from None
    with answer:
        # Status 206 sends the missing bytes; any other sends the whole file again.
        done = done if answer.status == http.client.PARTIAL_CONTENT else 0
        with part.open("ab" if done else "wb") as out:
            # Stops one byte past the expected size: a wrong file could be endless.
            while done <= file.size_bytes:
                try:
                    block = answer.read(_BLOCK_BYTES)
                except (OSError, http.client.HTTPException) as error:
                    raise _unreachable(file, target, error) from None
                if not block:
                    return
                out.write(block)
                done += len(block)
                if progress is not None:
                    progress(file.name, min(done, file.size_bytes), file.size_bytes)


def _unreachable(file: RemoteFile, target: Path, error: Exception) -> ModelError:
    return ModelError(
        f"{file.name}: {file.url} could not be downloaded ({_reason(error)}); "
        f"try again, or get that file elsewhere and put it at {target}"
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"{error.code} {error.reason}"
    return str(getattr(error, "reason", "") or error) or type(error).__name__
