"""Bins and totals have every row, count every crossing once, and follow the local day through a clock change."""

from collections import Counter
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.tiers import examples

from passerby.counting.bins import bin_counts, total_counts
from passerby.counting.counts import Crossing
from passerby.domain import calendar
from passerby.domain.calendar import Moment
from passerby.domain.geometry import DIRECTIONS, Line
from passerby.domain.labels import Label, reported
from passerby.domain.timespan import Span

COPENHAGEN = ZoneInfo("Europe/Copenhagen")
LINES = (Line("bridge", (0.1, 0.5), (0.9, 0.5), names=("in", "out")), Line("gate", (0.5, 0), (0.5, 1)))
LABELS = (Label.PERSON, Label.BICYCLE)
QUARTER_MS = 900_000


def at(text: str) -> int:
    return calendar.to_ms(datetime.fromisoformat(text))


def local(moment: Moment) -> datetime:
    assert isinstance(moment, datetime)
    return moment


def crossing(time_ms: int, line: str = "gate", label: Label = Label.PERSON) -> Crossing:
    return Crossing(time_ms, line, "to_left", label, 0.5, 1.0)


def day(date: str, next_date: str) -> Span:
    begin, end = (
        calendar.to_ms(datetime.fromisoformat(text).replace(tzinfo=COPENHAGEN)) for text in (date, next_date)
    )
    return Span(begin, end)


@st.composite
def crossed(draw: st.DrawFn) -> tuple[Span, list[Crossing]]:
    start_ms = draw(st.integers(at("2024-01-01T00:00Z"), at("2024-12-30T00:00Z")))
    span = Span(start_ms, start_ms + draw(st.integers(1, 4 * 3_600_000)))
    found = [
        Crossing(time_ms, line, direction, label, 0.5, 1.0)
        for time_ms, line, direction, label in draw(
            st.lists(
                st.tuples(
                    st.integers(span.start_ms, span.end_ms - 1),
                    st.sampled_from([line.name for line in LINES]),
                    st.sampled_from(DIRECTIONS),
                    st.sampled_from(LABELS),
                ),
                max_size=30,
            )
        )
    ]
    return span, sorted(found, key=lambda c: c.time_ms)


@settings(max_examples=examples(40))
@given(crossed(), st.sampled_from([60_000, QUARTER_MS, 3_600_000]))
def test_every_row_is_listed_and_every_crossing_is_in_its_own(
    given_: tuple[Span, list[Crossing]], bin_ms: int
) -> None:
    span, found = given_
    bins = list(calendar.bins(span, bin_ms, COPENHAGEN))
    rows = list(bin_counts(found, LINES, LABELS, bins, [span]))

    assert len(rows) == len(bins) * len(LINES) * len(DIRECTIONS) * len(LABELS)
    assert len({(r.start, r.line, r.direction, r.label) for r in rows}) == len(rows)
    names = {line.name: line for line in LINES}
    expected = Counter(
        (one.start, c.line, names[c.line].direction_name(c.direction), c.label.text)
        for one in bins
        for c in found
        if c.time_ms in one.span
    )
    assert {(r.start, r.line, r.direction, r.label): r.count for r in rows if r.count} == expected
    assert [r.start for r in rows] == sorted(r.start for r in rows)


@settings(max_examples=examples(40))
@given(crossed())
def test_totals_are_the_sums_of_bins_and_do_not_depend_on_their_order(
    given_: tuple[Span, list[Crossing]],
) -> None:
    span, found = given_
    rows = bin_counts(found, LINES, LABELS, calendar.bins(span, QUARTER_MS, COPENHAGEN), [span])
    sums = Counter[tuple[str, str, str]]()
    for row in rows:
        sums[row.line, row.direction, row.label] += row.count
    totals = list(total_counts(found[::-1], LINES, LABELS))

    assert {(t.line, t.direction, t.label): t.count for t in totals} == dict(sums)
    assert len(totals) == len(LINES) * len(DIRECTIONS) * len(LABELS)


def test_a_crossing_at_the_edge_of_two_bins_is_in_the_later_one() -> None:
    span = Span(at("2024-06-01T12:00Z"), at("2024-06-01T12:30Z"))
    bins = list(calendar.bins(span, QUARTER_MS, COPENHAGEN))
    edge = bins[1].span.start_ms
    rows = list(bin_counts([crossing(edge - 1), crossing(edge), crossing(edge)], LINES, LABELS, bins, [span]))

    assert [r.count for r in rows if (r.line, r.direction, r.label) == ("gate", "to_left", "person")] == [
        1,
        2,
    ]


@pytest.mark.parametrize(
    ("date", "next_date", "quarters"),
    [("2024-03-31", "2024-04-01", 92), ("2024-10-27", "2024-10-28", 100), ("2024-06-01", "2024-06-02", 96)],
)
def test_one_crossing_a_quarter_fills_every_bin_of_a_day_with_one(
    date: str, next_date: str, quarters: int
) -> None:
    span = day(date, next_date)
    found = [crossing(time_ms) for time_ms in range(span.start_ms + 60_000, span.end_ms, QUARTER_MS)]
    rows = [
        row
        for row in bin_counts(found, LINES, LABELS, calendar.bins(span, QUARTER_MS, COPENHAGEN), [span])
        if (row.line, row.direction, row.label) == ("gate", "to_left", "person")
    ]

    assert [row.count for row in rows] == [1] * quarters
    assert all(local(row.start).utcoffset() is not None for row in rows)
    assert len({local(row.start).isoformat() for row in rows}) == quarters


def test_the_hour_that_comes_twice_is_counted_apart() -> None:
    span = Span(at("2024-10-27T02:00+02:00"), at("2024-10-27T03:00+01:00"))
    found = [crossing(at("2024-10-27T02:05+02:00")), *[crossing(at("2024-10-27T02:05+01:00"))] * 2]
    rows = bin_counts(found, LINES, LABELS, calendar.bins(span, 3_600_000, COPENHAGEN), [span])

    assert {local(row.start).isoformat(): row.count for row in rows if row.count} == {
        "2024-10-27T02:00:00+02:00": 1,
        "2024-10-27T02:00:00+01:00": 2,
    }


@pytest.mark.parametrize(
    ("missing", "expected"),
    [
        ((0, 0), [1, 1, 1]),
        ((0, 450), [0.5, 1, 1]),
        ((900, 1800), [1, 0, 1]),
        ((0, 2700), [0, 0, 0]),
        ((450, 2250), [0.5, 0, 0.5]),
    ],
)
def test_coverage_is_the_share_of_a_bin_with_frames(missing: tuple[int, int], expected: list[float]) -> None:
    start = at("2024-06-01T12:00Z")
    span = Span(start, start + 3 * QUARTER_MS)
    gap = Span(start + missing[0] * 1000, start + missing[1] * 1000)
    covered = [Span(start, gap.start_ms), Span(gap.end_ms, span.end_ms)]
    rows = bin_counts([], LINES, LABELS, calendar.bins(span, QUARTER_MS, COPENHAGEN), covered)

    assert [*dict.fromkeys((row.start, row.coverage) for row in rows)] == [
        (one.start, share)
        for one, share in zip(calendar.bins(span, QUARTER_MS, COPENHAGEN), expected, strict=True)
    ]


def test_vehicle_holds_every_motor_vehicle_that_is_not_listed_by_its_kind() -> None:
    wanted = (Label.PERSON, Label.TRUCK, Label.VEHICLE)
    assert [reported(label, wanted) for label in Label] == [
        Label.PERSON,
        None,
        Label.VEHICLE,
        Label.VEHICLE,
        Label.VEHICLE,
        Label.TRUCK,
        Label.VEHICLE,
        None,
    ]
    assert reported(Label.CAR, (Label.PERSON,)) is None
