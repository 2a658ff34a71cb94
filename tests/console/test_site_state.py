"""How a site is run elsewhere, read from the store that it writes to.

Invariant: the store is a real one.
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


def test_health_is_that_of_the_store_and_silence_is_told(tmp_path: Path) -> None:
    where = str(tmp_path / "releases.db")
    assert site_state.by_store(where, NOW) is None
    upgrade(where)
    assert site_state.by_store(where, NOW) is None
    with closing(open_store(where)) as store:
        store.report(
            [Health("north", False, "stalled", NOW - 9_000, NOW), Health("south", True, "live", 5, 6)]
        )

    state = site_state.by_store(where, NOW + SILENT_MS - 1)

    assert state is not None
    assert state.runs
    assert state.cameras["north"] == CameraState("north", False, "stalled", NOW - 9_000)
    later = site_state.by_store(where, NOW + SILENT_MS)
    assert later is not None
    assert not later.runs


def test_a_ledger_that_cannot_be_trusted_is_told(tmp_path: Path) -> None:
    broken = tmp_path / "ledger.db"
    assert site_state.accounts(str(broken), None) == {}
    broken.write_text("no ledger")

    told = site_state.accounts(str(broken), None)

    assert isinstance(told, str)
    assert "ledger.db" in told
    assert broken.read_text() == "no ledger"
