"""The store of releases: the options that name it, and the packages that commands need.

Invariant: a package that is not installed is named, with the line that installs it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from passerby.cli.options import grouped
from passerby.errors import InputError

if TYPE_CHECKING:
    from passerby.config.site import Site

DEFAULT_STORE = "releases.db"

database_option = click.option(
    "--database",
    metavar="FILE|URL",
    envvar="PASSERBY_DATABASE",
    show_envvar=True,
    help="The store of releases: a file (SQLite) or postgresql://USER@HOST/DATABASE; by default the key `store` of the "
    f"site file, else {DEFAULT_STORE}. Give a password in the environment, where other users cannot read it.",
)
site_option = click.option(
    "--site",
    "site_file",
    type=click.Path(path_type=Path),
    help="A site file, which can name the store, the ledger and its mark.",
)


@dataclass(frozen=True, slots=True)
class StoreOptions:
    """The store of a command that has no site file as its argument."""

    database: str | None
    site_file: Path | None

    @property
    def location(self) -> str:
        """The path or URL of the store. Raises SiteError."""
        return store_of(self.database, loaded_site(self.site_file))


store_options = grouped(StoreOptions, "store", database_option, site_option)


def loaded_site(path: Path | None) -> "Site | None":
    """The site of a file; None where no file is given. Raises SiteError."""
    if path is None:
        return None
    from passerby.config.site import load

    return load(path)


def store_of(given: str | None, site: "Site | None") -> str:
    """The path or URL of the store: `given`, else as the site file names it, else the default. Raises SiteError."""
    if given is not None:
        return given
    return DEFAULT_STORE if site is None or site.store is None else site.store.open_text()


@contextmanager
def needs(extra: str) -> Iterator[None]:
    """Around imports. Raises InputError for a package that is not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise InputError(
            f"this needs {error.name}, install it with: pip install 'passerby[{extra}]'"
        ) from None
