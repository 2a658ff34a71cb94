"""`make test` leaves out the slow tiers and says so; `--require-all` lets no missing program hide a test.

Invariant: each rule is seen to fail.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests import tiers

ROOT = Path(__file__).parent.parent

SOME = """
import pytest
from tests.tiers import not_possible

def test_quick(): pass

@pytest.mark.process
def test_of_a_program(): pass

@pytest.mark.slow
@pytest.mark.parametrize("number", range(2))
def test_slow(number): pass
"""
SKIPPED = """
import pytest
from tests.tiers import not_possible

def test_missing_program(): pytest.skip("chromium is not installed")

def test_missing_package(): pytest.importorskip("no_such_package")

@pytest.mark.skipif(True, reason="GStreamer is not installed")
def test_missing_mark(): pass

@pytest.mark.skipif(True, reason=not_possible("there is no second graphics card"))
def test_not_possible(): pass

@pytest.mark.xfail(reason="known")
def test_expected(): assert False
"""
SKIPPED_MODULE = "import pytest\npytest.importorskip('no_such_package')\ndef test_x(): pass\n"


def run(folder: Path, text: str, *options: str) -> "subprocess.CompletedProcess[str]":
    """pytest in a process of its own, with the options and hooks of tests/conftest.py."""
    (folder / "test_some.py").write_text(text)
    words = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-p", "no:cacheprovider", "-q"]
    return subprocess.run(
        [*words, "--rootdir", str(folder), *options, str(folder / "test_some.py")],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
    )


@pytest.mark.process
@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_unit_leaves_out_the_other_tiers_and_says_how_many(tmp_path: Path, workers: tuple[str, ...]) -> None:
    ended = run(tmp_path, SOME, "--unit", *workers)

    assert ended.returncode == 0
    assert "1 passed" in ended.stdout
    assert (
        "3 tests of other tiers were left out (1 process, 2 slow); run all with: make test-all"
        in ended.stdout
    )


@pytest.mark.process
def test_nothing_is_left_out_by_default(tmp_path: Path) -> None:
    ended = run(tmp_path, SOME)

    assert "4 passed" in ended.stdout
    assert "left out" not in ended.stdout


@pytest.mark.process
def test_a_skip_for_something_missing_is_a_failure_where_all_is_required(tmp_path: Path) -> None:
    ended = run(tmp_path, SKIPPED, "--require-all")

    assert ended.returncode == 1
    assert "2 failed, 1 skipped, 1 xfailed, 1 error" in ended.stdout
    assert "GStreamer is not installed" in ended.stdout
    assert "4 skipped, 1 xfailed" in run(tmp_path, SKIPPED).stdout


@pytest.mark.process
@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_a_module_that_is_skipped_is_a_failure_too(tmp_path: Path, workers: tuple[str, ...]) -> None:
    ended = run(tmp_path, SKIPPED_MODULE, "--require-all", *workers)

    assert ended.returncode not in (0, 5)
    assert "no_such_package" in ended.stdout
    assert "1 error" in ended.stdout
    assert run(tmp_path, SKIPPED_MODULE, *workers).returncode == 5


@pytest.mark.parametrize(
    ("reason", "accepted"),
    [
        (tiers.not_possible("there is a CUDA device"), True),
        ("Skipped: " + tiers.not_possible("there is a CUDA device"), True),
        ("Skipped: chromium is not installed", False),
        ("chromium is " + tiers.not_possible("installed"), False),
        ("", False),
    ],
)
def test_only_a_skip_that_no_install_can_mend_is_accepted(reason: str, accepted: bool) -> None:
    assert (tiers.refusal(reason) is None) == accepted
