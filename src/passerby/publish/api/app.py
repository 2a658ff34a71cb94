"""The read-only API over releases: JSON, CSV and Parquet, paged, cached, by key.

Invariant: a process of its own, which reads the store of releases and can import nothing that sees; GET only.
"""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, FastAPI, Header, HTTPException, Query, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from passerby.errors import InputError
from passerby.publish.api import problems
from passerby.publish.api.access import Access, Needs
from passerby.publish.api.keys import KeyRing
from passerby.publish.api.metrics import registry_of
from passerby.publish.api.negotiation import choose, entity_tag, has_already
from passerby.publish.api.rate_limit import RateLimit
from passerby.publish.formats import exports
from passerby.publish.store.lazy_store import OpenedStore
from passerby.publish.store.query import Query as Asked
from passerby.publish.store.query import cursor_of, resolution_of, time_of

JSON, CSV, PARQUET = "application/json", "text/csv", "application/vnd.apache.parquet"
MOST_ROWS = 10_000
LONGEST_QUERY = 4_096
FRESH_S = 60
"""How long an answer may be used without asking again: less than the shortest usual bin."""

_ONCE = ("from", "to", "resolution", "limit", "cursor")
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
)


def _digits(value: Any) -> Any:
    # Python takes 1_000, 1.0 and digits of any script for numbers too.
    if isinstance(value, str) and not (value.isascii() and value.isdigit() and len(value) < 7):
        raise ValueError("expected a whole number")
    return value


Name = Annotated[str, Field(min_length=1, max_length=100)]
Names = Annotated[list[Name], Field(max_length=50)]
# What may be left out is described as what it is when given: a query has no null.
Time = Annotated[
    Annotated[str, Field(max_length=40)] | None,
    WithJsonSchema(
        {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}]}
    ),
]
_CURSOR = "^[0-9]{1,15}-[0-9]{1,9}$"
After = Annotated[
    Annotated[str, Field(pattern=_CURSOR)] | None, WithJsonSchema({"type": "string", "pattern": _CURSOR})
]


class ReleasesQuery(BaseModel):
    """What to read: all of it when nothing is given."""

    model_config = ConfigDict(extra="forbid", populate_by_name=False)

    camera: Names = Field([], description="Only these cameras.")
    line: Names = Field([], description="Only these lines.")
    direction: Names = Field([], description="Only these directions.")
    label: Names = Field([], description="Only these classes, such as person or bicycle.")
    from_: Time = Field(
        None,
        alias="from",
        description="What starts at or after this; local time of the site without an offset.",
    )
    to: Time = Field(None, description="What starts before this.")
    resolution: Literal["bin", "hour", "day"] = Field("bin", description="bin is as it was released.")
    limit: Annotated[int, BeforeValidator(_digits)] = Field(
        1_000, ge=1, le=MOST_ROWS, description="Rows of a page."
    )
    cursor: After = Field(
        None, description="Where a page begins: `next` of the page before, also in its Link header."
    )


class Row(BaseModel):
    """One published number."""

    start: AwareDatetime
    end: AwareDatetime
    camera: str
    line: str
    direction: str
    label: str
    value: int = Field(description="Signed: noise can take it below zero.")
    noise_sd: float = Field(description="Standard deviation of the noise in it.")
    noise_95: int = Field(description="19 times in 20, noise adds or takes no more than this.")
    epsilon: float
    coverage: float = Field(ge=0, le=1, description="Share of the time with frames.")
    sender_clock: Annotated[float, Field(ge=0, le=1)] | None = Field(
        description="Share of the time with frames that the camera's own clock dated; those of the rest of coverage "
        "were dated by their arrival. Null where it is not known."
    )
    releases: int = Field(ge=1, description="How many releases it is the sum of.")
    complete: bool = Field(description="Whether these make up all of its time.")
    receipt: str | None = Field(description="What paid for it in the ledger, when it is a single release.")


class Page(BaseModel):
    """Rows in the order of their start."""

    resolution: Literal["bin", "hour", "day"]
    timezone: str
    next: str | None = Field(description="The cursor of the next page; null at the end.")
    rows: list[Row]


class CellRow(BaseModel):
    """What is counted: every one is published for every bin, the empty ones too."""

    camera: str
    line: str
    direction: str
    label: str


class CameraRow(BaseModel):
    """A camera's link: it says nothing about what the camera sees."""

    camera: str
    up: bool
    reason: str = Field(description="Why it is not up, in a few words; else empty.")
    since: AwareDatetime
    seen: AwareDatetime


class Status(BaseModel):
    status: Literal["ok", "ready"]


router = APIRouter()
_READ = [Depends(Needs("releases"))]
_ERRORS = problems.responses(401, 403, 404, 406, 422, 429, 503)


@router.get(
    "/v1/releases",
    response_model=Page,
    responses={
        200: {
            "description": "A page of published numbers, in the form asked for.",
            "content": {
                CSV: {"schema": {"type": "string"}},
                PARQUET: {"schema": {"type": "string", "format": "binary"}},
            },
        },
        304: {"description": "Nothing changed since."},
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
    _once(request)
    form = choose(accept, (JSON, CSV, PARQUET))
    if form is None:
        raise HTTPException(406, f"expected Accept to allow {JSON}, {CSV} or {PARQUET}")
    if form == PARQUET and not _has_parquet():
        raise HTTPException(406, f"this server has no Parquet, expected Accept to allow {JSON} or {CSV}")
    store = _opened(request).store()
    asked = Asked(
        resolution=resolution_of(query.resolution),
        from_ms=None if query.from_ is None else time_of("from", query.from_, store.zone),
        to_ms=None if query.to is None else time_of("to", query.to, store.zone),
        cameras=tuple(query.camera),
        lines=tuple(query.line),
        directions=tuple(query.direction),
        labels=tuple(query.label),
    )
    after = None if query.cursor is None else cursor_of(query.cursor)
    # The state is read before the rows: a tag may be older than what it stands for, never newer.
    tag = entity_tag(request.app.version, store.state(), form, query.model_dump_json())
    headers = _caching(request, tag)
    if has_already(if_none_match, tag):
        return Response(status_code=304, headers=headers)
    page = store.page(asked, after=after, limit=query.limit)
    if page.next is not None:
        following = request.url.include_query_params(cursor=str(page.next))
        headers["Link"] = f'<{following.path}?{following.query}>; rel="next"'
    if form == CSV:
        text = "".join(exports.csv_text(page.rows, store.timezone))
        return Response(text, headers=headers, media_type=f"{CSV}; charset=utf-8; header=present")
    if form == PARQUET:
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
def cells(request: Request, response: Response) -> list[CellRow]:
    """Everything that was ever published: cameras, lines, directions, classes."""
    response.headers.update(_caching(request, None))
    return [
        CellRow(camera=cell.camera, line=cell.line, direction=cell.direction, label=cell.label)
        for cell in _opened(request).store().cells()
    ]


@router.get(
    "/v1/cameras",
    response_model=list[CameraRow],
    responses=problems.responses(401, 403, 429, 503),
    dependencies=_READ,
)
def cameras(request: Request, response: Response) -> list[dict[str, Any]]:
    """The cameras' links: up or not, since when, why not."""
    response.headers.update(_caching(request, None))
    store = _opened(request).store()
    return [
        {
            "camera": one.camera,
            "up": one.up,
            "reason": one.reason,
            "since": exports.local(one.since_ms, store.timezone),
            "seen": exports.local(one.seen_ms, store.timezone),
        }
        for one in store.health()
    ]


@router.get(
    "/metrics",
    response_class=Response,
    responses={
        200: {"description": "Health and released values.", "content": {"text/plain": {}}},
        **problems.responses(401, 403, 429, 503),
    },
    dependencies=[Depends(Needs("metrics"))],
)
def metrics(request: Request) -> Response:
    """For Prometheus: health and released values only."""
    content = generate_latest(request.app.state.registry)
    return Response(content, headers={"Cache-Control": "no-store", "Content-Type": CONTENT_TYPE_LATEST})


@router.get("/healthz", response_model=Status, responses=problems.responses())
def healthz() -> Status:
    """Whether this process answers."""
    return Status(status="ok")


@router.get("/readyz", response_model=Status, responses=problems.responses(503))
def readyz(request: Request) -> Status:
    """Whether the store can be read."""
    _opened(request).store().state()
    return Status(status="ready")


def create_app(
    where: str | Path,
    *,
    public: bool = False,
    per_minute: int = 600,
    version: str = "development",
    on_store_error: Callable[[str], None] = lambda text: None,
) -> FastAPI:
    """The API over the store at `where`, which need not be there yet.

    `public` lets everyone read; else a key is needed. `per_minute` is how often a key, and an address, may ask.
    `version` is passerby's, told by the caller: the package's own file names what sees.
    """
    app = FastAPI(
        title="Passerby",
        summary="Private counts of people, cyclists and vehicles across lines.",
        version=version,
        # Their pages fetch scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
    )
    opened = OpenedStore(where)
    registry, requests = registry_of(opened)
    of_address, of_key = (RateLimit(per_minute / 60, max(1, per_minute // 6)) for _ in range(2))
    app.state.opened = opened
    app.state.access = Access(opened, public, of_address, of_key, KeyRing())
    app.state.registry = registry
    app.state.on_store_error = on_store_error
    problems.install(app)
    app.include_router(router)
    _name_problems(app)

    def count(route: str, status: int) -> None:
        requests.labels(route, str(status)).inc()

    app.add_middleware(_Door, count=count)
    return app


class _Door:
    """ASGI: refuses what no route is for, adds the headers that all answers have, counts the answers."""

    def __init__(self, app: ASGIApp, count: Callable[[str, int], None]) -> None:
        self._app = app
        self._count = count

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_HEADERS]
                # The route's pattern and never the path, which anyone may choose.
                route = getattr(scope.get("route"), "path", "none")
                self._count(route, message["status"])
            await send(message)

        headers = dict(scope["headers"])
        if len(scope["query_string"]) > LONGEST_QUERY:
            refused = problems.problem(414, f"a query of more than {LONGEST_QUERY} bytes")
        elif headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in headers:
            refused = problems.problem(413, "a body, expected none", {"Connection": "close"})
        else:
            await self._app(scope, receive, answer)
            return
        await refused(scope, receive, answer)


def _opened(request: Request) -> OpenedStore:
    opened: OpenedStore = request.app.state.opened
    return opened


def _once(request: Request) -> None:
    """Raises InputError for a parameter that is given twice and means one thing."""
    for name in _ONCE:
        if len(request.query_params.getlist(name)) > 1:
            raise InputError(f"{name}: given twice, expected once")


def _caching(request: Request, tag: str | None) -> dict[str, str]:
    # What was read without a key is for everyone, and so for shared caches.
    whose = "private" if "authorization" in request.headers else "public"
    headers = {"Cache-Control": f"{whose}, max-age={FRESH_S}", "Vary": "Accept, Authorization"}
    return headers if tag is None else {**headers, "ETag": tag}


@cache
def _has_parquet() -> bool:
    # Looked for when it is first asked for: it brings NumPy along, which nothing else here needs.
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        return False
    return True


def _name_problems(app: FastAPI) -> None:
    """Put `Problem` into the description, in place of FastAPI's own form of errors, which is never sent."""
    describe = app.openapi

    def openapi() -> dict[str, Any]:
        document = describe()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas["Problem"] = problems.Problem.model_json_schema()
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        return document

    app.openapi = openapi  # type: ignore[method-assign]
