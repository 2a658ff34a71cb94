"""A street is written as a video file with its truth file."""

from collections import Counter
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import av
import numpy as np
import pytest

from passerby.domain.geometry import DIRECTIONS
from passerby.errors import OutputError
from passerby.evaluation.truth_file import parse
from passerby.synth import Street, frames, lines, truth, write, write_truth

pytestmark = pytest.mark.slow

TINY = Street(seed=3, density="dense", duration_s=5, width=320, height=180, fps=12.5)


@pytest.mark.parametrize("fps", [2.0, 12.5, 29.97])
def test_the_file_decodes_as_asked(tmp_path: Path, fps: float) -> None:
    street = replace(TINY, fps=fps)
    write(street, tmp_path / "street.mp4")
    with av.open(str(tmp_path / "street.mp4")) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.width, stream.height) == ("h264", 320, 180)
        assert stream.average_rate == street.rate
        created = datetime.fromisoformat(container.metadata["creation_time"])
        assert created.timestamp() * 1000 == street.start_ms
        pictures = list(container.decode(stream))
    assert len(pictures) == street.frame_count
    times = [float(picture.time or 0) for picture in pictures]
    assert times == pytest.approx([street.time_s(number) for number in range(street.frame_count)], abs=2e-4)
    keys = [time for time, picture in zip(times, pictures, strict=True) if picture.key_frame]
    assert max(np.diff([*keys, 5.0])) < 2.1


def test_the_file_shows_the_frames(tmp_path: Path) -> None:
    write(replace(TINY, crf=12), tmp_path / "street.mp4")
    with av.open(str(tmp_path / "street.mp4")) as container:
        for drawn, picture in zip(frames(TINY), container.decode(video=0), strict=True):
            assert np.abs(picture.to_ndarray(format="bgr24").astype(int) - drawn).mean() < 6


def test_equal_streets_give_equal_files_and_coarser_ones_smaller(tmp_path: Path) -> None:
    one, same, coarse = (tmp_path / name for name in ("one.mp4", "same.mp4", "coarse.mp4"))
    write(TINY, one)
    write(TINY, same)
    write(replace(TINY, crf=40), coarse)
    assert one.read_bytes() == same.read_bytes()
    assert coarse.stat().st_size < 0.6 * one.stat().st_size


def test_progress_is_reported_and_the_truth_returned(tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    crossed = write(TINY, tmp_path / "street.mp4", lambda done, of: calls.append((done, of)))
    assert calls == [(number + 1, TINY.frame_count) for number in range(TINY.frame_count)]
    assert crossed == truth(TINY, lines(TINY))


def test_no_incomplete_file_is_left(tmp_path: Path) -> None:
    def stop(done: int, of: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(TINY, tmp_path / "street.mp4", stop)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(OutputError, match="nowhere does not exist"):
        write(TINY, tmp_path / "nowhere" / "street.mp4")
    (tmp_path / "taken.mp4").mkdir()
    with pytest.raises(OutputError, match="a folder, expected the name of a file"):
        write(TINY, tmp_path / "taken.mp4")
    with pytest.raises(OutputError, match="nowhere does not exist"):
        write_truth(TINY, "street.mp4", tmp_path / "nowhere" / "truth.yaml")
    assert [path.name for path in tmp_path.iterdir()] == ["taken.mp4"]


def test_the_truth_file_adds_up(tmp_path: Path) -> None:
    street = replace(TINY, duration_s=30)
    write_truth(street, "folder/street.mp4", tmp_path / "truth.yaml")
    (clip,) = parse((tmp_path / "truth.yaml").read_text(), tmp_path / "truth.yaml").clips
    assert (clip.name, clip.size_px, clip.fps) == ("street.mp4", (320, 180), 12.5)
    given = lines(street)
    crossed = truth(street, given)
    assert sum(len(one.at_frames) for one in clip.lines) == len(crossed) > 0
    for line, one in zip(given, clip.lines, strict=True):
        assert (one.line.name, one.line.anchor) == (line.name, line.anchor)
        assert one.line.start == pytest.approx(line.start, abs=1e-4)
        assert one.line.end == pytest.approx(line.end, abs=1e-4)
        for direction in DIRECTIONS:
            labels = [c.label.text for c in crossed if (c.line, c.direction) == (line.name, direction)]
            assert one.crossed[direction] == Counter(labels)
