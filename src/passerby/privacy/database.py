"""Opens a ledger in SQLite or PostgreSQL, and creates one where there is none.

Invariant: durable before fast: WAL and synchronous FULL, BEGIN IMMEDIATE; PostgreSQL with fsync and synchronous commit.
"""

import os
from pathlib import Path
from typing import Any
from uuid import uuid4

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, insert, make_url, text
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from passerby.errors import LedgerError
from passerby.privacy.entries import HEAD, genesis
from passerby.privacy.high_water_mark import raise_mark, read_mark
from passerby.privacy.ledger import Ledger

BUSY_MS = 30_000
"""A process waits so long for its turn before it gives up."""


def open_ledger(where: str | Path, mark: Path | None = None, *, create: bool = False) -> Ledger:
    """The ledger at `where`: a path (SQLite) or a `postgresql+psycopg://` URL.

    `mark` is its high-water mark; beside a SQLite file it is `FILE.mark` by default, and for PostgreSQL it has to be
    given. Keep it out of the backups of the ledger: it shows that a backup was restored. `create` creates the ledger
    where there is none, and never where a mark shows that there was one. Raises LedgerError.
    """
    return _open(where, mark, create=create, anew=False)


def seal_ledger(where: str | Path, mark: Path | None = None, *, before_ms: int) -> Ledger:
    """The way back after a restored backup, or where a broken ledger was moved away.

    Opens or creates the ledger, and gives up for ever every release that a segment which starts before `before_ms`
    (Unix ms UTC) could touch. Charges that the ledger has forgotten lie before now, so give up all time before now.
    Raises LedgerError.
    """
    ledger = _open(where, mark, create=True, anew=True)
    ledger.seal(before_ms)
    return ledger


def _open(where: str | Path, mark: Path | None, *, create: bool, anew: bool) -> Ledger:
    engine, name, beside = _engine(where, create)
    mark = mark or beside
    if mark is None:
        raise LedgerError(f"{name}: expected a file for the high-water mark of a ledger in a database server")
    if beside is not None and not create and not Path(where).is_file():
        raise LedgerError(
            f"{name}: no ledger here, expected the file of a ledger; the first private release creates it"
        )
    try:
        with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                _check_server(connection, name)
            if _migrate(connection, name, create and (anew or read_mark(mark) is None)):
                first = genesis(uuid4().hex)
                connection.execute(
                    insert(HEAD).values(id=1, ledger=first.ledger, number=first.number, hash=first.hash)
                )
            else:
                first = None
    except SQLAlchemyError as error:
        cause = str(getattr(error, "orig", None) or type(error).__name__).strip().split("\n")[0]
        raise LedgerError(f"{name}: the ledger cannot be opened ({cause}); all releases stop") from None
    if first is not None and not anew:
        raise_mark(mark, first)
    return Ledger(engine, name, mark)


def _make_private(path: Path) -> None:
    """Make a file that only its owner can read, where there is none; SQLite's own files beside it take its mode."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except OSError:
        # It is there, or it cannot be made, which SQLite then reports.
        return


def _engine(where: str | Path, create: bool) -> tuple[Engine, str, Path | None]:
    if isinstance(where, str) and "://" in where:
        try:
            url = make_url(where)
            if url.get_backend_name() != "postgresql":
                raise LedgerError("a ledger's URL: expected postgresql+psycopg://, or a path for SQLite")
            # A process that forks must not share a connection, so none is kept.
            engine = create_engine(url, poolclass=NullPool, isolation_level="READ COMMITTED")
        except (ArgumentError, ImportError, SQLAlchemyError):
            raise LedgerError("a ledger's URL: expected postgresql+psycopg://USER@HOST/DATABASE") from None
        event.listen(engine, "connect", _prepare_postgresql)
        return engine, url.render_as_string(hide_password=True), None
    path = Path(where)
    if create:
        _make_private(path)
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_immediate)
    return engine, str(path), path.with_name(path.name + ".mark")


def _prepare_sqlite(connection: Any, _: Any) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.close()


def _begin_immediate(connection: Connection) -> None:
    # The write lock comes before the first read: read first, and two processes are granted one slot.
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _prepare_postgresql(connection: Any, _: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("SET synchronous_commit TO on")
    cursor.execute(f"SET lock_timeout TO {BUSY_MS}")
    cursor.close()
    connection.commit()


def _check_server(connection: Connection, name: str) -> None:
    if connection.scalar(text("SHOW fsync")) != "on":
        raise LedgerError(
            f"{name}: the server does not wait for its disk (fsync is off): expected fsync = on"
        )


def _migrate(connection: Connection, name: str, create: bool) -> bool:
    """Bring the tables up to date; True when they were made. Raises LedgerError when there may be none to make."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    config.attributes["connection"] = connection
    scripts = ScriptDirectory.from_config(config)
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(7277293)"))
    revision = MigrationContext.configure(connection).get_current_revision()
    if revision is None and not create:
        raise LedgerError(
            f"{name}: no ledger here, or its high-water mark shows that one was lost; expected a ledger"
        )
    if revision is not None and revision not in {script.revision for script in scripts.walk_revisions()}:
        raise LedgerError(f"{name}: a ledger made by a later version of passerby")
    if revision != scripts.get_current_head():
        command.upgrade(config, "head")
    return revision is None
