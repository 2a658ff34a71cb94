"""What is read of the store, as SQL: the rows of a resolution, for the cells that are asked for.

Invariant: selects alone; one row for one number, whichever of the two tables it stands in.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Float,
    Integer,
    Select,
    Table,
    Text,
    cast,
    exists,
    null,
    or_,
    select,
    union_all,
)

from passerby.domain.release import Cell, Level
from passerby.errors import UnknownNameError
from passerby.publish.store.query import Cursor, Query
from passerby.publish.store.schema import CELL, RELEASE, ROLLUP
from passerby.publish.store.sums import Resolution

# Columns that only one of the two tables has; a row of the other has nothing there.
_OF_RELEASES = (
    ("noise_scale", Float(53)),
    ("coverage", Float(53)),
    ("receipt", Text()),
    ("sender_clock", Float(53)),
)
_OF_SUMS = (
    ("variance", Float(53)),
    ("covered", BigInteger()),
    ("summed_ms", BigInteger()),
    ("releases", Integer()),
    ("sender", BigInteger()),
)


def read_cells(connection: Connection) -> dict[int, Cell]:
    """Every cell that was ever published, by its id."""
    return {
        row.id: Cell(row.camera, row.line, row.direction, row.label)
        for row in connection.execute(select(CELL).order_by(CELL.c.id))
    }


def chosen(cells: dict[int, Cell], query: Query) -> list[int]:
    """The ids of the cells that are asked for. Raises InputError for a name that none of them has."""
    parts = (
        ("camera", query.cameras),
        ("line", query.lines),
        ("direction", query.directions),
        ("label", query.labels),
    )
    for part, names in parts:
        known = sorted({getattr(cell, part) for cell in cells.values()})
        for name in names:
            if name not in known:
                shown = ", ".join(known[:20]) + (", ..." if len(known) > 20 else "")
                raise UnknownNameError(
                    f"{part} {name[:60]!r}: nothing was published for it, expected one of: {shown}"
                )
    return [
        number
        for number, cell in cells.items()
        if all(not names or getattr(cell, part) in names for part, names in parts)
    ]


def of_resolution(query: Query, ids: list[int] | None, after: Cursor | None) -> Select[Any]:
    """The rows that `query` asks for, of the cells with these ids (None: all), after the row `after`."""
    if query.resolution == "bin":
        return released("bin").where(*_within(RELEASE, query, ids, after))
    summed = _summed(query.resolution).where(*_within(ROLLUP, query, ids, after))
    if query.resolution == "hour":
        return summed
    # A day that was released itself has less noise than its bins together, so it stands in for their sum.
    day = RELEASE.alias("day")
    stands_in = exists().where(
        day.c.level == "day", day.c.cell_id == ROLLUP.c.cell_id, day.c.start_ms == ROLLUP.c.start_ms
    )
    of_days = released("day").where(*_within(RELEASE, query, ids, after))
    return select(union_all(of_days, summed.where(~stands_in)).subquery())


def _within(
    table: Table, query: Query, ids: list[int] | None, after: Cursor | None
) -> Iterator[ColumnElement[bool]]:
    if ids is not None:
        yield table.c.cell_id.in_(ids)
    if query.from_ms is not None:
        yield table.c.start_ms >= query.from_ms
    if query.to_ms is not None:
        yield table.c.start_ms < query.to_ms
    if after is not None:
        yield table.c.start_ms >= after.start_ms
        yield or_(table.c.start_ms > after.start_ms, table.c.cell_id > after.cell_id)


def released(level: Level) -> Select[Any]:
    """Every release of this level."""
    columns = [RELEASE.c[name] for name in ("cell_id", "start_ms", "end_ms", "value", "epsilon")]
    return select(
        *columns,
        *(RELEASE.c[name] for name, _ in _OF_RELEASES),
        *(cast(null(), kind).label(name) for name, kind in _OF_SUMS),
    ).where(RELEASE.c.level == level)


def _summed(resolution: Resolution) -> Select[Any]:
    columns = [ROLLUP.c[name] for name in ("cell_id", "start_ms", "end_ms", "value", "epsilon")]
    return select(
        *columns,
        *(cast(null(), kind).label(name) for name, kind in _OF_RELEASES),
        *(ROLLUP.c[name] for name, _ in _OF_SUMS),
    ).where(ROLLUP.c.resolution == resolution)
