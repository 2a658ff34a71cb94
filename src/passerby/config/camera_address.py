"""Where a camera's pictures come from: an address, which may hold a password.

Invariant: only `open_text` tells it; no other text that is made of it holds more of it than its scheme.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from passerby.errors import SiteError

Kind = Literal["rtsp", "http", "v4l2", "file"]
Transport = Literal["tcp", "udp"]
TRANSPORTS: tuple[Transport, ...] = get_args(Transport)

_KINDS: dict[str, Kind] = {
    "rtsp": "rtsp",
    "rtsps": "rtsp",
    "http": "http",
    "https": "http",
    "v4l2": "v4l2",
    "file": "file",
}
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_CLEAR_PASSWORD = re.compile(r"://[^/@\s]*:(?!\$\{)[^/@\s]+@")


def kind_of(address: str) -> Kind | None:
    """What kind of camera an address names: by its scheme, never by what it says further."""
    scheme, separator, _ = address.partition("://")
    if separator:
        return _KINDS.get(scheme.lower())
    return "v4l2" if address.startswith("/dev/video") else "file"


def problem_of(text: str) -> str | None:
    """What is wrong with an address as it stands in a site file, or None; what a variable hides is not judged."""
    scheme, _, _ = text.partition("://")
    if kind_of(text) is None and "${" not in scheme:
        known = ", ".join(f"{scheme}://" for scheme in _KINDS)
        return f"found an address of no known kind, expected a path or one of {known}"
    return None


@dataclass(frozen=True, slots=True, repr=False)
class Address:
    """Where a camera's pictures come from; may hold a password, so only `open_text` tells it.

    `text` may name environment variables as ${NAME}; or `file` holds the text. The path of a recording is
    relative to `folder`.
    """

    text: str | None
    file: Path | None = None
    folder: Path = Path()

    def open_text(self) -> str:
        """The address with its secrets. Raises SiteError for a variable not set or a file not readable."""
        if self.file is not None:
            try:
                text = self.file.read_text(encoding="utf-8").strip()
            except (OSError, ValueError):
                raise SiteError([f"{self.file}: the address of a camera could not be read from it"]) from None
        else:
            if missing := self.missing():
                raise SiteError([f"source: the environment variable {name} is not set" for name in missing])
            text = _VARIABLE.sub(lambda found: os.environ[found[1]], self.text or "")
        return text if "://" in text or not text else str(self.folder / text)

    def missing(self) -> tuple[str, ...]:
        """The environment variables that it names and that are not set."""
        return tuple(name for name in _VARIABLE.findall(self.text or "") if name not in os.environ)

    @property
    def in_clear(self) -> bool:
        """Whether a password stands in the site file itself."""
        return self.text is not None and _CLEAR_PASSWORD.search(self.text) is not None

    def __repr__(self) -> str:
        return "<Address>"
