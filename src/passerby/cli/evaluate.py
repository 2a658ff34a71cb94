"""`passerby evaluate`: counted beside true.

Invariant: prints what was measured, the bad numbers too.
"""

from pathlib import Path

import click

from passerby.cli.group import note, write_out
from passerby.cli.lines import corridor_option, half_width_of, without_option
from passerby.cli.progress import progress_bar


@click.command(short_help="Count clips of known truth.")
@click.argument("truth", type=click.Path(path_type=Path))
@click.option(
    "--clips", type=click.Path(path_type=Path), help="Folder of the clips; by default that of TRUTH."
)
@click.option(
    "--detector", metavar="motion|NAME|PATH", default="auto", show_default=True, help="As for count."
)
@click.option("--model-dir", type=click.Path(path_type=Path), help="Folder of the detectors' weights.")
@corridor_option
@without_option
@click.option(
    "--format",
    "format_",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="How to print it.",
)
def evaluate(
    truth: Path,
    clips: Path | None,
    detector: str,
    model_dir: Path | None,
    corridor: str | None,
    without: tuple[str, ...],
    format_: str,
) -> None:
    """Count the clips of the truth file TRUTH, and print what was counted beside what is true."""
    from passerby.io import tables
    from passerby.recordings import pipeline

    half_width = half_width_of(corridor)
    with progress_bar(quiet=False) as on_progress:
        evaluation = pipeline.evaluate(
            truth,
            clips,
            detector=detector,
            model_dir=model_dir,
            corridor=half_width,
            without=without,
            on_progress=on_progress,
        )
    for warning in evaluation.warnings:
        note(f"warning: {warning}")
    if format_ == "json":
        write_out(tables.to_json(evaluation))
        return
    from passerby.cli.show import evaluation_tables, to_text

    write_out(to_text(evaluation_tables(evaluation)))
