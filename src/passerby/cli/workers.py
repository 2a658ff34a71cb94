"""How a count is run: processes, a cluster, hardware; and how an interrupted count continues.

Invariant: a mistake that can be found before the long work is reported before it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from passerby.cli.group import note
from passerby.cli.options import grouped
from passerby.errors import InputError

if TYPE_CHECKING:
    from passerby.executors.processes import Executor
    from passerby.recordings.checkpoint import Checkpoint

DECODES = ("auto", "software", "cuda", "vaapi", "qsv")
DEVICES = ("cpu", "cuda", "openvino")


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """On which processes and hardware a count runs, and whether it continues an interrupted one."""

    jobs: int
    executor: str
    address: str | None
    resume: bool
    decode: str
    device: str


worker_options = grouped(
    WorkerOptions,
    "worker",
    click.option(
        "--jobs",
        type=click.IntRange(1, 256),
        default=1,
        show_default=True,
        help="How many processes count; the counts are the same.",
    ),
    click.option(
        "--executor",
        type=click.Choice(["processes", "ray"]),
        default="processes",
        show_default=True,
        help="Count on --jobs processes of this machine, or on a Ray cluster that runs already.",
    ),
    click.option(
        "--address",
        metavar="HOST:PORT",
        help="The head of the cluster for --executor ray; by default $RAY_ADDRESS.",
    ),
    click.option(
        "--resume",
        is_flag=True,
        help="Save progress in a file beside --out, and continue from it: the counts are the same. The file holds "
        "exact crossings, and is removed at the end.",
    ),
    click.option(
        "--decode",
        type=click.Choice(DECODES),
        default="software",
        show_default=True,
        help="The decoder of the video; auto uses hardware where it works.",
    ),
    click.option(
        "--device",
        type=click.Choice(DEVICES),
        default="cpu",
        show_default=True,
        help="The ONNX Runtime provider that runs ONNX detectors.",
    ),
)


def check(worker: WorkerOptions, out: Path | None) -> None:
    """Raises InputError for options that do not go together."""
    if worker.executor != "ray" and worker.address is not None:
        raise InputError(f"--address {worker.address}: expected --executor ray with it")
    if worker.executor == "ray" and worker.jobs != 1:
        raise InputError(
            f"--jobs {worker.jobs}: expected none with --executor ray, where the cluster says how many"
        )
    if worker.resume and out is None:
        raise InputError("--resume: progress is saved beside the output, expected --out FILE with it")


@contextmanager
def started(worker: WorkerOptions) -> "Iterator[tuple[Executor | None, int]]":
    """An executor, None for processes of this machine, and into how many parts a recording is split."""
    if worker.executor != "ray":
        yield None, worker.jobs
        return
    from passerby.executors import ray

    with ray.connected(worker.address, lambda warning: note(f"warning: {warning}")) as cluster:
        yield cluster.execute, cluster.workers


@contextmanager
def keeping(out: Path | None, resume: bool) -> "Iterator[Checkpoint | None]":
    """The saved progress of the count that goes to `out`; None without `resume`."""
    if not resume or out is None:
        yield None
        return
    from passerby.recordings.checkpoint import SUFFIX, Checkpoint

    with Checkpoint(out.with_name(out.name + SUFFIX)) as kept:
        yield kept
