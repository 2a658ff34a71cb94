"""The pages in a real browser: at three widths, by keyboard, in dark colours, and for screen readers (axe).

Invariant: no request to another host, no message in the browser's console, no script.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from starlette.types import ASGIApp
from tests.axe import serious
from tests.publish.pages import town
from tests.publish.pages.conftest import NASTY, serving

from passerby.domain.release import Cell, Release
from passerby.publish.pages.app import create_app
from passerby.publish.pages.auto_refresh import AutoRefresh
from passerby.publish.store.database import upgrade
from passerby.publish.store.releases import open_store

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Dialog, Page

WIDTHS = (360, 768, 1280)
PAGES = ("./", "counts", "about", "sign", "counts?from=yesterday")
Open = Callable[..., "Page"]


@pytest.fixture
def visit(browser: "Browser", address: str) -> Iterator[Open]:
    """A function that opens a page; the test fails on a request to another host or a message in the console."""
    asked: list[str] = []
    complaints: list[str] = []
    contexts = []

    def opened(path: str, width: int = 1280, **context: Any) -> "Page":
        contexts.append(browser.new_context(viewport={"width": width, "height": 800}, **context))
        page = contexts[-1].new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{address}/{path.removeprefix('./')}")
        return page

    yield opened
    for context in contexts:
        assert context.cookies() == []
        context.close()
    assert asked
    assert [url for url in asked if not url.startswith(f"{address}/")] == []
    assert [each for each in complaints if "400 (Bad Request)" not in each] == []


@pytest.mark.parametrize("path", PAGES)
def test_pages_fit_and_axe_finds_nothing_serious(visit: Open, path: str) -> None:
    page = visit(path)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        charts = page.locator("svg.chart:visible")
        for index in range(charts.count()):
            box = charts.nth(index).bounding_box()
            assert box is not None
            assert 30 < box["height"] < 500
            assert 0 <= box["x"] <= box["x"] + box["width"] <= width
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert serious(page) == [], (width, scheme)


def test_axe_finds_a_planted_problem(visit: Open) -> None:
    page = visit("./")
    page.evaluate("document.querySelector('main').insertAdjacentHTML('beforeend', '<img src=icon.svg>')")
    assert any("image-alt" in each for each in serious(page))


@pytest.mark.parametrize(
    "media", [{"color_scheme": "dark"}, {"contrast": "more"}, {"forced_colors": "active"}]
)
def test_charts_follow_the_preferred_colours(visit: Open, media: dict[str, str]) -> None:
    page = visit("counts")

    def colours() -> list[str]:
        found: list[str] = page.evaluate(
            "['.first_sure_marks path', '.role-axis-grid line', '.noise_marks line']"
            ".map(s => document.querySelector('.wide.course ' + s))"
            ".map(e => getComputedStyle(e).fill + getComputedStyle(e).stroke)"
            ".concat([getComputedStyle(document.body).backgroundColor])"
        )
        return found

    before = colours()
    page.emulate_media(**media)  # type: ignore[arg-type]
    after = colours()
    assert before[0] != after[0]
    assert serious(page) == []


def test_filters_work_by_keyboard(visit: Open) -> None:
    page = visit("./")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.evaluate("document.activeElement.getBoundingClientRect().top") >= 0
    for _ in range(3):
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.innerText") == "Details"
    # The focus is visible.
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    page.wait_for_url("**/counts")
    page.locator("#at").focus()
    page.keyboard.type("harbour")
    page.keyboard.press("Tab")
    page.keyboard.type("Bic")
    page.keyboard.press("Tab")
    page.keyboard.type("out")
    page.locator("#resolution").focus()
    page.keyboard.type("1 hour")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/counts?**")
    assert "at=quay%2Fharbour%2520path" in page.url
    assert "class=bicycle" in page.url
    assert "resolution=hour" in page.url
    assert page.inner_text("h1") == "harbour path"
    assert "Bicycles" in page.inner_text(".lead")
    # The same URL shows the same page to another reader.
    assert page.locator("option:checked").all_inner_texts() == ["harbour path", "Bicycles", "out", "1 hour"]


def test_a_table_opens_and_scrolls_by_keyboard(visit: Open) -> None:
    page = visit("counts", 360)
    page.locator("summary").first.focus()
    page.keyboard.press("Enter")
    region = page.locator("details[open] .scroll")
    assert region.locator("tbody tr").count() == 60
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.classList.contains('scroll')")
    page.keyboard.press("End")
    for _ in range(100):
        # It scrolls smoothly, so it takes a while.
        if page.evaluate("document.activeElement.scrollTop") > 100:
            break
        page.wait_for_timeout(50)
    assert page.evaluate("document.activeElement.scrollTop") > 100
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_scripts_in_names_are_text(browser: "Browser", nasty_app: ASGIApp) -> None:
    with serving(nasty_app) as address:
        page = browser.new_page()
        ran: list[str] = []

        def message(dialog: "Dialog") -> None:
            ran.append(dialog.message)
            dialog.dismiss()

        page.on("dialog", message)
        page.on("console", lambda message: ran.append(message.text))
        for path in ("", "counts", "about", "sign"):
            page.goto(f"{address}/{path}")
            assert page.locator("script").count() == 0
            assert NASTY in page.inner_text("body")
        page.goto(f"{address}/")
        page.locator(".card a").first.click()
        assert page.inner_text("h1") == f"line {NASTY}"
        page.close()
    assert ran == []


def test_every_download_is_a_file(visit: Open, tmp_path: Path) -> None:
    page = visit("counts")
    links = page.locator("a[download]")
    assert links.count() >= 6 * 2 + 1
    begins = {".svg": b"<svg ", ".png": b"\x89PNG", ".csv": b"start,end", ".xlsx": b"PK", ".parquet": b"PAR1"}
    seen = set()
    for index in range(links.count()):
        with page.expect_download() as download:
            links.nth(index).click()
        path = tmp_path / download.value.suggested_filename
        download.value.save_as(path)
        assert path.read_bytes().startswith(begins[path.suffix])
        seen.add(path.name)
    assert len(seen) == links.count()


def test_pages_work_without_scripts(visit: Open) -> None:
    page = visit("counts", java_script_enabled=False)
    assert page.locator("section.panel").count() == 7
    page.locator("nav.ranges a").nth(1).click()
    assert "from=2026-11-17" in page.url
    assert page.locator(".ranges a[aria-current]").inner_text() == "7 days"


def test_the_language_is_chosen_and_kept(visit: Open) -> None:
    page = visit("counts", locale="de-DE")
    assert page.locator("html").get_attribute("lang") == "de"
    page.get_by_role("link", name="Français").click()
    page.get_by_role("link", name="À propos des chiffres").click()
    assert page.locator("html").get_attribute("lang") == "fr"
    assert page.inner_text("h1") == "À propos des chiffres"


def test_the_sign_fits_one_sheet(visit: Open) -> None:
    for language in ("en", "de"):
        page = visit(f"sign?lang={language}")
        sheet = page.pdf(prefer_css_page_size=True)
        assert sheet.count(b"/Type /Page\n") == 1 or sheet.count(b"/Type /Page ") == 1


def test_the_page_reloads_itself_until_the_reader_turns_that_off(
    browser: "Browser", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a script; in this test it reloads each second."""
    path = tmp_path / "releases.db"
    upgrade(path)
    cell = Cell("quay", "bridge", "in", "person")
    start = 1_795_388_400_000
    numbers = [(start, 777), (start + 900_000, 888), (start + 1_800_000, 999)]
    releases = [Release(cell, at, at + 900_000, value, 2.0, 0.8, 1.0, "r") for at, value in numbers]
    site = town.make_site(1)
    with closing(open_store(path, town.ZONE)) as store, serving(create_app(site, path)) as address:
        store.write(releases[:1], "bin")
        monkeypatch.setattr(AutoRefresh, "wait_s", lambda self, now_ms: 1)
        page = browser.new_page(java_script_enabled=False)
        page.set_default_timeout(60_000)
        page.goto(f"{address}/")
        page.get_by_text("777").first.wait_for()
        store.write(releases[1:2], "bin")
        page.get_by_text("888").first.wait_for()
        page.get_by_role("link", name="Turn off").click()
        page.wait_for_url("**/?renew=off")
        page.get_by_text("Automatic updates are off.").wait_for()
        store.write(releases[2:], "bin")
        page.wait_for_timeout(3_000)
        assert page.get_by_text("999").count() == 0
        page.get_by_role("link", name="Turn on").click()
        page.get_by_text("999").first.wait_for()
        page.close()
