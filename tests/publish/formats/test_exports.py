"""Exports: the same columns in every file, whatever was counted, and Excel files that are ready to read."""

import csv
import io
import json
from typing import Any

import pytest
from tests.publish.conftest import MIDNIGHT_MS, PERSON, ZONE

from passerby.publish.formats import exports
from passerby.publish.store.sums import Sum

NUMBER = Sum(
    cell=PERSON,
    start_ms=MIDNIGHT_MS,
    end_ms=MIDNIGHT_MS + 900_000,
    value=-7,
    variance=1_800.0,
    noise_95=90,
    epsilon=0.8,
    coverage=0.5,
    sender_clock=None,
    releases=1,
    complete=True,
    receipt="receipt",
)


def csv_columns(sums: list[Sum]) -> list[str]:
    return next(csv.reader(io.StringIO("".join(exports.csv_text(sums, ZONE)))))


def parquet_columns(sums: list[Sum]) -> list[str]:
    pq = pytest.importorskip("pyarrow.parquet", reason="the extra `tables` is not installed")
    names: list[str] = pq.read_table(io.BytesIO(exports.parquet_bytes(sums, ZONE))).column_names
    return names


def sheet(sums: list[Sum]) -> Any:
    openpyxl = pytest.importorskip("openpyxl")
    pytest.importorskip("xlsxwriter", reason="the extra `tables` is not installed")
    return openpyxl.load_workbook(io.BytesIO(exports.xlsx_bytes(sums, ZONE))).active


def test_columns_do_not_depend_on_the_rows() -> None:
    assert csv_columns([]) == csv_columns([NUMBER]) == list(exports.COLUMNS)
    assert parquet_columns([]) == parquet_columns([NUMBER]) == list(exports.COLUMNS)
    headers = [[cell.value for cell in sheet(sums)[1]] for sums in ([], [NUMBER])]
    assert headers[0] == headers[1]
    assert [name for name in headers[0] if not name.endswith(" offset")] == list(exports.COLUMNS)


def test_json_has_the_old_name_of_class_too() -> None:
    (row,) = json.loads("".join(exports.json_text([NUMBER], ZONE)))
    assert list(row) == [*exports.COLUMNS, "label"]
    assert (row["class"], row["label"], row["value"], row["noise_95"]) == ("person", "person", -7, 90)


def test_a_sheet_is_ready_to_read() -> None:
    page = sheet([NUMBER])
    columns = {cell.value: cell.column_letter for cell in page[1]}
    assert page.title == "Counts"
    assert page.auto_filter.ref == f"A1:{page.cell(2, page.max_column).coordinate}"
    # A date and a time have 19 characters; a narrower column shows ##### instead.
    assert page.column_dimensions[columns["start"]].width >= 19
    assert page[f"{columns['coverage']}2"].value == 0.5
    assert "%" in page[f"{columns['coverage']}2"].number_format
