"""`passerby models`: the known weights, where they lie, and pulling them from their makers.

Invariant: the only file that fetches anything; nothing it fetched is used before its SHA-256 is right.
"""

import hashlib
import http.client
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from passerby.errors import ModelError, OutputError
from passerby.models.catalogue import KNOWN, RemoteFile, Weights, find, how_to_get, known, located, model_dir

__all__ = ["Listed", "find", "list_models", "model_dir", "pull"]

Progress = Callable[[str, int, int], None]
"""Called with a file's name, the bytes here so far and the bytes in all."""

_BLOCK_BYTES = 1 << 16
_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Listed:
    """Known weights, and where they lie on this machine; None where they do not."""

    weights: Weights
    path: Path | None


def list_models(folder: Path | None = None) -> list[Listed]:
    """All known weights and where they lie (see `find` for where is looked)."""
    return [Listed(weights, located(weights.name, folder)) for weights in KNOWN]


def pull(name: str, progress: Progress | None = None, folder: Path | None = None) -> Path:
    """Fetch the weights of that name into `folder` (default: `model_dir()`) and answer the file to load.

    What is there already is not fetched again, and what was cut short goes on where it stopped. Raises
    ModelError when the name is unknown, the maker cannot be reached, or what came is not what was pinned;
    OutputError when it cannot be written.
    """
    weights = known(name)
    if weights is None:
        raise ModelError(f"{name}: no such model; expected one of {', '.join(w.name for w in KNOWN)}")
    if not weights.files:
        raise ModelError(f"{weights.name}: its maker publishes no hash to check it by; {how_to_get(weights)}")
    folder = model_dir() if folder is None else folder
    for file in weights.files:
        target = folder / file.name
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if not (target.is_file() and _sha256(target) == file.sha256):
                _pull_file(file, target, progress)
        except OSError as error:
            raise OutputError(f"{target}: cannot be written ({error.strerror or error})") from None
    return folder / weights.files[-1].name


def _pull_file(file: RemoteFile, target: Path, progress: Progress | None) -> None:
    part = target.with_name(target.name + ".part")
    if not part.is_file() or part.stat().st_size < file.size_bytes:
        _fetch(file, part, target, progress)
    size = part.stat().st_size
    if size < file.size_bytes:
        raise ModelError(f"{file.name}: cut short at {size} of {file.size_bytes} bytes; pull again to go on")
    if (found := _sha256(part)) != file.sha256:
        part.unlink()
        raise ModelError(
            f"{file.name}: SHA-256 is {found}, expected {file.sha256}; removed, nothing is changed"
        )
    part.replace(target)


def _fetch(file: RemoteFile, part: Path, target: Path, progress: Progress | None) -> None:
    """Append to `part` what it lacks, or write it anew where the server does not resume."""
    done = part.stat().st_size if part.is_file() else 0
    headers = {"User-Agent": "passerby", **({"Range": f"bytes={done}-"} if done else {})}
    request = urllib.request.Request(file.url, headers=headers)
    try:
        answer = urllib.request.urlopen(request, timeout=_TIMEOUT_S)
    except (OSError, http.client.HTTPException) as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()
            if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
                part.unlink()
        raise _unreachable(file, target, error) from None
    with answer:
        # 206 is the rest; anything else is the whole file once more.
        done = done if answer.status == http.client.PARTIAL_CONTENT else 0
        with part.open("ab" if done else "wb") as out:
            # One byte too many is enough to know that it is not the file; it may have no end.
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
        f"{file.name}: {file.url} cannot be fetched ({_reason(error)}); "
        f"try again, or get that file elsewhere and put it at {target}"
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"{error.code} {error.reason}"
    return str(getattr(error, "reason", "") or error) or type(error).__name__
