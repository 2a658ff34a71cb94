"""When a recording began: by the user, by its container, or by its name.

Invariant: no test asks the machine's own zone; clock changes are those of real zones.
"""

from datetime import UTC, datetime, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

import pytest

from passerby.domain.calendar import to_local, to_ms
from passerby.errors import InputError
from passerby.recordings import start_time

COPENHAGEN = ZoneInfo("Europe/Copenhagen")


def at(text: str, zone: str | tzinfo = UTC, fold: int = 0) -> int:
    return to_ms(
        datetime.fromisoformat(text).replace(
            tzinfo=ZoneInfo(zone) if isinstance(zone, str) else zone, fold=fold
        )
    )


@pytest.mark.parametrize(
    ("start", "zone", "expected"),
    [
        ("2023-11-18T14:15:00", "Europe/Copenhagen", "2023-11-18T14:15:00+01:00"),
        ("2023-11-18 14:15", "Europe/Copenhagen", "2023-11-18T14:15:00+01:00"),
        ("2023-07-18", "Europe/Copenhagen", "2023-07-18T00:00:00+02:00"),
        ("2023-11-18T14:15:00.250", "UTC", "2023-11-18T14:15:00.250000+00:00"),
        ("2023-11-18T14:15:00-05:00", "Europe/Copenhagen", "2023-11-18T20:15:00+01:00"),
        ("2023-11-18T14:15:00-05:00", None, "2023-11-18T14:15:00-05:00"),
        ("2023-11-18T14:15:00Z", None, "2023-11-18T14:15:00+00:00"),
        ("2023-10-29T02:30:00+02:00", "Europe/Copenhagen", "2023-10-29T02:30:00+02:00"),
        ("2023-10-29T02:30:00+01:00", "Europe/Copenhagen", "2023-10-29T02:30:00+01:00"),
    ],
)
def test_a_given_start(start: str, zone: str | None, expected: str) -> None:
    found = start_time.resolve_start(
        Path("20200101_000000.mp4"),
        start=start,
        timezone_name=zone,
        created=datetime(2021, 1, 1, tzinfo=UTC),
    )

    assert to_local(found.start_ms, found.zone).isoformat() == expected
    assert found.text == "--start"


@pytest.mark.parametrize(
    ("start", "zone", "cause"),
    [
        ("yesterday", "UTC", "no time"),
        ("", "UTC", "no time"),
        ("14:15", "UTC", "no time"),
        ("2023-13-01", "UTC", "no time"),
        ("0001-01-01T00:00:00+14:00", None, "year"),
        ("9999-12-31T23:59:59-14:00", None, "year"),
        ("2023-03-26T02:30:00", "Europe/Copenhagen", "skipped"),
        ("2023-10-29T02:30:00", "Europe/Copenhagen", r"twice, expected an offset, \+02:00 or \+01:00"),
        ("2023-11-18T14:15:00", "Europe/Kopenhagen", "no timezone"),
        ("2023-11-18T14:15:00", "", "no timezone"),
        ("2023-11-18T14:15:00", "/etc", "no timezone"),
        ("2023-11-18T14:15:00", "Europe", "no timezone"),
        ("2023-11-18T14:15:00", "a\0b", "no timezone"),
    ],
)
def test_a_start_that_is_not_allowed(start: str, zone: str | None, cause: str) -> None:
    with pytest.raises(InputError, match=cause):
        start_time.resolve_start(Path("a.mp4"), start=start, timezone_name=zone)


def test_the_containers_time_comes_before_the_name() -> None:
    found = start_time.resolve_start(
        Path("20200101_000000.mp4"),
        timezone_name="Europe/Copenhagen",
        created=datetime(2023, 11, 18, 13, 15, tzinfo=UTC),
    )

    assert to_local(found.start_ms, found.zone).isoformat() == "2023-11-18T14:15:00+01:00"
    assert found.text == "container creation time"


@pytest.mark.parametrize("year", [1904, 1970])
def test_the_zero_of_a_containers_clock_is_no_time(year: int) -> None:
    found = start_time.resolve_start(
        Path("20231118_141500.mp4"), timezone_name="UTC", created=datetime(year, 1, 1, tzinfo=UTC)
    )

    assert found == (at("2023-11-18T14:15"), ZoneInfo("UTC"), "date in the file name", True)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("20231118_141500.mp4", "2023-11-18T14:15:00"),
        ("2023-11-18_14-15-00.mp4", "2023-11-18T14:15:00"),
        ("2023-11-18T14.15.00.mkv", "2023-11-18T14:15:00"),
        ("2023-11-18T14:15:00.mkv", "2023-11-18T14:15:00"),
        ("2023-11-18T14:15:00Z.mkv", "2023-11-18T14:15:00+00:00"),
        ("Testvideo_Cars-Cyclist_FR20_2020-02-20_12-00-00.mp4", "2020-02-20T12:00:00"),
        ("OTCamera19_FR20_2023-05-24_07-00-00.h264", "2023-05-24T07:00:00"),
        ("cam 3 20231118141500 north.avi", "2023-11-18T14:15:00"),
        ("VID_20231118_141500123.mp4", "2023-11-18T14:15:00.123000"),
        ("WhatsApp Video 2023-11-18 at 14.15.00.mp4", "2023-11-18T14:15:00"),
        ("2023_11_18_14_15_00.ts", "2023-11-18T14:15:00"),
        ("2023-11-18_14-15.ts", "2023-11-18T14:15:00"),
        ("20231118-1415.ts", "2023-11-18T14:15:00"),
        ("20231118T141500Z.ts", "2023-11-18T14:15:00+00:00"),
        ("99999999_999999_20231118_141500.ts", "2023-11-18T14:15:00"),
        ("20231399_141500_20231118_141500.ts", "2023-11-18T14:15:00"),
        ("junction.mp4", None),
        ("2023-11-18.mp4", None),
        ("1700316900.mp4", None),
        ("20231118_251500.mp4", None),
        ("20231332_141500.mp4", None),
        ("920231118_141500.mp4", None),
        ("19040101_000000.mp4", None),
        ("", None),
    ],
)
def test_dates_in_names(name: str, expected: str | None) -> None:
    found = start_time.date_in_name(name)

    assert (found and found.isoformat()) == expected


def test_only_the_name_is_read_and_not_the_folder() -> None:
    found = start_time.resolve_start(Path("20231118_141500/a.mp4"), timezone_name="UTC")

    assert not found.known


def test_a_date_in_a_name_is_local_time() -> None:
    found = start_time.resolve_start(Path("20230718_141500.mp4"), timezone_name="Europe/Copenhagen")

    assert found.start_ms == at("2023-07-18T12:15")
    assert found.text == "date in the file name"


def test_a_name_in_a_repeated_hour_is_the_first_and_says_so() -> None:
    found = start_time.resolve_start(Path("20231029_023000.mp4"), timezone_name="Europe/Copenhagen")

    assert to_local(found.start_ms, found.zone).isoformat() == "2023-10-29T02:30:00+02:00"
    assert "first of two" in found.text


def test_a_name_in_a_skipped_hour_is_read_by_the_offset_before_and_says_so() -> None:
    found = start_time.resolve_start(Path("20230326_023000.mp4"), timezone_name="Europe/Copenhagen")

    assert to_local(found.start_ms, found.zone).isoformat() == "2023-03-26T03:30:00+02:00"
    assert "skipped" in found.text


@pytest.mark.parametrize("name", sorted(available_timezones() - {"localtime", "posixrules", "Factory"})[::7])
def test_an_unknown_start_is_midnight_and_marked_as_not_known_everywhere(name: str) -> None:
    found = start_time.resolve_start(Path("a.mp4"), timezone_name=name)

    assert f"{to_local(found.start_ms, found.zone):%Y-%m-%d %H:%M:%S}" == "2000-01-01 00:00:00"
    assert not found.known
