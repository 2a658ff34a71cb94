"""Releases, and their sums by hour and day: written once each, read by camera, line, class, direction and time.

Invariant: releases only, each key once: the same again changes nothing, another value is refused; every write is one
transaction with its roll-ups, so that no sum is ever of half a batch.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, tzinfo
from math import isfinite
from pathlib import Path
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Table,
    bindparam,
    delete,
    func,
    insert,
    select,
    tuple_,
    update,
)

from passerby.config.line_spec import name_problem
from passerby.domain import calendar
from passerby.domain.noise_interval import noise_95_of_release, noise_95_of_sum, variance
from passerby.domain.release import Cell, Level, Release
from passerby.domain.timespan import Span
from passerby.errors import ConflictError, InputError, StoreError
from passerby.publish.store.database import Database, open_database
from passerby.publish.store.query import Cursor, Query
from passerby.publish.store.reading import chosen, of_resolution, read_cells, released
from passerby.publish.store.rollup import MICRO, Rollup, homes
from passerby.publish.store.schema import CELL, HEALTH, RELEASE, ROLLUP, STORE
from passerby.publish.store.sums import Resolution, Sum

PAGE = 5_000
_LARGEST = 2**53
_LATEST_MS = 200_000_000_000_000
"""In the year 8307: local times beyond the library's last cannot be told."""
LONGEST_MS = 1_000 * 366 * calendar.DAY_MS
_REASON = re.compile(r"[a-z]*(?:[ -][a-z]+){0,5}", re.ASCII)
_ROLLUP_KEY = ("cell_id", "resolution", "start_ms")
_STALE_MS = 2 * calendar.DAY_MS
"""How far back the newest number of a cell is looked for, from the newest of all."""


@dataclass(frozen=True, slots=True)
class Written:
    """How many releases of a batch were new, were there before, and came after their time was given up."""

    new: int = 0
    same: int = 0
    expired: int = 0


@dataclass(frozen=True, slots=True)
class Retention:
    """How long numbers are kept after their end, in ms; None for ever. Roll-ups outlive what they sum."""

    bin_ms: int | None = None
    hour_ms: int | None = None
    day_ms: int | None = None

    def __post_init__(self) -> None:
        endless = float("inf")
        kept = [endless if one is None else one for one in (self.bin_ms, self.hour_ms, self.day_ms)]
        finite = [one for one in kept if one != endless]
        if any(one > LONGEST_MS for one in finite):
            raise InputError("retention: expected at most a thousand years, or forever")
        if kept != sorted(kept) or kept[0] < calendar.DAY_MS:
            raise InputError(
                "retention: expected bins kept for at least a day, hours at least as long as bins, and days as hours"
            )


@dataclass(frozen=True, slots=True)
class Health:
    """Whether a camera's link is up, since when, why not (a class of reasons), and when that was last known.

    It comes from links and watchdogs, never from what a camera sees.
    """

    camera: str
    up: bool
    reason: str
    since_ms: int
    seen_ms: int


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows, and after which the next page begins; None at the end."""

    rows: tuple[Sum, ...]
    next: Cursor | None


class Store:
    """One store, opened by `open_store`; each process opens its own. Every method raises StoreError."""

    def __init__(self, database: Database, zone: str | None) -> None:
        self._database = database
        self._cells: dict[int, Cell] = {}
        self.has_timezone = zone is not None
        self.timezone = zone or "UTC"
        self.zone: tzinfo = calendar.zone_of(zone) if zone else UTC

    def close(self) -> None:
        self._database.close()

    @property
    def name(self) -> str:
        return self._database.name

    @property
    def database(self) -> Database:
        return self._database

    def write(self, releases: Iterable[Release], level: Level) -> Written:
        """Keep `releases`, all or none. Raises ConflictError for one that differs from what was published,
        InputError for one that cannot be meant."""
        batch: dict[tuple[Cell, int], Release] = {}
        given = 0
        for given, one in enumerate(releases, start=1):  # noqa: B007 - how many there were
            _check(one)
            if batch.setdefault((one.cell, one.start_ms), one) != one:
                raise ConflictError(_conflict(one))
        if not batch:
            return Written()
        with self._database.writing() as connection:
            state = connection.execute(select(STORE)).one()
            pruned_ms = state.pruned_bin_ms if level == "bin" else state.pruned_day_ms
            kept = [one for one in batch.values() if one.end_ms > pruned_ms]
            ids = _cell_ids(connection, {one.cell for one in kept})
            new = _new(connection, kept, ids, level)
            if new:
                connection.execute(insert(RELEASE), [_release_row(one, ids[one.cell], level) for one in new])
                if level == "bin":
                    _roll_up(connection, new, ids, self.zone)
                _touch(connection)
        return Written(len(new), given - len(batch) + len(kept) - len(new), len(batch) - len(kept))

    def page(self, query: Query, *, after: Cursor | None = None, limit: int = PAGE) -> Page:
        """At most `limit` rows in the order of their start, and then of their cells' first release."""
        with self._database.reading() as connection:
            return self._page(connection, query, after, limit)

    def rows(self, query: Query) -> Iterator[Sum]:
        """All rows, fetched a page at a time."""
        after: Cursor | None = None
        while True:
            page = self.page(query, after=after)
            yield from page.rows
            after = page.next
            if after is None:
                return

    def cells(self) -> tuple[Cell, ...]:
        """Everything that was ever published, in the order of its first release."""
        with self._database.reading() as connection:
            return tuple(cell for _, cell in sorted(read_cells(connection).items()))

    def latest(self) -> tuple[Sum, ...]:
        """The newest bin of each cell that had one within two days of the newest of all."""
        with self._database.reading() as connection:
            newest = connection.scalar(select(func.max(RELEASE.c.start_ms)).where(RELEASE.c.level == "bin"))
            if newest is None:
                return ()
            last = (
                select(RELEASE.c.cell_id, func.max(RELEASE.c.start_ms).label("start_ms"))
                .where(RELEASE.c.level == "bin", RELEASE.c.start_ms > newest - _STALE_MS)
                .group_by(RELEASE.c.cell_id)
                .subquery()
            )
            newest_of_each = released("bin").where(
                tuple_(RELEASE.c.cell_id, RELEASE.c.start_ms).in_(select(last.c.cell_id, last.c.start_ms))
            )
            rows = connection.execute(newest_of_each.order_by(RELEASE.c.cell_id)).all()
            return self._sums(connection, rows)

    def state(self) -> str:
        """A text that changes whenever anything that can be read of releases does: for caches."""
        with self._database.reading() as connection:
            row = connection.execute(select(STORE.c.name, STORE.c.revision)).one()
            return f"{row.name}-{row.revision}"

    def retention(self) -> Retention:
        with self._database.reading() as connection:
            row = connection.execute(select(STORE)).one()
            return Retention(row.keep_bin_ms, row.keep_hour_ms, row.keep_day_ms)

    def keep(self, retention: Retention) -> None:
        """Set how long numbers are kept from now on; `prune` is what gives them up."""
        with self._database.writing() as connection:
            connection.execute(
                update(STORE).values(
                    keep_bin_ms=retention.bin_ms,
                    keep_hour_ms=retention.hour_ms,
                    keep_day_ms=retention.day_ms,
                )
            )

    def prune(self, now_ms: int) -> int:
        """Give up what is older than its retention; how many rows that was. What was summed stays summed."""
        with self._database.writing() as connection:
            state = connection.execute(select(STORE)).one()
            gone = 0
            if state.keep_bin_ms is not None:
                before_ms = max(state.pruned_bin_ms, now_ms - state.keep_bin_ms)
                gone += _forget(connection, RELEASE, RELEASE.c.level == "bin", before_ms)
                connection.execute(update(STORE).values(pruned_bin_ms=before_ms))
            if state.keep_hour_ms is not None:
                gone += _forget(
                    connection, ROLLUP, ROLLUP.c.resolution == "hour", now_ms - state.keep_hour_ms
                )
            if state.keep_day_ms is not None:
                before_ms = max(state.pruned_day_ms, now_ms - state.keep_day_ms)
                gone += _forget(connection, RELEASE, RELEASE.c.level == "day", before_ms)
                gone += _forget(connection, ROLLUP, ROLLUP.c.resolution == "day", before_ms)
                connection.execute(update(STORE).values(pruned_day_ms=before_ms))
            if gone:
                _touch(connection)
            return gone

    def report(self, health: Sequence[Health]) -> None:
        """Keep what is known of the cameras' links, in place of all that was known before: a camera that is gone is
        told of no more."""
        for one in health:
            if not _REASON.fullmatch(one.reason) or len(one.reason) > 40:
                raise InputError(
                    f"camera {one.camera}: a reason of {one.reason[:40]!r}, expected a few plain words"
                )
        with self._database.writing() as connection:
            connection.execute(delete(HEALTH))
            if health:
                connection.execute(insert(HEALTH), [asdict(one) for one in health])

    def health(self) -> tuple[Health, ...]:
        with self._database.reading() as connection:
            rows = connection.execute(select(HEALTH).order_by(HEALTH.c.camera))
            return tuple(Health(**row._asdict()) for row in rows)

    def _page(self, connection: Connection, query: Query, after: Cursor | None, limit: int) -> Page:
        asked = any((query.cameras, query.lines, query.directions, query.labels))
        ids = sorted(chosen(self._known_cells(connection), query)) if asked else None
        if ids == []:
            return Page((), None)
        wanted = of_resolution(query, ids, after).order_by("start_ms", "cell_id").limit(limit + 1)
        found = connection.execute(wanted).all()
        rows = self._sums(connection, found[:limit])
        last = found[limit - 1] if len(found) > limit else None
        return Page(rows, None if last is None else Cursor(last.start_ms, last.cell_id))

    def _known_cells(self, connection: Connection) -> dict[int, Cell]:
        self._cells = read_cells(connection)
        return self._cells

    def _sums(self, connection: Connection, rows: Sequence[Row[Any]]) -> tuple[Sum, ...]:
        # Cells are only ever added, so what is known of them stays true.
        if any(row.cell_id not in self._cells for row in rows):
            self._known_cells(connection)
        return tuple(_sum(row, self._cells[row.cell_id]) for row in rows)


def open_store(where: str | Path, timezone: str | None = None, *, read_only: bool = False) -> Store:
    """The store at `where`: a path (SQLite) or a `postgresql://` URL, of the schema of this version.

    `timezone` is the site's, by which hours and days are cut; the first that is given is the store's for good.
    Raises StoreError, also for another timezone than the store's, and InputError for one that is none.
    """
    if timezone is not None:
        calendar.zone_of(timezone)
    database = open_database(where, read_only=read_only)
    try:
        with database.reading() as connection:
            known = connection.scalar(select(STORE.c.timezone))
        if known is None and timezone is not None and not read_only:
            with database.writing() as connection:
                connection.execute(update(STORE).where(STORE.c.timezone.is_(None)).values(timezone=timezone))
                known = connection.scalar(select(STORE.c.timezone))
        if timezone is not None and known is not None and known != timezone:
            raise StoreError(
                f"{database.name}: its hours and days are those of {known}, expected {timezone}: use another store"
            )
        return Store(database, known)
    except BaseException:
        database.close()
        raise


def _check(one: Release) -> None:
    """Raises InputError."""
    for name in (one.cell.camera, one.cell.line, one.cell.direction, one.cell.label):
        if problem := name_problem(name):
            raise InputError(f"a release of {name[:40]!r}: {problem}")
    if not 0 <= one.start_ms < one.end_ms <= min(one.start_ms + 2 * calendar.DAY_MS, _LATEST_MS):
        raise InputError(f"{_named(one)}: a span of {one.end_ms - one.start_ms} ms")
    numbers = (one.noise_scale, one.epsilon, one.coverage)
    if not all(isfinite(number) for number in numbers) or one.noise_scale <= 0 or one.epsilon <= 0:
        raise InputError(f"{_named(one)}: expected a noise scale and an epsilon above 0")
    if not 0 <= one.coverage <= 1 or type(one.value) is not int or abs(one.value) > _LARGEST:
        raise InputError(f"{_named(one)}: expected a coverage from 0 to 1 and a whole number")
    if one.sender_clock is not None and not 0 <= one.sender_clock <= one.coverage:
        raise InputError(f"{_named(one)}: expected the sender's clock for no more than was covered")


def _named(one: Release) -> str:
    cell = one.cell
    return f"camera {cell.camera}, line {cell.line}, {cell.direction}, {cell.label}, {one.start_ms} ms"


def _conflict(one: Release) -> str:
    return f"{_named(one)}: something else was published for it before; a published number never changes"


def _cell_ids(connection: Connection, cells: set[Cell]) -> dict[Cell, int]:
    """The id of each cell; those that are new are added, in the order of their names."""
    known = {cell: number for number, cell in read_cells(connection).items()}
    new = sorted(cells - known.keys())
    if new:
        first = max(known.values(), default=0) + 1
        rows = [
            {
                "id": number,
                "camera": cell.camera,
                "line": cell.line,
                "direction": cell.direction,
                "label": cell.label,
            }
            for number, cell in enumerate(new, start=first)
        ]
        connection.execute(insert(CELL), rows)
        known |= {cell: number for number, cell in enumerate(new, start=first)}
    return known


def _new(
    connection: Connection, releases: Sequence[Release], ids: dict[Cell, int], level: Level
) -> list[Release]:
    """Those that are not in the store. Raises ConflictError when another stands under the key of one."""
    if not releases:
        return []
    rows = connection.execute(
        select(RELEASE).where(
            RELEASE.c.level == level,
            RELEASE.c.cell_id.in_({ids[one.cell] for one in releases}),
            RELEASE.c.start_ms >= min(one.start_ms for one in releases),
            RELEASE.c.start_ms <= max(one.start_ms for one in releases),
        )
    )
    stored = {(row.cell_id, row.start_ms): row._asdict() for row in rows}
    new = []
    for one in releases:
        before = stored.get((ids[one.cell], one.start_ms))
        if before is None:
            new.append(one)
        elif before != _release_row(one, ids[one.cell], level):
            raise ConflictError(_conflict(one))
    return new


def _release_row(one: Release, cell_id: int, level: Level) -> dict[str, Any]:
    return {
        "cell_id": cell_id,
        "level": level,
        "start_ms": one.start_ms,
        "end_ms": one.end_ms,
        "value": one.value,
        "noise_scale": float(one.noise_scale),
        "epsilon": float(one.epsilon),
        "coverage": float(one.coverage),
        "receipt": one.receipt,
        "sender_clock": None if one.sender_clock is None else float(one.sender_clock),
    }


def _roll_up(connection: Connection, new: Sequence[Release], ids: dict[Cell, int], zone: tzinfo) -> None:
    homes_of = [(one, ids[one.cell], homes(one.start_ms, one.end_ms, zone)) for one in new]
    starts = [span.start_ms for _, _, of_one in homes_of for _, span in of_one]
    if not starts:
        return
    rows = connection.execute(
        select(ROLLUP).where(
            ROLLUP.c.cell_id.in_({cell_id for _, cell_id, _ in homes_of}),
            ROLLUP.c.start_ms.between(min(starts), max(starts)),
        )
    )
    before = {(row.cell_id, row.resolution, row.start_ms): _rollup(row) for row in rows}
    after: dict[tuple[int, Resolution, int], Rollup] = {}
    for one, cell_id, of_one in homes_of:
        for resolution, span in of_one:
            key = (cell_id, resolution, span.start_ms)
            after.setdefault(key, before.get(key) or Rollup(span)).add(one)
    fresh = [_rollup_row(key, rollup) for key, rollup in after.items() if key not in before]
    raised = [
        {
            f"of_{name}" if name in _ROLLUP_KEY else name: value
            for name, value in _rollup_row(key, one).items()
        }
        for key, one in after.items()
        if key in before
    ]
    if fresh:
        connection.execute(insert(ROLLUP), fresh)
    if raised:
        of_key = [ROLLUP.c[name] == bindparam(f"of_{name}") for name in _ROLLUP_KEY]
        connection.execute(update(ROLLUP).where(*of_key), raised)


def _rollup(row: Row[Any]) -> Rollup:
    return Rollup(
        Span(row.start_ms, row.end_ms),
        row.value,
        row.variance,
        row.epsilon,
        row.covered,
        row.summed_ms,
        row.releases,
        row.sender,
    )


def _rollup_row(key: tuple[int, Resolution, int], one: Rollup) -> dict[str, Any]:
    return {
        "cell_id": key[0],
        "resolution": key[1],
        "start_ms": key[2],
        "end_ms": one.span.end_ms,
        "value": one.value,
        "variance": one.variance,
        "epsilon": one.epsilon,
        "covered": one.covered,
        "summed_ms": one.summed_ms,
        "releases": one.releases,
        "sender": one.sender,
    }


def _touch(connection: Connection) -> None:
    connection.execute(update(STORE).values(revision=STORE.c.revision + 1))


def _forget(connection: Connection, table: Table, of_level: ColumnElement[bool], before_ms: int) -> int:
    return connection.execute(delete(table).where(of_level, table.c.end_ms <= before_ms)).rowcount


def _sum(row: Row[Any], cell: Cell) -> Sum:
    length_ms = row.end_ms - row.start_ms
    single = row.releases is None
    sender_clock = row.sender_clock
    if not single and row.sender is not None:
        sender_clock = row.sender / (MICRO * length_ms)
    return Sum(
        cell=cell,
        start_ms=row.start_ms,
        end_ms=row.end_ms,
        value=row.value,
        variance=variance(row.noise_scale) if single else row.variance,
        noise_95=noise_95_of_release(row.noise_scale)
        if single
        else noise_95_of_sum(row.variance, row.releases),
        epsilon=row.epsilon,
        coverage=row.coverage if single else row.covered / (MICRO * length_ms),
        sender_clock=sender_clock,
        releases=1 if single else row.releases,
        complete=single or row.summed_ms == length_ms,
        receipt=row.receipt,
    )
