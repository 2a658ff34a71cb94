"""The sources of recordings: files, folders, patterns and URLs.

Invariant: reads and never writes; the only module that uses fsspec, which is imported for the first URL.
"""

import glob
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from passerby.errors import InputError, SourceError

SUFFIXES = frozenset(
    {
        *(".3gp", ".asf", ".avi", ".flv", ".h264", ".h265", ".hevc", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4"),
        *(".mpeg", ".mpg", ".mts", ".ts", ".webm", ".wmv"),
    }
)
"""The suffixes of recordings in a folder; a file that the user names itself may have any name."""
_PAUSES_S = (0.2, 1.0, 3.0)
"""The pause after each attempt to read from a URL."""
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+(::|://)")
_PATTERN = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True, order=True)
class Url:
    """A recording that fsspec reads, such as `s3://bucket/north.mp4`. Shown without user, password and query."""

    text: str

    def __str__(self) -> str:
        return re.sub(r"(?<=://)[^/@]*@", "", self.text).partition("?")[0]

    def __repr__(self) -> str:
        return f"Url({str(self)!r})"

    @property
    def name(self) -> str:
        return str(self).rstrip("/").rpartition("/")[2]


Place = Path | Url


def place_of(text: str | Path | Url) -> Place:
    """A path, or a URL where it looks like one; `file://` is a path."""
    if isinstance(text, Path | Url):
        return text
    if text.startswith("file:///"):
        return Path(text.removeprefix("file://"))
    return Url(text) if _URL.match(text) else Path(text)


def are_several(texts: Sequence[str]) -> bool:
    """Whether `texts` name several recordings. A folder or a pattern always does, so that the shape of the output does
    not change on the day that a second recording comes."""
    if len(texts) != 1:
        return True
    place = place_of(texts[0])
    if isinstance(place, Url):
        return bool(_PATTERN.search(place.text.partition("?")[0])) or _is_folder(place)
    return place.is_dir() or (bool(_PATTERN.search(texts[0])) and not place.exists())


def find(texts: Sequence[str]) -> list[Place]:
    """Every recording of `texts`, each once, in their order. The recordings of a folder (with the folders in it) and of
    a pattern are in order of their names.

    Raises InputError for a folder or pattern without any; SourceError for a folder of a URL that cannot be listed.
    """
    places: dict[Place, None] = {}
    for text in texts:
        places |= dict.fromkeys(_places(text))
    return list(places)


def _places(text: str) -> Iterator[Place]:
    place = place_of(text)
    if isinstance(place, Url):
        yield from _places_at(place)
        return
    if place.is_dir():
        inside = sorted(path for path in place.rglob("*") if _is_recording(path.relative_to(place).parts))
        yield from _or_refuse(
            [path for path in inside if path.is_file()], f"{place}: no recording in this folder"
        )
    elif _PATTERN.search(text) and not place.exists():
        matching = sorted(map(Path, glob.glob(text, recursive=True)))
        yield from _or_refuse([path for path in matching if path.is_file()], f"{text}: no file of this name")
    else:
        yield place


def _places_at(url: Url) -> Iterator[Place]:
    pattern = _PATTERN.search(url.text.partition("?")[0])
    if not pattern and not _is_folder(url):
        yield url
        return
    system, path = _system(url)
    try:
        names = system.glob(path) if pattern else system.find(path)
        accepted = _is_shown if pattern else _is_recording
        paths = sorted(name for name in names if accepted(name.removeprefix(path).strip("/").split("/")))
    except Exception as error:  # every file system raises its own
        raise SourceError(f"{url}: cannot be listed ({reason(error)})") from None
    yield from _or_refuse(
        [Url(system.unstrip_protocol(name)) for name in paths], f"{url}: no recording there"
    )


def _or_refuse(places: Sequence[Place], problem: str) -> Sequence[Place]:
    if not places:
        raise InputError(f"{problem}, expected some such as .mp4 or .mkv")
    return places


def _is_recording(parts: Sequence[str]) -> bool:
    """Whether a file is a recording, by its path in its folder; a hidden file is not."""
    return Path(parts[-1]).suffix.lower() in SUFFIXES and _is_shown(parts)


def _is_shown(parts: Sequence[str]) -> bool:
    return not any(part.startswith(".") for part in parts)


def _is_folder(url: Url) -> bool:
    """Whether a URL ends in a slash, or names no recording and is a folder there."""
    if url.text.endswith("/"):
        return True
    if Path(url.name).suffix.lower() in SUFFIXES:
        return False
    system, path = _system(url)
    try:
        return bool(system.isdir(path))
    except Exception:  # the error is reported when the URL is opened
        return False


def check(place: Place) -> None:
    """Raises SourceError where there is no file, or an empty one."""
    if isinstance(place, Url):
        return
    if not place.exists():
        raise SourceError(f"{place}: no such file")
    if place.is_dir():
        raise SourceError(f"{place}: is a folder, expected a video file")
    if place.stat().st_size == 0:
        raise SourceError(f"{place}: is empty, expected a video file")


def state_of(place: Place) -> str:
    """A text that differs from that of an earlier file at the same place: from its length and its time of change, or
    what a server gives in place of these. Raises SourceError."""
    try:
        if isinstance(place, Path):
            stat = place.stat()
            return f"{stat.st_size} {stat.st_mtime_ns}"
        system, path = _system(place)
        info = system.info(path)
        return " ".join(
            str(info.get(key)) for key in ("size", "ETag", "etag", "LastModified", "mtime", "created")
        )
    except Exception as error:
        raise SourceError(f"{place}: cannot be read ({reason(error)})") from None


class UrlFile:
    """The bytes of a URL, as PyAV reads a file. Where reading fails after some attempts the file ends early, with the
    reason in `problem`: PyAV accepts no error from a file."""

    def __init__(self, url: Url) -> None:
        """Raises SourceError when it cannot be opened."""
        self.problem: str | None = None
        system, path = _system(url)
        try:
            self._file = system.open(path, "rb")
        except Exception as error:
            raise SourceError(f"{url}: cannot be read ({reason(error)})") from None

    def read(self, size: int) -> bytes:
        at = self._file.tell()
        for pause_s in _PAUSES_S:
            try:
                content = bytes(self._file.read(size))
            except Exception as error:
                self.problem = reason(error)
                time.sleep(pause_s)
                self._file.seek(at)
            else:
                self.problem = None
                return content
        return b""

    def seek(self, offset: int, whence: int = 0) -> int:
        return int(self._file.seek(offset, whence))

    def tell(self) -> int:
        return int(self._file.tell())

    def close(self) -> None:
        self._file.close()


def reason(error: Exception) -> str:
    """An error of a library in a few words."""
    text = str(getattr(error, "strerror", None) or error).strip()
    return text.splitlines()[0].rstrip(".").lower()[:200] if text else type(error).__name__


def _system(url: Url) -> tuple[Any, str]:
    """The file system of `url`, and its path there."""
    try:
        import fsspec.core
    except ImportError:
        raise InputError(f"{url}: URLs need fsspec, install it with: pip install 'passerby[fleet]'") from None
    try:
        system, path = fsspec.core.url_to_fs(url.text)
    except (ImportError, ValueError) as error:
        raise InputError(f"{url}: {reason(error)}") from None
    return system, str(path)
