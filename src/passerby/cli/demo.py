"""`passerby demo`: a made-up street, counted.

Law: prints what passerby.demo returns.
"""

from pathlib import Path

import click

from passerby.cli.group import write_out


@click.command(short_help="Count a made-up street of known truth.")
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("demo"), show_default=True, help="Folder."
)
def demo(out: Path) -> None:
    """Make a synthetic street with exactly known truth, count it, and show counted beside true."""
    from passerby.demo import run

    write_out(run(out))
