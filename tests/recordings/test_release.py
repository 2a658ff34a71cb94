"""The private path: the same anywhere and in any order, nothing beyond the window or the corridor, paid for once."""

import random
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("opendp", reason="the extra `private` is not installed")
pytest.importorskip("sqlalchemy", reason="the extra `private` is not installed")

from passerby import synth
from passerby.audit import attacks
from passerby.chunk import clipped
from passerby.config.site import CountedLine
from passerby.counting.detections import Tracks
from passerby.counting.tracker import track
from passerby.domain.geometry import Corridor
from passerby.domain.policy import FootagePolicy
from passerby.domain.release import Release
from passerby.domain.timespan import Chunk, Span, cut
from passerby.errors import BudgetError, InputError, PolicyError
from passerby.executors.processes import processes
from passerby.privacy import gate
from passerby.privacy.contribution import Contribution, clip
from passerby.privacy.database import open_ledger
from passerby.privacy.ledger import Ledger
from passerby.recordings import release as private
from passerby.recordings.release import Counting, Part
from passerby.synth import Street
from passerby.video import observe
from passerby.video.decode import source
from passerby.video.decode.regions import mask_of
from passerby.video.detect.selection import choose

pytestmark = pytest.mark.slow

DAY_MS = 86_400_000
STREET = Street(seed=5, duration_s=42.0, width=192, height=108, fps=12.5, density="dense", parked=0)
POLICY = FootagePolicy(rho_ms=4_000, k=2, chunk_ms=6_000, warmup_ms=2_000, clip=9, every_ms=12_000)


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("street") / "street.mp4"
    synth.write(STREET, path)
    return path


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = open_ledger(tmp_path / "ledger.db", create=True)
    yield opened
    opened.close()


def countings(video: Path, policy: FootagePolicy = POLICY, lines: int = 1) -> list[Counting]:
    counted = [
        CountedLine(line, ("person", "bicycle", "car"), 0.4, policy) for line in synth.lines(STREET)[:lines]
    ]
    return private.countings(video, "north", counted, detector="motion", timezone="UTC")[0]


def chunks(counting: Counting) -> list[Span]:
    return list(cut(private.recorded_span(counting), POLICY.chunk_ms))


def part(counting: Counting, *spans: Span) -> Part:
    return Part((counting,), tuple((0, span) for span in spans))


# Chunks


def test_chunks_say_the_same_in_any_order_and_in_any_process(video: Path) -> None:
    (counting,) = countings(video)
    spans = chunks(counting)
    shuffled = random.Random(1).sample(spans, len(spans))

    here = private.contributions_of(part(counting, *spans))
    elsewhere = [
        found
        for (found,) in processes(2)(private.contributions_of, [part(counting, span) for span in shuffled])
    ]
    assert any(any(one.counts) for one in here)
    assert sorted(elsewhere, key=lambda one: one.chunk.span) == here
    # By checksums of all tracks, which crossings might hide.
    again = private.tracked(part(counting, *shuffled), attacks.fingerprint)
    assert sorted(again, key=lambda one: one.chunk.span) == [
        found for span in spans for found in private.tracked(part(counting, span), attacks.fingerprint)
    ]


def decoded_alone(counting: Counting, chunk: Span) -> Tracks:
    """The tracks of one chunk as they were found before lines shared a pass: the file opened for its window alone."""
    recording, line = counting.recording, counting.line
    chosen = choose(counting.detector, None)
    setup = observe.setup_for(recording, [line.line], line.corridor, chosen.loaded, chosen.motion)
    window = Span(chunk.start_ms - counting.policy.warmup_ms, chunk.end_ms)
    return track(observe.RecordingObservation(recording, counting.start_ms, window, setup, ticks_only=True))


def test_a_shared_pass_gives_every_chunk_of_every_line_what_it_gives_alone(video: Path) -> None:
    of_camera = countings(video, lines=2)
    other = replace(of_camera[1].line, policy=replace(POLICY, chunk_ms=4_000, warmup_ms=3_000))
    of_camera[1] = replace(of_camera[1], line=other)
    pairs = [
        (number, span)
        for number, counting in enumerate(of_camera)
        for span in cut(private.recorded_span(counting), counting.policy.chunk_ms)
    ]
    shared = private.tracked(Part(tuple(of_camera), tuple(pairs)), attacks.fingerprint)
    counted = private.contributions_of(Part(tuple(of_camera), tuple(pairs)))

    assert any(any(one.counts) for one in counted)
    for (number, span), of_tracks, of_counts in zip(pairs, shared, counted, strict=True):
        counting = of_camera[number]
        alone = decoded_alone(counting, span)
        assert of_tracks == attacks.fingerprint(alone, counting, span)
        size = counting.recording.width, counting.recording.height
        assert of_counts == clipped(alone, "north", counting.line, size, span)


@pytest.mark.parametrize("lines", [1, 2])
def test_a_recording_is_decoded_once_whatever_the_number_of_lines(
    video: Path, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, lines: int
) -> None:
    of_camera = countings(video, lines=lines)
    opened, frames = [], []
    kept = source.FrameReader.__iter__

    def noted(reader: source.FrameReader) -> Iterator[Any]:
        opened.append(reader)
        for frame in kept(reader):
            frames.append(frame.time_ms)
            yield frame

    monkeypatch.setattr(source.FrameReader, "__iter__", noted)
    private.count_privately(of_camera, UTC, ledger, map, lambda release: None)

    assert len(opened) == 1
    assert len(frames) == len(set(frames)) == round(STREET.duration_s * STREET.fps)


def test_parts_and_processes_change_no_contribution(
    video: Path, ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_noise(monkeypatch)
    whole = private.count_privately(countings(video, lines=2), UTC, ledger, map, lambda release: None)
    monkeypatch.setattr(private, "PART_MS", 9_000)
    again = open_ledger(tmp_path / "again.db", create=True)
    in_parts = private.count_privately(countings(video, lines=2), UTC, again, map, lambda release: None)
    again.close()

    assert [(one.cell, one.start_ms, one.value, one.coverage) for one in in_parts.bins] == [
        (one.cell, one.start_ms, one.value, one.coverage) for one in whole.bins
    ]


def test_a_pass_that_fails_ends_its_windows_and_says_why(
    video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (counting,) = countings(video)
    before = threading.active_count()

    def broken(tracks: Tracks, of_line: Counting, chunk: Span) -> None:
        raise InputError("no more")

    with pytest.raises(InputError, match="no more"):
        private.tracked(part(counting, *chunks(counting)), broken)
    assert threading.active_count() == before


def test_a_chunk_without_frames_says_zeros(video: Path) -> None:
    (counting,) = countings(video)
    span = Span(STREET.start_ms - 60_000, STREET.start_ms - 54_000)

    (found,) = private.contributions_of(part(counting, span))
    assert found == clip(Chunk("north", span), {}, counting.cells, POLICY.clip)


def test_nothing_outside_the_corridor_is_seen(tmp_path: Path) -> None:
    stage = attacks.Stage(replace(attacks.QUIET, duration_s=8.0, density="dense"))
    line = stage.line.line
    size = stage.street.width, stage.street.height
    # Chroma is shared by two pixels each way.
    near = mask_of(Corridor(line, 0.4 + 4 / size[1]), size) > 0
    plain = list(synth.frames(stage.street))
    chance = np.random.default_rng(2)
    noisy = [
        np.where(near[..., None], image, chance.integers(0, 256, image.shape, np.uint8)) for image in plain
    ]
    everywhere = [np.asarray(chance.integers(0, 256, image.shape), np.uint8) for image in plain]
    seen = []
    for name, pictures in (("plain", plain), ("noisy", noisy), ("everywhere", everywhere)):
        synth.write_lossless(pictures, tmp_path / f"{name}.mp4", stage.street)
        seen.append([one.counts for one in stage.fingerprints(tmp_path / f"{name}.mp4")])
    assert not near.all()
    assert seen[0] == seen[1]
    assert seen[0] != seen[2]


# Releases


def without_noise(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(gate, "add_noise", lambda counts, delta, epsilon: tuple(counts))


def test_a_bin_is_the_sum_of_its_own_chunks(
    video: Path, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_noise(monkeypatch)
    of_camera = countings(video, lines=2)
    sunk: list[Release] = []
    published = private.count_privately(of_camera, UTC, ledger, map, sunk.append)

    for counting in of_camera:
        parts = private.contributions_of(part(counting, *chunks(counting)))
        for index, cell in enumerate(counting.cells):
            released = {one.start_ms: one.value for one in published.bins if one.cell == cell}
            expected = {
                span.start_ms: sum(part.counts[index] for part in parts if part.chunk.span.start_ms in span)
                for span in cut(private.recorded_span(counting), POLICY.every_ms)
            }
            assert released == expected
    assert sum(one.value for one in published.bins) > 0
    assert sunk == list(published.bins)
    assert [one.start_ms for one in sunk] == sorted(one.start_ms for one in sunk)
    assert published.days == ()


def test_the_same_again_gives_the_same_numbers_and_counts_nothing(
    video: Path, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = private.count_privately(countings(video), UTC, ledger, map, lambda release: None)
    monkeypatch.setattr(private, "tracked", None)
    again = private.count_privately(countings(video), UTC, ledger, map, lambda release: None)
    assert (again.bins, again.again) == (first.bins, 4)


def test_another_policy_for_the_same_time_is_refused(video: Path, ledger: Ledger) -> None:
    private.count_privately(countings(video), UTC, ledger, map, lambda release: None)
    other = countings(video, replace(POLICY, clip=8))
    with pytest.raises(BudgetError, match="before epoch 2 began"):
        private.count_privately(other, UTC, ledger, map, lambda release: None)


def test_a_question_is_paid_for_once_and_refused_beyond_the_budget(video: Path, ledger: Ledger) -> None:
    of_camera = countings(video)
    span = Span(STREET.start_ms + 1, STREET.start_ms + 13_000)
    name = of_camera[0].line.line.name
    first = private.ask_recording(of_camera, name, span, 0.4, ledger, map)
    assert {(one.start_ms, one.end_ms) for one in first} == {(STREET.start_ms, STREET.start_ms + 18_000)}
    assert private.ask_recording(of_camera, name, span, 0.4, ledger, map) == first
    with pytest.raises(BudgetError, match=r"epsilon 0.7 asked, 0.6 left of 1"):
        private.ask_recording(of_camera, name, span, 0.7, ledger, map)

    # What was asked is gone: the bins of that time are refused, the others are released.
    published = private.count_privately(of_camera, UTC, ledger, map, lambda release: None)
    assert {one.start_ms - STREET.start_ms for one in published.bins} == {24_000, 36_000}
    assert any("0.6 left of 1" in line for line in published.refused)


def two_each(counted: Part) -> list[Contribution]:
    (counting,) = counted.countings
    return [
        clip(Chunk(counting.camera, span), dict.fromkeys(counting.cells, 2), counting.cells, 9)
        for _, span in counted.chunks
    ]


def test_a_day_is_released_when_it_was_seen_whole(
    video: Path, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    midnight = STREET.start_ms // DAY_MS * DAY_MS
    policy = replace(POLICY, chunk_ms=900_000, every_ms=3_600_000, warmup_ms=0)
    of_camera = countings(video, policy)
    monkeypatch.setattr(private, "contributions_of", two_each)
    monkeypatch.setattr(
        private, "recorded_span", lambda _: Span(midnight - 1_800_000, midnight + DAY_MS + 900_000)
    )
    without_noise(monkeypatch)
    published = private.count_privately(of_camera, UTC, ledger, map, lambda release: None)
    cells = len(of_camera[0].cells)

    assert {(one.start_ms, one.end_ms) for one in published.days} == {(midnight, midnight + DAY_MS)}
    of_day = sum(one.value for one in published.days)
    within = [one for one in published.bins if midnight <= one.start_ms < midnight + DAY_MS]
    assert len(within) == 24 * cells
    assert of_day == sum(one.value for one in within) > 0
    assert {one.coverage for one in published.bins} == {0.5, 1.0, 0.25}

    again = private.count_privately(of_camera, UTC, ledger, map, lambda release: None)
    assert (again.bins, again.days) == (published.bins, published.days)


# Bad input


def test_a_recording_of_no_known_time_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "street.mp4"
    synth.write_lossless(synth.frames(attacks.QUIET, last=5), path, attacks.QUIET)
    line = attacks.Stage().line
    with pytest.raises(InputError, match="expected --start"):
        private.countings(path, "north", [line], detector="motion", timezone="UTC")
    private.countings(path, "north", [line], detector="motion", timezone="UTC", start="2026-01-01T08:00")


def test_policies_that_cannot_hold_are_refused_before_anything_is_paid(video: Path) -> None:
    with pytest.raises(PolicyError, match="at least one frame"):
        countings(video, replace(POLICY, chunk_ms=50, every_ms=1_000))
    with pytest.raises(PolicyError, match="divides every"):
        countings(video, replace(POLICY, chunk_ms=7_000))
    with pytest.raises(PolicyError, match="expected a privacy policy"):
        line = CountedLine(synth.lines(STREET)[0], None, 0.4, None)
        private.countings(video, "north", [line], detector="motion", timezone="UTC")


def test_a_chunk_that_no_bin_of_the_zone_starts_with_is_refused(video: Path, ledger: Ledger) -> None:
    from zoneinfo import ZoneInfo

    of_camera = countings(video, replace(POLICY, chunk_ms=40_000, every_ms=3_600_000))
    with pytest.raises(PolicyError, match="expected a chunk that divides 15 minutes"):
        private.count_privately(of_camera, ZoneInfo("Asia/Kathmandu"), ledger, map, lambda release: None)
    assert ledger.spent_micro("north", Span(0, 2 * STREET.start_ms)) == 0


def test_when_a_recording_was_made_is_told_by_its_time_stamps(video: Path, tmp_path: Path) -> None:
    (counting,) = countings(video)
    end_ms = STREET.start_ms + 42_000
    assert private.recorded_span(counting) == Span(STREET.start_ms, end_ms)
    # Cut short, as by a full disk: the header still promises all of it.
    cut_short = tmp_path / "street.mp4"
    cut_short.write_bytes(video.read_bytes()[: video.stat().st_size * 2 // 3])
    found = private.recorded_span(countings(cut_short)[0])
    assert STREET.start_ms + 5_000 < found.end_ms < end_ms
