"""`passerby count`: a recording, its lines, their counts.

Law: every mistake that can be seen before the long work is told before it.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from passerby.cli.group import note, write_out
from passerby.cli.ledger import ledger_options
from passerby.cli.lines import choose, line_options, time_options
from passerby.cli.private import count_privately, policy_of, private_lines
from passerby.cli.progress import progress_bar
from passerby.errors import InputError
from passerby.geometry import Anchor

if TYPE_CHECKING:
    from passerby import Counts, Label
    from passerby.site import CountedLine

_BIN_COLUMNS = ("start", "end", "line", "direction", "label", "count", "coverage")
_FILES_ONLY = ("parquet", "xlsx")


@click.command(short_help="Count what crosses lines in a recording.")
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
    type=click.Choice(["table", "json", "csv", "otanalytics", "parquet", "xlsx"]),
    default="table",
    show_default=True,
    help="parquet and xlsx need --out.",
)
@click.option("--out", type=click.Path(path_type=Path), help="Write the counts to this file.")
@click.option(
    "--picture", type=click.Path(path_type=Path), help="Write an empty picture with lines and counts, a PNG."
)
@click.option(
    "--jobs",
    type=click.IntRange(1, 256),
    default=1,
    show_default=True,
    help="Processes to count on; the counts are the same.",
)
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
    video: Path,
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
    quiet: bool,
    private: bool,
    policy: Path | None,
    where: str | None,
    mark: Path | None,
) -> None:
    """Count what crosses lines in the recording VIDEO, by direction, class and bin."""
    from passerby import clock

    bin_ms = clock.bin_length_ms(bin_)
    wanted = _labels(labels)
    _check_outputs(video, format_, out, picture)
    _check_private(private, policy, picture)
    promised, site = policy_of(policy, site)
    chosen = choose(
        video,
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
        return

    from passerby import pipeline

    with progress_bar(quiet=quiet) as on_progress:
        counts = pipeline.count(
            video,
            chosen.lines,
            detector=chosen.detector,
            model_dir=model_dir,
            corridor=chosen.corridor,
            labels=wanted if wanted is not None else _labels_of(chosen.of_site, bool(lines)),
            start=start,
            timezone=chosen.timezone,
            bin_ms=bin_ms,
            jobs=jobs,
            picture=picture,
            on_progress=on_progress,
        )
    if wanted is None:
        counts = _as_the_site_says(counts, chosen.of_site)
    for warning in counts.warnings:
        note(f"warning: {warning}")
    _write(counts, format_, out)


def _check_private(private: bool, policy: Path | None, picture: Path | None) -> None:
    if policy is not None and not private:
        raise InputError(f"--policy {policy}: expected --private with it")
    if not private:
        return
    if picture is not None:
        raise InputError(f"--picture {picture}: it shows exact counts, expected none with --private")
    source = click.get_current_context().get_parameter_source("bin_")
    if source is not ParameterSource.DEFAULT:
        raise InputError("--bin: with --private the policy's `every` says how long a bin is")


def _camera_of(site: Path) -> str:
    """The name of a site's only camera: the ledger knows cameras by name."""
    from passerby.site import load

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


def _check_outputs(video: Path, format_: str, out: Path | None, picture: Path | None) -> None:
    from passerby import atomic, tables

    if out is None and format_ in _FILES_ONLY:
        raise InputError(f"--format {format_}: it is no text for a terminal, expected --out FILE with it")
    for option, path in (("--out", out), ("--picture", picture)):
        if path is not None:
            atomic.check_writable(path)
            if path.resolve() == video.resolve():
                raise InputError(f"{option} {path}: the recording itself, expected another file")
    if out is not None and picture is not None and out.resolve() == picture.resolve():
        raise InputError(f"--out and --picture are both {out}, expected two files")
    if picture is not None and picture.suffix.lower() != ".png":
        raise InputError(f"--picture {picture}: expected a name that ends in .png")
    if out is not None and format_ == "parquet":
        tables.check_parquet(out)
    if out is not None and format_ == "xlsx":
        tables.check_xlsx(out)


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
    from passerby import atomic, tables

    if out is not None and format_ == "parquet":
        tables.write_parquet(counts.bins, out)
        return
    if out is not None and format_ == "xlsx":
        tables.write_xlsx(counts.bins, out)
        return
    if format_ == "json":
        text = tables.to_json(_document(counts))
    elif format_ == "csv":
        text = tables.to_csv(counts.bins, _BIN_COLUMNS)
    elif format_ == "otanalytics":
        text = tables.to_otanalytics(counts.bins)
    else:
        from passerby.cli.show import counts_tables, to_text

        text = to_text(counts_tables(counts), plain=out is not None)
    if out is None:
        write_out(text)
    else:
        atomic.write(out, text)


def _document(counts: "Counts") -> dict[str, Any]:
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
