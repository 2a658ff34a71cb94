"""The accounts of a site's lines: bins and days are paid for as they begin, added to, noised and published.

Invariant: paid before it is looked at, noised before it is published, once each; every time is told beforehand by the
clock and the site file, and nothing here depends on what was counted.

    join    a camera is ready: its epoch, and what it may look at
    add     what one of its chunks says
    turn    the clock: pays what begins, draws what has ended, publishes what is due
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import tzinfo

from passerby.config.site import Camera, CountedLine
from passerby.domain import calendar
from passerby.domain.policy import Policy
from passerby.domain.release import Level, Release
from passerby.domain.timespan import Chunk, Span
from passerby.errors import BudgetError, OutputError, PolicyError
from passerby.live.supervisor.open_bins import Key, Slot, key_of
from passerby.live.supervisor.tmpfs_store import Hold
from passerby.privacy import gate, schedule, standing_query
from passerby.privacy.charge import Receipt
from passerby.privacy.contribution import Contribution
from passerby.privacy.ledger import Epoch, Ledger

Publish = Callable[[tuple[Release, ...], Level], None]
Grant = Callable[[str, str, Span], None]
"""The camera, the line, the time that may be looked at."""

_MEANT = ""
"""The receipt of a slot that is about to be paid for."""
AHEAD_MS = 2_000
"""How long before the warm-up of a bin's first chunk it is paid for: word of it has to reach the camera."""


@dataclass(frozen=True, slots=True)
class Delays:
    """After the end of a chunk: how long frames, and then its answer, are waited for; after the end of a bin: when
    noise is drawn, and when it is published. All in ms, and known beforehand."""

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


@dataclass(frozen=True, slots=True)
class Standing:
    """How a camera's account stands: `left_micro` of `budget_micro` for who passes now; `covered` the share of its
    day so far with frames, None before its first chunk; `waits_until_ms` where an earlier configuration still has
    to end; `refused` why nothing is released of some line."""

    left_micro: int
    budget_micro: int
    covered: float | None
    waits_until_ms: int | None
    refused: str | None


@dataclass(slots=True)
class _Account:
    camera: Camera
    detector: str
    epoch: Epoch | None = None
    left_micro: int = 0
    next_ms: int = 0
    """When the next bin is to be paid for."""
    refused: dict[tuple[str, Level], tuple[int, str]] = field(default_factory=dict)
    """Line and level -> the start of the slot that was refused last, and why."""

    @property
    def policies(self) -> list[Policy]:
        return [line.policy for line in self.camera.lines if line.policy is not None]


class Book:
    """`hold` may be None: then what is counted of open bins dies with this process. Raises LedgerError."""

    def __init__(
        self, ledger: Ledger, hold: Hold | None, zone: tzinfo, delays: Delays, publish: Publish, grant: Grant
    ) -> None:
        self._ledger = ledger
        self._hold = hold
        self._zone = zone
        self._delays = delays
        self._publish = publish
        self._grant = grant
        self._accounts: dict[str, _Account] = {}
        self._slots: dict[Key, Slot] = {}
        self.unkept: str | None = None
        """Why what is open is not kept for who comes after a crash; None where it is."""
        for slot in hold.load() if hold else ():
            try:
                paid = ledger.regain(slot.charge)
            except BudgetError:
                # It was meant, and refused: that time was paid for as another slot.
                continue
            # Of another ledger, which was here before: this one has not paid for it.
            if paid is not None and slot.receipt.id in (_MEANT, paid.id):
                slot.receipt = Receipt(slot.charge, paid.id)
                self._slots[key_of(slot.charge)] = slot

    def join(self, camera: Camera, detector: str, now_ms: int) -> None:
        """The process of a camera is ready: what is open it may look at. Raises LedgerError."""
        account = self._accounts.get(camera.name)
        if account is None or account.camera.lines != camera.lines or account.detector != detector:
            account = self._accounts[camera.name] = _Account(camera, detector)
        account.camera = camera
        if account.epoch is None:
            # Known first: what was open when a process was killed is of an epoch.
            account.epoch = self._epoch(account, now_ms)
        for slot in self._of(account):
            self._grant(camera.name, _line_of(slot), slot.span)
        self._pay(account, now_ms)

    def leave(self, name: str) -> None:
        """The camera is no longer counted; what is open of it is released when it ends."""
        self._accounts.pop(name, None)

    def add(
        self, name: str, line: str, span: Span, counts: tuple[int, ...], covered_ms: int, sender_ms: int
    ) -> None:
        """What a chunk of a camera says; no counts where it was given up. Raises ValueError for what none of its
        chunks can say."""
        account = self._accounts.get(name)
        if account is None or account.epoch is None or not counts:
            return
        counted = next((one for one in account.camera.lines if one.line.name == line), None)
        if counted is None:
            raise ValueError("a line that the site file does not have")
        cells = standing_query.cells_of(name, counted)
        if len(counts) != len(cells):
            raise ValueError("another number of cells than the line has")
        said = Contribution(Chunk(name, span), cells, counts)
        added = [
            slot.add(said, covered_ms, sender_ms) for slot in self._of(account) if _line_of(slot) == line
        ]
        if any(added):
            self._keep(name)

    def turn(self, now_ms: int) -> None:
        """What the clock asks for. Raises LedgerError and OutputError; what was not done is done at a later turn."""
        # What was drawn goes out whatever the ledger says to what comes.
        self.publish(now_ms)
        for account in self._accounts.values():
            self._pay(account, now_ms)
        for slot in sorted(self._slots.values(), key=lambda one: one.span.end_ms):
            if slot.drawn is None and now_ms >= slot.span.end_ms + self._delays.draw_ms:
                slot.drawn = gate.release(
                    slot.contributions, slot.receipt, self._ledger, slot.coverage, slot.sender_clock
                )
                slot.due_ms = schedule.due_ms(slot.span, now_ms, self._delays.publish_ms)
        self.publish(now_ms)

    def standings(self, now_ms: int) -> dict[str, Standing]:
        return {
            name: Standing(
                left_micro=account.left_micro,
                budget_micro=standing_query.budget_micro(account.policies),
                covered=self._covered(account, now_ms),
                waits_until_ms=_waits(account.epoch, now_ms),
                refused=next((why for _, why in account.refused.values()), None),
            )
            for name, account in self._accounts.items()
        }

    def publish(self, now_ms: int) -> None:
        """Hand out what was drawn and is due: the ledger is not needed for it. Raises OutputError."""
        due = [slot for slot in self._slots.values() if slot.drawn is not None and slot.due_ms <= now_ms]
        for slot in sorted(due, key=lambda one: (one.due_ms, one.span.end_ms)):
            assert slot.drawn is not None
            self._publish(slot.drawn, slot.level)
            del self._slots[key_of(slot.charge)]
            self._keep(slot.charge.camera)

    def _pay(self, account: _Account, now_ms: int) -> None:
        if account.epoch is None or now_ms < account.next_ms:
            # Without an epoch it joins again: the ledger was away.
            return
        paid, next_ms = False, now_ms + calendar.DAY_MS
        for line in account.camera.lines:
            assert line.policy is not None
            ahead_ms = line.policy.warmup_ms + AHEAD_MS
            for level, span in _spans(line.policy, now_ms, now_ms + ahead_ms, self._zone):
                paid |= self._pay_for(account, account.epoch, line, level, span)
                next_ms = min(next_ms, max(now_ms + 1, span.end_ms - ahead_ms))
        if paid:
            spent = self._ledger.spent_micro(account.camera.name, Span(now_ms, now_ms + 1))
            account.left_micro = max(0, standing_query.budget_micro(account.policies) - spent)
        account.next_ms = next_ms

    def _pay_for(self, account: _Account, epoch: Epoch, line: CountedLine, level: Level, span: Span) -> bool:
        """Whether it was paid now; nothing is done where it was before, or cannot be."""
        assert line.policy is not None
        name, of_level = line.line.name, (line.line.name, level)
        if span.start_ms < epoch.start_ms or account.refused.get(of_level, (-1, ""))[0] == span.start_ms:
            return False
        cells = standing_query.cells_of(account.camera.name, line)
        try:
            charge = standing_query.standing_charge(line.policy, cells, epoch.number, span, level)
            if key_of(charge) in self._slots:
                return False
            # Kept before it is paid for: killed in between, the slot would be spent and forgotten.
            self._keep(account.camera.name, Slot(level, Receipt(charge, _MEANT)))
            receipt = self._ledger.regain(charge) or self._ledger.spend(charge)
        except (BudgetError, PolicyError) as error:
            account.refused[of_level] = span.start_ms, str(error)
            return False
        account.refused.pop(of_level, None)
        if receipt.stored is not None:
            # Released before, and then the clock was set back: there is nothing to add to it.
            account.refused[of_level] = span.start_ms, "released before"
            return False
        self._slots[key_of(charge)] = Slot(level, receipt)
        self._keep(account.camera.name)
        self._grant(account.camera.name, name, span)
        return True

    def _epoch(self, account: _Account, now_ms: int) -> Epoch:
        # The first epoch may begin with the day: it is paid for in whole, and counted from now on.
        (today,) = calendar.bins(Span(now_ms, now_ms + 1), calendar.DAY_MS, self._zone)
        return self._ledger.epoch(
            account.camera.name,
            standing_query.configuration(account.detector, account.camera.lines),
            today.span.start_ms,
            blackout_ms=standing_query.blackout_ms(account.policies),
            budget_micro=standing_query.budget_micro(account.policies),
        )

    def _of(self, account: _Account) -> list[Slot]:
        """The open slots that the camera's chunks are added to."""
        number = None if account.epoch is None else account.epoch.number
        return [
            slot
            for slot in self._slots.values()
            if slot.charge.camera == account.camera.name
            and slot.charge.epoch == number
            and slot.drawn is None
        ]

    def _covered(self, account: _Account, now_ms: int) -> float | None:
        days = [slot for slot in self._of(account) if slot.level == "day" and now_ms in slot.span]
        until_ms = max((slot.until_ms for slot in days), default=0)
        if not until_ms:
            return None
        return sum(min(1.0, slot.covered_ms / (now_ms - slot.span.start_ms)) for slot in days) / len(days)

    def _keep(self, name: str, *meant: Slot) -> None:
        if self._hold is None:
            return
        try:
            paid = [slot for slot in self._slots.values() if slot.charge.camera == name]
            self._hold.save(name, [*paid, *meant])
        except OutputError as error:
            # It is for the worst case only, so the work goes on.
            self.unkept = str(error)
        else:
            self.unkept = None


def _spans(policy: Policy, now_ms: int, soon_ms: int, zone: tzinfo) -> Iterator[tuple[Level, Span]]:
    """The bins and days that have begun or are about to."""
    near = Span(now_ms, soon_ms + 1)
    for one in calendar.bins(near, policy.every_ms, zone):
        yield "bin", one.span
    for one in calendar.bins(near, calendar.DAY_MS, zone):
        yield "day", one.span


def _line_of(slot: Slot) -> str:
    return slot.charge.cells[0].line


def _waits(epoch: Epoch | None, now_ms: int) -> int | None:
    return epoch.start_ms if epoch is not None and epoch.start_ms > now_ms else None
