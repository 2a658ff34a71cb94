"""The door of the public page: what may be asked, what every answer carries, and answers from the cache.

Invariant: GET and HEAD, no body, no cookie, no trace; an answer depends on the address, the language and the store
alone.
"""

import asyncio
import time
from dataclasses import dataclass
from http import HTTPStatus

from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from passerby.errors import StoreError
from passerby.publish.api.negotiation import has_already
from passerby.publish.pages.languages import preferred
from passerby.publish.pages.response_cache import Answer, Header, Kept, answer
from passerby.publish.store.lazy_store import OpenedStore

FRESH_S = 60
"""How long an answer may be used without asking again: less than the shortest usual bin."""
MOST_BYTES = 64 * 2**20
LONGEST_QUERY = 2_048
_LOOK_S = 1.0
"""How often the store is asked whether it has changed."""
_AT_ONCE = 2
"""Pages that are made at the same time; the others wait for their turn, or for the same page."""

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
class _Asked:
    method: str
    headers: dict[bytes, bytes]


class Front:
    """ASGI: answers from what is kept, else from `app`, whose answers of status 200 are kept."""

    def __init__(self, app: ASGIApp, opened: OpenedStore) -> None:
        self._app = app
        self._opened = opened
        self._kept = Kept(MOST_BYTES)
        self._state = ""
        self._looked_s = -_LOOK_S
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._making: dict[object, asyncio.Future[Answer]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        asked = _Asked(scope["method"], dict(scope["headers"]))
        refused = _refused(scope, asked)
        if refused is not None:
            await _send(refused, asked, send)
            return
        language = preferred(asked.headers.get(b"accept-language", b"").decode("latin-1")).code
        inner = {**scope, "method": "GET", "state": {**scope.get("state", {}), "language": language}}
        key = (scope["path"], scope["query_string"], language)
        state = await self._state_now()
        try:
            found = self._kept.get(key, state) or await self._once(key, state, inner, receive)
        except Exception:
            # The reader is told nothing of it; the server's own log has the rest.
            await _send(_plain(500, "Something went wrong here. Please try again later."), asked, send)
            raise
        await _send(found, asked, send)

    async def _state_now(self) -> str:
        now_s = time.monotonic()
        if now_s - self._looked_s >= _LOOK_S:
            # Set first, so that one request looks and the others go on with what is known.
            self._looked_s = now_s
            self._state = await run_in_threadpool(self._look)
        return self._state

    def _look(self) -> str:
        try:
            return self._opened.store().state()
        except StoreError:
            # The pages say so themselves; nothing that was made before is shown meanwhile.
            return ""

    async def _once(self, key: object, state: str, scope: Scope, receive: Receive) -> Answer:
        """The answer of the app; who asks for the same at the same time gets the same."""
        waiting = self._making.get(key)
        if waiting is not None:
            return await asyncio.shield(waiting)
        made: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._making[key] = made
        try:
            async with self._turns:
                found = await _answer_of(self._app, scope, receive)
            if found.status == 200:
                self._kept.put(key, state, found)
            made.set_result(found)
            return found
        except BaseException as error:
            made.set_exception(error)
            made.exception()  # it is raised here; who waits gets it too
            raise
        finally:
            del self._making[key]


def _refused(scope: Scope, asked: _Asked) -> Answer | None:
    if asked.method not in ("GET", "HEAD"):
        return _plain(405, "expected GET or HEAD", ((b"allow", b"GET, HEAD"),))
    if len(scope["query_string"]) > LONGEST_QUERY:
        return _plain(414, f"a query of more than {LONGEST_QUERY} bytes")
    if asked.headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in asked.headers:
        return _plain(413, "a body, expected none", ((b"connection", b"close"),))
    return None


def _plain(status: int, text: str, headers: tuple[Header, ...] = ()) -> Answer:
    body = f"{HTTPStatus(status).phrase}: {text}\n".encode()
    return answer(status, ((b"content-type", b"text/plain; charset=utf-8"), *headers), body)


async def _answer_of(app: ASGIApp, scope: Scope, receive: Receive) -> Answer:
    """The whole answer of `app`."""
    status, headers, body = 500, (), bytearray()

    async def take(message: Message) -> None:
        nonlocal status, headers
        if message["type"] == "http.response.start":
            status = message["status"]
            headers = tuple(one for one in message["headers"] if one[0] != b"content-length")
        elif message["type"] == "http.response.body":
            body.extend(message.get("body", b""))

    await app(scope, receive, take)
    # Packed and weighed where the event loop does not wait for it.
    return await run_in_threadpool(answer, status, headers, bytes(body), scope["state"].get("renewal"))


async def _send(one: Answer, asked: _Asked, send: Send) -> None:
    headers = [*one.headers, *SECURITY, (b"vary", b"Accept-Language, Accept-Encoding")]
    status, body = one.status, one.body
    if status == 200:
        headers.append((b"etag", one.tag.encode()))
        fresh_s = FRESH_S
        if one.renewal is not None:
            wait_s = one.renewal.wait_s(time.time_ns() // 1_000_000)
            headers.append((b"refresh", str(wait_s).encode()))
            # What is kept anywhere is not older than that, so that who asks again is given what is new.
            fresh_s = min(FRESH_S, wait_s)
        if all(name != b"cache-control" for name, _ in headers):
            headers.append((b"cache-control", f"public, max-age={fresh_s}".encode()))
        if has_already(asked.headers.get(b"if-none-match", b"").decode("latin-1") or None, one.tag):
            status, body = 304, b""
    else:
        headers.append((b"cache-control", b"no-store"))
    if status != 304:
        if one.packed is not None and b"gzip" in asked.headers.get(b"accept-encoding", b""):
            body = one.packed
            headers.append((b"content-encoding", b"gzip"))
        headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if asked.method == "HEAD" else body})
