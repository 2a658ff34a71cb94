"""The properties of a recording, and its pictures in the order and at the times of their capture."""

import itertools
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.sample_videos import turned, walkers, write
from tests.tiers import examples

from passerby.domain.timespan import Span
from passerby.errors import SourceError
from passerby.video.decode.frame import Frame
from passerby.video.decode.source import FrameReader, Reading, probe

START_MS = 1_717_200_000_000


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six seconds at 10 pictures a second, of which every tenth is whole."""
    return write(tmp_path_factory.mktemp("street") / "street.mp4", walkers(6))


def times(path: Path, span: Span | None = None) -> list[int]:
    return read(path, span)[0]


def read(path: Path, span: Span | None = None) -> tuple[list[int], Reading]:
    """The times of all frames, in ms since the first one, and how reading them went."""
    reader = FrameReader(probe(path), START_MS, span)
    return [frame.time_ms - START_MS for frame in reader], reader.reading


# What a file says of itself


def test_the_properties_of_a_recording_are_read(tmp_path: Path) -> None:
    created = {"creation_time": "2024-06-01T10:30:00.000000Z"}
    path = write(tmp_path / "street.mp4", walkers(2, 25), rate=25, metadata=created)
    found = probe(path)

    assert (found.path, found.width, found.height, found.codec) == (path, 320, 180, "h264")
    assert found.fps == pytest.approx(25)
    assert found.duration_ms == pytest.approx(2_000, abs=40)
    assert found.created == datetime(2024, 6, 1, 10, 30, tzinfo=UTC)
    assert found.rotation == 0
    assert found.aspect == pytest.approx(320 / 180)


@pytest.mark.parametrize("text", ["1904-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "lately"])
def test_a_date_from_a_camera_without_a_clock_is_ignored(tmp_path: Path, text: str) -> None:
    path = write(tmp_path / "street.mkv", walkers(0.5), metadata={"creation_time": text})
    assert probe(path).created is None


def test_a_path_may_be_text(street: Path) -> None:
    assert probe(str(street)) == probe(street)


@pytest.mark.parametrize(
    ("suffix", "codec", "pix_fmt"),
    [
        (".mp4", "libx264", "yuv420p"),
        (".mp4", "libx264", "yuv444p"),
        (".mp4", "libx264", "yuv422p"),
        (".mp4", "mpeg4", "yuv420p"),
        (".mkv", "libx264", "yuv420p"),
        (".ts", "libx264", "yuv420p"),
        (".avi", "mpeg4", "yuv420p"),
        (".avi", "mjpeg", "yuvj420p"),
        (".mkv", "ffv1", "gray"),
    ],
)
def test_containers_codecs_and_pixel_formats(tmp_path: Path, suffix: str, codec: str, pix_fmt: str) -> None:
    path = write(tmp_path / f"street{suffix}", walkers(2), codec=codec, pix_fmt=pix_fmt)
    reader = FrameReader(probe(path), START_MS)
    found = list(reader)
    reading = reader.reading

    assert [frame.time_ms - START_MS for frame in found] == [*range(0, 2_000, 100)]
    assert (reading.frames, reading.damaged, reading.problems) == (20, 0, ())
    assert reading.end_ms == pytest.approx(2_000, abs=10)
    image = found[5].bgr(0, 0, 320, 180)
    assert image[100, 52].max() < 60
    assert image[20, 20].min() > 130


# Pictures


def test_pictures_are_those_of_the_file(street: Path) -> None:
    for frame, image in zip(FrameReader(probe(street)), walkers(6), strict=True):
        shown = frame.bgr(0, 0, frame.width, frame.height)
        assert np.abs(shown.astype(int) - image[..., ::-1]).mean() < 3


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_a_picture_is_turned_as_the_file_says(tmp_path: Path, quarters: int) -> None:
    """Stored turned, and a note to turn it back: shown, it has its mark in the upper left corner."""
    upright = np.full((96, 64, 3), 90, np.uint8)
    upright[:16, :16] = (250, 20, 20)
    upright[:16, -16:] = (20, 250, 20)
    stored = np.ascontiguousarray(np.rot90(upright, quarters))
    path = turned(write(tmp_path / "phone.mp4", [stored] * 3), quarters)
    found = probe(path)
    frame = next(iter(FrameReader(found)))
    shown = frame.bgr(0, 0, frame.width, frame.height)

    assert (found.width, found.height) == (frame.width, frame.height) == (64, 96)
    assert np.abs(shown.astype(int) - upright[..., ::-1]).mean() < 8
    red, green = shown[8, 8].astype(int), shown[8, 56].astype(int)
    assert red.argmax() == 2
    assert green.argmax() == 1


@pytest.mark.parametrize(("width", "height"), [(64, 48), (66, 50), (100, 52), (322, 182)])
def test_padding_of_a_decoder_is_cut_off(tmp_path: Path, width: int, height: int) -> None:
    path = write(tmp_path / "street.mp4", walkers(0.5, 10, width, height))
    frame = next(iter(FrameReader(probe(path))))
    assert frame.luma.shape == (height, width)
    assert frame.bgr(0, 0, width, height).shape == (height, width, 3)


def test_odd_sizes_are_read(tmp_path: Path) -> None:
    path = write(tmp_path / "street.mkv", walkers(0.5, 10, 65, 49), codec="ffv1", pix_fmt="yuv420p")
    [*found] = FrameReader(probe(path))
    assert [(frame.width, frame.height) for frame in found] == [(65, 49)] * 5
    assert found[0].bgr(0, 0, 64, 48).shape == (48, 64, 3)


# Time


def test_time_begins_with_the_first_picture(tmp_path: Path) -> None:
    """Streams that were cut out of longer ones begin at any stamp."""
    later = [500_000 + 100 * k for k in range(20)]
    path = write(tmp_path / "street.mkv", walkers(2), times_ms=later)
    found, reading = read(path)
    assert found == [100 * k for k in range(20)]
    assert reading.covered == (Span(0, reading.end_ms),)


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_a_variable_frame_rate_keeps_its_times(tmp_path: Path, suffix: str) -> None:
    uneven = np.cumsum([0, *np.random.default_rng(4).integers(10, 400, 39)]).tolist()
    path = write(tmp_path / f"street{suffix}", walkers(4), times_ms=uneven)
    found, reading = read(path)
    assert found == pytest.approx(uneven, abs=1)
    assert len(reading.covered) == 1


def test_a_camera_that_was_lost_for_an_hour_leaves_a_gap_in_coverage(tmp_path: Path) -> None:
    lost = [*range(0, 2_000, 100), *range(3_602_000, 3_604_000, 100)]
    path = write(tmp_path / "street.mkv", walkers(4), times_ms=lost)
    found, reading = read(path)

    assert found == lost
    assert [(span.start_ms, round(span.end_ms, -2)) for span in reading.covered] == [
        (0, 2_000),
        (3_602_000, 3_604_000),
    ]


def test_pictures_stored_in_another_order_come_in_order_of_time(tmp_path: Path) -> None:
    import av

    path = tmp_path / "street.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        stream.codec_context.options = {"bf": "3", "b-adapt": "0"}
        for image in walkers(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
    assert times(path) == [*range(0, 3_000, 100)]


# Spans


@settings(max_examples=examples(30), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=st.integers(-500, 7_000), lasts=st.integers(0, 7_000))
def test_a_span_has_the_pictures_of_its_time_alone(street: Path, first: int, lasts: int) -> None:
    """Wherever it begins, and whatever is stored whole before it."""
    span = Span(START_MS + first, START_MS + first + lasts)
    assert times(street, span) == [time for time in range(0, 6_000, 100) if first <= time < first + lasts]


def test_the_pictures_of_a_span_are_those_of_the_whole(street: Path) -> None:
    whole = {frame.time_ms: frame.luma.copy() for frame in FrameReader(probe(street), START_MS)}
    for begin in (0, 1_450, 4_000):
        span = Span(START_MS + begin, START_MS + begin + 1_000)
        for frame in FrameReader(probe(street), START_MS, span):
            assert (frame.luma == whole[frame.time_ms]).all()


def test_spans_that_meet_read_every_picture_once(street: Path) -> None:
    cuts = [0, 333, 2_000, 2_050, 5_900, 9_000]
    found = [
        time
        for begin, end in itertools.pairwise(cuts)
        for time in times(street, Span(START_MS + begin, START_MS + end))
    ]
    assert found == [*range(0, 6_000, 100)]


# Damage


def test_a_file_that_is_not_a_video_is_refused(tmp_path: Path) -> None:
    for name, content in {"a.mp4": b"", "b.mp4": b"text", "c.mp4": bytes(5_000)}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(SourceError, match=name):
            probe(tmp_path / name)
    with pytest.raises(SourceError, match="is a folder"):
        probe(tmp_path)
    with pytest.raises(SourceError, match="no such file"):
        probe(tmp_path / "none.mp4")


def test_a_file_removed_after_probing_is_an_error(tmp_path: Path) -> None:
    path = write(tmp_path / "street.mp4", walkers(0.5))
    recording = probe(path)
    path.unlink()
    with pytest.raises(SourceError, match=r"street\.mp4: cannot be read"):
        list(FrameReader(recording))


def test_damage_loses_few_pictures(tmp_path: Path) -> None:
    path = write(tmp_path / "street.mp4", walkers(6), options={"movflags": "+faststart"})
    content = bytearray(path.read_bytes())
    begin = content.index(b"mdat") + 4
    middle = begin + (len(content) - begin) // 3
    content[middle : middle + 600] = bytes(600)
    path.write_bytes(content)
    found, reading = read(path)

    assert found == sorted(set(found))
    assert found[0] == 0
    assert found[-1] == 5_900
    assert reading.damaged > 0
    assert len(found) >= 60 - 20


def test_a_picture_of_another_size_is_scaled(tmp_path: Path) -> None:
    """Cameras change their size when somebody changes a setting."""
    one = write(tmp_path / "one.ts", walkers(1))
    other = write(tmp_path / "other.ts", walkers(1, 10, 160, 90))
    both = tmp_path / "both.ts"
    both.write_bytes(one.read_bytes() + other.read_bytes())
    assert {(frame.width, frame.height) for frame in FrameReader(probe(both))} == {(320, 180)}


# What a frame does not do


@pytest.mark.slow
def test_frames_are_forgotten(street: Path) -> None:
    """A reader never holds more than one picture."""
    import gc

    def held() -> int:
        gc.collect()
        return sum(isinstance(one, Frame) for one in gc.get_objects())

    # Other tests of this process may hold frames of their own.
    before = held()
    alive = [held() - before for number, _ in enumerate(FrameReader(probe(street))) if number % 20 == 19]
    assert 1 <= max(alive) <= 2
