"""What is wrong is told once when it begins and once when it ends, however often it is tried."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerby.io.backoff import LONGEST_WAIT_S
from passerby.live.supervisor import outages
from passerby.live.supervisor.outages import Outage, Outages


class Log:
    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, event: str, **what: Any) -> None:
        self.lines.append((event, what))


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Sets the clock that never goes back."""
    now = [1_000.0]
    monkeypatch.setattr(outages, "monotonic", lambda: now[0])
    monkeypatch.setattr(outages, "random", lambda: 0.0)

    def pass_s(seconds: float) -> None:
        now[0] += seconds

    return pass_s


def test_a_year_of_failures_is_two_lines(log: Log) -> None:
    told = Outages(log)
    for _ in range(10_000):
        told.begin("store", "the database is away")
    told.end("store")
    told.end("store")
    assert [event for event, _ in log.lines] == ["store outage begins", "store outage ends"]
    assert log.lines[0][1] == {"problem": "the database is away"}
    assert log.lines[1][1].keys() == {"lasted_s"}
    assert told.now() == {}


def test_the_newest_problem_is_shown_and_since_when_it_is_wrong(log: Log) -> None:
    told = Outages(log)
    told.begin("ledger", "away")
    since_ms = told.now()["ledger"].since_ms
    told.begin("ledger", "another's")
    assert told.now()["ledger"] == Outage(since_ms, "another's")
    told.begin("store", "away too")
    assert set(told.now()) == {"ledger", "store"}
    told.end("ledger")
    told.begin("ledger", "again")
    assert told.now()["ledger"].problem == "again"


def test_what_failed_is_tried_again_later_each_time(log: Log, clock: Callable[[float], None]) -> None:
    told = Outages(log)
    assert not told.waiting("store")
    waits = []
    for _ in range(8):
        told.begin("store", "away")
        waited = 0.0
        while told.waiting("store"):
            clock(0.5)
            waited += 0.5
        waits.append(waited)
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (1.0, LONGEST_WAIT_S)
    told.end("store")
    assert not told.waiting("store")
    told.begin("store", "away")
    clock(1.0)
    assert not told.waiting("store")


@given(st.lists(st.tuples(st.sampled_from(["begin", "end"]), st.sampled_from(["store", "ledger"]))))
def test_lines_come_in_pairs_and_what_is_wrong_now_has_begun_and_not_ended(
    events: list[tuple[str, str]],
) -> None:
    log, wrong = Log(), set()
    told = Outages(log)
    for event, name in events:
        if event == "begin":
            told.begin(name, "away")
            wrong.add(name)
        else:
            told.end(name)
            wrong.discard(name)
        assert set(told.now()) == wrong
    for name in ("store", "ledger"):
        lines = [event for event, _ in log.lines if event.startswith(name)]
        assert lines == [
            f"{name} outage {'ends' if number % 2 else 'begins'}" for number in range(len(lines))
        ]
