"""What every test can ask for.

Invariant: fixtures only; what stands in `../shared` is used where it is there, and its absence is said in words.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from tests.sample_videos import NORTH, walkers, write
from tests.servers import missing, postgresql

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).parent.parent
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""

# How long an example takes says more about the machine than about the code.
settings.register_profile("passerby", deadline=None)
settings.load_profile("passerby")


def _shared(folder: str) -> Path:
    path = ROOT.parent / "shared" / folder
    if not path.is_dir():
        pytest.skip(f"{path} is not there")
    return path


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared_clips() -> Path:
    """Real recordings with a `truth.yaml`; never in the repository."""
    return _shared("clips")


@pytest.fixture(scope="session")
def shared_models() -> Path:
    """Detector weights; never in the repository."""
    return _shared("models")


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The URL of a PostgreSQL server of our own."""
    pytest.importorskip("psycopg", reason="the extra `postgres` is not installed")
    reason = missing()
    if reason is not None:
        pytest.skip(reason)
    with postgresql() as url:
        yield url


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """Debian's chromium, driven by Playwright."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not CHROMIUM:
        pytest.skip("chromium is not installed: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        # Chromium's sandbox does not start for root, and shared memory is small in containers.
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*arguments, "--disable-dev-shm-usage"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def north(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of two recordings. What tells where pictures lie is at their ends: it has to be looked for."""
    folder = tmp_path_factory.mktemp("north")
    for seconds, name in zip((4, 12), NORTH, strict=True):
        write(folder / name, walkers(seconds, width=160, height=90))
    return folder
