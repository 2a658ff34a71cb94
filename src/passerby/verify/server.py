"""The page of a check, served on this machine alone.

Invariant: loopback only; nothing is answered without the token; every answer forbids what the page does not need.
"""

import json
import secrets
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from passerby.errors import InputError, OutputError
from passerby.verify.session import Session
from passerby.verify.slice_image import row_count, row_png

HOST = "127.0.0.1"
_PAGE = Path(__file__).parent / "page"
_FILES = {
    "": ("check.html", "text/html"),
    "check.css": ("check.css", "text/css"),
    "check.js": ("check.js", "text/javascript"),
}
_LARGEST = 4_096
_HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}

Endpoint = Callable[[Request], Awaitable[Response]]


def serve(session: Session, *, port: int = 0, on_ready: Callable[[str], None]) -> None:
    """Serve until the page says that it is finished, or Ctrl-C; `on_ready` is told the address, token and all.

    Raises OutputError when the port cannot be had.
    """
    token = secrets.token_urlsafe(24)
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((HOST, port))
            # From here on a browser waits, and is not refused, until the pages are there.
            listening.listen()
        except (OSError, OverflowError) as error:
            raise OutputError(f"--port {port}: {error}") from None

        # No access log: its lines would hold the token.
        def finish() -> None:
            server.should_exit = True

        pages = application(session, token, finish)
        server = uvicorn.Server(uvicorn.Config(pages, log_level="error", access_log=False))
        on_ready(f"http://{HOST}:{listening.getsockname()[1]}/{token}/")
        with suppress(KeyboardInterrupt):
            server.run(sockets=[listening])
    finally:
        listening.close()


def application(session: Session, token: str, finish: Callable[[], None]) -> Starlette:
    """The pages of `session`, all below `/token/`; `finish` is called when the page says that it is done."""

    def guarded(endpoint: Endpoint) -> Endpoint:
        async def answer(request: Request) -> Response:
            if not secrets.compare_digest(request.path_params["token"].encode(), token.encode()):
                return Response("not found", 404, _HEADERS)
            if request.method == "POST" and request.headers.get("content-type") != "application/json":
                return Response("expected JSON", 415, _HEADERS)
            response = await endpoint(request)
            response.headers.update(_HEADERS)
            return response

        return answer

    def file(name: str) -> Endpoint:
        async def answer(request: Request) -> Response:
            file_name, kind = _FILES[name]
            return Response((_PAGE / file_name).read_bytes(), media_type=kind)

        return answer

    async def state(request: Request) -> Response:
        session.touch()
        return JSONResponse(await run_in_threadpool(session.state))

    async def row(request: Request) -> Response:
        line, number = request.path_params["line"], request.path_params["row"]
        if line >= len(session.slices) or number >= row_count(session.slices[line], session.row_ms):
            return Response("not found", 404)
        content = await run_in_threadpool(row_png, session.slices[line], number, session.row_ms)
        return Response(content, media_type="image/png")

    async def click(request: Request) -> Response:
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > _LARGEST:
                return Response("too long", 413)
        try:
            said = json.loads(body)
        except (ValueError, RecursionError):
            return Response("expected JSON", 400)
        try:
            await run_in_threadpool(session.add, said)
        except InputError as error:
            return Response(str(error), 400)
        except OutputError as error:
            return Response(str(error), 507)
        return JSONResponse(await run_in_threadpool(session.state))

    async def undo(request: Request) -> Response:
        try:
            await run_in_threadpool(session.undo)
        except OutputError as error:
            return Response(str(error), 507)
        return JSONResponse(await run_in_threadpool(session.state))

    async def finished(request: Request) -> Response:
        finish()
        return Response("saved", media_type="text/plain")

    async def no_icon(request: Request) -> Response:
        # Browsers ask for one by themselves, outside of the token.
        return Response(status_code=204, headers=_HEADERS)

    pages = Starlette(
        routes=[
            Route("/favicon.ico", no_icon),
            *(Route(f"/{{token}}/{name}", guarded(file(name))) for name in _FILES),
            Route("/{token}/state", guarded(state)),
            Route("/{token}/rows/{line:int}/{row:int}.png", guarded(row)),
            Route("/{token}/clicks", guarded(click), methods=["POST"]),
            Route("/{token}/undo", guarded(undo), methods=["POST"]),
            Route("/{token}/finish", guarded(finished), methods=["POST"]),
        ],
        # A page elsewhere whose name was made to point here is refused by the name it asks for.
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"])],
    )
    # A redirect would answer who has no token.
    pages.router.redirect_slashes = False
    return pages
