"""The public page of a made-up town, in this process and over a real socket."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest

pytest.importorskip("fastapi", reason="the extra `web` is not installed")
pytest.importorskip("vl_convert", reason="the extra `web` is not installed")

from starlette.testclient import TestClient
from starlette.types import ASGIApp
from tests.publish.pages import town

from passerby.config.site import parse
from passerby.domain.release import Cell, Release
from passerby.publish.pages.app import create_app
from passerby.publish.store.database import upgrade
from passerby.publish.store.releases import Store, open_store

ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
ENVIRONMENT.pop("PASSERBY_DATABASE", None)
DAYS = 45
NASTY = "<script>alert(1)</script>'\"{{7*7}}"
"""A name that would run as a script or a template if it were not escaped."""


@pytest.fixture(scope="session")
def town_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of the town: one camera, two lines, some weeks."""
    path = tmp_path_factory.mktemp("town") / "releases.db"
    town.fill(path, DAYS, 1)
    return path


@pytest.fixture
def town_store(town_path: Path) -> Iterator[Store]:
    store = open_store(town_path, read_only=True)
    yield store
    store.close()


@pytest.fixture(scope="session")
def client(town_path: Path) -> TestClient:
    """A client of the town's pages."""
    return TestClient(create_app(town.make_site(1), town_path, version="1.2.3"))


@contextmanager
def serving(app: ASGIApp) -> Iterator[str]:
    """Serves `app` on a port of this machine; the context is its address."""
    uvicorn = pytest.importorskip("uvicorn", reason="the extra `web` is not installed")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False, lifespan="off"))
        thread = Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def started(folder: Path, *words: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """Runs a `passerby` command that serves; the context is its address and the process."""
    process = subprocess.Popen(
        [sys.executable, "-m", "passerby", *words, "--port", "0"],
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env=ENVIRONMENT,
    )
    assert process.stderr is not None
    try:
        lines = iter(process.stderr.readline, "")
        yield next(found[0] for line in lines if (found := re.search(r"http://\S+:\d+/", line))), process
    finally:
        process.kill()
        process.wait(timeout=60)
        process.stderr.close()


@pytest.fixture(scope="session")
def address(town_path: Path) -> Iterator[str]:
    """The address of the town's pages."""
    with serving(create_app(town.make_site(1), town_path, version="1.2.3")) as found:
        yield found


@pytest.fixture(scope="session")
def nasty_app(tmp_path_factory: pytest.TempPathFactory) -> ASGIApp:
    """The page of a site whose names are all NASTY."""
    folder = tmp_path_factory.mktemp("nasty")
    path = folder / "releases.db"
    upgrade(path)
    store = open_store(path, town.ZONE)
    cells = [Cell(NASTY, f"line {NASTY}", direction, "person") for direction in (f"in {NASTY}", "out")]
    start = 1_795_388_400_000
    store.write([Release(cell, start, start + 900_000, 900, 2.0, 0.8, 1.0, "r") for cell in cells], "bin")
    store.close()
    quoted = NASTY.replace("'", "''")
    site = parse(
        f"""
site: {{name: 'site {quoted}', timezone: Europe/Copenhagen}}
page: {{operator: '{quoted}', purpose: '{quoted}', contact: '{quoted}'}}
cameras:
  '{quoted}':
    lines:
      'line {quoted}': {{from: [0.1, 0.5], to: [0.9, 0.5], names: ['in {quoted}', out]}}
    privacy: {{epsilon: 1}}
""",
        folder / "site.yaml",
    )
    return create_app(site, path)
