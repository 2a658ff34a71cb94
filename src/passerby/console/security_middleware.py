"""What stands before every page: host, origin, size, session, and the headers of every answer.

Invariant: an ASGI application around another; what it does not know to be allowed never reaches the one within.
"""

import re
from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from passerby.console.context import Desk, Signed

COOKIE = "passerby_console"
SIGNED = "passerby.signed"
"""The key of the scope under which the pages find who asks."""

OPEN = frozenset({"/sign-in", "/welcome", "/console.css"})
"""What is answered to whoever is not signed in."""
PLAIN = OPEN | {"/password"}
"""Pages without a script, which no policy has to allow."""
LARGEST_BODY = 65_536
LARGEST_MESSAGE = 262_144
"""Of a web socket: the shapes of a camera with hundreds of lines."""

GRACE_MS = 10_000
"""So long a page whose session ended may still be told so."""

_SOCKET = "/_nicegui_ws/"
_EVENT = '42["event"'
# NiceGUI builds its pages in the browser, with an inline script and templates that are compiled there.
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
_STRICT_POLICY = (
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    # With `no-referrer` a browser would send the origin `null` with our own forms.
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}
_FORWARDED = {b"x-forwarded-prefix"}
_HOST = re.compile(r"\[?[0-9A-Za-z.:-]+\]?(:\d+)?", re.ASCII)


class Guard:
    """`app` behind the checks; `hosts` are the names and addresses by which it may be asked for."""

    def __init__(self, app: ASGIApp, desk: Desk, hosts: Iterable[str]) -> None:
        self.app = app
        self._desk = desk
        self._hosts = frozenset(host.lower() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers, path = Headers(scope=scope), scope["path"]
        signed = self._signed(scope, headers)
        refusal = self._refusal(scope, headers, signed)
        answering = _with_headers(send, path)
        if refusal is not None:
            await refusal(scope, receive, answering)
            return
        if signed is not None and not path.startswith("/_nicegui"):
            self._desk.sessions.use(signed.session, self._desk.now_ms())
        body = _Body(receive)

        async def judged(message: Message) -> None:
            if body.too_large and message["type"] == "http.response.start":
                message = {**message, "status": 413}
            await answering(message)

        try:
            await self.app(_inner(scope, signed), body.receive, judged)
        except ClientDisconnect:
            if not body.too_large:
                raise

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        signed = self._signed(scope, headers)
        allowed = (
            signed is not None
            and scope["path"].startswith(_SOCKET)
            and self._host_of(headers) is not None
            and self._same_origin(headers)
        )
        if signed is None or not allowed:
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        desk, who, ended = self._desk, signed, False
        over_ms: int | None = None

        async def sending(message: Message) -> None:
            if not ended:
                await send(message)

        async def watched() -> Message:
            nonlocal ended, over_ms
            while True:
                message = await receive()
                acts = (message.get("text") or "").startswith(_EVENT)
                if message["type"] != "websocket.receive":
                    return message
                if desk.alive(who):
                    # What a person did, as opposed to the heartbeat and to what the page tells of itself.
                    if acts:
                        desk.sessions.use(who.session, desk.now_ms())
                    return message
                over_ms = desk.now_ms() if over_ms is None else over_ms
                if desk.now_ms() - over_ms >= GRACE_MS:
                    await send({"type": "websocket.close", "code": 1008})
                    ended = True
                    return {"type": "websocket.disconnect", "code": 1008}
                # Its page still hears that it is to leave; what it asks for is heard no more.
                if not (message.get("text") or "").startswith("42"):
                    return message

        await self.app(_inner(scope, signed), watched, sending)

    def _refusal(self, scope: Scope, headers: Headers, signed: Signed | None) -> Response | None:
        path, method = scope["path"], scope["method"]
        if self._host_of(headers) is None:
            return PlainTextResponse("not asked for by a name of this console", 400)
        if method not in ("GET", "HEAD", "POST"):
            return PlainTextResponse("not allowed", 405)
        if method == "POST" and not self._same_origin(headers):
            return PlainTextResponse("not sent from a page of this console", 403)
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > LARGEST_BODY:
            return PlainTextResponse("too large", 413)
        if path.startswith(_SOCKET):
            return PlainTextResponse("not found", 404)
        if signed is None and path not in OPEN:
            if method == "GET" and "text/html" in headers.get("accept", ""):
                return RedirectResponse("/sign-in", 303)
            return PlainTextResponse("sign in first", 401)
        return None

    def _signed(self, scope: Scope, headers: Headers) -> Signed | None:
        try:
            cookies = SimpleCookie(headers.get("cookie", "")[:4096])
        except CookieError:
            return None
        client = scope.get("client")
        where = client[0] if client else ""
        return self._desk.signed(cookies[COOKIE].value, where) if COOKIE in cookies else None

    def _host_of(self, headers: Headers) -> str | None:
        """The name that is asked for, when it is one of ours."""
        host = headers.get("host", "").lower()
        if not _HOST.fullmatch(host):
            return None
        try:
            name = urlsplit(f"//{host}").hostname
        except ValueError:
            return None
        return host if name in self._hosts else None

    def _same_origin(self, headers: Headers) -> bool:
        scheme, _, host = headers.get("origin", "").partition("://")
        return scheme in ("http", "https") and host.lower() == headers.get("host", "").lower()


def _inner(scope: Scope, signed: Signed | None) -> Scope:
    headers = [(name, value) for name, value in scope["headers"] if name not in _FORWARDED]
    return {**scope, "headers": headers, SIGNED: signed}


def _with_headers(send: Send, path: str) -> Send:
    async def answering(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers[name] = value
            headers["content-security-policy"] = _STRICT_POLICY if path in PLAIN else _POLICY
            if not path.startswith("/_nicegui"):
                headers["cache-control"] = "no-store"
        await send(message)

    return answering


class _Body:
    """A body that says no length, or a wrong one, ends at the limit too."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._size = 0

    @property
    def too_large(self) -> bool:
        return self._size > LARGEST_BODY

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._size += len(message.get("body", b""))
        return {"type": "http.disconnect"} if self.too_large else message
