"""The annotated image: arrows on the correct side, labels that do not overlap, written completely or not at all.

Invariant: how it looks is for eyes; what is asserted here is where things are.
"""

import inspect
from dataclasses import replace
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from passerby.counting.counts import Cost, Counts, TotalCount
from passerby.domain.geometry import Line, signed_distance
from passerby.errors import InputError, OutputError
from passerby.recordings.counter import count
from passerby.video.decode.frame import Frame, Image
from passerby.video.scene import annotated_image
from passerby.video.scene.background import Background, Samples

LINES = (Line("gate", (0.2, 0.8), (0.8, 0.6)), Line("lane", (0.5, 0.1), (0.5, 0.5), ("in", "out")))
TOTALS = (
    TotalCount("gate", "to_right", "person", 12),
    TotalCount("gate", "to_left", "bicycle", 3),
    TotalCount("lane", "in", "car", 140),
)


def background(width: int = 640, height: int = 360) -> Background:
    return Background(np.full((height, width, 3), 128, np.uint8), 0.0)


def decoded(path: Path) -> Image:
    image = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return np.asarray(image, np.uint8)


fractions = st.floats(0.1, 0.9)


@given(fractions, fractions, fractions, fractions, st.sampled_from([(1280, 720), (720, 1280), (900, 900)]))
def test_arrows_end_on_the_side_of_their_direction(
    x1: float, y1: float, x2: float, y2: float, size: tuple[int, int]
) -> None:
    width, height = size
    line = Line("any", (x1, y1), (x2, y2))
    start, end = np.array([x1 * width, y1 * height]), np.array([x2 * width, y2 * height])
    assume(np.hypot(*(end - start)) > 8)
    canvas, taken = np.zeros((height, width, 3), np.uint8), np.zeros((height, width), np.float32)
    for side in (1, -1):
        tip = annotated_image._draw_arrow(canvas, taken, start, end, side, (255, 255, 255), 1.0)
        distance = signed_distance(line, (tip[0] / width, tip[1] / height), width / height)
        assert np.sign(distance) == side


@pytest.mark.parametrize("count", [1, 3, 8])
def test_labels_lie_within_the_image_and_do_not_overlap(count: int) -> None:
    rng = np.random.default_rng(count)
    taken = np.zeros((720, 1280), np.float32)
    boxes = []
    for _ in range(count * 3):
        tip = rng.uniform([100, 100], [1180, 620])
        boxes.append(annotated_image._place(taken, tip, 130, 74, None))
    for box in boxes:
        assert box.left >= 0
        assert box.top >= 0
        assert box.right <= 1280
        assert box.bottom <= 720
    for one, other in combinations(boxes, 2):
        assert (
            one.right <= other.left
            or other.right <= one.left
            or one.bottom <= other.top
            or other.bottom <= one.top
        )


@pytest.mark.parametrize(
    "size", [(8, 8), (1, 1), (320, 240), (640, 360), (360, 640), (640, 20), (20, 640), (7680, 4320)]
)
def test_a_picture_of_any_size_is_readable(size: tuple[int, int]) -> None:
    drawn = annotated_image.draw(
        background(*size), LINES, TOTALS, "2026-06-01 08:00:00+02:00   1 min 30 s   motion"
    )

    assert max(drawn.shape[1], drawn.shape[0] - 46) == annotated_image.LONG_PX
    assert min(drawn.shape[1], drawn.shape[0]) >= annotated_image.SHORT_PX


def test_counts_and_names_change_the_picture() -> None:
    one = annotated_image.draw(background(), LINES, TOTALS, "details")
    more = (*TOTALS[:-1], replace(TOTALS[-1], count=141))

    assert (one == annotated_image.draw(background(), LINES, TOTALS, "details")).all()
    assert (one != annotated_image.draw(background(), LINES, more, "details")).any()
    assert (one != annotated_image.draw(background(), LINES, TOTALS, "detail")).any()
    assert (
        one
        != annotated_image.draw(background(), (replace(LINES[0], name="gatf"), LINES[1]), TOTALS, "details")
    ).any()


def test_a_count_stands_on_its_own_side() -> None:
    """Where a direction's count changes, the picture changes on that side of the line alone."""
    line = Line("road", (0.5, 0.9), (0.5, 0.1))
    before = annotated_image.draw(background(), (line,), (TotalCount("road", "to_right", "car", 1),), "")
    after = annotated_image.draw(background(), (line,), (TotalCount("road", "to_right", "car", 7),), "")
    columns = np.flatnonzero((before != after).any(axis=(0, 2)))

    assert len(columns)
    assert columns.min() > before.shape[1] / 2


def test_drawing_takes_no_frame_and_no_box() -> None:
    assert list(inspect.signature(annotated_image.draw).parameters) == [
        "background",
        "lines",
        "totals",
        "details",
    ]


def test_names_of_any_length_and_alphabet_are_drawn() -> None:
    names = ("Ærøgade", "Łódź", "улица", "x" * 300)
    lines = tuple(Line(name, (0.1, 0.2 + i / 6), (0.9, 0.2 + i / 6)) for i, name in enumerate(names))

    assert annotated_image.draw(background(), lines, (), "y" * 400).shape[2] == 3


COUNTS = Counts(
    video="street.mp4",
    start=datetime(2026, 6, 1, 8, tzinfo=UTC),
    start_ms=1_780_300_800_000,
    start_from="given",
    duration_s=90,
    frames=100,
    detector="motion",
    bins=(),
    totals=TOTALS,
    crossings=(),
    cost=Cost(0, 0, 0, 0, 0, 0),
    warnings=(),
)


def samples(frames: int = 20) -> Samples:
    kept = Samples()
    image = np.full((90, 160, 3), 100, np.uint8)
    for _ in kept.taking(Frame.from_bgr(80 * number, image) for number in range(frames)):
        pass
    return kept


def test_without_a_model_a_warning_says_to_check(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"

    (told,) = annotated_image.write(path, COUNTS, LINES, samples(), ())

    assert told.startswith(f"{path}: check before sharing: people who never moved may be visible")
    assert decoded(path).shape == (766, 1280, 3)


def test_a_recording_without_a_frame_has_no_picture(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"

    (told,) = annotated_image.write(path, COUNTS, LINES, samples(0), ())

    assert "not written" in told
    assert not path.exists()


def test_a_picture_has_no_metadata(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    annotated_image.write(path, COUNTS, LINES, samples(), ())
    content = path.read_bytes()

    assert not [kind for kind in (b"tEXt", b"iTXt", b"zTXt", b"eXIf", b"tIME") if kind in content]


def test_a_path_that_cannot_be_written_is_refused_first(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="does not exist"):
        count(tmp_path / "missing.mp4", LINES, picture=tmp_path / "nowhere" / "picture.png")
    with pytest.raises(InputError, match=r"ends in \.png"):
        count(tmp_path / "missing.mp4", LINES, picture=tmp_path / "picture.jpg")


@pytest.mark.slow
def test_a_passing_pedestrian_is_not_in_the_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a file to the picture: the walker's magenta is in the file, and not in the picture."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    video, path = tmp_path / "walker.mp4", tmp_path / "picture.png"
    with av.open(video, "w") as container:
        stream = container.add_stream("mpeg4", rate=12)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        for number in range(60):
            image = np.full((180, 320, 3), 140, np.uint8)
            left = number * 5
            image[70:130, left : left + 20] = (230, 20, 230)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))

    counts = count(video, LINES, detector="motion", model_dir=tmp_path, picture=path)

    image = decoded(path)[:720].astype(np.int16)
    magenta = (image[..., 0] > 180) & (image[..., 1] < 90) & (image[..., 2] > 180)
    assert not magenta.any()
    assert any("check before sharing" in warning for warning in counts.warnings)
    assert not [name for name in tmp_path.iterdir() if name.name.startswith(".passerby")]
