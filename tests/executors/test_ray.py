"""A cluster gives the same counts as this machine, to the byte, also when its nodes die.

Ray listens on ports and runs any code sent to them, so the tests run in a network namespace that ends with them.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tests.sample_videos import walkers, write
from tests.tiers import not_possible

from passerby.cli import command
from passerby.errors import InputError
from passerby.executors import ray

pytestmark = pytest.mark.server

PROGRAM = Path(__file__).parent / "programs" / "cluster.py"
APART = ["unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
RECORDINGS = 30
# Ray's own program lies beside this Python, which need not be on the path.
PATH = f"{Path(sys.executable).parent}:{os.environ['PATH']}"


def _missing() -> str | None:
    """The reason that no cluster can be started here, None if there is none."""
    pytest.importorskip("ray", reason="the extra `fleet` is not installed")
    for program in ("unshare", "ip", "ss", "mount", "ray"):
        if shutil.which(program, path=PATH) is None:
            return f"{program} is not installed"
    probe = subprocess.run([*APART, "true"], capture_output=True, check=False)
    return None if probe.returncode == 0 else not_possible("no network namespace may be made")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    if reason := _missing():
        pytest.skip(reason)
    # Ray's sockets lie below it, and their names are short.
    with short_folder() as folder:
        (folder / "videos").mkdir()
        for number in range(RECORDINGS):
            path = folder / "videos" / f"north_20240601_12{number:02}00.mp4"
            write(path, walkers(20 + number % 3 * 8, 5, 160, 90), rate=5)
        words = ["count", str(folder / "videos"), "--line", "middle=0.5,0:0.5,1", "--detector", "motion"]
        words += ["--timezone", "UTC", "--format", "csv", "--quiet"]
        here = CliRunner().invoke(command, words)
        assert here.exit_code == 0
        ended = subprocess.run(
            [*APART, sys.executable, str(PROGRAM), str(folder)],
            capture_output=True,
            text=True,
            timeout=500,
            check=False,
            env=os.environ | {"PATH": PATH},
        )
        assert ended.returncode == 0, ended.stderr
        read = {path.name: path.read_text() for path in folder.glob("*.csv")}
        return {**json.loads(ended.stdout), "here": here.stdout, "read": read}


@contextmanager
def short_folder() -> Iterator[Path]:
    import tempfile

    with tempfile.TemporaryDirectory(prefix="fl", ignore_cleanup_errors=True) as name:
        yield Path(name)


def test_a_cluster_listens_on_loopback_alone_when_told_to(report: dict[str, Any]) -> None:
    assert report["listening"]
    assert all("127.0.0.1" in address for address in report["listening"])


def test_one_node_counts_as_this_machine_does(report: dict[str, Any]) -> None:
    assert (report["one node"]["code"], report["one node"]["stderr"]) == (0, [])
    assert report["read"]["one.csv"] == report["here"]
    assert report["one node"]["left"] == ["one.csv"]


def test_a_node_killed_amid_the_work_changes_nothing(report: dict[str, Any]) -> None:
    assert report["a node killed"]["amid"]
    assert (report["a node killed"]["code"], report["a node killed"]["stderr"]) == (0, [])
    assert report["read"]["killed.csv"] == report["here"]


def test_standard_output_holds_counts_alone(report: dict[str, Any]) -> None:
    cases = ("one node", "a node killed", "a node without the files", "another token", "no token")
    assert [report[case]["stdout"] for case in cases] == [""] * len(cases)


def test_a_node_without_the_recordings_gives_one_warning(report: dict[str, Any]) -> None:
    found = report["a node without the files"]
    assert found["code"] == 0
    [line] = found["stderr"]
    assert line.startswith("passerby: warning: node ")
    assert "no such file" in line
    assert report["read"]["hidden.csv"] == report["here"]


def test_a_cluster_refuses_a_client_without_its_token(report: dict[str, Any]) -> None:
    for case, problem in (("another token", "could not connect"), ("no token", "found no token")):
        assert report[case]["code"] == 2
        [line] = report[case]["stderr"]
        assert problem in line
        assert report[case]["left"] == []


@pytest.mark.parametrize(
    ("address", "token", "problem"),
    [
        (None, "x", "expected --address HOST:PORT of a running cluster"),
        ("127.0.0.1:1", "", "found no token"),
        ("127.0.0.1:1", "x", "no cluster answers there"),
        ("auto", "x", "expected HOST:PORT"),
        ("127.0.0.1:99999", "x", "expected HOST:PORT"),
    ],
)
def test_a_wrong_address_or_a_missing_token_is_an_error_before_ray_is_imported(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, address: str | None, token: str, problem: str
) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN", token)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setitem(sys.modules, "ray", None)
    for name in ("RAY_ADDRESS", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(InputError, match=problem), ray.connected(address, print):
        pass
