"""`passerby simulate-camera`: a made-up street over RTSP.

Invariant: draws and serves what passerby.synth.rtsp_camera makes; prints the address once it can be opened.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from passerby.cli.group import note, write_out

_PASSWORD = "PASSERBY_CAMERA_PASSWORD"


@click.command(name="simulate-camera", short_help="Serve a made-up street as an RTSP camera.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8554, show_default=True, help="0 takes a free one."
)
@click.option("--density", default="mixed", show_default=True, help="How busy: quiet, light, mixed or dense.")
@click.option(
    "--duration", metavar="DURATION", default="5m", show_default=True, help="How much street, such as 30s."
)
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Which street.")
@click.option(
    "--speed", type=float, default=1.0, show_default=True, help="How many times as fast as real time."
)
@click.option("--size", metavar="WIDTHxHEIGHT", default="640x360", show_default=True, help="In pixels.")
@click.option("--fps", type=float, default=12.5, show_default=True, help="Frames per second of the street.")
@click.option("--user", default=None, help=f"Clients must sign in; the password is in ${_PASSWORD}.")
@click.option("--loop", is_flag=True, help="Let the street begin again when it ends, until stopped.")
@click.option(
    "--truth",
    "truth_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    default=None,
    help="Write what truly crosses, and when, to this file.",
)
def simulate_camera(
    host: str,
    port: int,
    density: str,
    duration: str,
    seed: int,
    speed: float,
    size: str,
    fps: float,
    user: str | None,
    loop: bool,
    truth_file: Path | None,
) -> None:
    """Draw a synthetic street of exactly known truth, then serve it over RTSP by the wall clock until it ends.

    Needs Debian's GStreamer RTSP server, which it names where it is missing.
    """
    from tempfile import TemporaryDirectory

    from passerby.domain import calendar
    from passerby.errors import InputError
    from passerby.synth import Street, rtsp_camera

    width, _, height = size.partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise InputError(f"--size {size}: expected a width and a height in pixels, such as 640x360")
    if user is not None and not os.environ.get(_PASSWORD):
        raise InputError(f"--user {user}: expected a password in the environment variable {_PASSWORD}")
    street = Street(
        seed=seed,
        duration_s=calendar.duration_ms(duration) / 1000,
        width=int(width),
        height=int(height),
        fps=fps,
        density=density,
    )
    with (
        TemporaryDirectory(prefix="passerby-street-") as folder,
        _progress() as on_progress,
        rtsp_camera.running(
            street,
            Path(folder),
            speed=speed,
            host=host,
            port=port,
            user=user,
            password=os.environ.get(_PASSWORD, ""),
            loop=loop,
            truth_file=truth_file,
            progress=on_progress,
        ) as server,
    ):
        write_out(server.url + "\n")
        if server.process.wait() != 0:
            note("the RTSP server died")
            sys.exit(1)


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None] | None]:
    """On a terminal a bar for the drawing, elsewhere nothing."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("drawing the street", total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total, visible=done < total)
