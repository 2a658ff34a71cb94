"""What all pages of the console share: where its files lie, who is signed in, and what they may do.

Invariant: whoever asks is known by a session that still lives; what changes anything needs an operator and is in the
journal before it is done.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from time import time

from passerby.console.jobs import Jobs
from passerby.console.journal import Entry, Journal
from passerby.console.sessions import Attempts, Sessions
from passerby.console.site_state import SiteState, accounts
from passerby.console.users import Role, Users
from passerby.errors import InputError, OutputError
from passerby.privacy.statement import Account

ACCOUNTS_MS = 30_000
"""So long the ledger, which whoever pays needs, is not read again."""


class RefusedError(InputError):
    """What this user may not do, or whose session ended."""


@dataclass(frozen=True, slots=True)
class Settings:
    """`site` is the site file, `state` the folder of users and journal, `backgrounds` that of approved pictures.
    `ledger` and `mark`: as of the option; `database`: the store of releases.
    `names` are further ones by which browsers may ask for it; `interface` is an address of the one on which cameras
    are looked for. `run_state` answers how the site is run on this
    machine, if it is: given, for the console may not see the process that runs a site."""

    site: Path
    state: Path
    backgrounds: Path
    ledger: str
    mark: Path | None
    database: str
    model_dir: Path | None
    names: tuple[str, ...] = ()
    interface: str | None = None
    run_state: Callable[[], SiteState | None] = lambda: None


@dataclass(frozen=True, slots=True)
class Signed:
    """Who asks: the `user`, as whom, the `session` (its hash), from `where`."""

    user: str
    role: Role
    session: str
    where: str

    @property
    def operates(self) -> bool:
        return self.role == "operator"


@dataclass(slots=True)
class Desk:
    """One console that runs."""

    settings: Settings
    users: Users
    journal: Journal
    sessions: Sessions = field(default_factory=Sessions)
    attempts: Attempts = field(default_factory=Attempts)
    jobs: Jobs = field(default_factory=Jobs)
    _accounts: tuple[int, dict[str, Account]] = (0, {})

    def now_ms(self) -> int:
        return round(time() * 1000)

    def signed(self, secret: str, where: str) -> Signed | None:
        """Who has this cookie, now: a user who was removed, or whose role changed, is so at once."""
        session = self.sessions.find(secret, self.now_ms())
        user = self.users.known(session.user) if session else None
        if session is None or user is None:
            return None
        return Signed(user.name, user.role, session.key, where)

    def alive(self, signed: Signed) -> bool:
        """Whether the session of an open page still lives, with the role that it was opened with."""
        session = self.sessions.valid(signed.session, self.now_ms())
        user = self.users.known(signed.user)
        return session is not None and user is not None and user.role == signed.role

    def act(self, signed: Signed, what: str, about: str = "", *, operator: bool = True) -> None:
        """Note what is about to be done. Raises RefusedError where it may not be, OutputError where it cannot be
        noted: then it is not done."""
        if not self.alive(signed):
            raise RefusedError("this session has ended: sign in again")
        if operator and not signed.operates:
            raise RefusedError("a viewer may look, and change nothing")
        self.note(signed.user, signed.where, what, about)

    def accounts(self) -> dict[str, Account] | str:
        """The accounts of all cameras, or why the ledger does not tell; read twice a minute at most."""
        read_ms, found = self._accounts
        if found and self.now_ms() - read_ms < ACCOUNTS_MS:
            return found
        told = accounts(self.settings.ledger, self.settings.mark)
        if not isinstance(told, str):
            self._accounts = self.now_ms(), told
        return told

    def note(self, who: str, where: str, what: str, about: str = "") -> None:
        """Raises OutputError."""
        self.journal.note(Entry(self.now_ms(), who, where, what, about))


def open_desk(settings: Settings) -> Desk:
    """Raises InputError for a file that is no users' file, OutputError where the folder cannot be made."""
    try:
        settings.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{settings.state}: could not be made: {error.strerror or error}") from None
    users, journal = Users(settings.state / "users.json"), Journal(settings.state / "journal.jsonl")
    return Desk(settings, users, journal, jobs=Jobs(settings.model_dir))
