"""Which lines of which recording: the options that all commands share which count a recording.

Invariant: every mistake that can be seen before the long work is told before it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from passerby.cli.group import note
from passerby.domain.geometry import DEFAULT_CORRIDOR, Anchor, Line
from passerby.errors import InputError

if TYPE_CHECKING:
    from passerby.config.site import CountedLine
    from passerby.io.sources import Place

corridor_option = click.option(
    "--corridor",
    metavar="WIDTH|off",
    help="How far from its line the picture is looked at, in frame heights, or off for the whole picture.  "
    f"[default: {DEFAULT_CORRIDOR:g}]",
)
without_option = click.option(
    "--without",
    metavar="NAME,...",
    callback=lambda _context, _option, text: tuple(n.strip() for n in text.split(",")) if text else (),
    help="Savings of work to do without, such as cadence,gate, or all of them: docs/explanation/speed.md has what "
    "each gains and costs.",
)
_OPTIONS = (
    click.option(
        "--line",
        "lines",
        multiple=True,
        metavar="NAME=X1,Y1:X2,Y2",
        help="A line to count at, in fractions of the frame; may be given several times. Who stands at X1,Y1 and "
        "looks at X2,Y2 has to_right on the right hand side.",
    ),
    click.option("--pixels", is_flag=True, help="The points of --line are pixels."),
    click.option(
        "--site", type=click.Path(path_type=Path), help="A site file, for the lines of one of its cameras."
    ),
    click.option("--camera", metavar="NAME", help="Which camera of --site; needed where it has several."),
    click.option(
        "--detector",
        metavar="motion|NAME|PATH",
        help="What finds the objects; by default the best that is at hand.",
    ),
    click.option("--model-dir", type=click.Path(path_type=Path), help="Folder of the detectors' weights."),
    click.option(
        "--anchor",
        type=click.Choice(["bottom", "centre"]),
        help="The point of a box that crosses: bottom for a view from the side (the default), centre for one "
        "from above.",
    ),
    corridor_option,
)
_TIMES = (
    click.option("--start", metavar="TIME", help="When the recording began, such as 2023-11-18T14:15:00."),
    click.option("--timezone", metavar="ZONE", help="Such as Europe/Copenhagen; by default the machine's."),
)


@dataclass(frozen=True, slots=True)
class Chosen:
    """`corridor` is half its width in frame heights, None for the whole picture; `of_site` lines come first."""

    lines: tuple[Line, ...]
    of_site: "tuple[CountedLine, ...]"
    corridor: float | None
    detector: str
    timezone: str | None


def line_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """All options from --line to --corridor."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def time_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """--start and --timezone."""
    for option in reversed(_TIMES):
        command = option(command)
    return command


def choose(
    video: "Place | None",
    *,
    lines: Sequence[str],
    pixels: bool,
    site: Path | None,
    camera: str | None,
    detector: str | None,
    anchor: Anchor | None,
    corridor: str | None,
    timezone: str | None,
) -> Chosen:
    """What the options of a command come to; `video` None where they are of several recordings.

    Raises InputError, LineError, SiteError, SourceError.
    """
    from passerby.config.line_spec import check_names, parse_lines
    from passerby.domain import calendar

    half_width = half_width_of(corridor)
    if camera is not None and site is None:
        raise InputError(f"--camera {camera!r}: a camera of no site, expected --site with it")
    of_site: tuple[CountedLine, ...] = ()
    if site is not None:
        from passerby.config.site import load

        loaded = load(site)
        for warning in loaded.warnings:
            note(f"warning: {warning}")
        of_camera = loaded.camera(camera)
        of_site = of_camera.lines
        timezone = timezone or loaded.timezone
        detector = detector or of_camera.detector
    if not lines and not of_site:
        raise InputError("no line to count at: expected --line, or --site with a camera that has one")
    if timezone is not None:
        calendar.zone_of(timezone)

    size_px = None
    if pixels and video is None:
        raise InputError("--pixels: several recordings may differ in size, expected fractions of the frame")
    if pixels and video is not None:
        from passerby.recordings import pipeline

        recording = pipeline.probe(video)
        size_px = (recording.width, recording.height)
    all_lines = [replace(line.line, anchor=anchor) if anchor is not None else line.line for line in of_site]
    all_lines += parse_lines(lines, size_px=size_px, anchor=anchor or "bottom")
    check_names(all_lines)
    return Chosen(
        tuple(all_lines),
        of_site,
        half_width if corridor is not None or not of_site else _widest(of_site, bool(lines)),
        detector or "auto",
        timezone,
    )


def half_width_of(corridor: str | None) -> float | None:
    """Half the width in frame heights, the default where nothing is said; None for the whole picture."""
    if corridor is None:
        return DEFAULT_CORRIDOR
    if corridor == "off":
        return None
    try:
        width = float(corridor)
    except ValueError:
        width = -1.0
    if not 0 < width <= 2:
        raise InputError(
            f"--corridor {corridor!r}: expected a width in frame heights, above 0 and at most 2, or off"
        )
    return width


def _widest(of_site: "Sequence[CountedLine]", has_others: bool) -> float | None:
    """One corridor for all lines: the widest that any of them asks for, None for the whole picture."""
    widths = [line.corridor for line in of_site]
    if has_others:
        widths.append(DEFAULT_CORRIDOR)
    return None if None in widths else max(width for width in widths if width is not None)
