"""The read-only HTTP API over releases: JSON, CSV and Parquet, with pages, ETags, keys and rate limits.

Invariant: runs in its own process, which reads the store of releases and imports no video, counting or privacy module;
answers GET requests only.
"""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Header, HTTPException, Query, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from passerby.errors import InputError
from passerby.publish.api import problems
from passerby.publish.api.access import Access, RequiresScope
from passerby.publish.api.front_page import front_page
from passerby.publish.api.keys import KeyRing
from passerby.publish.api.metrics import registry_of
from passerby.publish.api.models import CameraRow, CellRow, Page, ReleasesQuery, Status
from passerby.publish.api.negotiation import entity_tag, is_not_modified, preferred_type
from passerby.publish.api.rate_limit import RateLimit
from passerby.publish.api.request_middleware import RequestMiddleware
from passerby.publish.formats import exports
from passerby.publish.store.lazy_store import LazyStore
from passerby.publish.store.query import Query as StoreQuery
from passerby.publish.store.query import cursor_of, resolution_of, time_of

JSON, CSV, PARQUET = "application/json", "text/csv", "application/vnd.apache.parquet"
FRESH_S = 60
"""How long a client may reuse a response: less than the usual shortest bin."""

_SINGLE_PARAMETERS = ("from", "to", "resolution", "limit", "cursor")
router = APIRouter()
_READ = [Depends(RequiresScope("releases"))]
_ERRORS = problems.responses(401, 403, 404, 406, 422, 429, 503)


@router.get("/", include_in_schema=False)
@router.get("/docs", include_in_schema=False)
def index(request: Request) -> Response:
    """The first page, for people."""
    access: Access = request.app.state.access
    headers = {"Cache-Control": f"public, max-age={FRESH_S}"}
    return Response(front_page(public=access.public), headers=headers, media_type="text/html")


@router.get(
    "/v1/releases",
    response_model=Page,
    responses={
        200: {
            "description": "A page of published numbers, in the accepted format.",
            "content": {
                CSV: {"schema": {"type": "string"}},
                PARQUET: {"schema": {"type": "string", "format": "binary"}},
            },
        },
        304: {"description": "Not changed since the client read it."},
        **_ERRORS,
    },
    dependencies=_READ,
)
def releases(
    request: Request,
    query: Annotated[ReleasesQuery, Query()],
    accept: Annotated[str | None, Header(include_in_schema=False)] = None,
    if_none_match: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> Response:
    """Published numbers by camera, line, direction, class, time and resolution."""
    _check_single(request)
    media_type = preferred_type(accept, (JSON, CSV, PARQUET))
    if media_type is None:
        raise HTTPException(406, f"expected Accept to allow {JSON}, {CSV} or {PARQUET}")
    if media_type == PARQUET and not _has_parquet():
        raise HTTPException(
            406, f"this server cannot write Parquet, expected Accept to allow {JSON} or {CSV}"
        )
    store = _lazy_store(request).store()
    store_query = StoreQuery(
        resolution=resolution_of(query.resolution),
        from_ms=None if query.from_ is None else time_of("from", query.from_, store.zone),
        to_ms=None if query.to is None else time_of("to", query.to, store.zone),
        cameras=tuple(query.camera),
        lines=tuple(query.line),
        directions=tuple(query.direction),
        labels=query.classes,
    )
    after = None if query.cursor is None else cursor_of(query.cursor)
    # The state is read before the rows: then a tag may be older than its rows, and never newer.
    tag = entity_tag(request.app.version, store.state(), media_type, query.model_dump_json())
    headers = _caching(request, tag)
    if is_not_modified(if_none_match, tag):
        return Response(status_code=304, headers=headers)
    page = store.page(store_query, after=after, limit=query.limit)
    if page.next is not None:
        next_url = request.url.include_query_params(cursor=str(page.next))
        headers["Link"] = f'<{next_url.path}?{next_url.query}>; rel="next"'
    if media_type == CSV:
        text = "".join(exports.csv_text(page.rows, store.timezone))
        return Response(text, headers=headers, media_type=f"{CSV}; charset=utf-8; header=present")
    if media_type == PARQUET:
        return Response(exports.parquet_bytes(page.rows, store.timezone), headers=headers, media_type=PARQUET)
    body = {
        "resolution": query.resolution,
        "timezone": store.timezone,
        "next": None if page.next is None else str(page.next),
        "rows": exports.json_rows(page.rows, store.timezone),
    }
    return Response(json.dumps(body, ensure_ascii=False), headers=headers, media_type=JSON)


@router.get(
    "/v1/cells",
    response_model=list[CellRow],
    responses=problems.responses(401, 403, 429, 503),
    dependencies=_READ,
)
def cells(request: Request, response: Response) -> list[dict[str, str]]:
    """The cameras, lines, directions and classes that have published numbers."""
    response.headers.update(_caching(request, None))
    return [
        {
            "camera": cell.camera,
            "line": cell.line,
            "direction": cell.direction,
            "class": cell.label,
            "label": cell.label,
        }
        for cell in _lazy_store(request).store().cells()
    ]


@router.get(
    "/v1/cameras",
    response_model=list[CameraRow],
    responses=problems.responses(401, 403, 429, 503),
    dependencies=_READ,
)
def cameras(request: Request, response: Response) -> list[dict[str, Any]]:
    """The state of each camera's link: up or down, since when, and why."""
    response.headers.update(_caching(request, None))
    store = _lazy_store(request).store()
    return [
        {
            "camera": link.camera,
            "up": link.up,
            "reason": link.reason,
            "since": exports.local(link.since_ms, store.timezone),
            "seen": exports.local(link.seen_ms, store.timezone),
        }
        for link in store.health()
    ]


@router.get(
    "/metrics",
    response_class=Response,
    responses={
        200: {"description": "Health and released values.", "content": {"text/plain": {}}},
        **problems.responses(401, 403, 429, 503),
    },
    dependencies=[Depends(RequiresScope("metrics"))],
)
def metrics(request: Request) -> Response:
    """Metrics for Prometheus: health and released values only."""
    content = generate_latest(request.app.state.registry)
    return Response(content, headers={"Cache-Control": "no-store", "Content-Type": CONTENT_TYPE_LATEST})


@router.get("/healthz", response_model=Status, responses=problems.responses())
def healthz() -> Status:
    """Answers 200 while this process runs."""
    return Status(status="ok")


@router.get("/readyz", response_model=Status, responses=problems.responses(503))
def readyz(request: Request) -> Status:
    """Answers 200 if the store can be read."""
    _lazy_store(request).store().state()
    return Status(status="ready")


def create_app(
    where: str | Path,
    *,
    public: bool = False,
    per_minute: int = 600,
    version: str = "development",
    on_store_error: Callable[[str], None] = lambda text: None,
) -> FastAPI:
    """The API over the store at `where` (a path or a URL), which may be created later.

    `public`: numbers can be read without a key. `per_minute`: requests per minute for each key and each address.
    `version` is passed in because this process may not import the package's root. `on_store_error` gets the message
    when the store cannot be read.
    """
    app = FastAPI(
        title="Passerby",
        summary="Private counts of people, cyclists and vehicles across lines.",
        version=version,
        # FastAPI's own pages load scripts from another host.
        docs_url=None,
        redoc_url=None,
    )
    lazy_store = LazyStore(where)
    registry, requests = registry_of(lazy_store)
    address_limit, key_limit = (RateLimit(per_minute / 60, max(1, per_minute // 6)) for _ in range(2))
    app.state.lazy_store = lazy_store
    app.state.access = Access(lazy_store, public, address_limit, key_limit, KeyRing())
    app.state.registry = registry
    app.state.on_store_error = on_store_error
    problems.install(app)
    app.include_router(router)
    _describe_problems(app)

    def count(route: str, status: int) -> None:
        requests.labels(route, str(status)).inc()

    app.add_middleware(RequestMiddleware, count=count)
    return app


def _lazy_store(request: Request) -> LazyStore:
    lazy_store: LazyStore = request.app.state.lazy_store
    return lazy_store


def _check_single(request: Request) -> None:
    """Raises InputError if a parameter that takes one value is given twice."""
    for name in _SINGLE_PARAMETERS:
        if len(request.query_params.getlist(name)) > 1:
            raise InputError(f"{name}: given twice, expected once")


def _caching(request: Request, tag: str | None) -> dict[str, str]:
    # Shared caches may store what can be read without a key.
    scope = "private" if "authorization" in request.headers else "public"
    headers = {"Cache-Control": f"{scope}, max-age={FRESH_S}", "Vary": "Accept, Authorization"}
    return headers if tag is None else {**headers, "ETag": tag}


@cache
def _has_parquet() -> bool:
    # Imported at the first use: it loads NumPy, which nothing else here needs.
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        return False
    return True


def _describe_problems(app: FastAPI) -> None:
    """Describe errors as `Problem` in OpenAPI, in place of FastAPI's own error model, which is never sent."""
    describe = app.openapi

    def openapi() -> dict[str, Any]:
        document = describe()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas["Problem"] = problems.Problem.model_json_schema()
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        return document

    app.openapi = openapi  # type: ignore[method-assign]
