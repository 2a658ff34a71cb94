"""Chunks worked on by a Ray cluster that runs already: the same function, arguments and answers as in processes.

Invariant: it joins a cluster and starts none, and joins none that asks for no token: Ray runs what it is sent, for
anyone who reaches its ports.
"""

import os
import socket
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass, field
from itertools import count, islice
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

from passerby.errors import InputError, ModelError, PasserbyError, SourceError
from passerby.executors.processes import AHEAD, TRIES, Executor, Failed

A = TypeVar("A")
B = TypeVar("B")

_ANSWER_S = 10.0
_OUT_OF_REACH = (SourceError, ModelError)
"""What a node may lack and another may have: the file, or the weights."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """An executor on all nodes of a cluster, which have so many `workers` together."""

    execute: Executor
    workers: int


@contextmanager
def connected(address: str | None, tell: Callable[[str], None]) -> Iterator[Cluster]:
    """The cluster at `address` (host:port of its head; by default $RAY_ADDRESS), left at the end of the block,
    in which nothing can be printed to standard output.

    `tell` is given a line for each node that cannot read what another can: once, however often it is asked.
    Raises InputError where Ray is not installed, no token is set or no cluster answers.
    """
    address = address or os.environ.get("RAY_ADDRESS")
    if not address:
        raise InputError(
            "--executor ray: expected --address HOST:PORT of a cluster that runs; it is not started from here"
        )
    if not _has_token():
        raise InputError(
            "--executor ray: no token is set, expected RAY_AUTH_TOKEN or RAY_AUTH_TOKEN_PATH as on the cluster"
        )
    # Read by Ray when it is imported.
    os.environ["RAY_AUTH_MODE"] = "token"
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    _check_answers(address)
    try:
        import ray
    except ImportError:
        raise InputError(
            "--executor ray: expected Ray, install it with: pip install 'passerby[fleet]'"
        ) from None
    try:
        with _silent():
            ray.init(address, configure_logging=False, log_to_driver=False)
    except Exception as error:
        reason = str(error).strip().partition("\n")[0]
        raise InputError(
            f"--address {address}: the cluster cannot be joined ({reason}); expected one of the same token and Ray"
        ) from None
    # Ray prints news of its nodes where counts may go.
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
        try:
            workers = int(ray.cluster_resources().get("CPU", 0))
            if workers < 1:
                raise InputError(f"--address {address}: the cluster has no CPU, expected at least one")
            yield Cluster(_executor(ray, workers, tell), workers)
        finally:
            ray.shutdown()


def _check_answers(address: str) -> None:
    """Ray itself would try for minutes. Raises InputError where nothing listens."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise InputError(f"--address {address}: expected HOST:PORT")
    try:
        socket.create_connection((host, int(port)), timeout=_ANSWER_S).close()
    except OSError as error:
        raise InputError(
            f"--address {address}: no cluster answers there ({error.strerror or error})"
        ) from None


def _has_token() -> bool:
    """Whether Ray will find one: see «Token authentication» in its documentation."""
    if os.environ.get("RAY_AUTH_TOKEN", "").strip():
        return True
    path = os.environ.get("RAY_AUTH_TOKEN_PATH")
    try:
        return bool(Path(path or Path.home() / ".ray" / "auth_token").read_text(encoding="utf-8").strip())
    except (OSError, RuntimeError, UnicodeDecodeError):
        return False


@contextmanager
def _silent() -> Iterator[None]:
    """Ray's own threads write to standard error, past Python, at each try to connect."""
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


@dataclass(frozen=True, slots=True)
class _Answer(Generic[B]):
    """What a node answers, or the error that was raised there: `node` is Ray's name of it, `host` people's."""

    node: str
    host: str
    value: "B | Failed"
    was_raised: bool


def _work(function: Callable[[A], B], argument: A) -> _Answer[B]:
    """Runs on a node."""
    import ray

    value: B | Failed
    was_raised = False
    try:
        value = function(argument)
    except PasserbyError as error:
        value, was_raised = Failed(error), True
    return _Answer(ray.get_runtime_context().get_node_id(), socket.gethostname(), value, was_raised)


@dataclass(slots=True)
class _Asked(Generic[A]):
    """An argument, Ray's promise of its answer, and the nodes that lacked something for it."""

    argument: A
    promise: Any
    without: list[str] = field(default_factory=list)


def _executor(ray: Any, workers: int, tell: Callable[[str], None]) -> Executor:
    # Ray asks again where a worker or a node dies, and works out again what was lost with it.
    remote = ray.remote(num_cpus=1, max_retries=TRIES - 1)(_work)
    told: set[str] = set()
    turn = count()

    def ask(function: Callable[[A], B], argument: A, nodes: Sequence[str] = ()) -> Any:
        """`nodes` are those that may be asked, none for any."""
        if not nodes:
            return remote.remote(function, argument)
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        one = NodeAffinitySchedulingStrategy(nodes[next(turn) % len(nodes)], soft=True)
        return remote.options(scheduling_strategy=one).remote(function, argument)

    def answer_of(function: Callable[[A], B], asked: _Asked[A]) -> B:
        while True:
            try:
                answer: _Answer[B] = ray.get(asked.promise)
            except ray.exceptions.RayTaskError as error:
                raise PasserbyError(f"a node of the cluster failed: {_reason(error)}") from None
            except ray.exceptions.RayError as error:
                raise PasserbyError(f"the cluster lost work {TRIES} times: {_reason(error)}") from None
            value = answer.value
            if isinstance(value, Failed) and isinstance(value.error, _OUT_OF_REACH):
                asked.without.append(answer.node)
                others = [
                    node["NodeID"]
                    for node in ray.nodes()
                    if node["Alive"] and node["NodeID"] not in asked.without
                ]
                if others:
                    if answer.node not in told:
                        told.add(answer.node)
                        tell(f"node {answer.host}: {value.error}; others are asked in its place")
                    asked.promise = ask(function, asked.argument, others)
                    continue
            if isinstance(value, Failed):
                if answer.was_raised:
                    raise value.error
                # Its own answer: the caller's function makes one of an error.
                return cast(B, value)
            return value

    def execute(function: Callable[[A], B], arguments: Iterable[A], /) -> Iterator[B]:
        source = iter(arguments)
        waiting: deque[_Asked[A]] = deque()
        try:
            while True:
                more = islice(source, AHEAD * workers + 1 - len(waiting))
                waiting.extend(_Asked(one, ask(function, one)) for one in more)
                if not waiting:
                    return
                answer = answer_of(function, waiting[0])
                waiting.popleft()
                yield answer
        finally:
            for asked in waiting:
                with suppress(Exception):
                    ray.cancel(asked.promise, force=True)

    return execute


def _reason(error: Exception) -> str:
    """The last line that says something: Ray's errors are pages long."""
    lines = [line.strip() for line in str(getattr(error, "cause", None) or error).splitlines()]
    return next((line for line in reversed(lines) if line), type(error).__name__)[:200]
