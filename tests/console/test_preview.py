"""The preview of a line, compared with figures computed by hand.

Invariant: every expected figure can be checked with a pencil.
"""

import pytest

from passerby.console import policy_form, preview
from passerby.console.preview import Scale, ground, iec_class, plan_or_problem
from passerby.domain.geometry import Line
from passerby.domain.policy import CrossingsPolicy, FootagePolicy
from passerby.domain.release import Cell
from passerby.errors import InputError, PolicyError
from passerby.privacy.plan import Plan

ACROSS = Line("road", (0.5, 0.2), (0.5, 0.8))
CELLS = (Cell("north", "road", "in", "person"), Cell("north", "road", "out", "person"))


@pytest.mark.parametrize(
    ("px_per_m", "name"),
    [
        (19, "below overview"),
        (20, "overview"),
        (79, "outline"),
        (80, "discern"),
        (125, "perceive"),
        (1500, "scrutinise"),
    ],
)
def test_the_classes_of_iec_62676_4(px_per_m: float, name: str) -> None:
    assert iec_class(px_per_m) == name


def test_metres_come_from_a_known_length() -> None:
    # A tenth of 640 px are 2 m: 32 px/m. The corridor is 0.2 of 360 px: 72 px, or 2.25 m.
    scale = ground(ACROSS, 0.1, [Scale((0.4, 0.5), (0.5, 0.5), 2.0)], 640, 360)

    assert scale is not None
    assert scale.px_per_m == pytest.approx(32)
    assert scale.name == "overview"
    assert scale.corridor_m == pytest.approx(2.25)
    assert scale.walk_s == pytest.approx(2.25 / 1.3)
    assert scale.slow_s == pytest.approx(2.25 / 0.8)
    assert scale.rho_ms == 3000


def test_the_nearest_known_length_is_taken() -> None:
    far, near = Scale((0.0, 0.1), (0.1, 0.1), 10.0), Scale((0.45, 0.6), (0.55, 0.6), 1.0)

    scale = ground(ACROSS, 0.1, [far, near], 640, 360)

    assert scale is not None
    assert scale.px_per_m == pytest.approx(64)


def test_without_a_known_length_nothing_is_guessed() -> None:
    assert ground(ACROSS, 0.1, [], 640, 360) is None
    assert "known length" in preview.rho_text(FootagePolicy(), None)


def test_a_picture_in_which_people_can_be_recognised_gives_a_warning() -> None:
    scale = ground(ACROSS, 0.1, [Scale((0.0, 0.5), (0.1, 0.5), 0.5)], 640, 360)

    assert scale is not None
    assert scale.px_per_m == pytest.approx(128)
    assert "can be recognised" in scale.warning


def test_the_text_about_rho() -> None:
    scale = ground(ACROSS, 0.1, [Scale((0.4, 0.5), (0.5, 0.5), 2.0)], 640, 360)

    assert "hides a walk straight across" in preview.rho_text(FootagePolicy(rho_ms=3000), scale)
    assert "too short: a slow walk across takes 2.8 s" in preview.rho_text(FootagePolicy(rho_ms=2000), scale)


def test_a_plan_or_the_error_of_the_policy() -> None:
    scale = plan_or_problem(FootagePolicy(), CELLS, 100)
    assert isinstance(scale, Plan)
    assert scale.sensitivity.delta == 2 * 2 * 12

    assert "above 0" in str(plan_or_problem(FootagePolicy(), CELLS, 0))


def test_a_policy_and_its_texts_are_equal() -> None:
    for policy in (FootagePolicy(), FootagePolicy(rho_ms=2500, epsilon=0.5, warmup_ms=0, every_ms=3_600_000)):
        assert policy_form.parse(policy_form.texts(policy), "footage") == policy


@pytest.mark.parametrize(
    ("key", "text", "error"),
    [
        ("k", "two", InputError),
        ("rho", "6", InputError),
        ("epsilon", "0", PolicyError),
        ("chunk", "20m", PolicyError),
    ],
)
def test_an_invalid_policy_is_an_error(key: str, text: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        policy_form.parse({**policy_form.texts(FootagePolicy()), key: text}, "footage")


def test_a_policy_of_a_site_and_its_texts_are_equal() -> None:
    for policy in (CrossingsPolicy(), CrossingsPolicy(2, 3, 0.5, 3_600_000, 0.0)):
        assert policy_form.parse(policy_form.texts(policy), "crossings") == policy


def test_a_site_is_shown_the_noise_of_its_numbers() -> None:
    assert preview.crossings_rows(CrossingsPolicy()) == [
        ("Promise", "crossings 4, influence 2, epsilon 1"),
        ("Per 15m", "± 32"),
        ("Per day", "± 96, or less with the bins"),
    ]
