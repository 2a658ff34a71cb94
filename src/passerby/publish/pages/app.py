"""The pages and their files: which address shows what.

Invariant: thin: read the choice, look it up, draw it, say it; a mistake in an address is a page with one clear line.
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
from passerby.publish.pages.cache_middleware import Front
from passerby.publish.pages.counted_lines import places_of
from passerby.publish.pages.downloads import FORMS, table_bytes
from passerby.publish.pages.filters import read
from passerby.publish.pages.languages import Language, languages
from passerby.publish.pages.page_context import Served, Shown
from passerby.publish.pages.templates import render
from passerby.publish.pages.url_errors import MisreadError, NotYetError, UnpublishedError
from passerby.publish.store.lazy_store import OpenedStore

_STATIC = Path(__file__).with_name("static")
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9-]+")

router = APIRouter()


def _asked(request: Request) -> tuple[tuple[str, str], ...]:
    """What the URL says. Raises InputError."""
    return read(request.query_params.multi_items())


def _language(request: Request) -> Language:
    """That of the URL, else the one the browser likes best."""
    known = languages()
    said = request.query_params.get("lang")
    return known[said if said in known else request.state.language]


def _shown(request: Request) -> Shown:
    """Raises InputError, StoreError, and NotYetError where nothing was published yet."""
    served: Served = request.app.state.served
    asked = _asked(request)
    store = served.opened.store()
    places = places_of(served.site, store.cells())
    newest_ms = views.newest_ms(store, places)
    if newest_ms is None:
        raise NotYetError("Nothing has been published here yet.")
    return Shown(served, _language(request), asked, store, places, newest_ms)


Found = Annotated[Shown, Depends(_shown)]


@router.get("/")
def now(request: Request, shown: Found) -> Response:
    """The newest of every line, and the plan of the place."""
    values = contents.now(shown)
    # The door tells browsers when, for it knows the time of each answer.
    request.state.renewal = values["renewal"]
    return _page("now.html", shown, "now", "./", **values)


@router.get("/counts")
def counts(shown: Found) -> Response:
    """One line: what was chosen of it, in charts and tables."""
    return _page("counts.html", shown, "counts", "counts", **contents.counts(shown))


@router.get("/about")
def about(shown: Found) -> Response:
    """What is counted here, and what is not."""
    return _page("about.html", shown, "about", "about", **contents.about(shown))


@router.get("/sign")
def sign(shown: Found) -> Response:
    """The same to print and put up."""
    return _page("sign.html", shown, "about", "sign", **contents.sign(shown))


@router.get("/counts.{form}")
def numbers(shown: Found, form: str) -> Response:
    """The numbers that are shown, as a file."""
    if form not in FORMS:
        raise HTTPException(404)
    choice = shown.choice()
    rows = shown.store.rows(views.query_of(choice, shown.store))
    content = table_bytes(rows, shown.store.timezone, form)
    return _file(content, FORMS[form], f"{choice.place.name} {choice.first} {choice.last}.{form}")


@router.get("/chart-{name}.{form}")
def chart(shown: Found, name: str, form: str) -> Response:
    """A chart as a picture that stands alone."""
    if name not in panels.CHARTS or form not in ("svg", "png"):
        raise HTTPException(404)
    view = views.view(shown.store, shown.choice())
    if not panels.CHARTS[name].has(view):
        raise UnpublishedError("nothing was published for this picture")
    spec = panels.alone(name, view, shown.language, shown.served.site.name)
    choice = view.choice
    title = f"{choice.place.name} {name} {choice.first} {choice.last}.{form}"
    if form == "png":
        return _file(rendering.png(spec), "image/png", title)
    return _file(rendering.svg(spec).encode(), "image/svg+xml", title)


@router.get("/plan-{number}")
def picture(request: Request, number: str) -> Response:
    """The picture of a camera's view without anybody."""
    read(request.query_params.multi_items(), ())
    served: Served = request.app.state.served
    found = served.plans.get(number)
    if found is None:
        raise HTTPException(404)
    # Opened by itself, an SVG file is a page of its own: it may not do anything.
    alone = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    return Response(found.content, media_type=found.media_type, headers={"Content-Security-Policy": alone})


@router.get("/style.css")
def style(request: Request) -> Response:
    read(request.query_params.multi_items(), ())
    return Response((_STATIC / "style.css").read_bytes(), media_type="text/css")


@router.get("/icon.svg")
def icon(request: Request) -> Response:
    read(request.query_params.multi_items(), ())
    return Response((_STATIC / "icon.svg").read_bytes(), media_type="image/svg+xml")


@router.get("/healthz")
def healthz(request: Request) -> Response:
    """Whether this process answers."""
    read(request.query_params.multi_items(), ())
    return Response("ok\n", media_type="text/plain", headers={"Cache-Control": "no-store"})


def create_app(
    site: Site,
    where: str | Path,
    *,
    version: str = "development",
    on_store_error: Callable[[str], None] = lambda text: None,
) -> ASGIApp:
    """The public page of `site` over the store at `where`, which need not be there yet.

    Raises InputError for a plan that cannot be shown. `version` is passerby's, told by the caller: the package's own
    file names what sees.
    """
    opened = OpenedStore(where)
    app = FastAPI(title="Passerby", version=version, docs_url=None, redoc_url=None, openapi_url=None)
    pictures = {
        str(number): plan.load(camera.plan)
        for number, camera in enumerate(site.cameras)
        if camera.plan is not None
    }
    app.state.served = Served(site, pictures, version, opened)
    app.state.on_store_error = on_store_error
    app.router.redirect_slashes = False
    app.include_router(router)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(UnknownNameError, _unknown)
    app.add_exception_handler(InputError, _input)
    app.add_exception_handler(StoreError, _store)
    return Front(app, opened)


def _page(template: str, shown: Shown, here: str, path: str, **values: object) -> Response:
    served = shown.served
    common = {
        "site": served.site,
        "version": served.version,
        "asked": shown.asked,
        "here": here,
        "path": path,
    }
    text = render(template, shown.language, **common, **values)
    return Response(text, media_type="text/html")


def _file(content: bytes, media_type: str, name: str) -> Response:
    stem, _, form = name.rpartition(".")
    plain = _NOT_IN_A_NAME.sub("-", stem).strip("-") or "passerby"
    headers = {"Content-Disposition": f'attachment; filename="{plain}.{form}"'}
    return Response(content, media_type=media_type, headers=headers)


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _message(request, error.status_code, None)


def _unknown(request: Request, error: Exception) -> Response:
    return _message(request, 404, error)


def _input(request: Request, error: Exception) -> Response:
    return _message(request, 400, error)


def _store(request: Request, error: Exception) -> Response:
    request.app.state.on_store_error(str(error))
    return _message(request, 503, None, {"Retry-After": str(RETRY_S)})


def _message(
    request: Request, status: int, error: Exception | None, headers: dict[str, str] | None = None
) -> Response:
    """A page of one line: that of the `error`, in the reader's language where it is one of an address."""
    served: Served = request.app.state.served
    language = _language(request)
    translated = isinstance(error, MisreadError)
    detail = error.told(language) if isinstance(error, MisreadError) else str(error or "")
    title, usual = {
        400: (language.say("This address cannot be read"), ""),
        404: (language.say("Not found"), language.say("There is no such page here.")),
        503: (
            language.say("The numbers cannot be read now"),
            language.say("Please try again in a few seconds."),
        ),
    }.get(status, (HTTPStatus(status).phrase, ""))
    if isinstance(error, NotYetError):
        title = language.say("No numbers yet")
    said = request.query_params.get("lang")
    text = render(
        "message.html",
        language,
        site=served.site,
        version=served.version,
        asked=(("lang", said),) if said in languages() else (),
        here="",
        path="./",
        title=title,
        detail=detail or usual,
        detail_lang="en" if detail and not translated else language.code,
    )
    return Response(text, status, media_type="text/html", headers=headers)
