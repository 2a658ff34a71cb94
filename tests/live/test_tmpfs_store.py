"""What is kept of open bins: in memory alone, of this user alone, and only what can be read."""

import os
from collections.abc import Iterator
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.privacy.test_open_bins import opened, said
from tests.tiers import not_possible

from passerby.errors import OutputError
from passerby.live.supervisor import tmpfs_store
from passerby.live.supervisor.tmpfs_store import TmpfsStore, folder_of, is_memory

SHM = Path("/dev/shm")

needs_memory = pytest.mark.skipif(not is_memory(SHM), reason=not_possible("/dev/shm is not in memory"))


@pytest.fixture
def memory() -> Iterator[Path]:
    folder = Path(mkdtemp(dir=SHM))
    yield folder
    rmtree(folder)


@needs_memory
def test_what_is_kept_is_read_by_who_comes_after(memory: Path) -> None:
    open_ = opened()
    open_.add(said(91, 3, 0), 9_000, 4_000)
    TmpfsStore(memory / "site").save("north", [open_])
    TmpfsStore(memory / "site").save("south", [opened()])
    loaded = TmpfsStore(memory / "site").load()
    assert sorted(loaded, key=lambda one: one.covered_ms) == [opened(), open_]
    TmpfsStore(memory / "site").save("north", [])
    assert TmpfsStore(memory / "site").load() == [opened()]


@needs_memory
@pytest.mark.parametrize("name", ["n" * 300, "../south", "a/b", ".", "nørd ✓", "%2e"])
def test_a_camera_of_any_name_has_one_file_within_the_folder(memory: Path, name: str) -> None:
    kept = TmpfsStore(memory / "site")
    kept.save(name, [opened()])
    kept.save(name, [opened()])
    assert len(list((memory / "site").iterdir())) == 1
    assert {one.name for one in memory.iterdir()} == {"site"}
    assert kept.load() == [opened()]


@needs_memory
def test_what_cannot_be_read_is_left_out(memory: Path) -> None:
    kept = TmpfsStore(memory / "site")
    kept.save("north", [opened()])
    for number, text in enumerate(
        ("", "{", "[1]", "[{}]", '{"a": 1}', "\udcff", "[null]", '[{"charge": {}}]')
    ):
        (memory / "site" / f"{number}.json").write_text(text, errors="surrogateescape")
    (memory / "site" / "folder.json").mkdir()
    assert kept.load() == [opened()]


@needs_memory
@given(st.binary(max_size=200))
def test_any_bytes_in_a_file_are_left_out(content: bytes) -> None:
    folder = Path(mkdtemp(dir=SHM))
    try:
        kept = TmpfsStore(folder)
        (folder / "x.json").write_bytes(content)
        assert kept.load() == []
    finally:
        rmtree(folder)


@needs_memory
def test_a_half_written_file_leaves_the_one_before(memory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = TmpfsStore(memory / "site")
    kept.save("north", [opened()])

    def full(_path: Path, _target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OutputError, match="No space"):
        kept.save("north", [opened(), opened()])
    assert kept.load() == [opened()]


@needs_memory
def test_only_its_user_sees_it(memory: Path) -> None:
    TmpfsStore(memory / "site")
    assert (memory / "site").stat().st_mode & 0o777 == 0o700
    (memory / "open").mkdir()
    (memory / "open").chmod(0o755)
    with pytest.raises(OutputError, match="of this user alone"):
        TmpfsStore(memory / "open")
    (memory / "link").symlink_to(memory / "site")
    with pytest.raises(OutputError, match="of this user alone"):
        TmpfsStore(memory / "link")
    (memory / "file").touch()
    with pytest.raises(OutputError, match="could not be made"):
        TmpfsStore(memory / "file")


def mounts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *of: tuple[Path | str, str]) -> None:
    """What the kernel tells, as if this were mounted where."""
    text = "".join(
        f"{number} 1 0:1 / {point} rw - {kind} none rw\n" for number, (point, kind) in enumerate(of)
    )
    (tmp_path / "mountinfo").write_text(text)
    monkeypatch.setattr(tmpfs_store, "_MOUNTS", tmp_path / "mountinfo")


def test_a_disk_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounts(monkeypatch, tmp_path, ("/", "ext4"), (tmp_path / "shm", "tmpfs"), (tmp_path / "shm/disk", "ext4"))
    with pytest.raises(OutputError, match="on a disk, expected a folder in memory"):
        TmpfsStore(tmp_path / "site")
    assert is_memory(tmp_path / "shm" / "a" / "b")
    assert not is_memory(tmp_path / "shm" / "disk" / "a")
    assert not is_memory(tmp_path / "shmoo")
    TmpfsStore(tmp_path / "shm" / "site")


def test_a_name_with_a_space_is_found_among_the_mounts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts(monkeypatch, tmp_path, ("/", "ext4"), (f"{tmp_path}/a\\040b", "tmpfs"))
    assert is_memory(tmp_path / "a b" / "site")
    assert not is_memory(tmp_path / "a")


def test_without_a_word_of_the_kernel_nothing_is_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tmpfs_store, "_MOUNTS", tmp_path / "none")
    assert not is_memory(tmp_path)


def test_a_service_has_a_folder_of_its_own_and_each_site_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, user = tmp_path / "run", tmp_path / "user"
    run.mkdir()
    user.mkdir()
    mounts(monkeypatch, tmp_path, ("/", "tmpfs"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(user))
    monkeypatch.setenv("RUNTIME_DIRECTORY", f"{run}:{tmp_path}/other")
    found = folder_of(tmp_path / "state")
    assert found.parent == run
    assert folder_of(tmp_path / "other") != found
    assert folder_of(tmp_path / "x" / ".." / "state") == found
    monkeypatch.delenv("RUNTIME_DIRECTORY")
    assert folder_of(tmp_path / "state").parent == user
    # On a disk it is never kept, whoever names it.
    mounts(monkeypatch, tmp_path, ("/", "ext4"))
    assert folder_of(tmp_path / "state").parent == SHM
    assert str(os.geteuid()) in folder_of(tmp_path / "state").name
