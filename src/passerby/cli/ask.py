"""`passerby ask`: a question about the past, at no price where past releases answer it, else at a price.

Invariant: past releases are tried first; a refusal depends on the ledger and on configuration alone.
"""

from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING

import click

from passerby.cli.database import needs
from passerby.cli.group import note, write_out
from passerby.cli.ledger import LedgerOptions, ledger_options, opened
from passerby.cli.options import grouped, model_dir_option
from passerby.cli.release import executor
from passerby.domain.timespan import Span
from passerby.errors import InputError

if TYPE_CHECKING:
    from passerby.config.site import Camera, CountedLine, Site
    from passerby.domain.release import Release
    from passerby.privacy.answers import Answer
    from passerby.privacy.ledger import Ledger

_NAMES = ("start", "end", "line", "direction", "class", "coverage", "value", "95 % range")


@dataclass(frozen=True, slots=True)
class QuestionOptions:
    """A question: the crossings of a line in a time, and what an answer may cost."""

    camera: str | None
    line: str
    from_: str
    to: str
    epsilon: float | None


@dataclass(frozen=True, slots=True)
class RecordingOptions:
    """A recording to answer from, and how it is counted."""

    recording: Path | None
    start: str | None
    detector: str | None
    model_dir: Path | None
    jobs: int


@click.command(short_help="Ask about the past, within the budget.")
@click.argument("site", type=click.Path(path_type=Path))
@grouped(
    QuestionOptions,
    "question",
    click.option("--camera", metavar="NAME", help="The camera; needed where the site has several."),
    click.option("--line", metavar="NAME", required=True, help="The line."),
    click.option("--from", "from_", metavar="TIME", required=True, help="Such as 2026-11-23T08:00."),
    click.option("--to", metavar="TIME", required=True, help="The end, which is not included."),
    click.option(
        "--epsilon",
        type=float,
        help="The most to spend where past releases do not suffice; by default nothing.",
    ),
)
@grouped(
    RecordingOptions,
    "source",
    click.option(
        "--recording",
        type=click.Path(path_type=Path),
        help="The recording of that time, to answer from where past releases do not suffice.",
    ),
    click.option("--start", metavar="TIME", help="When the recording began, where the file does not say."),
    click.option("--detector", metavar="motion|NAME|PATH", help="By default the site's."),
    model_dir_option,
    click.option(
        "--jobs", type=click.IntRange(1, 256), default=1, show_default=True, help="How many processes count."
    ),
)
@ledger_options
def ask(site: Path, question: QuestionOptions, source: RecordingOptions, ledger: LedgerOptions) -> None:
    """Estimate how many crossed a line of SITE in a time: from past releases, else from a recording, at a price."""
    from passerby.config.site import load
    from passerby.domain import calendar

    loaded = load(site)
    camera = loaded.camera(question.camera)
    line = _line(camera.lines, question.line)
    span = _span(question.from_, question.to, loaded.timezone)
    with opened(ledger, loaded, create=source.recording is not None) as book:
        answers = _from_releases(book, loaded, camera.name, line, span)
        if answers is not None:
            note("answered from past releases, at no price")
        else:
            answers = _from_recording(book, loaded, camera, question, source, span)
    _print(answers, calendar.zone_of(loaded.timezone))


def _from_releases(
    ledger: "Ledger", site: "Site", camera: str, line: "CountedLine", span: Span
) -> "list[Answer] | None":
    """The answer that past releases add up to; None where they do not cover the time."""
    with needs("private"):
        from passerby.privacy import answers, standing_query
        from passerby.privacy.charge import site_account
    cells = standing_query.cells_of(camera, line)
    account = site_account(site.name) if site.promise == "crossings" else None
    bins, days = answers.released(ledger, camera, line.line.name, account=account)
    sums = [answers.summed(bins, days, cell, span) for cell in cells]
    known = [answer for answer in sums if answer is not None]
    return known if len(known) == len(cells) else None


def _from_recording(
    ledger: "Ledger",
    site: "Site",
    camera: "Camera",
    question: QuestionOptions,
    source: RecordingOptions,
    span: Span,
) -> "list[Answer]":
    """An answer from a recording, which the ledger pays for. Raises InputError where none may be bought."""
    with needs("private"):
        from passerby.privacy import answers
    from passerby.domain.noise_interval import noise_95_of_release

    if question.epsilon is None or source.recording is None:
        raise InputError(
            "past releases do not cover this time: expected --epsilon and --recording, to answer at a price"
        )
    released = _bought(ledger, site, camera, question, source, span)
    payers = "crossed on these days" if site.promise == "crossings" else "passed then"
    note(
        f"answered from {source.recording}, at a price of epsilon {question.epsilon:g} for everyone who {payers}"
    )
    return [
        answers.Answer(
            paid.cell,
            Span(paid.start_ms, paid.end_ms),
            paid.value,
            noise_95_of_release(paid.noise_scale),
            paid.coverage,
        )
        for paid in released
    ]


def _bought(
    ledger: "Ledger",
    site: "Site",
    camera: "Camera",
    question: QuestionOptions,
    source: RecordingOptions,
    span: Span,
) -> "tuple[Release, ...]":
    """The releases that the ledger pays for. Raises BudgetError."""
    from passerby.recordings import crossings_release, release
    from passerby.recordings.plan import Clock
    from passerby.recordings.settings import Runtime

    assert source.recording is not None
    assert question.epsilon is not None
    detector = source.detector or camera.detector
    if site.privacy is not None:
        recording = crossings_release.site_recording(
            source.recording,
            camera.name,
            camera.lines,
            policy=site.privacy,
            site=site.name,
            detector=detector,
            runtime=Runtime(jobs=source.jobs, model_dir=source.model_dir),
            clock=Clock(source.start, site.timezone),
        )
        return crossings_release.ask_crossings(recording, question.line, span, question.epsilon, ledger)
    countings, _ = release.countings(
        source.recording,
        camera.name,
        camera.lines,
        detector=detector,
        model_dir=source.model_dir,
        start=source.start,
        timezone=site.timezone,
    )
    return release.ask_recording(
        countings, question.line, span, question.epsilon, ledger, executor(source.jobs), source.jobs
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


def _print(answers: "list[Answer]", zone: tzinfo) -> None:
    from passerby.cli.show import table, to_text
    from passerby.domain import calendar

    rows: list[tuple[str | int, ...]] = [
        (
            *(
                f"{calendar.to_local(end, zone):%Y-%m-%d %H:%M:%S}"
                for end in (answer.span.start_ms, answer.span.end_ms)
            ),
            *(answer.cell.line, answer.cell.direction, answer.cell.label, f"{answer.coverage:.0%}"),
            *(answer.value, f"± {answer.noise_95}"),
        )
        for answer in answers
    ]
    write_out(to_text([table(None, _NAMES, rows, 3)]))
