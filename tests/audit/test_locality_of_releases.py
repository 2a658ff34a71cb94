"""Locality of the private path itself: recordings that differ in one event, through decoding, detector and tracker."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from passerby import synth
from passerby.audit import attacks
from passerby.audit.attacks import QUIET, Films, Stage
from passerby.audit.locality import Locality, Pair, locality_audit
from passerby.counting.detections import Detections
from passerby.domain.timespan import Span
from passerby.errors import ModelError
from passerby.privacy.contribution import Contribution
from passerby.recordings import release
from passerby.video import observe
from passerby.video.detect.detector import load

pytestmark = pytest.mark.slow

STAGE = Stage()
PATH: Any = release


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Films:
    return Films(tmp_path_factory.mktemp("films"), STAGE)


@pytest.fixture(scope="module")
def twice(films: Films) -> Pair[Path]:
    """Someone comes twice for rho: at the end of a chunk and across an edge."""
    return films.with_actor((1.9, 15.3), 4.0)


def shown(stage: Stage, pair: Pair[Path]) -> Locality:
    """By checksums of tracks, which change when anything does."""
    charge = stage.charge()
    (found,) = locality_audit(stage.fingerprints, [pair], replace(charge, cap=2 * charge.cap))
    return found


def test_an_event_changes_the_chunks_that_are_paid_for(twice: Pair[Path]) -> None:
    found = shown(STAGE, twice)
    assert found.holds
    assert found.factor == 1
    assert found.changed >= 3


def test_pictures_of_anything_change_the_chunks_that_are_paid_for(films: Films) -> None:
    found = shown(STAGE, films.with_noise(10.0, 4.0))
    assert found.holds
    assert found.changed >= 2


def test_frames_beyond_the_window_are_caught(films: Films, monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: the private path looks as far as one's own recording does."""
    kept = PATH.window_of

    def too_far(*given: Any) -> Span:
        window: Span = kept(*given)
        return Span(window.start_ms - 4_000, window.end_ms)

    monkeypatch.setattr(release, "window_of", too_far)
    assert shown(STAGE, films.with_noise(9.0, 4.0)).outside


def test_a_tracker_that_is_not_fresh_is_caught(films: Films, monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: boxes of the chunk before are kept."""
    kept, before = PATH.track, list[Detections]()

    def remembering(ticks: Iterable[Detections]) -> Any:
        seen = list(ticks)
        together = sorted([*before, *seen], key=lambda tick: tick.time_ms)
        before[:] = seen
        return kept(together)

    monkeypatch.setattr(release, "track", remembering)
    # All of one chunk, so that what is kept of it is seen in the next but one.
    found = shown(STAGE, films.with_noise(6.5, 3.0))
    assert found.outside


def test_every_tick_is_of_the_grid(films: Films) -> None:
    """At most one picture in each 80 ms: the last frame of a chunk is not looked at beside its tick's first."""
    counting = STAGE.counting(films.empty)
    looking = PATH._chosen("motion", None)
    setup = observe.setup_for(counting.recording, [counting.line.line], 0.4, looking.loaded, looking.motion)
    street = replace(QUIET, fps=50.0, duration_s=2.0)
    dense = films.empty.with_name("dense.mp4")
    synth.write_lossless(synth.frames(street), dense, street)
    recording = observe.probe(dense)
    for window, ticks_only in product((Span(0, 1_010), Span(1_000, 1_990)), (True, False)):
        seen = observe.RecordingObservation(recording, 0, window, setup, ticks_only=ticks_only)
        ticks = [one.time_ms // observe.TICK_MS for one in seen]
        assert (len(ticks) == len(set(ticks))) == ticks_only


@pytest.fixture(scope="module")
def with_model(shared_models: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Stage, Films]:
    try:
        load("yolox_nano", shared_models)
    except ModelError as error:
        pytest.skip(f"YOLOX cannot be run here: {error}")
    stage = Stage(replace(QUIET, duration_s=12.0), "yolox_nano+motion", shared_models)
    return stage, Films(tmp_path_factory.mktemp("films"), stage)


def test_a_network_is_as_local_as_motion(with_model: tuple[Stage, Films]) -> None:
    stage, films = with_model
    found = shown(stage, films.with_noise(2.5, 3.5))
    assert found.holds
    assert found.changed >= 1

    def backwards(video: Path) -> Iterator[Contribution]:
        chunks = reversed(list(stage.chunks()))
        return iter(release.tracked(stage.part(video, chunks), attacks.fingerprint))

    assert sorted(backwards(films.empty), key=lambda one: one.chunk.span) == list(
        stage.fingerprints(films.empty)
    )
