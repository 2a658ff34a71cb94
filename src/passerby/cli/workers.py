"""Where and with what a count is worked on: processes, a cluster, hardware; and how it is taken up again.

Invariant: every mistake that can be seen before the long work is told before it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from passerby.cli.group import note
from passerby.errors import InputError

if TYPE_CHECKING:
    from passerby.executors.processes import Executor
    from passerby.recordings.checkpoint import Kept

DECODES = ("auto", "software", "cuda", "vaapi", "qsv")
DEVICES = ("cpu", "cuda", "openvino")
_OPTIONS = (
    click.option(
        "--jobs",
        type=click.IntRange(1, 256),
        default=1,
        show_default=True,
        help="Processes to count on; the counts are the same.",
    ),
    click.option(
        "--executor",
        type=click.Choice(["processes", "ray"]),
        default="processes",
        show_default=True,
        help="Count on --jobs processes of this machine, or on all of a Ray cluster that runs already.",
    ),
    click.option(
        "--address",
        metavar="HOST:PORT",
        help="Of the head of the cluster for --executor ray; by default $RAY_ADDRESS.",
    ),
    click.option(
        "--resume",
        is_flag=True,
        help="Keep what is done in a file beside --out, and go on from what is there: the counts are the same. "
        "It holds exact crossings, and is removed at the end.",
    ),
    click.option(
        "--decode",
        type=click.Choice(DECODES),
        default="software",
        show_default=True,
        help="What decodes the video; auto takes hardware where it works.",
    ),
    click.option(
        "--device",
        type=click.Choice(DEVICES),
        default="cpu",
        show_default=True,
        help="What ONNX detectors run on, by ONNX Runtime's provider of this name.",
    ),
)


def worker_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """--jobs, --executor, --address, --resume, --decode and --device."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def check(executor: str, address: str | None, jobs: int, resume: bool, out: Path | None) -> None:
    """Raises InputError for options that do not go together."""
    if executor != "ray" and address is not None:
        raise InputError(f"--address {address}: expected --executor ray with it")
    if executor == "ray" and jobs != 1:
        raise InputError(f"--jobs {jobs}: with --executor ray the cluster says how many")
    if resume and out is None:
        raise InputError("--resume: what is done is kept beside the output, expected --out FILE with it")


@contextmanager
def started(executor: str, address: str | None, jobs: int) -> "Iterator[tuple[Executor | None, int]]":
    """An executor, None for processes of this machine, and for how many jobs to cut a recording."""
    if executor != "ray":
        yield None, jobs
        return
    from passerby.executors import ray

    with ray.connected(address, lambda told: note(f"warning: {told}")) as cluster:
        yield cluster.execute, cluster.workers


@contextmanager
def keeping(out: Path | None, resume: bool) -> "Iterator[Kept | None]":
    """What is done of the count that goes to `out`; gone at the end of the block, but not where that raises."""
    if not resume or out is None:
        yield None
        return
    from passerby.recordings.checkpoint import SUFFIX, Kept

    with Kept(out.with_name(out.name + SUFFIX)) as kept:
        yield kept
