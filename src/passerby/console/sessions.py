"""Sessions of signed-in users, and the limit on attempts to guess a password.

Invariant: a session starts with a new secret, of which only the hash is kept, in memory alone. It ends after half an
hour without use, and after a working day in any case.
"""

import secrets
from collections import OrderedDict
from dataclasses import dataclass, replace
from hashlib import sha256
from threading import Lock

IDLE_MS = 30 * 60_000
LONGEST_MS = 12 * 3_600_000
FREE_TRIES = 5
"""After this many wrong passwords, each further attempt doubles the wait, up to the longest."""
FIRST_WAIT_MS, LONGEST_WAIT_MS = 2_000, 15 * 60_000
_FORGET_MS = 24 * 3_600_000
_MOST = 10_000
_MOST_SESSIONS = 1_000


@dataclass(frozen=True, slots=True)
class Session:
    """The session of a signed-in user. `key` is the hash of the secret in the cookie; times are Unix ms UTC."""

    key: str
    user: str
    since_ms: int
    used_ms: int

    def ended(self, now_ms: int) -> bool:
        return now_ms - self.used_ms >= IDLE_MS or now_ms - self.since_ms >= LONGEST_MS


class Sessions:
    """All sessions, in memory: they end with the console."""

    def __init__(self) -> None:
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        self._lock = Lock()

    def begin(self, user: str, now_ms: int) -> tuple[str, Session]:
        """Start a session; return the new secret for its cookie, and the session."""
        secret = secrets.token_urlsafe(32)
        session = Session(_hashed(secret), user, now_ms, now_ms)
        with self._lock:
            self._sessions = OrderedDict(
                (key, earlier) for key, earlier in self._sessions.items() if not earlier.ended(now_ms)
            )
            self._sessions[session.key] = session
            if len(self._sessions) > _MOST_SESSIONS:
                self._sessions.popitem(last=False)
        return secret, session

    def find(self, secret: str, now_ms: int) -> Session | None:
        """The session of a cookie's secret, if it has not ended."""
        return self.valid(_hashed(secret), now_ms)

    def valid(self, key: str, now_ms: int) -> Session | None:
        """The session with this key, if it has not ended."""
        session = self._sessions.get(key)
        return None if session is None or session.ended(now_ms) else session

    def use(self, key: str, now_ms: int) -> None:
        """Keep a session alive after a person's action, as opposed to a page that updates itself."""
        with self._lock:
            if (session := self.valid(key, now_ms)) is not None:
                self._sessions[key] = replace(session, used_ms=now_ms)

    def end(self, key: str) -> None:
        with self._lock:
            self._sessions.pop(key, None)

    def end_all(self, user: str) -> None:
        """End every session of `user`."""
        with self._lock:
            for key in [key for key, session in self._sessions.items() if session.user == user]:
                del self._sessions[key]


class Attempts:
    """Counts failed attempts by target, such as a user's name or an IP address."""

    def __init__(self) -> None:
        self._failed: OrderedDict[str, tuple[int, int]] = OrderedDict()
        self._lock = Lock()

    def begin(self, targets: tuple[str, ...], now_ms: int) -> int:
        """Start an attempt: 0 if it is allowed now, else the time to wait in ms.

        An attempt counts as failed until `succeed` is called, so that simultaneous attempts are counted too.
        """
        with self._lock:
            wait_ms = max(0, *(self._until(target, now_ms) - now_ms for target in targets))
            if wait_ms:
                return wait_ms
            for target in targets:
                count, last_ms = self._failed.pop(target, (0, now_ms))
                self._failed[target] = (1 if now_ms - last_ms > _FORGET_MS else count + 1, now_ms)
                if len(self._failed) > _MOST:
                    self._failed.popitem(last=False)
        return 0

    def succeed(self, targets: tuple[str, ...]) -> None:
        """An attempt succeeded: the count of the first target is cleared, that of the others goes down by one.

        So a user who signs in gets no further attempts at the names of others."""
        with self._lock:
            for number, target in enumerate(targets):
                count, last_ms = self._failed.pop(target, (0, 0))
                if number and count > 1:
                    self._failed[target] = (count - 1, last_ms)

    def _until(self, target: str, now_ms: int) -> int:
        count, last_ms = self._failed.get(target, (0, 0))
        if count < FREE_TRIES:
            return 0
        return last_ms + int(min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2.0 ** min(count - FREE_TRIES, 30)))


def _hashed(secret: str) -> str:
    return sha256(secret.encode(errors="replace")).hexdigest()
