"""The commands of the store: db, export, keys and api, as a user types them."""

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the extra `web` is not installed")
pytest.importorskip("argon2", reason="the extra `web` is not installed")

import httpx2
from click.testing import CliRunner, Result
from tests.publish.api.test_app import BICYCLE, fill
from tests.publish.conftest import MIDNIGHT_MS, PERSON, ZONE, a_day

from passerby.cli import command
from passerby.publish.store.query import Query
from passerby.publish.store.releases import open_store

ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "COLUMNS": "200"}
ENVIRONMENT.pop("PASSERBY_DATABASE", None)


def passerby(folder: Path, *arguments: str, **environment: str) -> Result:
    with chdir(folder):
        done = CliRunner().invoke(
            command, arguments, prog_name="passerby", env={"PASSERBY_DATABASE": None, **environment}
        )
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def succeeded(folder: Path, *arguments: str, **environment: str) -> str:
    done = passerby(folder, *arguments, **environment)
    assert done.exit_code == 0, done.stderr
    return done.stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a store of a day, releases.db."""
    fill(tmp_path / "releases.db")
    return tmp_path


def test_a_store_is_made_once(tmp_path: Path) -> None:
    out = succeeded(tmp_path, "db", "upgrade", "--timezone", ZONE)
    assert out == f"releases.db: brought up to date, days of {ZONE}\n"
    assert succeeded(tmp_path, "db", "upgrade") == f"releases.db: up to date, days of {ZONE}\n"
    refused = passerby(tmp_path, "db", "upgrade", "--timezone", "Asia/Tokyo")
    assert (refused.exit_code, refused.stderr.count("\n")) == (2, 1)


def test_retention_is_kept_and_pruned(folder: Path) -> None:
    assert succeeded(folder, "db", "retention") == "bins: forever\nhours: forever\ndays: forever\n"
    shown = succeeded(folder, "db", "retention", "--bins", "400d", "--hours", "1000d")
    assert shown == "bins: 400 days\nhours: 1000 days\ndays: forever\n"
    assert succeeded(folder, "db", "retention", "--hours", "forever").splitlines()[1] == "hours: forever"
    store = open_store(folder / "releases.db")
    store.write(a_day(start_ms=MIDNIGHT_MS - 10_000 * 86_400_000), "bin")
    both = list(store.rows(Query()))
    store.close()
    old = [one for one in both if one.end_ms <= time.time() * 1000 - 400 * 86_400_000]
    assert len(old) >= 96
    assert succeeded(folder, "db", "prune") == f"releases.db: {len(old)} rows deleted\n"
    for wrong in (("--bins", "1h"), ("--bins", "soon"), ("--days", "1d"), ("--days", "999999999999d")):
        refused = passerby(folder, "db", "retention", *wrong)
        assert (refused.exit_code, refused.stderr.count("\n")) == (2, 1), wrong


@pytest.mark.parametrize("format_", ["csv", "json", "parquet", "xlsx"])
def test_a_range_is_exported(folder: Path, format_: str) -> None:
    if format_ in ("parquet", "xlsx"):
        pytest.importorskip("pyarrow", reason="the extra `tables` is not installed")
    out = folder / f"day.{format_}"
    succeeded(
        folder,
        *("export", "--from", "2026-11-23T06:00", "--to", "2026-11-23T09:00", "--format", format_),
        *("--label", "person", "--resolution", "hour", "--out", str(out)),
    )
    if format_ == "csv":
        rows = [
            (row["start"], int(row["value"]), float(row["sender_clock"]) if row["sender_clock"] else None)
            for row in csv.DictReader(io.StringIO(out.read_text()))
        ]
    elif format_ == "json":
        rows = [(row["start"], row["value"], row["sender_clock"]) for row in json.loads(out.read_text())]
    elif format_ == "parquet":
        import pyarrow.parquet as pq

        rows = [
            (row["start"].isoformat(), row["value"], row["sender_clock"])
            for row in pq.read_table(out).to_pylist()
        ]
    else:
        import openpyxl

        sheet = openpyxl.load_workbook(out).active
        header, *lines = sheet.iter_rows(values_only=True)
        named = [dict(zip(header, line, strict=True)) for line in lines]
        rows = [
            (row["start"].isoformat() + row["start offset"], row["value"], row["sender_clock"])
            for row in named
        ]
    expected = [
        (
            f"2026-11-23T{hour:02}:00:00+01:00",
            sum(one.value for one in a_day()[hour * 4 : hour * 4 + 4]),
            None if hour == 6 else 0.75,
        )
        for hour in (6, 7, 8)
    ]
    assert rows == expected


def test_everything_is_exported_to_standard_output(folder: Path) -> None:
    assert len(list(csv.reader(io.StringIO(succeeded(folder, "export"))))) == 1 + 3 * 96
    rows = json.loads(succeeded(folder, "export", "--format", "json", "--camera", "north"))
    assert {row["class"] for row in rows} == {PERSON.label, BICYCLE.label}
    assert json.loads(succeeded(folder, "export", "--format", "json", "--to", "2020-01-01")) == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--from", "yesterday"), "--from 'yesterday' is not a time"),
        (("--from", "2026-11-24", "--to", "2026-11-23"), "to is before from"),
        (("--camera", "nowhere"), "expected one of: north, south"),
        (("--format", "xlsx"), "expected --out FILE"),
        (("--out", "nowhere/day.csv"), "nowhere"),
        (("--database", "none.db"), "passerby db upgrade"),
        (("--database", "postgresql://passerby:secret@127.0.0.1:1/x"), "cannot be used"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(
    folder: Path, arguments: tuple[str, ...], told: str
) -> None:
    before = {path.name for path in folder.iterdir()}
    done = (
        passerby(folder, "export", "--out", "day.csv", *arguments)
        if "--format" not in arguments
        else passerby(folder, "export", *arguments)
    )
    assert (done.exit_code, done.stdout) == (2, "")
    assert told in done.stderr
    assert done.stderr.count("\n") == 1
    assert "secret" not in done.stderr
    assert {path.name for path in folder.iterdir()} - {"releases.db-shm", "releases.db-wal"} <= before


def test_a_store_is_named_in_the_environment(folder: Path, tmp_path: Path) -> None:
    assert (
        succeeded(tmp_path, "export", PASSERBY_DATABASE=str(folder / "releases.db")).count("\n") == 1 + 3 * 96
    )


FAR = (("create", "x", "--expires", "0s"), ("create", "x", "--expires", "999999999999d"))


def test_keys_are_made_listed_and_revoked(folder: Path) -> None:
    made = passerby(folder, "keys", "create", "city hall", "--scope", "releases", "--scope", "metrics")
    key = made.stdout.strip()
    assert re.fullmatch(r"passerby_[0-9a-f]{12}_[\w-]{43}", key)
    assert "not shown again" in made.stderr
    number = key.split("_")[1]
    listed = succeeded(folder, "keys", "list")
    assert re.search(rf"{number}\s+city hall\s+releases metrics\s.*valid", listed)
    assert key.split("_", 2)[2] not in listed
    succeeded(folder, "keys", "revoke", number)
    assert "revoked" in succeeded(folder, "keys", "list")
    for wrong in (("revoke", "nothing"), ("create", " "), ("create", "x", "--expires", "soon"), *FAR):
        assert passerby(folder, "keys", *wrong).exit_code == 2


@contextmanager
def served(folder: Path, *arguments: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """The address of `passerby api` as a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "passerby", "api", "--port", "0", *arguments],
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env=ENVIRONMENT,
    )
    assert process.stderr is not None
    try:
        first = process.stderr.readline()
        found = re.search(r"http://\S+:\d+", first)
        assert found is not None, first
        yield found[0], process
    finally:
        process.kill()
        process.wait(timeout=60)
        process.stderr.close()


@pytest.mark.process
def test_the_api_is_a_process_of_its_own(folder: Path) -> None:
    key = succeeded(folder, "keys", "create", "test").strip()
    with served(folder) as (address, process):
        assert httpx2.get(f"{address}/healthz").json() == {"status": "ok"}
        assert httpx2.get(f"{address}/v1/releases").status_code == 401
        answer = httpx2.get(
            f"{address}/v1/releases", params={"limit": 2}, headers={"Authorization": f"Bearer {key}"}
        )
        assert len(answer.json()["rows"]) == 2
        assert "server" not in answer.headers
        taken = passerby(folder, "api", "--port", address.rpartition(":")[2])
        assert (taken.exit_code, taken.stderr.count("\n")) == (2, 1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) in {0, -signal.SIGTERM}
        assert process.stderr is not None
        # No address, no request: nothing is logged of who asked for what.
        assert process.stderr.read() == ""


# A URL that is too long is refused as one, which schemathesis does not expect.
SCHEMATHESIS = """
[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 406, 409, 414, 415, 422, 428, 429, "5xx"]
"""


@pytest.mark.process
def test_schemathesis_finds_nothing(folder: Path) -> None:
    pytest.importorskip("schemathesis", reason="schemathesis is not installed")
    key = succeeded(folder, "keys", "create", "test", "--scope", "releases", "--scope", "metrics").strip()
    (folder / "schemathesis.toml").write_text(SCHEMATHESIS)
    with served(folder, "--per-minute", "1000000") as (address, _):
        done = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "run", f"{address}/openapi.json"),
                *("--header", f"Authorization: Bearer {key}", "--checks", "all", "--seed", "7"),
                *("--max-examples", "30", "--no-color"),
            ],
            capture_output=True,
            text=True,
            cwd=folder,
            env={**ENVIRONMENT, "SCHEMATHESIS_HOOKS": "tests.publish.api.programs.schemathesis_hooks"},
            check=False,
            timeout=300,
        )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "No issues found" in done.stdout
