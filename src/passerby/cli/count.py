"""`passerby count`: a recording, its lines, their counts.

Invariant: every mistake that can be seen before the long work is told before it.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from passerby.cli import output, workers
from passerby.cli.batch import EXIT_PARTLY, write_several
from passerby.cli.group import note
from passerby.cli.ledger import ledger_options
from passerby.cli.lines import choose, line_options, time_options, without_option
from passerby.cli.progress import progress_bar
from passerby.cli.release import count_privately, policy_of, private_lines
from passerby.domain.geometry import Anchor
from passerby.errors import InputError

if TYPE_CHECKING:
    from passerby import Counts, Label
    from passerby.config.site import CountedLine

_BIN_COLUMNS = ("start", "end", "line", "direction", "label", "count", "coverage")


@click.command(short_help="Count what crosses lines in a recording.")
@click.argument("videos", metavar="VIDEO...", nargs=-1, required=True)
@line_options
@click.option(
    "--count",
    "labels",
    metavar="LABEL,...",
    help="What to count, such as person,vehicle (any motor vehicle not listed by its kind); default: all.",
)
@time_options
@click.option("--bin", "bin_", metavar="DURATION", default="15m", show_default=True, help="Length of a bin.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(output.FORMATS),
    default="table",
    show_default=True,
    help="parquet and xlsx need --out.",
)
@click.option("--out", type=click.Path(path_type=Path), help="Write the counts to this file.")
@click.option(
    "--picture", type=click.Path(path_type=Path), help="Write an empty picture with lines and counts, a PNG."
)
@workers.worker_options
@without_option
@click.option("--quiet", is_flag=True, help="Show no progress.")
@click.option(
    "--private",
    is_flag=True,
    help="Release the counts as a live site does: noised and paid for, never exact.",
)
@click.option(
    "--policy",
    type=click.Path(path_type=Path),
    help="What --private promises: a file with the key privacy, or a site file.",
)
@ledger_options
def count(
    videos: tuple[str, ...],
    lines: tuple[str, ...],
    pixels: bool,
    site: Path | None,
    camera: str | None,
    detector: str | None,
    model_dir: Path | None,
    anchor: Anchor | None,
    corridor: str | None,
    labels: str | None,
    start: str | None,
    timezone: str | None,
    bin_: str,
    format_: str,
    out: Path | None,
    picture: Path | None,
    jobs: int,
    executor: str,
    address: str | None,
    resume: bool,
    decode: str,
    device: str,
    without: tuple[str, ...],
    quiet: bool,
    private: bool,
    policy: Path | None,
    where: str | None,
    mark: Path | None,
) -> int:
    """Count what crosses lines in recordings, by direction, class and bin.

    VIDEO is a file, a folder, a pattern or a URL that fsspec reads, such as s3://bucket/north/. Several, which a
    folder and a pattern always are, are counted one by one with the same lines, into one table with a column `file`.
    Exits with 3 where some of them could not be read.
    """
    from passerby.domain import calendar
    from passerby.io import sources

    bin_ms = calendar.bin_length_ms(bin_)
    wanted = _labels(labels)
    several, video = sources.are_several(videos), sources.place_of(videos[0])
    _check_outputs(videos, format_, out, picture)
    workers.check(executor, address, jobs, resume, out)
    if private:
        _check_private(not several and isinstance(video, Path), picture, executor, resume, decode, device)
        if without:
            raise InputError(
                f"--without {','.join(without)}: what is released saves what it may, and no other way"
            )
    elif policy is not None:
        raise InputError(f"--policy {policy}: expected --private with it")
    if several and start is not None:
        raise InputError(f"--start {start}: several recordings do not begin at once, expected none")
    if several and picture is not None:
        raise InputError(f"--picture {picture}: it shows one recording, expected no others")
    promised, site = policy_of(policy, site)
    chosen = choose(
        None if several else video,
        lines=lines,
        pixels=pixels,
        site=site,
        camera=camera,
        detector=detector,
        anchor=anchor,
        corridor=corridor,
        timezone=timezone,
    )
    if private:
        assert isinstance(video, Path)
        count_privately(
            video,
            camera or (_camera_of(site) if site is not None else video.stem),
            private_lines(chosen, corridor, tuple(label.text for label in wanted or ()) or None, promised),
            detector=chosen.detector,
            model_dir=model_dir,
            start=start,
            timezone=chosen.timezone,
            where=where,
            mark=mark,
            jobs=jobs,
            format_=format_,
            out=out,
        )
        return 0

    from passerby.recordings import pipeline

    planned = partial(
        pipeline.plan_of,
        lines=chosen.lines,
        detector=chosen.detector,
        model_dir=model_dir,
        corridor=chosen.corridor,
        labels=wanted if wanted is not None else _labels_of(chosen.of_site, bool(lines)),
        start=start,
        timezone=chosen.timezone,
        bin_ms=bin_ms,
        decode=decode,
        device=device,
        without=without,
    )

    def as_asked(counts: "Counts") -> "Counts":
        return counts if wanted is not None else _as_the_site_says(counts, chosen.of_site)

    with workers.keeping(out, resume) as kept:
        with (
            workers.started(executor, address, jobs) as (execute, number),
            progress_bar(quiet=quiet) as on_progress,
        ):
            if several:
                from passerby.recordings.batch import count_several

                found = count_several(
                    sources.find(videos),
                    planned,
                    jobs=number,
                    executor=execute,
                    kept=kept,
                    on_problem=note,
                    on_progress=on_progress,
                )
                counted, problems = [as_asked(one) for one in found.counts], found.problems
            else:
                one = pipeline.count_plan(
                    planned(video),
                    jobs=number,
                    executor=execute,
                    kept=kept,
                    picture=picture,
                    on_progress=on_progress,
                )
                counted, problems = [as_asked(one)], ()
        for warning in dict.fromkeys(warning for one in counted for warning in one.warnings):
            note(f"warning: {warning}")
        if several:
            write_several(counted, problems, found.wall_s, _BIN_COLUMNS, format_, out)
        else:
            _write(counted[0], format_, out)
        # What could not be read may be readable the next time, and the rest is then not counted again.
        if kept is not None and not problems:
            kept.remove()
    return EXIT_PARTLY if problems else 0


def _check_private(
    is_file: bool, picture: Path | None, executor: str, resume: bool, decode: str, device: str
) -> None:
    """Raises InputError for what an own recording may have counted, and a released one not."""
    if not is_file:
        raise InputError("--private: one recording is released at a time, expected a file")
    if picture is not None:
        raise InputError(f"--picture {picture}: it shows exact counts, expected none with --private")
    if resume:
        raise InputError(
            "--resume: it keeps exact crossings, expected none with --private: the ledger knows what is paid"
        )
    if executor != "processes":
        raise InputError(f"--executor {executor}: what is released is counted on this machine, with --jobs")
    if (decode, device) != ("software", "cpu"):
        raise InputError(f"--decode {decode} --device {device}: with --private expected software and cpu")
    source = click.get_current_context().get_parameter_source("bin_")
    if source is not ParameterSource.DEFAULT:
        raise InputError("--bin: with --private the policy's `every` says how long a bin is")


def _camera_of(site: Path) -> str:
    """The name of a site's only camera: the ledger knows cameras by name."""
    from passerby.config.site import load

    return load(site).camera().name


def _labels(text: str | None) -> "tuple[Label, ...] | None":
    if text is None:
        return None
    from passerby import Label

    known = {label.text: label for label in Label}
    found = []
    for name in text.split(","):
        label = known.get(name.strip())
        if label is None:
            raise InputError(
                f"--count {text!r}: {name.strip()!r} is no class, expected some of {', '.join(known)}"
            )
        found.append(label)
    return tuple(dict.fromkeys(found))


def _check_outputs(videos: Sequence[str], format_: str, out: Path | None, picture: Path | None) -> None:
    from passerby.io import files

    output.check(format_, out)
    if picture is not None:
        files.check_writable(picture)
    for option, path in (("--out", out), ("--picture", picture)):
        if path is not None and path.resolve() in [Path(video).resolve() for video in videos]:
            raise InputError(f"{option} {path}: the recording itself, expected another file")
    if out is not None and picture is not None and out.resolve() == picture.resolve():
        raise InputError(f"--out and --picture are both {out}, expected two files")
    if picture is not None and picture.suffix.lower() != ".png":
        raise InputError(f"--picture {picture}: expected a name that ends in .png")


def _labels_of(of_site: "Sequence[CountedLine]", has_others: bool) -> "tuple[Label, ...] | None":
    """The labels that any line asks for; None for all."""
    if has_others or any(line.labels is None for line in of_site):
        return None
    from passerby import Label

    asked = {name for line in of_site for name in line.labels or ()}
    return tuple(label for label in Label if label.text in asked)


def _as_the_site_says(counts: "Counts", of_site: "Sequence[CountedLine]") -> "Counts":
    """Only the labels that each line asks for."""
    asked = {line.line.name: line.labels for line in of_site if line.labels is not None}

    def is_asked(row: Any) -> bool:
        return row.line not in asked or row.label in asked[row.line]

    return replace(
        counts,
        bins=tuple(row for row in counts.bins if is_asked(row)),
        totals=tuple(row for row in counts.totals if is_asked(row)),
    )


def _write(counts: "Counts", format_: str, out: Path | None) -> None:
    from passerby.cli.show import counts_tables

    output.write(
        format_,
        out,
        rows=counts.bins,
        columns=_BIN_COLUMNS,
        document=lambda: document_of(counts),
        shown=lambda: counts_tables(counts),
    )


def document_of(counts: "Counts") -> dict[str, Any]:
    """The one object of `--format json`: counts without the crossings they were made of."""
    return {
        "video": counts.video,
        "start": counts.start,
        "start_from": counts.start_from,
        "duration_s": counts.duration_s,
        "frames": counts.frames,
        "detector": counts.detector,
        "bins": counts.bins,
        "totals": counts.totals,
        "cost": counts.cost,
        "warnings": counts.warnings,
    }
