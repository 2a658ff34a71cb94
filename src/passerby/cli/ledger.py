"""`passerby ledger`: what was told and what it cost; and the way back when the ledger cannot be trusted.

Invariant: nothing but `seal` changes a ledger, and nothing is ever taken back.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from passerby.cli.database import needs
from passerby.cli.group import write_out

if TYPE_CHECKING:
    from passerby.privacy.ledger import Ledger


def ledger_options_as(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """--ledger, given to the command as `name`, and --mark."""
    options = (
        click.option(
            "--ledger",
            name,
            metavar="FILE|URL",
            envvar="PASSERBY_LEDGER",
            show_envvar=True,
            help="The ledger: a file (SQLite) or postgresql+psycopg://USER@HOST/DATABASE; by default ledger.db in the "
            "user's data folder.",
        ),
        click.option(
            "--mark",
            type=click.Path(path_type=Path),
            help="The ledger's high-water mark, kept out of its backups; by default FILE.mark.",
        ),
    )

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


ledger_options = ledger_options_as("where")


@contextmanager
def opened(where: str | None, mark: Path | None, *, create: bool = False) -> "Iterator[Ledger]":
    """The ledger of the options, closed after the block. Raises LedgerError, InputError, OutputError."""
    with needs("private"):
        from passerby.privacy.database import open_ledger
    ledger = open_ledger(place_of(where, create), mark, create=create)
    try:
        yield ledger
    finally:
        ledger.close()


def place_of(where: str | None, create: bool) -> str:
    """Where the ledger is, `where` or the user's own; with `create` its folder is made. Raises OutputError."""
    if where is not None:
        return where
    import platformdirs

    from passerby.errors import OutputError

    folder = platformdirs.user_data_path("passerby")
    try:
        if create:
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: could not be made: {error.strerror or error}") from None
    return str(folder / "ledger.db")


@click.group(short_help="What was told, and what it cost.")
def ledger() -> None:
    """The ledger of all that was released: show it, try its chain, write it out, or start again after a loss."""


@ledger.command()
@ledger_options
def show(where: str | None, mark: Path | None) -> None:
    """Say of each camera what was asked of it, and what that cost who passed at the most costly moment."""
    with opened(where, mark) as book:
        from passerby.privacy import statement

        write_out("".join(f"{line}\n" for line in statement.show(book)))


@ledger.command()
@ledger_options
@click.option(
    "--receipts",
    type=click.Path(path_type=Path),
    help="A file of receipts that were published, one on a line: each has to be in the ledger.",
)
def verify(where: str | None, mark: Path | None, receipts: Path | None) -> None:
    """Try the chain from its first entry to its last."""
    from passerby.errors import InputError

    known: list[str] = []
    if receipts is not None:
        try:
            known = receipts.read_text("ascii").split()
        except (OSError, UnicodeDecodeError):
            raise InputError(f"--receipts {receipts}: could not be read as a list of receipts") from None
    with opened(where, mark) as book:
        from passerby.privacy import statement

        write_out(f"{statement.verify(book, known)}\n")


@ledger.command()
@ledger_options
def export(where: str | None, mark: Path | None) -> None:
    """Write every entry as a line of JSON, oldest first."""
    with opened(where, mark) as book:
        from passerby.privacy import statement

        for line in statement.export(book):
            write_out(f"{line}\n")


@ledger.command()
@ledger_options
@click.confirmation_option(prompt="All time before now can then never be released. Go on?")
def seal(where: str | None, mark: Path | None) -> None:
    """Give up all time before now, for ever: the way back after a restored backup or a broken ledger.

    A ledger whose chain is broken has to be moved away first.
    """
    with needs("private"):
        from passerby.privacy.database import seal_ledger
    place = place_of(where, create=True)
    seal_ledger(place, mark, before_ms=int(time.time() * 1000)).close()
    write_out("sealed: nothing before now can be released\n")
