"""Rows come back from every format as they went in.

Invariant: a written file is read back with another library.
"""

import csv
import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import openpyxl
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerby.counting.counts import BinCount
from passerby.errors import OutputError
from passerby.io import tables

ZONE = ZoneInfo("Europe/Copenhagen")
# Two quarter-hours of a clock change, an hour apart, that read the same on the clock.
FIRST = datetime(2023, 10, 29, 2, 0, tzinfo=ZONE)
SECOND = datetime(2023, 10, 29, 2, 0, fold=1, tzinfo=ZONE)


def bin_count(start: datetime, count: int, line: str = "bridge") -> BinCount:
    end = start.replace(minute=15)
    return BinCount(start, end, line, "in", "person", count, 0.5)


ROWS = (bin_count(FIRST, 3), bin_count(SECOND, 0))
COLUMNS = ("start", "end", "line", "direction", "label", "count", "coverage", "mark")


@dataclass(frozen=True)
class Named:
    name: str


def test_csv_is_read_back_with_offsets() -> None:
    text = tables.to_csv(ROWS)

    assert text.splitlines()[0] == ",".join(COLUMNS)
    read = list(csv.DictReader(io.StringIO(text)))
    assert [row["start"] for row in read] == ["2023-10-29T02:00:00+02:00", "2023-10-29T02:00:00+01:00"]
    assert [(row["line"], row["count"], row["coverage"]) for row in read] == [
        ("bridge", "3", "0.5"),
        ("bridge", "0", "0.5"),
    ]


def test_csv_without_rows_has_its_header() -> None:
    assert tables.to_csv((), COLUMNS) == f"{','.join(COLUMNS)}\r\n"
    assert tables.to_csv(()) == "\r\n"


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "=cmd|'/c calc'!A1"])
def test_names_that_a_spreadsheet_would_run_are_quoted(name: str) -> None:
    (row,) = list(csv.reader(io.StringIO(tables.to_csv([Named(name)]), newline="")))[1:]

    assert row == [f"'{name}"]


def test_numbers_below_zero_are_no_formulas() -> None:
    assert tables.to_csv([{"value": -3}]) == "value\r\n-3\r\n"


@given(st.lists(st.text(), min_size=1, max_size=5))
def test_any_name_comes_back_from_csv(names: list[str]) -> None:
    text = tables.to_csv([Named(name) for name in names])
    read = [row[0] if row else "" for row in csv.reader(io.StringIO(text, newline=""))][1:]

    assert [name.removeprefix("'") for name in read] == [name.removeprefix("'") for name in names]
    assert not any(name.startswith(("=", "+", "-", "@", "\t", "\r")) for name in read)


def test_json_is_one_document() -> None:
    found = json.loads(
        tables.to_json({"bins": ROWS, "none": None, "where": Path("a"), "yes": True, "s": "å"})
    )

    assert found["bins"][1] == {
        "start": "2023-10-29T02:00:00+01:00",
        "end": "2023-10-29T02:15:00+01:00",
        "line": "bridge",
        "direction": "in",
        "label": "person",
        "count": 0,
        "coverage": 0.5,
        "mark": "",
    }
    assert (found["none"], found["where"], found["yes"], found["s"]) == (None, "a", True, "å")


def test_json_has_no_number_that_json_does_not_know() -> None:
    with pytest.raises(ValueError, match="nan"):
        tables.to_json({"a": float("nan")})


def test_parquet_keeps_times_zones_and_types(tmp_path: Path) -> None:
    path = tmp_path / "counts.parquet"
    tables.write_parquet(ROWS, path)

    read = pl.read_parquet(path)
    assert tuple(read.columns) == COLUMNS
    assert read["start"].dtype == pl.Datetime("us", "Europe/Copenhagen")
    assert read["start"].dt.timestamp("ms").to_list() == [1698537600000, 1698541200000]
    assert read["count"].to_list() == [3, 0]
    assert list(pd.read_parquet(path)["coverage"]) == [0.5, 0.5]


def test_excel_has_dates_and_their_offsets(tmp_path: Path) -> None:
    path = tmp_path / "counts.xlsx"
    tables.write_xlsx((*ROWS, bin_count(FIRST, 1, line="=1+1")), path)

    header, *rows = openpyxl.load_workbook(path).active.iter_rows(values_only=True)
    assert header == ("start", "start offset", "end", "end offset", *COLUMNS[2:])
    assert [row[:2] for row in rows[:2]] == [
        (datetime(2023, 10, 29, 2), "+02:00"),
        (datetime(2023, 10, 29, 2), "+01:00"),
    ]
    assert rows[0][4:] == ("bridge", "in", "person", 3, 0.5, None)
    assert rows[2][4] == "=1+1"
    assert openpyxl.load_workbook(path).active["E4"].data_type == "s"


def test_excel_is_ready_to_read(tmp_path: Path) -> None:
    path = tmp_path / "counts.xlsx"
    tables.write_xlsx(
        (*ROWS, bin_count(FIRST, 1, line="a line of the longest name that anyone would give")),
        path,
        sheet="Counts",
    )

    sheet = openpyxl.load_workbook(path)["Counts"]
    widths = {cell.value: sheet.column_dimensions[cell.column_letter].width for cell in sheet[1]}
    assert widths["start"] >= len("2023-10-29 02:00:00")
    assert widths["line"] >= 48
    assert all(width >= len(name) + 2 for name, width in widths.items())
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:J4"
    (share,) = [cell for cell, name in zip(sheet[2], sheet[1], strict=True) if name.value == "coverage"]
    assert (share.value, share.number_format) == (0.5, "0.0%")


@pytest.mark.parametrize(
    ("write", "suffix"), [(tables.write_parquet, "parquet"), (tables.write_xlsx, "xlsx")]
)
def test_a_file_without_rows_has_its_columns(
    tmp_path: Path, write: Callable[[tuple[BinCount, ...], Path, tuple[str, ...]], None], suffix: str
) -> None:
    path = tmp_path / f"counts.{suffix}"
    write((), path, COLUMNS)

    read = (
        pl.read_parquet(path).columns
        if suffix == "parquet"
        else [c.value for c in openpyxl.load_workbook(path).active[1]]
    )
    assert tuple(read) == COLUMNS


@pytest.mark.parametrize(
    ("write", "module", "package"),
    [(tables.write_parquet, "pyarrow.parquet", "pyarrow"), (tables.write_xlsx, "xlsxwriter", "xlsxwriter")],
)
def test_a_missing_extra_is_named(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    write: Callable[[tuple[BinCount, ...], Path], None],
    module: str,
    package: str,
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(OutputError) as refused:
        write(ROWS, tmp_path / "counts")

    assert f"{package}, install it with: pip install 'passerby[tables]'" in str(refused.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("write", [tables.write_parquet, tables.write_xlsx])
def test_a_missing_folder_is_reported(
    tmp_path: Path, write: Callable[[tuple[BinCount, ...], Path], None]
) -> None:
    with pytest.raises(OutputError, match="does not exist"):
        write(ROWS, tmp_path / "missing" / "counts")


def test_a_row_that_fails_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "counts.xlsx"
    with pytest.raises(TypeError):
        tables.write_xlsx([{"value": object()}], path)

    assert list(tmp_path.iterdir()) == []


def test_otanalytics_has_its_columns_and_its_times() -> None:
    rows = [bin_count(FIRST, 3), bin_count(datetime(2023, 11, 18, 14, 0, tzinfo=UTC), 1, "=x")]
    found = tables.to_otanalytics([{**tables.mapping_of(row), "class": row.label} for row in rows])

    assert found.splitlines() == [
        "start time,start occurrence date,start occurrence time,end time,end occurrence date,"
        "end occurrence time,classification,flow,from section,to section,count",
        "2023-10-29 02:00:00,2023-10-29,02:00:00,2023-10-29 02:15:00,2023-10-29,02:15:00,"
        "person,bridge in,bridge,bridge,3",
        "2023-11-18 14:00:00,2023-11-18,14:00:00,2023-11-18 14:15:00,2023-11-18,14:15:00,person,'=x in,'=x,'=x,1",
    ]


def test_otanalytics_without_rows_has_its_header() -> None:
    assert len(tables.to_otanalytics(()).splitlines()) == 1


def test_rows_are_dataclasses_or_mappings() -> None:
    assert tables.mapping_of({"a": 1}) == tables.mapping_of({"a": 1})
    assert tables.mapping_of(Named("a")) == {"name": "a"}
    with pytest.raises(TypeError, match="int: expected"):
        tables.mapping_of(3)


def test_pandas_and_polars_read_counts_as_they_are() -> None:
    read = pd.DataFrame(ROWS)
    assert tuple(read.columns) == COLUMNS
    assert str(read["start"].dtype.tz) == "Europe/Copenhagen"
    assert read["start"].is_unique

    polars = pl.DataFrame(ROWS)
    assert tuple(polars.columns) == COLUMNS
    assert polars["start"].n_unique() == 2


# Elapsed times


ELAPSED = ({"start": timedelta(), "count": 1}, {"start": timedelta(hours=30, minutes=15), "count": 2})
DATED = {"start": FIRST, "count": 3}


def test_elapsed_times_are_text_in_csv_and_json() -> None:
    assert tables.to_csv(ELAPSED).splitlines() == ["start,count", "0:00:00,1", "30:15:00,2"]
    assert [row["start"] for row in json.loads(tables.to_json(ELAPSED))] == ["0:00:00", "30:15:00"]


def test_elapsed_times_are_durations_in_parquet_and_excel(tmp_path: Path) -> None:
    tables.write_parquet(ELAPSED, tmp_path / "t.parquet")
    assert pl.read_parquet(tmp_path / "t.parquet")["start"].to_list() == [row["start"] for row in ELAPSED]
    sheet = openpyxl.load_workbook(io.BytesIO(tables.xlsx_bytes(ELAPSED))).active
    assert [cell.value for cell in sheet[1]] == ["start", "count"]
    assert sheet["A3"].value == ELAPSED[1]["start"]


def test_local_and_elapsed_times_may_stand_in_one_table(tmp_path: Path) -> None:
    tables.write_parquet([DATED, *ELAPSED], tmp_path / "t.parquet")
    assert pl.read_parquet(tmp_path / "t.parquet")["start"].to_list()[1:] == ["0:00:00", "30:15:00"]
    sheet = openpyxl.load_workbook(io.BytesIO(tables.xlsx_bytes([*ELAPSED, DATED]))).active
    assert [cell.value for cell in sheet[1]] == ["start", "start offset", "count"]
