"""Open bins and days, kept in memory that outlives a process: a run that is killed continues where it stopped.

Invariant: nothing here touches a disk; a folder that is not in memory is refused, and bins that were released are gone
from it.

The folder lies on a tmpfs: /run for a service, else the user's runtime folder or /dev/shm. It does not outlive the
machine: after a power cut the counts of an open bin so far are lost, and the rest of the bin is released.
"""

import json
import os
import stat
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

from passerby.errors import OutputError, PasserbyError
from passerby.privacy.open_bins import OpenBin, from_plain, to_plain

_MEMORY = frozenset({"tmpfs", "ramfs"})
_MOUNTS = Path("/proc/self/mountinfo")


class TmpfsStore:
    """The folder of one site, made for its user alone. Raises OutputError where that cannot be done."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            found = folder.lstat()
        except OSError as error:
            raise OutputError(f"{folder}: could not be made: {error.strerror or error}") from None
        # /dev/shm is everybody's.
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
            raise OutputError(f"{folder}: expected a folder of this user alone")
        if not is_memory(folder):
            raise OutputError(f"{folder}: on a disk, expected a folder in memory (tmpfs)")

    def save(self, camera: str, open_bins: Iterable[OpenBin]) -> None:
        """Replace all that is kept of a camera. Raises OutputError."""
        path = self._path(camera)
        kept = [to_plain(open_bin) for open_bin in open_bins]
        try:
            if not kept:
                path.unlink(missing_ok=True)
                return
            beside = path.with_suffix(".new")
            beside.write_text(json.dumps(kept), encoding="utf-8")
            beside.replace(path)
        except OSError as error:
            raise OutputError(f"{path}: could not be written: {error.strerror or error}") from None

    def load(self) -> list[OpenBin]:
        """All open bins that are kept and can be read."""
        open_bins: list[OpenBin] = []
        for path in sorted(self._folder.glob("*.json")):
            try:
                open_bins += [from_plain(plain) for plain in json.loads(path.read_text(encoding="utf-8"))]
            except (OSError, ValueError, TypeError, KeyError, PasserbyError):
                continue
        return open_bins

    def _path(self, camera: str) -> Path:
        # A name may be longer than a file's may be.
        return self._folder / f"{sha256(camera.encode()).hexdigest()[:16]}-{quote(camera, safe='')[:80]}.json"


def folder_of(state: Path) -> Path:
    """The folder in memory for the site of this state folder."""
    named = sha256(str(state.resolve()).encode()).hexdigest()[:16]
    for variable in ("RUNTIME_DIRECTORY", "XDG_RUNTIME_DIR"):
        given = os.environ.get(variable, "").partition(":")[0]
        if given and is_memory(Path(given)) and os.access(given, os.W_OK):
            return Path(given) / f"passerby-{named}"
    return Path("/dev/shm") / f"passerby-{os.geteuid()}-{named}"


def is_memory(folder: Path) -> bool:
    """Whether the folder, or the first one above it that exists, lies on a tmpfs."""
    try:
        mounts = _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
        real = folder.resolve()
    except OSError:
        return False
    best, kind = -1, ""
    for mount in mounts:
        before, _, after = mount.partition(" - ")
        point = Path(before.split()[4].encode().decode("unicode_escape"))
        if real.is_relative_to(point) and len(point.parts) >= best:
            best, kind = len(point.parts), after.split()[0]
    return kind in _MEMORY
