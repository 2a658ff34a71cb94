"""The ledger told to people: show, verify, export.

Invariant: reads and never writes; what it tells was released, or is configuration.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from passerby.domain.timespan import Span
from passerby.errors import LedgerError
from passerby.privacy.charge import Spent, peak
from passerby.privacy.entries import Entry
from passerby.privacy.ledger import Ledger
from passerby.privacy.noise import MICRO


@dataclass(frozen=True, slots=True)
class Account:
    """One camera's account: `cost_micro` is the most that any one segment has cost, of `budget_micro`;
    `unreleased` slots are spent and empty for ever."""

    camera: str
    epoch: int
    since_ms: int
    queries: tuple[str, ...]
    spent: int
    unreleased: int
    cost_micro: int
    budget_micro: int


def accounts(ledger: Ledger) -> list[Account]:
    """The cameras' accounts, after the chain was tried from its first entry. Raises LedgerError."""
    entries = ledger.entries()
    cameras = sorted({entry.camera for entry in entries if entry.kind == "epoch"})
    return [_account(camera, [entry for entry in entries if entry.camera == camera]) for camera in cameras]


def _account(camera: str, entries: list[Entry]) -> Account:
    epoch = [entry for entry in entries if entry.kind == "epoch"][-1]
    spends = [entry for entry in entries if entry.kind == "spend"]
    values = [entry for entry in entries if entry.kind == "value"]
    charges = [Spent(f"{one.epoch} {one.query}", one.covers, one.epsilon_micro) for one in spends]
    cost = 0
    if spends:
        first, last = min(one.covers_start_ms for one in spends), max(one.covers_end_ms for one in spends)
        cost = peak(charges, Span(first, last))
    return Account(
        camera=camera,
        epoch=epoch.epoch,
        since_ms=epoch.start_ms,
        queries=tuple(sorted({one.query for one in spends if one.epoch == epoch.epoch})),
        spent=len(spends),
        unreleased=len(spends) - len(values),
        cost_micro=cost,
        budget_micro=epoch.said["budget_micro"],
    )


def show(ledger: Ledger) -> Iterator[str]:
    """The accounts as lines of plain text. Raises LedgerError."""
    found = accounts(ledger)
    if not found:
        yield "nothing was spent"
    for account in found:
        since = datetime.fromtimestamp(account.since_ms / 1000, UTC).isoformat(timespec="seconds")
        yield f"camera {account.camera}: epoch {account.epoch} since {since}"
        yield (
            f"  who passed at the most costly moment: epsilon {account.cost_micro / MICRO:g} "
            f"of {account.budget_micro / MICRO:g}"
        )
        yield f"  {account.spent} slots spent, {account.unreleased} of them never released"
        for query in account.queries:
            yield f"  query {query}"


def verify(ledger: Ledger, receipts: Iterable[str] = ()) -> str:
    """Try the chain from the first entry to the last, and that every receipt of a published number is in it.

    A receipt that the ledger does not know proves that the ledger is older than what was published. Raises
    LedgerError.
    """
    entries = ledger.entries()
    paid = {entry.hash for entry in entries if entry.kind == "spend"}
    unknown = sum(receipt not in paid for receipt in receipts)
    if unknown:
        raise LedgerError(
            f"{unknown} published receipts are not in the ledger: it is older than what was published; "
            "`passerby ledger seal` gives up the time before now for ever, and starts again"
        )
    tip = entries[-1].hash if entries else "none"
    return f"{len(entries)} entries, each fits the one before; the last is {tip}"


def export(ledger: Ledger) -> Iterator[str]:
    """Every entry as one line of JSON, oldest first, with its hash. Raises LedgerError."""
    for entry in ledger.entries():
        yield json.dumps({**asdict(entry), "body": entry.said}, sort_keys=True)
