"""What is told before anything is spent, against the noise and the traffic themselves."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from tests.privacy.conftest import BIN_MS, CELL

from passerby.domain.noise_interval import noise_95_of_release, noise_95_of_variances, variance
from passerby.domain.policy import FootagePolicy
from passerby.domain.release import Cell, Release
from passerby.errors import PolicyError
from passerby.privacy.noise import add_noise
from passerby.privacy.plan import (
    check,
    clipping_bias,
    corridor_told,
    describe,
    learned,
    nearest_useful,
    plan,
    promise,
)

CORRIDOR = FootagePolicy(
    rho_ms=6_000, k=2, epsilon=1.0, clip=6, chunk_ms=9_000, warmup_ms=2_000, every_ms=BIN_MS
)
WHOLE_FRAME = replace(CORRIDOR, rho_ms=30_000, chunk_ms=30_000, clip=12)


@dataclass(frozen=True)
class Unchecked:
    """A policy as it may stand in a file, before anything has refused it."""

    rho_ms: int = 6_000
    k: int = 2
    epsilon: float = 1.0
    clip: int = 6
    chunk_ms: int = 9_000
    warmup_ms: int = 2_000
    every_ms: int = BIN_MS


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"rho_ms": 0}, "rho 0"),
        ({"k": 0}, "k 0"),
        ({"clip": 0}, "clip 0"),
        ({"chunk_ms": 0}, "chunk 0"),
        ({"chunk_ms": 30}, "chunk 30 ms: expected at least one frame, 40 ms"),
        ({"chunk_ms": 7_000}, "chunk 7s: expected a length that divides every, 15m"),
        ({"warmup_ms": -1}, "warmup -1"),
        ({"epsilon": 0.0}, r"epsilon 0\.0"),
        ({"epsilon": -1.0}, r"epsilon -1\.0"),
        ({"epsilon": float("inf")}, "epsilon inf"),
        ({"epsilon": float("nan")}, "epsilon nan"),
        ({"epsilon": 0.1234567}, "six places"),
    ],
)
def test_policies_that_cannot_hold_are_refused_by_name(change: dict[str, float], name: str) -> None:
    with pytest.raises(PolicyError, match=name):
        check(Unchecked(**change), frame_ms=40.0)  # type: ignore[arg-type]


def test_a_policy_that_holds_is_not_refused() -> None:
    check(CORRIDOR, frame_ms=40.0)


@pytest.mark.parametrize("per_hour", [0, -1, float("inf"), float("nan")])
def test_an_expectation_that_cannot_be_meant(per_hour: float) -> None:
    with pytest.raises(PolicyError, match="crossings an hour"):
        plan(CORRIDOR, [CELL], per_hour)


def test_the_corridor_is_what_makes_it_useful() -> None:
    corridor, whole = plan(CORRIDOR, [CELL], 800), plan(WHOLE_FRAME, [CELL], 800)
    assert (corridor.sensitivity.delta, whole.sensitivity.delta) == (24, 72)
    assert (corridor.bin_scale, corridor.day_scale) == (30.0, 120.0)
    assert corridor.useful_from == "hour"
    assert whole.useful_from == "day"
    assert corridor.proposal is None


@pytest.mark.parametrize(("cells", "per_hour", "clip"), [(1, 800, 3), (1, 3000, 6), (2, 800, 2), (4, 500, 4)])
def test_clipping_loses_what_it_says_of_random_traffic(cells: int, per_hour: float, clip: int) -> None:
    policy = replace(CORRIDOR, clip=clip)
    mean = per_hour * 9 / 3600
    drawn = np.random.default_rng().poisson(mean, (200_000, cells))
    kept = np.minimum(drawn, clip) if cells <= 2 else np.minimum(drawn.sum(1), clip)
    assert clipping_bias(policy, cells, per_hour) == pytest.approx(1 - kept.sum() / drawn.sum(), abs=0.006)


@pytest.mark.slow
@pytest.mark.parametrize("number", [1, 4, 96])
def test_nineteen_times_in_twenty_noise_stays_within(number: int) -> None:
    drawn = np.array(add_noise([0] * (2_000 * number), 24, 800_000)).reshape(2_000, number).sum(1)
    reach = noise_95_of_release(30.0) if number == 1 else noise_95_of_variances([variance(30.0)] * number)
    within = float(np.mean(np.abs(drawn) <= reach))
    # Five standard deviations of a share of 0.95 among 2,000.
    assert abs(within - 0.95) < 0.0245


def test_a_useless_policy_is_called_so_and_the_nearest_useful_one_is_proposed() -> None:
    hopeless = plan(replace(WHOLE_FRAME, rho_ms=60_000, chunk_ms=60_000, clip=20), [CELL], 25)
    text = describe(hopeless)
    assert "too noisy even for a week; try: rho" in text
    assert "week" in text.partition("usable from ")[2] or "day" in text.partition("usable from ")[2]
    assert text.count("not usable") == len(hopeless.outlooks)
    better = hopeless.proposal
    assert better is not None
    assert (better.k, better.epsilon, better.every_ms) == (2, 1.0, BIN_MS)
    assert plan(better, [CELL], 25).useful_from is not None


def test_the_proposal_keeps_rho_where_chunk_and_clip_are_enough() -> None:
    better = nearest_useful(replace(CORRIDOR, clip=60), 1, 20)
    assert better is not None
    assert better.rho_ms == CORRIDOR.rho_ms
    assert better.clip < 10


def test_where_nothing_helps_it_says_so() -> None:
    lost = plan(replace(CORRIDOR, epsilon=0.001), [CELL], 1)
    assert lost.proposal is None
    assert "with any corridor, chunk or clip" in describe(lost)


def test_the_promise_is_in_words_that_promise_no_more_than_the_numbers() -> None:
    text = promise(CORRIDOR)
    assert "up to 2 visits of up to 6 s each" in text
    assert "more than 2.8 times" in text
    assert "better than 73.2 times in 100" in text
    assert "up to 1 visit of up to 6 s" in promise(replace(CORRIDOR, k=1))


def test_a_large_epsilon_warns() -> None:
    assert plan(replace(CORRIDOR, epsilon=5.5), [CELL], 800).warnings == (
        "epsilon 5.5 is above 5: it hides little",
    )
    assert plan(replace(CORRIDOR, epsilon=5.0), [CELL], 800).warnings == ()


def test_every_cell_to_be_released_is_named() -> None:
    cells = [CELL, Cell("north", "bridge", "out", "bicycle")]
    text = describe(plan(CORRIDOR, cells, 800))
    assert "north bridge out bicycle" in text
    assert ", 2 numbers:" in text
    assert ", 1 number:" in describe(plan(CORRIDOR, [CELL], 800))


def test_sensitivity_and_scales_are_for_those_who_ask() -> None:
    shown = plan(CORRIDOR, [CELL], 800)
    assert "noise scale" not in describe(shown)
    assert "Delta = K m D1" in describe(shown, verbose=True)
    assert "noise scale" in describe(shown, verbose=True)


def test_traffic_is_learned_from_what_is_public() -> None:
    past = [
        Release(CELL, n * BIN_MS, (n + 1) * BIN_MS, value, 30.0, 0.8, 1.0, "r")
        for n, value in enumerate([40, 60])
    ]
    assert learned(past) == 200.0
    assert learned([replace(past[0], value=-9)]) == 0.0
    assert learned([]) == 0.0


def test_what_a_corridor_means_for_rho_is_told() -> None:
    policy = FootagePolicy()
    assert "rho has to cover all the time that a person is in sight" in corridor_told(policy, None)
    assert "a narrower corridor" in corridor_told(policy, 0.4)
    assert "a narrower corridor" not in corridor_told(policy, 0.15)
    assert "0.15 frame heights" in corridor_told(policy, 0.15)
    assert "longer than 6 s" in corridor_told(policy, 0.4)
