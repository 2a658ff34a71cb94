"""The address of a database in a site file: a path, or a URL of PostgreSQL, which may hold a password.

Invariant: only `open_text` returns the address; no other text that is made of it holds more than its scheme.
"""

from dataclasses import dataclass
from pathlib import Path

from passerby.config.environment import holds_password, missing_variables, with_variables

_SCHEMES = ("postgresql", "postgresql+psycopg")


def database_problem(text: str) -> str | None:
    """The mistake in an address as it stands in a site file; None where there is none."""
    scheme, separator, _ = text.partition("://")
    if separator and "${" not in scheme and scheme not in _SCHEMES:
        return "found an address of no known kind, expected a path or postgresql://USER@HOST/DATABASE"
    return None


@dataclass(frozen=True, slots=True, repr=False)
class DatabaseAddress:
    """The value of the site file's `key`, which may name environment variables as ${NAME}. A path is relative to
    `folder`."""

    key: str
    text: str
    folder: Path

    def open_text(self) -> str:
        """The path or URL with its secrets. Raises SiteError for a variable that is not set."""
        text = with_variables(self.key, self.text)
        return text if "://" in text else str(self.folder / text)

    def missing(self) -> tuple[str, ...]:
        """The environment variables that it names and that are not set."""
        return missing_variables(self.text)

    @property
    def in_clear(self) -> bool:
        """Whether a password stands in the site file itself."""
        return holds_password(self.text)

    def __repr__(self) -> str:
        return "<DatabaseAddress>"
