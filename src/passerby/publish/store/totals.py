"""Published numbers of several cells added up, instant by instant: a line's people and bicycles, both ways.

Invariant: worked out from released numbers alone, so it costs no privacy; the database adds, so that a year is quick.
"""

from dataclasses import dataclass, field
from typing import Literal

from sqlalchemy import func, select

from passerby.domain.noise_interval import noise_95_of_release, noise_95_of_sum, variance
from passerby.publish.store.query import Query
from passerby.publish.store.reading import chosen, of_resolution, read_cells
from passerby.publish.store.releases import Store
from passerby.publish.store.rollup import MICRO
from passerby.publish.store.schema import CELL

Part = Literal["camera", "line", "direction", "label"]


@dataclass(slots=True)
class Total:
    """`value` over `[start_ms, end_ms)` (Unix ms UTC) of all cells that share the parts in `group`.

    `variance` is of the noise alone, `noise_95` what it adds or takes, 19 times in 20, at most; `coverage` is the
    mean of its cells, 0 to 1; `complete` says whether releases make up all of its time.
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

    def add(self, other: "Total") -> None:
        """Add another one's numbers to this; the group and the span stay."""
        self.value += other.value
        self.variance += other.variance
        self.releases += other.releases
        self.epsilon = max(self.epsilon, other.epsilon)
        self.complete &= other.complete
        self._covered += other._covered
        self._cells += other._cells
        self._scale = other._scale

    @property
    def noise_95(self) -> int:
        if self.releases == 1 and self._scale is not None:
            return noise_95_of_release(self._scale)
        return noise_95_of_sum(self.variance, self.releases)


def totals(store: Store, query: Query, by: tuple[Part, ...] = ()) -> list[Total]:
    """The sums of what `query` asks for, in the order of their start and then of their group.

    Raises StoreError, and UnknownNameError for a name of which nothing was published.
    """
    with store.database.reading() as connection:
        ids = chosen(read_cells(connection), query)
        row = of_resolution(query, ids, None).subquery()
        parts = [CELL.c[name] for name in by]
        # Rows of one noise scale are alike, so they are added in the database; there are few scales.
        group = [row.c.start_ms, row.c.end_ms, *parts, row.c.noise_scale]
        added = (
            select(
                *group,
                func.count().label("cells"),
                func.sum(row.c.value).label("value"),
                func.sum(row.c.coverage).label("coverage"),
                func.sum(row.c.variance).label("variance"),
                func.sum(row.c.covered).label("covered"),
                func.sum(row.c.summed_ms).label("summed_ms"),
                func.sum(row.c.releases).label("releases"),
                func.max(row.c.epsilon).label("epsilon"),
            )
            .group_by(*group)
            .order_by(row.c.start_ms)
        )
        if parts:
            added = added.join(CELL, CELL.c.id == row.c.cell_id)
        found = connection.execute(added).all()
    sums: dict[tuple[int, int, tuple[str, ...]], Total] = {}
    for one in found:
        parts_of = tuple(getattr(one, name) for name in by)
        total = sums.setdefault(
            (one.start_ms, one.end_ms, parts_of), Total(parts_of, one.start_ms, one.end_ms)
        )
        length_ms = one.end_ms - one.start_ms
        total.value += int(one.value)
        total.epsilon = max(total.epsilon, one.epsilon)
        total._cells += one.cells
        if one.noise_scale is None:
            total.variance += one.variance
            total.releases += int(one.releases)
            total._covered += int(one.covered) / (MICRO * length_ms)
            total.complete &= int(one.summed_ms) == length_ms * one.cells
        else:
            total.variance += one.cells * variance(one.noise_scale)
            total.releases += one.cells
            total._covered += one.coverage
            total._scale = one.noise_scale
    return [sums[key] for key in sorted(sums)]
