"""Environment variables in the addresses of a site file, so that a password does not stand in the file.

Invariant: no error shows the value of a variable.
"""

import os
import re

from passerby.errors import SiteError

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_CLEAR_PASSWORD = re.compile(r"://[^/@\s]*:(?!\$\{)[^/@\s]+@")


def missing_variables(text: str) -> tuple[str, ...]:
    """The environment variables that `text` names as ${NAME} and that are not set."""
    return tuple(name for name in _VARIABLE.findall(text) if name not in os.environ)


def with_variables(key: str, text: str) -> str:
    """`text` with the values of its variables. Raises SiteError, naming `key`, for a variable that is not set."""
    if missing := missing_variables(text):
        raise SiteError([f"{key}: the environment variable {name} is not set" for name in missing])
    return _VARIABLE.sub(lambda match: os.environ[match[1]], text)


def holds_password(text: str) -> bool:
    """Whether a password stands in `text` itself."""
    return _CLEAR_PASSWORD.search(text) is not None
