"""The store of releases and of their hourly and daily sums, read by camera, line, class, direction and time.

Invariant: one value for each key: writing the same release again changes nothing, a different value is refused; a batch
and its roll-ups are one transaction, so that no sum includes half a batch.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Table,
    delete,
    func,
    insert,
    select,
    tuple_,
    update,
)

from passerby.domain import calendar
from passerby.domain.noise_interval import noise_95_of_release, noise_95_of_sum, variance
from passerby.domain.release import Cell, Level, Release
from passerby.errors import InputError, StoreError
from passerby.publish.store.database import Database, open_database
from passerby.publish.store.query import Cursor, Query
from passerby.publish.store.reading import matching_ids, read_cells, select_releases, select_rows
from passerby.publish.store.rollup import MICRO
from passerby.publish.store.schema import HEALTH, RELEASE, ROLLUP, STORE
from passerby.publish.store.sums import Sum
from passerby.publish.store.writing import batch_of, write_new

PAGE = 5_000
LONGEST_MS = 1_000 * 366 * calendar.DAY_MS
_REASON = re.compile(r"[a-z]*(?:[ -][a-z]+){0,5}", re.ASCII)
_STALE_MS = 2 * calendar.DAY_MS
"""`latest` returns only numbers that started this recently before the newest number of the store."""


@dataclass(frozen=True, slots=True)
class Written:
    """How many releases of a batch were new, were stored before, and came after their time was pruned."""

    new: int = 0
    same: int = 0
    expired: int = 0


@dataclass(frozen=True, slots=True)
class Retention:
    """How long numbers are kept after their end, in ms; None: for ever. Sums are kept longer than their bins.

    Raises InputError for times that are too short, too long or not in ascending order.
    """

    bin_ms: int | None = None
    hour_ms: int | None = None
    day_ms: int | None = None

    def __post_init__(self) -> None:
        times_ms = (self.bin_ms, self.hour_ms, self.day_ms)
        if any(time_ms is not None and time_ms > LONGEST_MS for time_ms in times_ms):
            raise InputError("retention: expected at most 1000 years, or forever")
        kept = [float("inf") if time_ms is None else time_ms for time_ms in times_ms]
        if kept != sorted(kept) or kept[0] < calendar.DAY_MS:
            raise InputError(
                "retention: expected bins for at least one day, hours for at least as long as bins, "
                "and days for at least as long as hours"
            )


@dataclass(frozen=True, slots=True)
class Health:
    """The state of a camera's link: up or down since `since_ms`, the reason if down, last checked at `seen_ms`.

    It comes from connections and watchdogs, never from the picture.
    """

    camera: str
    up: bool
    reason: str
    since_ms: int
    seen_ms: int


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows, and the cursor of the next page; None at the end."""

    rows: tuple[Sum, ...]
    next: Cursor | None


class Store:
    """A store, opened by `open_store`; each process opens its own. Every method can raise StoreError."""

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
        """Store `releases`, all or none. Raises ConflictError for a release that differs from the published one,
        InputError for an invalid one."""
        batch, given = batch_of(releases)
        if not batch:
            return Written()
        with self._database.writing() as connection:
            state = connection.execute(select(STORE)).one()
            pruned_ms = state.pruned_bin_ms if level == "bin" else state.pruned_day_ms
            kept = [release for release in batch if release.end_ms > pruned_ms]
            new = write_new(connection, kept, level, self.zone)
            if new:
                _touch(connection)
        return Written(new, given - len(batch) + len(kept) - new, len(batch) - len(kept))

    def page(self, query: Query, *, after: Cursor | None = None, limit: int = PAGE) -> Page:
        """At most `limit` rows, sorted by start and then by the age of the cell. Raises UnknownNameError for a name
        that has no published numbers."""
        with self._database.reading() as connection:
            return self._page(connection, query, after, limit)

    def rows(self, query: Query) -> Iterator[Sum]:
        """All rows, fetched page by page. Raises UnknownNameError."""
        after: Cursor | None = None
        while True:
            page = self.page(query, after=after)
            yield from page.rows
            after = page.next
            if after is None:
                return

    def cells(self) -> tuple[Cell, ...]:
        """Every cell that has a published number, the oldest first."""
        with self._database.reading() as connection:
            return tuple(cell for _, cell in sorted(read_cells(connection).items()))

    def latest(self) -> tuple[Sum, ...]:
        """The newest bin of each cell that has one in the two days before the newest bin of the store."""
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
            newest_of_each = select_releases("bin").where(
                tuple_(RELEASE.c.cell_id, RELEASE.c.start_ms).in_(select(last.c.cell_id, last.c.start_ms))
            )
            rows = connection.execute(newest_of_each.order_by(RELEASE.c.cell_id)).all()
            return self._sums(connection, rows)

    def state(self) -> str:
        """A text that changes whenever the published numbers change: for caches."""
        with self._database.reading() as connection:
            row = connection.execute(select(STORE.c.name, STORE.c.revision)).one()
            return f"{row.name}-{row.revision}"

    def retention(self) -> Retention:
        with self._database.reading() as connection:
            row = connection.execute(select(STORE)).one()
            return Retention(row.keep_bin_ms, row.keep_hour_ms, row.keep_day_ms)

    def set_retention(self, retention: Retention) -> None:
        """Set how long numbers are kept; `prune` deletes those that are older."""
        with self._database.writing() as connection:
            connection.execute(
                update(STORE).values(
                    keep_bin_ms=retention.bin_ms,
                    keep_hour_ms=retention.hour_ms,
                    keep_day_ms=retention.day_ms,
                )
            )

    def prune(self, now_ms: int) -> int:
        """Delete what is older than its retention, and return the number of deleted rows. Sums do not change."""
        with self._database.writing() as connection:
            state = connection.execute(select(STORE)).one()
            deleted = 0
            if state.keep_bin_ms is not None:
                before_ms = max(state.pruned_bin_ms, now_ms - state.keep_bin_ms)
                deleted += _delete_before(connection, RELEASE, RELEASE.c.level == "bin", before_ms)
                connection.execute(update(STORE).values(pruned_bin_ms=before_ms))
            if state.keep_hour_ms is not None:
                deleted += _delete_before(
                    connection, ROLLUP, ROLLUP.c.resolution == "hour", now_ms - state.keep_hour_ms
                )
            if state.keep_day_ms is not None:
                before_ms = max(state.pruned_day_ms, now_ms - state.keep_day_ms)
                deleted += _delete_before(connection, RELEASE, RELEASE.c.level == "day", before_ms)
                deleted += _delete_before(connection, ROLLUP, ROLLUP.c.resolution == "day", before_ms)
                connection.execute(update(STORE).values(pruned_day_ms=before_ms))
            if deleted:
                _touch(connection)
            return deleted

    def report(self, health: Sequence[Health]) -> None:
        """Replace the stored state of all cameras' links; a camera that is not in `health` is removed.

        Raises InputError for a reason that is not a few plain words.
        """
        for link in health:
            if not _REASON.fullmatch(link.reason) or len(link.reason) > 40:
                raise InputError(
                    f"camera {link.camera}: reason {link.reason[:40]!r}, expected a few plain words in small letters"
                )
        with self._database.writing() as connection:
            connection.execute(delete(HEALTH))
            if health:
                connection.execute(insert(HEALTH), [asdict(link) for link in health])

    def health(self) -> tuple[Health, ...]:
        """The links of all cameras, sorted by the camera's name."""
        with self._database.reading() as connection:
            rows = connection.execute(select(HEALTH).order_by(HEALTH.c.camera))
            return tuple(Health(**row._asdict()) for row in rows)

    def _page(self, connection: Connection, query: Query, after: Cursor | None, limit: int) -> Page:
        filtered = any((query.cameras, query.lines, query.directions, query.labels))
        ids = sorted(matching_ids(self._read_cells(connection), query)) if filtered else None
        if ids == []:
            return Page((), None)
        selected = select_rows(query, ids, after).order_by("start_ms", "cell_id").limit(limit + 1)
        rows = connection.execute(selected).all()
        sums = self._sums(connection, rows[:limit])
        last = rows[limit - 1] if len(rows) > limit else None
        return Page(sums, None if last is None else Cursor(last.start_ms, last.cell_id))

    def _read_cells(self, connection: Connection) -> dict[int, Cell]:
        self._cells = read_cells(connection)
        return self._cells

    def _sums(self, connection: Connection, rows: Sequence[Row[Any]]) -> tuple[Sum, ...]:
        # Cells are only ever added, so the ones read before stay valid.
        if any(row.cell_id not in self._cells for row in rows):
            self._read_cells(connection)
        return tuple(_sum(row, self._cells[row.cell_id]) for row in rows)


def open_store(where: str | Path, timezone: str | None = None, *, read_only: bool = False) -> Store:
    """Open the store at `where`: a path (SQLite) or a `postgresql://` URL, with the schema of this version.

    `timezone` (an IANA name) decides where hours and days begin; the store keeps the first one that it gets.
    Raises StoreError, also if the store has another timezone, and InputError for an unknown timezone.
    """
    if timezone is not None:
        calendar.zone_of(timezone)
    database = open_database(where, read_only=read_only)
    try:
        with database.reading() as connection:
            stored = connection.scalar(select(STORE.c.timezone))
        if stored is None and timezone is not None and not read_only:
            with database.writing() as connection:
                connection.execute(update(STORE).where(STORE.c.timezone.is_(None)).values(timezone=timezone))
                stored = connection.scalar(select(STORE.c.timezone))
        if timezone is not None and stored is not None and stored != timezone:
            raise StoreError(
                f"{database.name}: the store's timezone is {stored}, expected {timezone}: use another store"
            )
        return Store(database, stored)
    except BaseException:
        database.close()
        raise


def _touch(connection: Connection) -> None:
    connection.execute(update(STORE).values(revision=STORE.c.revision + 1))


def _delete_before(
    connection: Connection, table: Table, of_level: ColumnElement[bool], before_ms: int
) -> int:
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
        promise="crossings" if row.promise == "crossings" else "footage",
    )
