"""One camera is watched at a time, and pictures are deleted; the journal only grows.

Invariant: the camera and the clock are simulated.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from passerby.config.camera_address import Address
from passerby.console import jobs as module
from passerby.console.jobs import WAITS_S, Jobs, reason_text
from passerby.console.journal import Entry, Journal
from passerby.domain.link_health import Reason
from passerby.errors import InputError
from passerby.video.setup import background_capture
from passerby.video.setup.background_capture import EmptyPicture

PICTURE = EmptyPicture(b"a background", 640, 360, 0.0, ("yolox_nano",))
ADDRESS = Address("rtsp://user:secret@nowhere/")


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> Jobs:
    """Jobs whose work is done at once."""
    monkeypatch.setattr(module, "_start", lambda work: work())
    monkeypatch.setattr(background_capture, "detectors_at_hand", lambda _: ())
    return Jobs()


def seeing(monkeypatch: pytest.MonkeyPatch, *items: Any) -> None:
    def capture(*_: Any, **__: Any) -> Iterator[Any]:
        for item in items:
            if isinstance(item, Exception):
                raise item
            yield item

    monkeypatch.setattr(background_capture, "capture", capture)


def test_a_picture_that_nobody_approves_is_deleted(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(module, "monotonic", lambda: now[0])
    seeing(monkeypatch, PICTURE)
    jobs.capture("north", ADDRESS, "tcp")

    now[0] += WAITS_S
    job = jobs.capture_of("north")
    assert job is not None
    assert job.picture is PICTURE
    now[0] += 1
    assert jobs.capture_of("north") is None


def test_another_camera_waits_until_the_first_has_ended(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    seeing(monkeypatch, background_capture.Progress(background_capture.Step.WATCHING, 0.1))
    first = jobs.capture("north", ADDRESS, "tcp")
    assert first.runs

    with pytest.raises(InputError, match="the console is watching camera north"):
        jobs.capture("south", ADDRESS, "tcp")
    jobs.drop("north")
    jobs.capture("south", ADDRESS, "tcp")


def test_the_error_of_a_library_is_not_shown(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    seeing(monkeypatch, RuntimeError("cannot open rtsp://user:secret@nowhere/"))

    assert jobs.capture("north", ADDRESS, "tcp").problem == "the capture failed"


def test_every_reason_has_a_text() -> None:
    assert [
        reason for reason in Reason if reason is not Reason.LIVE and reason_text(reason) == reason.value
    ] == []


def test_the_journal_grows_and_skips_invalid_lines(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    journal = Journal(path)
    assert journal.last() == ()
    first, second = Entry(1, "Ada", "here", "signed in"), Entry(2, "", "there", "a\nline", "<b>\u2028")
    journal.add(first)
    before = path.read_bytes()
    with path.open("a") as file:
        file.write("rubbish\n[]\n")

    journal.add(second)

    assert path.read_bytes().startswith(before)
    assert len(path.read_bytes().splitlines()) == 4
    assert journal.last() == (second, first)
    assert journal.last(1) == (second,)
    assert path.stat().st_mode & 0o077 == 0


def test_a_journal_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_text(
        '{"time_ms": 1790000000000, "who": "Ada", "where": "127.0.0.1", "what": "approved a plate", "about": "north"}\n'
        '{"time_ms": 1790000000001, "who": "", "where": "127.0.0.1", "what": "could not sign in", "about": ""}\n'
    )

    assert Journal(path).last() == (
        Entry(1_790_000_000_001, "", "127.0.0.1", "could not sign in"),
        Entry(1_790_000_000_000, "Ada", "127.0.0.1", "approved a plate", "north"),
    )
