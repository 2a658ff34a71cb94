"""The users of the console, in a small file beside the site file.

Invariant: a password is stored only as an argon2 hash, an invitation only as the hash of its token; checking a password
takes the same time for an unknown name.
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
"""Length of a password in characters (NIST SP 800-63B: at least 8, and no rules of composition)."""
INVITED_MS = 24 * 3_600_000

# OWASP's parameters for argon2id: 19 MiB, two passes.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_MOST = 200


@dataclass(frozen=True, slots=True)
class User:
    """`hash` is the argon2 hash of the password, empty until the invitation was accepted; `invitation` is the hash of
    its token, valid until `invited_until_ms` (Unix ms UTC)."""

    name: str
    role: Role
    hash: str = ""
    invitation: str = ""
    invited_until_ms: int = 0

    @property
    def invited(self) -> bool:
        return not self.hash


class Users:
    """The users in the file `path`, for the threads of one process. Raises InputError for an invalid file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        self._first = ""
        self._users = _read(path)
        # Checked for an unknown name, so that the answer takes the same time.
        self._nobody = _HASHER.hash(secrets.token_urlsafe(16))

    def listed(self) -> tuple[User, ...]:
        return tuple(self._users.values())

    def known(self, name: str) -> User | None:
        """The user of that name who accepted the invitation, else None."""
        user = self._users.get(name)
        return None if user is None or user.invited else user

    def first_token(self) -> str | None:
        """The token of the first user's invitation, new at each start; None if an operator can sign in already."""
        if any(not user.invited and user.role == "operator" for user in self._users.values()):
            return None
        token = secrets.token_urlsafe(24)
        self._first = _hashed(token)
        return token

    def invite(self, name: str, role: Role, now_ms: int) -> str:
        """A token with which `name` can choose a password, once and within a day. Raises InputError, OutputError."""
        if problem := name_problem(name):
            raise InputError(f"user {name[:40]!r}: {problem}")
        if role not in ROLES:
            raise InputError(f"user {name!r}: found the role {role!r}, expected operator or viewer")
        with self._lock:
            if self.known(name) is not None:
                raise InputError(f"user {name!r}: already exists")
            if len(self._users) >= _MOST:
                raise InputError(f"found {_MOST} users, the most that are allowed: remove one first")
            token = secrets.token_urlsafe(24)
            user = User(name, role, invitation=_hashed(token), invited_until_ms=now_ms + INVITED_MS)
            self._save({**self._users, name: user})
        return token

    def invited(self, token: str, now_ms: int) -> User | None:
        """The user whom `token` invites, without a name if it is the first; None if it is not valid now."""
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

    def accept_invitation(self, token: str, name: str, password: str, now_ms: int) -> User:
        """Make a user of an invitation, whose token becomes invalid. Raises InputError, OutputError."""
        with self._lock:
            invited = self.invited(token, now_ms)
            if invited is None:
                raise InputError("this invitation is no longer valid: ask for a new one")
            first = not invited.name
            if first:
                if problem := name_problem(name):
                    raise InputError(f"name: {problem}")
                if self.known(name) is not None:
                    raise InputError(f"user {name!r}: already exists")
                invited = replace(invited, name=name)
            check_password(password, invited.name)
            user = User(invited.name, invited.role, _HASHER.hash(password))
            self._save({**self._users, user.name: user})
            if first:
                self._first = ""
        return user

    def with_password(self, name: str, password: str) -> User | None:
        """The user of that name, None if the name or the password is wrong."""
        user = self.known(name)
        # One check at a time: each uses much memory by design, and many at once could use all of it.
        with self._lock:
            try:
                _HASHER.verify(user.hash if user else self._nobody, password[: LONGEST + 1])
            except (VerificationError, InvalidHashError):
                return None
        return user

    def set_password(self, name: str, password: str) -> None:
        """Change the password of `name`. Raises InputError for an unknown user or a weak password; OutputError."""
        check_password(password, name)
        with self._lock:
            user = self.known(name)
            if user is None:
                raise InputError(f"user {name[:40]!r}: does not exist")
            self._save({**self._users, name: replace(user, hash=_HASHER.hash(password))})

    def remove(self, name: str) -> None:
        """Remove a user. Raises InputError for an unknown user or the last operator; OutputError."""
        with self._lock:
            if name not in self._users:
                raise InputError(f"user {name[:40]!r}: does not exist")
            rest = {key: user for key, user in self._users.items() if key != name}
            if not any(user.role == "operator" and not user.invited for user in rest.values()):
                raise InputError(f"user {name!r}: is the last operator; invite another operator first")
            self._save(rest)

    def _save(self, users: dict[str, User]) -> None:
        text = json.dumps({"users": [asdict(user) for user in users.values()]}, indent=1)
        if not self._path.exists():
            self._path.touch(mode=0o600)
        files.write(self._path, text + "\n")
        self._users = users


def check_password(password: str, name: str) -> None:
    """Raises InputError for a password that is too short, too long or too easy to guess."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise InputError(f"password: expected {SHORTEST} to {LONGEST} characters")
    if len(set(password)) < 5 or password.casefold() in (name.casefold() * 12, "passwordpassword"):
        raise InputError("password: too easy to guess, expected several unrelated words")


def _hashed(token: str) -> str:
    # A token has 192 random bits, so a plain hash is enough.
    return sha256(token.encode(errors="replace")).hexdigest()


def _read(path: Path) -> dict[str, User]:
    if not path.exists():
        return {}
    try:
        documents = json.loads(path.read_text("utf-8"))["users"]
        users = [User(**cast(dict[str, str], document)) for document in documents]  # type: ignore[arg-type]
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(f"{path}: could not be read as the console's users") from None
    return {user.name: user for user in users}
