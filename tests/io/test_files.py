"""A file is either the old one or the whole new one, whatever happens in between.

Invariant: after each failure the folder holds what it held before.
"""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from tests.tiers import not_possible
from tests.unprivileged import closed_to_root

from passerby.errors import OutputError
from passerby.io import files


def test_writes_text_and_bytes_and_leaves_nothing_beside(tmp_path: Path) -> None:
    files.write(tmp_path / "a.txt", "år\r\n")
    files.write(tmp_path / "b", b"\x00\x01")

    assert (tmp_path / "a.txt").read_bytes() == "år\r\n".encode()
    assert (tmp_path / "b").read_bytes() == b"\x00\x01"
    assert sorted(os.listdir(tmp_path)) == ["a.txt", "b"]


def test_the_path_beside_keeps_the_suffix_by_which_libraries_choose_the_format(tmp_path: Path) -> None:
    with files.replacing(tmp_path / "a.png") as beside:
        assert (beside.suffix, beside.parent) == (".png", tmp_path)


def write_half(path: Path, failure: type[BaseException]) -> None:
    with files.replacing(path) as beside:
        beside.write_text("new, but only ha")
        raise failure


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt])
def test_a_failure_leaves_the_old_file(tmp_path: Path, failure: type[BaseException]) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    with pytest.raises(failure):
        write_half(path, failure)

    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_failure_leaves_no_new_file(tmp_path: Path) -> None:
    with pytest.raises(OutputError):
        write_half(tmp_path / "a.txt", OSError)

    assert os.listdir(tmp_path) == []


def test_permissions_are_those_of_the_old_file_or_of_the_umask(tmp_path: Path) -> None:
    old, new, plain = tmp_path / "old", tmp_path / "new", tmp_path / "plain"
    old.write_text("")
    old.chmod(0o640)
    plain.write_text("")
    files.write(old, "x")
    files.write(new, "x")

    assert stat.S_IMODE(old.stat().st_mode) == 0o640
    assert stat.S_IMODE(new.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


def test_a_symbolic_link_stays_and_its_target_is_written(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "folder" / "file")
    files.write(tmp_path / "link", "x")

    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "folder" / "file").read_text() == "x"


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        (".", "a folder"),
        ("missing/a.txt", "does not exist"),
        ("file/a.txt", "does not exist"),
        ("n" * 300, "too long"),
        ("a\0b", "null"),
        ("pipe", "not a plain file"),
    ],
)
def test_a_file_that_cannot_be_written_is_reported_before_and_while_writing(
    tmp_path: Path, name: str, cause: str
) -> None:
    (tmp_path / "file").write_text("")
    os.mkfifo(tmp_path / "pipe")
    before = sorted(os.listdir(tmp_path))
    path = tmp_path / name

    for attempt in (files.check_writable, lambda path: files.write(path, "x")):
        with pytest.raises(OutputError) as refused:
            attempt(path)
        assert cause in str(refused.value)
        assert str(refused.value).startswith(str(path))
        assert "\n" not in str(refused.value)
    assert sorted(os.listdir(tmp_path)) == before


def test_devices_are_refused_and_not_replaced() -> None:
    with pytest.raises(OutputError, match="not a plain file"):
        files.check_writable(Path("/dev/null"))


CHECK = """
import sys
from pathlib import Path
from passerby.io import files
from passerby.errors import OutputError
try:
    files.check_writable(Path(sys.argv[1]))
except OutputError as error:
    print(error)
"""


def test_a_closed_folder_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        ran = subprocess.run(
            [*closed_to_root(), sys.executable, "-c", CHECK, str(tmp_path / "a.txt")],
            capture_output=True,
            text=True,
            check=True,
        )
    finally:
        tmp_path.chmod(0o700)

    assert ran.stdout == f"{tmp_path / 'a.txt'}: could not be written: Permission denied\n"


def test_checking_leaves_nothing(tmp_path: Path) -> None:
    files.check_writable(tmp_path / "a.txt")

    assert os.listdir(tmp_path) == []


# Run with -B: under this limit Python would leave broken byte code behind for everyone.
TOO_LARGE = """
import resource, sys
from pathlib import Path
from passerby.io import files
from passerby.errors import OutputError
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    files.write(Path(sys.argv[1]), "x" * 5000)
except OutputError as error:
    print(error)
"""


def test_a_file_that_cannot_grow_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    ran = subprocess.run(
        [sys.executable, "-B", "-c", TOO_LARGE, str(path)], capture_output=True, text=True, check=True
    )

    assert ran.stdout == f"{path}: could not be written: File too large\n"
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(tmp_path)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(not_possible("only root can mount a small disk to fill"))
    try:
        path = tmp_path / "a.txt"
        path.write_text("old")
        with pytest.raises(OutputError) as refused:
            files.write(path, b"x" * 200_000)
        assert str(refused.value) == f"{path}: could not be written: No space left on device"
        assert path.read_text() == "old"
        assert os.listdir(tmp_path) == ["a.txt"]
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)
