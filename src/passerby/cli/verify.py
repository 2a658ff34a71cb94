"""`passerby verify`: a count that a person can check in minutes.

Invariant: the page is served on this machine alone; a click is on the disk before the next click.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from passerby.cli.group import note, write_out
from passerby.cli.lines import Chosen, LineOptions, TimeOptions, choose, line_options, time_options
from passerby.cli.options import grouped, quiet_option
from passerby.cli.progress import progress_bar
from passerby.errors import InputError

if TYPE_CHECKING:
    from passerby import Counts


@dataclass(frozen=True, slots=True)
class VerifyOptions:
    """The options that `verify` has for itself."""

    picture: Path | None
    serve: bool
    port: int
    saved_at: Path | None
    report: Path | None
    bin_: str
    quiet: bool


@dataclass(frozen=True, slots=True)
class _Files:
    """What to write: the time slice, the truth file of a check by hand, and the report."""

    picture: Path | None
    saved_at: Path
    report: Path | None


@click.command(short_help="Check a count on its time slice.")
@click.argument("video", type=click.Path(path_type=Path))
@line_options
@time_options
@grouped(
    VerifyOptions,
    "settings",
    click.option(
        "--picture",
        type=click.Path(path_type=Path),
        help="Write the time slice with every counted crossing, a PNG; by default VIDEO-slice.png, where neither "
        "--serve nor --report is given.",
    ),
    click.option("--serve", is_flag=True, help="Serve a page to check the count on, on this machine alone."),
    click.option(
        "--port",
        type=click.IntRange(0, 65535),
        default=0,
        show_default=True,
        help="For --serve; 0 for a free port.",
    ),
    click.option(
        "--truth",
        "saved_at",
        type=click.Path(path_type=Path),
        help="Save the check in this truth file, and continue from it; by default VIDEO's name with .truth.yaml.",
    ),
    click.option(
        "--report", type=click.Path(path_type=Path), help="Write the result of the check, an HTML file."
    ),
    click.option(
        "--bin",
        "bin_",
        metavar="DURATION",
        default="15m",
        show_default=True,
        help="Length of a bin of the report.",
    ),
    quiet_option,
)
def verify(video: Path, line: LineOptions, time: TimeOptions, settings: VerifyOptions) -> None:
    """Count the recording VIDEO, and show the count on a time slice: the motion on each line, tick by tick.

    On the page of --serve a person marks what is wrong and what was missed; `passerby evaluate` reads the file that
    this saves. The slice shows motion in flat tones, in which nobody can be recognised.
    """
    from passerby.domain import calendar

    bin_ms = calendar.bin_length_ms(settings.bin_)
    output = _files_of(video, settings)
    _check_outputs(video, output, settings.serve)
    if settings.serve:
        _check_web()
    chosen = choose(video, line, time.timezone)

    from passerby.io import files
    from passerby.verify.check_session import CheckSession, resume
    from passerby.video.observe import probe
    from passerby.video.scene.time_slice import cut

    recording = probe(video)
    counts = _counted(video, chosen, line, time, bin_ms, settings.quiet)
    slices = cut(recording, chosen.lines, counts.start_ms)
    size_px = (recording.width, recording.height)
    session = CheckSession(counts, chosen.lines, slices, size_px, recording.fps, output.saved_at)
    if settings.serve or output.report is not None:
        resume(session)
    if output.picture is not None:
        from passerby.verify import slice_image

        files.write(output.picture, slice_image.picture(counts, slices))
        write_out(f"{output.picture}\n")
    if settings.serve:
        from passerby.verify import server

        server.serve(session, port=settings.port, on_ready=lambda address: write_out(f"{address}\n"))
        if session.clicks:
            write_out(f"{output.saved_at}\n")
    if output.report is not None:
        from passerby.verify.report import report as report_of

        files.write(output.report, report_of(session))
        write_out(f"{output.report}\n")


def _files_of(video: Path, settings: VerifyOptions) -> _Files:
    picture, saved_at = settings.picture, settings.saved_at
    if picture is None and not settings.serve and settings.report is None:
        picture = Path(f"{video.stem}-slice.png")
    return _Files(picture, saved_at or video.with_name(f"{video.stem}.truth.yaml"), settings.report)


def _counted(
    video: Path, chosen: Chosen, line: LineOptions, time: TimeOptions, bin_ms: int, quiet: bool
) -> "Counts":
    from passerby.recordings.counter import Counter
    from passerby.recordings.settings import Runtime

    counter = Counter(
        chosen.lines, chosen.detector, chosen.corridor, runtime=Runtime(model_dir=line.model_dir)
    )
    with progress_bar(quiet=quiet) as on_progress:
        counts = counter.count(
            video, start=time.start, timezone=chosen.timezone, bin_ms=bin_ms, progress=on_progress
        )
    for warning in counts.warnings:
        note(f"warning: {warning}")
    return counts


def _check_outputs(video: Path, output: _Files, serve: bool) -> None:
    from passerby.io import files

    if output.picture is not None and output.picture.suffix.lower() != ".png":
        raise InputError(f"--picture {output.picture}: expected a name that ends in .png")
    named = (
        ("--picture", output.picture),
        ("--truth", output.saved_at if serve else None),
        ("--report", output.report),
    )
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
