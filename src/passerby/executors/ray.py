"""An executor on a Ray cluster: the same functions, arguments and results as an executor on processes.

Invariant: connects only to a running Ray cluster that requires token authentication; never starts one.

Ray runs any code that is sent to its ports, so a cluster without a token would run code for anybody who reaches it.
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
from passerby.executors.processes import READ_AHEAD, TRIES, Executor, Failure

A = TypeVar("A")
B = TypeVar("B")

_CONNECT_TIMEOUT_S = 10.0
_MISSING_ON_NODE = (SourceError, ModelError)
"""Errors that another node may not have: a node may lack the recording or the weights."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """An executor on all nodes of a cluster; `workers` is the number of their CPUs together."""

    execute: Executor
    workers: int


@contextmanager
def connected(address: str | None, warn: Callable[[str], None]) -> Iterator[Cluster]:
    """Connect to the cluster at `address` (HOST:PORT of its head; by default $RAY_ADDRESS) for the block.

    Nothing can be printed to standard output in the block. `warn` is called with one line for each node that lacks
    a recording or weights, once per node. Raises InputError if Ray is not installed, no token is set or no cluster
    answers.
    """
    address = address or os.environ.get("RAY_ADDRESS")
    if not address:
        raise InputError(
            "--executor ray: expected --address HOST:PORT of a running cluster; passerby does not start one"
        )
    if not _has_token():
        raise InputError(
            "--executor ray: found no token, expected RAY_AUTH_TOKEN or RAY_AUTH_TOKEN_PATH with the cluster's token"
        )
    # Ray reads these when it is imported.
    os.environ["RAY_AUTH_MODE"] = "token"
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    _check_answers(address)
    try:
        import ray
    except ImportError:
        raise InputError(
            "--executor ray: Ray is not installed; install it with: pip install 'passerby[fleet]'"
        ) from None
    try:
        with _silent():
            ray.init(address, configure_logging=False, log_to_driver=False)
    except Exception as error:
        reason = str(error).strip().partition("\n")[0]
        raise InputError(
            f"--address {address}: could not connect ({reason}); expected a cluster with the same token and the same "
            "version of Ray"
        ) from None
    # Ray prints messages to standard output, where the counts may go.
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
        try:
            workers = int(ray.cluster_resources().get("CPU", 0))
            if workers < 1:
                raise InputError(f"--address {address}: the cluster has no CPU, expected at least one")
            yield Cluster(_executor(ray, workers, warn), workers)
        finally:
            ray.shutdown()


def _check_answers(address: str) -> None:
    """Raises InputError if nothing listens at `address`: Ray itself would retry for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise InputError(f"--address {address}: expected HOST:PORT")
    try:
        socket.create_connection((host, int(port)), timeout=_CONNECT_TIMEOUT_S).close()
    except OSError as error:
        raise InputError(
            f"--address {address}: no cluster answers there ({error.strerror or error})"
        ) from None


def _has_token() -> bool:
    """Whether Ray will find a token; "Token authentication" in Ray's documentation names the places."""
    if os.environ.get("RAY_AUTH_TOKEN", "").strip():
        return True
    path = os.environ.get("RAY_AUTH_TOKEN_PATH")
    try:
        return bool(Path(path or Path.home() / ".ray" / "auth_token").read_text(encoding="utf-8").strip())
    except (OSError, RuntimeError, UnicodeDecodeError):
        return False


@contextmanager
def _silent() -> Iterator[None]:
    """Silence the file descriptor of standard error: Ray's C++ threads write to it at each try to connect."""
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
class _Result(Generic[B]):
    """A result and the node that made it: `node` is Ray's ID, `host` its host name. `was_raised`: the function raised
    the error of the Failure, as opposed to returning it."""

    node: str
    host: str
    value: "B | Failure"
    was_raised: bool


def _run_on_node(function: Callable[[A], B], argument: A) -> _Result[B]:
    import ray

    value: B | Failure
    was_raised = False
    try:
        value = function(argument)
    except PasserbyError as error:
        value, was_raised = Failure(error), True
    return _Result(ray.get_runtime_context().get_node_id(), socket.gethostname(), value, was_raised)


@dataclass(slots=True)
class _Task(Generic[A]):
    """An argument, Ray's reference to its future result, and the nodes that lack a file for it."""

    argument: A
    reference: Any
    lacking: list[str] = field(default_factory=list)


def _executor(ray: Any, workers: int, warn: Callable[[str], None]) -> Executor:
    warned: set[str] = set()

    def warn_once(node: str, line: str) -> None:
        if node not in warned:
            warned.add(node)
            warn(line)

    def execute(function: Callable[[A], B], arguments: Iterable[A], /) -> Iterator[B]:
        source = iter(arguments)
        submit = _Submitter(ray, function)
        waiting: deque[_Task[A]] = deque()
        try:
            while True:
                more = islice(source, READ_AHEAD * workers + 1 - len(waiting))
                waiting.extend(_Task(argument, submit(argument)) for argument in more)
                if not waiting:
                    return
                value = _value_of(ray, submit, waiting[0], warn_once)
                waiting.popleft()
                yield value
        finally:
            for task in waiting:
                with suppress(Exception):
                    ray.cancel(task.reference, force=True)

    return execute


class _Submitter(Generic[A, B]):
    """Sends arguments of one function to the cluster."""

    def __init__(self, ray: Any, function: Callable[[A], B]) -> None:
        # Ray retries when a worker or a node dies, and recomputes results that were lost with it.
        self._remote = ray.remote(num_cpus=1, max_retries=TRIES - 1)(_run_on_node)
        self._function = function
        self._turn = count()

    def __call__(self, argument: A, nodes: Sequence[str] = ()) -> Any:
        """Ray's reference to the result. `nodes` are the IDs of the allowed nodes, taken in turn; empty for any."""
        if not nodes:
            return self._remote.remote(self._function, argument)
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        strategy = NodeAffinitySchedulingStrategy(nodes[next(self._turn) % len(nodes)], soft=True)
        return self._remote.options(scheduling_strategy=strategy).remote(self._function, argument)


def _value_of(ray: Any, submit: _Submitter[A, B], task: _Task[A], warn_once: Callable[[str, str], None]) -> B:
    """Wait for the result of a task; a task whose node lacks a file is sent to the other nodes.

    `warn_once` is called with the ID of such a node and a line about it.
    """
    while True:
        result: _Result[B] = _fetch(ray, task.reference)
        value = result.value
        if not isinstance(value, Failure):
            return value
        if isinstance(value.error, _MISSING_ON_NODE):
            task.lacking.append(result.node)
            others = [
                node["NodeID"] for node in ray.nodes() if node["Alive"] and node["NodeID"] not in task.lacking
            ]
            if others:
                warn_once(result.node, f"node {result.host}: {value.error}; its work goes to other nodes")
                task.reference = submit(task.argument, others)
                continue
        if result.was_raised:
            raise value.error
        # The function itself returned a Failure.
        return cast(B, value)


def _fetch(ray: Any, reference: Any) -> Any:
    """Wait for a reference. Raises PasserbyError if the cluster failed."""
    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        raise PasserbyError(f"a node of the cluster failed: {_reason(error)}") from None
    except ray.exceptions.RayError as error:
        raise PasserbyError(f"the cluster lost work {TRIES} times: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    """The last line of an error's text that is not empty, at most 200 characters: Ray's errors are pages long."""
    lines = [line.strip() for line in str(getattr(error, "cause", None) or error).splitlines()]
    return next((line for line in reversed(lines) if line), type(error).__name__)[:200]
