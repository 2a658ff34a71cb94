"""Sums of published numbers over several cells, for each bin, hour or day: such as all classes in both directions.

Invariant: computed from released numbers only (post-processing), so it costs no privacy; the database adds the rows,
so that a year takes less than a second.
"""

from dataclasses import dataclass, field
from typing import Literal

from sqlalchemy import func, select

from passerby.domain.noise_interval import noise_95_of_release, noise_95_of_sum, variance
from passerby.publish.store.query import Query
from passerby.publish.store.reading import matching_ids, read_cells, select_rows
from passerby.publish.store.releases import Store
from passerby.publish.store.rollup import MICRO
from passerby.publish.store.schema import CELL

CellPart = Literal["camera", "line", "direction", "label"]
"""One of the four names that make up a cell."""


@dataclass(slots=True)
class Total:
    """The sum `value` over `[start_ms, end_ms)` (Unix ms UTC) of all cells that have the names in `group`.

    `variance` is that of the noise alone; `noise_95` is the half-width of the 95 % interval; `coverage` is the mean
    over its cells, 0 to 1; `complete` is true when its releases cover the whole span.
    """

    group: tuple[str, ...]
    start_ms: int
    end_ms: int
    value: int = 0
    variance: float = 0.0
    releases: int = 0
    epsilon: float = 0.0
    complete: bool = True
    _covered: float = field(default=0.0, repr=False)
    _cells: int = field(default=0, repr=False)
    _scale: float | None = field(default=None, repr=False)

    @property
    def coverage(self) -> float:
        return self._covered / self._cells

    def add(self, total: "Total") -> None:
        """Add the numbers of `total` to this one; the group and the span stay as they are."""
        self.value += total.value
        self.variance += total.variance
        self.releases += total.releases
        self.epsilon = max(self.epsilon, total.epsilon)
        self.complete &= total.complete
        self._covered += total._covered
        self._cells += total._cells
        self._scale = total._scale

    @property
    def noise_95(self) -> int:
        if self.releases == 1 and self._scale is not None:
            return noise_95_of_release(self._scale)
        return noise_95_of_sum(self.variance, self.releases)


def totals(store: Store, query: Query, by: tuple[CellPart, ...] = ()) -> list[Total]:
    """The sums of the rows that match `query`, grouped by the names in `by`, sorted by start and then by group.

    Raises StoreError, and UnknownNameError for a name that has no published numbers.
    """
    with store.database.reading() as connection:
        ids = matching_ids(read_cells(connection), query)
        numbers = select_rows(query, ids, None).subquery()
        parts = [CELL.c[name] for name in by]
        # Rows of the same noise scale are added in the database; a site has few noise scales.
        columns = [numbers.c.start_ms, numbers.c.end_ms, *parts, numbers.c.noise_scale]
        added = (
            select(
                *columns,
                func.count().label("cells"),
                func.sum(numbers.c.value).label("value"),
                func.sum(numbers.c.coverage).label("coverage"),
                func.sum(numbers.c.variance).label("variance"),
                func.sum(numbers.c.covered).label("covered"),
                func.sum(numbers.c.summed_ms).label("summed_ms"),
                func.sum(numbers.c.releases).label("releases"),
                func.max(numbers.c.epsilon).label("epsilon"),
            )
            .group_by(*columns)
            .order_by(numbers.c.start_ms)
        )
        if parts:
            added = added.join(CELL, CELL.c.id == numbers.c.cell_id)
        rows = connection.execute(added).all()
    sums: dict[tuple[int, int, tuple[str, ...]], Total] = {}
    for row in rows:
        group_of_row = tuple(getattr(row, name) for name in by)
        total = sums.setdefault(
            (row.start_ms, row.end_ms, group_of_row), Total(group_of_row, row.start_ms, row.end_ms)
        )
        length_ms = row.end_ms - row.start_ms
        total.value += int(row.value)
        total.epsilon = max(total.epsilon, row.epsilon)
        total._cells += row.cells
        if row.noise_scale is None:
            total.variance += row.variance
            total.releases += int(row.releases)
            total._covered += int(row.covered) / (MICRO * length_ms)
            total.complete &= int(row.summed_ms) == length_ms * row.cells
        else:
            total.variance += row.cells * variance(row.noise_scale)
            total.releases += row.cells
            total._covered += row.coverage
            total._scale = row.noise_scale
    return [sums[key] for key in sorted(sums)]
