"""`passerby models`: which detectors are known, where they lie, and fetching one.

Invariant: prints and passes on; what is fetched, and how it is checked, is said in passerby.models.download.
"""

import sys
from pathlib import Path

import click

from passerby.cli.group import note, write_out

_FOLDER = click.option(
    "--model-dir",
    type=click.Path(path_type=Path),
    help="Folder of the weights; by default PASSERBY_MODEL_DIR, else the user's cache folder.",
)


@click.group()
def models() -> None:
    """The detectors' weights: list, pull, path."""


@models.command("list")
@_FOLDER
def list_(model_dir: Path | None) -> None:
    """List the weights that are known, their licences, and where they lie on this machine."""
    from passerby.cli.show import table, to_text
    from passerby.models.download import list_models

    rows = [
        (
            listed.weights.name,
            listed.weights.licence,
            str(listed.path or ("not here: pull it" if listed.weights.files else "not here")),
            listed.weights.note,
        )
        for listed in list_models(model_dir)
    ]
    write_out(to_text([table(None, ("name", "licence", "where", "good for"), rows)]))


@models.command()
@click.argument("name")
@_FOLDER
def pull(name: str, model_dir: Path | None) -> None:
    """Fetch the weights NAME from their maker's page, check their SHA-256, and keep them."""
    from passerby.models import download as weights

    shown: set[str] = set()

    def on_progress(file: str, done: int, total: int) -> None:
        if file not in shown and sys.stderr.isatty():
            shown.add(file)
            note(f"{file}: {total / 1e6:.1f} MB")

    write_out(f"{weights.pull(name, on_progress, model_dir)}\n")


@models.command()
def path() -> None:
    """Print the folder in which weights are kept."""
    from passerby.models.download import model_dir

    write_out(f"{model_dir()}\n")
