"""What every page has: its head, the way to the others, and how a refusal is told.

Invariant: text is shown as text; no page puts what somebody typed into markup.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import quote

from fastapi import Request
from nicegui import ui
from nicegui.elements.mixins.text_element import TextElement

from passerby.console.context import Desk, Signed
from passerby.console.security_middleware import SIGNED
from passerby.errors import PasserbyError

Body = Callable[[Desk, Signed, Request], Awaitable[None]]

WAYS = (
    ("/", "Cameras"),
    ("/budget", "Budget"),
    ("/keys", "API keys"),
    ("/people", "People"),
    ("/journal", "Journal"),
)


def add_page(desk: Desk, path: str, title: str, body: Body) -> None:
    """Register a page; `body` fills it."""

    @ui.page(path, title=f"{title} – passerby console")
    async def shown(request: Request) -> None:
        signed: Signed = request.scope[SIGNED]
        ui.add_head_html('<link rel="stylesheet" href="/console.css">')
        _head(desk, signed, path)
        with ui.element("main").classes("page"):
            try:
                await body(desk, signed, request)
            except PasserbyError as error:
                problems(str(error).splitlines())
        ui.timer(5.0, lambda: None if desk.alive(signed) else ui.navigate.to("/sign-in"))


def words(tag: str, text: str | None, classes: str = "") -> TextElement:
    """A plain element with a text."""
    return TextElement(tag=tag, text=text or "").classes(classes)


def heading(title: str, about: str = "") -> None:
    words("h1", title)
    if about:
        words("p", about, "about")


def problems(lines: Sequence[str]) -> None:
    with ui.element("div").props("role=alert"), ui.element("ul").classes("problems"):
        for line in lines:
            words("li", line)


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], empty: str) -> None:
    """A table of texts; `empty` is said where there is no row."""
    if not rows:
        words("p", empty, "empty")
        return
    with ui.element("div").classes("table"), ui.element("table"):
        with ui.element("thead"), ui.element("tr"):
            for head in heads:
                words("th", head)
        with ui.element("tbody"):
            for row in rows:
                with ui.element("tr"):
                    for head, cell in zip(heads, row, strict=True):
                        words("td", cell).props["data-head"] = head


@contextmanager
def told() -> Iterator[None]:
    """What the block is refused is told on the page."""
    try:
        yield
    except PasserbyError as error:
        for line in str(error).splitlines()[:10]:
            ui.notify(line, type="negative", multi_line=True, timeout=12_000, close_button="OK")


def camera_url(path: str, camera: str) -> str:
    return f"{path}?name={quote(camera, safe='')}"


def written_url(camera: str) -> str:
    """The page of a camera, which then says that the site file was written."""
    return camera_url("/camera", camera) + "&written"


def _head(desk: Desk, signed: Signed, here: str) -> None:
    with ui.element("header").classes("head"):
        with ui.element("p").classes("brand"):
            words("b", "passerby")
            words("span", " console")
        with ui.element("nav").props('aria-label="Pages"'):
            for path, title in WAYS:
                link = words("a", title).props(f'href="{path}"')
                if path == here:
                    link.props('aria-current="page"')
        with ui.element("form").classes("who").props('method="post" action="/sign-out"'):
            words("span", f"{signed.user} ({signed.role})")
            words("button", "Sign out").props('type="submit"')
