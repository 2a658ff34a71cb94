"""The documentation site: it is built strictly, and it loads nothing from another host.

Invariant: each mistake that the build looks for is planted here, and seen.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from tools import architecture, docs_site

import passerby

ROOT = Path(__file__).parent.parent
SITE = ROOT / "build/docs-site"


@pytest.fixture(scope="module")
def built() -> Path:
    ran = subprocess.run(
        [sys.executable, "-m", "tools.docs_site"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return SITE


@pytest.mark.slow
def test_the_site_is_built_without_a_warning(built: Path) -> None:
    for page in ("index", "tutorial/index", "reference/python", "reference/glossary", "explanation/privacy"):
        assert (built / f"{page}.html").is_file()
    text = (built / "reference/python.html").read_text()
    assert [name for name in passerby.__all__ if f'id="passerby.{name}"' not in text] == []


@pytest.mark.slow
def test_the_site_loads_nothing_from_another_host(built: Path) -> None:
    assert list(docs_site.loaded_from_elsewhere(built)) == []


class Quiet(SimpleHTTPRequestHandler):
    """Serves files, and prints nothing."""

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def address(built: Path) -> Iterator[str]:
    """Where the site is served, on loopback."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(built))) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.mark.browser
def test_a_browser_asks_no_other_host_and_finds_all_it_asks_for(built: Path, address: str) -> None:
    playwright = pytest.importorskip("playwright.sync_api")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed")
    asked: list[str] = []
    answers: list[tuple[int, str]] = []
    with playwright.sync_playwright() as started:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = started.chromium.launch(executable_path=chromium, args=arguments)
        page = browser.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("response", lambda answer: answers.append((answer.status, answer.url)))
        for path in sorted(built.rglob("*.html")):
            page.goto(address + path.relative_to(built).as_posix())
        browser.close()
    assert len(asked) > 100
    assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []
    assert [answer for answer in answers if answer[0] >= 400] == []


def test_the_picture_of_the_import_rules_is_current() -> None:
    drawn = architecture.drawing(ROOT / "pyproject.toml")

    assert "publish" in drawn
    assert architecture.PICTURE.read_text() == drawn, (
        "docs/reference/architecture.svg is stale: run make docs"
    )


def test_a_dead_link_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docs_site, "ROOT", tmp_path)
    page = tmp_path / "page.md"
    page.write_text(
        "[gone](gone.md) ![gone too](gone.png) [this](page.md#part) `[code](x.md)` <https://example.org>\n"
    )

    mistakes = list(docs_site.dead_links(page, tmp_path))

    assert [mistake.split(": ")[1] for mistake in mistakes] == ["gone.md", "gone.png"]


def test_a_page_outside_the_navigation_is_found(tmp_path: Path) -> None:
    (tmp_path / "new.md").write_text("# New\n")

    mistakes = list(docs_site.navigation_mistakes(tmp_path, [{"Old": ["old.md"]}]))

    assert mistakes == [
        "docs/new.md: expected in nav of zensical.toml",
        "zensical.toml: nav: old.md: expected a page in docs/",
    ]


def test_an_undocumented_public_name_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    class Silent:
        pass

    monkeypatch.setattr(passerby, "Silent", Silent, raising=False)
    monkeypatch.setattr(passerby, "__all__", ["Silent"])

    assert list(docs_site.undocumented_names("")) == [
        "passerby.Silent: expected a docstring",
        "docs/reference/python.md: expected a line ::: passerby.Silent",
    ]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.html", '<script src="https://example.org/a.js"></script>'),
        ("a.html", "<link rel=stylesheet href=//example.org/a.css>"),
        ("a.css", "@import 'https://example.org/a.css'"),
        ("a.css", "src: url(https://example.org/a.woff2)"),
    ],
)
def test_a_file_of_another_host_is_found(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)

    assert len(list(docs_site.loaded_from_elsewhere(tmp_path))) == 1
