"""Any executor gives what builtin map gives, chunk by chunk, in any number of processes."""

import os
import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from passerby.domain.release import Cell
from passerby.domain.timespan import Chunk, Span
from passerby.errors import InputError, PasserbyError
from passerby.executors.processes import AHEAD, Failed, processes, tried
from passerby.privacy.contribution import Contribution, clip

pytestmark = pytest.mark.process

CELLS = (Cell("north", "bridge", "in", "person"), Cell("north", "bridge", "out", "person"))


def contribution_of(chunk: Chunk) -> Contribution:
    """Stands for counting: depends on its chunk alone."""
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
def test_processes_give_what_map_gives_in_its_order(workers: int) -> None:
    assert list(processes(workers)(contribution_of, CHUNKS)) == list(map(contribution_of, CHUNKS))


def test_chunks_in_any_order_give_the_same_contributions() -> None:
    shuffled = random.sample(CHUNKS, len(CHUNKS))
    answers = processes(2)(contribution_of, shuffled)
    assert sorted(answers, key=lambda one: one.chunk.span) == list(map(contribution_of, CHUNKS))


def test_the_work_is_done_elsewhere() -> None:
    assert os.getpid() not in set(processes(2)(process_of, range(4)))


def test_an_endless_stream_is_read_as_far_as_it_is_needed() -> None:
    taken = 0

    def endless() -> Iterator[int]:
        nonlocal taken
        while True:
            taken += 1
            yield taken

    answers = processes(1)(abs, endless())
    assert [next(answers) for _ in range(3)] == [1, 2, 3]
    assert taken <= 3 + AHEAD
    answers.close()  # type: ignore[attr-defined]


def test_an_error_comes_where_its_answer_would() -> None:
    answers = processes(2)(refuse, range(6))
    assert [next(answers) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(InputError, match="three"):
        next(answers)


def test_a_process_that_dies_whatever_is_tried_is_told_in_one_line() -> None:
    with pytest.raises(PasserbyError, match="a worker process died"):
        list(processes(1)(die, range(2)))


def test_a_process_that_dies_once_is_replaced_and_nothing_is_lost(tmp_path: Path) -> None:
    answers = list(processes(2)(partial(die_once, tmp_path), range(12)))
    assert answers == list(range(12))
    assert {path.name for path in tmp_path.iterdir()} == {"3", "7"}


def test_an_error_among_many_is_an_answer_where_it_is_tried() -> None:
    answers = list(processes(2)(partial(tried, refuse), range(6)))
    assert [one for one in answers if not isinstance(one, Failed)] == [0, 1, 2, 4, 5]
    failed = answers[3]
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, InputError)
    assert str(failed.error) == "three: expected another"


def test_no_workers_are_refused() -> None:
    with pytest.raises(InputError, match="at least 1"):
        processes(0)
