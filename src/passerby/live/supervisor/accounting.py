"""The accounts of a site's lines by the clock: bins and days are paid for as they begin, drawn and published at fixed
times after their end.

Invariant: every time is known beforehand from the clock and the site file; nothing here depends on a count. Payment,
addition, noise and publication are those of `passerby.privacy.accounts`.

    join    a camera's process is ready: its terms, its epoch, and the spans that it may count
    add     the counts of one of its chunks
    turn    the clock: pays for bins that begin, draws bins that have ended, publishes bins that are due
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import tzinfo

from passerby.config.site import Camera, CountedLine
from passerby.domain import calendar
from passerby.domain.policy import PromiseName
from passerby.domain.release import Level
from passerby.domain.timespan import Chunk, Span
from passerby.errors import BudgetError, PolicyError
from passerby.live.supervisor.terms import Terms
from passerby.privacy import schedule, standing_query
from passerby.privacy.accounts import Accounts, OpenBinStore, Publish
from passerby.privacy.contribution import Contribution
from passerby.privacy.ledger import Epoch, Ledger
from passerby.privacy.open_bins import OpenBin

Grant = Callable[[str, str, Span], None]
"""Called with a camera, a line and a span that was paid for and may be counted."""

DECIDED_MS = 30_000
"""Under the crossings promise, a crossing is decided at most so long after it happened: a margin of the tracker, a cell
and the reach of motion, and the frames that wait."""
AHEAD_MS = 2_000
"""A bin is paid for so long before the warm-up of its first chunk: the camera's process has to learn of it in time."""


@dataclass(frozen=True, slots=True)
class Delays:
    """Waiting times in ms, all known beforehand.

    After the end of a chunk: for its last frames, and then for its counts. After the end of a bin: until noise is
    drawn, and until it is published.
    """

    frames_ms: int
    answer_ms: int
    draw_ms: int
    publish_ms: int


def delays_of(publish_ms: int) -> Delays:
    """The delays that fit before `publish_ms`."""
    return Delays(
        frames_ms=min(5_000, publish_ms // 4),
        answer_ms=min(30_000, publish_ms // 2),
        draw_ms=publish_ms * 3 // 4,
        publish_ms=publish_ms,
    )


def short_delay(promise: PromiseName, delays: Delays) -> str | None:
    """What to expect of a delay that leaves no time for the last crossings of a bin; None where it does."""
    if promise == "footage" or delays.draw_ms >= DECIDED_MS:
        return None
    return f"expected {DECIDED_MS * 4 // 3000} s or more: a crossing is decided up to {DECIDED_MS // 1000} s later"


@dataclass(frozen=True, slots=True)
class AccountStatus:
    """The state of a camera's account.

    `left_micro` of `budget_micro` is left for a person who passes now; `covered`: the share of its day so far with
    frames, None before its first chunk; `waits_until_ms`: when its new settings start, None where they have started;
    `refused`: why nothing is released of a line, None where all lines are.
    """

    left_micro: int
    budget_micro: int
    covered: float | None
    waits_until_ms: int | None
    refused: str | None


@dataclass(slots=True)
class _Account:
    terms: Terms
    epoch: Epoch | None = None
    left_micro: int = 0
    next_ms: int = 0
    """When the next bin is to be paid for."""
    refused: dict[tuple[str, Level], tuple[int, str]] = field(default_factory=dict)
    """Line and level -> the start of the slot that was refused last, and why."""

    @property
    def camera(self) -> Camera:
        return self.terms.camera


class SiteAccounts:
    """The accounts of all cameras of a site.

    `store` keeps the counts of open bins for the process that follows a crash; without it they are lost then. Raises
    LedgerError.
    """

    def __init__(
        self,
        ledger: Ledger,
        store: OpenBinStore | None,
        zone: tzinfo,
        delays: Delays,
        publish: Publish,
        grant: Grant,
    ) -> None:
        self._ledger = ledger
        self._zone = zone
        self._delays = delays
        self._publish = publish
        self._grant = grant
        self._cameras: dict[str, _Account] = {}
        self._accounts = Accounts(ledger, store)

    @property
    def unkept(self) -> str | None:
        """Why open bins could not be kept for the next process; None where they are."""
        return self._accounts.unkept

    def join(self, terms: Terms, now_ms: int) -> None:
        """The process of a camera is ready: it may count all that is open. Raises LedgerError."""
        camera = terms.camera
        account = self._cameras.get(camera.name)
        if account is None or account.terms != terms:
            account = self._cameras[camera.name] = _Account(terms)
        if account.epoch is None:
            # Known first: a bin that was open when a process was killed is of an epoch.
            account.epoch = self._epoch(account, now_ms)
        for open_bin in self._open_of(account):
            self._grant(camera.name, open_bin.line, open_bin.span)
        self._pay(account, now_ms)

    def leave(self, name: str) -> None:
        """The camera is no longer counted; its open bins are released when they end."""
        self._cameras.pop(name, None)

    def add(
        self, name: str, line: str, span: Span, counts: tuple[int, ...], covered_ms: int, sender_ms: int
    ) -> None:
        """Add the counts of a chunk of a camera; no counts where the chunk was skipped, which counts as none: its
        coverage is that of the frames that came. Raises ValueError for counts that none of its chunks can have."""
        account = self._cameras.get(name)
        if account is None or account.epoch is None:
            return
        counted = next((known for known in account.camera.lines if known.line.name == line), None)
        if counted is None:
            raise ValueError("a line that the site file does not have")
        cells = standing_query.cells_of(name, counted)
        counts = counts or (0,) * len(cells)
        if len(counts) != len(cells):
            raise ValueError("another number of cells than the line has")
        self._accounts.add(
            Contribution(Chunk(name, span), cells, counts),
            account.epoch.number,
            covered_ms=covered_ms,
            sender_ms=sender_ms,
            account=account.terms.account,
        )

    def turn(self, now_ms: int) -> None:
        """Do all that is due by the clock. Raises LedgerError and OutputError; the rest is done at a later turn."""
        # Releases that were drawn go out even where the ledger fails for those to come.
        self.publish(now_ms)
        for account in self._cameras.values():
            self._pay(account, now_ms)
        for open_bin in self._accounts.ended(now_ms - self._delays.draw_ms):
            due_ms = schedule.due_ms(open_bin.span, now_ms, self._delays.publish_ms)
            refused = self._accounts.draw(open_bin, due_ms)
            joined = self._cameras.get(open_bin.charge.camera)
            if refused is not None and joined is not None:
                joined.refused[open_bin.line, open_bin.level] = open_bin.span.start_ms, refused
        self.publish(now_ms)

    def statuses(self, now_ms: int) -> dict[str, AccountStatus]:
        """The state of each camera's account, by the camera's name."""
        return {
            name: AccountStatus(
                left_micro=account.left_micro,
                budget_micro=account.terms.budget_micro,
                covered=self._covered(account, now_ms),
                waits_until_ms=_waits(account.epoch, now_ms),
                refused=next((why for _, why in account.refused.values()), None),
            )
            for name, account in self._cameras.items()
        }

    def publish(self, now_ms: int) -> None:
        """Hand out the releases that were drawn and are due: the ledger is not needed for it. Raises OutputError."""
        self._accounts.publish(now_ms, self._publish)

    def _pay(self, account: _Account, now_ms: int) -> None:
        if account.epoch is None or now_ms < account.next_ms:
            # Without an epoch it joins again: the ledger was away.
            return
        terms = account.terms
        paid, next_ms = False, now_ms + calendar.DAY_MS
        for line in account.camera.lines:
            ahead_ms = terms.warmup_ms(line) + AHEAD_MS
            for level, span in _spans(terms.every_ms(line), now_ms, now_ms + ahead_ms, self._zone):
                paid |= self._pay_for(account, account.epoch, line, level, span)
                next_ms = min(next_ms, max(now_ms + 1, span.end_ms - ahead_ms))
        if paid:
            spent = self._ledger.spent_micro(terms.account, Span(now_ms, now_ms + 1))
            account.left_micro = max(0, terms.budget_micro - spent)
        account.next_ms = next_ms

    def _pay_for(self, account: _Account, epoch: Epoch, line: CountedLine, level: Level, span: Span) -> bool:
        """Whether it was paid for now; nothing is done where it was before, or cannot be."""
        name, of_level = line.line.name, (line.line.name, level)
        if span.start_ms < epoch.start_ms or account.refused.get(of_level, (-1, ""))[0] == span.start_ms:
            return False
        try:
            charge = account.terms.charge(line, epoch.number, span, level)
            open_cells = self._accounts.open_cells(charge)
            if open_cells is not None:
                if open_cells != charge.cells:
                    account.refused[of_level] = (
                        span.start_ms,
                        f"line {name} changed in this time: it waits for the next",
                    )
                return False
            open_bin = self._accounts.pay(charge, level, resume=True)
        except (BudgetError, PolicyError) as error:
            account.refused[of_level] = span.start_ms, str(error)
            return False
        account.refused.pop(of_level, None)
        if open_bin.receipt.stored is not None:
            # Released before, and then the clock was set back: there is nothing to add to it.
            account.refused[of_level] = span.start_ms, "released before"
            return False
        self._grant(account.camera.name, name, span)
        return True

    def _open_of(self, account: _Account) -> list[OpenBin]:
        epoch = None if account.epoch is None else account.epoch.number
        return self._accounts.open_of(account.camera.name, epoch, account.terms.account)

    def _epoch(self, account: _Account, now_ms: int) -> Epoch:
        # The first epoch may begin with the day: it is paid for in whole, and counted from now on.
        (today,) = calendar.bins(Span(now_ms, now_ms + 1), calendar.DAY_MS, self._zone)
        return account.terms.epoch(self._ledger, today.span)

    def _covered(self, account: _Account, now_ms: int) -> float | None:
        days = [
            open_bin
            for open_bin in self._open_of(account)
            if open_bin.level == "day" and now_ms in open_bin.span
        ]
        until_ms = max((day.until_ms for day in days), default=0)
        if not until_ms:
            return None
        return sum(min(1.0, day.covered_ms / (now_ms - day.span.start_ms)) for day in days) / len(days)


def _spans(every_ms: int, now_ms: int, soon_ms: int, zone: tzinfo) -> Iterator[tuple[Level, Span]]:
    """The bins and days that have begun or are about to."""
    near = Span(now_ms, soon_ms + 1)
    for one in calendar.bins(near, every_ms, zone):
        yield "bin", one.span
    for one in calendar.bins(near, calendar.DAY_MS, zone):
        yield "day", one.span


def _waits(epoch: Epoch | None, now_ms: int) -> int | None:
    return epoch.start_ms if epoch is not None and epoch.start_ms > now_ms else None
