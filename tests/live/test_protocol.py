"""The door: whatever the process of a camera writes is a message in its form or is refused, no text of it passes."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerby.domain.link_health import Reason
from passerby.live import protocol
from passerby.live.protocol import (
    MOST_BYTES,
    CameraOrder,
    CheckedDetectors,
    ChunkCounts,
    Fault,
    FromWorker,
    Heartbeat,
    PaidSpan,
    Ready,
    checked_detectors,
    encode,
    fault_of,
    from_worker,
    to_worker,
)

PULSE = Heartbeat(
    up=True,
    since_ms=1,
    reason="live",
    sender_clock=True,
    frames=1,
    cpu_ms=1,
    due=1,
    processed=1,
    skipped=0,
)
SAID = ChunkCounts(line="road", start_ms=0, end_ms=9_000, counts=[3, 0], covered_ms=9_000, sender_ms=0)
UPWARDS: tuple[FromWorker, ...] = (
    Ready(detector="motion"),
    PULSE,
    SAID,
    Fault(kind="OSError", place="live:1"),
)
SECRET = "rtsp://eye:geheim-7391@10.0.0.7/x"

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=8,
)


def read(line: bytes) -> FromWorker | None:
    """What passes, or None for what is refused, in words that are always the same."""
    try:
        return from_worker(line)
    except ValueError as error:
        problem = str(error)
    assert problem == "a message that may not pass"
    return None


def in_form(message: FromWorker) -> None:
    """It says what it says in numbers, in words of a closed list, and in names that are looked up by who reads it."""
    assert from_worker(encode(message)) == message
    for name, value in message.model_dump().items():
        if isinstance(value, bool):
            continue
        if isinstance(value, int):
            assert 0 <= value <= 2**53
        elif isinstance(value, list):
            assert len(value) <= 64
            assert all(type(one) is int and 0 <= one <= 100_000 for one in value)
        elif name == "reason":
            assert value in set(Reason)
        elif name == "kind":
            assert re.fullmatch(r"[A-Za-z0-9_]{1,60}", value)
        elif name == "place":
            assert re.fullmatch(r"[a-z0-9_.]{1,80}:[0-9]{1,6}", value)
        else:
            # Held to the site file: test_supervisor.py.
            assert name in ("message", "detector", "line")
            assert len(value) <= 400


@pytest.mark.parametrize("message", UPWARDS)
def test_a_message_comes_out_as_it_went_in(message: FromWorker) -> None:
    line = encode(message)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert from_worker(line) == message


def test_orders_come_out_as_they_went_in() -> None:
    order = CameraOrder(
        site="site: {}\n", path="a b", camera="nørd", model_dir=None, frames_ms=1, answer_ms=2
    )
    for message in (order, PaidSpan(line="road", start_ms=0, end_ms=9)):
        assert to_worker(encode(message)) == message
    with pytest.raises(ValueError, match="message"):
        to_worker(encode(PULSE))


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_of_a_link_passes(reason: Reason) -> None:
    assert from_worker(encode(PULSE.model_copy(update={"reason": str(reason)}))) is not None


def test_no_other_word_passes_as_a_reason() -> None:
    with pytest.raises(ValueError, match="reason"):
        Heartbeat(**{**PULSE.model_dump(), "reason": "raining"})


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_or_in_form(line: bytes) -> None:
    if (message := read(line)) is not None:
        in_form(message)


@given(st.sampled_from(UPWARDS), st.data())
def test_a_message_with_anything_in_it_is_refused_or_in_form(
    message: FromWorker, data: st.DataObject
) -> None:
    said: dict[str, Any] = json.loads(encode(message))
    for name in data.draw(st.lists(st.sampled_from(sorted(said)), min_size=1, max_size=3)):
        said[name] = data.draw(anything)
    if (passed := read(json.dumps(said).encode())) is not None:
        in_form(passed)


@given(st.sampled_from(UPWARDS), st.text(min_size=1, max_size=20), anything)
def test_there_is_no_field_for_anything_else(message: FromWorker, name: str, value: Any) -> None:
    said = json.loads(encode(message))
    if name not in said:
        assert read(json.dumps({**said, name: value}).encode()) is None


@given(st.sampled_from(UPWARDS), st.integers(0, 400), st.binary(max_size=4))
def test_a_damaged_line_is_refused_or_in_form(message: FromWorker, at: int, other: bytes) -> None:
    line = encode(message)
    if (passed := read(line[:at] + other + line[at + len(other) :])) is not None:
        in_form(passed)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("reason", one) for one in ("", "--", "LIVE", "live\n", " live", "wrong-password-of-eye", SECRET)),
        *(("up", one) for one in (1, "true", None)),
        *(("frames", one) for one in (-1, 1.5, "1", 2**53 + 1, True, 10**400)),
    ],
)
def test_a_pulse_that_says_more_is_refused(field: str, value: Any) -> None:
    assert read(json.dumps({**json.loads(encode(PULSE)), field: value}).encode()) is None


@pytest.mark.parametrize(
    "counts", [[-1], [0.5], ["3"], [100_001], [0] * 65, [[1]], {"a": 1}, None, "12", [True], [10**400]]
)
def test_counts_are_small_and_whole(counts: Any) -> None:
    assert read(json.dumps({**json.loads(encode(SAID)), "counts": counts}).encode()) is None


def test_who_looks_at_a_camera_has_no_text_for_people() -> None:
    checked = encode(CheckedDetectors(named={}, problems=[SECRET]))
    assert read(checked) is None
    assert checked_detectors(checked).problems == [SECRET]
    with pytest.raises(ValueError, match="may not pass"):
        checked_detectors(encode(PULSE))


def test_a_line_without_end_is_refused() -> None:
    long = encode(Ready(detector="m" * 400))
    assert read(long) is not None
    assert read(long.rstrip() + b" " * MOST_BYTES) is None
    assert read(encode(Ready(detector="m"))[:-2] + b"m" * 400 + b'"}') is None


class H264Ended(Exception):
    """A class of errors with digits in its name."""


@pytest.mark.parametrize("kind", [ValueError, OSError, H264Ended, KeyError])
def test_a_fault_tells_its_class_and_its_place_and_never_its_text(kind: type[Exception]) -> None:
    def fail() -> None:
        raise kind(SECRET)

    with pytest.raises(kind) as told:
        fail()
    fault = fault_of(told.value)
    line = encode(fault)
    assert fault.kind == kind.__name__
    assert from_worker(line) == fault
    assert b"geheim" not in line


def test_a_fault_in_the_program_names_its_line() -> None:
    with pytest.raises(ValueError, match="may not pass") as told:
        from_worker(b"no message")
    assert re.fullmatch(r"protocol:[0-9]+", fault_of(told.value).place)
    assert protocol.__file__.endswith("protocol.py")
