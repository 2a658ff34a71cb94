"""Where chunks are worked on: here or in processes. All of one signature, so any of them will do.

Law: an executor sees a function and its arguments, and never what they mean; answers come in the order asked.

    Executor = Callable[[Callable[[A], B], Iterable[A]], Iterator[B]]     # builtin map is the laptop's

Arguments and answers cross processes, so they are small and plain: a chunk goes out, a contribution comes back.
"""

import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from threading import Thread
from typing import Any, Protocol, TypeVar

from passerby.errors import InputError, PasserbyError

A = TypeVar("A")
B = TypeVar("B")
AHEAD = 2
"""How many arguments for each worker are taken before they are needed: a stream is never read whole."""


class Executor(Protocol):
    """Calls a function on each argument; answers come in their order, and an error where its answer would."""

    def __call__(self, function: Callable[[A], B], arguments: Iterable[A], /) -> Iterator[B]: ...


def processes(workers: int) -> Executor:
    """An executor on `workers` processes of this machine. Raises InputError for less than one.

    They are started afresh and not forked, so that they share no state with this one, of a library or of chance.
    A process that dies ends the run with a PasserbyError; an answer that is not waited for any more ends them all.
    """
    if workers < 1:
        raise InputError(f"{workers} processes: expected at least 1")

    def execute(function: Callable[[A], B], arguments: Iterable[A], /) -> Iterator[B]:
        try:
            with ProcessPoolExecutor(workers, get_context("spawn"), _begin) as pool:

                def submit(argument: A) -> Future[B]:
                    with _uninterrupted():
                        return pool.submit(function, argument)

                try:
                    yield from _in_order(submit, Future.result, arguments, workers)
                except BaseException:
                    _end(pool)
                    raise
        except BrokenProcessPool:
            raise PasserbyError("a worker process died: it may have run out of memory") from None

    return execute


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


def _in_order(
    submit: Callable[[A], Any], result: Callable[[Any], B], arguments: Iterable[A], workers: int
) -> Iterator[B]:
    waiting: deque[Any] = deque()
    for argument in arguments:
        waiting.append(submit(argument))
        if len(waiting) > AHEAD * workers:
            yield result(waiting.popleft())
    while waiting:
        yield result(waiting.popleft())
