"""Sums that the database adds equal those of the rows, for any query."""

from collections import defaultdict

import pytest
from tests.publish.conftest import MIDNIGHT_MS, PERSON, a_day, release

from passerby.domain.noise_interval import noise_95_of_release
from passerby.domain.release import Cell
from passerby.publish.store.query import Query
from passerby.publish.store.releases import Store
from passerby.publish.store.sums import Resolution
from passerby.publish.store.totals import CellPart, totals

CELLS = (PERSON, Cell("north", "bridge", "out", "person"), Cell("north", "bridge", "in", "bicycle"))


@pytest.mark.parametrize("by", [(), ("direction",), ("camera", "line", "label")])
@pytest.mark.parametrize("resolution", ["bin", "hour", "day"])
def test_totals_are_the_sums_of_the_rows(
    store: Store, resolution: Resolution, by: tuple[CellPart, ...]
) -> None:
    store.write(a_day(CELLS), "bin")
    # Bins with another noise scale and half of their frames.
    store.write([release(100 + n, 9, noise_scale=12.5, coverage=0.5) for n in range(7)], "bin")
    store.write([release(0, 700, cell, length_ms=86_400_000, noise_scale=60.0) for cell in CELLS[:2]], "day")
    query = Query(resolution, MIDNIGHT_MS, MIDNIGHT_MS + 2 * 86_400_000)

    rows = defaultdict(list)
    for row in store.rows(query):
        rows[row.start_ms, row.end_ms, tuple(getattr(row.cell, part) for part in by)].append(row)
    sums = totals(store, query, by)

    assert [(each.start_ms, each.end_ms, each.group) for each in sums] == sorted(rows)
    for each in sums:
        of = rows[each.start_ms, each.end_ms, each.group]
        assert each.value == sum(row.value for row in of)
        assert each.releases == sum(row.releases for row in of)
        assert each.variance == pytest.approx(sum(row.variance for row in of))
        assert each.coverage == pytest.approx(sum(row.coverage for row in of) / len(of))
        assert each.complete == all(row.complete for row in of)
        assert each.epsilon == max(row.epsilon for row in of)


def test_the_noise_of_a_single_release_is_its_own(store: Store) -> None:
    store.write([release()], "bin")
    (each,) = totals(store, Query("bin"))
    assert each.noise_95 == noise_95_of_release(30.0)


def test_only_matching_rows_are_added(store: Store) -> None:
    store.write(a_day(CELLS), "bin")
    some = totals(store, Query("day", labels=("person",), directions=("in",)))
    assert [each.value for each in some] == [sum(each.value for each in a_day())]
