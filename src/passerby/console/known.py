"""What other parts of passerby know of the site: health, budgets, keys of the API.

Law: reads, and makes and revokes keys; nothing else is changed. What is not there yet is told as such.
"""

from contextlib import closing, suppress
from pathlib import Path

from passerby.errors import PasserbyError, StoreError
from passerby.privacy import account
from passerby.privacy.account import Account
from passerby.privacy.database import open_ledger
from passerby.publish import keys
from passerby.publish.database import open_database
from passerby.publish.keys import Key, Scope
from passerby.publish.store import Health, open_store

SILENT_MS = 120_000
"""Health that is older than this is no news: nobody is running the site."""


def health(database: str) -> dict[str, Health]:
    """The health of each camera, as `passerby run` wrote it; empty where there is no store yet."""
    with suppress(StoreError), closing(open_store(database, read_only=True)) as store:
        return {one.camera: one for one in store.health()}
    return {}


def accounts(ledger: str, mark: Path | None) -> dict[str, Account] | str:
    """The account of each camera, or why the ledger does not tell."""
    if "://" not in ledger and not Path(ledger).exists():
        return {}
    try:
        with closing(open_ledger(ledger, mark)) as book:
            return {one.camera: one for one in account.accounts(book)}
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
