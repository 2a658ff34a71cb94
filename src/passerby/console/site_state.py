"""The state of the site that other parts of passerby keep: health, budgets and API keys.

Invariant: reads only, except that it makes and revokes API keys; a missing file is not an error.
"""

from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from passerby.errors import PasserbyError, StoreError
from passerby.privacy import ledger_report
from passerby.privacy.database import open_ledger
from passerby.privacy.ledger_report import Account
from passerby.publish.api import keys
from passerby.publish.api.keys import Key, Scope
from passerby.publish.store.database import open_database
from passerby.publish.store.releases import open_store

SILENT_MS = 120_000
"""Health that is older than this means that the site is not running."""


@dataclass(frozen=True, slots=True)
class CameraState:
    """The last reported state of a camera.

    `up` and `reason` are its link health since `since_ms` (Unix ms UTC); `covered` is the share of today with frames,
    0..1; `epsilon_left` of `epsilon_budget` is not spent for people who pass now. None if unknown."""

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
    """The state of the cameras at `reported_ms` (Unix ms UTC), whether the site runs, and problems as texts."""

    reported_ms: int
    runs: bool
    cameras: Mapping[str, CameraState]
    problems: tuple[str, ...] = ()


def by_store(database: str, now_ms: int) -> SiteState | None:
    """The state in the store of releases of a site that runs on another machine; None if there is none yet."""
    with suppress(StoreError), closing(open_store(database, read_only=True)) as store:
        health = store.health()
        if health:
            reported_ms = max(camera.seen_ms for camera in health)
            cameras = {
                camera.camera: CameraState(camera.camera, camera.up, camera.reason, camera.since_ms)
                for camera in health
            }
            return SiteState(reported_ms, now_ms - reported_ms < SILENT_MS, cameras)
    return None


def accounts(ledger: str, mark: Path | None) -> dict[str, Account] | str:
    """The account of each camera, or the ledger's error.

    Reading verifies the whole chain and makes payments wait, so it is done on request only."""
    if "://" not in ledger and not Path(ledger).exists():
        return {}
    try:
        with closing(open_ledger(ledger, mark)) as opened:
            return {account.camera: account for account in ledger_report.accounts(opened)}
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
