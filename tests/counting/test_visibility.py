"""A count carries a mark where bodies could not be seen well, and none where they could."""

from dataclasses import replace

import pytest
from tests.counting.bodies import CAR, EVER, HEIGHT, MIDDLE, WIDTH, along, seen

from passerby.counting.context import apply_context
from passerby.counting.counts import Crossing, Visibility
from passerby.counting.crossings import find_crossings
from passerby.counting.detections import Detections, Light
from passerby.counting.evidence import with_motion
from passerby.counting.parameters import VisibilityParams
from passerby.counting.tracker import track
from passerby.counting.visibility import visibility_of
from passerby.domain.calendar import elapsed_bins
from passerby.domain.labels import Label
from passerby.domain.timespan import Span

QUARTER_MS = 900_000
LIT = [Light(0, 0.5, 1.0)]


def found(ticks: list[Detections], moved: list[Detections] | None = None) -> list[Crossing]:
    if moved is not None:
        by_time = {tick.time_ms: tick for tick in moved}
        ticks = [replace(tick, moved=by_time[tick.time_ms]) for tick in ticks]
    crossings = find_crossings(track(ticks), [MIDDLE], (WIDTH, HEIGHT), EVER)
    return with_motion(crossings, ticks, [MIDDLE], (WIDTH, HEIGHT), EVER)


def rows(crossings: list[Crossing], lights: list[Light] = LIT) -> list[Visibility]:
    bins = elapsed_bins(Span(0, QUARTER_MS), QUARTER_MS)
    return list(
        visibility_of(crossings, apply_context(crossings), lights, ["middle"], bins, VisibilityParams())
    )


def test_what_a_detector_and_motion_saw_has_no_mark() -> None:
    named = along((0, 60, 250), (2, 580, 250), size=CAR, label=Label.CAR)
    moving = [replace(box, confidence=0, label=Label.VEHICLE) for box in named]
    [row] = rows(found(seen(named), seen(moving)))
    assert (row.crossings, row.named, row.confirmed, row.mark) == (1, 1, 1, "")
    assert row.height_px == pytest.approx(CAR[1], abs=0.1)
    assert (row.contrast, row.noise) == (0.5, 1.0)


def test_what_motion_alone_saw_has_a_mark() -> None:
    moving = along((0, 60, 250), (2, 580, 250), size=CAR, label=Label.VEHICLE, confidence=0)
    [row] = rows(found(seen(moving), seen(moving)))
    assert row.mark == "1 of 1 were seen only by motion or only by a detector"


def test_a_detector_without_motion_confirms_itself() -> None:
    [row] = rows(found(seen(along((0, 60, 250), (2, 580, 250), size=CAR, label=Label.CAR))))
    assert (row.confirmed, row.mark) == (1, "")


def test_what_could_not_be_told_apart_is_said_first() -> None:
    between = along((0, 60, 250), (2.6, 580, 250), size=(50, 50), confidence=0)
    between = [
        replace(box, label=(Label.BICYCLE, Label.VEHICLE)[k % 3 == 0]) for k, box in enumerate(between)
    ]
    [row] = rows(found(seen(between), seen(between)))
    assert (row.crossings, row.named) == (1, 0)
    assert row.mark.startswith("1 of 1 could not be told apart; ")


def test_small_bodies_have_a_mark() -> None:
    [row] = rows(found(seen(along((0, 60, 250), (20, 580, 250), size=(8, 20)))))
    assert row.mark == "bodies are 20 px tall, expected 40"


def test_a_dark_picture_has_a_mark_even_where_nothing_was_counted() -> None:
    [row] = rows([], [Light(0, 0.04, 0.5)])
    assert (row.crossings, row.height_px) == (0, None)
    assert row.mark == "contrast is 0.04, expected 0.09"


def test_where_nothing_was_measured_nothing_is_claimed() -> None:
    [row] = rows([], [])
    assert (row.contrast, row.noise, row.mark) == (None, None, "")
