"""`passerby simulate-camera`: a synthetic street over RTSP.

Invariant: the work is that of passerby.synth.rtsp_camera; the address is printed once it can be opened.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from passerby.cli.group import note, write_out
from passerby.cli.options import grouped

if TYPE_CHECKING:
    from passerby.synth import Street

_PASSWORD = "PASSERBY_CAMERA_PASSWORD"


@dataclass(frozen=True, slots=True)
class StreetOptions:
    """The synthetic street of the camera."""

    density: str
    duration: str
    seed: int
    size: str
    fps: float


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """How the street is served."""

    host: str
    port: int
    speed: float
    user: str | None
    loop: bool


@click.command(name="simulate-camera", short_help="Serve a synthetic street as an RTSP camera.")
@grouped(
    ServerOptions,
    "server",
    click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on."),
    click.option(
        "--port", type=click.IntRange(0, 65535), default=8554, show_default=True, help="0 for a free port."
    ),
    click.option("--speed", type=float, default=1.0, show_default=True, help="As a multiple of real time."),
    click.option("--user", default=None, help=f"Clients must sign in; the password is in ${_PASSWORD}."),
    click.option("--loop", is_flag=True, help="Start the street again when it ends, until stopped."),
)
@grouped(
    StreetOptions,
    "street",
    click.option(
        "--density", default="mixed", show_default=True, help="The traffic: quiet, light, mixed or dense."
    ),
    click.option(
        "--duration",
        metavar="DURATION",
        default="5m",
        show_default=True,
        help="Length of the street, such as 30s.",
    ),
    click.option(
        "--seed",
        type=click.IntRange(min=0),
        default=1,
        show_default=True,
        help="Another seed is another street.",
    ),
    click.option("--size", metavar="WIDTHxHEIGHT", default="640x360", show_default=True, help="In pixels."),
    click.option(
        "--fps", type=float, default=12.5, show_default=True, help="Frames per second of the street."
    ),
)
@click.option(
    "--truth",
    "truth_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    default=None,
    help="Write the true crossings and their times to this file.",
)
def simulate_camera(server: ServerOptions, street: StreetOptions, truth_file: Path | None) -> None:
    """Draw a synthetic street whose truth is exactly known, then serve it over RTSP in real time until it ends.

    Needs Debian's GStreamer RTSP server, and names the packages that are missing.
    """
    from tempfile import TemporaryDirectory

    from passerby.errors import InputError
    from passerby.synth import rtsp_camera

    if server.user is not None and not os.environ.get(_PASSWORD):
        raise InputError(f"--user {server.user}: expected a password in the environment variable {_PASSWORD}")
    drawn = _street_of(street)
    with (
        TemporaryDirectory(prefix="passerby-street-") as folder,
        _progress() as on_progress,
        rtsp_camera.running(
            drawn,
            Path(folder),
            speed=server.speed,
            loop=server.loop,
            listen=rtsp_camera.Listen(server.host, server.port, server.user, os.environ.get(_PASSWORD, "")),
            truth_file=truth_file,
            progress=on_progress,
        ) as running,
    ):
        write_out(running.url + "\n")
        if running.process.wait() != 0:
            note("the RTSP server stopped with an error")
            sys.exit(1)


def _street_of(options: StreetOptions) -> "Street":
    """Raises InputError."""
    from passerby.domain import calendar
    from passerby.errors import InputError
    from passerby.synth import Street

    width, _, height = options.size.partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise InputError(f"--size {options.size}: expected a width and a height in pixels, such as 640x360")
    return Street(
        seed=options.seed,
        duration_s=calendar.duration_ms(options.duration) / 1000,
        width=int(width),
        height=int(height),
        fps=options.fps,
        density=options.density,
    )


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None] | None]:
    """A bar on a terminal; None elsewhere."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("drawing the street", total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total, visible=done < total)
