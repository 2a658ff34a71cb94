"""Durations, and bins that hold on every clock.

Invariant: no test asks the machine's own zone without setting it; clock changes are those of real zones.
"""

import os
import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerby.domain import calendar
from passerby.domain.calendar import (
    DAY_MS,
    bins,
    coverage,
    covered,
    duration_ms,
    duration_text,
    to_local,
    to_ms,
)
from passerby.domain.timespan import Span
from passerby.errors import InputError

COPENHAGEN = ZoneInfo("Europe/Copenhagen")
QUARTER_MS = 900_000
HOUR_MS = 3_600_000
ZONES = (
    *(
        "UTC",
        "Europe/Copenhagen",
        "America/New_York",
        "Asia/Kathmandu",
        "Pacific/Chatham",
        "Australia/Lord_Howe",
    ),
    *(
        "America/St_Johns",
        "America/Havana",
        "Asia/Beirut",
        "Africa/Casablanca",
        "Pacific/Apia",
        "Asia/Tehran",
    ),
)
LENGTHS_MS = [60_000, 300_000, 600_000, QUARTER_MS, 1_800_000, HOUR_MS, 2 * HOUR_MS, 6 * HOUR_MS, DAY_MS]


def at(text: str, zone: str | tzinfo = UTC, fold: int = 0) -> int:
    return to_ms(
        datetime.fromisoformat(text).replace(
            tzinfo=ZoneInfo(zone) if isinstance(zone, str) else zone, fold=fold
        )
    )


# Durations


@pytest.mark.parametrize(
    ("text", "expected_ms"),
    [
        ("15m", 900_000),
        ("900s", 900_000),
        ("15 min", 900_000),
        ("1h", HOUR_MS),
        ("1h30m", 5_400_000),
        ("6s", 6_000),
        ("1.5s", 1_500),
        ("250ms", 250),
        ("0s", 0),
        ("1d", DAY_MS),
        (" 2s ", 2_000),
    ],
)
def test_durations(text: str, expected_ms: int) -> None:
    assert calendar.duration_ms(text) == expected_ms


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "15",
        "m",
        "-1s",
        "1 week",
        "1s x",
        "1..5s",
        "1e3s",
        "0.1ms",
        "٣s",
        "1s,2s",
        "nan s",
        "9" * 13 + "s",
    ],
)
def test_texts_that_are_no_duration(text: str) -> None:
    with pytest.raises(InputError):
        calendar.duration_ms(text)


@pytest.mark.parametrize("text", ["7m", "0s", "500ms", "2d", "25h", "90m0.5s", "x"])
def test_bins_that_do_not_divide_a_day(text: str) -> None:
    with pytest.raises(InputError):
        calendar.bin_length_ms(text)


@given(st.text(alphabet="0123456789.smhdin ", max_size=12))
def test_any_text_is_a_duration_or_an_input_error(text: str) -> None:
    with suppress(InputError):
        assert calendar.duration_ms(text) >= 0


# Zones


def test_the_machines_zone_is_the_default() -> None:
    code = "from passerby.domain.calendar import zone_of; print(zone_of(None))"
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env={**os.environ, "TZ": "Asia/Kathmandu"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert ran.stdout == "Asia/Kathmandu\n"


# Bins


def starts(first: str, last: str, bin_ms: int, zone: str) -> list[str]:
    return [
        b.start.isoformat(timespec="minutes")
        for b in bins(Span(at(first, zone), at(last, zone)), bin_ms, ZoneInfo(zone))
    ]


def test_bins_are_whole_and_aligned_to_the_clock() -> None:
    found = list(bins(Span(at("2023-11-18T14:20:01"), at("2023-11-18T14:30:00.001")), QUARTER_MS, UTC))

    assert [b.start.isoformat() for b in found] == ["2023-11-18T14:15:00+00:00", "2023-11-18T14:30:00+00:00"]
    assert [b.span.duration_ms for b in found] == [QUARTER_MS, QUARTER_MS]


def test_a_span_that_ends_on_an_edge_has_no_bin_beyond_it() -> None:
    assert len(list(bins(Span(at("2023-11-18T14:15"), at("2023-11-18T14:30")), QUARTER_MS, UTC))) == 1
    assert list(bins(Span(0, 0), QUARTER_MS, UTC)) == []


def test_bins_are_aligned_to_the_clock_on_the_wall_and_not_to_utc() -> None:
    assert starts("2023-11-18T14:20", "2023-11-18T15:10", HOUR_MS, "Asia/Kathmandu") == [
        "2023-11-18T14:00+05:45",
        "2023-11-18T15:00+05:45",
    ]


@pytest.mark.parametrize(
    ("zone", "first", "last", "bin_ms", "count"),
    [
        ("Europe/Copenhagen", "2023-03-26", "2023-03-27", QUARTER_MS, 92),
        ("Europe/Copenhagen", "2023-10-29", "2023-10-30", QUARTER_MS, 100),
        ("Europe/Copenhagen", "2023-11-18", "2023-11-19", QUARTER_MS, 96),
        ("Europe/Copenhagen", "2023-03-26", "2023-03-27", HOUR_MS, 23),
        ("Europe/Copenhagen", "2023-10-29", "2023-10-30", HOUR_MS, 25),
        ("Australia/Lord_Howe", "2023-04-02", "2023-04-03", QUARTER_MS, 98),
        ("Australia/Lord_Howe", "2023-10-01", "2023-10-02", QUARTER_MS, 94),
        ("Pacific/Chatham", "2023-04-02", "2023-04-03", QUARTER_MS, 100),
        ("Pacific/Chatham", "2023-09-24", "2023-09-25", QUARTER_MS, 92),
        ("America/St_Johns", "2023-03-12", "2023-03-13", QUARTER_MS, 92),
        ("Europe/Copenhagen", "2023-03-26", "2023-03-27", DAY_MS, 1),
        ("Europe/Copenhagen", "2023-10-29", "2023-10-30", DAY_MS, 1),
        ("America/Havana", "2023-11-05", "2023-11-06", DAY_MS, 1),  # midnight comes twice
        ("America/Havana", "2023-03-12", "2023-03-13", DAY_MS, 1),  # midnight never comes
        ("Asia/Beirut", "2022-03-27", "2022-03-28", DAY_MS, 1),
        ("Asia/Beirut", "2022-10-30", "2022-10-31", DAY_MS, 1),
        ("Pacific/Apia", "2011-12-29", "2012-01-01", DAY_MS, 2),  # a day that never was
    ],
)
def test_days_of_a_clock_change(zone: str, first: str, last: str, bin_ms: int, count: int) -> None:
    assert len(starts(first, last, bin_ms, zone)) == count


def test_the_repeated_hour_comes_twice_with_its_offset() -> None:
    assert starts("2023-10-29T01:30", "2023-10-29T03:30", 1_800_000, "Europe/Copenhagen") == [
        "2023-10-29T01:30+02:00",
        "2023-10-29T02:00+02:00",
        "2023-10-29T02:30+02:00",
        "2023-10-29T02:00+01:00",
        "2023-10-29T02:30+01:00",
        "2023-10-29T03:00+01:00",
    ]


def test_a_bin_longer_than_the_repeated_time_holds_both() -> None:
    found = list(
        bins(Span(at("2023-10-29", COPENHAGEN), at("2023-10-29T05:00", COPENHAGEN)), 2 * HOUR_MS, COPENHAGEN)
    )

    assert [b.start.hour for b in found] == [0, 2, 4]
    assert [b.span.duration_ms // HOUR_MS for b in found] == [2, 3, 2]


def test_a_bin_begins_at_the_jump_where_its_own_start_never_was() -> None:
    found = list(
        bins(Span(at("2023-03-26", COPENHAGEN), at("2023-03-26T05:00", COPENHAGEN)), 2 * HOUR_MS, COPENHAGEN)
    )

    assert [b.start.hour for b in found] == [0, 3, 4]
    assert [b.span.duration_ms // HOUR_MS for b in found] == [2, 1, 2]


def test_bins_that_divide_no_day_are_refused() -> None:
    for bin_ms in (0, -1, 7 * 60_000, 2 * DAY_MS):
        with pytest.raises(ValueError, match="divides a day"):
            list(bins(Span(0, 1), bin_ms, UTC))


@st.composite
def near_clock_changes(draw: st.DrawFn, since: str = "2005-01-01") -> tuple[int, tzinfo]:
    """Instants, half of them within two days of a change of the clock."""
    zone = ZoneInfo(draw(st.sampled_from(ZONES)))
    time_ms = draw(st.integers(at(since), at("2035-01-01")))
    if draw(st.booleans()):
        for _ in range(400):
            later = time_ms + DAY_MS
            if to_local(later, zone).utcoffset() != to_local(time_ms, zone).utcoffset():
                break
            time_ms = later
        time_ms += draw(st.integers(-DAY_MS, 2 * DAY_MS))
    return time_ms, zone


def shows_multiple(time_ms: int, bin_ms: int, zone: tzinfo) -> bool:
    wall = to_local(time_ms, zone)
    of_day = wall.replace(tzinfo=None) - wall.replace(tzinfo=None, hour=0, minute=0, second=0, microsecond=0)
    return of_day % timedelta(milliseconds=bin_ms) == timedelta(0)


@given(near_clock_changes(), st.integers(0, 2 * DAY_MS), st.sampled_from(LENGTHS_MS))
def test_bins_tile_their_span(begin: tuple[int, tzinfo], length_ms: int, bin_ms: int) -> None:
    start_ms, zone = begin
    span = Span(start_ms, start_ms + length_ms)
    found = list(bins(span, bin_ms, zone))

    assert all(one.span.end_ms == other.span.start_ms for one, other in pairwise(found))
    assert all(b.span.overlap_ms(span) > 0 for b in found)
    assert sum(b.span.overlap_ms(span) for b in found) == length_ms
    assert all((to_ms(b.start), to_ms(b.end)) == (b.span.start_ms, b.span.end_ms) for b in found)


@given(near_clock_changes(), st.sampled_from(LENGTHS_MS))
def test_bins_begin_on_multiples_or_where_the_clock_jumped_over_one(
    begin: tuple[int, tzinfo], bin_ms: int
) -> None:
    start_ms, zone = begin
    for found in bins(Span(start_ms, start_ms + 3 * DAY_MS), bin_ms, zone):
        edge = found.span.start_ms
        before, after = to_local(edge - 1, zone), to_local(edge, zone)
        jumped = after.replace(tzinfo=None) - before.replace(tzinfo=None) > timedelta(milliseconds=1)
        assert shows_multiple(edge, bin_ms, zone) or jumped


@given(near_clock_changes(), st.sampled_from(LENGTHS_MS))
def test_bins_do_not_depend_on_where_the_span_begins(begin: tuple[int, tzinfo], bin_ms: int) -> None:
    start_ms, zone = begin
    whole = [b.span for b in bins(Span(start_ms, start_ms + 2 * DAY_MS), bin_ms, zone)]
    middle_ms = start_ms + DAY_MS + 12_345
    later = [b.span for b in bins(Span(middle_ms, start_ms + 2 * DAY_MS), bin_ms, zone)]

    assert whole[-len(later) :] == later


# Until 2011 St John's changed its clock a minute after midnight, in the middle of a bin.
@given(near_clock_changes(since="2012-01-01"), st.sampled_from([60_000, 300_000, QUARTER_MS]))
def test_bins_that_part_a_quarter_of_an_hour_are_of_one_length(
    begin: tuple[int, tzinfo], bin_ms: int
) -> None:
    start_ms, zone = begin
    assert {b.span.duration_ms for b in bins(Span(start_ms, start_ms + DAY_MS), bin_ms, zone)} == {bin_ms}


# Coverage


@pytest.mark.parametrize(
    ("times_ms", "expected"),
    [
        ([], []),
        ([5], [(5, 6)]),
        ([0, 40, 80], [(0, 120)]),
        ([0, 40, 80, 5_000, 5_040], [(0, 1_080), (5_000, 5_080)]),
        ([0, 1_000, 2_000], [(0, 3_000)]),
        ([0, 0, 40, 40], [(0, 80)]),
    ],
)
def test_covered_spans(times_ms: list[int], expected: list[tuple[int, int]]) -> None:
    assert [(s.start_ms, s.end_ms) for s in covered(times_ms, 1_000)] == expected


def test_coverage_is_the_share_with_frames() -> None:
    spans = covered([0, 500, 1_000, 8_000, 8_500], 1_000)

    assert coverage(Span(0, 10_000), spans) == pytest.approx((2_000 + 1_000) / 10_000)
    assert coverage(Span(2_000, 8_000), spans) == 0
    assert coverage(Span(100, 900), spans) == 1
    assert coverage(Span(5, 5), spans) == 0


@given(st.lists(st.integers(0, 100_000)), st.integers(1, 5_000), st.integers(1, 50_000))
def test_coverage_is_between_none_and_all(times_ms: list[int], gap_ms: int, end_ms: int) -> None:
    spans = covered(sorted(times_ms), gap_ms)

    assert 0 <= coverage(Span(0, end_ms), spans) <= 1
    assert all(one.end_ms <= other.start_ms for one, other in pairwise(spans))
    assert all(any(time_ms in span for span in spans) for time_ms in times_ms)


def test_times_of_fixed_offsets_are_bins_too() -> None:
    zone = timezone(timedelta(hours=-5))
    found = list(bins(Span(at("2023-11-18T14:20", zone), at("2023-11-18T14:40", zone)), QUARTER_MS, zone))

    assert [b.start.isoformat() for b in found] == ["2023-11-18T14:15:00-05:00", "2023-11-18T14:30:00-05:00"]


def test_bins_of_a_recording_without_a_clock_begin_with_it() -> None:
    span = Span(946_684_812_345, 946_684_812_345 + 1_900_000)
    found = list(calendar.elapsed_bins(span, QUARTER_MS))

    assert [calendar.elapsed_text(each.start) for each in found] == ["0:00:00", "0:15:00", "0:30:00"]
    assert [calendar.elapsed_text(each.end) for each in found] == ["0:15:00", "0:30:00", "0:45:00"]
    assert found[0].span == Span(span.start_ms, span.start_ms + QUARTER_MS)
    assert found[-1].span.start_ms < span.end_ms <= found[-1].span.end_ms


@pytest.mark.parametrize(
    ("elapsed", "text"),
    [
        (timedelta(), "0:00:00"),
        (timedelta(seconds=59, milliseconds=5), "0:00:59.005"),
        (timedelta(hours=30), "30:00:00"),
    ],
)
def test_elapsed_times_are_hours_minutes_and_seconds(elapsed: timedelta, text: str) -> None:
    assert calendar.elapsed_text(elapsed) == text


@given(st.integers(0, 400 * DAY_MS))
def test_the_text_of_a_duration_is_read_back_exactly(length_ms: int) -> None:
    assert duration_ms(duration_text(length_ms)) == length_ms


@pytest.mark.parametrize(
    ("length_ms", "text"),
    [(900_000, "15m"), (9_000, "9s"), (250, "0.25s"), (0, "0s"), (12_345_678, "12345.678s")],
)
def test_a_duration_is_written_in_the_largest_whole_unit(length_ms: int, text: str) -> None:
    assert duration_text(length_ms) == text
