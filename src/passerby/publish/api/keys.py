"""API keys: create, list, revoke and verify.

Invariant: a key is shown once and stored only as an argon2 hash; a message never says whether the id, the secret or the
expiry of a key was wrong.
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
# OWASP's parameters for argon2id: 19 MiB, two passes. The secret has 256 random bits, so guessing is hopeless.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_MOST_VERIFIED = 1_000
_LONGEST_MS = 100 * 366 * DAY_MS


@dataclass(frozen=True, slots=True)
class Key:
    """A key without its secret; times in Unix ms UTC."""

    id: str
    name: str
    scopes: tuple[Scope, ...]
    created_ms: int
    expires_ms: int | None
    revoked_ms: int | None

    def state(self, now_ms: int) -> str:
        """`valid`, `expired` or `revoked` at this time."""
        if self.revoked_ms is not None:
            return "revoked"
        return "valid" if self.expires_ms is None or now_ms < self.expires_ms else "expired"


def create(
    database: Database, name: str, scopes: tuple[Scope, ...], now_ms: int, expires_ms: int | None
) -> str:
    """Create a key and return its text, which cannot be read again. Raises InputError, StoreError."""
    if problem := name_problem(name):
        raise InputError(f"key {name[:40]!r}: {problem}")
    if not scopes or not set(scopes) <= set(SCOPES):
        raise InputError(f"key {name!r}: expected at least one scope of {', '.join(SCOPES)}")
    if expires_ms is not None and not now_ms < expires_ms <= now_ms + _LONGEST_MS:
        raise InputError(f"key {name!r}: expected an expiry within 100 years, or none")
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
    """Revoke a key, from the next request on. Raises InputError if there is no such key, StoreError."""
    with database.writing() as connection:
        row = connection.execute(select(API_KEY.c.revoked_ms).where(API_KEY.c.id == id_)).first()
        if row is None:
            raise InputError(f"key {id_[:40]!r}: there is no such key; list them with `passerby keys list`")
        if row.revoked_ms is None:
            connection.execute(update(API_KEY).where(API_KEY.c.id == id_).values(revoked_ms=now_ms))


class KeyRing:
    """Verifies keys against the store; reads each time whether the key was revoked.

    argon2 is slow by design, so a verified secret is remembered as a fast hash.
    """

    def __init__(self) -> None:
        self._verified: OrderedDict[bytes, None] = OrderedDict()
        self._lock = Lock()

    def valid_key(self, database: Database, text: str, now_ms: int) -> Key | None:
        """The key with this text, or None if it is not valid now. Raises StoreError."""
        match = _KEY.fullmatch(text)
        if match is None:
            return None
        with database.reading() as connection:
            row = connection.execute(select(API_KEY).where(API_KEY.c.id == match[1])).first()
        if row is None or not self._verify(row.hash, match[2]):
            return None
        key = _key(row)
        return key if key.state(now_ms) == "valid" else None

    def _verify(self, hash_: str, secret: str) -> bool:
        fingerprint = sha256(f"{hash_} {secret}".encode()).digest()
        if fingerprint in self._verified:
            return True
        # One at a time: argon2 uses 19 MiB for each, and many wrong keys at once must not use all memory.
        with self._lock:
            try:
                _HASHER.verify(hash_, secret)
            except (VerificationError, InvalidHashError):
                return False
            self._verified[fingerprint] = None
            if len(self._verified) > _MOST_VERIFIED:
                self._verified.popitem(last=False)
            return True


def _key(row: Row[Any]) -> Key:
    scopes = tuple(cast(Scope, scope) for scope in row.scopes.split() if scope in SCOPES)
    return Key(row.id, row.name, scopes, row.created_ms, row.expires_ms, row.revoked_ms)
