"""Writing releases and their roll-ups, within a transaction of the caller.

Invariant: a release that is stored is never changed; each new bin is added to the sums of its hour and its day once.
"""

from collections.abc import Iterable, Sequence
from datetime import tzinfo
from math import isfinite
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from passerby.config.line_spec import name_problem
from passerby.domain.calendar import DAY_MS
from passerby.domain.release import Cell, Level, Release
from passerby.domain.timespan import Span
from passerby.errors import ConflictError, InputError
from passerby.publish.store.reading import read_cells
from passerby.publish.store.rollup import Rollup, rollup_spans
from passerby.publish.store.schema import CELL, RELEASE, ROLLUP
from passerby.publish.store.sums import Resolution

_LARGEST = 2**53
_LATEST_MS = 200_000_000_000_000
"""In the year 8307: later times could have a local time after the year 9999, which Python cannot represent."""
_ROLLUP_KEY = ("cell_id", "resolution", "start_ms")


def batch_of(releases: Iterable[Release]) -> tuple[list[Release], int]:
    """The different releases among `releases`, and how many there were with repetitions.

    Raises InputError for an invalid release, ConflictError if two of them differ under the same key.
    """
    batch: dict[tuple[Cell, int], Release] = {}
    given = 0
    for release in releases:
        given += 1
        _check(release)
        if batch.setdefault((release.cell, release.start_ms), release) != release:
            raise ConflictError(_conflict(release))
    return list(batch.values()), given


def write_new(connection: Connection, releases: Sequence[Release], level: Level, zone: tzinfo) -> int:
    """Write the releases that are not stored, with their roll-ups in `zone`, and return their number.

    Raises ConflictError if a different release is stored under the key of one.
    """
    ids = _cell_ids(connection, {release.cell for release in releases})
    new = _new(connection, releases, ids, level)
    if new:
        connection.execute(
            insert(RELEASE), [_release_row(release, ids[release.cell], level) for release in new]
        )
        if level == "bin":
            _roll_up(connection, new, ids, zone)
    return len(new)


def _check(release: Release) -> None:
    """Raises InputError for an invalid release."""
    cell, start_ms, end_ms = release.cell, release.start_ms, release.end_ms
    for name in (cell.camera, cell.line, cell.direction, cell.label):
        if problem := name_problem(name):
            raise InputError(f"release of {name[:40]!r}: {problem}")
    if not 0 <= start_ms < end_ms <= min(start_ms + 2 * DAY_MS, _LATEST_MS):
        raise InputError(
            f"{_name(release)}: length {end_ms - start_ms} ms, expected above 0 and at most 48 h"
        )
    numbers = (release.noise_scale, release.epsilon, release.coverage)
    if not all(isfinite(number) for number in numbers) or release.noise_scale <= 0 or release.epsilon <= 0:
        raise InputError(f"{_name(release)}: expected a noise scale and an epsilon above 0")
    if not 0 <= release.coverage <= 1 or type(release.value) is not int or abs(release.value) > _LARGEST:
        raise InputError(f"{_name(release)}: expected a coverage from 0 to 1 and a whole number")
    if release.sender_clock is not None and not 0 <= release.sender_clock <= release.coverage:
        raise InputError(f"{_name(release)}: expected a sender_clock from 0 to the coverage")


def _name(release: Release) -> str:
    cell = release.cell
    return f"camera {cell.camera}, line {cell.line}, {cell.direction}, {cell.label}, {release.start_ms} ms"


def _conflict(release: Release) -> str:
    return f"{_name(release)}: a different number was published before; a published number never changes"


def _cell_ids(connection: Connection, cells: set[Cell]) -> dict[Cell, int]:
    """The id of each cell; new cells are added, sorted by name."""
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
    """The releases that are not in the store. Raises ConflictError if a different one has the same key."""
    if not releases:
        return []
    rows = connection.execute(
        select(RELEASE).where(
            RELEASE.c.level == level,
            RELEASE.c.cell_id.in_({ids[release.cell] for release in releases}),
            RELEASE.c.start_ms >= min(release.start_ms for release in releases),
            RELEASE.c.start_ms <= max(release.start_ms for release in releases),
        )
    )
    stored = {(row.cell_id, row.start_ms): row._asdict() for row in rows}
    new = []
    for release in releases:
        before = stored.get((ids[release.cell], release.start_ms))
        if before is None:
            new.append(release)
        elif before != _release_row(release, ids[release.cell], level):
            raise ConflictError(_conflict(release))
    return new


def _release_row(release: Release, cell_id: int, level: Level) -> dict[str, Any]:
    return {
        "cell_id": cell_id,
        "level": level,
        "start_ms": release.start_ms,
        "end_ms": release.end_ms,
        "value": release.value,
        "noise_scale": float(release.noise_scale),
        "epsilon": float(release.epsilon),
        "coverage": float(release.coverage),
        "receipt": release.receipt,
        "sender_clock": None if release.sender_clock is None else float(release.sender_clock),
        # As in rows from an earlier version, which are sent again after an upgrade.
        "promise": None if release.promise == "footage" else release.promise,
    }


def _roll_up(connection: Connection, new: Sequence[Release], ids: dict[Cell, int], zone: tzinfo) -> None:
    parents = [
        (release, ids[release.cell], rollup_spans(release.start_ms, release.end_ms, zone)) for release in new
    ]
    starts = [span.start_ms for _, _, spans in parents for _, span in spans]
    if not starts:
        return
    rows = connection.execute(
        select(ROLLUP).where(
            ROLLUP.c.cell_id.in_({cell_id for _, cell_id, _ in parents}),
            ROLLUP.c.start_ms.between(min(starts), max(starts)),
        )
    )
    before = {(row.cell_id, row.resolution, row.start_ms): _rollup(row) for row in rows}
    after: dict[tuple[int, Resolution, int], Rollup] = {}
    for release, cell_id, spans in parents:
        for resolution, span in spans:
            key = (cell_id, resolution, span.start_ms)
            after.setdefault(key, before.get(key) or Rollup(span)).add(release)
    inserted = [_rollup_row(key, rollup) for key, rollup in after.items() if key not in before]
    # Parameters of the WHERE clause need names that are not columns.
    updated = [
        {
            f"key_{name}" if name in _ROLLUP_KEY else name: value
            for name, value in _rollup_row(key, rollup).items()
        }
        for key, rollup in after.items()
        if key in before
    ]
    if inserted:
        connection.execute(insert(ROLLUP), inserted)
    if updated:
        same_key = [ROLLUP.c[name] == bindparam(f"key_{name}") for name in _ROLLUP_KEY]
        connection.execute(update(ROLLUP).where(*same_key), updated)


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
        row.promise,
    )


def _rollup_row(key: tuple[int, Resolution, int], rollup: Rollup) -> dict[str, Any]:
    return {
        "cell_id": key[0],
        "resolution": key[1],
        "start_ms": key[2],
        "end_ms": rollup.span.end_ms,
        "value": rollup.value,
        "variance": rollup.variance,
        "epsilon": rollup.epsilon,
        "covered": rollup.covered,
        "summed_ms": rollup.summed_ms,
        "releases": rollup.releases,
        "sender": rollup.sender,
        "promise": rollup.promise,
    }
