"""`passerby serve` as a process: the modules that it loads, how it stops, and its errors."""

import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest
from sqlalchemy import Engine, event
from tests.publish.pages import town
from tests.publish.pages.conftest import ENVIRONMENT, started

from passerby.config.site import load
from passerby.publish.pages import contents
from passerby.publish.pages.cache_middleware import FRESH_S
from passerby.publish.pages.languages import languages
from passerby.publish.pages.page_context import PageContext, ServerContext
from passerby.publish.pages.published_lines import published_lines
from passerby.publish.pages.views import newest_ms
from passerby.publish.store.lazy_store import LazyStore

pytestmark = pytest.mark.process

SEEING = ("cv2", "libav", "onnxruntime", "openvino", "PIL")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "site.yaml").write_text(town.site_text(1))
    return tmp_path


def test_the_server_loads_no_module_that_sees_pictures_and_stops(folder: Path, town_path: Path) -> None:
    with started(folder, "serve", "site.yaml", "--database", str(town_path)) as (address, process):
        with urlopen(f"{address}counts") as got:
            assert got.status == 200
            assert f"max-age={FRESH_S}" in got.headers["Cache-Control"]
            assert "bridge" in got.read().decode()
        maps = Path(f"/proc/{process.pid}/maps")
        if maps.is_file():
            assert [name for name in SEEING if f"/{name}" in maps.read_text()] == []
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) in (0, -signal.SIGTERM)


def test_the_server_starts_before_its_store(folder: Path) -> None:
    with started(folder, "serve", "site.yaml") as (address, _):
        assert urlopen(f"{address}healthz").read() == b"ok\n"


@pytest.mark.parametrize(
    ("site", "message"),
    [
        ("none.yaml", "none.yaml"),
        ("wrong.yaml", "wrong.yaml:1: site.colour"),
        ("planless.yaml", "none.png: the plan cannot be read"),
    ],
)
def test_a_mistake_is_one_line(folder: Path, site: str, message: str) -> None:
    (folder / "wrong.yaml").write_text(town.site_text(1).replace("{name:", "{colour: red, name:"))
    (folder / "planless.yaml").write_text(town.site_text(1, camera="plan: none.png"))
    done = subprocess.run(
        [sys.executable, "-m", "passerby", "serve", site, "--port", "0"],
        capture_output=True,
        text=True,
        cwd=folder,
        env=ENVIRONMENT,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert message in done.stderr


def test_a_port_in_use_is_an_error(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [sys.executable, "-m", "passerby", "serve", "site.yaml", "--port", port],
            capture_output=True,
            text=True,
            cwd=folder,
            env=ENVIRONMENT,
            timeout=60,
            check=False,
        )
    assert done.returncode == 2
    assert f"--port {port}: cannot be listened on" in done.stderr


@pytest.mark.parametrize("page", ["now", "counts", "about"])
def test_the_number_of_store_queries_does_not_depend_on_the_number_of_cameras(
    tmp_path: Path, page: str
) -> None:
    """What a page costs must not grow with cameras: 10 of them over a year were measured, see docs/how-to/pages.md."""
    asked = []
    for cameras in (1, 4):
        path = tmp_path / f"{cameras}.db"
        town.fill(path, 2, cameras)
        (tmp_path / "site.yaml").write_text(town.site_text(cameras))
        site, opened = load(tmp_path / "site.yaml"), LazyStore(path)
        store = opened.store()
        statements: list[str] = []

        def note(*arguments: object, into: list[str] = statements) -> None:
            into.append(str(arguments[2]))

        event.listen(Engine, "before_cursor_execute", note)
        try:
            newest = newest_ms(store, published_lines(site, store.cells()))
            assert newest is not None
            shown = PageContext(
                ServerContext(site, {}, "1", opened),
                languages()["en"],
                (),
                store,
                published_lines(site, store.cells()),
                newest,
            )
            getattr(contents, page)(shown)
        finally:
            event.remove(Engine, "before_cursor_execute", note)
        opened.close()
        asked.append(len([each for each in statements if each.startswith("SELECT")]))
    assert asked[0] == asked[1]
    assert asked[0] > 3
