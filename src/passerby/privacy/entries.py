"""The rows of the ledger: a chain of entries, each with the hash of all entries before it.

Invariant: rows are added and never changed; they are written and read nowhere else.

The tables are made by the migrations beside this file; this file reads and adds rows.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from hashlib import sha256
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    MetaData,
    Row,
    String,
    Table,
    Text,
    insert,
    select,
    update,
)

from passerby.domain.timespan import Span
from passerby.privacy.charge import Spent, is_site
from passerby.privacy.high_water_mark import Mark

_PAGE = 1_000
_METADATA = MetaData()
ENTRY = Table(
    "entry",
    _METADATA,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", String(8)),
    Column("camera", Text),
    Column("epoch", BigInteger),
    Column("query", Text),
    Column("start_ms", BigInteger),
    Column("end_ms", BigInteger),
    Column("covers_start_ms", BigInteger),
    Column("covers_end_ms", BigInteger),
    Column("epsilon_micro", BigInteger),
    Column("body", Text),
    Column("hash", String(64)),
)
HEAD = Table(
    "head",
    _METADATA,
    Column("id", Integer, primary_key=True),
    Column("ledger", String(32)),
    Column("number", BigInteger),
    Column("hash", String(64)),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One link of the chain. `camera` is the account: that of a camera or of a site. `kind` is epoch, source, spend,
    value or seal; `covers_*` are the ends of the span that a charge covers; `body` is JSON."""

    number: int
    kind: str
    camera: str
    epoch: int
    query: str
    start_ms: int
    end_ms: int
    covers_start_ms: int
    covers_end_ms: int
    epsilon_micro: int
    body: str
    hash: str

    @property
    def span(self) -> Span:
        return Span(self.start_ms, self.end_ms)

    @property
    def covers(self) -> Span:
        return Span(self.covers_start_ms, self.covers_end_ms)

    @property
    def content(self) -> dict[str, Any]:
        """The body as a mapping."""
        return dict(json.loads(self.body))


def spent(entry: Entry) -> Spent:
    """The charge of an entry, as the budget sees it."""
    pool = pool_of(entry.camera, entry.query)
    return Spent(f"{entry.epoch} {pool}", entry.covers, entry.epsilon_micro)


def pool_of(account: str, query: str) -> str:
    """The pool of a query: of a site its first word."""
    return query.partition(" ")[0] if is_site(account) else query


def spent_before(connection: Connection, account: str, covers: Span) -> list[Spent]:
    """The charges of an account that cover any of `covers`, each pool and span once: a day of a site has thousands."""
    columns = (
        ENTRY.c.epoch,
        ENTRY.c.query,
        ENTRY.c.covers_start_ms,
        ENTRY.c.covers_end_ms,
        ENTRY.c.epsilon_micro,
    )
    rows = connection.execute(
        select(*columns)
        .distinct()
        .where(ENTRY.c.kind == "spend", ENTRY.c.camera == account, *covers_any(covers))
    )
    return list(
        dict.fromkeys(
            Spent(f"{row.epoch} {pool_of(account, row.query)}", Span(*row[2:4]), row.epsilon_micro)
            for row in rows
        )
    )


def covers_any(span: Span) -> tuple[Any, ...]:
    """The condition that an entry covers any of `span`."""
    return ENTRY.c.covers_start_ms < span.end_ms, ENTRY.c.covers_end_ms > span.start_ms


def genesis(ledger: str) -> Mark:
    """The start of the chain of the ledger of this name: its first entry follows it."""
    return Mark(ledger, 0, sha256(f"passerby ledger {ledger}".encode()).hexdigest())


def canonical(body: Mapping[str, Any]) -> str:
    """JSON that is the same for the same content."""
    return json.dumps(body, sort_keys=True, separators=(",", ":"))


def link(previous: str, entry: Entry) -> str:
    """SHA-256 of the hash before and of every field of the entry but its own hash."""
    content = [getattr(entry, field.name) for field in fields(entry) if field.name != "hash"]
    return sha256((previous + json.dumps(content, separators=(",", ":"))).encode()).hexdigest()


def follow(tip: Mark, entries: Iterable[Entry]) -> Mark | int:
    """The tip after `entries`, or the number of the first entry that does not follow the one before."""
    for entry in entries:
        if entry.number != tip.number + 1 or entry.hash != link(tip.hash, entry):
            return tip.number + 1
        tip = Mark(tip.ledger, entry.number, entry.hash)
    return tip


def take_turn(connection: Connection) -> Mark | None:
    """The head, locked until the transaction ends (SQLite's BEGIN IMMEDIATE has locked it before)."""
    row = connection.execute(select(HEAD).where(HEAD.c.id == 1).with_for_update()).first()
    return None if row is None else Mark(row.ledger, row.number, row.hash)


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry that is not in the chain yet; `covers` is `span` where it is None."""

    kind: str
    span: Span
    body: Mapping[str, Any]
    camera: str = ""
    epoch: int = 0
    query: str = ""
    covers: Span | None = None
    epsilon_micro: int = 0


def add(connection: Connection, tip: Mark, draft: Draft) -> Mark:
    """Add an entry after `tip`, and return the new tip."""
    reach = draft.covers or draft.span
    entry = Entry(
        number=tip.number + 1,
        kind=draft.kind,
        camera=draft.camera,
        epoch=draft.epoch,
        query=draft.query,
        start_ms=draft.span.start_ms,
        end_ms=draft.span.end_ms,
        covers_start_ms=reach.start_ms,
        covers_end_ms=reach.end_ms,
        epsilon_micro=draft.epsilon_micro,
        body=canonical(draft.body),
        hash="",
    )
    entry = replace(entry, hash=link(tip.hash, entry))
    connection.execute(insert(ENTRY).values(asdict(entry)))
    connection.execute(update(HEAD).where(HEAD.c.id == 1).values(number=entry.number, hash=entry.hash))
    return Mark(tip.ledger, entry.number, entry.hash)


def find(
    connection: Connection, *where: Any, newest_first: bool = False, limit: int | None = None
) -> list[Entry]:
    """The entries for which all of `where` holds, oldest first by default."""
    order = ENTRY.c.number.desc() if newest_first else ENTRY.c.number
    rows = connection.execute(select(ENTRY).where(*where).order_by(order).limit(limit))
    return [_entry(row) for row in rows]


def any_of(connection: Connection, *where: Any) -> Entry | None:
    """Any entry for which all of `where` holds: not the first, so that nothing has to be sorted."""
    row = connection.execute(select(ENTRY).where(*where).limit(1)).first()
    return None if row is None else _entry(row)


def walk(connection: Connection, after: int) -> Iterator[Entry]:
    """The entries after that number, oldest first, a page at a time: years of them are never in memory at once."""
    while page := find(connection, ENTRY.c.number > after, limit=_PAGE):
        yield from page
        after = page[-1].number


def _entry(row: Row[Any]) -> Entry:
    return Entry(**row._asdict())
