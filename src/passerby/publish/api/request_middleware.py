"""ASGI middleware of the API: limits of a request, security headers, and the counter of responses.

Invariant: a long query or a body is refused before any route sees it.
"""

from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from passerby.publish.api import problems

LONGEST_QUERY = 4_096
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
)


class RequestMiddleware:
    """Refuses long queries and bodies, adds the security headers, counts the responses."""

    def __init__(self, app: ASGIApp, count: Callable[[str, int], None]) -> None:
        """`count` gets the pattern of the route and the status of each response."""
        self._app = app
        self._count = count

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_HEADERS]
                # The pattern of the route, not the path: a client can choose any path.
                route = getattr(scope.get("route"), "path", "none")
                self._count(route, message["status"])
            await send(message)

        headers = dict(scope["headers"])
        if len(scope["query_string"]) > LONGEST_QUERY:
            refused = problems.problem_response(414, f"the query is longer than {LONGEST_QUERY} bytes")
        elif headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in headers:
            refused = problems.problem_response(
                413, "the request has a body, expected none", {"Connection": "close"}
            )
        else:
            await self._app(scope, receive, send_counted)
            return
        await refused(scope, receive, send_counted)
