"""The fixtures that every test can use, and the options of the test run.

Invariant: a test that cannot run is skipped with the reason; with `--require-all` such a skip is a failure.
"""

import os
import shutil
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings
from tests import tiers
from tests.sample_videos import NORTH, walkers, write
from tests.servers import missing, postgresql

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).parent.parent
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""

# No test fetches weights by accident, nor does a program that it starts.
os.environ["PASSERBY_OFFLINE"] = "1"

# No deadline: how long an example takes says more about the machine than about the code.
settings.register_profile("passerby", deadline=None, derandomize=True)
settings.register_profile("fuzz", deadline=None, max_examples=2_000, print_blob=True)
settings.load_profile("passerby")

_LEFT_OUT = pytest.StashKey[dict[str, int]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("passerby")
    group.addoption("--unit", action="store_true", help="Run only unit and property tests.")
    group.addoption(
        "--require-all", action="store_true", help="Fail where a program, a package or a file is missing."
    )


def pytest_configure(config: pytest.Config) -> None:
    for tier, description in tiers.TIERS.items():
        config.addinivalue_line("markers", f"{tier}: {description}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        tiers.mark(item)
    if config.getoption("unit"):
        items[:], left_out = tiers.split(items)
        config.hook.pytest_deselected(items=left_out)
        config.stash[_LEFT_OUT] = tiers.counted(left_out)


def pytest_sessionfinish(session: pytest.Session) -> None:
    # A worker of pytest-xdist has this dictionary, and sends it to the process that prints the summary.
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["left_out"] = session.config.stash.get(_LEFT_OUT, {})


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    node.config.stash[_LEFT_OUT] = getattr(node, "workeroutput", {}).get("left_out", {})


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if left_out := config.stash.get(_LEFT_OUT, {}):
        terminalreporter.write_line(tiers.described(left_out), yellow=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _refuse_skip(report, item.config)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _refuse_skip(report, collector.config)
    return report


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport, config: pytest.Config) -> None:
    """With `--require-all`, make a failure of a skip for a missing program, package or file."""
    if not (report.skipped and config.getoption("require_all")) or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    if refusal := tiers.refusal(reason):
        report.outcome = "failed"
        report.longrepr = refusal


def _shared(folder: str) -> Path:
    """A folder of `../shared`, which is no part of the repository: no install brings it, so a checkout may lack it.

    Where `../shared` is there, each of its folders has to be.
    """
    shared = ROOT.parent / "shared"
    if not shared.is_dir():
        pytest.skip(tiers.not_possible(f"{shared} does not exist"))
    if not (shared / folder).is_dir():
        pytest.skip(f"{shared / folder} does not exist")
    return shared / folder


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
