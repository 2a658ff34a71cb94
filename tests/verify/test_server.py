"""The server of the page: the token, the host, the headers, and invalid clicks.

Invariant: every test of a refusal checks that the file did not change.
"""

import io
from collections.abc import Iterator

import httpx
import pytest
from PIL import Image
from tests.verify.conftest import TOKEN, Served

from passerby.verify.check_session import CheckSession

pytestmark = pytest.mark.server


@pytest.fixture
def client(served: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served.address) as client:
        yield client


PATHS = ["", "check.js", "check.css", "state", "rows/0/0.png"]
ALL_PATHS = [*PATHS, "report"]


@pytest.mark.parametrize("path", ALL_PATHS)
def test_nothing_is_answered_without_the_token(client: httpx.Client, path: str) -> None:
    assert client.get(f"/{TOKEN}/{path}").status_code == 200
    for wrong in ("x", TOKEN[:-1], TOKEN + "x", "%C3%A9"):
        assert client.get(f"/{wrong}/{path}").status_code == 404
    assert client.get(f"/{path}").status_code == 404


@pytest.mark.parametrize("path", ["clicks", "undo", "finish"])
def test_nothing_is_changed_without_the_token(client: httpx.Client, session: CheckSession, path: str) -> None:
    assert client.post(f"/x/{path}", json={"verdict": "right", "line": 0, "mark": 0}).status_code == 404
    assert session.clicks == []
    assert not session.saved_at.exists()


@pytest.mark.parametrize("path", PATHS)
def test_the_headers_of_every_answer_forbid_what_the_page_does_not_use(
    client: httpx.Client, path: str
) -> None:
    headers = client.get(f"/{TOKEN}/{path}").headers

    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "unsafe" not in policy
    assert "http" not in policy
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"


def test_a_foreign_host_name_is_refused(client: httpx.Client) -> None:
    answer = client.get(f"/{TOKEN}/", headers={"host": "elsewhere.example:8000"})

    assert answer.status_code == 400


def test_a_form_of_another_site_is_refused(client: httpx.Client, session: CheckSession) -> None:
    answer = client.post(
        f"/{TOKEN}/clicks",
        content='{"verdict": "right", "line": 0, "mark": 0}',
        headers={"content-type": "text/plain"},
    )

    assert answer.status_code == 415
    assert session.clicks == []


def test_a_click_is_saved_and_answered_with_the_state(client: httpx.Client, session: CheckSession) -> None:
    answer = client.post(f"/{TOKEN}/clicks", json={"verdict": "wrong", "line": 0, "mark": 0})

    assert answer.status_code == 200
    assert answer.json()["lines"][0]["marks"][0]["verdict"] == "wrong"
    assert '"is": "wrong"' in session.saved_at.read_text()
    answer = client.post(f"/{TOKEN}/undo", json={})
    assert answer.json()["lines"][0]["marks"][0]["verdict"] is None


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff", 400),
        (b"[" * 4000, 400),
        (b"1" * 5000, 413),
        (b'{"verdict": "right", "line": 0, "mark": 99}', 400),
        (b'{"verdict": "missed", "line": 0, "at_ms": NaN, "along": 0}', 400),
    ],
)
def test_an_invalid_click_is_refused(
    client: httpx.Client, session: CheckSession, content: bytes, status: int
) -> None:
    answer = client.post(f"/{TOKEN}/clicks", content=content, headers={"content-type": "application/json"})

    assert answer.status_code == status
    assert not session.saved_at.exists()


def test_a_row_is_a_picture_of_cells_and_ticks(client: httpx.Client) -> None:
    picture = Image.open(io.BytesIO(client.get(f"/{TOKEN}/rows/0/0.png").content))

    assert picture.size == (125, 32)
    assert picture.mode == "P"
    assert len(picture.getcolors() or []) == 2
    for missing in ("0/6", "2/0", "0/999999999"):
        assert client.get(f"/{TOKEN}/rows/{missing}.png").status_code == 404


def test_finishing_shows_the_report_and_then_stops(
    client: httpx.Client, served: Served, session: CheckSession
) -> None:
    client.post(f"/{TOKEN}/clicks", json={"verdict": "wrong", "line": 0, "mark": 0})
    assert str(session.saved_at) not in client.get(f"/{TOKEN}/report").text
    assert client.post(f"/{TOKEN}/finish", json={}).status_code == 200
    assert not served.finished.is_set()

    report = client.get(f"/{TOKEN}/report")

    assert f"The check is saved in {session.saved_at}" in report.text
    policy = report.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline';")
    assert "script" not in policy
    assert report.headers["cache-control"] == "no-store"
    assert served.finished.wait(2)


def test_finishing_stops_the_server_when_nobody_fetches_the_report(
    client: httpx.Client, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("passerby.verify.server._GRACE_S", 0.1)
    assert client.post(f"/{TOKEN}/finish", json={}).status_code == 200
    assert served.finished.wait(20)
