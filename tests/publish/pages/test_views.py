"""Views are sums of releases; the usual number is a median; days follow the wall clock."""

from datetime import date, datetime, timedelta
from pathlib import Path
from statistics import median
from zoneinfo import ZoneInfo

import pytest
from tests.publish.pages import town

from passerby.config.site import Site, parse
from passerby.domain import calendar
from passerby.domain.release import Cell, Release
from passerby.domain.timespan import Span
from passerby.publish.pages import views
from passerby.publish.pages.filters import Filters, filters_of
from passerby.publish.pages.published_lines import published_lines
from passerby.publish.store.database import upgrade
from passerby.publish.store.query import Query
from passerby.publish.store.releases import Store, open_store

SITE = town.make_site(1)
CELL = Cell("quay", "bridge", "in", "person")


def filters_for(store: Store, site: Site = SITE, **parameters: str) -> Filters:
    newest = views.newest_ms(store, published_lines(site, store.cells()))
    assert newest is not None
    day = calendar.to_local(newest, store.zone).date()
    values = {name.rstrip("_"): value for name, value in parameters.items()}
    return filters_of(tuple(values.items()), published_lines(site, store.cells()), day)


def bins(store: Store, filters: Filters) -> int:
    span = views.span_of(filters.first, filters.last, store)
    line = filters.line
    query = Query("bin", span.start_ms, span.end_ms, (line.camera.name,), (line.name,))
    return sum(row.value for row in store.rows(query))


def test_a_day_is_the_sum_of_its_bins(town_store: Store) -> None:
    filters = filters_for(town_store)
    view = views.view(town_store, filters)

    assert len(view.bars) == town.LAST_HOUR * 4
    assert sum(bar.estimate.value for bar in view.bars) == bins(town_store, filters)
    assert sum(estimate.value for estimate in view.directions.values()) == bins(town_store, filters)
    assert sum(estimate.value for estimate in view.labels.values()) == bins(town_store, filters)
    assert view.total is not None
    assert view.total.estimate.value == bins(town_store, filters)
    assert view.total.so_far
    assert view.coverage == 1.0
    assert {len(bars) for bars in view.by_direction.values()} == {len(view.bars)}


def test_a_direction_and_class_are_shown_alone(town_store: Store) -> None:
    whole = views.view(town_store, filters_for(town_store))
    part = views.view(town_store, filters_for(town_store, direction="in", class_="person"))

    assert part.total is not None
    assert part.total.estimate.noise_95 < (whole.total.estimate.noise_95 if whole.total else 0)
    assert set(part.by_direction) == {"in"}
    assert set(part.labels) == {"person"}


def test_the_usual_is_the_median_of_the_same_weekday(town_store: Store) -> None:
    filters = filters_for(town_store)
    view = views.view(town_store, filters)
    at_eight = []
    for weeks in range(1, 9):
        day = filters.last - timedelta(weeks=weeks)
        span = Span(
            *(
                calendar.to_ms(datetime(day.year, day.month, day.day, h, tzinfo=town_store.zone))
                for h in (8, 9)
            )
        )
        rows = list(town_store.rows(Query("hour", span.start_ms, span.end_ms, ("quay",), ("bridge",))))
        at_eight += [sum(row.value for row in rows)] if rows else []

    usual = view.profile[8].usual
    assert usual is not None
    assert view.usual_days == len(at_eight)
    assert usual.value == round(median(at_eight))
    assert view.profile[8].estimate is not None
    assert usual.noise_95 < view.profile[8].estimate.noise_95
    assert view.profile[20].estimate is None
    assert view.profile[20].usual is not None


def test_the_peak_is_the_largest_hour(town_store: Store) -> None:
    view = views.view(town_store, filters_for(town_store))
    hours = [hour.estimate.value for hour in view.profile if hour.estimate is not None]
    assert view.peak is not None
    assert view.peak.estimate.value == max(hours)


def test_now_is_the_newest_of_every_line(town_store: Store) -> None:
    newest = views.newest_ms(town_store, published_lines(SITE, town_store.cells()))
    assert newest is not None
    lines = views.summaries(town_store, published_lines(SITE, town_store.cells()), newest)
    assert [summary.line.name for summary in lines] == ["bridge", "harbour path"]
    for summary in lines:
        assert len(summary.recent) == 12
        assert summary.newest.end.hour == town.LAST_HOUR
        assert set(summary.last_hour) == {"in", "out"}
        assert summary.day is not None
        assert summary.day.so_far


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25)])
def test_days_on_which_the_clock_changes(tmp_path: Path, day: date, hours: int) -> None:
    path = tmp_path / "releases.db"
    upgrade(path)
    store = open_store(path, town.ZONE)
    zone = ZoneInfo(town.ZONE)
    start = calendar.to_ms(datetime(day.year, day.month, day.day, tzinfo=zone))
    store.write(
        [
            Release(CELL, start + n * 900_000, start + (n + 1) * 900_000, 1000, 1.0, 0.8, 1.0, "r")
            for n in range(hours * 4)
        ],
        "bin",
    )
    view = views.view(store, filters_for(store))
    store.close()

    assert len(view.bars) == hours * 4
    assert view.total is not None
    assert not view.total.so_far
    assert view.total.estimate.value == hours * 4000
    shown = [hour.estimate for hour in view.profile if hour.estimate is not None]
    assert len(shown) == (23 if hours == 23 else 24)
    # The hour that the clock shows twice is the sum of both.
    assert sum(estimate.value for estimate in shown) == hours * 4000


def test_a_time_without_numbers_is_empty(town_store: Store) -> None:
    view = views.view(town_store, filters_for(town_store, from_="2020-01-01", to="2020-01-02"))
    assert view.empty
    assert (view.total, view.peak, view.profile, view.week, view.year) == (None, None, (), {}, {})


def test_bins_that_do_not_divide_the_hour_still_have_bars(tmp_path: Path) -> None:
    path = tmp_path / "releases.db"
    upgrade(path)
    store = open_store(path, town.ZONE)
    start = calendar.to_ms(datetime(2026, 11, 23, tzinfo=ZoneInfo(town.ZONE)))
    length = 6 * 3_600_000
    store.write(
        [
            Release(CELL, start + n * length, start + (n + 1) * length, 500, 2.0, 0.8, 1.0, "r")
            for n in range(4)
        ],
        "bin",
    )

    site = parse(town.site_text(1).replace("every: 15m", "every: 6h"), Path("site.yaml"))
    view = views.view(store, filters_for(store, site, from_="2026-11-10", to="2026-11-23"))
    store.close()

    assert view.filters.resolution == "day"
    assert [bar.estimate.value for bar in view.bars] == [2000]
    assert (view.profile, view.week, view.peak) == ((), {}, None)
