"""The whole flow: a street has the same count however it is cut, at the times of its frames."""

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sample_videos import walkers, write
from tests.tiers import examples

from passerby import synth
from passerby.counting.chunks import chunks, crossings_of
from passerby.counting.counts import Counts, Crossing
from passerby.counting.detections import Detections, no_detections
from passerby.counting.parameters import CountingParams
from passerby.domain import calendar
from passerby.domain.calendar import Moment
from passerby.domain.geometry import Line
from passerby.domain.labels import Label
from passerby.domain.timespan import Span
from passerby.errors import InputError, LineError, OutputError, SourceError
from passerby.recordings.counter import count
from passerby.recordings.plan import Method, plan_of
from passerby.recordings.progress import Progress
from passerby.synth.street import NEAR_ROAD
from passerby.video.observe import Recording, probe

pytestmark = pytest.mark.slow

MARGIN_MS = CountingParams().margin_ms
MIDDLE = Line("middle", (0.5, 0.0), (0.5, 1.0))
STREET = synth.Street(seed=3, width=320, height=180, fps=12.5, duration_s=64)
NOBODY = synth.Rates(0, 0, 0)
START = "2024-06-01T12:00:00Z"
START_MS = calendar.to_ms(datetime.fromisoformat(START))


@pytest.fixture(scope="session")
def street(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("street") / "street.mp4"
    synth.write(STREET, path)
    return path


def counted(video: Path, lines: Sequence[Line] = (MIDDLE,), **options: Any) -> Counts:
    return count(video, lines, detector="motion", timezone="UTC", start=START, **options)


def local(moment: Moment) -> datetime:
    assert isinstance(moment, datetime)
    return moment


def ways(counts: Counts) -> Counter[tuple[str, str]]:
    return Counter((c.line, c.direction) for c in counts.crossings)


# However it is cut


@pytest.fixture(scope="session")
def whole(street: Path) -> Counts:
    """The street in one chunk."""
    return counted(street, synth.lines(STREET), chunk_ms=10**9, bin_ms=60_000)


def test_chunks_of_any_length_agree_on_the_synthetic_street(street: Path, whole: Counts) -> None:
    tens, twenties = (
        counted(street, synth.lines(STREET), chunk_ms=chunk_ms, bin_ms=60_000)
        for chunk_ms in (10_000, 20_000)
    )
    assert len(whole.crossings) >= 8
    assert tens.crossings == twenties.crossings == whole.crossings
    assert tens.bins == twenties.bins == whole.bins
    assert tens.totals == twenties.totals == whole.totals


def test_counted_crossings_have_no_sizes(whole: Counts) -> None:
    assert {crossing.kinematics for crossing in whole.crossings} == {None}
    assert sum(line.crossings for line in whole.diagnostics) == len(whole.crossings)


def test_best_runs_the_detector_as_often_as_the_corridor_requires(street: Path) -> None:
    """The default saves what may be saved; `best` is for who pays more."""
    best, auto = (plan_of(street, Method((MIDDLE,), detector)) for detector in ("best", "auto"))
    assert best.task.optimizations == replace(auto.task.optimizations, pace=False)
    assert auto.task.optimizations.pace


@pytest.fixture(scope="module")
def boxed() -> tuple[list[Detections], Recording, tuple[Line, ...]]:
    """A busy street as a detector of true boxes sees it, that misses one in six."""
    street = synth.Street(seed=8, width=640, height=360, fps=12.5, duration_s=90, density="dense")
    dice = np.random.default_rng(1)
    ticks = []
    for number in range(street.frame_count):
        time_s = street.time_s(number)
        boxes = [box for box in synth.boxes_at(street, time_s) if dice.random() > 1 / 6]
        xyxy = np.array([box.xyxy for box in boxes], np.float32).reshape(-1, 4).clip(0, [640, 360, 640, 360])
        ticks.append(
            Detections(
                START_MS + round(time_s * 1000),
                xyxy.astype(np.float32),
                np.full(len(boxes), 0.8, np.float32),
                np.array([box.label for box in boxes], np.int64),
            )
        )
    recording = Recording(Path("street.mp4"), 640, 360, 12.5, 90_000, None, "h264", 0, 0)
    return ticks, recording, synth.lines(street)


def in_chunks(boxed: tuple[list[Detections], Recording, tuple[Line, ...]], chunk_ms: int) -> list[Crossing]:
    ticks, recording, lines = boxed
    return [
        crossing
        for span, near in chunks(ticks, CountingParams(chunk_ms=chunk_ms))
        for crossing in crossings_of(near, lines, (recording.width, recording.height), span, 0.4)[0]
    ]


@pytest.mark.parametrize("chunk_ms", [10_000, 17_000, 45_000])
def test_chunks_of_any_length_agree_on_a_busy_street(
    boxed: tuple[list[Detections], Recording, tuple[Line, ...]], chunk_ms: int
) -> None:
    whole = in_chunks(boxed, 10**9)
    assert len(whole) > 25
    assert in_chunks(boxed, chunk_ms) == whole


@pytest.mark.parametrize("which", [3, 11, 19])
@pytest.mark.parametrize("early_ms", [0, 120])
def test_a_cut_at_the_moment_of_a_crossing_or_just_after_it_changes_nothing(
    boxed: tuple[list[Detections], Recording, tuple[Line, ...]], which: int, early_ms: int
) -> None:
    ticks, recording, lines = boxed
    at_ms = in_chunks(boxed, 10**9)[which].time_ms
    near = [tick for tick in ticks if abs(tick.time_ms - at_ms) < 15_000]
    shift_ms = -(at_ms + early_ms) % 10_000
    shifted = [replace(tick, time_ms=tick.time_ms + shift_ms) for tick in near]
    one, cut = (
        in_chunks((ticks, recording, lines), chunk_ms)
        for ticks, chunk_ms in ((near, 10**9), (shifted, 10_000))
    )
    assert [replace(c, time_ms=c.time_ms + shift_ms) for c in one] == cut
    assert at_ms in {c.time_ms for c in one}


@settings(max_examples=examples(40))
@given(
    start_ms=st.integers(0, 10**12),
    steps=st.lists(st.sampled_from([40, 80, 80, 80, 1_000, 30_000]), max_size=300),
    chunk_ms=st.sampled_from([10_000, 13_000, 60_000, 10**8]),
)
def test_chunks_are_adjacent_and_include_their_margins(
    start_ms: int, steps: list[int], chunk_ms: int
) -> None:
    times = (start_ms + np.cumsum([0, *steps])).tolist()
    found = list(chunks([no_detections(time_ms) for time_ms in times], CountingParams(chunk_ms=chunk_ms)))

    assert found[0][0].start_ms <= times[0]
    assert times[-1] in found[-1][0]
    for (span, _), (following, _) in itertools.pairwise(found):
        assert span.end_ms == following.start_ms
    for span, near in found:
        assert span.start_ms % chunk_ms == 0
        seen = [tick.time_ms for tick in near]
        wide = Span(span.start_ms - MARGIN_MS, span.end_ms + MARGIN_MS)
        assert seen == [time_ms for time_ms in times if time_ms in wide]


def test_a_recording_of_nothing_has_no_chunk() -> None:
    assert list(chunks([], CountingParams(chunk_ms=10_000))) == []


def test_no_more_is_held_than_a_chunk_and_its_margins() -> None:
    """An hour of a car that stands there."""
    held = 0

    def ticks() -> Iterator[Detections]:
        nonlocal held
        for time_ms in range(0, 3_600_000, 400):
            held += 1
            yield Detections(
                time_ms,
                np.array([[10, 10, 90, 60]], np.float32),
                np.array([0.8], np.float32),
                np.array([Label.CAR], np.int64),
            )

    longest = (20_000 + 2 * MARGIN_MS) / 400 + 1
    for span, near in chunks(ticks(), CountingParams(chunk_ms=20_000)):
        assert len(near) <= longest
        # It is answered as soon as it can be.
        assert held * 400 <= span.end_ms + MARGIN_MS + 800


# In the time of the pictures


def test_crossings_are_at_the_time_that_the_pictures_say(tmp_path: Path) -> None:
    path = write(tmp_path / "street.mp4", walkers(12))
    found = counted(path, bin_ms=1_000)

    # The middle of a body of 24 px is at 160 px of 320, of which it goes 80 a second.
    middles = [START_MS + round((160 - 12) / 80 * 1000) + 4_000 * k for k in range(3)]
    assert [c.time_ms for c in found.crossings] == pytest.approx(middles, abs=150)
    filled = [row for row in found.bins if row.count]
    assert [local(row.start).isoformat() for row in filled] == [
        f"2024-06-01T12:00:{second:02}+00:00" for second in (1, 5, 9)
    ]


def test_a_camera_that_was_lost_for_an_hour_leaves_empty_bins_with_no_coverage(tmp_path: Path) -> None:
    times = [*range(0, 8_000, 100), *range(3_600_000, 3_608_000, 100)]
    path = write(tmp_path / "street.mkv", walkers(16), times_ms=times)
    found = counted(path)

    shares = {local(row.start).isoformat()[11:16]: row.coverage for row in found.bins}
    assert list(shares) == ["12:00", "12:15", "12:30", "12:45", "13:00"]
    assert list(shares.values()) == pytest.approx([8 / 900, 0, 0, 0, 8 / 900], abs=1e-3)
    assert ways(found) == {("middle", "to_left"): 4}
    for start, expected in (("12:00", 2), ("12:30", 0), ("13:00", 2)):
        assert (
            sum(row.count for row in found.bins if local(row.start).isoformat()[11:16] == start) == expected
        )


def test_a_recording_without_a_date_has_elapsed_times(tmp_path: Path) -> None:
    path = write(tmp_path / "street.mp4", walkers(12))
    dated = counted(path, bin_ms=5_000)
    found = count(path, [MIDDLE], detector="motion", bin_ms=5_000)

    assert (found.start, found.clock, found.start_text) == (None, "elapsed", "unknown")
    assert (dated.clock, dated.start_ms) == ("wall", START_MS)
    starts = list(dict.fromkeys(row.start for row in found.bins))
    assert starts == [timedelta(seconds=second) for second in (0, 5, 10)]
    assert [row.count for row in found.bins] == [row.count for row in dated.bins]
    assert [c.time_ms - found.start_ms for c in found.crossings] == [
        c.time_ms - dated.start_ms for c in dated.crossings
    ]


def test_pictures_that_come_twice_count_once(tmp_path: Path) -> None:
    """Each one again 40 ms later, as converters from a lower rate leave them."""
    images = [image for image in walkers(12) for _ in range(2)]
    times = [time_ms + again for time_ms in range(0, 12_000, 100) for again in (0, 40)]
    twice = counted(write(tmp_path / "twice.mkv", images, times_ms=times))
    once = counted(write(tmp_path / "once.mkv", walkers(12), times_ms=times[::2]))
    assert ways(twice) == ways(once) == {("middle", "to_left"): 3}


def test_a_rate_that_varies_counts_the_same(tmp_path: Path) -> None:
    """Everybody is where the time of each picture says."""
    times = np.cumsum([0, *np.random.default_rng(4).choice([40, 80, 120, 200], 130)]).tolist()
    images = []
    for time_ms in times:
        image = np.full((180, 320, 3), 160, np.uint8)
        left = round(time_ms % 4_000 / 4_000 * 320)
        image[80:140, left : left + 24] = 30
        images.append(image)
    found = counted(write(tmp_path / "street.mkv", images, times_ms=times))
    full = [k for k in range(4) if times[-1] > 4_000 * k + 2_500]
    assert [c.time_ms - START_MS for c in found.crossings] == pytest.approx(
        [1_850 + 4_000 * k for k in full], abs=200
    )


# Bodies that stand, through the eye of motion


def cars(start_s: Sequence[float], stand_s: float, duration_s: float) -> synth.Street:
    """An empty street but for dark cars that close up before the line, stand, and go one after the other."""
    empty = synth.Street(
        seed=2, width=320, height=180, fps=12.5, duration_s=duration_s, density=NOBODY, parked=0
    )
    queue = tuple(
        synth.Actor(
            f"car {k}",
            synth.Kind.CAR,
            synth.passing(
                empty, NEAR_ROAD, at_s, 7.0, stops=[(-10.5 - 6.5 * k, stand_s + k)] if stand_s else ()
            ),
            appearance=5,
        )
        for k, at_s in enumerate(start_s)
    )
    return replace(empty, extra=queue)


def true_and_counted(street: synth.Street, path: Path) -> tuple[list[int], list[int]]:
    """Times of the crossings of the road, in ms after the start; all of them are to the right."""
    crossed = synth.write(street, path)
    found = counted(path, [line for line in synth.lines(street) if line.name == "road"])
    assert {one.direction for one in crossed} == {one.direction for one in found.crossings} == {"to_right"}
    return [one.time_ms - street.start_ms for one in crossed], [c.time_ms - START_MS for c in found.crossings]


def test_a_queue_that_stood_before_the_line_is_not_lost(tmp_path: Path) -> None:
    true_ms, counted_ms = true_and_counted(cars([1.0, 2.5], 20, 36), tmp_path / "queue.mp4")
    assert len(true_ms) == 2
    for time_ms in true_ms:
        assert any(abs(time_ms - other) < 600 for other in counted_ms)


@pytest.mark.xfail(strict=True, reason="motion sees a dark car on dark asphalt in parts, and counts each")
def test_dark_cars_count_once_each(tmp_path: Path) -> None:
    true_ms, counted_ms = true_and_counted(cars([1.0, 3.5], 0, 14), tmp_path / "cars.mp4")
    assert len(true_ms) == len(counted_ms) == 2


# What is asked for


def test_labels_that_are_not_asked_for_are_left_out(tmp_path: Path) -> None:
    path = write(tmp_path / "street.mp4", walkers(8))
    every = counted(path)
    kinds = {c.label for c in every.crossings}
    other = next(label for label in Label if label not in kinds)
    assert len(every.crossings) == 2
    assert counted(path, labels=[other]).crossings == ()
    assert {row.label for row in counted(path, labels=[other]).totals} == {other.text}
    assert counted(path, labels=sorted(kinds)).crossings == every.crossings


def test_a_line_turned_round_swaps_directions(tmp_path: Path) -> None:
    path = write(tmp_path / "street.mp4", walkers(8))
    back = replace(MIDDLE, start=MIDDLE.end, end=MIDDLE.start)
    assert ways(counted(path)) == {("middle", "to_left"): 2}
    assert ways(counted(path, [back])) == {("middle", "to_right"): 2}


def test_the_count_of_a_line_does_not_depend_on_others_without_corridors(tmp_path: Path) -> None:
    path = write(tmp_path / "street.mp4", walkers(8))
    other = Line("other", (0.25, 0), (0.25, 1))
    both = counted(path, [other, MIDDLE], corridor=None)
    alone = counted(path, [MIDDLE], corridor=None)
    assert tuple(c for c in both.crossings if c.line == "middle") == alone.crossings


def test_progress_reaches_the_end(tmp_path: Path) -> None:
    told: list[Progress] = []
    counted(write(tmp_path / "street.mp4", walkers(8)), progress=told.append)
    done = [one.done_ms for one in told]
    assert done == sorted(done)
    assert done[-1] == pytest.approx(8_000, abs=200)
    assert {one.total_ms for one in told} == {told[0].total_ms}
    assert told[0].total_ms == pytest.approx(8_000, abs=200)


def test_sums_agree(whole: Counts) -> None:
    found = whole
    in_bins, in_totals, single = (
        Counter[tuple[str, ...]](),
        Counter[tuple[str, ...]](),
        Counter[tuple[str, ...]](),
    )
    for row in found.bins:
        in_bins[row.line, row.direction, row.label] += row.count
    for total in found.totals:
        in_totals[total.line, total.direction, total.label] += total.count
    for crossing in found.crossings:
        single[crossing.line, crossing.direction, crossing.label.text] += 1
    assert +in_bins == +in_totals == single
    assert found.frames == STREET.frame_count
    assert found.cost.cpu_s >= found.cost.decode_cpu_s + found.cost.detect_cpu_s


@pytest.mark.parametrize(
    ("lines", "error", "told"),
    [
        ([], InputError, "no line to count"),
        ([MIDDLE, MIDDLE], LineError, "two lines have this name"),
    ],
)
def test_lines_that_are_not_allowed(lines: list[Line], error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told):
        counted(Path("no-such.mp4"), lines)


def test_mistakes_are_reported_before_the_long_work(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such file"):
        counted(tmp_path / "none.mp4")
    path = write(tmp_path / "street.mp4", walkers(1))
    told: list[Progress] = []
    with pytest.raises(OutputError):
        counted(path, picture=tmp_path / "no-such-folder" / "picture.png", progress=told.append)
    assert told == []
    assert probe(path).width == 320
