"""The store in both databases: one value for each key, sums equal to brute force, pages without gaps."""

from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from tests.publish.conftest import BIN_MS, MIDNIGHT_MS, PERSON, ZONE, a_day, release
from tests.tiers import examples

from passerby.domain import calendar
from passerby.domain.noise_interval import variance
from passerby.domain.release import Cell, Release
from passerby.domain.timespan import Span
from passerby.errors import ConflictError, InputError, StoreError, UnknownNameError
from passerby.publish.store.database import upgrade
from passerby.publish.store.query import Query
from passerby.publish.store.releases import Health, Retention, Store, Written, open_store
from passerby.publish.store.sums import Sum

BICYCLE = Cell("north", "bridge", "out", "bicycle")
CAR = Cell("south", "gate", "in", "car")
DAY_MS = 86_400_000


def rows(store: Store, query: Query) -> list[Sum]:
    return list(store.rows(query))


def test_a_release_is_read_as_it_was_written(store: Store) -> None:
    assert store.write([release(value=-3, coverage=0.25)], "bin") == Written(new=1)
    (row,) = rows(store, Query())
    assert (row.cell, row.start_ms, row.end_ms, row.value) == (
        PERSON,
        MIDNIGHT_MS,
        MIDNIGHT_MS + BIN_MS,
        -3,
    )
    assert (row.epsilon, row.coverage, row.releases, row.complete) == (0.8, 0.25, 1, True)
    assert row.receipt == f"receipt {MIDNIGHT_MS}"
    assert row.variance == variance(30.0)


def test_writing_the_same_release_twice_changes_nothing(store: Store) -> None:
    day = a_day((PERSON, BICYCLE))
    assert store.write(day, "bin") == Written(new=192)
    state, before = store.state(), [rows(store, Query(resolution)) for resolution in ("bin", "hour", "day")]
    assert store.write(day, "bin") == Written(same=192)
    assert store.write([day[0], day[0]], "bin") == Written(same=2)
    assert [rows(store, Query(resolution)) for resolution in ("bin", "hour", "day")] == before
    assert store.state() == state


@pytest.mark.parametrize(
    "change", [{"value": 6}, {"coverage": 0.5}, {"receipt": "other"}, {"noise_scale": 1.0}, {"epsilon": 0.1}]
)
def test_a_different_value_for_a_key_refuses_the_whole_batch(
    store: Store, change: dict[str, float | str]
) -> None:
    store.write([release()], "bin")
    before = [rows(store, Query(resolution)) for resolution in ("bin", "hour", "day")]
    with pytest.raises(ConflictError, match="camera north, line bridge, in, person"):
        store.write([release(1), replace(release(), **change)], "bin")  # type: ignore[arg-type]
    assert [rows(store, Query(resolution)) for resolution in ("bin", "hour", "day")] == before


def test_a_batch_that_contradicts_itself_is_refused(store: Store) -> None:
    with pytest.raises(ConflictError):
        store.write([release(value=1), release(value=2)], "bin")
    assert rows(store, Query()) == []


def test_a_released_day_replaces_the_sum_of_its_bins(store: Store) -> None:
    store.write(a_day(), "bin")
    (summed,) = rows(store, Query("day"))
    assert (summed.value, summed.releases, summed.complete, summed.receipt) == (
        sum(each.value for each in a_day()),
        96,
        True,
        None,
    )
    whole = Release(PERSON, MIDNIGHT_MS, MIDNIGHT_MS + DAY_MS, 99, 120.0, 0.2, 1.0, "of the day")
    assert store.write([whole], "day") == Written(new=1)
    assert store.write([whole], "day") == Written(same=1)
    (released,) = rows(store, Query("day"))
    assert (released.value, released.releases, released.receipt) == (99, 1, "of the day")
    assert len(rows(store, Query("bin"))) == 96


def brute_force(releases: list[Release], length_ms: int, zone: str) -> dict[tuple[Cell, int], list[Release]]:
    found = defaultdict(list)
    for each in releases:
        (home,) = calendar.bins(Span(each.start_ms, each.start_ms + 1), length_ms, ZoneInfo(zone))
        found[each.cell, home.span.start_ms].append(each)
    return found


# A week that includes the night when clocks go back, and offsets that are not whole hours.
ZONES = [
    (ZONE, 1_792_800_000_000),
    ("Asia/Kathmandu", MIDNIGHT_MS),
    ("Australia/Lord_Howe", 1_775_300_000_000),
]


@pytest.mark.slow
@pytest.mark.parametrize(("zone", "around_ms"), ZONES)
@settings(max_examples=examples(25), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_roll_ups_equal_brute_force_sums(
    tmp_path_factory: pytest.TempPathFactory, zone: str, around_ms: int, data: st.DataObject
) -> None:
    span = Span(around_ms - DAY_MS, around_ms + 2 * DAY_MS)
    quarters = list(calendar.bins(span, BIN_MS, ZoneInfo(zone)))
    drawn = data.draw(
        st.dictionaries(
            st.tuples(st.sampled_from([PERSON, BICYCLE]), st.sampled_from(quarters)),
            st.tuples(
                st.integers(-99, 99),
                st.integers(0, 1_000_000),
                st.sampled_from([0.5, 30.0]),
                st.sampled_from([0, 1, 2, 2, None]),
            ),
            max_size=40,
        )
    )
    releases = [
        Release(
            *(cell, home.span.start_ms, home.span.end_ms, value, scale, 0.8, coverage / 1e6, "r"),
            None if half is None else coverage // 2 * half / 1e6,
        )
        for (cell, home), (value, coverage, scale, half) in drawn.items()
    ]
    batches = data.draw(st.lists(st.lists(st.sampled_from(releases)), max_size=6)) if releases else []
    path = tmp_path_factory.mktemp("store") / "releases.db"
    upgrade(path)
    store = open_store(path, zone)
    # In any order, in overlapping batches, and some of them twice.
    for batch in [*batches, releases]:
        store.write(batch, "bin")
    assert {(row.cell, row.start_ms): row.value for row in store.rows(Query())} == {
        (each.cell, each.start_ms): each.value for each in releases
    }
    for resolution, length_ms in (("hour", 3_600_000), ("day", DAY_MS)):
        expected = brute_force(releases, length_ms, zone)
        found = {(row.cell, row.start_ms): row for row in store.rows(Query(resolution))}  # type: ignore[arg-type]
        assert found.keys() == expected.keys()
        for key, row in found.items():
            parts = expected[key]
            length = row.end_ms - row.start_ms
            assert row.value == sum(each.value for each in parts)
            assert row.releases == len(parts)
            assert row.variance == pytest.approx(sum(variance(each.noise_scale) for each in parts))
            assert row.coverage == pytest.approx(
                sum(each.coverage * (each.end_ms - each.start_ms) for each in parts) / length, abs=1e-9
            )
            dated = [each.sender_clock for each in parts]
            if None in dated:
                assert row.sender_clock is None
            else:
                assert row.sender_clock == pytest.approx(
                    sum((each.sender_clock or 0) * (each.end_ms - each.start_ms) for each in parts) / length,
                    abs=1e-9,
                )
            assert row.complete == (sum(each.end_ms - each.start_ms for each in parts) == length)
            assert all(row.start_ms <= each.start_ms and each.end_ms <= row.end_ms for each in parts)
    store.close()


@pytest.mark.parametrize("minutes", [9, 45, 360])
def test_bins_that_do_not_divide_the_hour_are_added_to_the_day_only(store: Store, minutes: int) -> None:
    length_ms = minutes * 60_000
    store.write([release(number, 1, length_ms=length_ms) for number in range(DAY_MS // length_ms)], "bin")
    assert rows(store, Query("hour")) == []
    (day,) = rows(store, Query("day"))
    assert (day.value, day.complete) == (DAY_MS // length_ms, True)


def test_a_query_returns_exactly_the_matching_rows(store: Store) -> None:
    store.write(a_day((PERSON, BICYCLE, CAR)), "bin")
    assert {row.cell for row in rows(store, Query(cameras=("north",)))} == {PERSON, BICYCLE}
    assert {row.cell for row in rows(store, Query(lines=("bridge",), directions=("out",)))} == {BICYCLE}
    assert {row.cell for row in rows(store, Query(labels=("car", "person")))} == {PERSON, CAR}
    assert rows(store, Query(cameras=("south",), labels=("person",))) == []
    hour = Query(from_ms=MIDNIGHT_MS + 3_600_000, to_ms=MIDNIGHT_MS + 7_200_000, labels=("person",))
    assert [row.start_ms for row in rows(store, hour)] == [
        MIDNIGHT_MS + number * BIN_MS for number in (4, 5, 6, 7)
    ]
    assert len(rows(store, replace(hour, resolution="hour"))) == 1
    assert store.cells() == tuple(sorted((PERSON, BICYCLE, CAR)))
    with pytest.raises(UnknownNameError, match=r"camera 'nowhere'.*expected one of: north, south"):
        rows(store, Query(cameras=("nowhere",)))


@pytest.mark.parametrize("resolution", ["bin", "hour", "day"])
@pytest.mark.parametrize("limit", [1, 7, 96, 1000])
def test_pages_have_no_gap_and_no_overlap(store: Store, resolution: str, limit: int) -> None:
    store.write(a_day((PERSON, BICYCLE)), "bin")
    whole = Release(PERSON, MIDNIGHT_MS, MIDNIGHT_MS + DAY_MS, 99, 120.0, 0.2, 1.0, "of the day")
    store.write([whole], "day")
    query = Query(resolution)  # type: ignore[arg-type]
    paged: list[Sum] = []
    after = None
    for _ in range(300):
        page = store.page(query, after=after, limit=limit)
        assert len(page.rows) <= limit
        paged += page.rows
        if (after := page.next) is None:
            break
    assert paged == rows(store, query)
    assert len(paged) == {"bin": 192, "hour": 48, "day": 2}[resolution]


def test_the_newest_of_each_cell(store: Store) -> None:
    assert store.latest() == ()
    store.write([release(0), release(1, 7), release(0, 3, BICYCLE)], "bin")
    store.write([release(-400, 1, CAR)], "bin")
    assert {(row.cell, row.value) for row in store.latest()} == {(PERSON, 7), (BICYCLE, 3)}


def test_pruning_deletes_bins_and_keeps_their_sums(store: Store) -> None:
    store.write(a_day(), "bin")
    sums = rows(store, Query("hour")), rows(store, Query("day"))
    assert store.prune(MIDNIGHT_MS + 9 * DAY_MS) == 0
    store.set_retention(Retention(bin_ms=2 * DAY_MS, hour_ms=5 * DAY_MS))
    assert store.retention() == Retention(2 * DAY_MS, 5 * DAY_MS, None)
    state = store.state()
    assert store.prune(MIDNIGHT_MS + 2 * DAY_MS + 4 * BIN_MS) == 4
    assert store.state() != state
    assert len(rows(store, Query())) == 92
    # What comes late is not added to its sums a second time.
    assert store.write(a_day(), "bin") == Written(same=92, expired=4)
    assert (rows(store, Query("hour")), rows(store, Query("day"))) == sums
    assert store.prune(MIDNIGHT_MS + 6 * DAY_MS) == 92 + 24
    assert (rows(store, Query()), rows(store, Query("hour"))) == ([], [])
    assert rows(store, Query("day")) == sums[1]
    # A clock that went back brings nothing back.
    store.prune(MIDNIGHT_MS)
    assert store.write(a_day(), "bin") == Written(expired=96)


def test_a_retention_above_a_thousand_years_is_refused() -> None:
    with pytest.raises(InputError, match="forever"):
        Retention(day_ms=10**6 * DAY_MS)


@pytest.mark.parametrize("kept", [(2, 1, None), (None, 3, None), (0, None, None), (5, None, 9)])
def test_a_retention_that_would_lose_sums_is_refused(kept: tuple[int | None, ...]) -> None:
    with pytest.raises(InputError, match="at least as long"):
        Retention(*(None if days is None else days * DAY_MS for days in kept))


def test_health_is_the_last_report(store: Store) -> None:
    store.report([Health("north", False, "no bytes", 1, 2), Health("south", True, "", 1, 2)])
    store.report([Health("north", True, "", 3, 4), Health("south", True, "", 1, 4)])
    assert store.health() == (Health("north", True, "", 3, 4), Health("south", True, "", 1, 4))
    # A camera that the site no longer has is removed, and a site may have no camera.
    store.report([Health("south", True, "", 1, 6)])
    assert store.health() == (Health("south", True, "", 1, 6),)
    store.report([])
    assert store.health() == ()
    for reason in ("rtsp://user:secret@camera", "saw 3 people", "x" * 41):
        with pytest.raises(InputError, match="a few plain words"):
            store.report([Health("north", False, reason, 1, 2)])


@pytest.mark.parametrize(
    "bad",
    [
        release(value=2**60),
        release(noise_scale=0.0),
        release(noise_scale=float("nan")),
        release(coverage=1.5),
        release(length_ms=0),
        release(coverage=0.5, sender_clock=0.6),
        release(sender_clock=-0.1),
        release(sender_clock=float("nan")),
        release(start_ms=-BIN_MS),
        release(start_ms=10**17),
        release(cell=Cell("", "bridge", "in", "person")),
        release(cell=Cell("north", "bri\0dge", "in", "person")),
    ],
)
def test_an_invalid_release_is_refused(store: Store, bad: Release) -> None:
    with pytest.raises(InputError):
        store.write([release(3), bad], "bin")
    assert rows(store, Query()) == []


def test_a_read_only_store_cannot_be_written(location: str) -> None:
    upgrade(location)
    open_store(location, ZONE).close()
    reader = open_store(location, read_only=True)
    assert reader.timezone == ZONE
    with pytest.raises(StoreError, match="read"):
        reader.write([release()], "bin")
    assert list(reader.rows(Query())) == []
    reader.close()


def test_a_store_has_one_timezone(location: str) -> None:
    upgrade(location)
    open_store(location, ZONE).close()
    with pytest.raises(StoreError, match="Europe/Copenhagen, expected Asia/Tokyo"):
        open_store(location, "Asia/Tokyo")
    with pytest.raises(InputError, match="no timezone"):
        open_store(location, "Nowhere/Here")


def test_a_store_of_the_first_version_keeps_its_numbers_when_upgraded(location: str) -> None:
    upgrade(location)
    old = [release(number, number) for number in range(3)]
    opened = open_store(location, ZONE)
    opened.write(old, "bin")
    before, state = list(opened.rows(Query())), opened.state()
    with opened.database.writing() as connection:
        # The schema before the sender's clock and the promise were stored.
        for table, column in (
            ("release", "sender_clock"),
            ("rollup", "sender"),
            ("release", "promise"),
            ("rollup", "promise"),
        ):
            connection.execute(text(f"ALTER TABLE {table} DROP COLUMN {column}"))
        connection.execute(text("UPDATE store_version SET version_num = '1'"))
    opened.close()

    with pytest.raises(StoreError, match="earlier version; run `passerby db upgrade`"):
        open_store(location)
    assert upgrade(location)
    assert not upgrade(location)
    opened = open_store(location, ZONE)
    assert list(opened.rows(Query())) == before
    assert {(each.sender_clock, each.promise) for each in before} == {(None, "footage")}
    assert opened.state() != state
    # What waited on disk meanwhile, sent again; and the rest of the hour.
    assert opened.write(old, "bin") == Written(same=3)
    opened.write([release(3, 3, sender_clock=1.0), release(4, 4, sender_clock=1.0)], "bin")
    assert [each.sender_clock for each in opened.rows(Query())] == [None, None, None, 1.0, 1.0]
    assert [each.sender_clock for each in opened.rows(Query("hour"))] == [None, 0.25]
    assert [each.sender_clock for each in opened.rows(Query("day"))] == [None]
    opened.close()


def test_each_number_says_which_promise_it_was_released_under(store: Store) -> None:
    store.write([release(number) for number in range(4)], "bin")
    store.write([replace(release(number), promise="crossings") for number in range(4, 8)], "bin")
    assert [each.promise for each in store.rows(Query())] == ["footage"] * 4 + ["crossings"] * 4
    assert [each.promise for each in store.rows(Query("hour"))] == ["footage", "crossings"]
    with pytest.raises(ConflictError):
        store.write([replace(release(0), promise="crossings")], "bin")


def test_sender_clock_is_summed_and_never_changed(store: Store) -> None:
    clocks = (1.0, 0.5, 0.0, 0.25)
    bins = [release(number, sender_clock=share) for number, share in enumerate(clocks)]
    store.write(bins, "bin")
    store.write(bins, "bin")
    assert [each.sender_clock for each in store.rows(Query())] == list(clocks)
    assert [each.sender_clock for each in store.rows(Query("hour"))] == [pytest.approx(1.75 / 4)]
    assert [each.sender_clock for each in store.latest()] == [0.25]
    with pytest.raises(ConflictError):
        store.write([release(0, sender_clock=0.5)], "bin")
    whole = Release(PERSON, MIDNIGHT_MS, MIDNIGHT_MS + DAY_MS, 99, 120.0, 0.2, 1.0, "of the day", 0.75)
    store.write([whole], "day")
    assert [each.sender_clock for each in store.rows(Query("day"))] == [0.75]


def test_upgrade_makes_a_store_once(location: str) -> None:
    with pytest.raises(StoreError, match="passerby db upgrade"):
        open_store(location)
    assert upgrade(location)
    assert not upgrade(location)


@pytest.mark.parametrize(
    "where",
    [
        "mysql://root:secret@db/x",
        "postgresql://passerby:secret@db:port/x",
        "nowhere/releases.db",
        ".",
        "postgresql://passerby:secret@127.0.0.1:1/x",
    ],
)
def test_the_error_of_an_invalid_location_has_no_password(where: str) -> None:
    with pytest.raises(StoreError) as message:
        open_store(where)
    assert "secret" not in str(message.value)
    assert "\n" not in str(message.value)


def test_a_file_that_is_not_a_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "releases.db"
    path.write_text("this is no database, but it is long enough to be taken for a file of one")
    with pytest.raises(StoreError, match="not a database"):
        open_store(path)


def test_store_and_ledger_share_a_server(server: str, tmp_path: Path) -> None:
    pytest.importorskip("opendp", reason="the extra `private` is not installed")
    from tests.publish.conftest import fresh_database

    from passerby.privacy.database import open_ledger

    where = fresh_database(server)
    assert upgrade(where)
    open_ledger(where, tmp_path / "mark", create=True).close()
    assert not upgrade(where)
    open_store(where).close()


@pytest.mark.parametrize(("revision", "message"), [("9", "later version"), (None, "passerby db upgrade")])
def test_a_store_of_another_version_is_left_alone(location: str, revision: str | None, message: str) -> None:
    upgrade(location)
    opened = open_store(location)
    with opened.database.writing() as connection:
        if revision is None:
            connection.execute(text("DELETE FROM store_version"))
        else:
            connection.execute(text("UPDATE store_version SET version_num = :new"), {"new": revision})
    opened.close()
    with pytest.raises(StoreError, match=message):
        open_store(location)
    if revision is not None:
        with pytest.raises(StoreError, match=message):
            upgrade(location)
