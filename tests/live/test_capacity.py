"""How many cameras a machine could do: arithmetic on CPU time, and never a number that is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerby.live.protocol import Heartbeat
from passerby.live.supervisor.capacity import USABLE, cameras_possible, cores_needed, usable_cores


def pulse(cpu_ms: int, due: int, looked: int) -> Heartbeat:
    return Heartbeat(
        up=True,
        since_ms=0,
        reason="live",
        sender_clock=False,
        frames=due,
        cpu_ms=cpu_ms,
        due=due,
        processed=looked,
        skipped=0,
    )


def test_a_camera_needs_what_it_used_and_as_much_more_as_it_did_not_get_to() -> None:
    first = pulse(1_000, 100, 100)
    assert cores_needed(first, pulse(4_000, 400, 400), 30.0) == pytest.approx(0.1)
    # A third of the pictures in the same CPU time.
    assert cores_needed(first, pulse(4_000, 400, 200), 30.0) == pytest.approx(0.3)
    # One that is still being looked at counts as due in the last pulse, and as looked at in the next.
    assert cores_needed(first, pulse(4_000, 399, 400), 30.0) == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("last", "seconds"),
    [(pulse(4_000, 400, 100), 30.0), (pulse(4_000, 400, 400), 0.0), (pulse(9, 9, 9), 1.0)],
)
def test_nothing_is_known_of_a_camera_that_looked_at_nothing(last: Heartbeat, seconds: float) -> None:
    assert cores_needed(pulse(1_000, 100, 100), last, seconds) is None


def test_cameras_that_need_a_quarter_of_a_core_fit_four_times() -> None:
    assert cameras_possible([0.25, 0.25], 2) == int(2 * USABLE / 0.25)
    # Of unlike ones, as many as of their mean.
    assert cameras_possible([0.1, 0.5], 2) == 6
    assert cameras_possible([3.0], 2) == 0
    assert cameras_possible([], 2) is None
    assert cameras_possible([0.0, 0.0], 2) is None


@given(
    st.lists(
        st.tuples(
            *(st.integers(0, 2**53) for _ in range(6)),
            st.floats(-1, 1e6),
        ),
        max_size=8,
    )
)
def test_whatever_processes_say_a_number_comes_of_it_or_none(said: list[tuple[int, ...]]) -> None:
    needs = [
        need
        for *numbers, seconds in said
        if (need := cores_needed(pulse(*numbers[:3]), pulse(*numbers[3:]), seconds)) is not None
    ]
    found = cameras_possible(needs, 2)
    assert found is None or found >= 0


def test_this_machine_has_a_core() -> None:
    assert usable_cores() >= 1
