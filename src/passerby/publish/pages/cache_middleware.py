"""ASGI middleware of the public pages: refuses invalid requests, answers from the cache, adds the security headers.

Invariant: answers GET and HEAD without a body only; sets no cookie and logs no request; a response depends only on the
URL, the language and the store.
"""

import asyncio
import time
from dataclasses import dataclass
from http import HTTPStatus

from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from passerby.errors import StoreError
from passerby.publish.api.negotiation import is_not_modified
from passerby.publish.pages.languages import preferred
from passerby.publish.pages.response_cache import CachedResponse, Header, ResponseCache, response_of
from passerby.publish.store.lazy_store import LazyStore

FRESH_S = 60
"""How long a client may reuse a response: less than the usual shortest bin."""
MOST_BYTES = 64 * 2**20
LONGEST_QUERY = 2_048
_STATE_EVERY_S = 1.0
"""The state of the store is read at most this often."""
_MOST_AT_ONCE = 2
"""Pages that are made at the same time; further requests wait."""

SECURITY: tuple[Header, ...] = (
    (
        b"content-security-policy",
        b"default-src 'self'; script-src 'none'; object-src 'none'; base-uri 'none'; form-action 'self'; "
        b"frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), interest-cohort=()"),
)


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    headers: dict[bytes, bytes]


class CacheMiddleware:
    """Answers from the cache, or from `app`; responses of status 200 are cached."""

    def __init__(self, app: ASGIApp, lazy_store: LazyStore) -> None:
        self._app = app
        self._lazy_store = lazy_store
        self._cache = ResponseCache(MOST_BYTES)
        self._state = ""
        self._state_read_s = -_STATE_EVERY_S
        self._slots = asyncio.Semaphore(_MOST_AT_ONCE)
        self._pending: dict[object, asyncio.Future[CachedResponse]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = _Request(scope["method"], dict(scope["headers"]))
        refusal = _refusal(scope, request)
        if refusal is not None:
            await _send(refusal, request, send)
            return
        language = preferred(request.headers.get(b"accept-language", b"").decode("latin-1")).code
        inner = {**scope, "method": "GET", "state": {**scope.get("state", {}), "language": language}}
        key = (scope["path"], scope["query_string"], language)
        state = await self._current_state()
        try:
            response = self._cache.get(key, state) or await self._make(key, state, inner, receive)
        except Exception:
            # The reader gets no details; the server's log has them.
            await _send(_plain(500, "An error happened here. Please try again later."), request, send)
            raise
        await _send(response, request, send)

    async def _current_state(self) -> str:
        now_s = time.monotonic()
        if now_s - self._state_read_s >= _STATE_EVERY_S:
            # Set before reading, so that only one request reads and the others use the previous state.
            self._state_read_s = now_s
            self._state = await run_in_threadpool(self._read_state)
        return self._state

    def _read_state(self) -> str:
        try:
            return self._lazy_store.store().state()
        except StoreError:
            # A new state empties the cache; the pages themselves report the error.
            return ""

    async def _make(self, key: object, state: str, scope: Scope, receive: Receive) -> CachedResponse:
        """The response of the app, made once for all requests that ask for it at the same time."""
        pending = self._pending.get(key)
        if pending is not None:
            return await asyncio.shield(pending)
        future: asyncio.Future[CachedResponse] = asyncio.get_running_loop().create_future()
        self._pending[key] = future
        try:
            async with self._slots:
                response = await _response_of_app(self._app, scope, receive)
            if response.status == 200:
                self._cache.put(key, state, response)
            future.set_result(response)
            return response
        except BaseException as error:
            future.set_exception(error)
            future.exception()  # marks it as retrieved: it is raised here, and in the requests that wait
            raise
        finally:
            del self._pending[key]


def _refusal(scope: Scope, request: _Request) -> CachedResponse | None:
    if request.method not in ("GET", "HEAD"):
        return _plain(405, "expected GET or HEAD", ((b"allow", b"GET, HEAD"),))
    if len(scope["query_string"]) > LONGEST_QUERY:
        return _plain(414, f"the query is longer than {LONGEST_QUERY} bytes")
    if request.headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in request.headers:
        return _plain(413, "the request has a body, expected none", ((b"connection", b"close"),))
    return None


def _plain(status: int, text: str, headers: tuple[Header, ...] = ()) -> CachedResponse:
    body = f"{HTTPStatus(status).phrase}: {text}\n".encode()
    return response_of(status, ((b"content-type", b"text/plain; charset=utf-8"), *headers), body)


async def _response_of_app(app: ASGIApp, scope: Scope, receive: Receive) -> CachedResponse:
    """The whole response of `app`."""
    status, headers, body = 500, (), bytearray()

    async def collect(message: Message) -> None:
        nonlocal status, headers
        if message["type"] == "http.response.start":
            status = message["status"]
            headers = tuple(header for header in message["headers"] if header[0] != b"content-length")
        elif message["type"] == "http.response.body":
            body.extend(message.get("body", b""))

    await app(scope, receive, collect)
    # Compress in a thread, so that the event loop does not wait.
    auto_refresh = scope["state"].get("auto_refresh")
    return await run_in_threadpool(response_of, status, headers, bytes(body), auto_refresh)


async def _send(response: CachedResponse, request: _Request, send: Send) -> None:
    headers = [*response.headers, *SECURITY, (b"vary", b"Accept-Language, Accept-Encoding")]
    status, body = response.status, response.body
    if status == 200:
        headers.append((b"etag", response.tag.encode()))
        fresh_s = FRESH_S
        if response.auto_refresh is not None:
            wait_s = response.auto_refresh.wait_s(time.time_ns() // 1_000_000)
            headers.append((b"refresh", str(wait_s).encode()))
            # A cache must not answer the reload with the old page.
            fresh_s = min(FRESH_S, wait_s)
        if all(name != b"cache-control" for name, _ in headers):
            headers.append((b"cache-control", f"public, max-age={fresh_s}".encode()))
        if_none_match = request.headers.get(b"if-none-match", b"").decode("latin-1") or None
        if is_not_modified(if_none_match, response.tag):
            status, body = 304, b""
    else:
        headers.append((b"cache-control", b"no-store"))
    if status != 304:
        if response.compressed is not None and b"gzip" in request.headers.get(b"accept-encoding", b""):
            body = response.compressed
            headers.append((b"content-encoding", b"gzip"))
        headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if request.method == "HEAD" else body})
