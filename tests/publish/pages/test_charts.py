"""Charts contain shapes and text only: no script, no style, no URL, whatever the names are."""

import json
import re
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.publish.pages.test_views import filters_for

from passerby.publish.pages import charts, heatmaps, panels, rendering, views
from passerby.publish.pages.axes import time_axis
from passerby.publish.pages.chart_style import NARROW_PX, WIDE_PX, ChartStyle
from passerby.publish.pages.estimates import Estimate
from passerby.publish.pages.languages import languages
from passerby.publish.pages.views import Bar
from passerby.publish.store.releases import Store

ENGLISH = languages()["en"]
NASTY = "\"]}'<script>alert(1)</script>\u2028&{x}"


@pytest.mark.parametrize("width", [WIDE_PX, NARROW_PX])
@pytest.mark.parametrize("name", panels.CHARTS)
def test_every_chart_is_drawn_in_every_width(town_store: Store, name: str, width: int) -> None:
    view = views.view(town_store, filters_for(town_store))
    body, drawn_px, height_px = rendering.inside(panels.CHARTS[name].spec(view, ChartStyle(ENGLISH, width)))

    assert not re.search(
        r"<(script|style|image|foreignObject|a|use)\b|style=|\bon\w+=|href|url\(|\bid=", body
    )
    assert drawn_px <= width * 1.15
    assert 30 < height_px < 420
    assert "marks" in body


def test_a_standalone_chart_names_its_line_day_and_source(town_store: Store) -> None:
    view = views.view(town_store, filters_for(town_store, direction="in", class_="person"))
    text = rendering.svg(panels.standalone("course", view, languages()["da"], "Havneby"))
    for part in (
        "Over tid",
        "quay · bridge · mandag den 23. november 2026 · ind · Personer",
        "Havneby, talt med",
    ):
        assert part in text
    assert rendering.png(panels.standalone("week", view, ENGLISH, "Havneby")).startswith(b"\x89PNG")


def test_names_in_charts_are_text() -> None:
    spec = charts.classes(
        {NASTY: Estimate(100, 5), "person": Estimate(3, 5)}, ChartStyle(ENGLISH, 880, (NASTY,))
    )
    text = rendering.svg(spec)
    assert "<script" not in text
    assert "&lt;script&gt;" in text


def test_a_table_has_the_numbers_of_its_chart(town_store: Store) -> None:
    view = views.view(town_store, filters_for(town_store))
    found = {panel.name: panel for panel in panels.panels(view, ENGLISH)}
    assert set(found) == set(panels.CHARTS)
    over_time = found["course"].table
    assert len(over_time.rows) == len(view.bars)
    assert [row[1] for row in over_time.rows] == [bar.estimate.text(ENGLISH) for bar in view.bars]
    assert any(row[1].startswith("fewer than") for row in over_time.rows)
    assert over_time.rows[0][0] == "00:00–00:15"
    assert len(found["calendar"].table.rows) == len(view.year)
    assert len(found["week"].table.rows) == 24
    for panel in found.values():
        assert {len(row) for row in panel.table.rows} == {len(panel.table.head)}


def test_the_axis_of_a_day_of_25_hours_shows_elapsed_time() -> None:
    zone = ZoneInfo("Europe/Copenhagen")
    start = datetime(2026, 10, 25, tzinfo=zone).timestamp()
    hours = [datetime.fromtimestamp(start + n * 3600, zone) for n in range(26)]
    bars = [Bar(a, b, Estimate(10, 1), 1.0, False) for a, b in pairwise(hours)]
    layer = charts.over_time(bars, ChartStyle(ENGLISH))["layer"][0]
    assert layer["encoding"]["x"]["scale"]["domain"] == [0, 25 * 3600]
    # Three in the morning comes after four hours.
    assert '"14400": "03:00"' in layer["encoding"]["x"]["axis"]["labelExpr"]


@given(st.lists(st.builds(Estimate, st.integers(-100, 10**7), st.integers(1, 1000)), min_size=1))
def test_shades_are_few_round_and_in_order(estimates: list[Estimate]) -> None:
    step = heatmaps.step_of(estimates)
    levels = [heatmaps.level_of(estimate, step) for estimate in estimates]
    assert all((level == 0) == (not estimate.sure) for level, estimate in zip(levels, estimates, strict=True))
    assert max(levels) <= heatmaps.LEVELS
    ordered = sorted(
        (estimate.value, level) for estimate, level in zip(estimates, levels, strict=True) if estimate.sure
    )
    assert [level for _, level in ordered] == sorted(level for _, level in ordered)
    most = max((estimate.value for estimate in estimates if estimate.sure), default=0)
    assert most <= step * heatmaps.LEVELS


@pytest.mark.parametrize("days", [1, 3, 20, 366])
def test_a_calendar_of_any_length(days: int) -> None:
    last = date(2026, 11, 23)
    first = max(views.first_of_year(last), last - timedelta(days=days - 1))
    year = {first + timedelta(days=n): Estimate(100 + n, 10) for n in range((last - first).days + 1)}
    for width in (WIDE_PX, NARROW_PX):
        text = rendering.svg(heatmaps.year(year, last, ChartStyle(ENGLISH, width)))
        squares = re.findall(r'class="mark-rect role-mark level\d_marks"[^>]*>(.*?)</g>', text)
        assert sum(found.count("<path") for found in squares) == len(year) + heatmaps.LEVELS + 1


def test_low_coverage_has_a_grey_background() -> None:
    bars = [
        Bar(start, start + timedelta(minutes=15), Estimate(3, 5), coverage, so_far)
        for start, coverage, so_far in zip(
            (datetime(2026, 11, 23, 12, minute, tzinfo=UTC) for minute in (0, 15, 30)),
            (1.0, 0.2, 0.2),
            (False, False, True),
            strict=True,
        )
    ]
    drawn = rendering.svg(charts.over_time(bars, ChartStyle(ENGLISH)))
    (ground,) = re.findall(r'class="mark-rect role-mark low_coverage_marks"[^>]*>(.*?)</g>', drawn)
    assert ground.count("<path") == 1
    assert "low_coverage" not in rendering.svg(charts.over_time(bars[:1], ChartStyle(ENGLISH)))


def test_the_first_bar_of_a_day_is_not_as_wide_as_the_page() -> None:
    start = datetime(2026, 11, 23, 12, tzinfo=UTC)
    bar = Bar(start, start + timedelta(minutes=15), Estimate(300, 5), 1.0, False)
    scale = time_axis([bar], ChartStyle(ENGLISH))["scale"]
    assert scale["domain"] == [0, 8 * 900]


@pytest.mark.parametrize(("hours", "marked"), [(1, 4), (2, 8), (6, 6), (24, 8)])
def test_a_short_axis_has_labels(hours: int, marked: int) -> None:
    start = datetime(2026, 11, 23, tzinfo=UTC)
    bars = [
        Bar(start + timedelta(minutes=at), start + timedelta(minutes=at + 15), Estimate(3, 5), 1.0, False)
        for at in range(0, hours * 60, 15)
    ]
    axis = time_axis(bars, ChartStyle(ENGLISH))["axis"]
    texts = json.loads(axis["labelExpr"][1 : axis["labelExpr"].index(")")])
    assert len(texts) == len(axis["values"]) == marked
    assert texts["0"] == "00:00"


def test_the_legend_of_noise_alone_has_one_entry() -> None:
    drawn = rendering.svg(
        heatmaps.year({date(2026, 11, 23): Estimate(3, 5)}, date(2026, 11, 23), ChartStyle(ENGLISH))
    )
    assert "could be noise" in drawn
    assert "up to" not in drawn


def test_a_long_name_of_a_direction_stays_within_a_narrow_chart() -> None:
    start = datetime(2026, 11, 23, 12, tzinfo=UTC)
    bars = [Bar(start, start + timedelta(minutes=15), Estimate(300, 5), 1.0, False)]
    ways = {"towards the railway station and the centre": bars, "out": bars}
    assert "towards the railway station and the centre" in rendering.svg(
        charts.both_directions(ways, ChartStyle(ENGLISH))
    )
    narrow = rendering.svg(charts.both_directions(ways, ChartStyle(ENGLISH, NARROW_PX)))
    assert re.search(r">towards the railway station[^<]{0,8}…<", narrow)
