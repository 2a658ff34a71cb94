"""The parts that every page has: header, navigation, and the display of errors.

Invariant: texts are shown as text; no page puts a typed text into markup.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import quote

from fastapi import Request
from nicegui import ui
from nicegui.elements.mixins.text_element import TextElement

from passerby.console.context import ConsoleContext, Login
from passerby.console.security_middleware import LOGIN
from passerby.errors import PasserbyError

Body = Callable[[ConsoleContext, Login, Request], Awaitable[None]]

PAGES = (
    ("/", "Cameras"),
    ("/budget", "Privacy budget"),
    ("/keys", "API keys"),
    ("/people", "People"),
    ("/journal", "Journal"),
)

VIEWER = "Viewers cannot make changes."


def add_page(context: ConsoleContext, path: str, title: str, body: Body) -> None:
    """Register a page, whose contents `body` adds."""

    @ui.page(path, title=f"{title} – passerby console")
    async def page(request: Request) -> None:
        login: Login = request.scope[LOGIN]
        ui.add_head_html('<link rel="stylesheet" href="/console.css">')
        _header(login, path)
        with ui.element("main").classes("page"):
            try:
                await body(context, login, request)
            except PasserbyError as error:
                problems(str(error).splitlines())
        ui.timer(5.0, lambda: None if context.is_valid(login) else ui.navigate.to("/sign-in"))


def text_element(tag: str, text: str | None, classes: str = "") -> TextElement:
    """An element `tag` that contains `text`."""
    return TextElement(tag=tag, text=text or "").classes(classes)


def heading(title: str, about: str = "") -> None:
    text_element("h1", title)
    if about:
        text_element("p", about, "about")


def problems(lines: Sequence[str]) -> None:
    with ui.element("div").props("role=alert"), ui.element("ul").classes("problems"):
        for line in lines:
            text_element("li", line)


@contextmanager
def table(heads: Sequence[str]) -> Iterator[None]:
    """A table with its head; the rows are added in the block."""
    with ui.element("div").classes("table"), ui.element("table"):
        with ui.element("thead"), ui.element("tr"):
            for head in heads:
                text_element("th", head)
        with ui.element("tbody"):
            yield


def cells(heads: Sequence[str], texts: Sequence[str]) -> None:
    """The cells of a row; on a narrow screen each shows its head."""
    for head, text in zip(heads, texts, strict=True):
        text_element("td", text).props["data-head"] = head


def text_table(heads: Sequence[str], rows: Sequence[Sequence[str]], empty: str) -> None:
    """A table of texts, or the text `empty` if there is no row."""
    if not rows:
        text_element("p", empty, "empty")
        return
    with table(heads):
        for row in rows:
            with ui.element("tr"):
                cells(heads, row)


@contextmanager
def errors_shown() -> Iterator[None]:
    """Show an error of the block on the page."""
    try:
        yield
    except PasserbyError as error:
        for line in str(error).splitlines()[:10]:
            ui.notify(line, type="negative", multi_line=True, timeout=12_000, close_button="OK")


def camera_url(path: str, camera: str) -> str:
    return f"{path}?name={quote(camera, safe='')}"


def background_url(camera: str, digest: str) -> str:
    """The URL of an approved background; another picture has another URL."""
    return f"/background.png?camera={quote(camera, safe='')}&v={digest[:12]}"


def written_url(camera: str) -> str:
    """The page of a camera, with a message that the site file was written."""
    return camera_url("/camera", camera) + "&written"


def _header(login: Login, current: str) -> None:
    with ui.element("header").classes("head"):
        with ui.element("p").classes("brand"):
            text_element("b", "passerby")
            text_element("span", " console")
        with ui.element("nav").props('aria-label="Pages"'):
            for path, title in PAGES:
                link = text_element("a", title).props(f'href="{path}"')
                if path == current:
                    link.props('aria-current="page"')
        with ui.element("form").classes("login").props('method="post" action="/sign-out"'):
            text_element("span", f"{login.user} ({login.role})")
            text_element("button", "Sign out").props('type="submit"')
