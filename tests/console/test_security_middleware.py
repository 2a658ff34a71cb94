"""What stands before the pages: OWASP's basic list, tried on the checks themselves.

Invariant: the application within says whether it was reached; what is refused never reaches it.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("argon2", reason="argon2 is not installed: pip install 'passerby[console]'")

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from passerby.console import context as desk_module
from passerby.console.auth_routes import routes
from passerby.console.context import ACCOUNTS_MS, Desk, RefusedError, Settings, open_desk
from passerby.console.security_middleware import COOKIE, GRACE_MS, LARGEST_BODY, SIGNED, Guard
from passerby.console.sessions import FREE_TRIES, IDLE_MS
from passerby.privacy.statement import Account

SOCKET = "ws://127.0.0.1:8600/_nicegui_ws/socket.io/"
EVENT = '42["event",{}]'
PASSWORD = "correct horse battery"
BASE = "http://127.0.0.1:8600"
ORIGIN = {"origin": BASE}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = open_desk(
        Settings(
            site=tmp_path / "site.yaml",
            state=tmp_path / "console",
            backgrounds=tmp_path / "backgrounds",
            ledger=str(tmp_path / "ledger.db"),
            mark=None,
            database=str(tmp_path / "releases.db"),
            model_dir=None,
        )
    )
    token = desk.users.first_token()
    assert token is not None
    desk.users.take_up(token, "Ada", PASSWORD, desk.now_ms())
    invitation = desk.users.invite("Bo", "viewer", desk.now_ms())
    desk.users.take_up(invitation, "Bo", PASSWORD, desk.now_ms())
    return desk


@pytest.fixture
def client(desk: Desk) -> Iterator[TestClient]:
    async def inner(request: Request) -> PlainTextResponse:
        body = await request.body()
        return PlainTextResponse(f"reached by {request.scope[SIGNED].user} with {len(body)}")

    async def echo(socket: WebSocket) -> None:
        await socket.accept()
        try:
            while True:
                await socket.send_text(await socket.receive_text())
        except WebSocketDisconnect:
            pass

    pages = Starlette(
        routes=[
            *routes(desk),
            Route("/", inner, methods=["GET", "POST"]),
            WebSocketRoute("/_nicegui_ws/socket.io/", echo),
        ]
    )
    with TestClient(Guard(pages, desk, ["127.0.0.1"]), base_url=BASE, follow_redirects=False) as client:
        yield client


def sign_in(client: TestClient, name: str = "Ada", password: str = PASSWORD) -> int:
    answer = client.post("/sign-in", data={"name": name, "password": password}, headers=ORIGIN)
    return answer.status_code


def test_nothing_is_reached_without_signing_in(client: TestClient) -> None:
    for path in (
        "/",
        "/background.png?camera=north",
        "/pending.png?camera=north",
        "/_nicegui/x",
        "/anything",
    ):
        assert client.get(path).status_code == 401
    assert client.get("/", headers={"accept": "text/html"}).headers["location"] == "/sign-in"
    assert client.post("/sign-out", headers=ORIGIN).status_code == 401
    assert sign_in(client) == 303
    assert client.get("/").text == "reached by Ada with 0"


def test_the_cookie_is_kept_from_scripts_and_from_other_sites(client: TestClient) -> None:
    answer = client.post("/sign-in", data={"name": "Ada", "password": PASSWORD}, headers=ORIGIN)

    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "path=/" in cookie
    assert "max-age" not in cookie


def test_guessing_a_password_gets_slow_and_the_right_one_waits_too(client: TestClient, desk: Desk) -> None:
    answers = [sign_in(client, password=f"wrong password {one}") for one in range(FREE_TRIES + 3)]

    assert answers == [401] * FREE_TRIES + [429] * 3
    assert sign_in(client) == 429
    assert [entry.what for entry in desk.journal.last()].count("could not sign in") == FREE_TRIES


def test_no_answer_tells_whether_a_name_is_known(client: TestClient) -> None:
    known = client.post("/sign-in", data={"name": "Ada", "password": "x"}, headers=ORIGIN)
    unknown = client.post("/sign-in", data={"name": "Eve", "password": "x"}, headers=ORIGIN)

    assert (known.status_code, known.text) == (unknown.status_code, unknown.text)


@pytest.mark.parametrize(
    "headers", [{}, {"origin": "null"}, {"origin": "http://evil.example"}, {"origin": "http://127.0.0.1:9"}]
)
def test_a_form_elsewhere_can_do_nothing(client: TestClient, headers: dict[str, str]) -> None:
    assert sign_in(client) == 303

    assert client.post("/", headers=headers).status_code == 403
    assert client.post("/sign-out", headers=headers).status_code == 403
    assert (
        client.post("/sign-in", data={"name": "Bo", "password": PASSWORD}, headers=headers).status_code == 403
    )
    assert client.get("/").text == "reached by Ada with 0"


@pytest.mark.parametrize("origin", [None, "http://evil.example", "null"])
def test_a_page_elsewhere_gets_no_web_socket(client: TestClient, origin: str | None) -> None:
    assert sign_in(client) == 303
    headers = {} if origin is None else {"origin": origin}

    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect(SOCKET, headers=headers),
    ):
        pass
    with client.websocket_connect(SOCKET, headers=ORIGIN) as socket:
        socket.send_text("2")
        assert socket.receive_text() == "2"


def test_who_is_not_signed_in_gets_no_web_socket(client: TestClient) -> None:
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect(SOCKET, headers=ORIGIN),
    ):
        pass


def test_an_open_web_socket_ends_with_its_session(
    client: TestClient, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [desk.now_ms()]
    monkeypatch.setattr(Desk, "now_ms", lambda self: now[0])
    assert sign_in(client) == 303
    with client.websocket_connect(SOCKET, headers=ORIGIN) as socket:
        socket.send_text(EVENT)
        assert socket.receive_text() == EVENT
        desk.sessions.end_all("Ada")
        # What is asked for now is not heard; only the heartbeat is, for a moment.
        socket.send_text(EVENT)
        socket.send_text("3")
        assert socket.receive_text() == "3"
        now[0] += GRACE_MS
        socket.send_text("3")
        assert socket.receive()["type"] == "websocket.close"


def test_a_heartbeat_keeps_no_session_alive_but_a_click_does(
    client: TestClient, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [desk.now_ms()]
    monkeypatch.setattr(Desk, "now_ms", lambda self: now[0])
    assert sign_in(client) == 303
    with client.websocket_connect(SOCKET, headers=ORIGIN) as socket:
        for texts, heard in (([EVENT], EVENT), (["3"], "3"), ([EVENT, "3"], "3")):
            now[0] += IDLE_MS // 2 + 1
            for text in texts:
                socket.send_text(text)
            assert socket.receive_text() == heard


def test_a_session_that_was_brought_along_is_not_taken(client: TestClient) -> None:
    client.cookies.set(COOKIE, "chosen-by-the-attacker")
    assert client.get("/").status_code == 401

    answer = client.post("/sign-in", data={"name": "Ada", "password": PASSWORD}, headers=ORIGIN)

    secret = re.search(rf"{COOKIE}=([^;]+)", answer.headers["set-cookie"])
    assert secret is not None
    assert secret[1] != "chosen-by-the-attacker"
    client.cookies.clear()
    client.cookies.set(COOKIE, "chosen-by-the-attacker")
    assert client.get("/").status_code == 401


def test_signing_in_again_ends_the_session_before(client: TestClient) -> None:
    assert sign_in(client, "Bo") == 303
    before = client.cookies[COOKIE]
    assert sign_in(client, "Ada") == 303

    client.cookies.clear()
    client.cookies.set(COOKIE, before)
    assert client.get("/").status_code == 401


def test_who_signed_out_is_out(client: TestClient) -> None:
    assert sign_in(client) == 303
    secret = client.cookies[COOKIE]
    assert client.post("/sign-out", headers=ORIGIN).status_code == 303

    client.cookies.clear()
    client.cookies.set(COOKIE, secret)
    assert client.get("/").status_code == 401


def test_another_name_that_points_here_is_refused(client: TestClient) -> None:
    for host in ("evil.example", "127.0.0.1.evil.example", "127.0.0.1@evil.example", ""):
        assert client.get("/sign-in", headers={"host": host}).status_code == 400


def test_a_body_that_is_too_large_is_refused_also_without_a_length(client: TestClient) -> None:
    assert sign_in(client) == 303

    assert client.post("/", content=b"x" * LARGEST_BODY, headers=ORIGIN).status_code == 200
    assert client.post("/", content=b"x" * (LARGEST_BODY + 1), headers=ORIGIN).status_code == 413
    assert client.post("/", content=(b"x" * 10_000 for _ in range(10)), headers=ORIGIN).status_code == 413
    assert client.post("/sign-in", content=b"a&" * 40_000, headers=ORIGIN).status_code == 413
    for method in ("PUT", "DELETE", "TRACE", "OPTIONS", "PATCH"):
        assert client.request(method, "/", headers=ORIGIN).status_code == 405


@pytest.mark.parametrize("path", ["/", "/sign-in", "/console.css"])
def test_every_answer_forbids_what_no_page_needs(client: TestClient, path: str) -> None:
    sign_in(client)
    headers = client.get(path).headers

    policy = headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self'" in policy
    assert "http:" not in policy
    assert "*" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "same-origin"


@pytest.mark.parametrize(
    "camera",
    ["../console/users.json", "..%2fconsole%2fusers.json", "/etc/passwd", "%00", "....//....//site.yaml", ""],
)
def test_no_picture_is_answered_by_a_path(client: TestClient, desk: Desk, camera: str) -> None:
    assert sign_in(client) == 303
    for path in (
        f"/background.png?camera={camera}",
        f"/pending.png?camera={camera}",
        f"/../{camera}",
        f"/%2e%2e/{camera}",
    ):
        answer = client.get(path)
        assert answer.status_code in (400, 404) or answer.text == "reached by Ada with 0"
        assert "argon2" not in answer.text


def test_names_are_shown_and_never_read_as_markup(client: TestClient, desk: Desk) -> None:
    token = desk.users.invite("<img src=x onerror=alert(1)>", "viewer", desk.now_ms())

    page = client.get(f"/welcome?token={token}").text

    assert "&lt;img src=x" in page
    assert "<img" not in page
    assert "<script" not in page


def test_an_invitation_is_used_up_and_guessing_one_gets_slow(client: TestClient, desk: Desk) -> None:
    token = desk.users.invite("Cy", "viewer", desk.now_ms())
    form = {"token": token, "name": "root", "password": PASSWORD, "again": PASSWORD}
    assert client.get(f"/welcome?token={token}").status_code == 200
    assert client.post("/welcome", data={**form, "again": "other"}, headers=ORIGIN).status_code == 400
    assert client.post("/welcome", data=form, headers=ORIGIN).status_code == 303
    assert client.get("/").text == "reached by Cy with 0"

    answers = [client.get(f"/welcome?token={token}").status_code for _ in range(FREE_TRIES + 2)]
    assert answers == [404] * FREE_TRIES + [429] * 2


def test_a_viewer_changes_nothing_and_who_was_removed_neither(client: TestClient, desk: Desk) -> None:
    assert sign_in(client, "Bo") == 303
    signed = desk.signed(client.cookies[COOKIE], "here")
    assert signed is not None
    with pytest.raises(RefusedError, match="may look"):
        desk.act(signed, "wrote the site file")
    assert "wrote the site file" not in {entry.what for entry in desk.journal.last()}

    desk.users.remove("Bo")
    with pytest.raises(RefusedError, match="has ended"):
        desk.act(signed, "looked", operator=False)
    assert client.get("/").status_code == 401


def test_the_ledger_is_read_twice_a_minute_at_most(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    now, reads = [desk.now_ms()], []
    account = Account("north", 1, 0, (), 1, 0, 1, 2)

    def read(ledger: str, mark: Path | None) -> dict[str, Account]:
        reads.append(ledger)
        return {"north": account}

    monkeypatch.setattr(desk_module, "accounts", read)
    monkeypatch.setattr(Desk, "now_ms", lambda self: now[0])
    for past_ms, count in ((0, 1), (ACCOUNTS_MS - 1, 1), (1, 2)):
        now[0] += past_ms
        assert desk.accounts() == {"north": account}
        assert len(reads) == count


NEW_PASSWORD = "seven sleepy herons"


def change(client: TestClient, old: str = PASSWORD, new: str = NEW_PASSWORD, again: str = "") -> int:
    form = {"old": old, "password": new, "again": again or new, "name": "Ada"}
    return client.post("/password", data=form, headers=ORIGIN).status_code


def test_the_own_password_is_changed_with_the_old_one_and_every_session_ends(
    client: TestClient, desk: Desk
) -> None:
    elsewhere, _ = desk.sessions.begin("Bo", desk.now_ms())
    others, _ = desk.sessions.begin("Ada", desk.now_ms())
    # Whatever name stands in the form: it is that of who is signed in.
    assert sign_in(client, "Bo") == 303
    assert client.get("/password").status_code == 200
    assert "unsafe" not in client.get("/password").headers["content-security-policy"]

    assert change(client) == 303

    assert client.get("/").status_code == 401
    assert desk.signed(elsewhere, "") is None
    assert desk.signed(others, "") is not None
    assert sign_in(client, "Bo") == 401
    assert sign_in(client, "Ada") == 303
    assert sign_in(client, "Bo", NEW_PASSWORD) == 303
    assert ("Bo", "changed the own password") in [(one.who, one.what) for one in desk.journal.last()]
    assert NEW_PASSWORD not in (desk.settings.state / "journal.jsonl").read_text()


def test_a_password_that_cannot_be_is_refused_and_nobody_is_signed_out(client: TestClient) -> None:
    assert change(client) == 401
    assert sign_in(client) == 303

    assert change(client, old="the wrong one") == 401
    assert change(client, new="short") == 400
    assert change(client, again="another password") == 400
    assert client.post("/password", headers=ORIGIN).status_code == 401
    assert client.post("/password", data={"old": PASSWORD, "password": NEW_PASSWORD}).status_code == 403

    assert client.get("/").status_code == 200
    assert sign_in(client) == 303


def test_guessing_the_password_at_an_open_page_gets_slow(client: TestClient, desk: Desk) -> None:
    assert sign_in(client) == 303

    answers = [change(client, old=f"wrong password {one}") for one in range(FREE_TRIES + 2)]

    assert answers == [401] * FREE_TRIES + [429] * 2
    assert change(client) == 429
    assert [entry.what for entry in desk.journal.last()].count(
        "could not change the own password"
    ) == FREE_TRIES
