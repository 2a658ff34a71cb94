"""`passerby verify`: a count that a person can check in minutes, and what came of it.

Invariant: the page is served on this machine alone; what was clicked is on the disk before the next click.
"""

from pathlib import Path

import click

from passerby.cli.group import note, write_out
from passerby.cli.lines import choose, line_options, time_options
from passerby.cli.progress import progress_bar
from passerby.domain.geometry import Anchor
from passerby.errors import InputError


@click.command(short_help="Check a count on its time slice.")
@click.argument("video", type=click.Path(path_type=Path))
@line_options
@time_options
@click.option(
    "--picture",
    type=click.Path(path_type=Path),
    help="Write the time slice with every counted crossing, a PNG; the default where nothing else is asked for.",
)
@click.option("--serve", is_flag=True, help="Serve a page to check the count on, on this machine alone.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    show_default=True,
    help="Of --serve; 0 for a free one.",
)
@click.option(
    "--truth",
    "saved_at",
    type=click.Path(path_type=Path),
    help="Where the check is saved and taken up again: a truth file, by default VIDEO's name with .truth.yaml.",
)
@click.option(
    "--report", type=click.Path(path_type=Path), help="Write what was checked and found, an HTML file."
)
@click.option("--bin", "bin_", metavar="DURATION", default="15m", show_default=True, help="Of the report.")
@click.option("--quiet", is_flag=True, help="Show no progress.")
def verify(
    video: Path,
    lines: tuple[str, ...],
    pixels: bool,
    site: Path | None,
    camera: str | None,
    detector: str | None,
    model_dir: Path | None,
    anchor: Anchor | None,
    corridor: str | None,
    start: str | None,
    timezone: str | None,
    picture: Path | None,
    serve: bool,
    port: int,
    saved_at: Path | None,
    report: Path | None,
    bin_: str,
    quiet: bool,
) -> None:
    """Count the recording VIDEO, and show the count on a time slice: what moved on each line, tick by tick.

    On the page of --serve a person says what is wrong and what was missed; `passerby evaluate` reads what is
    saved. The slice shows motion in flat tones, in which nobody can be recognised.
    """
    from passerby.domain import calendar

    bin_ms = calendar.bin_length_ms(bin_)
    saved_at = video.with_name(f"{video.stem}.truth.yaml") if saved_at is None else saved_at
    if picture is None and not serve and report is None:
        picture = Path(f"{video.stem}-slice.png")
    _check_outputs(video, picture, saved_at if serve else None, report)
    if serve:
        _check_web()
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

    from passerby.io import files
    from passerby.recordings import pipeline
    from passerby.verify.session import Session, resume

    recording = pipeline.probe(video)
    with progress_bar(quiet=quiet) as on_progress:
        counts = pipeline.count(
            video,
            chosen.lines,
            detector=chosen.detector,
            model_dir=model_dir,
            corridor=chosen.corridor,
            start=start,
            timezone=chosen.timezone,
            bin_ms=bin_ms,
            on_progress=on_progress,
        )
    for warning in counts.warnings:
        note(f"warning: {warning}")
    slices = pipeline.cut_slices(counts, chosen.lines)
    size_px = (recording.width, recording.height)
    session = Session(counts, chosen.lines, slices, size_px, recording.fps, saved_at)
    if serve or report is not None:
        resume(session)
    if picture is not None:
        from passerby.verify import slice_image

        files.write(picture, slice_image.picture(counts, slices))
        write_out(f"{picture}\n")
    if serve:
        from passerby.verify import server

        server.serve(session, port=port, on_ready=lambda address: write_out(f"{address}\n"))
        if session.clicks:
            write_out(f"{saved_at}\n")
    if report is not None:
        from passerby.verify.report import report as report_of

        files.write(report, report_of(session))
        write_out(f"{report}\n")


def _check_outputs(video: Path, picture: Path | None, saved_at: Path | None, report: Path | None) -> None:
    from passerby.io import files

    if picture is not None and picture.suffix.lower() != ".png":
        raise InputError(f"--picture {picture}: expected a name that ends in .png")
    named = (("--picture", picture), ("--truth", saved_at), ("--report", report))
    taken = {video.resolve(): "VIDEO"}
    for option, path in named:
        if path is not None:
            files.check_writable(path)
            if path.resolve() in taken:
                raise InputError(
                    f"{option} {path}: the same file as {taken[path.resolve()]}, expected another"
                )
            taken[path.resolve()] = option


def _check_web() -> None:
    try:
        import starlette  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError:
        raise InputError("--serve needs starlette and uvicorn: pip install 'passerby[web]'") from None
