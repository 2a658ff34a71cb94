"""A running site and all responses of its servers: a canary that rides past leaves no trace in them.

Invariant: the servers are the real commands, every link is followed, and every response is searched in every format.
"""

import base64
import gzip
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC
from pathlib import Path
from time import time
from typing import TYPE_CHECKING
from urllib.parse import quote

import httpx
import pytest

pytest.importorskip("fastapi", reason="the extra `web` is not installed")
pytest.importorskip("nicegui", reason="the extra `console` is not installed")
pytest.importorskip("pyarrow", reason="the extra `tables` is not installed")
pytest.importorskip("xlsxwriter", reason="the extra `tables` is not installed")
pytest.importorskip("opendp", reason="the extra `private` is not installed")
pytest.importorskip("structlog", reason="the extra `run` is not installed")

from tests.console.street import EMPTY, LENGTH_S, STREET, Recorder, console_of, picture_of
from tests.live.sites import BIN_MS, PATIENCE_S, POLICY, Place
from tests.publish.pages.conftest import serving, started
from tests.publish.pages.looking import Answer, Traces, found_in, runs_of

from passerby import synth
from passerby.config.site import load
from passerby.domain.calendar import to_local
from passerby.domain.release import Cell, Release
from passerby.io.tables import xlsx_bytes
from passerby.publish.api import app as api
from passerby.publish.api.app import CSV, JSON, PARQUET
from passerby.publish.pages.app import create_app
from passerby.publish.store.releases import open_store
from passerby.synth import rtsp_camera

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(not rtsp_camera.available(), reason="Debian's GStreamer RTSP server is not installed"),
]

USER, PASSWORD = "eye", "seldom-told"
ADDRESSES = (
    *("/", "/counts", "/about", "/sign", "/?lang=da", "/counts?lang=de&resolution=bin", "/sign?lang=fr"),
    *("/nothing", "/counts.exe", "/counts?from=yesterday", "/plan-0", "/plan-9", "/../site.yaml", "/healthz"),
)
API_ADDRESSES = (
    *("/v1/cells", "/v1/cameras", "/metrics", "/healthz", "/readyz", "/openapi.json", "/docs", "/v1"),
    *("/v1/releases", "/v1/releases?resolution=hour", "/v1/releases?resolution=day", "/v1/releases?limit=2"),
    *("/v1/releases?from=yesterday", "/v1/releases?camera=other"),
)
FORMS = (JSON, CSV, PARQUET, "text/html")
CONSOLE_PAGES = ("/", "/camera?name=north", "/add", "/budget", "/keys", "/people", "/journal")
(ROAD, *_) = synth.lines(STREET)
SITE = f"""\
site: {{name: quay, timezone: UTC}}
cameras:
  north:
    source: {{file: camera.address}}
    detector: motion
    plan: plan.png
    lines:
      road: {{from: {list(ROAD.start)}, to: {list(ROAD.end)}, count: [person, bicycle, car]}}
    privacy: {POLICY}
"""
_LINK = re.compile(r'(?:href|src|action)="([^"#]+)')
_CLOCKS = (b"date",)
"""Headers with the time of the response itself."""
_LINK_TIMES = re.compile(
    rb'"(?:since|seen)":"[^"]+"|passerby_camera_(?:since|seen)_timestamp\S+ \S+|\w+_created\S* \S+'
)
"""Times of links and of the start of a server; they do not depend on the picture."""
_ACT_TIMES = re.compile(rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC")
"""Times of actions in the console, from its journal."""


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> rtsp_camera.CodedStreet:
    return rtsp_camera.draw(STREET, tmp_path_factory.mktemp("street"))


@pytest.fixture(scope="module")
def camera(drawn: rtsp_camera.CodedStreet) -> Iterator[rtsp_camera.Server]:
    """The street in a loop, behind a password."""
    start_ms = round(time() * 1000)
    served = rtsp_camera.serve(
        drawn,
        start_ms,
        rtsp_camera.Listen(user=USER, password=PASSWORD),
        rtsp_camera.Playback(loop_s=LENGTH_S),
    )
    yield served
    served.stop()


@pytest.fixture(scope="module")
def traces(drawn: rtsp_camera.CodedStreet, camera: rtsp_camera.Server) -> Traces:
    """The traces of a street that began a moment ago and may be shown for an hour."""
    runs = runs_of(drawn.video)
    assert runs.size > 1000
    now_ms = round(time() * 1000)
    words = (PASSWORD, camera.url.removeprefix("rtsp://"), "canary")
    return Traces(runs, now_ms - 60_000, now_ms + 3_600_000, BIN_MS, tuple(word.encode() for word in words))


@pytest.fixture(scope="module")
def answers(
    camera: rtsp_camera.Server, browser: "Browser", tmp_path_factory: pytest.TempPathFactory
) -> list[Answer]:
    """All responses of the public pages, the API and the console while canaries rode past and were counted."""
    place = Place(tmp_path_factory.mktemp("site"))
    (place.folder / "plan.png").write_bytes(picture_of(EMPTY, 0))
    (place.folder / "camera.address").write_text(camera.url.replace("rtsp://", f"rtsp://{USER}:{PASSWORD}@"))
    place.site.write_text(SITE)
    with (
        place.running(),
        started(place.folder, "serve", "site.yaml", "--database", place.store) as (public, _),
        started(place.folder, "api", "--database", place.store, "--public") as (numbers, _),
        console_of(place.site, tmp_path_factory.mktemp("console") / "cwd", camera.url) as console,
    ):
        place.until_bins(2, "north")
        with asking(public) as page, asking(numbers) as read:
            found = [*crawled(page), *asked(read), *console_answers(browser, console.address, console.first)]
        # It was counted meanwhile, so all of this was said while canaries were known of.
        place.until_bins(len(place.spans("north")) + 1, "north")
    assert sum(each.value for each in place.bins()) > 0
    return found


def asking(address: str) -> httpx.Client:
    return httpx.Client(base_url=address, timeout=PATIENCE_S)


def crawled(client: httpx.Client) -> Iterator[Answer]:
    """The public page: every link that leads to something new, and what nothing leads to."""
    waiting, seen = list(ADDRESSES), set[tuple[str, tuple[str, ...]]]()
    while waiting:
        url = httpx.URL(waiting.pop(0))
        kind = url.path, () if "." in url.path else tuple(sorted(url.params))
        if kind in seen:
            continue
        seen.add(kind)
        answer = client.get(url)
        yield kept(answer)
        if answer.headers["content-type"].startswith("text/html"):
            links = [link.replace("&amp;", "&") for link in _LINK.findall(answer.text)]
            waiting += [str(httpx.URL("/").join(link)) for link in links if "://" not in link]
    for method in ("HEAD", "POST", "OPTIONS"):
        yield kept(client.request(method, "/counts"))
    assert {"/plan-0", "/style.css", "/counts.xlsx", "/chart-week.png", "/chart-week.svg"} <= {
        each for each, _ in seen
    }


def asked(client: httpx.Client) -> Iterator[Answer]:
    """The API: every address in every form."""
    for address in API_ADDRESSES:
        for form in FORMS:
            answer = kept(client.get(address, headers={"accept": form}))
            yield replace(answer, body=_LINK_TIMES.sub(b"", answer.body))


def kept(answer: httpx.Response) -> Answer:
    lines = [b": ".join(each) for each in answer.headers.raw if each[0].lower() not in _CLOCKS]
    return Answer(str(answer.url), b"\n".join(lines), answer.content)


def console_answers(browser: "Browser", address: str, first: str) -> Iterator[Answer]:
    """The console's pages in a browser that signs in, with what came over their web sockets."""
    recorder = Recorder()
    page = browser.new_page()
    recorder.watch(page)
    page.goto(first)
    page.fill("[name=name]", "Ada")
    for name in ("password", "again"):
        page.fill(f"[name={name}]", "correct horse battery")
    page.click("button")
    for path in CONSOLE_PAGES:
        page.goto(address + path)
        page.wait_for_selector("main.page h1")
    page.close()
    assert recorder.missed() == set()
    # What NiceGUI ships was written before there was a camera.
    found = [(url, body) for url, body in recorder.answers.items() if "/_nicegui/" not in url]
    found += [("a web socket", frame.encode()) for frame in recorder.frames]
    yield from (Answer(url, b"", _ACT_TIMES.sub(b"", body)) for url, body in found)


def test_a_canary_that_rides_past_is_in_no_response(answers: list[Answer], traces: Traces) -> None:
    assert len(answers) > 100
    assert found_in(answers, traces) == []


@dataclass(frozen=True)
class Planted:
    """A leak: the text in the store's receipts, the shift of its bins, an addition to the site file, and the picture of
    its plan; `told` must be found at `address` in this `form`."""

    told: str
    address: str
    form: str = "*/*"
    receipt: str = "r"
    late_ms: int = 0
    operator: str = "the city"
    plan: bytes = b""


def planted(kind: str, traces: Traces) -> Planted:
    texture = traces.runs[:: traces.runs.size // 3].tobytes().hex()
    return {
        "texture": Planted("a canary's texture", "/v1/releases", receipt=texture),
        "texture in a table": Planted("a canary's texture", "/v1/releases", PARQUET, receipt=texture),
        "time": Planted("a time finer than a bin", "/v1/releases", late_ms=1_234),
        "time in a text": Planted("a time finer than a bin", "/v1/releases", CSV, late_ms=1_234),
        "time in a table": Planted("a time finer than a bin", "/v1/releases", PARQUET, late_ms=1_234),
        "plan": Planted("a canary's green", "/plan-0", plan=picture_of(STREET, 20)),
        "address": Planted(f"the word {PASSWORD}", "/about", operator=f"rtsp://{USER}:{PASSWORD}@camera"),
    }[kind]


@pytest.mark.parametrize(
    "kind",
    ["texture", "texture in a table", "time", "time in a text", "time in a table", "plan", "address"],
)
def test_a_planted_leak_is_found(kind: str, traces: Traces, tmp_path: Path) -> None:
    leak = planted(kind, traces)
    place = Place(tmp_path)
    (tmp_path / "plan.png").write_bytes(leak.plan or picture_of(EMPTY, 0))
    place.site.write_text(f"{SITE}page: {{operator: '{leak.operator}'}}\n")
    start_ms = (traces.start_ms // BIN_MS + 2) * BIN_MS + leak.late_ms
    store = open_store(place.store, "UTC")
    cells = [Cell("north", "road", direction, "person") for direction in ("to_right", "to_left")]
    store.write(
        [Release(each, start_ms, start_ms + BIN_MS, 4, 1.0, 1.0, 1.0, leak.receipt) for each in cells], "bin"
    )
    store.close()
    of_api = leak.address.startswith("/v1")
    app = api.create_app(place.store, public=True) if of_api else create_app(load(place.site), place.store)

    with serving(app) as address, asking(address) as client:
        answer = client.get(leak.address, headers={"accept": leak.form})

    assert answer.status_code == 200
    assert any(each.startswith(leak.told) for each in found_in([kept(answer)], traces))


@pytest.mark.parametrize(
    "pack",
    [
        bytes,
        base64.b64encode,
        base64.urlsafe_b64encode,
        lambda content: content.hex().encode(),
        lambda content: quote(content).encode(),
        gzip.compress,
        lambda content: gzip.compress(base64.b64encode(content)),
    ],
)
def test_a_texture_is_found_however_it_is_packed(pack: Callable[[bytes], bytes], traces: Traces) -> None:
    texture = traces.runs[:: traces.runs.size // 3].tobytes()

    assert found_in([Answer("/", b"", b"said: " * 3 * (pack is bytes) + pack(texture))], traces)
    assert not found_in([Answer("/", b"", pack(bytes(range(32))))], traces)


@pytest.mark.parametrize("per_ms", [0.001, 1, 10**3, 10**6])
def test_a_time_is_found_in_any_unit(per_ms: float, traces: Traces) -> None:
    on_grid = (traces.start_ms // BIN_MS + 1) * BIN_MS
    for time_ms, leaks in ((on_grid, False), (on_grid + 1_777, True)):
        headers = f"x-seen: {time_ms * per_ms:.3f}" if per_ms < 1 else f"x-seen: {time_ms * int(per_ms)}"
        assert bool(found_in([Answer("/", headers.encode(), b"")], traces)) is leaks
        if per_ms >= 1:
            packed = (time_ms * int(per_ms)).to_bytes(8, "little")
            assert bool(found_in([Answer("/", b"", b"___" + packed)], traces)) is leaks


def test_a_time_is_found_in_a_sheet(traces: Traces) -> None:
    for late_ms, leaks in ((0, False), (1_777, True)):
        time_ms = (traces.start_ms // BIN_MS + 1) * BIN_MS + late_ms
        content = xlsx_bytes([{"start": to_local(time_ms, UTC), "value": 4}])
        assert bool(found_in([Answer("/", b"", content)], traces)) is leaks
