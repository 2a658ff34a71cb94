"""`passerby evaluate`: counts beside the truth.

Invariant: prints every figure that was measured, the bad ones too.
"""

from pathlib import Path
from typing import Any

import click

from passerby.cli.group import note, write_out
from passerby.cli.lines import corridor_option, disable_option, half_width_of
from passerby.cli.options import model_dir_option
from passerby.cli.output import with_class, with_old_name
from passerby.cli.progress import progress_bar


@click.command(short_help="Count clips whose truth is known.")
@click.argument("truth", type=click.Path(path_type=Path))
@click.option(
    "--clips", type=click.Path(path_type=Path), help="Folder of the clips; by default that of TRUTH."
)
@click.option(
    "--detector",
    metavar="auto|best|motion|NAME|PATH",
    default="auto",
    show_default=True,
    help="As for count.",
)
@model_dir_option
@corridor_option
@disable_option
@click.option(
    "--format",
    "format_",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="Format of the result.",
)
def evaluate(
    truth: Path,
    clips: Path | None,
    detector: str,
    model_dir: Path | None,
    corridor: str | None,
    disable: tuple[str, ...],
    format_: str,
) -> None:
    """Count the clips of the truth file TRUTH, and print the counts beside the true numbers."""
    from passerby.io import tables
    from passerby.recordings.counter import optimizations_without
    from passerby.recordings.evaluate import evaluate as evaluate_clips
    from passerby.recordings.settings import Runtime

    half_width = half_width_of(corridor)
    with progress_bar(quiet=False) as on_progress:
        evaluation = evaluate_clips(
            truth,
            clips,
            detector=detector,
            corridor=half_width,
            runtime=Runtime(model_dir=model_dir),
            optimizations=optimizations_without(disable, detector),
            progress=on_progress,
        )
    for warning in evaluation.warnings:
        note(f"warning: {warning}")
    if format_ == "json":
        document: dict[str, Any] = tables.mapping_of(evaluation)
        rows = [with_old_name(with_class(row)) for row in evaluation.rows]
        write_out(tables.to_json({**document, "rows": rows}))
        return
    from passerby.cli.show import evaluation_tables, to_text

    write_out(to_text(evaluation_tables(evaluation)))
