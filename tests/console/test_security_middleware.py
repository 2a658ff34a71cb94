"""The checks before the pages, tested with OWASP's basic list.

Invariant: the inner application reports whether a request reached it; a refused request never does.
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

from passerby.console import context as context_module
from passerby.console.auth_routes import routes
from passerby.console.context import ACCOUNTS_MS, ConsoleContext, RefusedError, Settings, open_context
from passerby.console.security_middleware import COOKIE, GRACE_MS, LARGEST_BODY, LOGIN, SecurityMiddleware
from passerby.console.sessions import FREE_TRIES, IDLE_MS
from passerby.privacy.ledger_report import Account

SOCKET = "ws://127.0.0.1:8600/_nicegui_ws/socket.io/"
EVENT = '42["event",{}]'
PASSWORD = "correct horse battery"
BASE = "http://127.0.0.1:8600"
ORIGIN = {"origin": BASE}


@pytest.fixture
def context(tmp_path: Path) -> ConsoleContext:
    context = open_context(
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
    token = context.users.first_token()
    assert token is not None
    context.users.accept_invitation(token, "Ada", PASSWORD, context.now_ms())
    invitation = context.users.invite("Bo", "viewer", context.now_ms())
    context.users.accept_invitation(invitation, "Bo", PASSWORD, context.now_ms())
    return context


@pytest.fixture
def client(context: ConsoleContext) -> Iterator[TestClient]:
    async def inner(request: Request) -> PlainTextResponse:
        body = await request.body()
        return PlainTextResponse(f"reached by {request.scope[LOGIN].user} with {len(body)}")

    async def echo(socket: WebSocket) -> None:
        await socket.accept()
        try:
            while True:
                await socket.send_text(await socket.receive_text())
        except WebSocketDisconnect:
            pass

    pages = Starlette(
        routes=[
            *routes(context),
            Route("/", inner, methods=["GET", "POST"]),
            WebSocketRoute("/_nicegui_ws/socket.io/", echo),
        ]
    )
    with TestClient(
        SecurityMiddleware(pages, context, ["127.0.0.1"]), base_url=BASE, follow_redirects=False
    ) as client:
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


def test_guessing_a_password_gets_slow_and_the_right_password_waits_too(
    client: TestClient, context: ConsoleContext
) -> None:
    answers = [sign_in(client, password=f"wrong password {number}") for number in range(FREE_TRIES + 3)]

    assert answers == [401] * FREE_TRIES + [429] * 3
    assert sign_in(client) == 429
    assert [entry.action for entry in context.journal.last()].count("could not sign in") == FREE_TRIES


def test_no_answer_reveals_whether_a_name_exists(client: TestClient) -> None:
    known = client.post("/sign-in", data={"name": "Ada", "password": "x"}, headers=ORIGIN)
    unknown = client.post("/sign-in", data={"name": "Eve", "password": "x"}, headers=ORIGIN)

    assert (known.status_code, known.text) == (unknown.status_code, unknown.text)


@pytest.mark.parametrize(
    "headers", [{}, {"origin": "null"}, {"origin": "http://evil.example"}, {"origin": "http://127.0.0.1:9"}]
)
def test_a_form_of_another_site_can_do_nothing(client: TestClient, headers: dict[str, str]) -> None:
    assert sign_in(client) == 303

    assert client.post("/", headers=headers).status_code == 403
    assert client.post("/sign-out", headers=headers).status_code == 403
    assert (
        client.post("/sign-in", data={"name": "Bo", "password": PASSWORD}, headers=headers).status_code == 403
    )
    assert client.get("/").text == "reached by Ada with 0"


@pytest.mark.parametrize("origin", [None, "http://evil.example", "null"])
def test_a_page_of_another_site_gets_no_web_socket(client: TestClient, origin: str | None) -> None:
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


def test_a_client_that_is_not_signed_in_gets_no_web_socket(client: TestClient) -> None:
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect(SOCKET, headers=ORIGIN),
    ):
        pass


def test_an_open_web_socket_ends_with_its_session(
    client: TestClient, context: ConsoleContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [context.now_ms()]
    monkeypatch.setattr(ConsoleContext, "now_ms", lambda self: now[0])
    assert sign_in(client) == 303
    with client.websocket_connect(SOCKET, headers=ORIGIN) as socket:
        socket.send_text(EVENT)
        assert socket.receive_text() == EVENT
        context.sessions.end_all("Ada")
        # From now on events are ignored; the heartbeat is answered for some seconds.
        socket.send_text(EVENT)
        socket.send_text("3")
        assert socket.receive_text() == "3"
        now[0] += GRACE_MS
        socket.send_text("3")
        assert socket.receive()["type"] == "websocket.close"


def test_a_heartbeat_keeps_no_session_alive_but_a_click_does(
    client: TestClient, context: ConsoleContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [context.now_ms()]
    monkeypatch.setattr(ConsoleContext, "now_ms", lambda self: now[0])
    assert sign_in(client) == 303
    with client.websocket_connect(SOCKET, headers=ORIGIN) as socket:
        for texts, heard in (([EVENT], EVENT), (["3"], "3"), ([EVENT, "3"], "3")):
            now[0] += IDLE_MS // 2 + 1
            for text in texts:
                socket.send_text(text)
            assert socket.receive_text() == heard


def test_a_cookie_that_an_attacker_chose_is_not_used(client: TestClient) -> None:
    client.cookies.set(COOKIE, "chosen-by-the-attacker")
    assert client.get("/").status_code == 401

    answer = client.post("/sign-in", data={"name": "Ada", "password": PASSWORD}, headers=ORIGIN)

    secret = re.search(rf"{COOKIE}=([^;]+)", answer.headers["set-cookie"])
    assert secret is not None
    assert secret[1] != "chosen-by-the-attacker"
    client.cookies.clear()
    client.cookies.set(COOKIE, "chosen-by-the-attacker")
    assert client.get("/").status_code == 401


def test_signing_in_again_ends_the_earlier_session(client: TestClient) -> None:
    assert sign_in(client, "Bo") == 303
    before = client.cookies[COOKIE]
    assert sign_in(client, "Ada") == 303

    client.cookies.clear()
    client.cookies.set(COOKIE, before)
    assert client.get("/").status_code == 401


def test_a_session_ends_with_signing_out(client: TestClient) -> None:
    assert sign_in(client) == 303
    secret = client.cookies[COOKIE]
    assert client.post("/sign-out", headers=ORIGIN).status_code == 303

    client.cookies.clear()
    client.cookies.set(COOKIE, secret)
    assert client.get("/").status_code == 401


def test_a_foreign_host_name_is_refused(client: TestClient) -> None:
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
def test_the_headers_of_every_answer_forbid_what_no_page_uses(client: TestClient, path: str) -> None:
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
def test_no_picture_is_answered_by_a_path(client: TestClient, context: ConsoleContext, camera: str) -> None:
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


def test_names_are_shown_as_text(client: TestClient, context: ConsoleContext) -> None:
    token = context.users.invite("<img src=x onerror=alert(1)>", "viewer", context.now_ms())

    page = client.get(f"/welcome?token={token}").text

    assert "&lt;img src=x" in page
    assert "<img" not in page
    assert "<script" not in page


def test_an_invitation_is_used_up_and_guessing_one_gets_slow(
    client: TestClient, context: ConsoleContext
) -> None:
    token = context.users.invite("Cy", "viewer", context.now_ms())
    form = {"token": token, "name": "root", "password": PASSWORD, "again": PASSWORD}
    assert client.get(f"/welcome?token={token}").status_code == 200
    assert client.post("/welcome", data={**form, "again": "other"}, headers=ORIGIN).status_code == 400
    assert client.post("/welcome", data=form, headers=ORIGIN).status_code == 303
    assert client.get("/").text == "reached by Cy with 0"

    answers = [client.get(f"/welcome?token={token}").status_code for _ in range(FREE_TRIES + 2)]
    assert answers == [404] * FREE_TRIES + [429] * 2


def test_a_viewer_and_a_removed_user_change_nothing(client: TestClient, context: ConsoleContext) -> None:
    assert sign_in(client, "Bo") == 303
    login = context.login_of(client.cookies[COOKIE], "here")
    assert login is not None
    with pytest.raises(RefusedError, match="viewers cannot make changes"):
        context.authorise(login, "wrote the site file")
    assert "wrote the site file" not in {entry.action for entry in context.journal.last()}

    context.users.remove("Bo")
    with pytest.raises(RefusedError, match="has ended"):
        context.authorise(login, "looked", operator=False)
    assert client.get("/").status_code == 401


def test_the_ledger_is_read_twice_a_minute_at_most(
    context: ConsoleContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, reads = [context.now_ms()], []
    account = Account("north", 1, 0, (), 1, 0, 1, 2)

    def read(ledger: str, mark: Path | None) -> dict[str, Account]:
        reads.append(ledger)
        return {"north": account}

    monkeypatch.setattr(context_module, "accounts", read)
    monkeypatch.setattr(ConsoleContext, "now_ms", lambda self: now[0])
    for past_ms, count in ((0, 1), (ACCOUNTS_MS - 1, 1), (1, 2)):
        now[0] += past_ms
        assert context.accounts() == {"north": account}
        assert len(reads) == count


NEW_PASSWORD = "seven sleepy herons"


def change(client: TestClient, old: str = PASSWORD, new: str = NEW_PASSWORD, again: str = "") -> int:
    form = {"old": old, "password": new, "again": again or new, "name": "Ada"}
    return client.post("/password", data=form, headers=ORIGIN).status_code


def test_a_user_changes_their_password_and_every_session_ends(
    client: TestClient, context: ConsoleContext
) -> None:
    elsewhere, _ = context.sessions.begin("Bo", context.now_ms())
    others, _ = context.sessions.begin("Ada", context.now_ms())
    # The name in the form is ignored: the password is that of the signed-in user.
    assert sign_in(client, "Bo") == 303
    assert client.get("/password").status_code == 200
    assert "unsafe" not in client.get("/password").headers["content-security-policy"]

    assert change(client) == 303

    assert client.get("/").status_code == 401
    assert context.login_of(elsewhere, "") is None
    assert context.login_of(others, "") is not None
    assert sign_in(client, "Bo") == 401
    assert sign_in(client, "Ada") == 303
    assert sign_in(client, "Bo", NEW_PASSWORD) == 303
    assert ("Bo", "changed their password") in [
        (entry.user, entry.action) for entry in context.journal.last()
    ]
    assert NEW_PASSWORD not in (context.settings.state / "journal.jsonl").read_text()


def test_an_invalid_password_is_refused_and_nobody_is_signed_out(client: TestClient) -> None:
    assert change(client) == 401
    assert sign_in(client) == 303

    assert change(client, old="the wrong one") == 401
    assert change(client, new="short") == 400
    assert change(client, again="another password") == 400
    assert client.post("/password", headers=ORIGIN).status_code == 401
    assert client.post("/password", data={"old": PASSWORD, "password": NEW_PASSWORD}).status_code == 403

    assert client.get("/").status_code == 200
    assert sign_in(client) == 303


def test_guessing_the_password_at_an_open_page_gets_slow(client: TestClient, context: ConsoleContext) -> None:
    assert sign_in(client) == 303

    answers = [change(client, old=f"wrong password {number}") for number in range(FREE_TRIES + 2)]

    assert answers == [401] * FREE_TRIES + [429] * 2
    assert change(client) == 429
    assert [entry.action for entry in context.journal.last()].count(
        "could not change their password"
    ) == FREE_TRIES
