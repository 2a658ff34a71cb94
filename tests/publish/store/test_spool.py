"""The spool with a database that is away, a crash at any step, a full or damaged disk, and a key."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from zlib import crc32

import pytest
from tests.publish.conftest import PERSON, ZONE, fresh_database, release

from passerby.domain.release import Level, Release
from passerby.errors import ConflictError, InputError, OutputError, StoreError
from passerby.publish.store.database import upgrade
from passerby.publish.store.query import Query
from passerby.publish.store.releases import Store, open_store
from passerby.publish.store.spool import Drained, Spool


class MemoryStore:
    """A store in memory; raises StoreError while `away`."""

    def __init__(self) -> None:
        self.batches: list[tuple[list[Release], Level]] = []
        self.away = False

    def write(self, releases: Sequence[Release], level: Level) -> None:
        if self.away:
            raise StoreError("the database is away")
        self.batches.append((list(releases), level))


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool")


def fernet_key() -> str:
    fernet = pytest.importorskip("cryptography.fernet", reason="the extra `private` is not installed")
    return str(fernet.Fernet.generate_key().decode())


def test_batches_are_sent_once_and_in_order(spool: Spool) -> None:
    memory_store = MemoryStore()
    assert spool.drain(memory_store) == Drained()
    batches: list[tuple[list[Release], Level]] = [
        ([release(number, -number, noise_scale=30 / 7), release(number + 9, 1)], "bin") for number in range(5)
    ]
    batches.append(([release(length_ms=86_400_000)], "day"))
    for batch, level in batches:
        spool.put(batch, level)
    assert spool.waiting_bytes() > 0
    assert spool.drain(memory_store) == Drained(sent=6)
    assert memory_store.batches == batches
    assert spool.waiting_bytes() == 0
    assert spool.drain(memory_store) == Drained()


@pytest.mark.parametrize("encrypted", [False, True])
def test_batches_of_an_earlier_version_are_sent(tmp_path: Path, encrypted: bool) -> None:
    spool, memory_store = Spool(tmp_path / "spool", fernet_key() if encrypted else None), MemoryStore()
    # Eleven things in a row, and nothing of the sender's clock.
    rows = [["north", "bridge", "in", "person", 0, 900_000, -3, 30.0, 0.8, 0.5, "receipt"]]
    text = json.dumps(["bin", rows]).encode()
    body = b"j " + text if spool._cipher is None else b"f " + spool._cipher.encrypt(text)
    (tmp_path / "spool" / "waiting").write_bytes(b"%08x %s\n" % (crc32(body), body))
    assert spool.drain(memory_store) == Drained(sent=1)
    assert memory_store.batches == [
        ([Release(PERSON, 0, 900_000, -3, 30.0, 0.8, 0.5, "receipt", None)], "bin")
    ]


@pytest.mark.parametrize("share", [None, 0.0, 0.123456, 1.0])
def test_sender_clock_survives_the_spool(spool: Spool, share: float | None) -> None:
    memory_store = MemoryStore()
    spool.put([release(sender_clock=share)], "bin")
    spool.drain(memory_store)
    assert memory_store.batches == [([release(sender_clock=share)], "bin")]


def test_batches_wait_while_the_database_is_away(spool: Spool) -> None:
    memory_store = MemoryStore()
    memory_store.away = True
    for number in range(3):
        spool.put([release(number)], "bin")
        with pytest.raises(StoreError, match="away"):
            spool.drain(memory_store)
    memory_store.away = False
    assert spool.drain(memory_store) == Drained(sent=3)
    assert [batch for batch, _ in memory_store.batches] == [[release(number)] for number in range(3)]


def test_a_database_server_that_comes_back_gets_everything_once(server: str, spool: Spool) -> None:
    where = fresh_database(server)
    upgrade(where)
    store = open_store(where, ZONE)
    socket = Path(where.partition("host=")[2]) / ".s.PGSQL.5432"
    spool.put([release(0)], "bin")
    assert spool.drain(store) == Drained(sent=1)
    store.close()
    socket.rename(socket.with_name("away"))
    try:
        for number in (1, 2):
            spool.put([release(number)], "bin")
            with pytest.raises(StoreError, match="cannot be used"):
                spool.drain(store)
    finally:
        socket.with_name("away").rename(socket)
    assert spool.drain(store) == Drained(sent=2)
    assert [row.start_ms for row in store.rows(Query())] == [release(number).start_ms for number in range(3)]
    (hour,) = store.rows(Query("hour"))
    assert (hour.value, hour.releases) == (15, 3)
    store.close()


@pytest.mark.process
def test_killed_between_any_two_steps_everything_is_sent_exactly_once(tmp_path: Path) -> None:
    import json

    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("programs") / "spool_crash.py"), str(tmp_path)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    outcomes = json.loads(done.stdout)
    assert len(outcomes) > 60
    assert [each["finished"] for each in outcomes] == [False] * (len(outcomes) - 1) + [True]
    for each in outcomes:
        assert each["again"]
        assert each["bins"] == [0, 1]
        assert each["hours"] == [[1, 2]]
        assert (each["left"], each["refused"]) == (0, False)


@pytest.mark.process
def test_killed_at_random_moments_everything_is_sent_exactly_once(location: str, tmp_path: Path) -> None:
    """As above, with a server that goes on alone after its client was killed."""
    upgrade(location)
    open_store(location, ZONE).close()
    spool = Spool(tmp_path / "spool")
    for number in range(200):
        spool.put([release(number, 1)], "bin")
    rng, killed = random.Random(7), 0
    for attempt in range(12):
        process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("programs") / "drain.py", tmp_path / "spool", location],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        assert process.stdout is not None
        assert process.stdout.readline() == b"begins\n"
        if attempt < 4:
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=rng.uniform(0, 0.3))
            process.kill()
        killed += process.wait(timeout=60) != 0
        process.stdout.close()
        if spool.waiting_bytes() == 0:
            break
    assert killed
    store = open_store(location, read_only=True)
    assert [row.start_ms for row in store.rows(Query())] == [
        release(number).start_ms for number in range(200)
    ]
    assert [(row.value, row.releases) for row in store.rows(Query("hour"))] == [(4, 4)] * 50
    store.close()


def test_without_the_check_of_keys_the_database_refuses_a_second_copy(
    spool: Spool, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tests above can fail: a store without this check would count a batch twice."""
    spool.put([release()], "bin")
    spool.put([release()], "bin")
    monkeypatch.setattr(
        "passerby.publish.store.writing._new",
        lambda connection, releases, ids, level: list(releases),
    )
    with pytest.raises(StoreError, match=r"UNIQUE|unique"):
        spool.drain(store)


def test_a_refused_batch_is_set_aside_and_the_rest_is_sent(
    spool: Spool, store: Store, tmp_path: Path
) -> None:
    spool.put([release(0, 1)], "bin")
    spool.put([release(0, 2)], "bin")
    spool.put([release(1, 3)], "bin")
    assert spool.drain(store) == Drained(sent=2, refused=1)
    assert [row.value for row in store.rows(Query())] == [1, 3]
    (kept,) = (tmp_path / "spool" / "refused").read_text().splitlines()
    level, rows = json.loads(kept)
    # Named by cell, time and receipt: its value is gone.
    assert (level, [len(row) for row in rows]) == ("bin", [7])
    with pytest.raises(ConflictError):
        store.write([release(0, 2)], "bin")


def test_with_a_key_nothing_can_be_read_from_the_disk(tmp_path: Path) -> None:
    key = fernet_key()
    sealed = Spool(tmp_path / "sealed", key)
    sealed.put([release(value=123_456_789)], "bin")
    raw = (tmp_path / "sealed" / "waiting").read_bytes()
    for clear in (b"north", b"bridge", b"person", b"123456789"):
        assert clear not in raw
    memory_store = MemoryStore()
    with pytest.raises(StoreError, match="expected the spool's key"):
        Spool(tmp_path / "sealed").drain(memory_store)
    with pytest.raises(StoreError, match="another key"):
        Spool(tmp_path / "sealed", fernet_key()).drain(memory_store)
    assert memory_store.batches == []
    assert Spool(tmp_path / "sealed", key).drain(memory_store) == Drained(sent=1)
    assert memory_store.batches == [([release(value=123_456_789)], "bin")]


def test_batches_from_before_the_key_are_still_sent(tmp_path: Path) -> None:
    Spool(tmp_path).put([release(0)], "bin")
    sealed = Spool(tmp_path, fernet_key())
    sealed.put([release(1)], "bin")
    assert sealed.drain(MemoryStore()) == Drained(sent=2)


@pytest.mark.parametrize("key", ["", "secret", "ä" * 44])
def test_the_error_of_an_invalid_key_does_not_show_the_key(tmp_path: Path, key: str) -> None:
    fernet_key()
    with pytest.raises(InputError, match="32 random bytes") as message:
        Spool(tmp_path, key)
    assert not key or key not in str(message.value)


def test_an_incomplete_line_is_dropped_and_the_next_is_whole(spool: Spool, tmp_path: Path) -> None:
    spool.put([release(0)], "bin")
    waiting = tmp_path / "spool" / "waiting"
    whole = waiting.read_bytes()
    waiting.write_bytes(whole + whole[:-20])
    spool.put([release(1)], "bin")
    waiting.write_bytes(waiting.read_bytes() + whole[:40])
    memory_store = MemoryStore()
    assert spool.drain(memory_store) == Drained(sent=2)
    assert [batch for batch, _ in memory_store.batches] == [[release(0)], [release(1)]]


def test_a_damaged_line_is_set_aside(spool: Spool, tmp_path: Path) -> None:
    for number in range(3):
        spool.put([release(number)], "bin")
    waiting = tmp_path / "spool" / "waiting"
    lines = waiting.read_bytes().splitlines(keepends=True)
    lines[1] = lines[1].replace(b"north", b"south")
    waiting.write_bytes(b"".join(lines))
    memory_store = MemoryStore()
    assert spool.drain(memory_store) == Drained(sent=2, refused=1)
    assert all(each.cell == PERSON for batch, _ in memory_store.batches for each in batch)


def test_a_full_disk_is_an_error_and_leaves_no_incomplete_line(
    spool: Spool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool.put([release(0)], "bin")
    write = os.write
    with monkeypatch.context() as patch:
        taken: list[int] = []

        def full(descriptor: int, content: bytes) -> int:
            if taken:
                raise OSError(28, "No space left on device")
            taken.append(write(descriptor, content[:30]))
            return taken[0]

        patch.setattr(os, "write", full)
        with pytest.raises(OutputError, match="No space left"):
            spool.put([release(1)], "bin")
    assert (tmp_path / "spool" / "waiting").read_bytes().count(b"\n") == 1
    spool.put([release(2)], "bin")
    memory_store = MemoryStore()
    spool.drain(memory_store)
    assert [batch for batch, _ in memory_store.batches] == [[release(0)], [release(2)]]


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="file"):
        Spool(tmp_path / "file" / "spool")


def test_only_one_process_drains_at_a_time(spool: Spool, tmp_path: Path) -> None:
    spool.put([release()], "bin")

    class Nosy(MemoryStore):
        def write(self, releases: Sequence[Release], level: Level) -> None:
            assert Spool(tmp_path / "spool").drain(MemoryStore()) == Drained()
            super().write(releases, level)

    assert spool.drain(Nosy()) == Drained(sent=1)
