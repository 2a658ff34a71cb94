"""Charts are shapes and words: no script, no style, no address, whatever anybody is called."""

import json
import re
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.publish.pages.test_views import choice_of

from passerby.publish.pages import charts, heatmaps, panels, rendering, views
from passerby.publish.pages.axes import time_axis
from passerby.publish.pages.chart_style import NARROW_PX, WIDE_PX, Look
from passerby.publish.pages.estimates import Figure
from passerby.publish.pages.languages import languages
from passerby.publish.pages.views import Bar
from passerby.publish.store.releases import Store

ENGLISH = languages()["en"]
NASTY = "\"]}'<script>alert(1)</script>\u2028&{x}"


@pytest.mark.parametrize("width", [WIDE_PX, NARROW_PX])
@pytest.mark.parametrize("name", panels.CHARTS)
def test_every_chart_is_drawn_in_every_width(town_store: Store, name: str, width: int) -> None:
    view = views.view(town_store, choice_of(town_store))
    body, drawn_px, height_px = rendering.inside(panels.CHARTS[name].spec(view, Look(ENGLISH, width)))

    assert not re.search(
        r"<(script|style|image|foreignObject|a|use)\b|style=|\bon\w+=|href|url\(|\bid=", body
    )
    assert drawn_px <= width * 1.15
    assert 30 < height_px < 420
    assert "marks" in body


def test_a_picture_alone_says_where_when_and_by_whom(town_store: Store) -> None:
    view = views.view(town_store, choice_of(town_store, direction="in", label="person"))
    text = rendering.svg(panels.alone("course", view, languages()["da"], "Havneby"))
    for part in (
        "Over tid",
        "quay · bridge · mandag den 23. november 2026 · ind · Personer",
        "Havneby, talt med",
    ):
        assert part in text
    assert rendering.png(panels.alone("week", view, ENGLISH, "Havneby")).startswith(b"\x89PNG")


def test_names_stay_text() -> None:
    spec = charts.classes({NASTY: Figure(100, 5), "person": Figure(3, 5)}, Look(ENGLISH, 880, (NASTY,)))
    text = rendering.svg(spec)
    assert "<script" not in text
    assert "&lt;script&gt;" in text


def test_a_table_has_what_its_chart_has(town_store: Store) -> None:
    view = views.view(town_store, choice_of(town_store))
    found = {panel.name: panel for panel in panels.panels(view, ENGLISH)}
    assert set(found) == set(panels.CHARTS)
    course = found["course"].table
    assert len(course.rows) == len(view.bars)
    assert [row[1] for row in course.rows] == [bar.figure.text(ENGLISH) for bar in view.bars]
    assert any(row[1].startswith("fewer than") for row in course.rows)
    assert course.rows[0][0] == "00:00–00:15"
    assert len(found["calendar"].table.rows) == len(view.year)
    assert len(found["week"].table.rows) == 24
    for panel in found.values():
        assert {len(row) for row in panel.table.rows} == {len(panel.table.head)}


def test_an_axis_of_a_day_of_25_hours_shows_true_time() -> None:
    zone = ZoneInfo("Europe/Copenhagen")
    start = datetime(2026, 10, 25, tzinfo=zone).timestamp()
    hours = [datetime.fromtimestamp(start + n * 3600, zone) for n in range(26)]
    bars = [Bar(a, b, Figure(10, 1), 1.0, False) for a, b in pairwise(hours)]
    layer = charts.course(bars, Look(ENGLISH))["layer"][0]
    assert layer["encoding"]["x"]["scale"]["domain"] == [0, 25 * 3600]
    # Three in the morning comes after four hours.
    assert '"14400": "03:00"' in layer["encoding"]["x"]["axis"]["labelExpr"]


@given(st.lists(st.builds(Figure, st.integers(-100, 10**7), st.integers(1, 1000)), min_size=1))
def test_shades_are_few_round_and_in_order(figures: list[Figure]) -> None:
    step = heatmaps.step_of(figures)
    levels = [heatmaps.level_of(figure, step) for figure in figures]
    assert all((level == 0) == (not figure.sure) for level, figure in zip(levels, figures, strict=True))
    assert max(levels) <= heatmaps.LEVELS
    ordered = sorted(
        (figure.value, level) for figure, level in zip(figures, levels, strict=True) if figure.sure
    )
    assert [level for _, level in ordered] == sorted(level for _, level in ordered)
    most = max((figure.value for figure in figures if figure.sure), default=0)
    assert most <= step * heatmaps.LEVELS


@pytest.mark.parametrize("days", [1, 3, 20, 366])
def test_a_calendar_of_any_length(days: int) -> None:
    last = date(2026, 11, 23)
    first = max(views.first_of_year(last), last - timedelta(days=days - 1))
    year = {first + timedelta(days=n): Figure(100 + n, 10) for n in range((last - first).days + 1)}
    for width in (WIDE_PX, NARROW_PX):
        text = rendering.svg(heatmaps.year(year, last, Look(ENGLISH, width)))
        squares = re.findall(r'class="mark-rect role-mark level\d_marks"[^>]*>(.*?)</g>', text)
        assert sum(found.count("<path") for found in squares) == len(year) + heatmaps.LEVELS + 1


def test_what_the_camera_did_not_see_has_a_ground_of_its_own() -> None:
    bars = [
        Bar(start, start + timedelta(minutes=15), Figure(3, 5), coverage, so_far)
        for start, coverage, so_far in zip(
            (datetime(2026, 11, 23, 12, minute, tzinfo=UTC) for minute in (0, 15, 30)),
            (1.0, 0.2, 0.2),
            (False, False, True),
            strict=True,
        )
    ]
    drawn = rendering.svg(charts.course(bars, Look(ENGLISH)))
    (ground,) = re.findall(r'class="mark-rect role-mark unseen_marks"[^>]*>(.*?)</g>', drawn)
    assert ground.count("<path") == 1
    assert "unseen" not in rendering.svg(charts.course(bars[:1], Look(ENGLISH)))


def test_a_day_that_has_just_begun_is_not_one_bar_as_wide_as_the_page() -> None:
    start = datetime(2026, 11, 23, 12, tzinfo=UTC)
    bar = Bar(start, start + timedelta(minutes=15), Figure(300, 5), 1.0, False)
    scale = time_axis([bar], Look(ENGLISH))["scale"]
    assert scale["domain"] == [0, 8 * 900]


@pytest.mark.parametrize(("hours", "marked"), [(1, 4), (2, 8), (6, 6), (24, 8)])
def test_a_short_time_has_marks_too(hours: int, marked: int) -> None:
    start = datetime(2026, 11, 23, tzinfo=UTC)
    bars = [
        Bar(start + timedelta(minutes=at), start + timedelta(minutes=at + 15), Figure(3, 5), 1.0, False)
        for at in range(0, hours * 60, 15)
    ]
    axis = time_axis(bars, Look(ENGLISH))["axis"]
    texts = json.loads(axis["labelExpr"][1 : axis["labelExpr"].index(")")])
    assert len(texts) == len(axis["values"]) == marked
    assert texts["0"] == "00:00"


def test_where_all_is_within_the_noise_the_key_is_that_alone() -> None:
    drawn = rendering.svg(
        heatmaps.year({date(2026, 11, 23): Figure(3, 5)}, date(2026, 11, 23), Look(ENGLISH))
    )
    assert "within the noise" in drawn
    assert "up to" not in drawn


def test_a_long_name_of_a_direction_stays_within_a_narrow_chart() -> None:
    start = datetime(2026, 11, 23, 12, tzinfo=UTC)
    bars = [Bar(start, start + timedelta(minutes=15), Figure(300, 5), 1.0, False)]
    ways = {"towards the railway station and the centre": bars, "out": bars}
    assert "towards the railway station and the centre" in rendering.svg(
        charts.both_ways(ways, Look(ENGLISH))
    )
    narrow = rendering.svg(charts.both_ways(ways, Look(ENGLISH, NARROW_PX)))
    assert re.search(r">towards the railway station[^<]{0,8}…<", narrow)
