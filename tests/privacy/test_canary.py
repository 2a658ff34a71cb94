"""Nothing but releases leaves: a busy street and an empty one leave the same traces behind, numbers of releases apart.

Invariant: whatever is written to disk, standard output or standard error is searched, not what one would think of.
"""

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from passerby import synth
from passerby.config.site import load
from passerby.counting.crossings import find_crossings
from passerby.domain.timespan import cut
from passerby.recordings import release
from passerby.synth import Actor, Kind, Rates, Street, Waypoint

pytestmark = pytest.mark.slow

EMPTY = Street(seed=4, duration_s=12.0, width=256, height=144, fps=12.5, density=Rates(0, 0, 0), parked=0)
CANARIES = tuple(
    Actor(
        f"canary {number}",
        Kind.CYCLIST,
        (Waypoint(1.0 + number * 0.7, -15.0, 16.0), Waypoint(4.0 + number * 0.7, 4.0, 16.0)),
        canary=True,
    )
    for number in range(11)
)
BUSY = replace(EMPTY, density=Rates(2000, 400, 2000), extra=CANARIES)
SITE = """
site: {{name: quay, timezone: UTC}}
cameras:
  north:
    lines:
      road: {{from: {start}, to: {end}, count: [person, bicycle, car]}}
    privacy: {{rho: 4s, k: 2, epsilon: 1, chunk: 6s, warmup: 2s, clip: {clip}, every: 6s}}
"""
EMPTY_FRAMES = EMPTY.frame_count
EXPECTED_FILES = {"ledger.db", "ledger.db.mark", "ledger.db.mark.lock", "released.csv"}


@dataclass(frozen=True)
class Traces:
    """What a run left: files by name, standard output and error."""

    files: dict[str, bytes]
    stdout: str
    stderr: str

    def everything(self) -> bytes:
        return b"\n".join([*self.files.values(), self.stdout.encode(), self.stderr.encode()])


@pytest.fixture(scope="module")
def streets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("streets")
    for name, street in (("busy", BUSY), ("empty", EMPTY)):
        (folder / name).mkdir()
        synth.write(street, folder / name / "video.mp4")
    (line, *_) = synth.lines(BUSY)
    for name, clip in (("site.yaml", 6), ("other.yaml", 5)):
        (folder / name).write_text(SITE.format(start=list(line.start), end=list(line.end), clip=clip))
    return folder


def run(streets: Path, tmp_path: Path, name: str, walks: str, planted: str = "") -> Traces:
    """One process with a home, a folder for temporary files and a working folder of its own, all searched."""
    # The same path each time: it is told in messages.
    home = tmp_path / "home"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    video = tmp_path / "video.mp4"
    shutil.copyfile(streets / name / "video.mp4", video)
    program = Path(__file__).parent / "programs" / "canary.py"
    words = [
        home,
        video,
        streets / "site.yaml",
        streets / "other.yaml",
        walks,
        *([planted] if planted else []),
    ]
    places = dict.fromkeys(("HOME", "TMPDIR", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"), str(home))
    done = subprocess.run(
        [sys.executable, str(program), *map(str, words)],
        capture_output=True,
        text=True,
        cwd=home,
        env={**os.environ, **places, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONDONTWRITEBYTECODE": "1"},
        timeout=300,
        check=True,
    )
    files = {str(path.relative_to(home)): path.read_bytes() for path in home.rglob("*") if path.is_file()}
    if "ledger.db" in files:
        with sqlite3.connect(home / "ledger.db") as ledger:
            files["ledger.sql"] = "\n".join(ledger.iterdump()).encode()
        ledger.close()
    return Traces(files, done.stdout, done.stderr)


def masked(text: str) -> str:
    """Without released numbers, and without hashes and names, which are chance."""
    text = re.sub(r"\b[0-9a-f]{64}\b", "HASH", text)
    text = re.sub(r"\b[0-9a-f]{32}\b", "NAME", text)
    text = re.sub(r'("value": )-?\d+', r"\1VALUE", text)
    text = re.sub(r'("values": ?\[)[-\d, \n]+', r"\1VALUES", text)
    # The columns of the tables for people, and of the CSV.
    text = re.sub(r"(?m)%\s+-?\d+(?=\s+±)", "% VALUE", text)
    text = re.sub(r"(?m)^(.*,(?:bin|day),.*,(?:person|bicycle|car),)-?\d+,", r"\1VALUE,", text)
    # A table is as wide as its numbers.
    return re.sub(r"[ ─]+", " ", text)


def texts(traces: Traces) -> Iterator[tuple[str, str]]:
    yield "stdout", masked(traces.stdout)
    yield "stderr", masked(traces.stderr)
    for name in ("ledger.sql", "released.csv", "ledger.db.mark"):
        yield name, masked(traces.files.get(name, b"").decode())


def leaks(busy: Traces, empty: Traces, times_ms: Iterable[int]) -> list[str]:
    """How the traces of a busy street tell more than those of an empty one."""
    found = [f"file {name}" for name in busy.files.keys() - EXPECTED_FILES - {"ledger.sql"}]
    found += [name for (name, one), (_, other) in zip(texts(busy), texts(empty), strict=True) if one != other]
    everything = busy.everything()
    for time_ms in times_ms:
        if any(one in everything for one in (b"%d" % time_ms, time_ms.to_bytes(6), time_ms.to_bytes(8))):
            found.append("the time of a crossing")
    return found + [f"texture, frame {number}" for number in textures(everything)]


@lru_cache(maxsize=1)
def runs() -> tuple[tuple[int, bytes, bytes], ...]:
    """Of some frames, a dozen pixels in a row across a canary: the frame's number, in BGR and in grey."""
    found = []
    for number in range(6, EMPTY_FRAMES, 12):
        (image,) = synth.frames(BUSY, first=number, last=number + 1)
        green = (image[..., 1].astype(int) - image[..., 0] - image[..., 2]) > 60
        for row, column in np.argwhere(green)[::25]:
            run = image[row, max(0, column - 6) : column + 6]
            if len(run) == 12:
                found.append((number, run.tobytes(), run.mean(axis=1).astype(np.uint8).tobytes()))
    return tuple(found)


def textures(everything: bytes) -> list[int]:
    """The frames of which a canary is found."""
    return [number for number, colour, grey in runs() if colour in everything or grey in everything]


@pytest.fixture(scope="module")
def times_ms(streets: Path) -> list[int]:
    """When the private path itself saw each crossing, and when they truly were."""
    (line, *_) = load(streets / "site.yaml").cameras[0].lines
    video = streets / "busy" / "video.mp4"
    (counting,), _ = release.countings(video, "north", [line], detector="motion", timezone="UTC")
    size = BUSY.width, BUSY.height
    spans = list(cut(release.recorded_span(counting), 6_000))
    counted = [
        crossing.time_ms
        for crossings in release.tracked(
            release.Part((counting,), tuple((0, span) for span in spans)),
            lambda tracks, _, span: find_crossings(tracks, [line.line], size, span),
        )
        for crossing in crossings
    ]
    assert len(counted) >= 5
    return counted + [crossing.time_ms for crossing in synth.truth(BUSY, synth.lines(BUSY))]


@pytest.fixture(scope="module")
def empty(streets: Path, tmp_path_factory: pytest.TempPathFactory) -> Traces:
    return run(streets, shared_place(tmp_path_factory), "empty", "all")


@pytest.fixture(scope="module")
def busy(streets: Path, tmp_path_factory: pytest.TempPathFactory) -> Traces:
    return run(streets, shared_place(tmp_path_factory), "busy", "all")


def shared_place(factory: pytest.TempPathFactory) -> Path:
    place = factory.getbasetemp() / "canary"
    place.mkdir(exist_ok=True)
    return place


def test_a_busy_street_leaves_the_traces_of_an_empty_one(
    busy: Traces, empty: Traces, times_ms: list[int]
) -> None:
    assert leaks(busy, empty, times_ms) == []


def test_the_whole_path_was_walked(busy: Traces) -> None:
    assert len(re.findall(r'"value": -?\d', busy.stdout)) == 2 * 2 * 6
    assert "ended with 2" in busy.stdout
    assert "entries, each fits the one before" in busy.stdout
    assert "the budget does not reach" in busy.stderr
    assert "before epoch 2 began" in busy.stderr
    assert "answered from past releases" in busy.stderr


@pytest.fixture(scope="module")
def first_of_empty(streets: Path, tmp_path_factory: pytest.TempPathFactory) -> Traces:
    return run(streets, shared_place(tmp_path_factory), "empty", "first")


@pytest.mark.parametrize(
    ("planted", "where"),
    [
        ("logged", "stderr"),
        ("named", "file chunk-"),
        ("cached", "the time of a crossing"),
        ("suppressed", "stdout"),
    ],
)
def test_a_planted_leak_is_found(
    planted: str,
    where: str,
    streets: Path,
    first_of_empty: Traces,
    times_ms: list[int],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    street = "empty" if planted == "suppressed" else "busy"
    traces = run(streets, shared_place(tmp_path_factory), street, "first", planted)
    assert any(leak.startswith(where) for leak in leaks(traces, first_of_empty, times_ms))


def test_a_texture_is_found() -> None:
    image = next(synth.frames(BUSY, first=30, last=31))
    assert textures(image.tobytes())
    assert not textures(b"nothing")
