"""The address of a camera's stream, which may hold a password.

Invariant: only `open_text` returns the address; no other text that is made of it holds more than its scheme.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from passerby.config.environment import holds_password, missing_variables, with_variables
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


def kind_of(address: str) -> Kind | None:
    """The kind of camera, by the scheme of its address alone; None where that is not known."""
    scheme, separator, _ = address.partition("://")
    if separator:
        return _KINDS.get(scheme.lower())
    return "v4l2" if address.startswith("/dev/video") else "file"


def problem_of(text: str) -> str | None:
    """The mistake in an address as it stands in a site file, or None. The value of a variable is not checked."""
    scheme, _, _ = text.partition("://")
    if kind_of(text) is None and "${" not in scheme:
        known = ", ".join(f"{scheme}://" for scheme in _KINDS)
        return f"found an address of no known kind, expected a path or one of {known}"
    return None


@dataclass(frozen=True, slots=True, repr=False)
class Address:
    """Of a camera's stream; it may hold a password, so only `open_text` returns it.

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
            text = with_variables("source", self.text or "")
        return text if "://" in text or not text else str(self.folder / text)

    def missing(self) -> tuple[str, ...]:
        """The environment variables that it names and that are not set."""
        return missing_variables(self.text or "")

    @property
    def in_clear(self) -> bool:
        """Whether a password stands in the site file itself."""
        return self.text is not None and holds_password(self.text)

    def __repr__(self) -> str:
        return "<Address>"
