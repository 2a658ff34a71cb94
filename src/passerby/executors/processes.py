"""Executors that call a function on each chunk of work: in this process, or in several processes.

Invariant: an executor knows only a function and its arguments; results come in the order of the arguments.

    Executor = Callable[[Callable[[A], B], Iterable[A]], Iterator[B]]     # the builtin `map` is the simplest

Arguments and results are sent between processes, so they are small and plain: a chunk goes out, its counts come back.
"""

import os
import signal
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context, parent_process
from threading import Thread
from typing import Generic, Protocol, TypeVar

from passerby.errors import InputError, PasserbyError

A = TypeVar("A")
B = TypeVar("B")
READ_AHEAD = 2
"""Arguments per worker that are read before they are needed. The whole input is never read at once."""
TRIES = 3
"""How many times an argument is tried before its worker's death is reported as an error."""


class Executor(Protocol):
    """Calls a function on each argument. Results come in the order of the arguments; an error is raised in the
    place of its result.

    >>> passerby.Runtime(executor=map).executor is map  # everything runs in this process
    True
    """

    def __call__(self, function: Callable[[A], B], arguments: Iterable[A], /) -> Iterator[B]: ...


@dataclass(frozen=True, slots=True)
class Failure:
    """An error that `or_failure` returned instead of raising it."""

    error: PasserbyError


def or_failure(function: Callable[[A], B], argument: A) -> "B | Failure":
    """Call `function`. A PasserbyError is returned as a Failure, so that the work on other arguments continues."""
    try:
        return function(argument)
    except PasserbyError as error:
        return Failure(error)


def raise_failures(results: "Iterable[B | Failure]") -> Iterator[B]:
    """Yield `results` up to the first Failure, then raise its error. `results` itself is not closed."""
    for result in results:
        if isinstance(result, Failure):
            raise result.error
        yield result


@contextmanager
def running(execute: Executor, function: Callable[[A], B], arguments: Iterable[A]) -> Iterator[Iterator[B]]:
    """The results of an executor. Its workers end with the block, also where the block raises."""
    results = execute(function, arguments)
    try:
        yield results
    finally:
        if isinstance(results, Generator):
            results.close()


def processes(workers: int) -> Executor:
    """An executor on `workers` processes of this machine. Raises InputError for fewer than one.

    Each process is spawned, not forked, so that it shares no state of a library or of a random generator with this
    one. When a process dies, all are started again and the unfinished arguments are sent again. An argument that
    kills its process `TRIES` times ends the run with a PasserbyError. Closing the iterator ends all processes.
    """
    if workers < 1:
        raise InputError(f"{workers} processes: expected at least 1")

    def execute(function: Callable[[A], B], arguments: Iterable[A], /) -> Iterator[B]:
        source = iter(arguments)
        waiting: deque[_Task[A, B]] = deque()
        pool = _pool(workers)
        deaths = 0
        try:
            while True:
                waiting.extend(
                    _Task(argument) for argument in islice(source, READ_AHEAD * workers + 1 - len(waiting))
                )
                if not waiting:
                    break
                try:
                    for task in waiting:
                        task.submit(pool, function)
                    result = waiting[0].result()
                except BrokenProcessPool:
                    deaths += 1
                    if deaths == TRIES:
                        raise PasserbyError("a worker process died: it may have run out of memory") from None
                    _terminate(pool)
                    pool = _pool(workers)
                    continue
                deaths = 0
                waiting.popleft()
                yield result
        except BaseException:
            _terminate(pool)
            raise
        pool.shutdown()

    return execute


def executor_of(jobs: int) -> Executor:
    """The builtin `map` for at most one job, else an executor on that many processes."""
    return map if jobs < 2 else processes(jobs)


@dataclass(slots=True)
class _Task(Generic[A, B]):
    """An argument, and the future of its result once it was submitted."""

    argument: A
    future: "Future[B] | None" = None

    def submit(self, pool: ProcessPoolExecutor, function: Callable[[A], B]) -> None:
        """Submit the argument, unless its future is pending or done in a pool that did not break."""
        if self.future is not None and not _is_lost(self.future):
            return
        with _uninterrupted():
            self.future = pool.submit(function, self.argument)

    def result(self) -> B:
        assert self.future is not None
        return self.future.result()


def _is_lost(future: "Future[B]") -> bool:
    return future.cancelled() or (future.done() and isinstance(future.exception(), BrokenProcessPool))


def _pool(workers: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(workers, get_context("spawn"), _set_up_worker)


def _set_up_worker() -> None:
    """Runs in each worker: it ignores Ctrl-C, which its parent handles, and exits when its parent does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_exit_with_parent, daemon=True).start()


def _exit_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _terminate(pool: ProcessPoolExecutor) -> None:
    """End the workers without waiting for their work. Python 3.14 has `terminate_workers` for this."""
    for process in list((pool._processes or {}).values()):
        process.terminate()
    pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Processes that start in the block never receive Ctrl-C; this process receives it when the block ends."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
