"""What a server on the network has counts as the same files do, read in pieces where it lies."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from tests.sample_videos import NORTH, numbers_of

from passerby.cli import command

pytestmark = pytest.mark.server

aiohttp_web = pytest.importorskip("aiohttp.web", reason="the extra `fleet` is not installed")


@pytest.fixture(scope="module")
def address(north: Path) -> Iterator[str]:
    """Of a server on loopback that lists `north` and answers with parts of files, while the tests run."""
    loop = asyncio.new_event_loop()
    application = aiohttp_web.Application()
    application.router.add_static("/north/", north, show_index=True)
    runner = aiohttp_web.AppRunner(application)

    async def begin() -> int:
        await runner.setup()
        site = aiohttp_web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port: int = runner.addresses[0][1]
        return port

    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    port = asyncio.run_coroutine_threadsafe(begin(), loop).result(30)
    yield f"http://127.0.0.1:{port}/north/"
    asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(30)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(30)
    loop.close()


def run(*words: str) -> Result:
    said = ["--line", "middle=0.5,0:0.5,1", "--detector", "motion", "--timezone", "UTC", "--format", "json"]
    return CliRunner().invoke(command, ["count", *words, *said])


def numbers(result: Result) -> dict[str, Any]:
    """Without what it cost, and where the files lie."""
    assert result.exit_code == 0, result.output
    return numbers_of(result.stdout)


@pytest.mark.parametrize("name", NORTH)
def test_a_file_on_a_server_counts_as_it_does_here(north: Path, address: str, name: str) -> None:
    found = numbers(run(address + name))
    assert found == numbers(run(str(north / name)))
    assert found["totals"]


def test_a_folder_that_a_server_lists_counts_as_it_does_here(north: Path, address: str) -> None:
    assert numbers(run(address)) == numbers(run(str(north)))


def test_a_file_that_a_server_does_not_have_is_reported_in_one_line(address: str) -> None:
    result = run(address + "south.mp4")
    assert result.exit_code == 2
    assert "south.mp4: cannot be read" in result.stderr
    assert "Traceback" not in result.stderr
