"""What a URL can hold, and what it cannot."""

from datetime import date
from urllib.parse import parse_qsl, quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.publish.pages import town

from passerby.domain.release import Cell
from passerby.errors import InputError, UnknownNameError
from passerby.publish.pages.counted_lines import names_of, places_of
from passerby.publish.pages.filters import Choice, choose, read

NEWEST = date(2026, 11, 23)
SITE = town.make_site(2)
PLACES = places_of(
    SITE,
    [
        Cell("quay", "bridge", direction, label)
        for direction in ("out", "in")
        for label in ("bicycle", "person")
    ]
    + [Cell("market", "station square", "in", "person"), Cell("elsewhere", "bridge", "in", "car")],
)


def chosen(query: str = "") -> Choice:
    return choose(read(parse_qsl(query, keep_blank_values=True)), PLACES, NEWEST)


def test_what_was_never_published_or_is_not_of_the_site_has_no_place() -> None:
    assert [(one.camera.name, one.name) for one in PLACES] == [
        ("quay", "bridge"),
        ("market", "station square"),
    ]
    assert (PLACES[0].directions, PLACES[0].labels) == (("in", "out"), ("person", "bicycle"))


def test_an_empty_url_shows_the_newest_day_of_the_first_line() -> None:
    choice = chosen("at=&from=&to=&label=&direction=&resolution=")
    assert (choice.place.name, choice.first, choice.last, choice.resolution) == (
        "bridge",
        NEWEST,
        NEWEST,
        "bin",
    )
    assert choice.query() == ""


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
def test_days_and_how_fine(query: str, first: str, last: str, resolution: str) -> None:
    choice = chosen(query)
    assert (choice.first.isoformat(), choice.last.isoformat(), choice.resolution) == (first, last, resolution)


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("from=yesterday", "from 'yesterday' is no day"),
        ("to=2026-02-30", "to '2026-02-30' is no day"),
        ("from=2026-1-1", "is no day"),
        ("from=٢٠٢٦-١١-٢٣", "is no day"),
        ("from=0001-01-01", "expected a year"),
        ("from=2026-11-23&to=2026-11-22", "expected a later day"),
        ("from=2020-01-01&to=2026-01-01", "at most 366 days"),
        ("resolution=minute", "expected one of bin, hour, day"),
        ("at=quay", "expected a camera and a line"),
        ("at=quay/bridge/x", "expected a camera and a line"),
        ("lang=xx", "lang 'xx': expected one of en"),
        ("colour=red", "no such parameter"),
        ("from=2026-11-23&from=2026-11-22", "given twice"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line(query: str, told: str) -> None:
    with pytest.raises(InputError) as refused:
        chosen(query)
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize("query", ["at=quay/nowhere", "at=elsewhere/bridge", "label=car", "direction=up"])
def test_what_was_never_published_is_not_found(query: str) -> None:
    with pytest.raises(UnknownNameError, match="nothing was published"):
        chosen(query)


def test_what_only_another_line_has_is_dropped_and_told() -> None:
    choice = chosen("at=market/station+square&direction=out&label=bicycle")
    assert (choice.direction, choice.label, choice.dropped) == (None, None, ("direction", "label"))
    assert choice.query() == "?at=market%2Fstation+square"


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
            st.sampled_from(["at", "from", "to", "label", "direction", "resolution", "lang", "x"]),
            st.one_of(
                st.text(max_size=12), st.dates().map(str), st.sampled_from(["person", "in", "day", "da"])
            ),
        ),
        max_size=5,
    )
)
def test_any_url_is_a_choice_or_a_refusal(parameters: list[tuple[str, str]]) -> None:
    choice, told = None, ""
    try:
        choice = choose(read(parameters), PLACES, NEWEST)
    except InputError as error:
        told = str(error)
    assert (choice is None) == bool(told)
    assert "\n" not in told
    assert choice is None or (choice.first <= choice.last and choice.days <= 366)
