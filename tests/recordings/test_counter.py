"""The public interface to counting: a counter, its stream, functions as detectors, and tables."""

import itertools
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from tests.sample_videos import Image, walkers, write

import passerby
from passerby.errors import InputError, LineError, ModelError, OutputError, SourceError

pytestmark = pytest.mark.slow

MIDDLE = passerby.Line("middle", (0.5, 0.0), (0.5, 1.0))
START = "2024-06-01T12:00:00Z"
START_MS = 1_717_243_200_000
PARAMS = passerby.CountingParams(chunk_ms=10_000, context=passerby.ContextParams(min_sample=10**6))


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Somebody every four seconds, six times."""
    path = tmp_path_factory.mktemp("video") / "north_20240601_120000Z.mp4"
    return write(path, walkers(24, width=160, height=90))


@pytest.fixture(scope="module")
def counts(video: Path) -> passerby.Counts:
    return passerby.Counter([MIDDLE], "motion", params=PARAMS).count(video, timezone="UTC", bin_ms=10_000)


def dark(image: NDArray[np.uint8]) -> passerby.Boxes:
    """A detector of one's own: a box around all dark pixels that are not masked."""
    rows, columns = np.nonzero((image.max(axis=2) < 90) & (image.max(axis=2) > 5))
    if len(rows) < 20:
        return passerby.Boxes.of([])
    sides = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
    left, top, right, bottom = (float(side) for side in sides)
    return passerby.Boxes.of([(left, top, right, bottom, 0.9, passerby.Label.PERSON)])


def images(path: Path) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    with av.open(str(path)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            yield START_MS + number * 100, np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)


# Counting


def test_a_counter_counts_as_the_function_does(video: Path, counts: passerby.Counts) -> None:
    again = passerby.count(video, [MIDDLE], detector="motion", timezone="UTC", bin_ms=10_000, chunk_ms=10_000)
    assert len(counts.crossings) == 6
    assert [(c.time_ms, c.direction) for c in again.crossings] == [
        (c.time_ms, c.direction) for c in counts.crossings
    ]


def test_other_parameters_give_another_count(video: Path) -> None:
    params = passerby.CountingParams(crossing=passerby.CrossingParams(moving_min_travel=100))
    assert passerby.Counter([MIDDLE], "motion", params=params).count(video).crossings == ()


def test_mistakes_are_found_when_the_counter_is_made() -> None:
    with pytest.raises(InputError, match="no line to count"):
        passerby.Counter([])
    with pytest.raises(LineError):
        passerby.Counter([MIDDLE, MIDDLE])
    with pytest.raises(InputError, match="0 jobs: expected at least 1"):
        passerby.Runtime(jobs=0)


def test_former_names_of_options_still_work_and_warn(video: Path) -> None:
    with pytest.warns(DeprecationWarning, match=r"without= of passerby.count is now disable="):
        old = passerby.count(video, [MIDDLE], detector="motion", without=["cadence"])
    new = passerby.count(video, [MIDDLE], detector="motion", disable=["cadence"])
    assert old.crossings == new.crossings


def test_an_unknown_option_is_refused(video: Path) -> None:
    options: Any = {"detektor": "motion"}
    with pytest.raises(TypeError, match="unexpected keyword argument 'detektor'"):
        passerby.count(video, [MIDDLE], **options)


# Streaming


def test_a_stream_of_a_file_gives_the_crossings_of_its_count(video: Path, counts: passerby.Counts) -> None:
    streamed = list(passerby.Counter([MIDDLE], "motion", params=PARAMS).stream(video))
    # A count also knows what else crosses there, so its shares differ.
    assert [replace(c, share=0) for c in streamed] == [replace(c, share=0) for c in counts.crossings]


def test_a_stream_of_images_gives_the_crossings_of_the_file(video: Path) -> None:
    counter = passerby.Counter([MIDDLE], dark, params=PARAMS)
    of_images = [(c.time_ms, c.direction, c.label) for c in counter.stream(images(video))]
    of_file = [(c.time_ms, c.direction, c.label) for c in counter.count(video, start=START).crossings]
    assert of_images == of_file
    assert len(of_images) == 6


def test_a_crossing_comes_while_the_source_goes_on() -> None:
    """An endless source is read no further than half a minute after the crossing."""
    read: list[int] = []

    def endless() -> Iterator[tuple[int, NDArray[np.uint8]]]:
        people = itertools.cycle(list(walkers(4, width=160, height=90)))
        for number, image in enumerate(people):
            read.append(number * 100)
            yield START_MS + number * 100, image

    stream = passerby.Counter([MIDDLE], dark).stream(endless())
    first = next(stream)
    assert read[-1] - (first.time_ms - START_MS) < 30_000
    assert next(stream).time_ms - first.time_ms == pytest.approx(4_000, abs=200)
    stream.close()  # type: ignore[attr-defined]


def test_labels_of_a_stream_are_those_of_the_counter(video: Path) -> None:
    counter = passerby.Counter([MIDDLE], dark, labels=[passerby.Label.CAR])
    assert list(counter.stream(images(video))) == []


def one_image(height: int = 90, width: int = 160) -> Image:
    return np.zeros((height, width, 3), np.uint8)


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        ([(2, one_image()), (1, one_image())], InputError, "found a time of 1 ms after 2 ms"),
        ([("noon", one_image())], InputError, "found a time 'noon', expected Unix milliseconds"),
        (
            [(datetime(2024, 1, 1), one_image())],
            InputError,
            "expected Unix milliseconds or an aware datetime",
        ),
        ([(1, one_image()[..., 0])], InputError, r"found uint8 \(90, 160\), expected uint8 \(H, W, 3\) BGR"),
        ([(1, one_image() * 0.5)], InputError, "found float64"),
        ([one_image()], InputError, "expected pairs of a time and an image"),
        (
            [(1, one_image()), (2, one_image(180, 320))],
            SourceError,
            "found a frame of 320x180 px, expected 160x90 px",
        ),
        ("nowhere.mp4", SourceError, "nowhere.mp4: no such file"),
        ("rtsp://127.0.0.1:1/live", SourceError, "the camera: found unreachable, expected a stream"),
    ],
)
def test_a_source_that_cannot_be_streamed_is_refused(
    source: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        list(passerby.Counter([MIDDLE], "motion").stream(source))


def test_times_may_be_aware_datetimes() -> None:
    begin = datetime.fromtimestamp(START_MS / 1000, UTC)
    timed = (
        (begin + timedelta(milliseconds=100 * number), image)
        for number, image in enumerate(walkers(8, width=160, height=90))
    )
    crossings = list(passerby.Counter([MIDDLE], dark).stream(timed))
    assert len(crossings) == 2
    assert 0 < crossings[0].time_ms - START_MS < 4_000


# A function as detector


def test_a_function_counts_and_gives_its_name(video: Path) -> None:
    counts = passerby.Counter([MIDDLE], dark).count(video)
    assert counts.detector == "dark"
    assert [crossing.label for crossing in counts.crossings] == [passerby.Label.PERSON] * 6


def test_a_function_is_shown_the_corridor_alone(video: Path) -> None:
    sizes = set()

    def watching(image: NDArray[np.uint8]) -> passerby.Boxes:
        sizes.add(image.shape[:2])
        return passerby.Boxes.of([])

    passerby.Counter([MIDDLE], watching, corridor=0.2).count(video)
    assert sizes == {(90, 38)}  # 0.4 of the height of 90 px, in whole squares of 2 px


def test_wrong_boxes_of_a_function_are_reported(video: Path) -> None:
    def outside(image: NDArray[np.uint8]) -> passerby.Boxes:
        return passerby.Boxes.of([(-5, 0, 10, 10, 0.9, passerby.Label.CAR)])

    with pytest.raises(
        ModelError, match=r"detector outside: found a box \(-5, 0, 10, 10\), expected left < right"
    ):
        passerby.Counter([MIDDLE], outside).count(video)


def test_a_function_does_not_go_to_other_processes(video: Path, tmp_path: Path) -> None:
    message = "detector dark: a function runs in this process alone"
    with pytest.raises(InputError, match=message):
        passerby.Counter([MIDDLE], dark, runtime=passerby.Runtime(jobs=2)).count(video)
    with passerby.Checkpoint(tmp_path / "a.resume") as checkpoint, pytest.raises(InputError, match=message):
        passerby.Counter([MIDDLE], dark).count(video, checkpoint=checkpoint)


# Tables


def test_tables_have_the_columns_of_the_outputs(counts: passerby.Counts, tmp_path: Path) -> None:
    columns = ["start", "end", "line", "direction", "class", "count", "coverage", "mark"]
    assert list(counts.to_pandas().columns) == counts.to_polars().columns == columns
    assert counts.to_pandas()["count"].sum() == counts.to_polars()["count"].sum() == 6
    counts.to_csv(tmp_path / "counts.csv")
    lines = (tmp_path / "counts.csv").read_text().splitlines()
    assert lines[0] == ",".join(columns)
    assert len(lines) == len(counts.bins) + 1


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_missing_library_is_named(
    counts: passerby.Counts, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(OutputError, match=f"needs {library}: pip install {library}"):
        getattr(counts, f"to_{library}")()
