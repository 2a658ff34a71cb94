"""The database of released numbers, SQLite or PostgreSQL: open it, check its schema, migrate it.

Invariant: only `upgrade` changes a schema; the database itself stops read-only users from writing; no message contains
a password.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, create_engine, event, insert, make_url, text
from sqlalchemy.exc import SQLAlchemyError

from passerby.errors import StoreError
from passerby.publish.store.schema import STORE

BUSY_MS = 10_000
"""How long a write waits for the lock, and a read for its result, before it fails."""

_VERSION_TABLE = "store_version"
_READS = {"passerby_reads": True}


class Database:
    """An open database; each process opens its own. `name` is its path or URL without the password."""

    def __init__(self, engine: Engine, name: str) -> None:
        self._engine = engine
        self.name = name

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A read-only transaction. Raises StoreError."""
        with self._store_errors(), self._engine.connect() as connection:
            yield connection.execution_options(**_READS)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """An exclusive transaction, committed at the end of the block. Raises StoreError."""
        with self._store_errors(), self._engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(7277294)"))
            yield connection

    @contextmanager
    def _store_errors(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            raise StoreError(f"{self.name}: the store cannot be used ({_cause(error)})") from None


def open_database(where: str | Path, *, read_only: bool = False) -> Database:
    """Open the database at `where`: a path (SQLite) or a `postgresql://` URL.

    Raises StoreError, also if the schema is not that of this version: a service never migrates a database.
    """
    database = _database(where, read_only)
    if isinstance(where, Path) or "://" not in where:
        _expect_file(Path(where))
    try:
        with database.reading() as connection:
            revision = _revision(connection)
        if revision != _scripts().get_current_head():
            _refuse(database.name, revision)
    except StoreError:
        database.close()
        raise
    return database


def upgrade(where: str | Path) -> bool:
    """Create the store, or migrate its schema to this version. Returns true if anything changed.

    Raises StoreError, also for a store made by a later version.
    """
    database = _database(where, read_only=False)
    try:
        with database.writing() as connection:
            before = _revision(connection)
            if before == _scripts().get_current_head():
                return False
            if before is not None and before not in _known():
                _refuse(database.name, before)
            config = _config()
            config.attributes.update(connection=connection, version_table=_VERSION_TABLE)
            command.upgrade(config, "head")
            if before is None:
                connection.execute(
                    insert(STORE).values(id=1, name=uuid4().hex, revision=0, pruned_bin_ms=0, pruned_day_ms=0)
                )
            return True
    finally:
        database.close()


def exists(where: str | Path) -> bool:
    """True if there is a store, of any version. Raises StoreError if the database cannot be read."""
    if (isinstance(where, Path) or "://" not in where) and not Path(where).exists():
        return False
    database = _database(where, read_only=True)
    try:
        with database.reading() as connection:
            return _revision(connection) is not None
    finally:
        database.close()


def _database(where: str | Path, read_only: bool) -> Database:
    if isinstance(where, str) and "://" in where:
        url = _url(where)
        try:
            engine = create_engine(url, pool_pre_ping=True, isolation_level="READ COMMITTED")
        except (ImportError, SQLAlchemyError):
            raise StoreError(
                "PostgreSQL needs psycopg, install it with: pip install 'passerby[postgres]'"
            ) from None
        prepare, name = _prepare_postgresql, url.render_as_string(hide_password=True)
    else:
        path = Path(where)
        if path.is_dir() or not path.parent.is_dir():
            raise StoreError(f"{path}: expected the path of a file in an existing folder")
        engine = create_engine(URL.create("sqlite", database=str(path)))
        event.listen(engine, "begin", _begin)
        prepare, name = _prepare_sqlite, str(path)

    def connected(connection: Any, _: Any) -> None:
        prepare(connection, read_only)

    event.listen(engine, "connect", connected)
    return Database(engine, name)


def _url(where: str) -> URL:
    try:
        url = make_url(where)
        if url.drivername not in ("postgresql", "postgresql+psycopg"):
            raise ValueError
    except (ValueError, SQLAlchemyError):
        # The message does not repeat the URL: it may contain a password.
        raise StoreError(
            "the URL of the store: expected postgresql://USER@HOST/DATABASE, or a path for SQLite"
        ) from None
    return url.set(drivername="postgresql+psycopg").update_query_dict({"connect_timeout": "5"})


def _prepare_sqlite(connection: Any, read_only: bool) -> None:
    # `_begin` starts transactions, not the driver.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
    if read_only:
        cursor.execute("PRAGMA query_only = ON")
    else:
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin(connection: Connection) -> None:
    # Take the write lock before the first read, so that two writers cannot both see the same row as missing.
    reads = connection.get_execution_options().get("passerby_reads", False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _prepare_postgresql(connection: Any, read_only: bool) -> None:
    cursor = connection.cursor()
    cursor.execute("SET synchronous_commit TO on")
    cursor.execute(f"SET lock_timeout TO {BUSY_MS}")
    if read_only:
        cursor.execute("SET default_transaction_read_only TO on")
        cursor.execute(f"SET statement_timeout TO {BUSY_MS}")
    cursor.close()
    connection.commit()


def _expect_file(path: Path) -> None:
    if not path.is_file():
        raise StoreError(f"{path}: no store here; make one with `passerby db upgrade`")


def _refuse(name: str, revision: str | None) -> None:
    if revision is None:
        raise StoreError(f"{name}: no store here; make one with `passerby db upgrade`")
    if revision in _known():
        raise StoreError(f"{name}: made by an earlier version; run `passerby db upgrade`")
    raise StoreError(f"{name}: made by a later version of passerby; install that version")


def _revision(connection: Connection) -> str | None:
    context = MigrationContext.configure(connection, opts={"version_table": _VERSION_TABLE})
    return context.get_current_revision()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _known() -> set[str]:
    return {script.revision for script in _scripts().walk_revisions()}


def _cause(error: SQLAlchemyError) -> str:
    return str(getattr(error, "orig", None) or type(error).__name__).strip().split("\n")[0]
