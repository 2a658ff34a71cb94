"""The routes of the public pages.

Invariant: each route reads the filters, gets the numbers and renders a template; an error in a URL is a page with one
clear line.
"""

import re
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from passerby.config.site import Site
from passerby.errors import InputError, StoreError, UnknownNameError
from passerby.publish.api.problems import RETRY_S
from passerby.publish.pages import contents, panels, plan, rendering, views
from passerby.publish.pages.cache_middleware import CacheMiddleware
from passerby.publish.pages.downloads import MEDIA_TYPES, table_bytes
from passerby.publish.pages.filters import read_query
from passerby.publish.pages.languages import Language, languages
from passerby.publish.pages.page_context import PageContext, ServerContext
from passerby.publish.pages.published_lines import published_lines
from passerby.publish.pages.templates import render
from passerby.publish.pages.url_errors import NothingPublishedError, UnpublishedNameError, UrlError
from passerby.publish.store.lazy_store import LazyStore

_STATIC = Path(__file__).with_name("static")
_NOT_IN_A_FILE_NAME = re.compile(r"[^A-Za-z0-9-]+")

router = APIRouter()


def _language(request: Request) -> Language:
    """The language in the URL, else the one that the browser prefers."""
    known = languages()
    code = request.query_params.get("lang")
    return known[code if code in known else request.state.language]


def _context(request: Request) -> PageContext:
    """Raises InputError, StoreError, and NothingPublishedError if the site has no published numbers yet."""
    server: ServerContext = request.app.state.server
    parameters = read_query(request.query_params.multi_items())
    store = server.lazy_store.store()
    lines = published_lines(server.site, store.cells())
    newest_ms = views.newest_ms(store, lines)
    if newest_ms is None:
        raise NothingPublishedError("No numbers have been published here yet.")
    return PageContext(server, _language(request), parameters, store, lines, newest_ms)


Context = Annotated[PageContext, Depends(_context)]


@router.get("/")
def now(request: Request, context: Context) -> Response:
    """The latest numbers of every line, and a plan of the lines."""
    values = contents.now(context)
    # The middleware sends the header Refresh: it knows the time of each response.
    request.state.auto_refresh = values["auto_refresh"]
    return _page("now.html", context, "now", "./", **values)


@router.get("/counts")
def counts(context: Context) -> Response:
    """The numbers of one line, in charts and tables."""
    return _page("counts.html", context, "counts", "counts", **contents.counts(context))


@router.get("/about")
def about(context: Context) -> Response:
    """The promise, and what is counted."""
    return _page("about.html", context, "about", "about", **contents.about(context))


@router.get("/sign")
def sign(context: Context) -> Response:
    """A sign to print and put up."""
    return _page("sign.html", context, "about", "sign", **contents.sign(context))


@router.get("/counts.{format_}")
def download(context: Context, format_: str) -> Response:
    """The numbers of the page as a file."""
    if format_ not in MEDIA_TYPES:
        raise HTTPException(404)
    filters = context.filters()
    rows = context.store.rows(views.query_of(filters, context.store))
    content = table_bytes(rows, context.store.timezone, format_)
    name = f"{filters.line.name} {filters.first} {filters.last}.{format_}"
    return _file(content, MEDIA_TYPES[format_], name)


@router.get("/chart-{name}.{format_}")
def chart(context: Context, name: str, format_: str) -> Response:
    """A chart as an image with its own title."""
    if name not in panels.CHARTS or format_ not in ("svg", "png"):
        raise HTTPException(404)
    view = views.view(context.store, context.filters())
    if not panels.CHARTS[name].has(view):
        raise UnpublishedNameError("There are no numbers for this chart.")
    spec = panels.standalone(name, view, context.language, context.server.site.name)
    filters = view.filters
    file_name = f"{filters.line.name} {name} {filters.first} {filters.last}.{format_}"
    if format_ == "png":
        return _file(rendering.png(spec), "image/png", file_name)
    return _file(rendering.svg(spec).encode(), "image/svg+xml", file_name)


@router.get("/plan-{number}")
def plan_image(request: Request, number: str) -> Response:
    """The approved picture of a camera's view without people."""
    read_query(request.query_params.multi_items(), ())
    server: ServerContext = request.app.state.server
    image = server.plans.get(number)
    if image is None:
        raise HTTPException(404)
    # An SVG file that is opened by itself is a page: allow nothing but its styles.
    policy = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    return Response(image.content, media_type=image.media_type, headers={"Content-Security-Policy": policy})


@router.get("/style.css")
def stylesheet(request: Request) -> Response:
    read_query(request.query_params.multi_items(), ())
    return Response((_STATIC / "style.css").read_bytes(), media_type="text/css")


@router.get("/icon.svg")
def icon(request: Request) -> Response:
    read_query(request.query_params.multi_items(), ())
    return Response((_STATIC / "icon.svg").read_bytes(), media_type="image/svg+xml")


@router.get("/healthz")
def healthz(request: Request) -> Response:
    """Answers 200 while this process runs."""
    read_query(request.query_params.multi_items(), ())
    return Response("ok\n", media_type="text/plain", headers={"Cache-Control": "no-store"})


def create_app(
    site: Site,
    where: str | Path,
    *,
    version: str = "development",
    on_store_error: Callable[[str], None] = lambda text: None,
) -> ASGIApp:
    """The public pages of `site` over the store at `where` (a path or a URL), which may be created later.

    `version` is passed in because this process may not import the package's root. `on_store_error` gets the message
    when the store cannot be read. Raises InputError for a plan that cannot be shown.
    """
    lazy_store = LazyStore(where)
    app = FastAPI(title="Passerby", version=version, docs_url=None, redoc_url=None, openapi_url=None)
    plans = {
        str(number): plan.load(camera.plan)
        for number, camera in enumerate(site.cameras)
        if camera.plan is not None
    }
    app.state.server = ServerContext(site, plans, version, lazy_store)
    app.state.on_store_error = on_store_error
    app.router.redirect_slashes = False
    app.include_router(router)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(UnknownNameError, _unknown_name)
    app.add_exception_handler(InputError, _input_error)
    app.add_exception_handler(StoreError, _store_error)
    return CacheMiddleware(app, lazy_store)


def _page(template: str, context: PageContext, current: str, path: str, **values: object) -> Response:
    """A page; `current` is its entry in the menu, `path` its own address."""
    server = context.server
    common = {
        "site": server.site,
        "version": server.version,
        "parameters": context.parameters,
        "current": current,
        "path": path,
    }
    text = render(template, context.language, **common, **values)
    return Response(text, media_type="text/html")


def _file(content: bytes, media_type: str, name: str) -> Response:
    stem, _, suffix = name.rpartition(".")
    plain = _NOT_IN_A_FILE_NAME.sub("-", stem).strip("-") or "passerby"
    headers = {"Content-Disposition": f'attachment; filename="{plain}.{suffix}"'}
    return Response(content, media_type=media_type, headers=headers)


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _error_page(request, error.status_code, None)


def _unknown_name(request: Request, error: Exception) -> Response:
    return _error_page(request, 404, error)


def _input_error(request: Request, error: Exception) -> Response:
    return _error_page(request, 400, error)


def _store_error(request: Request, error: Exception) -> Response:
    request.app.state.on_store_error(str(error))
    return _error_page(request, 503, None, {"Retry-After": str(RETRY_S)})


def _error_page(
    request: Request, status: int, error: Exception | None, headers: dict[str, str] | None = None
) -> Response:
    """A page with one line: the message of `error`, in the reader's language if it is about the URL."""
    server: ServerContext = request.app.state.server
    language = _language(request)
    translated = isinstance(error, UrlError)
    detail = error.translated(language) if isinstance(error, UrlError) else str(error or "")
    title, default = {
        400: (language.translate("This address is not valid"), ""),
        404: (language.translate("Not found"), language.translate("This page does not exist.")),
        503: (
            language.translate("Numbers are not available now"),
            language.translate("Please try again in a few seconds."),
        ),
    }.get(status, (HTTPStatus(status).phrase, ""))
    if isinstance(error, NothingPublishedError):
        title = language.translate("No numbers yet")
    code = request.query_params.get("lang")
    text = render(
        "message.html",
        language,
        site=server.site,
        version=server.version,
        parameters=(("lang", code),) if code in languages() else (),
        current="",
        path="./",
        title=title,
        detail=detail or default,
        detail_lang="en" if detail and not translated else language.code,
    )
    return Response(text, status, media_type="text/html", headers=headers)
