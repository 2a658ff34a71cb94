"""The state of a site that runs on another machine, read from its store.

Invariant: the store is a real database.
"""

from contextlib import closing
from pathlib import Path

import pytest

pytest.importorskip("sqlalchemy", reason="the extra `web` is not installed")

from passerby.console import site_state
from passerby.console.site_state import SILENT_MS, CameraState
from passerby.publish.store.database import upgrade
from passerby.publish.store.releases import Health, open_store

NOW = 1_790_000_000_000


def test_health_is_that_of_the_store_and_old_health_means_not_running(tmp_path: Path) -> None:
    database = str(tmp_path / "releases.db")
    assert site_state.by_store(database, NOW) is None
    upgrade(database)
    assert site_state.by_store(database, NOW) is None
    with closing(open_store(database)) as store:
        store.report(
            [Health("north", False, "stalled", NOW - 9_000, NOW), Health("south", True, "live", 5, 6)]
        )

    state = site_state.by_store(database, NOW + SILENT_MS - 1)

    assert state is not None
    assert state.runs
    assert state.cameras["north"] == CameraState("north", False, "stalled", NOW - 9_000)
    later = site_state.by_store(database, NOW + SILENT_MS)
    assert later is not None
    assert not later.runs


def test_an_invalid_ledger_is_an_error(tmp_path: Path) -> None:
    broken = tmp_path / "ledger.db"
    assert site_state.accounts(str(broken), None) == {}
    broken.write_text("no ledger")

    problem = site_state.accounts(str(broken), None)

    assert isinstance(problem, str)
    assert "ledger.db" in problem
    assert broken.read_text() == "no ledger"
