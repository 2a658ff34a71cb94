"""`passerby check`: the mistakes of a site file, and the effect of its privacy policies.

Invariant: never prints a password; spends nothing.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from passerby.cli.database import needs
from passerby.cli.group import write_out
from passerby.cli.ledger import LedgerOptions, ledger_options, opened
from passerby.cli.lines import load_with_warnings
from passerby.errors import InputError

if TYPE_CHECKING:
    from passerby.config.site import Camera, Site
    from passerby.domain.policy import CrossingsPolicy


@click.command(short_help="Check a site file and its privacy policies.")
@click.argument("site", type=click.Path(path_type=Path))
@click.option(
    "--expect",
    type=click.FloatRange(min=0, min_open=True),
    default=50.0,
    show_default=True,
    help="Expected crossings an hour, in each direction and class.",
)
@click.option(
    "--like",
    metavar="RECEIPT",
    help="Expect as many as in the past release with this receipt; its first letters are enough.",
)
@click.option(
    "--error",
    metavar="SHARE",
    help="Propose policies whose bins are within this share of the count, such as 10%.",
)
@click.option("--verbose", is_flag=True, help="Also print the sensitivity and the scales of the noise.")
@ledger_options
def check(
    site: Path, expect: float, like: str | None, error: str | None, verbose: bool, ledger: LedgerOptions
) -> None:
    """Check the site file SITE: every mistake at once, each with file, line, key and the expected value.

    It prints the privacy promise, and the releases with their noise: of the site under the crossings promise, of each
    line under the footage promise. The exit code is 1 where no number is usable with the traffic expected.
    """
    loaded = load_with_warnings(site)
    wished = None if error is None else _share(error)
    if like is not None:
        expect = _learned(like, ledger, loaded)
    head = f"{site}: no mistakes; site {loaded.name} in {loaded.timezone}; promise {loaded.promise}\n"
    if loaded.privacy is None:
        if wished is not None:
            raise InputError(
                "--error: expected a site of the crossings promise (privacy: {promise: crossings})"
            )
        text, useful = _of_lines(loaded, expect, verbose)
    else:
        text, useful = _of_site(loaded, loaded.privacy, expect, wished)
    write_out(head + text)
    if not useful:
        raise click.exceptions.Exit(1)


def _share(text: str) -> float:
    """10% or 0.1 as 0.1. Raises InputError."""
    number, percent, rest = text.strip().partition("%")
    try:
        share = float(number) / (100 if percent else 1)
    except ValueError:
        share = 0.0
    if rest or not 0 < share < 1:
        raise InputError(f"--error {text}: expected a share such as 10%")
    return share


def _of_site(
    loaded: "Site", policy: "CrossingsPolicy", expect: float, error: float | None
) -> tuple[str, bool]:
    """What the site's one policy gives, and whether any number of it is usable."""
    with needs("private"):
        from passerby.privacy import crossings_plan, standing_query
    cells = sum(
        len(standing_query.cells_of(camera.name, line)) for camera in loaded.cameras for line in camera.lines
    )
    texts = [f"  {_camera_text(camera)}\n" for camera in loaded.cameras]
    planned = crossings_plan.plan(policy, expect)
    texts += [f"  {text}\n" for text in crossings_plan.describe(planned, cells, error).splitlines()]
    return "".join(texts), planned.useful_from is not None


def _of_lines(loaded: "Site", expect: float, verbose: bool) -> tuple[str, bool]:
    """What the policies of the lines give, and whether any number of any line is usable."""
    with needs("private"):
        from passerby.privacy import plan, standing_query
    texts, useful = [], []
    for camera in loaded.cameras:
        texts.append(f"  {_camera_text(camera)}\n")
        for line in camera.lines:
            assert line.policy is not None
            planned = plan.plan(line.policy, standing_query.cells_of(camera.name, line), expect)
            useful.append(planned.useful_from is not None)
            told = [
                plan.corridor_told(line.policy, line.corridor),
                *plan.describe(planned, verbose=verbose).splitlines(),
            ]
            texts.append(f"  line {line.line.name}:\n" + "".join(f"    {text}\n" for text in told))
    return "".join(texts), any(useful) or not useful


def _camera_text(camera: "Camera") -> str:
    names = ", ".join(line.line.name for line in camera.lines) or "none"
    return f"camera {camera.name}: lines {names}; detector {camera.detector}"


def _learned(receipt: str, ledger: LedgerOptions, site: "Site") -> float:
    """Crossings an hour in each cell of a past release. Raises InputError, LedgerError."""
    with opened(ledger, site) as book:
        from passerby.privacy import answers, plan

        releases = answers.named(book, receipt)
    if not releases:
        raise InputError(f"--like {receipt}: expected the receipt of one past release")
    return max(1.0, plan.learned(releases))
