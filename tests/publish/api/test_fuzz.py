"""The API with random requests: each response is described in OpenAPI, or is one line that says what was expected.

Invariant: no answer is an error of its own (500), whatever is asked, on whatever route, with whatever header.
"""

from collections.abc import Iterator
from urllib.parse import quote

import pytest
from tests.tiers import examples

pytest.importorskip("fastapi", reason="the extra `web` is not installed")
pytest.importorskip("argon2", reason="the extra `web` is not installed")

from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.publish.conftest import PERSON, ZONE, a_day

from passerby.publish.api.app import CSV, JSON, PARQUET, create_app
from passerby.publish.store.database import upgrade
from passerby.publish.store.releases import open_store

ROUTES = ("/v1/releases", "/v1/cells", "/v1/cameras", "/metrics", "/healthz", "/readyz", "/openapi.json")
TIMES = (
    st.datetimes(timezones=st.none() | st.timezones(no_cache=True)).map(lambda time: time.isoformat())
    | st.dates().map(str)
    | st.sampled_from(
        [
            "2026-10-25T02:30",
            "2026-03-29T02:30",
            "0001-01-01",
            "9999-12-31T23:59:59Z",
            "2026-W48-1",
            "20261123",
        ]
    )
)
HEADERS = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A client of a public API over a day of one cell; a wrong key is refused all the same."""
    path = tmp_path_factory.mktemp("fuzz") / "releases.db"
    upgrade(path)
    store = open_store(path, ZONE)
    store.write(a_day((PERSON,)), "bin")
    store.close()
    app = create_app(path, public=True, per_minute=1_000_000)
    yield TestClient(app, raise_server_exceptions=False)
    app.state.lazy_store.close()


@settings(max_examples=examples(80))
@given(
    start=TIMES,
    end=TIMES,
    resolution=st.sampled_from(["bin", "hour", "day"]),
    limit=st.integers(-1, 10_001),
    cursor=st.none() | st.from_regex("[0-9]{1,16}-[0-9]{1,10}", fullmatch=True),
    form=st.sampled_from([JSON, CSV, PARQUET]),
)
def test_any_time_range_is_read_or_refused_by_name(
    client: TestClient, start: str, end: str, resolution: str, limit: int, cursor: str | None, form: str
) -> None:
    asked = {"from": start, "to": end, "resolution": resolution, "limit": str(limit)}
    asked |= {} if cursor is None else {"cursor": cursor}

    answer = client.get("/v1/releases", params=asked, headers={"Accept": form})

    if answer.status_code == 200:
        assert 1 <= limit <= 10_000
        if form == JSON:
            assert len(answer.json()["rows"]) <= limit
    elif answer.status_code == 406:
        assert form == PARQUET
    else:
        assert answer.status_code == 422
        detail = answer.json()["detail"]
        assert "\n" not in detail
        assert any(name in detail for name in asked), detail


@settings(max_examples=examples(80))
@given(
    route=st.sampled_from(ROUTES),
    query=st.binary(max_size=30).map(quote) | st.text("abc=&;%+[]\"'<>019-_.~", max_size=40),
    tag=HEADERS,
    key=HEADERS,
    accept=HEADERS,
    signed=st.booleans(),
)
def test_no_bytes_or_header_cause_an_error_of_the_server(
    client: TestClient, route: str, query: str, tag: str, key: str, accept: str, signed: bool
) -> None:
    headers = {"If-None-Match": tag, "Accept": accept} | ({"Authorization": key} if signed else {})

    answer = client.get(f"{route}?{query}", headers=headers)

    assert answer.status_code in {200, 304, 401, 404, 406, 422}
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
        assert "\n" not in answer.json()["detail"]


@settings(max_examples=examples(40))
@given(
    path=st.binary(max_size=20).map(quote), method=st.sampled_from(["GET", "HEAD", "POST", "DELETE", "TRACE"])
)
def test_any_path_and_method_is_answered(client: TestClient, path: str, method: str) -> None:
    answer = client.request(method, f"/v1/releases/{path}")

    assert answer.status_code in {200, 307, 404, 405}
