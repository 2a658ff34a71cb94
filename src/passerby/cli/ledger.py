"""`passerby ledger`: the releases and their price; and the way back when the ledger cannot be trusted.

Invariant: nothing but `seal` changes a ledger, and nothing is ever taken back.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from passerby.cli.database import loaded_site, needs, site_option
from passerby.cli.group import note, write_out
from passerby.cli.options import grouped
from passerby.errors import InputError, OutputError

if TYPE_CHECKING:
    from passerby.config.site import Site
    from passerby.privacy.high_water_mark import Mark
    from passerby.privacy.ledger import Ledger

_NAME = "ledger.db"
_ledger_option = click.option(
    "--ledger",
    metavar="FILE|URL",
    envvar="PASSERBY_LEDGER",
    show_envvar=True,
    help="The ledger: a file (SQLite) or postgresql+psycopg://USER@HOST/DATABASE; by default the key `ledger` of the "
    f"site file, else {_NAME} beside the site file, else {_NAME} in the user's data folder.",
)
_mark_option = click.option(
    "--mark",
    type=click.Path(path_type=Path),
    help="The ledger's high-water mark, kept out of its backups; by default the key `mark` of the site file, else "
    "FILE.mark.",
)


@dataclass(frozen=True, slots=True)
class LedgerOptions:
    """The ledger and its high-water mark; None where the site file or the default says."""

    ledger: str | None
    mark: Path | None


@dataclass(frozen=True, slots=True)
class LedgerSiteOptions(LedgerOptions):
    """The same, of a command that has no site file as its argument."""

    site_file: Path | None


@dataclass(frozen=True, slots=True)
class LedgerLocation:
    """A path or URL of a ledger, and its high-water mark where that is not beside it."""

    where: str
    mark: Path | None


ledger_options = grouped(LedgerOptions, "ledger", _ledger_option, _mark_option)
_ledger_site_options = grouped(LedgerSiteOptions, "ledger", _ledger_option, _mark_option, site_option)


@contextmanager
def opened(options: LedgerOptions, site: "Site | None", *, create: bool = False) -> "Iterator[Ledger]":
    """The ledger of the options, closed after the block. Raises LedgerError, InputError, OutputError, SiteError."""
    with needs("private"):
        from passerby.privacy.database import open_ledger
    location = ledger_of(options, site, create=create)
    ledger = open_ledger(location.where, location.mark, create=create)
    try:
        yield ledger
    finally:
        ledger.close()


def ledger_of(options: LedgerOptions, site: "Site | None", *, create: bool) -> LedgerLocation:
    """The ledger of the options, else of the site file, else the default; with `create` its folder is made.

    Raises SiteError, OutputError.
    """
    mark = options.mark or (None if site is None else site.mark)
    if options.ledger is not None:
        return LedgerLocation(options.ledger, mark)
    if site is not None and site.ledger is not None:
        return LedgerLocation(site.ledger.open_text(), mark)
    import platformdirs

    folder = platformdirs.user_data_path("passerby")
    if site is not None:
        beside, own = site.path.parent / _NAME, folder / _NAME
        # An earlier version kept the ledger of every site in the user's data folder: its prices still count.
        if _exists(beside) or not _exists(own):
            return LedgerLocation(str(beside), mark)
        note(
            f"warning: the ledger is {own}; name it in {site.path} with `ledger: {own}`, or move it beside that"
        )
    try:
        if create:
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: could not be made: {error.strerror or error}") from None
    return LedgerLocation(str(folder / _NAME), mark)


def _exists(ledger: Path) -> bool:
    """Whether there is a ledger, or was one: its mark stays where only the ledger is lost."""
    return ledger.exists() or ledger.with_name(f"{ledger.name}.mark").exists()


@click.group(short_help="Show what was released, and its price.")
def ledger() -> None:
    """The ledger of all releases: show it, verify its chain, export it, or start again after a loss."""


@ledger.command()
@_ledger_site_options
def show(ledger: LedgerSiteOptions) -> None:
    """Show for each camera what was released, and the highest price for a person at any moment."""
    with opened(ledger, loaded_site(ledger.site_file)) as book:
        from passerby.privacy import ledger_report

        write_out("".join(f"{line}\n" for line in ledger_report.show(book)))


@ledger.command()
@_ledger_site_options
@click.option(
    "--receipts",
    type=click.Path(path_type=Path),
    help="A file of published receipts, one on a line: each has to be in the ledger.",
)
@click.option(
    "--heads",
    type=click.Path(path_type=Path),
    help="A file of heads that were kept, one on a line: the ledger has to go on from each.",
)
def verify(ledger: LedgerSiteOptions, receipts: Path | None, heads: Path | None) -> None:
    """Verify the chain from its first entry to its last."""
    known: list[str] = []
    if receipts is not None:
        try:
            known = receipts.read_text("ascii").split()
        except (OSError, UnicodeDecodeError):
            raise InputError(f"--receipts {receipts}: could not be read as a list of receipts") from None
    with opened(ledger, loaded_site(ledger.site_file)) as book:
        from passerby.privacy import ledger_report

        write_out(f"{ledger_report.verify(book, known, _heads_of(heads))}\n")


def _heads_of(path: Path | None) -> "list[Mark]":
    """The heads of a file, after their signatures were verified. Raises InputError."""
    if path is None:
        return []
    with needs("private"):
        from passerby.privacy import signed_head
    try:
        lines = path.read_text("ascii").splitlines()
    except (OSError, UnicodeDecodeError):
        raise InputError(f"--heads {path}: could not be read as a list of heads") from None
    found = []
    for number, line in enumerate(lines, 1):
        try:
            found.append(signed_head.read(line).mark)
        except InputError as error:
            raise InputError(f"--heads {path}:{number}: {error}") from None
    return found


@ledger.command()
@_ledger_site_options
def head(ledger: LedgerSiteOptions) -> None:
    """Print the signed head: keep it elsewhere, every day, to prove later that the past was not rewritten."""
    with opened(ledger, loaded_site(ledger.site_file)) as book:
        from passerby.privacy import signed_head

        write_out(f"{signed_head.sign(book.head(), int(time.time() * 1000), book.key_file)}\n")


@ledger.command()
@_ledger_site_options
def export(ledger: LedgerSiteOptions) -> None:
    """Write every entry as a line of JSON, oldest first."""
    with opened(ledger, loaded_site(ledger.site_file)) as book:
        from passerby.privacy import ledger_report

        for line in ledger_report.export(book):
            write_out(f"{line}\n")


@ledger.command()
@_ledger_site_options
@click.confirmation_option(prompt="All time before now can then never be released. Go on?")
def seal(ledger: LedgerSiteOptions) -> None:
    """Give up all time before now, for ever: the way back after a restored backup or a broken ledger.

    A ledger whose chain is broken has to be moved away first.
    """
    with needs("private"):
        from passerby.privacy.database import seal_ledger
    location = ledger_of(ledger, loaded_site(ledger.site_file), create=True)
    seal_ledger(location.where, location.mark, before_ms=int(time.time() * 1000)).close()
    write_out("sealed: nothing before now can be released\n")
