"""One line of one camera, and ledgers for it: in SQLite and in PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

pytest.importorskip("opendp", reason="the extra `private` is not installed")
pytest.importorskip("sqlalchemy", reason="the extra `private` is not installed")

from sqlalchemy import create_engine, make_url, text

from passerby.domain.release import Cell
from passerby.domain.timespan import Span
from passerby.privacy.charge import FootageCharge
from passerby.privacy.database import open_ledger
from passerby.privacy.ledger import Ledger

BIN_MS = 900_000
CELL = Cell("north", "bridge", "in", "person")


def charge(
    number: int,
    epsilon_micro: int = 800_000,
    query: str = "bridge bins",
    *,
    epoch: int = 1,
    camera: str = "north",
    length: int = 1,
) -> FootageCharge:
    """The charge for `length` bins from bin `number` on, under the corridor policy of the design."""
    return FootageCharge(
        camera=camera,
        epoch=epoch,
        query=query,
        span=Span(number * BIN_MS, (number + length) * BIN_MS),
        cells=(Cell(camera, "bridge", "in", "person"),),
        epsilon_micro=epsilon_micro,
        rho_ms=6_000,
        k=2,
        chunk_ms=9_000,
        warmup_ms=2_000,
        cap=6,
    )


def begin(ledger: Ledger, camera: str = "north", configuration: str = "first", start_ms: int = 0) -> int:
    """An epoch of `camera` with a budget of epsilon 1."""
    return ledger.epoch(camera, configuration, start_ms, blackout_ms=17_000, budget_micro=1_000_000).number


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = open_ledger(tmp_path / "ledger.db", create=True)
    begin(opened)
    yield opened
    opened.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str | Path, Path]:
    """Where a new ledger can be made, and its mark: in each of the two databases."""
    mark = tmp_path / "ledger.mark"
    if request.param == "sqlite":
        return tmp_path / "ledger.db", mark
    url = make_url(request.getfixturevalue("server"))
    name = f"ledger_{uuid4().hex}"
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return url.set(database=name).render_as_string(hide_password=False), mark
