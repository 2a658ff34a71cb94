"""Each saving has a name, and what is released makes those alone that it may."""

import pytest

from passerby.domain.geometry import Line
from passerby.errors import InputError
from passerby.video.observe import setup_for_size
from passerby.video.scheduling.optimizations import ALL, NAMES, NONE, PRIVATE, Optimizations, disabled


def test_each_can_be_done_without() -> None:
    assert disabled([]) == ALL == Optimizations()
    for name in NAMES:
        assert [one for one in NAMES if not getattr(disabled([name]), one)] == [name]
    assert disabled(NAMES) == disabled(["all"]) == NONE


@pytest.mark.parametrize("name", ["gates", "", "all,gate"])
def test_another_name_is_refused_with_those_that_there_are(name: str) -> None:
    with pytest.raises(InputError, match="expected all, or some of cadence, pace"):
        disabled([name])


def test_what_is_released_is_seen_without_what_one_body_may_change_for_another() -> None:
    """Crops and the pace follow who moves; what is held, and a picture decoded without its filter, keep for longer
    what was before."""
    assert [name for name in NAMES if not getattr(PRIVATE, name)] == ["pace", "hold", "crops", "filter"]
    line = Line("a", (0.5, 0.0), (0.5, 1.0))
    assert setup_for_size((640, 360), [line], 0.4, (), True).optimizations == PRIVATE


@pytest.mark.parametrize(
    ("half_width", "look_ms"), [(0.1, 100), (0.4, 100), (0.5, 125), (0.8, 160), (2.0, 160), (None, 160)]
)
def test_the_pace_is_given_by_the_corridor_alone(half_width: float | None, look_ms: int) -> None:
    line = Line("a", (0.5, 0.0), (0.5, 1.0))
    for size in ((640, 360), (1920, 1080)):
        assert setup_for_size(size, [line], half_width, (), False).interval_ms == look_ms
        assert setup_for_size(size, [line], half_width, (), False, NONE).interval_ms is None
