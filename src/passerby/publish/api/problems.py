"""Error responses of the API: problem details (RFC 9457), one line each.

Invariant: a response never contains the location of the store; it repeats a request only to name the wrong value.
"""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from passerby.errors import InputError, StoreError, UnknownNameError

MEDIA_TYPE = "application/problem+json"
RETRY_S = 5


class Problem(BaseModel):
    """The reason why a request failed."""

    title: str
    status: int
    detail: str


def problem_response(status: int, detail: str, headers: dict[str, str] | None = None) -> JSONResponse:
    body = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail)
    return JSONResponse(
        body.model_dump(), status, {"Cache-Control": "no-store", **(headers or {})}, media_type=MEDIA_TYPE
    )


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The error responses of a route, as OpenAPI describes them."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": content}
        for status in sorted({405, 413, 414, *statuses})
    }


def install(app: FastAPI) -> None:
    """Answer every error with problem details."""
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(UnknownNameError, _unknown)
    app.add_exception_handler(InputError, _input)
    app.add_exception_handler(StoreError, _store)


def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    path = [str(part) for part in first["loc"][1:]]
    name = path[0] if path else "the query"
    # Pydantic writes its own messages; a ValueError carries ours.
    message = str(first["msg"]).removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        message = "there is no such parameter"
    return problem_response(422, f"{name[:60]}: {message}")


def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return problem_response(error.status_code, str(error.detail), dict(error.headers or {}))


def _unknown(request: Request, error: Exception) -> JSONResponse:
    return problem_response(404, str(error))


def _input(request: Request, error: Exception) -> JSONResponse:
    return problem_response(422, str(error))


def _store(request: Request, error: Exception) -> JSONResponse:
    request.app.state.on_store_error(str(error))
    return problem_response(503, "the store cannot be read now", {"Retry-After": str(RETRY_S)})
