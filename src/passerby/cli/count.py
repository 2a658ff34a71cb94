"""`passerby count`: the counts of recordings.

Invariant: a mistake that can be found before the long work is reported before it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click
from click.core import ParameterSource

from passerby.cli import count_output, workers
from passerby.cli.group import EXIT_PARTLY, note
from passerby.cli.ledger import LedgerOptions, ledger_options
from passerby.cli.lines import (
    Chosen,
    LineOptions,
    TimeOptions,
    choose,
    disable_option,
    line_options,
    time_options,
)
from passerby.cli.options import grouped, quiet_option
from passerby.cli.output import OutputOptions, output_options, target_of
from passerby.cli.progress import progress_bar
from passerby.cli.release import Request, count_privately, policy_of, private_lines
from passerby.cli.weights import fetch_default, offline_option
from passerby.cli.workers import WorkerOptions, worker_options
from passerby.errors import InputError

if TYPE_CHECKING:
    from passerby import BinCount, Counts, Label, TotalCount
    from passerby.config.site import CountedLine
    from passerby.io.sources import Place
    from passerby.recordings.batch import BatchCounts
    from passerby.recordings.checkpoint import Checkpoint
    from passerby.recordings.plan import Plan


Row = TypeVar("Row", "BinCount", "TotalCount")


@dataclass(frozen=True, slots=True)
class CountOptions:
    """The options that `count` has for itself."""

    labels: str | None
    bin_: str
    picture: Path | None
    disable: tuple[str, ...]
    quiet: bool
    private: bool
    policy: Path | None


@click.command(short_help="Count what crosses lines in a recording.")
@click.argument("videos", metavar="VIDEO...", nargs=-1, required=True)
@line_options
@time_options
@output_options
@worker_options
@ledger_options
@offline_option
@grouped(
    CountOptions,
    "settings",
    click.option(
        "--count",
        "labels",
        metavar="CLASS,...",
        help="The classes to count, such as person,vehicle; vehicle is any motor vehicle whose kind is not listed, "
        "unknown is what could not be told apart. By default all.",
    ),
    click.option(
        "--bin", "bin_", metavar="DURATION", default="15m", show_default=True, help="Length of a bin."
    ),
    click.option(
        "--picture",
        type=click.Path(path_type=Path),
        help="Write the empty background with lines and counts to this file, a PNG.",
    ),
    disable_option,
    quiet_option,
    click.option(
        "--private",
        is_flag=True,
        help="Release the counts as a live site does: with noise, paid for in the ledger, never exact.",
    ),
    click.option(
        "--policy",
        type=click.Path(path_type=Path),
        help="The privacy policy of --private: a file with the key privacy, or a site file.",
    ),
)
def count(
    videos: tuple[str, ...],
    line: LineOptions,
    time: TimeOptions,
    output: OutputOptions,
    worker: WorkerOptions,
    ledger: LedgerOptions,
    settings: CountOptions,
) -> int:
    """Count what crosses lines in recordings, by direction, class and bin.

    VIDEO is a file, a folder, a pattern or a URL that fsspec reads, such as s3://bucket/north/. Several recordings,
    and always a folder or a pattern, are counted with the same lines, into one table with a column `file`.
    Exits with 3 where some of them could not be read.
    """
    from passerby.io import sources

    several, video = sources.are_several(videos), sources.place_of(videos[0])
    _check_files(videos, output.out, settings.picture)
    target = target_of(output)
    labels = _labels_of(settings.labels)
    workers.check(worker, target.out)
    _check_settings(several, not several and isinstance(video, Path), time, worker, settings)
    policy, site_file = policy_of(settings.policy, line.site)
    line = replace(line, site=site_file)
    chosen = choose(None if several else video, line, time.timezone)
    fetch_default([chosen.detector], line.model_dir)
    if settings.private:
        assert isinstance(video, Path)
        counted_lines, promised = private_lines(chosen, line.corridor, labels, policy)
        request = Request(
            video,
            line.camera or (video.stem if chosen.site is None else chosen.site.camera().name),
            counted_lines,
            promised,
            chosen,
            line.model_dir,
            time.start,
        )
        count_privately(request, ledger, worker.jobs, target)
        return 0

    plan_of = _planner(chosen, line, time, worker, settings)
    with workers.keeping(target.out, worker.resume) as kept:
        if several:
            counted = _count_several(sources.find(videos), plan_of, worker, settings, kept)
        else:
            counted = _count_single(video, plan_of, worker, settings, kept)
        counts = tuple(_as_asked(each, labels, chosen.of_site) for each in counted.counts)
        for warning in dict.fromkeys(warning for each in counts for warning in each.warnings):
            note(f"warning: {warning}")
        if several:
            count_output.write_several(counts, counted.problems, counted.wall_s, target)
        else:
            count_output.write_counts(counts[0], target)
        count_output.note_doubts(counts, quiet=settings.quiet)
        # A recording that could not be read may be readable the next time; the others are then not counted again.
        if kept is not None and not counted.problems:
            kept.remove()
    return EXIT_PARTLY if counted.problems else 0


def _planner(
    chosen: Chosen, line: LineOptions, time: TimeOptions, worker: WorkerOptions, settings: CountOptions
) -> "Callable[[Place], Plan]":
    """Makes the plan of each recording. Raises InputError."""
    from passerby.domain import calendar
    from passerby.recordings.counter import optimizations_without
    from passerby.recordings.plan import Clock, Method, plan_of
    from passerby.recordings.settings import Runtime

    method = Method(
        lines=chosen.lines,
        detector=chosen.detector,
        corridor=chosen.corridor,
        labels=_labels_of(settings.labels) or _labels_of_site(chosen.of_site, bool(line.lines)),
        runtime=Runtime(decode=worker.decode, device=worker.device, model_dir=line.model_dir),
        optimizations=optimizations_without(settings.disable, chosen.detector),
    )
    clock = Clock(time.start, chosen.timezone, calendar.bin_length_ms(settings.bin_))
    return partial(plan_of, method=method, clock=clock)


def _count_several(
    places: "Sequence[Place]",
    plan_of: "Callable[[Place], Plan]",
    worker: WorkerOptions,
    settings: CountOptions,
    kept: "Checkpoint | None",
) -> "BatchCounts":
    from passerby.recordings.batch import count_batch
    from passerby.recordings.settings import Runtime

    with workers.started(worker) as (executor, jobs), progress_bar(quiet=settings.quiet) as on_progress:
        return count_batch(
            places,
            plan_of,
            runtime=Runtime(jobs=jobs, executor=executor),
            checkpoint=kept,
            on_problem=note,
            progress=on_progress,
        )


def _count_single(
    video: "Place",
    plan_of: "Callable[[Place], Plan]",
    worker: WorkerOptions,
    settings: CountOptions,
    kept: "Checkpoint | None",
) -> "BatchCounts":
    from passerby.recordings.batch import BatchCounts
    from passerby.recordings.pipeline import count_plan

    with workers.started(worker) as (executor, jobs), progress_bar(quiet=settings.quiet) as on_progress:
        plan = plan_of(video).with_workers(jobs, executor)
        counts = count_plan(plan, checkpoint=kept, picture=settings.picture, progress=on_progress)
    return BatchCounts((counts,), (), counts.cost.wall_s)


def _check_settings(
    several: bool, is_file: bool, time: TimeOptions, worker: WorkerOptions, settings: CountOptions
) -> None:
    """Raises InputError for options that do not go together, or not with these recordings."""
    if several:
        _check_several(time, settings)
    if settings.private:
        _check_private(is_file, worker, settings)
    elif settings.policy is not None:
        raise InputError(f"--policy {settings.policy}: expected --private with it")


def _check_several(time: TimeOptions, settings: CountOptions) -> None:
    """Raises InputError for an option that only a single recording can have."""
    if time.start is not None:
        raise InputError(f"--start {time.start}: several recordings do not begin at once, expected none")
    if settings.picture is not None:
        raise InputError(f"--picture {settings.picture}: it shows one recording, found several")


def _check_private(is_file: bool, worker: WorkerOptions, settings: CountOptions) -> None:
    """Raises InputError for an option that a released recording cannot have."""
    if not is_file:
        raise InputError("--private: one recording is released at a time, expected a file")
    if settings.picture is not None:
        raise InputError(f"--picture {settings.picture}: it shows exact counts, expected none with --private")
    if worker.resume:
        raise InputError(
            "--resume: it keeps exact crossings, expected none with --private: the ledger knows what is paid"
        )
    if worker.executor != "processes":
        raise InputError(f"--executor {worker.executor}: --private is counted on this machine, with --jobs")
    if (worker.decode, worker.device) != ("software", "cpu"):
        raise InputError(
            f"--decode {worker.decode} --device {worker.device}: with --private expected software and cpu"
        )
    if settings.disable:
        raise InputError(f"--disable {','.join(settings.disable)}: expected none with --private")
    source = click.get_current_context().get_parameter_source("bin_")
    if source is not ParameterSource.DEFAULT:
        raise InputError(
            "--bin: expected none with --private, where the policy's `every` is the length of a bin"
        )


def _labels_of(text: str | None) -> "tuple[Label, ...] | None":
    """The labels of --count; None where it is not given. Raises InputError."""
    if text is None:
        return None
    from passerby import Label

    known = {label.text: label for label in Label}
    labels = []
    for name in text.split(","):
        label = known.get(name.strip())
        if label is None:
            raise InputError(
                f"--count {text!r}: {name.strip()!r} is no class, expected some of {', '.join(known)}"
            )
        labels.append(label)
    return tuple(dict.fromkeys(labels))


def _check_files(videos: Sequence[str], out: Path | None, picture: Path | None) -> None:
    """Raises InputError or OutputError for a file that cannot be written, or is written twice."""
    from passerby.io import files

    if picture is not None:
        files.check_writable(picture)
    for option, path in (("--out", out), ("--picture", picture)):
        if path is not None and path.resolve() in [Path(video).resolve() for video in videos]:
            raise InputError(f"{option} {path}: the recording itself, expected another file")
    if out is not None and picture is not None and out.resolve() == picture.resolve():
        raise InputError(f"--out and --picture are both {out}, expected two files")
    if picture is not None and picture.suffix.lower() != ".png":
        raise InputError(f"--picture {picture}: expected a name that ends in .png")


def _labels_of_site(of_site: "Sequence[CountedLine]", has_own: bool) -> "tuple[Label, ...] | None":
    """The labels of the site's lines; None for all. `has_own`: --line adds lines."""
    if not of_site or has_own or any(line.labels is None for line in of_site):
        return None
    from passerby import Label

    asked = {name for line in of_site for name in line.labels or ()}
    return tuple(label for label in Label if label.text in asked)


def _as_asked(
    counts: "Counts", labels: "Sequence[Label] | None", of_site: "Sequence[CountedLine]"
) -> "Counts":
    """The counts with a row for each label of --count, else of the site file's line, else for each label of all."""
    from passerby import Label

    of_line = {line.line.name: line.labels for line in of_site if line.labels is not None}
    every = tuple(label.text for label in labels or Label)

    def filled(rows: "Sequence[Row]") -> "tuple[Row, ...]":
        groups: dict[Row, dict[str, Row]] = {}
        for row in rows:
            groups.setdefault(replace(row, label="", count=0), {})[row.label] = row
        return tuple(
            counted.get(name) or replace(empty, label=name)
            for empty, counted in groups.items()
            for name in (every if labels else of_line.get(empty.line, every))
        )

    return replace(counts, bins=filled(counts.bins), totals=filled(counts.totals))
