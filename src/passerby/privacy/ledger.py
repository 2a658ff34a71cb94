"""The ledger: every release is paid for here, durably, before its noise is drawn.

Invariant: entries are added and never changed, each key once; nothing is refunded; no clock is read and no count comes
here; a ledger that cannot be trusted stops all releases.

    epoch(account, ...)     a configuration begins, after a blackout
    spend(charge)           check and reserve in one transaction -> Receipt
    regain(charge)          the receipt of a slot that an interrupted process spent
    record(receipt, ...)    the noised values, once
    seal(before)            gives up a stretch of time for ever: the way back after a restored backup

Proof that `spend` keeps the right sum within the budget: docs/proofs/sensitivity.md, 4, and crossings.md, 4.

An account is a camera under the footage promise, and a whole site under the crossings promise; the column `camera` has
its name. Time that one account of a site has paid for is taken for every other one: a day is not paid for twice under
another name of the site, or under another promise.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.exc import SQLAlchemyError

from passerby.domain.timespan import Span
from passerby.errors import BudgetError, LedgerError
from passerby.privacy.charge import (
    Charge,
    Limit,
    Receipt,
    Spent,
    Stored,
    account_text,
    epsilon_text,
    is_site,
    peak,
)
from passerby.privacy.entries import (
    ENTRY,
    Draft,
    Entry,
    add,
    any_of,
    canonical,
    covers_any,
    find,
    follow,
    genesis,
    spent,
    spent_before,
    take_turn,
    walk,
)
from passerby.privacy.high_water_mark import Mark, raise_mark, read_mark, write_mark

RECOVER = "all releases stop; `passerby ledger seal` gives up the time before now for ever, and starts again"


@dataclass(frozen=True, slots=True)
class Epoch:
    """From `start_ms` (Unix ms UTC) on, one configuration of an account, until the blackout before the next."""

    account: str
    number: int
    start_ms: int


class Ledger:
    """One ledger, opened by `passerby.privacy.database.open_ledger`; each process opens its own.

    Every method raises LedgerError when the ledger cannot be read, written or trusted.
    """

    def __init__(self, engine: Engine, name: str, mark: Path) -> None:
        self._engine = engine
        self._name = name
        self._mark = mark
        self._known: Mark | None = None

    def close(self) -> None:
        self._engine.dispose()

    def epoch(
        self,
        account: str,
        configuration: str,
        start_ms: int,
        *,
        blackout_ms: int,
        budget_micro: int,
        source: str = "",
    ) -> Epoch:
        """The account's epoch for `configuration`: the current one while it is the same, else a new one.

        `configuration` is the text of all that releases depend on: policies, lines, mask, detector; of a site, its
        policy alone. A new epoch starts at `start_ms`, or later: a blackout (rho + w + c; none of a site) after the
        time that the epoch before has paid for. `source` is the digest of a camera's address or recording, kept so
        that another camera with the same one cannot pay for the same time.
        """
        terms = {
            "configuration": sha256(configuration.encode()).hexdigest(),
            "blackout_ms": blackout_ms,
            "budget_micro": budget_micro,
        }
        of_account = ENTRY.c.camera == account
        with self._turn() as (connection, tip):
            if source and not find(connection, *_named_source(source), of_account, limit=1):
                tip = add(connection, tip, Draft("source", Span(0, 0), {}, camera=account, query=source))
            epochs = find(connection, ENTRY.c.kind == "epoch", of_account, newest_first=True, limit=1)
            number = 1
            if epochs:
                last = epochs[0]
                if last.content == terms:
                    return Epoch(account, last.epoch, last.start_ms)
                charged = connection.scalar(
                    select(func.max(ENTRY.c.covers_end_ms)).where(ENTRY.c.kind == "spend", of_account)
                )
                blackout = max(blackout_ms, last.content["blackout_ms"])
                start_ms = max(start_ms, max(last.start_ms, charged or last.start_ms) + blackout)
                number = last.epoch + 1
            draft = Draft("epoch", Span(start_ms, start_ms), terms, camera=account, epoch=number)
            add(connection, tip, draft)
        return Epoch(account, number, start_ms)

    def taken_until(self, account: str, from_ms: int) -> int:
        """The end of the time from `from_ms` on that other accounts of this site have paid for; `from_ms` where there
        is none. An epoch that begins earlier could release nothing before."""
        with self._turn() as (connection, _):
            until = connection.scalar(
                select(func.max(ENTRY.c.covers_end_ms)).where(
                    *_others(connection, account), ENTRY.c.covers_end_ms > from_ms
                )
            )
            return from_ms if until is None else int(until)

    def spend(self, charge: Charge) -> Receipt:
        """Check and reserve in one transaction; on return the charge is on the disk.

        The same charge again gives a receipt that carries the released values. Raises BudgetError when the budget
        does not reach, or when the slot was spent by a process that died before it released.
        """
        with self._turn() as (connection, tip):
            charge = _settled(connection, charge)
            for slot in find(connection, *_slots(charge), *_meets(charge.span)):
                if slot.span == charge.span and slot.body == canonical(charge.terms):
                    return _paid_before(connection, charge, slot)
                raise _overlaps(charge)
            _check_terms(connection, charge)
            _check_time(connection, charge)
            _check_budget(connection, charge)
            draft = Draft(
                "spend",
                charge.span,
                charge.terms,
                camera=charge.account,
                epoch=charge.epoch,
                query=charge.query,
                covers=charge.covers,
                epsilon_micro=charge.epsilon_micro,
            )
            paid = add(connection, tip, draft)
        return Receipt(charge, paid.hash)

    def regain(self, charge: Charge) -> Receipt | None:
        """The receipt of a charge that was spent before, with its released values; None where it was never spent.

        For a live site that was interrupted: the rest of the slot can still be released, once, because `record` takes
        no second value. Raises BudgetError for a slot that overlaps one spent before.
        """
        with self._turn() as (connection, _):
            charge = _settled(connection, charge)
            for slot in find(connection, *_slots(charge), *_meets(charge.span)):
                if slot.span == charge.span and slot.body == canonical(charge.terms):
                    return Receipt(charge, slot.hash, _value(connection, slot))
                raise _overlaps(charge)
        return None

    def record(self, receipt: Receipt, stored: Stored) -> None:
        """Keep the values that are about to be released. Raises LedgerError when this receipt has released before."""
        charge = receipt.charge
        if len(stored.values) != len(charge.cells) or not all(type(value) is int for value in stored.values):
            raise LedgerError(f"{_named(charge)}: a release is one integer for each of its cells")
        with self._turn() as (connection, tip):
            if _released(connection, receipt) is not None:
                raise LedgerError(f"{_named(charge)}: a receipt that was used before")
            # An unknown field is left out, so that such an entry is that of every version before.
            known = {name: value for name, value in asdict(stored).items() if value is not None}
            draft = Draft(
                "value",
                charge.span,
                {"receipt": receipt.id, **known},
                camera=charge.account,
                epoch=charge.epoch,
                query=charge.query,
            )
            add(connection, tip, draft)

    def released(self, receipt: Receipt) -> Stored | None:
        """The values that were released under this receipt, or None. Raises LedgerError for an unknown receipt."""
        with self._turn() as (connection, _):
            return _released(connection, receipt)

    def spent_micro(self, account: str, span: Span) -> int:
        """The most micro-epsilons that any one segment starting in `span`, or of a site any day that meets it, has cost
        so far."""
        with self._turn() as (connection, _):
            return peak(spent_before(connection, account, span), span)

    @property
    def key_file(self) -> Path:
        """The file of the key that signs heads, beside the mark."""
        return self._mark.with_suffix(".key")

    def head(self) -> Mark:
        """The last entry."""
        with self._turn() as (_, tip):
            return tip

    def entries(self) -> list[Entry]:
        """All entries, oldest first, after their chain was checked from the first to the last."""
        self._known = None
        with self._turn() as (connection, _):
            return find(connection)

    def seal(self, before_ms: int) -> None:
        """Never again release a slot that a segment which starts before `before_ms` (Unix ms UTC) could touch.

        Accepts a ledger that is behind its mark, which nothing else does; its chain must be whole.
        """
        with self._turn(restored=True) as (connection, tip):
            draft = Draft("seal", Span(0, max(0, before_ms)), {}, epoch=tip.number + 1)
            sealed = add(connection, tip, draft)
        try:
            write_mark(self._mark, sealed)
        except OSError as error:
            raise LedgerError(f"{self._mark}: the mark cannot be kept: {error.strerror}") from None

    @contextmanager
    def _turn(self, restored: bool = False) -> Iterator[tuple[Connection, Mark]]:
        """A transaction that has the ledger to itself, on a chain that was checked and is whole."""
        try:
            with self._engine.begin() as connection:
                tip = self._check(connection, restored)
                yield connection, tip
                tip = take_turn(connection) or tip
        except SQLAlchemyError as error:
            cause = str(getattr(error, "orig", None) or type(error).__name__).strip().split("\n")[0]
            raise LedgerError(
                f"{self._name}: the ledger cannot be used ({cause}); all releases stop"
            ) from None
        if not restored:
            raise_mark(self._mark, tip)
        self._known = tip

    def _check(self, connection: Connection, restored: bool) -> Mark:
        """Follow the chain from the last known entry to the head, past the mark. Raises LedgerError."""
        head, mark = take_turn(connection), None if restored else read_mark(self._mark)
        if head is None:
            raise LedgerError(f"{self._name}: a ledger without a head; {RECOVER}")
        known = self._known or genesis(head.ledger)
        if known.ledger != head.ledger or (known.number and not _holds(connection, known)):
            raise LedgerError(f"{self._name}: the ledger went back in time; {RECOVER}")
        tip = follow(known, walk(connection, known.number))
        if tip != head:
            number = tip if isinstance(tip, int) else head.number
            raise LedgerError(f"{self._name}: its chain is broken at entry {number}; {RECOVER}")
        if restored:
            return head
        if mark is None and head.number:
            raise LedgerError(f"{self._mark}: the ledger's high-water mark is missing; {RECOVER}")
        if mark is not None and mark != genesis(head.ledger) and not _holds(connection, mark, head):
            raise LedgerError(f"{self._name}: older than its high-water mark {self._mark}; {RECOVER}")
        return head


def _holds(connection: Connection, mark: Mark, head: Mark | None = None) -> bool:
    if head is not None and head.ledger != mark.ledger:
        return False
    return [entry.hash for entry in find(connection, ENTRY.c.number == mark.number)] == [mark.hash]


def _named(charge: Charge) -> str:
    return f"{account_text(charge.account)}, query {charge.query}"


def _overlaps(charge: Charge) -> BudgetError:
    cause = "a slot that overlaps one spent before, or was spent with other terms"
    return BudgetError(f"{_named(charge)}: {cause}")


def _slots(charge: Charge) -> tuple[Any, ...]:
    return (
        ENTRY.c.kind == "spend",
        ENTRY.c.camera == charge.account,
        ENTRY.c.epoch == charge.epoch,
        ENTRY.c.query == charge.query,
    )


def _of_pool(charge: Charge) -> tuple[Any, ...]:
    """The slots of the charge's pool for the same days; the pool of a site is the first word of their queries."""
    return (
        ENTRY.c.kind == "spend",
        ENTRY.c.camera == charge.account,
        ENTRY.c.epoch == charge.epoch,
        ENTRY.c.covers_start_ms == charge.covers.start_ms,
        ENTRY.c.covers_end_ms == charge.covers.end_ms,
        ENTRY.c.query.startswith(f"{charge.pool} ", autoescape=True),
    )


def _others(connection: Connection, account: str) -> tuple[Any, ...]:
    """The charges of accounts that pay for the same people: of a site all others, of a camera those of sites."""
    named = connection.scalars(select(ENTRY.c.camera).distinct().where(ENTRY.c.kind == "epoch"))
    others = [name for name in named if name != account and (is_site(account) or is_site(name))]
    return ENTRY.c.kind == "spend", ENTRY.c.camera.in_(others)


def _named_source(source: str) -> tuple[Any, ...]:
    return ENTRY.c.kind == "source", ENTRY.c.query == source


def _twins(connection: Connection, account: str) -> list[str]:
    """The cameras by other names that have a source of this one."""
    sources = ENTRY.c.kind == "source"
    own = [entry.query for entry in find(connection, sources, ENTRY.c.camera == account)]
    shared = find(connection, sources, ENTRY.c.camera != account, ENTRY.c.query.in_(own)) if own else []
    return sorted({entry.camera for entry in shared})


def _meets(span: Span) -> tuple[Any, ...]:
    return ENTRY.c.start_ms < span.end_ms, ENTRY.c.end_ms > span.start_ms


def _settled(connection: Connection, charge: Charge) -> Charge:
    """The charge with its own price: of one that takes the rest, that of its pool where that was paid for, else all
    that is left of the budget, up to its own. Raises BudgetError where nothing is left.

    It is known from the ledger alone: docs/proofs/crossings.md, 5.
    """
    if not charge.takes_rest:
        return charge
    paid = any_of(connection, *_of_pool(charge))
    if paid is not None:
        return charge.with_epsilon(paid.epsilon_micro)
    before = spent_before(connection, charge.account, charge.covers)
    left = _budget(connection, charge, before) - peak(before, charge.covers)
    if left <= 0:
        raise BudgetError(f"{_named(charge)}: the budget does not reach: nothing is left of this day")
    return charge.with_epsilon(min(left, charge.epsilon_micro))


def _released(connection: Connection, receipt: Receipt) -> Stored | None:
    charge = receipt.charge
    (*slot,) = find(connection, *_slots(charge), ENTRY.c.hash == receipt.id)
    if not slot or slot[0].span != charge.span or slot[0].body != canonical(charge.terms):
        raise LedgerError(f"{_named(charge)}: a receipt that was never given")
    return _value(connection, slot[0])


def _value(connection: Connection, slot: Entry) -> Stored | None:
    for entry in find(
        connection,
        ENTRY.c.kind == "value",
        ENTRY.c.camera == slot.camera,
        ENTRY.c.epoch == slot.epoch,
        ENTRY.c.query == slot.query,
        ENTRY.c.start_ms == slot.start_ms,
    ):
        content = entry.content
        return Stored(tuple(content["values"]), content["coverage_micro"], content.get("sender_micro"))
    return None


def _paid_before(connection: Connection, charge: Charge, slot: Entry) -> Receipt:
    stored = _value(connection, slot)
    if stored is None:
        raise BudgetError(f"{_named(charge)}: this slot was paid for and never released; it stays empty")
    return Receipt(charge, slot.hash, stored)


def _check_terms(connection: Connection, charge: Charge) -> None:
    if charge.pool != charge.query:
        # The slots of a pool are cut at the same times, so those that meet have one start.
        for slot in find(connection, *_of_pool(charge), ENTRY.c.start_ms == charge.span.start_ms):
            if cause := charge.conflict(slot.content):
                raise BudgetError(f"{_named(charge)}: {cause}")
        return
    for slot in find(connection, *_slots(charge), limit=1):
        if slot.body != canonical(charge.terms):
            raise LedgerError(f"{_named(charge)}: other terms than the slots that this query has spent")


def _check_time(connection: Connection, charge: Charge) -> None:
    """Within its epoch, before the blackout of the next, and after the sealed time."""
    epochs = {
        entry.epoch: entry
        for entry in find(
            connection,
            ENTRY.c.kind == "epoch",
            ENTRY.c.camera == charge.account,
            ENTRY.c.epoch.in_([charge.epoch, charge.epoch + 1]),
        )
    }
    if charge.epoch not in epochs:
        raise LedgerError(f"{_named(charge)}: there is no epoch {charge.epoch}")
    if charge.span.start_ms < epochs[charge.epoch].start_ms:
        raise BudgetError(f"{_named(charge)}: before epoch {charge.epoch} began")
    after = epochs.get(charge.epoch + 1)
    blackout = max(entry.content["blackout_ms"] for entry in epochs.values())
    if after is not None and charge.span.end_ms + blackout > after.start_ms:
        raise BudgetError(f"{_named(charge)}: epoch {charge.epoch} has ended, or its blackout has begun")
    sealed = connection.scalar(select(func.max(ENTRY.c.end_ms)).where(ENTRY.c.kind == "seal"))
    if sealed is not None and charge.covers.start_ms < sealed:
        raise BudgetError(f"{_named(charge)}: in the time that was given up when the ledger was sealed")

    taken = any_of(connection, *_others(connection, charge.account), *covers_any(charge.covers))
    if taken is not None:
        raise BudgetError(
            f"{_named(charge)}: {account_text(taken.camera)} has paid for this time in the same ledger; another "
            "promise or another name of the site takes effect with the next local day, and another site needs a ledger "
            "of its own"
        )
    twins = _twins(connection, charge.account)
    paid = ENTRY.c.kind == "spend", ENTRY.c.camera.in_(twins)
    twin = any_of(connection, *paid, *covers_any(charge.covers)) if twins else None
    if twin is not None:
        raise BudgetError(
            f"{_named(charge)}: camera {twin.camera} has paid for this time from the same source: one camera has one "
            "name"
        )


def _budget(connection: Connection, charge: Charge, before: Iterable[Spent]) -> int:
    """The micro-epsilons that may be spent on what the charge covers: the least of the epochs that spent there."""
    epochs = find(
        connection,
        ENTRY.c.kind == "epoch",
        ENTRY.c.camera == charge.account,
        ENTRY.c.epoch.in_({charge.epoch, *(int(slot.pool.partition(" ")[0]) for slot in before)}),
    )
    return int(min((entry.content["budget_micro"] for entry in epochs), default=0))


def _check_budget(connection: Connection, charge: Charge) -> None:
    of_price = ENTRY.c.epsilon_micro == charge.epsilon_micro
    if charge.pool != charge.query and any_of(connection, *_of_pool(charge), of_price) is not None:
        # Its pool was paid for on the same days, at the same price: it costs nothing more.
        return
    before = spent_before(connection, charge.account, charge.covers)
    _check_sum(charge, before, Limit("the budget", _budget(connection, charge, before)))
    if charge.limit is not None:
        paid = ENTRY.c.kind == "spend", ENTRY.c.camera == charge.account
        shared = find(connection, *paid, *covers_any(charge.covers))
        _check_sum(
            charge, [spent(slot) for slot in shared if charge.shares_limit(slot.content)], charge.limit
        )


def _check_sum(charge: Charge, before: list[Spent], limit: Limit) -> None:
    """Raises BudgetError where the charges `before` and this one are above `limit` anywhere in what it covers."""
    asked = Spent(f"{charge.epoch} {charge.pool}", charge.covers, charge.epsilon_micro)
    if any(one.pool == asked.pool and one.epsilon_micro != asked.epsilon_micro for one in before):
        raise LedgerError(f"{_named(charge)}: another epsilon than its pool has spent at this time")
    cost = peak([*before, asked], charge.covers)
    if cost > limit.micro:
        left = max(0, limit.micro - (cost - charge.epsilon_micro))
        raise BudgetError(
            f"{_named(charge)}: {limit.name} does not reach: epsilon {epsilon_text(charge.epsilon_micro)} asked, "
            f"{epsilon_text(left)} left of {epsilon_text(limit.micro)}"
        )
