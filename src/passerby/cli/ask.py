"""`passerby ask`: a question about the past: for nothing where it was answered before, else at a price.

Invariant: what was released is looked at first; a refusal depends on the ledger and on configuration alone.
"""

from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING

import click

from passerby.cli.database import needs
from passerby.cli.group import note, write_out
from passerby.cli.ledger import ledger_options, opened
from passerby.cli.release import executor
from passerby.domain.timespan import Span
from passerby.errors import InputError

if TYPE_CHECKING:
    from passerby.config.site import CountedLine
    from passerby.privacy.answers import Answer

_NAMES = ("start", "end", "line", "direction", "label", "coverage", "answer", "19 times in 20")


@click.command(short_help="Ask about the past, within the budget.")
@click.argument("site", type=click.Path(path_type=Path))
@click.option("--camera", metavar="NAME", help="Which camera; needed where the site has several.")
@click.option("--line", "line_name", metavar="NAME", required=True, help="Which of its lines.")
@click.option("--from", "from_", metavar="TIME", required=True, help="Such as 2026-11-23T08:00.")
@click.option("--to", metavar="TIME", required=True, help="Its end, which is not in it.")
@click.option(
    "--epsilon", type=float, help="What may be spent where releases do not suffice; else nothing is."
)
@click.option(
    "--recording",
    type=click.Path(path_type=Path),
    help="The recording of that time, to answer from where releases do not suffice.",
)
@click.option("--start", metavar="TIME", help="When the recording began, where the file does not say.")
@click.option("--detector", metavar="motion|NAME|PATH", help="By default the site's.")
@click.option("--model-dir", type=click.Path(path_type=Path), help="Folder of the detectors' weights.")
@click.option(
    "--jobs", type=click.IntRange(1, 256), default=1, show_default=True, help="Processes to count on."
)
@ledger_options
def ask(
    site: Path,
    camera: str | None,
    line_name: str,
    from_: str,
    to: str,
    epsilon: float | None,
    recording: Path | None,
    start: str | None,
    detector: str | None,
    model_dir: Path | None,
    jobs: int,
    where: str | None,
    mark: Path | None,
) -> None:
    """How many crossed a line of SITE from one time to another: from releases, else from a recording, at a price."""
    from passerby.config.site import load
    from passerby.domain import calendar
    from passerby.domain.noise_interval import noise_95_of_release

    loaded = load(site)
    of_camera = loaded.camera(camera)
    line = _line(of_camera.lines, line_name)
    zone = calendar.zone_of(loaded.timezone)
    span = _span(from_, to, loaded.timezone)
    with opened(where, mark, create=recording is not None) as ledger:
        with needs("private"):
            from passerby.privacy import answers, standing_query
            from passerby.recordings import release
        cells = standing_query.cells_of(of_camera.name, line)
        bins, days = answers.released(ledger, of_camera.name, line_name)
        found = [answers.summed(bins, days, cell, span) for cell in cells]
        known = [one for one in found if one is not None]
        if len(known) == len(cells):
            note("answered from what was released before: it cost nothing")
            _print(known, zone)
            return
        if epsilon is None or recording is None:
            raise InputError(
                "releases do not make up this time: expected --epsilon and --recording, to answer at a price"
            )
        countings, _ = release.countings(
            recording,
            of_camera.name,
            of_camera.lines,
            detector=detector or of_camera.detector,
            model_dir=model_dir,
            start=start,
            timezone=loaded.timezone,
        )
        released = release.ask_recording(countings, line_name, span, epsilon, ledger, executor(jobs))
    note(f"answered from {recording}, at a price of epsilon {epsilon:g} for whoever passed then")
    _print(
        [
            answers.Answer(
                one.cell,
                Span(one.start_ms, one.end_ms),
                one.value,
                noise_95_of_release(one.noise_scale),
                one.coverage,
            )
            for one in released
        ],
        zone,
    )


def _line(lines: "tuple[CountedLine, ...]", name: str) -> "CountedLine":
    for line in lines:
        if line.line.name == name:
            return line
    known = ", ".join(line.line.name for line in lines) or "none"
    raise InputError(f"--line {name!r}: the camera has no such line, expected one of: {known}")


def _span(from_: str, to: str, timezone: str) -> Span:
    from passerby.recordings import start_time

    ends = []
    for option, text in (("--from", from_), ("--to", to)):
        try:
            ends.append(start_time.resolve_start(Path(), start=text, timezone_name=timezone).start_ms)
        except InputError as error:
            raise InputError(str(error).replace("--start", option)) from None
    if ends[0] >= ends[1]:
        raise InputError(f"--from {from_} --to {to}: expected an end after the start")
    return Span(*ends)


def _print(found: "list[Answer]", zone: tzinfo) -> None:
    from passerby.cli.show import table, to_text
    from passerby.domain import calendar

    rows: list[tuple[str | int, ...]] = [
        (
            *(
                f"{calendar.to_local(end, zone):%Y-%m-%d %H:%M:%S}"
                for end in (one.span.start_ms, one.span.end_ms)
            ),
            *(one.cell.line, one.cell.direction, one.cell.label, f"{one.coverage:.0%}"),
            *(one.value, f"± {one.noise_95}"),
        )
        for one in found
    ]
    write_out(to_text([table(None, _NAMES, rows, 3)]))
