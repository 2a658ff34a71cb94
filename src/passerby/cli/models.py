"""`passerby models`: list the known detectors, download their weights, and keep other files.

Invariant: only prints; the downloads and their checks are those of passerby.models.download.
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
    """The detectors' weights: list, pull, add, path."""


@models.command("list")
@_FOLDER
def list_(model_dir: Path | None) -> None:
    """List the known weights, their licences, and their files on this machine."""
    from passerby.cli.show import table, to_text
    from passerby.models.download import list_models

    rows = [
        (
            listed.weights.name,
            listed.weights.licence,
            str(listed.path or ("not installed: pull it" if listed.weights.files else "not installed")),
            listed.weights.note,
        )
        for listed in list_models(model_dir)
    ]
    write_out(to_text([table(None, ("name", "licence", "where", "good for"), rows)]))


@models.command()
@click.argument("name")
@_FOLDER
def pull(name: str, model_dir: Path | None) -> None:
    """Download the weights NAME from their publisher, check their SHA-256, and keep them."""
    from passerby.models import download as weights

    shown: set[str] = set()

    def on_progress(file: str, done: int, total: int) -> None:
        if file not in shown and sys.stderr.isatty():
            shown.add(file)
            note(f"{file}: {total / 1e6:.1f} MB")

    write_out(f"{weights.pull(name, on_progress, model_dir)}\n")


@models.command()
@click.argument("file", type=click.Path(path_type=Path))
@_FOLDER
def add(file: Path, model_dir: Path | None) -> None:
    """Keep the weights FILE (.onnx, or .xml with its .bin), if they are those of a detector whose layout is known.

    They can then be used by their name, without suffix: --detector NAME.
    """
    from passerby.models import download
    from passerby.video.detect.selection import choose

    (loaded,) = choose(str(file), model_dir).loaded
    kept = download.add(loaded.path, model_dir)
    labels = ", ".join(label.text for label in sorted(loaded.labels))
    write_out(f"{kept}: layout {loaded.layout}, classes {labels}; use it with --detector {kept.stem}\n")


@models.command()
def path() -> None:
    """Print the folder of the weights."""
    from passerby.models.download import model_dir

    write_out(f"{model_dir()}\n")
