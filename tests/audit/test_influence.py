"""The influence of one passer-by: measured through the counter of live cameras, and bugs that raise it are found."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from passerby.audit import influence
from passerby.audit.influence import Pair, Setting, Tally, counted_live, person_days
from passerby.cli import command
from passerby.counting import chunks
from passerby.counting.detections import Detections, Tracks
from passerby.counting.parameters import CountingParams, TrackerParams
from passerby.counting.tracker import track
from passerby.errors import InputError
from passerby.synth.street import Street
from passerby.synth.truth import TrueBox, TrueCrossing, boxes_at, lines, truth

SETTING = Setting(seed=4, density="mixed", weather="day", detector="motion", duration_s=15.0)
CROSSINGS, INFLUENCE = 1, 2


def exceeding(found: Sequence[Pair]) -> int:
    return person_days(found, CROSSINGS, INFLUENCE).exceeding


@lru_cache
def boxes(street: Street) -> tuple[tuple[int, tuple[TrueBox, ...]], ...]:
    """The boxes of everybody in the picture, ten times a second."""
    times = (number / street.fps for number in range(street.frame_count))
    return tuple((street.start_ms + round(time_s * 1000), boxes_at(street, time_s)) for time_s in times)


def tracked(street: Street, without: Sequence[str]) -> Tally:
    """Counts by the tracker and the line test of live cameras, from the boxes of a detector that misses nobody."""
    params = chunks.of_stream(CountingParams())
    size_px, crossed_lines = (street.width, street.height), lines(street)

    def tick(time_ms: int, seen: Sequence[TrueBox]) -> Detections:
        seen = [one for one in seen if one.actor not in without and in_picture(one, street)]
        return Detections(
            time_ms,
            np.array([one.xyxy for one in seen], np.float32).reshape(-1, 4),
            np.full(len(seen), 0.9, np.float32),
            np.array([one.label for one in seen], np.int64),
        )

    found = Tally()
    for span, ticks in chunks.chunks((tick(*one) for one in boxes(street)), params):
        crossings, _ = chunks.crossings_of(ticks, crossed_lines, size_px, span, 0.4, params)
        found.update((one.line, str(one.direction), one.label.text) for one in crossings)
    return found


def in_picture(box: TrueBox, street: Street) -> bool:
    left, top, right, bottom = box.xyxy
    return right > 0 and bottom > 0 and left < street.width and top < street.height


BUSY = replace(SETTING, density="dense", duration_s=25.0)


@pytest.mark.slow
def test_the_counter_of_live_cameras_keeps_its_influence_where_the_detector_misses_nobody() -> None:
    found = list(influence.pairs(BUSY, tracked))
    assert len(found) > 10
    assert sum(pair.difference >= 1 for pair in found) > len(found) / 2
    assert exceeding(found) <= len(found) / 20


@pytest.mark.slow
def test_a_tracker_that_renames_everybody_when_somebody_enters_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def renaming(ticks: Iterable[Detections], params: TrackerParams) -> Tracks:
        tracks = track(ticks, params)
        begun = np.sort(
            [tracks.time_ms[tracks.tracker_id == one].min() for one in np.unique(tracks.tracker_id)]
        )
        last = np.maximum(0, np.searchsorted(begun, tracks.time_ms, side="right") - 1)
        # For a second after somebody entered, nobody keeps a name.
        confused = tracks.time_ms - begun[last] < 1_000
        names = np.where(confused, tracks.time_ms % 1_000_000, last)
        return replace(tracks, tracker_id=tracks.tracker_id * 1_000_000 + names)

    monkeypatch.setattr(chunks, "track", renaming)
    assert exceeding(list(influence.pairs(BUSY, tracked))) > 0


@pytest.mark.slow
def test_pictures_are_counted_as_those_of_a_live_camera_are() -> None:
    found = list(islice(influence.pairs(SETTING, counted_live("motion")), 2))
    assert len(found) == 2
    assert all(pair.crossings >= 1 and pair.difference <= 4 for pair in found)


@lru_cache
def crossed(street: Street) -> tuple[TrueCrossing, ...]:
    return truth(street, lines(street))


def planted(change: Any) -> list[Pair]:
    """Pairs of a counter that finds everybody, and then does what `change` does."""

    def count(street: Street, without: Sequence[str]) -> Tally:
        exact = Tally(
            (one.line, str(one.direction), one.label.text)
            for one in crossed(street)
            if one.actor not in without
        )
        return Tally(change(exact))

    return list(influence.pairs(replace(SETTING, duration_s=40.0), count))


def test_an_exact_counter_changes_by_what_one_person_does() -> None:
    assert {pair.difference / pair.crossings for pair in planted(lambda exact: exact)} == {1.0}


def scaled(exact: Tally) -> dict[Any, int]:
    """More is counted where it is busy."""
    total = sum(exact.values())
    return {cell: number * total // 5 for cell, number in exact.items()}


def without_small(exact: Tally) -> dict[Any, int]:
    """What is small is not told."""
    return {cell: number for cell, number in exact.items() if number >= 3}


def by_majority(exact: Tally) -> dict[Any, int]:
    """All are called what most are called, which one person can change where it is a draw."""
    people = sum(number for (_, _, label), number in exact.items() if label == "person")
    rest = sum(exact.values()) - people
    shift = people - rest
    named = "person" if (shift - _DRAW) >= 0 else "vehicle"
    found = Tally()
    for (line, direction, _), number in exact.items():
        found[line, direction, named] += number
    return found


_DRAW = 0


@pytest.mark.parametrize("change", [scaled, without_small])
def test_counts_that_depend_on_how_many_there_are_are_found(change: Any) -> None:
    assert exceeding(planted(change)) > 0


def test_a_class_that_is_chosen_by_the_majority_of_the_day_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Tally] = []

    def look(exact: Tally) -> Tally:
        seen.append(exact)
        return exact

    planted(look)
    people = sum(number for (_, _, label), number in seen[0].items() if label == "person")
    # A day on which one person more or less decides.
    monkeypatch.setitem(globals(), "_DRAW", people - (sum(seen[0].values()) - people))
    assert exceeding(planted(by_majority)) > 0


pairs_of = st.lists(
    st.builds(
        Pair,
        setting=st.just(SETTING),
        actor=st.uuids().map(str),
        kind=st.just("person"),
        crossings=st.integers(1, 3),
        difference=st.integers(0, 9),
    ),
    max_size=60,
)


@given(pairs_of, st.integers(1, 5), st.integers(1, 4))
def test_days_use_each_pair_once_and_the_limit_is_above_the_share(
    found: list[Pair], crossings: int, influence_: int
) -> None:
    days = person_days(found, crossings, influence_)
    assert days.number * crossings <= sum(pair.crossings for pair in found)
    assert days.share <= days.limit <= 1
    assert days.exceeding <= days.number


def test_what_was_measured_is_kept_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    assert influence.load(path) == {}
    found = {SETTING: [Pair(SETTING, "person-1", "person", 1, 2)], replace(SETTING, seed=5): []}
    influence.save(path, found)
    assert influence.load(path) == found
    path.write_text(path.read_text() + '{"setting": 3}\n')
    with pytest.raises(InputError, match="line 3: expected a line that this command wrote"):
        influence.load(path)


@pytest.mark.slow
def test_the_command_goes_on_where_it_was_and_says_what_it_found(tmp_path: Path) -> None:
    out = tmp_path / "pairs.jsonl"
    settings = influence.settings(2, "motion")
    influence.save(out, {one: [Pair(one, f"a-{n}", "car", 1, 1) for n in range(8)] for one in settings})
    words = ["audit", "influence", "--streets", "2", "--detector", "motion", "--out", str(out)]
    well = CliRunner().invoke(command, words)
    assert well.exit_code == 0
    assert (
        "b = 2 holds: in 100.0% of 4 audited person-days of 4 crossings the loss is at most epsilon"
        in well.output
    )
    kept = out.read_text().splitlines()
    plain = json.loads(kept[0])
    for pair in plain["pairs"]:
        pair["difference"] = 4
    out.write_text("\n".join([json.dumps(plain), kept[1]]) + "\n")
    broken = CliRunner().invoke(command, words)
    assert broken.exit_code == 1
    assert "b = 2 FAILS" in broken.output
