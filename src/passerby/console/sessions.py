"""Who is signed in, and how often a password may be tried.

Invariant: a session begins with a new secret, is known by its hash alone, and ends by itself: after a while without
use, and at the latest after a working day. Nothing of it is on the disk.
"""

import secrets
from collections import OrderedDict
from dataclasses import dataclass, replace
from hashlib import sha256
from threading import Lock

IDLE_MS = 30 * 60_000
LONGEST_MS = 12 * 3_600_000
FREE_TRIES = 5
"""So many wrong passwords cost nothing; each further one doubles the wait, up to the longest."""
FIRST_WAIT_MS, LONGEST_WAIT_MS = 2_000, 15 * 60_000
_FORGET_MS = 24 * 3_600_000
_MOST = 10_000
_MOST_SESSIONS = 1_000


@dataclass(frozen=True, slots=True)
class Session:
    """`key` is the hash of the secret in the cookie; times in Unix ms UTC."""

    key: str
    user: str
    since_ms: int
    used_ms: int

    def ended(self, now_ms: int) -> bool:
        return now_ms - self.used_ms >= IDLE_MS or now_ms - self.since_ms >= LONGEST_MS


class Sessions:
    """Sessions in memory: none outlives the console."""

    def __init__(self) -> None:
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        self._turn = Lock()

    def begin(self, user: str, now_ms: int) -> tuple[str, Session]:
        """A secret for the cookie, always a new one, and its session."""
        secret = secrets.token_urlsafe(32)
        session = Session(_hashed(secret), user, now_ms, now_ms)
        with self._turn:
            self._sessions = OrderedDict(
                (key, one) for key, one in self._sessions.items() if not one.ended(now_ms)
            )
            self._sessions[session.key] = session
            if len(self._sessions) > _MOST_SESSIONS:
                self._sessions.popitem(last=False)
        return secret, session

    def find(self, secret: str, now_ms: int) -> Session | None:
        """The session of a cookie, if it has not ended."""
        return self.valid(_hashed(secret), now_ms)

    def valid(self, key: str, now_ms: int) -> Session | None:
        session = self._sessions.get(key)
        return None if session is None or session.ended(now_ms) else session

    def use(self, key: str, now_ms: int) -> None:
        """Note that somebody did something, as opposed to a page that refreshed itself."""
        with self._turn:
            if (session := self.valid(key, now_ms)) is not None:
                self._sessions[key] = replace(session, used_ms=now_ms)

    def end(self, key: str) -> None:
        with self._turn:
            self._sessions.pop(key, None)

    def end_all(self, user: str) -> None:
        """Every session of `user`, such as one who was removed."""
        with self._turn:
            for key in [key for key, one in self._sessions.items() if one.user == user]:
                del self._sessions[key]


class Attempts:
    """Wrong tries by what they were aimed at, such as a name or an address."""

    def __init__(self) -> None:
        self._wrong: OrderedDict[str, tuple[int, int]] = OrderedDict()
        self._turn = Lock()

    def begin(self, aims: tuple[str, ...], now_ms: int) -> int:
        """0 where a password may be tried now, else how long to wait, in ms.

        A try counts as wrong until `right` says otherwise, so that many at the same time are many.
        """
        with self._turn:
            wait_ms = max(0, *(self._until(aim, now_ms) - now_ms for aim in aims))
            if wait_ms:
                return wait_ms
            for aim in aims:
                count, last_ms = self._wrong.pop(aim, (0, now_ms))
                self._wrong[aim] = (1 if now_ms - last_ms > _FORGET_MS else count + 1, now_ms)
                if len(self._wrong) > _MOST:
                    self._wrong.popitem(last=False)
        return 0

    def right(self, aims: tuple[str, ...]) -> None:
        """The try was none: what it was aimed at first begins anew, and the rest counts one less, so that who may
        sign in cannot buy more tries at others."""
        with self._turn:
            for number, aim in enumerate(aims):
                count, last_ms = self._wrong.pop(aim, (0, 0))
                if number and count > 1:
                    self._wrong[aim] = (count - 1, last_ms)

    def _until(self, aim: str, now_ms: int) -> int:
        count, last_ms = self._wrong.get(aim, (0, 0))
        if count < FREE_TRIES:
            return 0
        return last_ms + int(min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2.0 ** min(count - FREE_TRIES, 30)))


def _hashed(secret: str) -> str:
    return sha256(secret.encode(errors="replace")).hexdigest()
