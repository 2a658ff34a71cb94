"""Which store of releases: the option that all its commands share, and what they need installed.

Invariant: what is not installed is told by name, with the line that installs it.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from passerby.errors import InputError

database_option = click.option(
    "--database",
    "where",
    metavar="FILE|URL",
    envvar="PASSERBY_DATABASE",
    show_envvar=True,
    default="releases.db",
    show_default=True,
    help="The store of releases: a file (SQLite) or postgresql://USER@HOST/DATABASE. A password is better given in "
    "the environment, where other users cannot read it.",
)


@contextmanager
def needs(extra: str) -> Iterator[None]:
    """Around imports. Raises InputError for a package that is not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise InputError(
            f"this needs {error.name}, install it with: pip install 'passerby[{extra}]'"
        ) from None
