"""A synthetic count and its time slices, so that the expected contents of a page are known.

Invariant: no recording is needed to test a page.
"""

import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from threading import Event, Thread

import numpy as np
import pytest

from passerby.counting.counts import BinCount, Cost, Counts, Crossing, LineDiagnostics
from passerby.domain.geometry import Direction, Line
from passerby.domain.labels import Label
from passerby.verify.check_session import CheckSession
from passerby.video.scene.time_slice import TICK_MS, TimeSlice, Tone

START = datetime(2026, 5, 4, 14, 15, tzinfo=timezone(timedelta(hours=2)))
LINES = (Line("near", (0.5, 0.0), (0.5, 1.0), names=("in", "out")), Line("far", (0.1, 0.5), (0.9, 0.5)))
MADE_UP: Sequence[tuple[float, str, Direction, Label, float]] = (
    (2.0, "near", "to_left", Label.PERSON, 0.3),
    (5.5, "near", "to_right", Label.CAR, 0.6),
    (31.0, "near", "to_left", Label.PERSON, 0.5),
    (4.0, "far", "to_right", Label.BICYCLE, 0.5),
)
"""Seconds, line, direction, label, along."""
UNCOUNTED = (15.0, 0.8)
"""Seconds and place of motion on `near` that was not counted."""


def time_slice(line: Line, duration_s: float) -> TimeSlice:
    tones = np.zeros((32, round(duration_s * 1000 / TICK_MS)), np.uint8)
    spots = [(at_s, along) for at_s, name, _, _, along in MADE_UP if name == line.name]
    for at_s, along in [*spots, UNCOUNTED] if line.name == "near" else spots:
        tick, cell = round(at_s * 1000 / TICK_MS), round(along * 32)
        tones[cell - 2 : cell + 2, tick - 3 : tick + 3] = Tone.DARKER
    return TimeSlice(line.name, 0, tones)


@pytest.fixture
def new_session(tmp_path: Path) -> Callable[[], CheckSession]:
    """Makes sessions of the same count, all saved in the same file."""
    start_ms = round(START.timestamp() * 1000)
    crossings = tuple(
        Crossing(start_ms + round(at_s * 1000), line, direction, label, along, 0.8)
        for at_s, line, direction, label, along in MADE_UP
    )
    end = START + timedelta(minutes=15)
    counts = Counts(
        video=str(tmp_path / "street.mp4"),
        start=START,
        start_ms=start_ms,
        start_from="--start",
        duration_s=60.0,
        frames=1500,
        detector="motion",
        bins=(BinCount(START, end, "near", "in", "person", 0, 0.07),),
        totals=(),
        crossings=crossings,
        cost=Cost(0, 0, 0, 0, 0, 0),
        warnings=("street.mp4: <b>damaged</b>",),
        diagnostics=(LineDiagnostics("near", 4, 3, 2, 3), LineDiagnostics("far", 0, 0, 0, 1)),
    )

    def make() -> CheckSession:
        slices = tuple(
            TimeSlice(line.name, start_ms, time_slice(line, counts.duration_s).tones) for line in LINES
        )
        return CheckSession(counts, LINES, slices, (640, 360), 25.0, tmp_path / "street.truth.yaml")

    return make


@pytest.fixture
def session(new_session: Callable[[], CheckSession]) -> CheckSession:
    return new_session()


TOKEN = "a-token-of-this-test"


@dataclass(frozen=True)
class Served:
    """A served page: its `address` without the token, and whether its check is `finished`."""

    address: str
    token: str
    finished: Event

    @property
    def page(self) -> str:
        return f"{self.address}/{self.token}/"


@pytest.fixture
def served(session: CheckSession) -> Iterator[Served]:
    """The page of `session`, on a port of this machine."""
    uvicorn = pytest.importorskip("uvicorn", reason="uvicorn is not installed: pip install 'passerby[web]'")
    from passerby.verify.server import application

    finished = Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        pages = application(session, TOKEN, finished.set)
        server = uvicorn.Server(uvicorn.Config(pages, log_level="error", access_log=False))
        thread = Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield Served(f"http://127.0.0.1:{listening.getsockname()[1]}", TOKEN, finished)
        server.should_exit = True
        thread.join()
