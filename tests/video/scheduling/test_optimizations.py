"""Each optimization can be disabled by its name, and private releases use only those that are safe for them."""

import pytest

from passerby.domain.geometry import Line
from passerby.errors import InputError
from passerby.video.observe import setup_for_size
from passerby.video.scheduling.optimizations import ALL, NAMES, NONE, PRIVATE, Optimizations, disabled


def test_each_can_be_disabled() -> None:
    assert disabled([]) == ALL == Optimizations()
    for name in NAMES:
        assert [one for one in NAMES if not getattr(disabled([name]), one)] == [name]
    assert disabled(NAMES) == disabled(["all"]) == NONE


@pytest.mark.parametrize("name", ["gates", "", "all,gate"])
def test_an_unknown_name_is_refused_with_the_known_ones(name: str) -> None:
    with pytest.raises(InputError, match="expected all, or some of cadence, pace"):
        disabled([name])


def test_private_releases_disable_what_lets_one_object_change_the_detection_of_another() -> None:
    """Crops and the pace follow moving objects; results that are held, and pictures decoded without the filter, depend
    on pictures of longer ago."""
    assert [name for name in NAMES if not getattr(PRIVATE, name)] == ["pace", "hold", "crops", "filter"]
    line = Line("a", (0.5, 0.0), (0.5, 1.0))
    assert setup_for_size((640, 360), [line], 0.4, (), True).optimizations == PRIVATE


@pytest.mark.parametrize(
    ("half_width", "expected_ms"), [(0.1, 100), (0.4, 100), (0.5, 125), (0.8, 160), (2.0, 160), (None, 160)]
)
def test_the_interval_depends_on_the_corridor_alone(half_width: float | None, expected_ms: int) -> None:
    line = Line("a", (0.5, 0.0), (0.5, 1.0))
    for size in ((640, 360), (1920, 1080)):
        assert setup_for_size(size, [line], half_width, (), False).interval_ms == expected_ms
        assert setup_for_size(size, [line], half_width, (), False, NONE).interval_ms is None
