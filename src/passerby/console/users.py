"""Who may sign in to the console: a small file beside the site.

Invariant: a password is kept as an argon2 hash alone, and an invitation as the hash of its token; both are answered
for as long whether the name is known or not.
"""

import json
import secrets
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Literal, cast

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from passerby.config.line_spec import name_problem
from passerby.errors import InputError
from passerby.io import files

Role = Literal["operator", "viewer"]
ROLES: tuple[Role, ...] = ("operator", "viewer")

SHORTEST, LONGEST = 12, 128
"""Of a password, in characters (NIST SP 800-63B asks for 8 at least, and no rules of composition)."""
INVITED_MS = 24 * 3_600_000

# OWASP's parameters for argon2id: 19 MiB, two passes.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_MOST = 200


@dataclass(frozen=True, slots=True)
class User:
    """`hash` is argon2's of the password; empty until an invitation was taken up."""

    name: str
    role: Role
    hash: str = ""
    invitation: str = ""
    invited_until_ms: int = 0

    @property
    def invited(self) -> bool:
        return not self.hash


class Users:
    """The users of the file `path`, for the threads of one process. Raises InputError for a file that is none."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._turn = Lock()
        self._first = ""
        self._users = _read(path)
        # Tried where a name is not known, so that the answer takes as long.
        self._nobody = _HASHER.hash(secrets.token_urlsafe(16))

    def listed(self) -> tuple[User, ...]:
        return tuple(self._users.values())

    def known(self, name: str) -> User | None:
        """The user of that name, if an invitation is not all that there is."""
        user = self._users.get(name)
        return None if user is None or user.invited else user

    def first_token(self) -> str | None:
        """The token that makes the first user, new at each start; None where somebody can sign in already."""
        if any(not user.invited and user.role == "operator" for user in self._users.values()):
            return None
        token = secrets.token_urlsafe(24)
        self._first = _hashed(token)
        return token

    def invite(self, name: str, role: Role, now_ms: int) -> str:
        """A token by which `name` can choose a password, once and for a day. Raises InputError, OutputError."""
        if problem := name_problem(name):
            raise InputError(f"user {name[:40]!r}: {problem}")
        if role not in ROLES:
            raise InputError(f"user {name!r}: expected a role, operator or viewer")
        with self._turn:
            if self.known(name) is not None:
                raise InputError(f"user {name!r}: there is one already")
            if len(self._users) >= _MOST:
                raise InputError(f"found {_MOST} users, expected fewer before another is invited")
            token = secrets.token_urlsafe(24)
            user = User(name, role, invitation=_hashed(token), invited_until_ms=now_ms + INVITED_MS)
            self._save({**self._users, name: user})
        return token

    def invited(self, token: str, now_ms: int) -> User | None:
        """Who `token` invites now: a user without a name where it makes the first one."""
        given = _hashed(token)
        if self._first and secrets.compare_digest(given, self._first):
            return User("", "operator")
        for user in self._users.values():
            if (
                user.invitation
                and secrets.compare_digest(given, user.invitation)
                and now_ms < user.invited_until_ms
            ):
                return user
        return None

    def take_up(self, token: str, name: str, password: str, now_ms: int) -> User:
        """Turn an invitation into a user; the token is worth nothing from then on. Raises InputError, OutputError."""
        with self._turn:
            found = self.invited(token, now_ms)
            if found is None:
                raise InputError("this invitation is not valid any more: ask for another")
            first = not found.name
            if first:
                if problem := name_problem(name):
                    raise InputError(f"name: {problem}")
                if self.known(name) is not None:
                    raise InputError(f"user {name!r}: there is one already")
                found = replace(found, name=name)
            check_password(password, found.name)
            user = User(found.name, found.role, _HASHER.hash(password))
            self._save({**self._users, user.name: user})
            if first:
                self._first = ""
        return user

    def right(self, name: str, password: str) -> User | None:
        """The user, where the password is right."""
        user = self.known(name)
        # One at a time: each takes memory by design, and many wrong ones at once may not take all.
        with self._turn:
            try:
                _HASHER.verify(user.hash if user else self._nobody, password[: LONGEST + 1])
            except (VerificationError, InvalidHashError):
                return None
        return user

    def choose(self, name: str, password: str) -> None:
        """Another password for `name`. Raises InputError for who cannot sign in, or a poor password; OutputError."""
        check_password(password, name)
        with self._turn:
            user = self.known(name)
            if user is None:
                raise InputError(f"user {name[:40]!r}: there is none")
            self._save({**self._users, name: replace(user, hash=_HASHER.hash(password))})

    def remove(self, name: str) -> None:
        """Raises InputError for who is not there, or is the last operator; OutputError."""
        with self._turn:
            if name not in self._users:
                raise InputError(f"user {name[:40]!r}: there is none")
            rest = {key: user for key, user in self._users.items() if key != name}
            if not any(user.role == "operator" and not user.invited for user in rest.values()):
                raise InputError(f"user {name!r}: the last operator, expected another before this one goes")
            self._save(rest)

    def _save(self, users: dict[str, User]) -> None:
        text = json.dumps({"users": [asdict(user) for user in users.values()]}, indent=1)
        if not self._path.exists():
            self._path.touch(mode=0o600)
        files.write(self._path, text + "\n")
        self._users = users


def check_password(password: str, name: str) -> None:
    """Raises InputError for one that is too short, too long, or nearly the name."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise InputError(f"password: expected {SHORTEST} to {LONGEST} characters")
    if len(set(password)) < 5 or password.casefold() in (name.casefold() * 12, "passwordpassword"):
        raise InputError("password: too easy to guess, expected a few words that do not belong together")


def _hashed(token: str) -> str:
    # 192 bits: a plain hash is enough, nobody guesses them.
    return sha256(token.encode(errors="replace")).hexdigest()


def _read(path: Path) -> dict[str, User]:
    if not path.exists():
        return {}
    try:
        said = json.loads(path.read_text("utf-8"))["users"]
        users = [User(**cast(dict[str, str], one)) for one in said]  # type: ignore[arg-type]
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(f"{path}: could not be read as the console's users") from None
    return {user.name: user for user in users}
