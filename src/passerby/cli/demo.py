"""`passerby demo`: count a synthetic street.

Invariant: prints what passerby.synth.demo returns.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING

import click

from passerby.cli.group import write_out

if TYPE_CHECKING:
    from passerby.synth.demo import Demo


@click.command(short_help="Count a synthetic street whose truth is known.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("demo"),
    show_default=True,
    help="Folder for the files of the demo.",
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Another seed is another street."
)
@click.option(
    "--duration",
    metavar="DURATION",
    default="90s",
    show_default=True,
    help="Length of the street, such as 30s or 2m.",
)
def demo(out: Path, seed: int, duration: str) -> None:
    """Make a synthetic street with exactly known truth, count it, and show counted beside true."""
    from passerby.domain import calendar
    from passerby.synth.demo import run

    duration_s = calendar.duration_ms(duration) / 1000
    with _progress() as on_progress:
        result = run(out, seed=seed, duration_s=duration_s, on_progress=on_progress)
    write_out(_text(result))


def _text(result: "Demo") -> str:
    from passerby.cli.show import table, to_text

    rows: list[tuple[str | int, ...]] = [
        (row.line, row.direction, row.label, row.true, row.counted, row.missed, row.over)
        for row in result.rows
    ]
    rows.append(("all", "", "", result.true, result.counted, result.missed, result.over))
    columns = ("line", "direction", "class", "true", "counted", "missed", "over")
    return to_text(
        [
            table(f"{result.duration_s:g} s of a synthetic street, counted by motion", columns, rows, 4),
            f"accuracy: {_percent(result.accuracy_any)} with all classes together, "
            f"{_percent(result.accuracy)} by class",
            f"speed: {result.speed:.1f}x real time",
            f"open {result.page}",
            _how_to_call(),
        ]
    )


def _how_to_call() -> str:
    """How to call the command from the shell that started this process."""
    if which("passerby"):
        return "next: passerby --help"
    program = sys.argv[0]
    called = f"{sys.executable} -m passerby" if program.endswith("__main__.py") else program
    return f"next: {called} --help (to call it as passerby, run: pipx install .)"


def _percent(share: float | None) -> str:
    return "none" if share is None else f"{share:.0%}"


@contextmanager
def _progress() -> Iterator[Callable[[str, float], None] | None]:
    """On a terminal a bar for what is being done, elsewhere nothing."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("", total=1.0)
        yield lambda doing, share: bars.update(task, description=doing, completed=share)
