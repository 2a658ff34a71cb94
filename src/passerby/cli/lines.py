"""Which lines of which recording: the options of every command that counts a recording.

Invariant: a mistake that can be found before the long work is reported before it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from passerby.cli.group import note
from passerby.cli.options import grouped, model_dir_option, renamed_option
from passerby.domain.geometry import DEFAULT_CORRIDOR, Anchor, Line
from passerby.errors import InputError

if TYPE_CHECKING:
    from passerby.config.site import CountedLine, Site
    from passerby.io.sources import Place


@dataclass(frozen=True, slots=True)
class LineOptions:
    """The lines, and how they are counted, as typed; None and no line where the site file or the default says."""

    lines: tuple[str, ...]
    pixels: bool
    site: Path | None
    camera: str | None
    detector: str | None
    model_dir: Path | None
    anchor: Anchor | None
    corridor: str | None


@dataclass(frozen=True, slots=True)
class TimeOptions:
    """When a recording began, and in which timezone; None where the file or the site says."""

    start: str | None
    timezone: str | None


@dataclass(frozen=True, slots=True)
class Chosen:
    """The lines to count. `of_site` are those of the site file, which come first; `corridor` is half its width in
    frame heights, None for the whole picture."""

    lines: tuple[Line, ...]
    of_site: "tuple[CountedLine, ...]"
    corridor: float | None
    detector: str
    timezone: str | None
    site: "Site | None"


corridor_option = click.option(
    "--corridor",
    metavar="WIDTH|off",
    help="Detect objects only this near to a line, in frame heights; off for the whole picture.  "
    f"[default: {DEFAULT_CORRIDOR:g}]",
)
disable_option = renamed_option(
    "--without",
    "--disable",
    lambda text: tuple(name.strip() for name in text.split(",")) if text else (),
    metavar="NAME,...",
    help="Optimizations to turn off, such as cadence,gate, or all of them: docs/explanation/speed.md has what each "
    "gains and costs.",
)
line_options = grouped(
    LineOptions,
    "line",
    click.option(
        "--line",
        "lines",
        multiple=True,
        metavar="NAME=X1,Y1:X2,Y2",
        help="A line to count at, in fractions of the frame; may be given several times. Stand at X1,Y1 and face "
        "X2,Y2: an object that finishes on your right counts as to_right.",
    ),
    click.option("--pixels", is_flag=True, help="The points of --line are in pixels."),
    click.option(
        "--site", type=click.Path(path_type=Path), help="A site file: count the lines of one of its cameras."
    ),
    click.option("--camera", metavar="NAME", help="The camera of --site; needed where it has several."),
    click.option(
        "--detector",
        metavar="motion|NAME|PATH",
        help="auto (the default): one installed model with motion. best: two models with motion, slower.",
    ),
    model_dir_option,
    click.option(
        "--anchor",
        type=click.Choice(["bottom", "centre"]),
        help="The point of a box that crosses: bottom for a view from the side (the default), centre for a view "
        "from above.",
    ),
    corridor_option,
)
time_options = grouped(
    TimeOptions,
    "time",
    click.option("--start", metavar="TIME", help="When the recording began, such as 2023-11-18T14:15:00."),
    click.option("--timezone", metavar="ZONE", help="Such as Europe/Copenhagen; by default the machine's."),
)


def choose(video: "Place | None", options: LineOptions, timezone: str | None) -> Chosen:
    """The lines of the options; `video` is None where they are of several recordings.

    Raises InputError, LineError, SiteError, SourceError.
    """
    from passerby.config.line_spec import check_names, parse_lines
    from passerby.domain import calendar

    half_width = half_width_of(options.corridor)
    if options.camera is not None and options.site is None:
        raise InputError(f"--camera {options.camera!r}: expected --site with it")
    site, detector = None, options.detector
    of_site: tuple[CountedLine, ...] = ()
    if options.site is not None:
        site = load_with_warnings(options.site)
        camera = site.camera(options.camera)
        of_site = camera.lines
        timezone = timezone or site.timezone
        detector = detector or camera.detector
    if not options.lines and not of_site:
        raise InputError("no line to count at: expected --line, or --site with a camera that has one")
    if timezone is not None:
        calendar.zone_of(timezone)

    size_px = _size_px(video) if options.pixels else None
    anchor = options.anchor
    lines = [replace(line.line, anchor=anchor) if anchor is not None else line.line for line in of_site]
    lines += parse_lines(options.lines, size_px=size_px, anchor=anchor or "bottom")
    check_names(lines)
    corridor = (
        half_width if options.corridor is not None or not of_site else _widest(of_site, bool(options.lines))
    )
    return Chosen(tuple(lines), of_site, corridor, detector or "auto", timezone, site)


def load_with_warnings(path: Path) -> "Site":
    """The site of a file, after its warnings were noted. Raises SiteError."""
    from passerby.config.site import load

    site = load(path)
    for warning in site.warnings:
        note(f"warning: {warning}")
    return site


def _size_px(video: "Place | None") -> tuple[int, int]:
    """Width and height of a recording, in which the points of its lines are given."""
    if video is None:
        raise InputError("--pixels: several recordings may differ in size, expected fractions of the frame")
    from passerby.video.observe import probe

    recording = probe(video)
    return recording.width, recording.height


def half_width_of(corridor: str | None) -> float | None:
    """Half the width of a corridor in frame heights: the default where none is given, None for the whole picture.

    Raises InputError.
    """
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


def _widest(of_site: "Sequence[CountedLine]", has_own: bool) -> float | None:
    """One corridor for all lines: the widest of them, None for the whole picture. `has_own`: --line adds lines."""
    widths = [line.corridor for line in of_site]
    if has_own:
        widths.append(DEFAULT_CORRIDOR)
    return None if None in widths else max(width for width in widths if width is not None)
