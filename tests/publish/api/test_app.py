"""The API: its responses, keys, formats and errors."""

import csv
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.tiers import examples

pytest.importorskip("fastapi", reason="the extra `web` is not installed")
pytest.importorskip("argon2", reason="the extra `web` is not installed")

from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.publish.conftest import BIN_MS, MIDNIGHT_MS, PERSON, ZONE, a_day, release

from passerby.domain.release import Cell, Release
from passerby.publish.api import keys
from passerby.publish.api.app import CSV, PARQUET, create_app
from passerby.publish.store.database import upgrade
from passerby.publish.store.releases import Health, Store, open_store

BICYCLE = Cell("north", "bridge", "out", "bicycle")
FORMULA = Cell("south", "=1+1", "in", "car")


@pytest.fixture
def where(tmp_path: Path) -> Path:
    """A store with a day of three cells."""
    path = tmp_path / "releases.db"
    fill(path)
    return path


def fill(path: Path) -> None:
    upgrade(path)
    store = open_store(path, ZONE)
    day = a_day((PERSON, BICYCLE, FORMULA))
    # The sender's clock is not known for one quarter-hour in every six hours, first for the second of the day.
    unknown = {MIDNIGHT_MS + number * BIN_MS for number in range(1, 96, 24)}
    store.write(
        [replace(each, sender_clock=None if each.start_ms in unknown else 0.75) for each in day], "bin"
    )
    store.report([Health("north", False, "no bytes", MIDNIGHT_MS, MIDNIGHT_MS + 5_000)])
    store.close()


def client_of(app: FastAPI) -> TestClient:
    return TestClient(app, raise_server_exceptions=False)


@pytest.fixture
def client(where: Path) -> Iterator[TestClient]:
    """A client of a public API."""
    app = create_app(where, public=True, per_minute=1_000_000)
    yield client_of(app)
    app.state.lazy_store.close()


@pytest.fixture
def key_of(where: Path) -> Callable[..., dict[str, str]]:
    """A function that creates a key and returns its header."""

    def make(*scopes: keys.Scope, expires_ms: int | None = None) -> dict[str, str]:
        store = open_store(where)
        key = keys.create(store.database, "test", scopes or ("releases",), 0, expires_ms)
        store.close()
        return {"Authorization": f"Bearer {key}"}

    return make


def test_a_page_of_numbers(client: TestClient) -> None:
    answer = client.get("/v1/releases", params={"limit": 1, "class": "person"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    page = answer.json()
    assert (page["resolution"], page["timezone"]) == ("bin", ZONE)
    (row,) = page["rows"]
    assert row["start"] == "2026-11-23T00:00:00+01:00"
    assert row["end"] == "2026-11-23T00:15:00+01:00"
    assert row["value"] == -2
    assert 42 < row["noise_sd"] < 43
    assert row["noise_95"] == 90
    assert (row["coverage"], row["sender_clock"]) == (1.0, 0.75)
    assert row["receipt"]


def test_class_can_still_be_called_label(client: TestClient) -> None:
    old, new = (
        client.get("/v1/releases", params={name: "bicycle", "limit": 3}).json() for name in ("label", "class")
    )
    assert old["rows"] == new["rows"]
    assert {(row["class"], row["label"]) for row in new["rows"]} == {("bicycle", "bicycle")}
    both = client.get("/v1/releases?class=bicycle&label=person").json()["rows"]
    assert {row["class"] for row in both} == {"bicycle", "person"}
    unknown = client.get("/v1/releases?label=horse")
    assert (unknown.status_code, unknown.json()["detail"]) == (
        404,
        "class 'horse': nothing was published for it, expected one of: bicycle, car, person",
    )
    assert client.get("/v1/cells").json()[0] == {
        "camera": "north",
        "line": "bridge",
        "direction": "in",
        "class": "person",
        "label": "person",
    }

    document = client.get("/openapi.json").json()
    parameters = {each["name"]: each for each in document["paths"]["/v1/releases"]["get"]["parameters"]}
    assert (parameters["label"]["deprecated"], "deprecated" in parameters["class"]) == (True, False)
    for schema in ("Row", "CellRow"):
        fields = document["components"]["schemas"][schema]["properties"]
        assert (fields["label"]["deprecated"], "deprecated" in fields["class"]) == (True, False)


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_the_first_page_explains_the_api_and_loads_nothing(where: Path, path: str) -> None:
    for public, text in ((True, "No key is needed."), (False, "Authorization: Bearer KEY")):
        client = client_of(create_app(where, public=public))
        answer = client.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert text in answer.text
        links = re.findall(r'href="([^"]+)"', answer.text)
        assert links[0] == "openapi.json"
        assert {client.get(f"/{link}").status_code for link in links} == ({200} if public else {200, 401})
        assert not re.search(r"<script|https?://|src=", answer.text)
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        client.app.state.lazy_store.close()  # type: ignore[attr-defined]


def test_pages_follow_each_other(client: TestClient) -> None:
    params: dict[str, Any] = {"limit": 50, "camera": "north"}
    rows = []
    for _ in range(10):
        answer = client.get("/v1/releases", params=params)
        page = answer.json()
        rows += page["rows"]
        if page["next"] is None:
            assert "link" not in answer.headers
            break
        link = answer.headers["link"].removeprefix("<").partition(">")[0]
        assert (
            client.get(link).json()
            == client.get("/v1/releases", params={**params, "cursor": page["next"]}).json()
        )
        params["cursor"] = page["next"]
    assert len(rows) == 192
    assert len({(row["start"], row["class"]) for row in rows}) == 192


def test_hours_and_days_of_a_range(client: TestClient) -> None:
    params = {"from": "2026-11-23T06:00:00", "to": "2026-11-23T07:00:00Z", "class": "person"}
    assert len(client.get("/v1/releases", params=params).json()["rows"]) == 8
    assert len(client.get("/v1/releases", params={**params, "resolution": "hour"}).json()["rows"]) == 2
    day = client.get("/v1/releases?from=2026-11-23&to=2026-11-24&resolution=day").json()["rows"]
    assert [(row["releases"], row["complete"], row["receipt"]) for row in day] == [(96, True, None)] * 3


def test_every_format_has_the_same_numbers(client: TestClient) -> None:
    pq = pytest.importorskip("pyarrow.parquet", reason="the extra `tables` is not installed")
    rows = client.get("/v1/releases").json()["rows"]
    answer = client.get("/v1/releases", headers={"Accept": "text/csv"})
    assert answer.headers["content-type"].startswith("text/csv")
    of_csv = list(csv.DictReader(io.StringIO(answer.text)))
    assert [(row["start"], row["value"], row["receipt"]) for row in of_csv] == [
        (row["start"], str(row["value"]), row["receipt"]) for row in rows
    ]
    assert [row["sender_clock"] for row in of_csv[:6:3]] == ["0.75", ""]
    assert [row["sender_clock"] for row in rows[:6:3]] == [0.75, None]
    # Not run by a spreadsheet.
    assert {row["line"] for row in of_csv} == {"bridge", "'=1+1"}
    answer = client.get("/v1/releases", headers={"Accept": PARQUET})
    assert answer.headers["content-type"] == PARQUET
    of_parquet = pq.read_table(io.BytesIO(answer.content)).to_pylist()
    assert [
        {**row, "start": row["start"].isoformat(), "end": row["end"].isoformat(), "label": row["class"]}
        for row in of_parquet
    ] == rows


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        (None, "application/json"),
        ("*/*", "application/json"),
        ("text/csv;q=0.9, application/json;q=0.1", "text/csv"),
        ("text/*", "text/csv"),
        ("application/json;q=0, */*", "text/csv"),
        ("text/html", None),
        ("application/json;q=0", None),
        ("nonsense;;;=,,", None),
    ],
)
def test_the_format_is_negotiated(client: TestClient, accept: str | None, form: str | None) -> None:
    answer = client.get("/v1/releases", params={"limit": 1}, headers={"Accept": accept or ""})
    if form is None:
        assert answer.status_code == 406
        assert answer.headers["content-type"] == "application/problem+json"
    else:
        assert answer.headers["content-type"].startswith(form)


def test_an_unchanged_page_is_not_sent_again(client: TestClient, where: Path) -> None:
    first = client.get("/v1/releases")
    tag = {"If-None-Match": first.headers["etag"]}
    assert first.headers["cache-control"] == "public, max-age=60"
    assert set(first.headers["vary"].split(", ")) == {"Accept", "Authorization"}
    again = client.get("/v1/releases", headers=tag)
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert (
        client.get("/v1/releases", headers={"If-None-Match": f'"x", {tag["If-None-Match"]}'}).status_code
        == 304
    )
    for other in ({"params": {"limit": 3}}, {"headers": {"Accept": CSV}}):
        assert client.get("/v1/releases", **other).headers["etag"] != first.headers["etag"]
    store = open_store(where)
    store.write([release(500)], "bin")
    store.close()
    assert client.get("/v1/releases", headers=tag).status_code == 200


REFUSED = [
    ("limit=0", "limit"),
    ("limit=10001", "limit"),
    ("limit=1_000", "limit"),
    ("limit=1.0", "limit"),
    ("limit=%D9%A3", "limit"),
    ("limit=1&limit=2", "limit"),
    ("resolution=week", "resolution"),
    ("from=yesterday", "from"),
    ("from=2026-02-30", "from"),
    ("from=2026-11-23T00:00:00+01:00", "%2B"),
    ("from=2026-11-24&to=2026-11-23", "to is before from"),
    ("from=1795388400", "from"),
    ("to=2026-11-23&to=2026-11-24", "to"),
    ("cursor=1", "cursor"),
    ("cursor=-1-1", "cursor"),
    ("cursor=1-1%0A", "cursor"),
    ("camera=", "camera"),
    ("camera=" + "x" * 101, "camera"),
    ("&".join(["camera=north"] * 51), "camera"),
    ("kind=person", "kind: there is no such parameter"),
    ("from_=2026-11-23", "from_"),
]


@pytest.mark.parametrize(("query", "message"), REFUSED)
def test_an_invalid_parameter_is_refused_by_its_name(client: TestClient, query: str, message: str) -> None:
    answer = client.get(f"/v1/releases?{query}")
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert message in answer.json()["detail"]
    assert answer.headers["cache-control"] == "no-store"


def test_a_name_without_published_numbers(client: TestClient) -> None:
    answer = client.get("/v1/releases", params={"camera": "nowhere"})
    assert answer.status_code == 404
    assert answer.json()["detail"] == (
        "camera 'nowhere': nothing was published for it, expected one of: north, south"
    )


def test_unknown_routes_methods_and_bodies_are_refused(client: TestClient) -> None:
    assert client.get("/v1/releases?camera=" + "x" * 5_000).status_code == 414
    assert client.request("GET", "/v1/releases", content=b"x" * 100_000).status_code == 413
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert client.request(method, "/v1/releases").status_code == 405
    for path in ("/v1", "/redoc", "/docs/x", "/v1/../etc/passwd", "/v1/releases/1"):
        answer = client.get(path)
        assert (answer.status_code, answer.json()["title"]) == (404, "Not Found")


PARTS = ("camera", "line", "direction", "class", "label", "from", "to", "resolution", "limit", "cursor", "x")


@settings(max_examples=examples(150), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    query=st.lists(
        st.tuples(
            st.sampled_from(PARTS),
            st.text(max_size=20)
            | st.integers().map(str)
            | st.datetimes().map(str)
            | st.dates().map(str)
            | st.sampled_from(["north", "bridge", "hour", "9-9", "\0", "0001-01-01T00:00:00+23:59"]),
        ),
        max_size=5,
    ),
    accept=st.text(alphabet=st.characters(max_codepoint=126, min_codepoint=32), max_size=30) | st.just(CSV),
)
def test_no_parameter_causes_an_error_of_the_server(
    client: TestClient, query: list[tuple[str, str]], accept: str
) -> None:
    try:
        answer = client.get("/v1/releases", params=[*query], headers={"Accept": accept})
    except UnicodeEncodeError:
        return  # no URL holds half of a surrogate pair
    assert answer.status_code in {200, 404, 406, 422}
    if answer.status_code != 200:
        assert "\n" not in answer.json()["detail"]


def test_a_key_gives_access_to_its_scopes(where: Path, key_of: Callable[..., dict[str, str]]) -> None:
    client = client_of(create_app(where, per_minute=100_000))
    refused = client.get("/v1/releases")
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
    releases, of_metrics = key_of("releases"), key_of("metrics")
    answer = client.get("/v1/releases", headers=releases)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "private, max-age=60")
    assert client.get("/metrics", headers=releases).status_code == 403
    assert client.get("/metrics", headers=of_metrics).status_code == 200
    assert client.get("/v1/cells", headers=of_metrics).status_code == 403
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 200


@pytest.mark.parametrize("public", [True, False])
def test_an_invalid_key_gives_no_access(
    where: Path, key_of: Callable[..., dict[str, str]], public: bool
) -> None:
    client = client_of(create_app(where, public=public, per_minute=100_000))
    good = key_of()["Authorization"]
    assert client.get("/v1/cells", headers={"Authorization": good}).status_code == 200
    flipped = good[:-1] + ("A" if good[-1] != "A" else "B")
    for header in (flipped, good + "A", good[:-1], "Bearer ", "Basic eDp5", "Bearer passerby_x", "Bearer ä"):
        answer = client.get("/v1/cells", headers={b"Authorization": header.encode()})
        assert answer.status_code == 401, header
    assert client.get("/v1/cells", headers=key_of(expires_ms=1)).status_code == 401
    store = open_store(where)
    keys.revoke(store.database, good.split("_")[1], 5)
    store.close()
    # Also a key that was verified a moment ago.
    assert client.get("/v1/cells", headers={"Authorization": good}).status_code == 401


def test_the_store_does_not_contain_a_key(where: Path, key_of: Callable[..., dict[str, str]]) -> None:
    secret = key_of()["Authorization"].split("_", 2)[2]
    assert all(secret.encode() not in path.read_bytes() for path in where.parent.iterdir())


def test_too_many_requests_have_to_wait(where: Path, key_of: Callable[..., dict[str, str]]) -> None:
    client = client_of(create_app(where, public=True, per_minute=30))
    answers = [client.get("/v1/cells") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert client.get("/healthz").status_code == 200


def test_metrics_contain_links_and_released_values_only(client: TestClient) -> None:
    client.get("/v1/releases?camera=secret-name")
    client.get("/no/such/secret-path")
    text = client.get("/metrics").text
    names = {line.split("{")[0].split(" ")[0] for line in text.splitlines() if not line.startswith("#")}
    assert names == {
        "passerby_store_up",
        "passerby_camera_up",
        "passerby_camera_since_timestamp_seconds",
        "passerby_camera_seen_timestamp_seconds",
        "passerby_released_value",
        "passerby_released_noise_sd",
        "passerby_released_coverage_ratio",
        "passerby_released_end_timestamp_seconds",
        "passerby_api_requests_total",
        "passerby_api_requests_created",
    }
    assert 'passerby_camera_up{camera="north"} 0.0' in text
    assert (
        'passerby_released_value{camera="north",class="person",direction="in",label="person",line="bridge"} 2.0'
        in text
    )
    assert "secret" not in text


def test_the_cameras(client: TestClient) -> None:
    assert client.get("/v1/cameras").json() == [
        {
            "camera": "north",
            "up": False,
            "reason": "no bytes",
            "since": "2026-11-23T00:00:00+01:00",
            "seen": "2026-11-23T00:00:05+01:00",
        }
    ]


def test_the_api_starts_before_its_store(tmp_path: Path) -> None:
    message: list[str] = []
    client = client_of(create_app(tmp_path / "releases.db", public=True, on_store_error=message.append))
    assert client.get("/healthz").status_code == 200
    for path in ("/readyz", "/v1/releases", "/v1/cells"):
        answer = client.get(path)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert str(tmp_path) not in answer.text
    assert "passerby_store_up 0.0" in client.get("/metrics").text
    assert str(tmp_path) in message[0]
    upgrade(tmp_path / "releases.db")
    assert client.get("/readyz").status_code == 200
    assert client.get("/v1/releases").json()["timezone"] == "UTC"
    # The first writer sets the timezone.
    fill(tmp_path / "releases.db")
    assert client.get("/v1/releases").json()["timezone"] == ZONE


def test_every_response_has_the_security_headers(client: TestClient) -> None:
    for path in ("/v1/releases", "/nowhere", "/healthz", "/v1/releases?x=" + "y" * 5_000):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"


def test_the_api_reads_postgresql(server: str, store: Store, location: str) -> None:
    store.write(a_day(), "bin")
    client = client_of(create_app(location, public=True))
    assert len(client.get("/v1/releases").json()["rows"]) == 96
    assert client.get("/v1/releases?resolution=day").json()["rows"][0]["releases"] == 96
    key = keys.create(store.database, "test", ("releases",), 0, None)
    assert client.get("/v1/cells", headers={"Authorization": f"Bearer {key}"}).status_code == 200
    client.app.state.lazy_store.close()  # type: ignore[attr-defined]


PROGRAM = """
import sys
from fastapi.testclient import TestClient
from passerby.cli import command
from passerby.publish.api.app import create_app

client = TestClient(create_app(sys.argv[1], public=True))
for accept in ("application/json", "text/csv"):
    assert client.get("/v1/releases", headers={"Accept": accept}).status_code == 200
assert client.get("/metrics").status_code == 200
print(*sys.modules)
"""


@pytest.mark.process
def test_the_process_loads_no_module_that_sees_pictures(where: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(where)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    loaded = set(done.stdout.split())
    assert "passerby.publish.store.releases" in loaded
    seeing = {"av", "cv2", "onnxruntime", "openvino", "PIL", "numpy", "passerby.recordings.pipeline"}
    assert not loaded & seeing
    assert not [
        name
        for name in loaded
        if name.startswith(("passerby.video", "passerby.counting", "passerby.privacy"))
    ]


def test_openapi_lists_every_error(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    json.dumps(document)
    answers = document["paths"]["/v1/releases"]["get"]["responses"]
    assert {"200", "304", "401", "403", "404", "405", "406", "413", "414", "422", "429", "503"} == set(
        answers
    )
    assert set(answers["200"]["content"]) == {"application/json", CSV, PARQUET}
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_a_day_of_its_own_noise_is_one_release(client: TestClient, where: Path) -> None:
    store = open_store(where)
    day = Release(PERSON, MIDNIGHT_MS, MIDNIGHT_MS + 86_400_000, 250, 120.0, 0.2, 1.0, "of the day")
    store.write([day], "day")
    store.close()
    (row,) = client.get("/v1/releases?resolution=day&class=person").json()["rows"]
    assert (row["value"], row["releases"], row["receipt"]) == (250, 1, "of the day")
