"""The filters in a URL: valid ones, and the errors of others."""

from datetime import date
from urllib.parse import parse_qsl, quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.publish.pages import town

from passerby.domain.release import Cell
from passerby.errors import InputError, UnknownNameError
from passerby.publish.pages.filters import Filters, filters_of, read_query
from passerby.publish.pages.published_lines import names_of, published_lines

NEWEST = date(2026, 11, 23)
SITE = town.make_site(2)
LINES = published_lines(
    SITE,
    [
        Cell("quay", "bridge", direction, label)
        for direction in ("out", "in")
        for label in ("bicycle", "person")
    ]
    + [Cell("market", "station square", "in", "person"), Cell("elsewhere", "bridge", "in", "car")],
)


def parsed(query: str = "") -> Filters:
    return filters_of(read_query(parse_qsl(query, keep_blank_values=True)), LINES, NEWEST)


def test_a_line_without_numbers_or_not_in_the_site_file_is_not_listed() -> None:
    assert [(line.camera.name, line.name) for line in LINES] == [
        ("quay", "bridge"),
        ("market", "station square"),
    ]
    assert (LINES[0].directions, LINES[0].labels) == (("in", "out"), ("person", "bicycle"))


def test_an_empty_url_shows_the_newest_day_of_the_first_line() -> None:
    filters = parsed("at=&from=&to=&class=&direction=&resolution=")
    assert (filters.line.name, filters.first, filters.last, filters.resolution) == (
        "bridge",
        NEWEST,
        NEWEST,
        "bin",
    )
    assert filters.query() == ""


@pytest.mark.parametrize(
    ("query", "first", "last", "resolution"),
    [
        ("from=2026-11-20", "2026-11-20", "2026-11-23", "hour"),
        ("from=2026-11-01", "2026-11-01", "2026-11-23", "day"),
        ("from=2026-11-10&to=2026-11-23", "2026-11-10", "2026-11-23", "hour"),
        ("to=2026-11-20", "2026-11-20", "2026-11-20", "bin"),
        ("from=2026-11-20&to=2026-11-20&resolution=day", "2026-11-20", "2026-11-20", "day"),
        ("resolution=bin&from=2026-11-01&to=2026-11-10", "2026-11-01", "2026-11-10", "hour"),
        ("resolution=hour&from=2026-01-01&to=2026-11-23", "2026-01-01", "2026-11-23", "day"),
        ("from=2020-01-01", "2020-01-01", "2020-12-31", "day"),
        ("from=2030-01-01", "2030-01-01", "2030-01-01", "bin"),
    ],
)
def test_days_and_resolution(query: str, first: str, last: str, resolution: str) -> None:
    filters = parsed(query)
    assert (filters.first.isoformat(), filters.last.isoformat(), filters.resolution) == (
        first,
        last,
        resolution,
    )


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("from=yesterday", "from 'yesterday' is not a date"),
        ("to=2026-02-30", "to '2026-02-30' is not a date"),
        ("from=2026-1-1", "is not a date"),
        ("from=٢٠٢٦-١١-٢٣", "is not a date"),
        ("from=0001-01-01", "expected a year"),
        ("from=2026-11-23&to=2026-11-22", "expected a later date"),
        ("from=2020-01-01&to=2026-01-01", "at most 366 days"),
        ("resolution=minute", "expected one of bin, hour, day"),
        ("at=quay", "expected a camera and a line"),
        ("at=quay/bridge/x", "expected a camera and a line"),
        ("lang=xx", "lang 'xx': expected one of en"),
        ("colour=red", "no such parameter"),
        ("from=2026-11-23&from=2026-11-22", "given twice"),
    ],
)
def test_an_invalid_url_is_refused_in_one_line(query: str, message: str) -> None:
    with pytest.raises(InputError) as refused:
        parsed(query)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize("query", ["at=quay/nowhere", "at=elsewhere/bridge", "class=car", "direction=up"])
def test_a_name_without_numbers_is_not_found(query: str) -> None:
    with pytest.raises(UnknownNameError, match="nothing was published"):
        parsed(query)


def test_a_filter_that_only_another_line_has_is_dropped() -> None:
    filters = parsed("at=market/station+square&direction=out&class=bicycle")
    assert (filters.direction, filters.label, filters.dropped) == (None, None, ("direction", "class"))
    assert filters.query() == "?at=market%2Fstation+square"


def test_class_can_still_be_called_label() -> None:
    filters = parsed("label=bicycle")
    assert (filters.label, filters.query()) == ("bicycle", "?class=bicycle")
    with pytest.raises(InputError, match="class: given twice, expected once"):
        parsed("label=bicycle&class=person")


@given(st.text(min_size=1), st.text(min_size=1))
def test_names_of_any_kind_go_through_a_url(camera: str, line: str) -> None:
    try:
        key = f"{quote(camera, safe='')}/{quote(line, safe='')}"
    except UnicodeEncodeError:
        return
    assert names_of(key) == (camera, line)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["at", "from", "to", "class", "label", "direction", "resolution", "lang", "x"]),
            st.one_of(
                st.text(max_size=12), st.dates().map(str), st.sampled_from(["person", "in", "day", "da"])
            ),
        ),
        max_size=5,
    )
)
def test_any_url_gives_filters_or_an_error(parameters: list[tuple[str, str]]) -> None:
    filters, message = None, ""
    try:
        filters = filters_of(read_query(parameters), LINES, NEWEST)
    except InputError as error:
        message = str(error)
    assert (filters is None) == bool(message)
    assert "\n" not in message
    assert filters is None or (filters.first <= filters.last and filters.days <= 366)
