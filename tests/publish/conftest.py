"""A store of released numbers, in SQLite and in PostgreSQL, and releases to fill it with."""

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("sqlalchemy", reason="the extra `web` is not installed")

from sqlalchemy import create_engine, text

from passerby.domain.release import Cell, Release
from passerby.publish.store.database import upgrade
from passerby.publish.store.releases import Store, open_store

BIN_MS = 900_000
ZONE = "Europe/Copenhagen"
# Midnight of Monday 2026-11-23 in Copenhagen.
MIDNIGHT_MS = 1_795_388_400_000
PERSON = Cell("north", "bridge", "in", "person")


def release(
    number: int = 0,
    value: int = 5,
    cell: Cell = PERSON,
    *,
    start_ms: int = MIDNIGHT_MS,
    length_ms: int = BIN_MS,
    noise_scale: float = 30.0,
    coverage: float = 1.0,
    sender_clock: float | None = None,
) -> Release:
    """The release of bin `number` after `start_ms`."""
    begin = start_ms + number * length_ms
    receipt = f"receipt {begin}"
    return Release(cell, begin, begin + length_ms, value, noise_scale, 0.8, coverage, receipt, sender_clock)


def a_day(cells: tuple[Cell, ...] = (PERSON,), start_ms: int = MIDNIGHT_MS) -> list[Release]:
    """Quarter-hours of a whole day."""
    return [
        release(number, number % 7 - 2, cell, start_ms=start_ms) for number in range(96) for cell in cells
    ]


def fresh_database(server: str) -> str:
    """The only database of the server, emptied: creating another one for each test takes a second."""
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        others = "datname = current_database() AND pid <> pg_backend_pid()"
        connection.execute(text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}"))
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()
    return server


@pytest.fixture(params=["sqlite", "postgresql"])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The path or URL of a new store, in each of the two databases."""
    if request.param == "sqlite":
        return str(tmp_path / "releases.db")
    return fresh_database(request.getfixturevalue("server"))


@pytest.fixture
def store(location: str) -> Iterator[Store]:
    """An empty store, in each of the two databases."""
    upgrade(location)
    opened = open_store(location, ZONE)
    yield opened
    opened.close()
