"""What other parts of passerby know of the site: health, budgets, keys of the API.

Invariant: reads, and makes and revokes keys; nothing else is changed. What is not there yet is told as such.
"""

from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from passerby.errors import PasserbyError, StoreError
from passerby.privacy import statement
from passerby.privacy.database import open_ledger
from passerby.privacy.statement import Account
from passerby.publish.api import keys
from passerby.publish.api.keys import Key, Scope
from passerby.publish.store.database import open_database
from passerby.publish.store.releases import open_store

SILENT_MS = 120_000
"""Health that is older than this is no news: nobody is running the site."""


@dataclass(frozen=True, slots=True)
class CameraState:
    """A camera as whoever runs the site told last: its link since `since_ms` (Unix ms UTC) and a class of reasons,
    frames a second, the share of today with frames, and epsilon left of the budget; None where it is not told."""

    camera: str
    up: bool
    reason: str
    since_ms: int
    fps: float | None = None
    covered: float | None = None
    epsilon_left: float | None = None
    epsilon_budget: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class SiteState:
    """The cameras as told at `told_ms` (Unix ms UTC), whether somebody runs the site, and lines for people."""

    told_ms: int
    runs: bool
    cameras: Mapping[str, CameraState]
    problems: tuple[str, ...] = ()


def by_store(database: str, now_ms: int) -> SiteState | None:
    """What stands in the store of releases of a site that is run elsewhere; None where there is none yet."""
    with suppress(StoreError), closing(open_store(database, read_only=True)) as store:
        health = store.health()
        if health:
            told_ms = max(one.seen_ms for one in health)
            cameras = {
                one.camera: CameraState(one.camera, one.up, one.reason, one.since_ms) for one in health
            }
            return SiteState(told_ms, now_ms - told_ms < SILENT_MS, cameras)
    return None


def accounts(ledger: str, mark: Path | None) -> dict[str, Account] | str:
    """The account of each camera, or why the ledger does not tell. Reading tries the whole chain, and keeps whoever
    pays waiting: it is done when somebody asks for it, and not to fill a page."""
    if "://" not in ledger and not Path(ledger).exists():
        return {}
    try:
        with closing(open_ledger(ledger, mark)) as book:
            return {one.camera: one for one in statement.accounts(book)}
    except PasserbyError as error:
        return str(error)


def api_keys(database: str) -> tuple[Key, ...]:
    """Raises StoreError."""
    with closing(open_database(database, read_only=True)) as store:
        return keys.listed(store)


def new_key(database: str, name: str, scopes: tuple[Scope, ...], now_ms: int, expires_ms: int | None) -> str:
    """Raises InputError, StoreError."""
    with closing(open_database(database)) as store:
        return keys.create(store, name, scopes, now_ms, expires_ms)


def revoke_key(database: str, id_: str, now_ms: int) -> None:
    """Raises InputError, StoreError."""
    with closing(open_database(database)) as store:
        keys.revoke(store, id_, now_ms)
