"""The state that all pages of the console share: settings, users, sessions, journal and jobs.

Invariant: a request acts for a user only while its session is valid; a change needs an operator, and is in the journal
before it is made.
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
from passerby.privacy.ledger_report import Account

ACCOUNTS_MS = 30_000
"""The shortest time between two reads of the ledger: a read makes payments wait."""


class RefusedError(InputError):
    """The user may not do this, or the session has ended."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The files and addresses of a console.

    `site` is the site file, `state` the folder of users and journal, `backgrounds` the folder of approved backgrounds.
    `ledger`, `mark` and `database` (the store of releases) are as their options. `names` are further host names that
    browsers may use. `interface` is the address of this machine on the network of the cameras. `run_state` returns the
    state of the site if it is run on this machine; it is passed in because the console may not import `live`."""

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
class Login:
    """A signed-in user: name, role, the key of the session (its hash), and the client's IP address."""

    user: str
    role: Role
    session: str
    address: str

    @property
    def is_operator(self) -> bool:
        return self.role == "operator"


@dataclass(slots=True)
class ConsoleContext:
    """The state of one running console."""

    settings: Settings
    users: Users
    journal: Journal
    sessions: Sessions = field(default_factory=Sessions)
    attempts: Attempts = field(default_factory=Attempts)
    jobs: Jobs = field(default_factory=Jobs)
    _accounts: tuple[int, dict[str, Account]] = (0, {})

    def now_ms(self) -> int:
        return round(time() * 1000)

    def login_of(self, secret: str, address: str) -> Login | None:
        """The signed-in user of a cookie's secret. A removed user or a changed role has effect at once."""
        session = self.sessions.find(secret, self.now_ms())
        user = self.users.known(session.user) if session else None
        if session is None or user is None:
            return None
        return Login(user.name, user.role, session.key, address)

    def is_valid(self, login: Login) -> bool:
        """Whether the session of an open page is still valid, with the role that it had."""
        session = self.sessions.valid(login.session, self.now_ms())
        user = self.users.known(login.user)
        return session is not None and user is not None and user.role == login.role

    def authorise(self, login: Login, action: str, subject: str = "", *, operator: bool = True) -> None:
        """Check that `login` may do `action`, and write it into the journal. The action follows after this returns.

        Raises RefusedError if it may not, OutputError if the journal cannot be written."""
        if not self.is_valid(login):
            raise RefusedError("your session has ended: sign in again")
        if operator and not login.is_operator:
            raise RefusedError("viewers cannot make changes")
        self.record(login.user, login.address, action, subject)

    def accounts(self) -> dict[str, Account] | str:
        """The accounts of all cameras, or the ledger's error; read at most twice a minute."""
        read_ms, accounts_then = self._accounts
        if accounts_then and self.now_ms() - read_ms < ACCOUNTS_MS:
            return accounts_then
        result = accounts(self.settings.ledger, self.settings.mark)
        if not isinstance(result, str):
            self._accounts = self.now_ms(), result
        return result

    def record(self, user: str, address: str, action: str, subject: str = "") -> None:
        """Add an entry to the journal. Raises OutputError."""
        self.journal.add(Entry(self.now_ms(), user, address, action, subject))


def open_context(settings: Settings) -> ConsoleContext:
    """Raises InputError for an invalid file of users, OutputError if the folder cannot be made."""
    try:
        settings.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{settings.state}: could not be made: {error.strerror or error}") from None
    users, journal = Users(settings.state / "users.json"), Journal(settings.state / "journal.jsonl")
    return ConsoleContext(settings, users, journal, jobs=Jobs(settings.model_dir))
