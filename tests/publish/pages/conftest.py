"""The public page of a made-up town, in this process and over a real socket."""

import socket
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

pytest.importorskip("fastapi", reason="the extra `web` is not installed")
pytest.importorskip("vl_convert", reason="the extra `web` is not installed")

from starlette.testclient import TestClient
from tests.publish.pages import town

from passerby.publish.pages.app import create_app
from passerby.publish.store import Store, open_store

DAYS = 45


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
    """Asks the town's page."""
    return TestClient(create_app(town.make_site(1), town_path, version="1.2.3"))


@pytest.fixture(scope="session")
def address(town_path: Path) -> Iterator[str]:
    """Where the town's page is served, on a port of this machine."""
    uvicorn = pytest.importorskip("uvicorn", reason="the extra `web` is not installed")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        app = create_app(town.make_site(1), town_path, version="1.2.3")
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False, lifespan="off"))
        thread = Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join()
