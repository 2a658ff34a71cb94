"""Where chunks are worked on: here or in processes. All of one signature, so any of them will do.

Invariant: an executor sees a function and its arguments, and never what they mean; answers come in the order asked.

    Executor = Callable[[Callable[[A], B], Iterable[A]], Iterator[B]]     # builtin map is the laptop's

Arguments and answers cross processes, so they are small and plain: a chunk goes out, a contribution comes back.
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
AHEAD = 2
"""How many arguments for each worker are taken before they are needed: a stream is never read whole."""
TRIES = 3
"""So often is an argument worked on whose worker died, before it is blamed."""


class Executor(Protocol):
    """Calls a function on each argument; answers come in their order, and an error where its answer would.

    >>> passerby.Runtime(executor=map).executor is map  # everything runs in this process
    True
    """

    def __call__(self, function: Callable[[A], B], arguments: Iterable[A], /) -> Iterator[B]: ...


@dataclass(frozen=True, slots=True)
class Failed:
    """What `tried` answers in place of an error."""

    error: PasserbyError


def tried(function: Callable[[A], B], argument: A) -> "B | Failed":
    """What `function` answers, or the error that it raised: so that the work on other arguments goes on."""
    try:
        return function(argument)
    except PasserbyError as error:
        return Failed(error)


def raised(answers: "Iterable[B | Failed]") -> Iterator[B]:
    """`answers` up to the first that failed, whose error it raises; what gave them goes on."""
    for answer in answers:
        if isinstance(answer, Failed):
            raise answer.error
        yield answer


@contextmanager
def running(execute: Executor, function: Callable[[A], B], arguments: Iterable[A]) -> Iterator[Iterator[B]]:
    """The answers of an executor, whose workers end with the block, whatever ends it."""
    answers = execute(function, arguments)
    try:
        yield answers
    finally:
        if isinstance(answers, Generator):
            answers.close()


def processes(workers: int) -> Executor:
    """An executor on `workers` processes of this machine. Raises InputError for less than one.

    They are started afresh and not forked, so that they share no state with this one, of a library or of chance.
    Where one dies, all are started again, and what was not answered is asked again; what nobody survives ends the
    run with a PasserbyError. An answer that is not waited for any more ends them all.
    """
    if workers < 1:
        raise InputError(f"{workers} processes: expected at least 1")

    def execute(function: Callable[[A], B], arguments: Iterable[A], /) -> Iterator[B]:
        source = iter(arguments)
        waiting: deque[_Asked[A, B]] = deque()
        pool = _pool(workers)
        deaths = 0
        try:
            while True:
                waiting.extend(_Asked(one) for one in islice(source, AHEAD * workers + 1 - len(waiting)))
                if not waiting:
                    break
                try:
                    for asked in waiting:
                        asked.ask(pool, function)
                    answer = waiting[0].answer()
                except BrokenProcessPool:
                    deaths += 1
                    if deaths == TRIES:
                        raise PasserbyError("a worker process died: it may have run out of memory") from None
                    _end(pool)
                    pool = _pool(workers)
                    continue
                deaths = 0
                waiting.popleft()
                yield answer
        except BaseException:
            _end(pool)
            raise
        pool.shutdown()

    return execute


def executor_of(jobs: int) -> Executor:
    """This process for one job or none, as many processes for more."""
    return map if jobs < 2 else processes(jobs)


@dataclass(slots=True)
class _Asked(Generic[A, B]):
    """An argument and what is or will be answered to it."""

    argument: A
    future: "Future[B] | None" = None

    def ask(self, pool: ProcessPoolExecutor, function: Callable[[A], B]) -> None:
        """Unless it was asked before, of processes that live or that answered it in time."""
        if self.future is not None and not _is_lost(self.future):
            return
        with _uninterrupted():
            self.future = pool.submit(function, self.argument)

    def answer(self) -> B:
        assert self.future is not None
        return self.future.result()


def _is_lost(future: "Future[B]") -> bool:
    return future.cancelled() or (future.done() and isinstance(future.exception(), BrokenProcessPool))


def _pool(workers: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(workers, get_context("spawn"), _begin)


def _begin() -> None:
    """In a worker: Ctrl-C is for the process that started it, and without that one there is nothing to do."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_follow, daemon=True).start()


def _follow() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _end(pool: ProcessPoolExecutor) -> None:
    """At once: leaving the pool would wait for work that nobody wants. What `terminate_workers` is from 3.14 on."""
    for process in list((pool._processes or {}).values()):
        process.terminate()
    pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """What is started within never sees Ctrl-C, not even while it loads; here it comes as soon as this ends."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
