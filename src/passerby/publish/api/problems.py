"""What went wrong, as a client reads it: problem details (RFC 9457), one line each.

Invariant: an answer never tells where the store lies, nor more of a request than the name of what was wrong in it.
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
    """A request that was not answered, and why."""

    title: str
    status: int
    detail: str


def problem(status: int, detail: str, headers: dict[str, str] | None = None) -> JSONResponse:
    body = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail)
    return JSONResponse(
        body.model_dump(), status, {"Cache-Control": "no-store", **(headers or {})}, media_type=MEDIA_TYPE
    )


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What a route can answer besides its success, as OpenAPI has it."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": content}
        for status in sorted({405, 413, 414, *statuses})
    }


def install(app: FastAPI) -> None:
    """Answer every error in this form."""
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(UnknownNameError, _unknown)
    app.add_exception_handler(InputError, _input)
    app.add_exception_handler(StoreError, _store)


def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = [str(part) for part in first["loc"][1:]]
    name = place[0] if place else "the query"
    # pydantic says it in its own words; a value error carries ours.
    said = str(first["msg"]).removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        said = "there is no such parameter"
    return problem(422, f"{name[:60]}: {said}")


def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return problem(error.status_code, str(error.detail), dict(error.headers or {}))


def _unknown(request: Request, error: Exception) -> JSONResponse:
    return problem(404, str(error))


def _input(request: Request, error: Exception) -> JSONResponse:
    return problem(422, str(error))


def _store(request: Request, error: Exception) -> JSONResponse:
    request.app.state.on_store_error(str(error))
    return problem(503, "the store cannot be read now", {"Retry-After": str(RETRY_S)})
