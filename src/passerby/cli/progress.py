"""The progress of a count on a terminal: share done, speed as a multiple of real time, time left.

Invariant: standard error only, and nothing at all where that is no terminal.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from passerby.recordings.progress import Progress


@contextmanager
def progress_bar(*, quiet: bool) -> "Iterator[Callable[[Progress], None] | None]":
    """A function that shows progress within the block; None where nothing is to be shown."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn
    from rich.progress import Progress as Bars

    columns = (BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[speed]}"))
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("", total=None, speed="")

        def show(progress: "Progress") -> None:
            bars.update(
                task,
                total=progress.total_ms or None,
                completed=progress.done_ms,
                speed=speed_text(progress.done_ms, progress.total_ms, progress.wall_s),
            )

        yield show


def speed_text(done_ms: int, total_ms: int, wall_s: float) -> str:
    """Such as `12.3x real time, 0:01:20 left`; empty at the beginning."""
    if done_ms <= 0 or wall_s <= 0:
        return ""
    speed = done_ms / 1000 / wall_s
    text = f"{speed:.1f}x real time"
    if total_ms > done_ms:
        left_s = round((total_ms - done_ms) / 1000 / speed)
        text += f", {left_s // 3600}:{left_s // 60 % 60:02}:{left_s % 60:02} left"
    return text
