"""The server of the page on which a person checks a count.

Invariant: loopback only; every request needs the token; every answer's headers forbid what the page does not use.
"""

import asyncio
import json
import secrets
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from passerby.errors import InputError, OutputError
from passerby.verify.check_session import CheckSession
from passerby.verify.report import report
from passerby.verify.slice_image import row_count, row_png

HOST = "127.0.0.1"
_PAGE = Path(__file__).parent / "page"
_FILES = {
    "": ("check.html", "text/html"),
    "check.css": ("check.css", "text/css"),
    "check.js": ("check.js", "text/javascript"),
}
_LARGEST = 4_096
"""Bytes of a click."""
_GRACE_S = 3.0
"""After Finish, how long the server waits for the browser to fetch the report."""
_HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}
# The report is one file with its style inside.
_REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

Endpoint = Callable[[Request], Awaitable[Response]]


def serve(session: CheckSession, *, port: int = 0, on_ready: Callable[[str], None]) -> None:
    """Serve until the page is finished, or Ctrl-C. `on_ready` is called with the address, which holds the token.

    Raises OutputError if the port is taken.
    """
    token = secrets.token_urlsafe(24)
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((HOST, port))
            # From here on a browser waits for the server, instead of being refused.
            listening.listen()
        except (OSError, OverflowError) as error:
            raise OutputError(f"--port {port}: {error}") from None

        def stop() -> None:
            server.should_exit = True

        pages = application(session, token, stop)
        # No access log: its lines would contain the token.
        server = uvicorn.Server(uvicorn.Config(pages, log_level="error", access_log=False))
        on_ready(f"http://{HOST}:{listening.getsockname()[1]}/{token}/")
        with suppress(KeyboardInterrupt):
            server.run(sockets=[listening])
    finally:
        listening.close()


def application(session: CheckSession, token: str, stop: Callable[[], None]) -> Starlette:
    """The pages of `session`, all below `/token/`. `stop` is called when the check is finished."""
    pages = _Pages(session, stop)

    def guarded(endpoint: Endpoint) -> Endpoint:
        return _guarded(endpoint, token)

    app = Starlette(
        routes=[
            Route("/favicon.ico", _no_icon),
            *(Route(f"/{{token}}/{name}", guarded(_file(name))) for name in _FILES),
            Route("/{token}/state", guarded(pages.state)),
            Route("/{token}/rows/{line:int}/{row:int}.png", guarded(pages.row)),
            Route("/{token}/report", guarded(pages.report)),
            Route("/{token}/clicks", guarded(pages.click), methods=["POST"]),
            Route("/{token}/undo", guarded(pages.undo), methods=["POST"]),
            Route("/{token}/finish", guarded(pages.finish), methods=["POST"]),
        ],
        # A foreign host name that resolves to this machine is refused.
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"])],
    )
    # A redirect would be an answer to a request without the token.
    app.router.redirect_slashes = False
    return app


class _Pages:
    """The endpoints of one check."""

    def __init__(self, session: CheckSession, stop: Callable[[], None]) -> None:
        self._session = session
        self._stop = stop
        self._finished = False

    async def state(self, request: Request) -> Response:
        self._session.note_activity()
        return await self._state()

    async def _state(self) -> Response:
        return JSONResponse(await run_in_threadpool(self._session.state))

    async def row(self, request: Request) -> Response:
        line, number = request.path_params["line"], request.path_params["row"]
        slices, row_ms = self._session.slices, self._session.row_ms
        if line >= len(slices) or number >= row_count(slices[line], row_ms):
            return Response("not found", 404)
        content = await run_in_threadpool(row_png, slices[line], number, row_ms)
        return Response(content, media_type="image/png")

    async def click(self, request: Request) -> Response:
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > _LARGEST:
                return Response("too long", 413)
        try:
            message = json.loads(body)
        except (ValueError, RecursionError):
            return Response("expected JSON", 400)
        try:
            await run_in_threadpool(self._session.add, message)
        except InputError as error:
            return Response(str(error), 400)
        except OutputError as error:
            return Response(str(error), 507)
        return await self._state()

    async def undo(self, request: Request) -> Response:
        try:
            await run_in_threadpool(self._session.undo)
        except OutputError as error:
            return Response(str(error), 507)
        return await self._state()

    async def finish(self, request: Request) -> Response:
        """The browser fetches the report next; the server stops then, or after a few seconds."""
        self._finished = True
        asyncio.get_running_loop().call_later(_GRACE_S, self._stop)
        return Response("saved", media_type="text/plain")

    async def report(self, request: Request) -> Response:
        saved_at = str(self._session.saved_at) if self._finished and self._session.clicks else ""
        page = await run_in_threadpool(report, self._session, saved_at)
        stop = BackgroundTask(self._stop) if self._finished else None
        headers = {"content-security-policy": _REPORT_POLICY}
        return Response(page, media_type="text/html", headers=headers, background=stop)


def _guarded(endpoint: Endpoint, token: str) -> Endpoint:
    """`endpoint` behind the check of the token, with the headers that every answer has."""

    async def answer(request: Request) -> Response:
        if not secrets.compare_digest(request.path_params["token"].encode(), token.encode()):
            return Response("not found", 404, _HEADERS)
        if request.method == "POST" and request.headers.get("content-type") != "application/json":
            return Response("expected JSON", 415, _HEADERS)
        response = await endpoint(request)
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    return answer


def _file(name: str) -> Endpoint:
    async def answer(request: Request) -> Response:
        file_name, kind = _FILES[name]
        return Response((_PAGE / file_name).read_bytes(), media_type=kind)

    return answer


async def _no_icon(request: Request) -> Response:
    # Browsers request it by themselves, without the token.
    return Response(status_code=204, headers=_HEADERS)
