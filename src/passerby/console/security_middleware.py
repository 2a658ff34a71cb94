"""The checks before every page: host, origin, size and session; and the headers of every answer.

Invariant: an ASGI application around another; a request reaches the inner application only if every check allows it.
"""

import re
from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from passerby.console.context import ConsoleContext, Login

COOKIE = "passerby_console"
LOGIN = "passerby.login"
"""The key of the scope that holds the Login of a request, or None."""

OPEN = frozenset({"/sign-in", "/welcome", "/console.css"})
"""Paths that need no sign-in."""
PLAIN = OPEN | {"/password"}
"""Pages without scripts, with a strict Content-Security-Policy."""
LARGEST_BODY = 65_536
LARGEST_MESSAGE = 262_144
"""Bytes of a web socket message: the shapes of a camera with hundreds of lines fit."""

GRACE_MS = 10_000
"""How long a page whose session ended stays connected, so that it can leave."""

_SOCKET = "/_nicegui_ws/"
_EVENT = '42["event"'
# NiceGUI builds its pages in the browser, with an inline script and templates that the browser compiles.
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


class SecurityMiddleware:
    """`app` behind the checks; `hosts` are the host names and addresses by which it may be requested."""

    def __init__(self, app: ASGIApp, context: ConsoleContext, hosts: Iterable[str]) -> None:
        self.app = app
        self._context = context
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
        login = self._login(scope, headers)
        refusal = self._refusal(scope, headers, login)
        send_with_headers = _with_headers(send, path)
        if refusal is not None:
            await refusal(scope, receive, send_with_headers)
            return
        if login is not None and not path.startswith("/_nicegui"):
            self._context.sessions.use(login.session, self._context.now_ms())
        body = _LimitedBody(receive)

        async def send_checked(message: Message) -> None:
            if body.too_large and message["type"] == "http.response.start":
                message = {**message, "status": 413}
            await send_with_headers(message)

        try:
            await self.app(_inner(scope, login), body.receive, send_checked)
        except ClientDisconnect:
            if not body.too_large:
                raise

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        login = self._login(scope, headers)
        allowed = (
            scope["path"].startswith(_SOCKET)
            and self._host_of(headers) is not None
            and self._same_origin(headers)
        )
        if login is None or not allowed:
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        socket = _Socket(self._context, login, receive, send)
        await self.app(_inner(scope, login), socket.receive, socket.send)

    def _refusal(self, scope: Scope, headers: Headers, login: Login | None) -> Response | None:
        path, method = scope["path"], scope["method"]
        if self._host_of(headers) is None:
            return PlainTextResponse("this host name is not one of this console", 400)
        if method not in ("GET", "HEAD", "POST"):
            return PlainTextResponse("not allowed", 405)
        if method == "POST" and not self._same_origin(headers):
            return PlainTextResponse("not sent by a page of this console", 403)
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > LARGEST_BODY:
            return PlainTextResponse("too large", 413)
        if path.startswith(_SOCKET):
            return PlainTextResponse("not found", 404)
        if login is None and path not in OPEN:
            if method == "GET" and "text/html" in headers.get("accept", ""):
                return RedirectResponse("/sign-in", 303)
            return PlainTextResponse("sign in first", 401)
        return None

    def _login(self, scope: Scope, headers: Headers) -> Login | None:
        try:
            cookies = SimpleCookie(headers.get("cookie", "")[:4096])
        except CookieError:
            return None
        client = scope.get("client")
        address = client[0] if client else ""
        return self._context.login_of(cookies[COOKIE].value, address) if COOKIE in cookies else None

    def _host_of(self, headers: Headers) -> str | None:
        """The requested host, if its name is allowed."""
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


def _inner(scope: Scope, login: Login | None) -> Scope:
    headers = [(name, value) for name, value in scope["headers"] if name not in _FORWARDED]
    return {**scope, "headers": headers, LOGIN: login}


def _with_headers(send: Send, path: str) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers[name] = value
            headers["content-security-policy"] = _STRICT_POLICY if path in PLAIN else _POLICY
            if not path.startswith("/_nicegui"):
                headers["cache-control"] = "no-store"
        await send(message)

    return send_with_headers


class _Socket:
    """An open web socket, which closes some seconds after its session has ended."""

    def __init__(self, context: ConsoleContext, login: Login, receive: Receive, send: Send) -> None:
        self._context = context
        self._login = login
        self._receive = receive
        self._send = send
        self._session_ended_ms: int | None = None
        self._closed = False

    async def send(self, message: Message) -> None:
        if not self._closed:
            await self._send(message)

    async def receive(self) -> Message:
        while True:
            message = await self._receive()
            if message["type"] != "websocket.receive":
                return message
            text = message.get("text") or ""
            if self._context.is_valid(self._login):
                # An event is a person's action, as opposed to the heartbeat and the page's own reports.
                if text.startswith(_EVENT):
                    self._context.sessions.use(self._login.session, self._context.now_ms())
                return message
            now_ms = self._context.now_ms()
            if self._session_ended_ms is None:
                self._session_ended_ms = now_ms
            if now_ms - self._session_ended_ms >= GRACE_MS:
                await self._send({"type": "websocket.close", "code": 1008})
                self._closed = True
                return {"type": "websocket.disconnect", "code": 1008}
            # The page can still leave; its requests are ignored.
            if not text.startswith("42"):
                return message


class _LimitedBody:
    """Cuts a request's body off at the limit, also where its length is missing or wrong."""

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
