"""Keys of the API: made, listed, revoked, and tried.

Invariant: a key is shown once and kept only as an argon2 hash; no message tells whether its id, its secret or its
time was wrong.
"""

import re
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from hashlib import sha256
from threading import Lock
from typing import Any, Literal, cast

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Row, insert, select, update

from passerby.config.line_spec import name_problem
from passerby.domain.calendar import DAY_MS
from passerby.errors import InputError
from passerby.publish.store.database import Database
from passerby.publish.store.schema import API_KEY

Scope = Literal["releases", "metrics"]
SCOPES: tuple[Scope, ...] = ("releases", "metrics")

_KEY = re.compile(r"passerby_([0-9a-f]{12})_([A-Za-z0-9_-]{43})", re.ASCII)
# OWASP's parameters for argon2id: 19 MiB, two passes. The secret has 256 bits, so no guessing meets them.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_MOST_KNOWN = 1_000
_LONGEST_MS = 100 * 366 * DAY_MS


@dataclass(frozen=True, slots=True)
class Key:
    """What is known of a key, times in Unix ms UTC; never its secret."""

    id: str
    name: str
    scopes: tuple[Scope, ...]
    created_ms: int
    expires_ms: int | None
    revoked_ms: int | None

    def state(self, now_ms: int) -> str:
        """valid, expired or revoked."""
        if self.revoked_ms is not None:
            return "revoked"
        return "valid" if self.expires_ms is None or now_ms < self.expires_ms else "expired"


def create(
    database: Database, name: str, scopes: tuple[Scope, ...], now_ms: int, expires_ms: int | None
) -> str:
    """A new key: the one time that it is shown. Raises InputError, StoreError."""
    if problem := name_problem(name):
        raise InputError(f"key {name[:40]!r}: {problem}")
    if not scopes or not set(scopes) <= set(SCOPES):
        raise InputError(f"key {name!r}: expected scopes, some of {', '.join(SCOPES)}")
    if expires_ms is not None and not now_ms < expires_ms <= now_ms + _LONGEST_MS:
        raise InputError(f"key {name!r}: expected it to expire within a hundred years, or never")
    number, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    with database.writing() as connection:
        connection.execute(
            insert(API_KEY).values(
                id=number,
                name=name,
                hash=_HASHER.hash(secret),
                scopes=" ".join(dict.fromkeys(scopes)),
                created_ms=now_ms,
                expires_ms=expires_ms,
            )
        )
    return f"passerby_{number}_{secret}"


def listed(database: Database) -> tuple[Key, ...]:
    """All keys, the oldest first. Raises StoreError."""
    with database.reading() as connection:
        rows = connection.execute(select(API_KEY).order_by(API_KEY.c.created_ms, API_KEY.c.id))
        return tuple(_key(row) for row in rows)


def revoke(database: Database, id_: str, now_ms: int) -> None:
    """Make a key worth nothing, from the next request on. Raises InputError for one that is not there."""
    with database.writing() as connection:
        found = connection.execute(select(API_KEY.c.revoked_ms).where(API_KEY.c.id == id_)).first()
        if found is None:
            raise InputError(f"key {id_[:40]!r}: there is none, `passerby keys list` shows them")
        if found.revoked_ms is None:
            connection.execute(update(API_KEY).where(API_KEY.c.id == id_).values(revoked_ms=now_ms))


class KeyRing:
    """Tries keys against the store; each time it asks whether they were revoked.

    argon2 is slow by design, so a secret that was found right is remembered, as a hash, and tried once.
    """

    def __init__(self) -> None:
        self._right: OrderedDict[bytes, None] = OrderedDict()
        self._turn = Lock()

    def known(self, database: Database, text: str, now_ms: int) -> Key | None:
        """The key that `text` is, when it is valid now. Raises StoreError."""
        found = _KEY.fullmatch(text)
        if found is None:
            return None
        with database.reading() as connection:
            row = connection.execute(select(API_KEY).where(API_KEY.c.id == found[1])).first()
        if row is None or not self._fits(row.hash, found[2]):
            return None
        key = _key(row)
        return key if key.state(now_ms) == "valid" else None

    def _fits(self, hash_: str, secret: str) -> bool:
        fingerprint = sha256(f"{hash_} {secret}".encode()).digest()
        if fingerprint in self._right:
            return True
        # One at a time: each takes memory by design, and many wrong ones at once may not take all.
        with self._turn:
            try:
                _HASHER.verify(hash_, secret)
            except (VerificationError, InvalidHashError):
                return False
            self._right[fingerprint] = None
            if len(self._right) > _MOST_KNOWN:
                self._right.popitem(last=False)
            return True


def _key(row: Row[Any]) -> Key:
    scopes = tuple(cast(Scope, scope) for scope in row.scopes.split() if scope in SCOPES)
    return Key(row.id, row.name, scopes, row.created_ms, row.expires_ms, row.revoked_ms)
