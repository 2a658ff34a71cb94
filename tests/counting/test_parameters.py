"""Every threshold is a documented parameter, and another value gives another result without a change of code."""

import ast
import inspect
from dataclasses import FrozenInstanceError, fields, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from tests.counting.bodies import CAR, HEIGHT, MIDDLE, WIDTH, Box, along, seen

from passerby.counting import parameters
from passerby.counting.context import apply_context
from passerby.counting.crossings import find_crossings
from passerby.counting.parameters import (
    ContextParams,
    CountingParams,
    CrossingParams,
    KindParams,
    TrackerParams,
    VisibilityParams,
)
from passerby.counting.tracker import track
from passerby.domain.labels import Label
from passerby.domain.timespan import Span

CLASSES = (TrackerParams, KindParams, CrossingParams, ContextParams, VisibilityParams, CountingParams)
EVER = Span(0, 10**12)
TREE = ast.parse(inspect.getsource(parameters))
WALK = along((0, 260, 250), (4, 380, 250))


def field_docs(name: str) -> dict[str, str]:
    """The text below each field of the class `name`."""
    [body] = [node.body for node in TREE.body if isinstance(node, ast.ClassDef) and node.name == name]
    return {
        node.target.id: ast.literal_eval(text.value)
        for node, text in pairwise(body)
        if isinstance(node, ast.AnnAssign)
        and isinstance(node.target, ast.Name)
        and isinstance(text, ast.Expr)
    }


@pytest.mark.parametrize("params", CLASSES)
def test_every_parameter_states_its_unit_source_and_effect(params: type) -> None:
    docs = field_docs(params.__name__)
    assert list(docs) == [field.name for field in fields(params)]
    for name, text in docs.items():
        for word in ("Unit:", "Source:", "Higher"):
            assert word in text, (name, word)


@pytest.mark.parametrize("params", CLASSES)
def test_parameters_are_frozen(params: type) -> None:
    with pytest.raises(FrozenInstanceError):
        setattr(params(), fields(params)[0].name, 0)


def test_no_threshold_of_counting_is_a_loose_number() -> None:
    """The modules that decide a count define no constant of their own but those without a unit."""
    folder = Path(inspect.getfile(parameters)).parent
    for name in ("tracker", "track_state", "occlusion", "splits", "relinking", "paths", "kinds"):
        check_no_number(folder / f"{name}.py")
    for name in ("duplicates", "crossings", "line_test", "context", "visibility"):
        check_no_number(folder / f"{name}.py")


def check_no_number(path: Path) -> None:
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Constant):
            assert isinstance(node.value.value, str), (path.name, ast.unparse(node))


def count(boxes: list[list[Box]], tracker: TrackerParams, crossing: CrossingParams) -> int:
    return len(find_crossings(track(seen(*boxes), tracker), [MIDDLE], (WIDTH, HEIGHT), EVER, crossing))


@pytest.mark.parametrize(
    ("tracker", "expected"),
    [
        (TrackerParams(), 1),
        (TrackerParams(sure_confidence=0.9), 0),  # no box is sure enough to begin a track
        (TrackerParams(gate=1e-4, new_gate=1e-4, relink_gate=0, reappear_gate=0), 0),  # no box continues one
    ],
)
def test_the_tracker_follows_its_parameters(tracker: TrackerParams, expected: int) -> None:
    assert count([WALK], tracker, CrossingParams()) == expected


def test_a_longer_gap_is_survived_by_other_parameters() -> None:
    gap = [box for box in along((0, 260, 250), (6, 380, 250)) if not 2_000 < box.time_ms < 4_500]
    patient = TrackerParams(lost_ms=3_000, relink_ms=3_000, min_box_share=0.1)
    ids = [len(np.unique(track(seen(gap), params).tracker_id)) for params in (TrackerParams(), patient)]
    assert ids == [2, 1]


def test_crossings_follow_their_parameters() -> None:
    assert count([WALK], TrackerParams(), replace(CrossingParams(), min_boxes=10_000)) == 0
    assert count([WALK], TrackerParams(), replace(CrossingParams(), band_min=0.5)) == 0


def test_context_follows_its_parameters() -> None:
    cars = [
        along((5.0 * k, 60, 250), (5.0 * k + 2, 580, 250), size=CAR, label=Label.VEHICLE, confidence=0)
        for k in range(6)
    ]
    larger = along((30, 60, 250), (32, 580, 250), size=(240, 130), label=Label.VEHICLE, confidence=0)
    crossings = find_crossings(track(seen(*cars, larger)), [MIDDLE], (WIDTH, HEIGHT), EVER)
    default, insensitive = (
        [crossing.label for crossing in apply_context(crossings, params)]
        for params in (ContextParams(), ContextParams(large_area=100))
    )
    assert default[-1] in {Label.BUS, Label.TRUCK}
    assert set(insensitive) == {Label.CAR}
