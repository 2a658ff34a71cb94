"""The ledger as text for people: show, verify, export.

Invariant: reads and never writes; all that it shows was released, or is configuration.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from passerby.domain.timespan import Span
from passerby.errors import LedgerError
from passerby.privacy.charge import account_text, epsilon_text, is_site, peak
from passerby.privacy.entries import Entry, spent
from passerby.privacy.high_water_mark import Mark
from passerby.privacy.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Account:
    """The account of one camera, or of a site: `cost_micro` is the most that any one segment, or one person's day, has
    cost, of `budget_micro`; `unreleased` slots are spent and empty. `camera` is the account's name in the ledger."""

    camera: str
    epoch: int
    since_ms: int
    queries: tuple[str, ...]
    spent: int
    unreleased: int
    cost_micro: int
    budget_micro: int


def accounts(ledger: Ledger) -> list[Account]:
    """The accounts of cameras and sites, after the chain was checked from its first entry. Raises LedgerError."""
    entries = ledger.entries()
    cameras = sorted({entry.camera for entry in entries if entry.kind == "epoch"})
    return [_account(camera, [entry for entry in entries if entry.camera == camera]) for camera in cameras]


def _account(camera: str, entries: list[Entry]) -> Account:
    epoch = [entry for entry in entries if entry.kind == "epoch"][-1]
    spends = [entry for entry in entries if entry.kind == "spend"]
    values = [entry for entry in entries if entry.kind == "value"]
    cost = 0
    if spends:
        first = min(entry.covers_start_ms for entry in spends)
        last = max(entry.covers_end_ms for entry in spends)
        cost = peak(map(spent, spends), Span(first, last))
    return Account(
        camera=camera,
        epoch=epoch.epoch,
        since_ms=epoch.start_ms,
        queries=tuple(sorted({entry.query for entry in spends if entry.epoch == epoch.epoch})),
        spent=len(spends),
        unreleased=len(spends) - len(values),
        cost_micro=cost,
        budget_micro=epoch.content["budget_micro"],
    )


def show(ledger: Ledger) -> Iterator[str]:
    """The accounts as lines of plain text. Raises LedgerError."""
    found = accounts(ledger)
    if not found:
        yield "nothing was spent"
    for account in found:
        since = datetime.fromtimestamp(account.since_ms / 1000, UTC).isoformat(timespec="seconds")
        yield f"{account_text(account.camera)}: epoch {account.epoch} since {since}"
        most = "on the most costly day" if is_site(account.camera) else "who passed at the most costly moment"
        yield (
            f"  a person {most}: epsilon {epsilon_text(account.cost_micro)} "
            f"of {epsilon_text(account.budget_micro)}"
        )
        yield f"  {_number(account.spent, 'slot')} spent, {account.unreleased} of them never released"
        for query in account.queries:
            yield f"  query {query}"


def verify(ledger: Ledger, receipts: Iterable[str] = (), heads: Iterable[Mark] = ()) -> str:
    """Check the chain from the first entry to the last, and that every receipt of a published number and every earlier
    head is in it.

    A receipt that the ledger does not know proves that the ledger is older than the published numbers. A head that it
    does not know proves that its past was rewritten, or that it is another ledger. Raises LedgerError.
    """
    entries = ledger.entries()
    name = ledger.head().ledger
    for head in heads:
        if head.ledger != name or (head.number and entries[head.number - 1 :][:1] == []):
            raise LedgerError(
                f"the head {head.hash[:12]} (entry {head.number}) is not of this ledger, or it is newer"
            )
        if head.number and entries[head.number - 1].hash != head.hash:
            raise LedgerError(
                f"the past of the ledger was rewritten: entry {head.number} is not the one of a kept head"
            )
    paid = {entry.hash for entry in entries if entry.kind == "spend"}
    unknown = sum(receipt not in paid for receipt in receipts)
    if unknown:
        missing = "1 published receipt is" if unknown == 1 else f"{unknown} published receipts are"
        raise LedgerError(
            f"{missing} not in the ledger: it is older than the published numbers; "
            "`passerby ledger seal` gives up the time before now for ever, and starts again"
        )
    tip = entries[-1].hash if entries else "none"
    if len(entries) == 1:
        return f"1 entry, which fits the start of the chain; it is {tip}"
    return f"{len(entries)} entries, each fits the one before; the last is {tip}"


def export(ledger: Ledger) -> Iterator[str]:
    """Every entry as one line of JSON, oldest first, with its hash. Raises LedgerError."""
    for entry in ledger.entries():
        yield json.dumps({**asdict(entry), "body": entry.content}, sort_keys=True)


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
