"""The process of a camera, heard and ended: whatever it writes, it says something in its form or it ends."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Queue

import pytest

from passerby.live.protocol import MOST_BYTES, CheckDetectors, FromWorker, PaidSpan, Ready
from passerby.live.supervisor.worker_process import WorkerProcess

pytestmark = pytest.mark.process

PATIENCE_S = 60.0
ORDER = CheckDetectors(detectors=[], model_dir=None)
HELLO = '{"message": "ready", "detector": "motion"}'
Program = Callable[[str], "Heard"]


class Heard:
    """A child, and what it says."""

    def __init__(self) -> None:
        self.said: Queue[FromWorker | None] = Queue()
        self.worker = WorkerProcess(ORDER, lambda _child, message: self.said.put(message))

    def next(self) -> FromWorker | None:
        return self.said.get(timeout=PATIENCE_S)


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Program]:
    """Runs some Python in the place of what sees."""
    ran: list[Heard] = []

    def run(text: str) -> Heard:
        path = tmp_path / "seeing"
        path.write_text(f"#!{python}\nimport os, sys, time\nout = sys.stdout\n{text}\n")
        path.chmod(0o700)
        ran.append(Heard())
        return ran[-1]

    python = sys.executable
    monkeypatch.setattr(sys, "executable", str(tmp_path / "seeing"))
    yield run
    for heard in ran:
        heard.worker.kill()
        heard.worker.wait(PATIENCE_S)


def test_what_it_says_is_heard_in_order_and_then_its_end(program: Program) -> None:
    heard = program(f"for _ in range(3): print('{HELLO}', flush=True)")
    assert [heard.next() for _ in range(4)] == [*[Ready(detector="motion")] * 3, None]
    assert heard.worker.ended
    # It says nothing to who is gone, and has nothing more to end.
    heard.worker.send(PaidSpan(line="road", start_ms=0, end_ms=1))
    heard.worker.stop()
    heard.worker.kill()
    heard.worker.wait(PATIENCE_S)
    assert heard.said.empty()


@pytest.mark.parametrize(
    "text",
    [
        "print('a picture of somebody')",
        'print(\'{"message": "picture"}\')',
        "print()",
        "out.buffer.write(bytes(range(256)))",
        f"out.write('x' * {MOST_BYTES * 3})",
        "print('[' * 60_000)",
        'print(\'{"message": "chunk-counts", "line": \' + \'[\' * 60_000)',
    ],
)
def test_what_may_not_pass_ends_it_and_is_not_heard(program: Program, text: str) -> None:
    heard = program(f"print('{HELLO}')\n{text}\nprint('{HELLO}', flush=True)\ntime.sleep(600)")
    assert heard.next() == Ready(detector="motion")
    assert heard.next() is None
    assert heard.worker.ended


def test_it_is_given_its_order_and_no_key(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PASSERBY_DATABASE", "PASSERBY_LEDGER", "PASSERBY_SPOOL_KEY"):
        monkeypatch.setenv(name, "postgresql://passerby:geheim-7391@db/x")
    monkeypatch.setenv("CAMERA_PASSWORD", "7391")
    heard = program(
        "assert 'check' in sys.stdin.readline()\n"
        "known = 'geheim' in repr(dict(os.environ)) or 'CAMERA_PASSWORD' not in os.environ\n"
        'print(\'{"message": "ready", "detector": "%s"}\' % known, flush=True)'
    )
    assert heard.next() == Ready(detector="False")
    assert os.environ["PASSERBY_LEDGER"]


def test_it_ends_when_it_is_told_no_more(program: Program) -> None:
    heard = program(f"print('{HELLO}', flush=True)\nfor _ in sys.stdin: pass")
    assert heard.next() == Ready(detector="motion")
    assert not heard.worker.ended
    heard.worker.stop()
    assert heard.next() is None


def test_one_that_does_not_end_is_ended(program: Program) -> None:
    heard = program(f"print('{HELLO}', flush=True)\ntime.sleep(600)")
    assert heard.next() == Ready(detector="motion")
    heard.worker.stop()
    heard.worker.wait(0.1)
    assert heard.worker.ended
    assert heard.next() is None


def test_one_that_reads_nothing_holds_nobody_up(program: Program) -> None:
    heard = program(f"print('{HELLO}', flush=True)\ntime.sleep(600)")
    heard.next()
    for number in range(500):
        heard.worker.send(PaidSpan(line="road", start_ms=number, end_ms=number + 1))
    assert not heard.worker.ended


def test_where_no_process_can_be_started_it_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "none"))
    with pytest.raises(FileNotFoundError):
        Heard()
