"""The pages over HTTP: their responses, caching and errors."""

import csv
import gzip
import io
import re
from pathlib import Path
from urllib.parse import quote_from_bytes

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient
from starlette.types import ASGIApp
from tests.publish.pages import town
from tests.tiers import examples

from passerby.config.site import parse
from passerby.domain.release import Cell, Release
from passerby.publish.pages import views
from passerby.publish.pages.app import create_app
from passerby.publish.pages.auto_refresh import LEAST_S
from passerby.publish.pages.filters import NAMES
from passerby.publish.pages.response_cache import ResponseCache, response_of
from passerby.publish.store.database import upgrade
from passerby.publish.store.query import Query
from passerby.publish.store.releases import Store, open_store

PAGES = ("/", "/counts", "/about", "/sign")


@pytest.mark.slow
@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_safe_and_loads_nothing_from_other_hosts(client: TestClient, path: str) -> None:
    got = client.get(path)

    assert got.status_code == 200
    assert got.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'self'" in got.headers["content-security-policy"]
    assert "unsafe" not in got.headers["content-security-policy"]
    assert got.headers["x-content-type-options"] == "nosniff"
    assert got.headers["referrer-policy"] == "no-referrer"
    assert "set-cookie" not in got.headers
    assert not re.search(r"<script|<style|\sstyle=|\son[a-z]+=|javascript:", got.text)
    addresses = re.findall(r'(?:href|src|action)="([^"]*)"', got.text)
    assert [each for each in addresses if re.match(r"[a-z]+:|//|/", each)] == []
    assert got.text.startswith('<!doctype html>\n<html lang="en"')


@pytest.mark.parametrize("path", [*PAGES, "/style.css", "/chart-week.svg", "/counts.csv", "/icon.svg"])
def test_responses_can_be_cached(client: TestClient, path: str) -> None:
    got = client.get(path)
    age = re.fullmatch(r"public, max-age=(\d+)", got.headers["cache-control"])
    assert age is not None
    # A page that reloads itself is not cached for longer than that.
    assert int(age[1]) == min(60, int(got.headers.get("refresh", 60)))
    assert got.headers["vary"] == "Accept-Language, Accept-Encoding"
    again = client.get(path, headers={"If-None-Match": got.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == got.headers["etag"]
    head = client.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == got.headers["content-length"]
    plain = client.get(path, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.content == got.content


def test_the_cache_follows_changes_of_the_store(tmp_path: Path) -> None:
    path = tmp_path / "releases.db"
    app = create_app(town.make_site(1), path)
    client = TestClient(app)
    assert client.get("/").status_code == 503
    assert client.get("/").headers["retry-after"] == "5"
    assert client.get("/").headers["cache-control"] == "no-store"
    upgrade(path)
    empty = client.get("/")
    assert (empty.status_code, "No numbers have been published here yet." in empty.text) == (404, True)
    store = open_store(path, town.ZONE)
    release = Release(
        Cell("quay", "bridge", "in", "person"), 1_795_388_400_000, 1_795_389_300_000, 777, 2.0, 0.8, 1.0, "r"
    )
    store.write([release], "bin")
    app._state_read_s = -10.0  # type: ignore[attr-defined]  # as if a second had passed
    first = client.get("/")
    assert "777" in first.text
    later = Release(release.cell, release.end_ms, release.end_ms + 900_000, 888, 2.0, 0.8, 1.0, "r")
    store.write([later], "bin")
    store.close()
    assert client.get("/").text == first.text
    app._state_read_s = -10.0  # type: ignore[attr-defined]
    second = client.get("/")
    assert "888" in second.text
    assert second.headers["etag"] != first.headers["etag"]


def test_the_language_is_that_of_the_url_or_the_browser(client: TestClient) -> None:
    assert '<html lang="da"' in client.get("/about", headers={"Accept-Language": "da-DK,en;q=0.5"}).text
    german = client.get("/about?lang=de", headers={"Accept-Language": "da"})
    assert '<html lang="de"' in german.text
    assert "Über die Zahlen" in german.text
    # Links keep the chosen language.
    inner = [
        each for each in re.findall(r'href="([^"#]+)"', german.text) if "." not in each.replace("./", "")
    ]
    assert all("lang=" in each for each in inner)
    assert len(inner) > 4


def test_the_url_contains_the_filters(client: TestClient) -> None:
    asked = "/counts?at=quay%2Fharbour+path&direction=out&class=bicycle&from=2026-11-20&to=2026-11-22&resolution=hour"
    text = client.get(asked).text
    for part in (
        '<option value="quay/harbour%20path" selected>',
        '<option value="out" selected>',
        '<option value="bicycle" selected>',
        'value="2026-11-20"',
        'value="2026-11-22"',
        '<option value="hour" selected>',
        "chart-week.png?at=quay%2Fharbour+path&amp;direction=out&amp;class=bicycle&amp;from=2026-11-20",
    ):
        assert part in text


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("/counts?from=yesterday", 400, "from &#39;yesterday&#39; is not a date"),
        ("/counts?colour=red", 400, "there is no such parameter"),
        ("/about?lang=xx", 400, "lang &#39;xx&#39;: expected one of"),
        ("/style.css?x=1", 400, "there is no such parameter"),
        ("/counts?at=quay/nowhere", 404, "nothing was published for it"),
        ("/counts?label=%3Cscript%3E", 404, "nothing was published for it"),
        ("/counts.exe", 404, "This page does not exist."),
        ("/chart-none.svg", 404, "This page does not exist."),
        ("/chart-week.gif", 404, "This page does not exist."),
        ("/plan-9", 404, "This page does not exist."),
        ("/plan-0", 404, "This page does not exist."),
        ("/docs", 404, "This page does not exist."),
        ("/openapi.json", 404, "This page does not exist."),
        ("/static/../app.py", 404, ""),
        ("/..%2f..%2fsite.yaml", 404, ""),
        ("/plan-..%2f..%2fetc%2fpasswd", 404, ""),
        ("/%2e%2e/%2e%2e/etc/passwd", 404, ""),
        ("/counts?from=" + "9" * 3000, 414, ""),
        ("/chart-course.svg?from=2020-01-01&to=2020-01-02", 404, "There are no numbers for this chart."),
    ],
)
def test_an_error_page_has_one_line(client: TestClient, path: str, status: int, message: str) -> None:
    got = client.get(path)
    assert got.status_code == status
    assert message in got.text
    assert "Traceback" not in got.text
    assert "<script" not in got.text
    assert "passwd" not in got.text
    assert got.headers["cache-control"] == "no-store"
    assert "default-src 'self'" in got.headers["content-security-policy"]


def test_an_error_page_is_in_the_language_of_the_reader(client: TestClient) -> None:
    german = {"Accept-Language": "de"}
    message = client.get("/counts?from=yesterday", headers=german).text
    assert '<p class="lead" lang="de">from &#39;yesterday&#39; ist kein Datum' in message
    # Text from the URL is not a format string.
    assert "&#39;{text}{0}{names}&#39;" in client.get("/counts?at={text}{0}{names}", headers=german).text
    danish = client.get("/counts?lang=da&class=nobody")
    assert (danish.status_code, "der er intet offentliggjort om det" in danish.text) == (404, True)


_VALUES = st.one_of(
    st.binary(max_size=12), st.sampled_from([b"quay/bridge", b"in", b"person", b"2026-11-23", b"hour", b"da"])
)


@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    path=st.sampled_from(["/counts.csv", "/about", "/plan-0", "/chart-x.svg", "/none"]),
    query=st.dictionaries(st.sampled_from([*NAMES, "x", "%00"]), _VALUES, max_size=4),
)
def test_any_url_gives_a_page(client: TestClient, path: str, query: dict[str, bytes]) -> None:
    text = "&".join(f"{name}={quote_from_bytes(value)}" for name, value in query.items())
    got = client.get(f"{path}?{text}")
    assert got.status_code in (200, 400, 404)
    assert "<script" not in got.text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE"])
def test_only_get_and_head_are_answered(client: TestClient, method: str) -> None:
    got = client.request(method, "/")
    assert (got.status_code, got.headers["allow"]) == (405, "GET, HEAD")


def test_a_body_is_refused(client: TestClient) -> None:
    assert client.request("GET", "/", content=b"x" * 10).status_code == 413


def test_an_internal_error_reveals_nothing(town_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = create_app(town.make_site(1), town_path)

    def fails(*_: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(views, "summaries", fails)
    got = TestClient(app, raise_server_exceptions=False).get("/")
    assert got.status_code == 500
    assert "secret" not in got.text
    assert "default-src 'self'" in got.headers["content-security-policy"]


@pytest.mark.slow
def test_downloads_open_and_have_the_numbers_of_the_page(client: TestClient, town_store: Store) -> None:
    query = "?from=2026-11-20&to=2026-11-22&resolution=hour&class=person"
    start, end = (int(each) for each in ("1795129200000", "1795388400000"))
    rows = list(town_store.rows(Query("hour", start, end, ("quay",), ("bridge",), (), ("person",))))
    assert len(rows) == 3 * 24 * 2

    text = client.get(f"/counts.csv{query}")
    assert text.headers["content-disposition"] == 'attachment; filename="bridge-2026-11-20-2026-11-22.csv"'
    read = list(csv.DictReader(io.StringIO(text.text)))
    assert [int(row["value"]) for row in read] == [row.value for row in rows]
    assert min(int(row["value"]) for row in read) < 0

    openpyxl = pytest.importorskip("openpyxl")
    pytest.importorskip("xlsxwriter", reason="the extra `tables` is not installed")
    sheet = openpyxl.load_workbook(io.BytesIO(client.get(f"/counts.xlsx{query}").content)).active
    assert sheet.max_row == len(rows) + 1

    parquet = pytest.importorskip("pyarrow.parquet", reason="the extra `tables` is not installed")
    table = parquet.read_table(io.BytesIO(client.get(f"/counts.parquet{query}").content))
    assert table.column("value").to_pylist() == [row.value for row in rows]

    picture = client.get(f"/chart-week.svg{query}&lang=fr")
    assert picture.headers["content-type"] == "image/svg+xml"
    assert "Sept jours, heure par heure" in picture.text
    assert client.get(f"/chart-calendar.png{query}").content.startswith(b"\x89PNG")


def test_names_are_text_on_every_page(nasty_app: ASGIApp) -> None:
    client = TestClient(nasty_app)
    for page in PAGES:
        got = client.get(page)
        assert got.status_code == 200, got.text
        assert "<script" not in got.text
        assert "&lt;script&gt;" in got.text
        assert "49" not in re.sub(r"[\d.]+[,\d.]*[\d.]|#[0-9a-f]+", "", got.text)
        assert "{{7*7}}" in got.text
    (address,) = set(re.findall(r'href="(counts\?at=[^"]+)"', client.get("/").text))
    assert "alert" in client.get("/" + address.replace("&amp;", "&")).text
    disposition = client.get("/counts.csv").headers["content-disposition"]
    assert re.fullmatch(r'attachment; filename="[A-Za-z0-9.-]+"', disposition)
    assert "<script" not in client.get("/chart-directions.svg").text


def test_a_plan_is_served_unchanged_and_sandboxed(town_path: Path, tmp_path: Path) -> None:
    drawn = "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 400 300'><script>alert(1)</script></svg>"
    (tmp_path / "quay.svg").write_text(drawn)
    site = parse(town.site_text(1, camera="plan: quay.svg"), tmp_path / "site.yaml")
    client = TestClient(create_app(site, town_path))

    assert '<image href="plan-0" width="1200" height="900"' in client.get("/").text
    got = client.get("/plan-0")
    assert (got.text, got.headers["content-type"]) == (drawn, "image/svg+xml")
    assert "sandbox" in got.headers.get_list("content-security-policy")[0]


def test_the_facts_about_a_site(town_path: Path) -> None:
    site = town.make_site(1, camera="accuracy: {share: 0.943, day: 2026-10-01}")
    client = TestClient(create_app(site, town_path, version="9.8.7"))
    text = client.get("/about").text
    for part in (
        "can guess better than 88.1 times in 100 whether you were here",
        "This holds for up to 2 visits to a line, of at most 4 s each.",
        "City of Havneby, Roads and Parks",
        "2 of 2: 1.6 for bins, 0.4 for the whole day",
        "94.3% counted correctly, checked by hand on 1 October 2026",
        "Passerby 9.8.7",
        "people and bicycles",
    ):
        assert part in text
    sign = client.get("/sign").text
    assert 'class="code"' in sign
    assert "https://counts.havneby.example/" in sign
    assert "better than 88.1 times in 100" in sign


def test_an_unknown_fact_is_shown_as_unknown(town_path: Path) -> None:
    site = town.make_site(1, page="page: {purpose: Counting.}")
    client = TestClient(create_app(site, town_path))
    text = client.get("/about").text
    assert "not measured" in text
    assert text.count("not stated") == 2
    sign = client.get("/sign").text
    assert 'class="code"' not in sign
    assert "does not contain the address of this page" in sign


def test_a_line_without_recent_numbers_is_still_listed(tmp_path: Path) -> None:
    path = tmp_path / "releases.db"
    upgrade(path)
    store = open_store(path, town.ZONE)
    start = 1_795_388_400_000
    for line, hour in (("bridge", 5), ("harbour path", 0), ("a line that is gone", 20)):
        at = start + hour * 3_600_000
        store.write(
            [Release(Cell("quay", line, "in", "person"), at, at + 900_000, 900, 2.0, 0.8, 1.0, "r")], "bin"
        )
    store.close()
    text = TestClient(create_app(town.make_site(1), path)).get("/").text

    assert "05:00 to 05:15" in text
    assert text.count('<article class="card">') == 1
    assert '<li><a href="counts?at=quay%2Fharbour%2520path">harbour path</a> (quay)</li>' in text
    assert "gone" not in text


def test_shortly_after_midnight_a_line_still_has_its_recent_numbers(tmp_path: Path) -> None:
    """One line has short bins, which are of the new day already; the newest bin of the other is of the day before."""
    path = tmp_path / "releases.db"
    upgrade(path)
    store = open_store(path, town.ZONE)
    midnight = 1_795_388_400_000
    for line, start, length in (("bridge", midnight, 60_000), ("harbour path", midnight - 900_000, 900_000)):
        cell = Cell("quay", line, "in", "person")
        store.write([Release(cell, start, start + length, 900, 2.0, 0.8, 1.0, "r")], "bin")
    store.close()
    text = TestClient(create_app(town.make_site(1), path)).get("/").text

    assert "no numbers for the last three hours" not in text
    assert text.count('<article class="card">') == 2
    assert text.count("The day so far") == 1
    assert "00:00 to 00:01. Latest 1 minute: 900" in text
    assert "23:45 to 00:00. Latest 15 minutes: 900" in text


def test_a_site_says_which_promise_it_gives_and_never_the_other(client: TestClient, town_path: Path) -> None:
    text = re.sub(r"\n    privacy: .*", "", town.site_text(1)).replace(
        "privacy: {promise: footage}", "privacy: {promise: crossings, crossings: 6, every: 15m}"
    )
    site = TestClient(create_app(parse(text, Path("site.yaml")), town_path))
    for page in ("/about", "/sign"):
        of_crossings, of_footage = site.get(page).text, client.get(page).text
        assert "whether you were here on a given day (a coin is right 50 times)" in of_crossings
        assert "up to 6 crossings of our lines on that day, all cameras together" in of_crossings
        assert "visits to a line" not in of_crossings
        assert "visits to a line, of at most 4 s each" in of_footage
        assert "on a given day" not in of_footage
    about = site.get("/about").text
    assert "each day spends an epsilon of 1, and a year of days 365" in about
    assert "trusts the counting" in about
    # Nothing is clipped under the crossings promise.
    assert "a few crossings are left out" not in about
    assert "a few crossings are left out" in client.get("/about").text
    for code, words in (("de", "an einem bestimmten Tag"), ("fr", "un jour donné"), ("da", "en bestemt dag")):
        assert words in site.get(f"/sign?lang={code}").text


def test_the_compressed_response_equals_the_plain_one(client: TestClient) -> None:
    with client.stream("GET", "/counts", headers={"Accept-Encoding": "gzip"}) as got:
        packed = b"".join(got.iter_raw())
    assert gzip.decompress(packed) == client.get("/counts").content
    assert len(packed) < 60_000


def test_the_cache_is_bounded_and_emptied_by_a_new_state() -> None:
    kept = ResponseCache(100_000)
    for number in range(100):
        kept.get(number, "a")
        kept.put(number, "a", response_of(200, (), b"x" * 5_000))
    found = [number for number in range(100) if kept.get(number, "a") is not None]
    assert found == list(range(100 - len(found), 100))
    assert 10 < len(found) <= 16
    kept.put("large", "a", response_of(200, (), b"x" * 90_000))
    assert kept.get("large", "a") is None
    assert kept.get(99, "b") is None
    kept.put("late", "a", response_of(200, (), b"made from what was before"))
    assert kept.get("late", "b") is None


def test_only_the_now_page_reloads_itself_and_it_can_be_turned_off(
    client: TestClient,
) -> None:
    got = client.get("/")
    assert int(got.headers["refresh"]) >= LEAST_S
    assert int(client.head("/").headers["refresh"]) >= LEAST_S
    again = client.get("/", headers={"If-None-Match": got.headers["etag"]})
    assert (again.status_code, int(again.headers["refresh"]) >= LEAST_S) == (304, True)
    assert 'href="./?renew=off">Turn off</a>' in got.text

    stopped = client.get("/?lang=da&renew=off")
    assert "refresh" not in stopped.headers
    assert 'href="./?lang=da">' in stopped.text
    # Links keep it turned off.
    assert 'href="counts?lang=da&amp;renew=off"' in stopped.text
    assert 'name="renew" value="off"' in client.get("/counts?renew=off").text
    assert client.get("/?renew=on").status_code == 400
    for path in ("/counts", "/about", "/sign", "/style.css", "/nothing"):
        assert "refresh" not in client.get(path).headers


def test_the_arms_of_a_junction_are_shown_together(town_path: Path) -> None:
    text = town.site_text(1).replace("names: [in, out],", "names: [in, out], arm: '<b>Market</b> Cross',", 1)
    shown = TestClient(create_app(parse(text, Path("site.yaml")), town_path)).get("/").text

    assert "&lt;b&gt;Market&lt;/b&gt; Cross" in shown
    (section,) = re.findall(r'<section class="panel junction".*?</section>', shown, re.DOTALL)
    assert re.findall(r'scope="col">([^<]*)<', section) == ["Arm", "Into the junction", "Out of the junction"]
    (row,) = re.findall(r"<tbody>.*?</tbody>", section, re.DOTALL)
    assert re.search(r'scope="row">bridge</th><td>[\d,]+ \([\d,]+ to [\d,]+\)</td><td>[\d,]+ \(', row)
    assert "harbour path" not in section
