"""Every executor gives the results of the builtin `map`, in its order, with any number of processes."""

import os
import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from passerby.domain.release import Cell
from passerby.domain.timespan import Chunk, Span
from passerby.errors import InputError, PasserbyError
from passerby.executors.processes import READ_AHEAD, Failure, or_failure, processes
from passerby.privacy.contribution import Contribution, clip

pytestmark = pytest.mark.process

CELLS = (Cell("north", "bridge", "in", "person"), Cell("north", "bridge", "out", "person"))


def contribution_of(chunk: Chunk) -> Contribution:
    """A stand-in for counting: the result depends on the chunk alone."""
    number = chunk.span.start_ms // 9_000
    return clip(chunk, {CELLS[0]: number % 7, CELLS[1]: number * 5 % 11}, CELLS, 6)


def process_of(_: int) -> int:
    return os.getpid()


def die(_: int) -> int:
    os._exit(1)


def die_once(folder: Path, number: int) -> int:
    if number in (3, 7) and not (folder / str(number)).exists():
        (folder / str(number)).touch()
        os._exit(1)
    return number


def refuse(number: int) -> int:
    if number == 3:
        raise InputError("three: expected another")
    return number


CHUNKS = [Chunk("north", Span(number * 9_000, (number + 1) * 9_000)) for number in range(40)]


@pytest.mark.parametrize("workers", [1, 3])
def test_processes_give_the_results_of_map_in_its_order(workers: int) -> None:
    assert list(processes(workers)(contribution_of, CHUNKS)) == list(map(contribution_of, CHUNKS))


def test_chunks_in_any_order_give_the_same_contributions() -> None:
    shuffled = random.sample(CHUNKS, len(CHUNKS))
    results = processes(2)(contribution_of, shuffled)
    assert sorted(results, key=lambda contribution: contribution.chunk.span) == list(
        map(contribution_of, CHUNKS)
    )


def test_the_work_is_done_in_other_processes() -> None:
    assert os.getpid() not in set(processes(2)(process_of, range(4)))


def test_an_endless_input_is_read_only_a_little_ahead() -> None:
    taken = 0

    def endless() -> Iterator[int]:
        nonlocal taken
        while True:
            taken += 1
            yield taken

    results = processes(1)(abs, endless())
    assert [next(results) for _ in range(3)] == [1, 2, 3]
    assert taken <= 3 + READ_AHEAD
    results.close()  # type: ignore[attr-defined]


def test_an_error_is_raised_in_the_place_of_its_result() -> None:
    results = processes(2)(refuse, range(6))
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(InputError, match="three"):
        next(results)


def test_a_process_that_dies_at_every_try_is_an_error_of_one_line() -> None:
    with pytest.raises(PasserbyError, match="a worker process died"):
        list(processes(1)(die, range(2)))


def test_a_process_that_dies_once_is_replaced_and_nothing_is_lost(tmp_path: Path) -> None:
    results = list(processes(2)(partial(die_once, tmp_path), range(12)))
    assert results == list(range(12))
    assert {path.name for path in tmp_path.iterdir()} == {"3", "7"}


def test_or_failure_returns_an_error_and_the_other_work_continues() -> None:
    results = list(processes(2)(partial(or_failure, refuse), range(6)))
    assert [result for result in results if not isinstance(result, Failure)] == [0, 1, 2, 4, 5]
    failed = results[3]
    assert isinstance(failed, Failure)
    assert isinstance(failed.error, InputError)
    assert str(failed.error) == "three: expected another"


def test_zero_workers_are_refused() -> None:
    with pytest.raises(InputError, match="at least 1"):
        processes(0)
