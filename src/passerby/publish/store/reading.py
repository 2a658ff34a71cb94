"""The SQL that reads the store: the rows of one resolution for the cells of a query.

Invariant: contains only SELECT statements; one row for one number, from either table (releases or roll-ups).
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

_BOTH_COLUMNS = ("cell_id", "start_ms", "end_ms", "value", "epsilon", "promise")
# Columns that only one of the two tables has; they are NULL in rows from the other.
_RELEASE_COLUMNS = (
    ("noise_scale", Float(53)),
    ("coverage", Float(53)),
    ("receipt", Text()),
    ("sender_clock", Float(53)),
)
_ROLLUP_COLUMNS = (
    ("variance", Float(53)),
    ("covered", BigInteger()),
    ("summed_ms", BigInteger()),
    ("releases", Integer()),
    ("sender", BigInteger()),
)

# The name of each part of a cell in what users read and write.
_PUBLIC = {"camera": "camera", "line": "line", "direction": "direction", "label": "class"}


def read_cells(connection: Connection) -> dict[int, Cell]:
    """Every cell that has a published number, by its id."""
    return {
        row.id: Cell(row.camera, row.line, row.direction, row.label)
        for row in connection.execute(select(CELL).order_by(CELL.c.id))
    }


def matching_ids(cells: dict[int, Cell], query: Query) -> list[int]:
    """The ids of the cells that match `query`. Raises UnknownNameError for a name that no cell has."""
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
                    f"{_PUBLIC[part]} {name[:60]!r}: nothing was published for it, expected one of: {shown}"
                )
    return [
        number
        for number, cell in cells.items()
        if all(not names or getattr(cell, part) in names for part, names in parts)
    ]


def select_rows(query: Query, ids: list[int] | None, after: Cursor | None) -> Select[Any]:
    """The rows that match `query`, for the cells with these ids (None: all), after the row `after`."""
    if query.resolution == "bin":
        return select_releases("bin").where(*_conditions(RELEASE, query, ids, after))
    rollups = _select_rollups(query.resolution).where(*_conditions(ROLLUP, query, ids, after))
    if query.resolution == "hour":
        return rollups
    # A day that was released as a whole has less noise than the sum of its bins, so it replaces that sum.
    day = RELEASE.alias("day")
    replaced = exists().where(
        day.c.level == "day", day.c.cell_id == ROLLUP.c.cell_id, day.c.start_ms == ROLLUP.c.start_ms
    )
    days = select_releases("day").where(*_conditions(RELEASE, query, ids, after))
    return select(union_all(days, rollups.where(~replaced)).subquery())


def _conditions(
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


def select_releases(level: Level) -> Select[Any]:
    """Every release of this level, with NULL in the columns of roll-ups."""
    columns = [RELEASE.c[name] for name in _BOTH_COLUMNS]
    return select(
        *columns,
        *(RELEASE.c[name] for name, _ in _RELEASE_COLUMNS),
        *(cast(null(), kind).label(name) for name, kind in _ROLLUP_COLUMNS),
    ).where(RELEASE.c.level == level)


def _select_rollups(resolution: Resolution) -> Select[Any]:
    columns = [ROLLUP.c[name] for name in _BOTH_COLUMNS]
    return select(
        *columns,
        *(cast(null(), kind).label(name) for name, kind in _RELEASE_COLUMNS),
        *(ROLLUP.c[name] for name, _ in _ROLLUP_COLUMNS),
    ).where(ROLLUP.c.resolution == resolution)
