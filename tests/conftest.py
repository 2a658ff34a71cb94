"""What every test can ask for.

Law: fixtures only; what stands in `../shared` is used where it is there, and its absence is said in words.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from tests.servers import missing, postgresql

ROOT = Path(__file__).parent.parent

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
