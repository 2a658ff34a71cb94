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
    from passerby.config.site import Camera, CountedLine, Site


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
@click.option("--verbose", is_flag=True, help="Also print the sensitivity and the scales of the noise.")
@ledger_options
def check(site: Path, expect: float, like: str | None, verbose: bool, ledger: LedgerOptions) -> None:
    """Check the site file SITE: every mistake at once, each with file, line, key and the expected value.

    For each line with a privacy policy it prints the releases, their noise, and the privacy promise.
    """
    loaded = load_with_warnings(site)
    if like is not None:
        expect = _learned(like, ledger, loaded)
    texts = []
    for camera in loaded.cameras:
        names = ", ".join(line.line.name for line in camera.lines) or "none"
        policy = "with a privacy policy" if camera.policy else "without a privacy policy"
        texts.append(f"  camera {camera.name}: lines {names}; detector {camera.detector}; {policy}\n")
        texts += [_planned(camera, line, expect, verbose) for line in camera.lines if line.policy is not None]
    write_out(f"{site}: no mistakes; site {loaded.name} in {loaded.timezone}\n" + "".join(texts))


def _planned(camera: "Camera", line: "CountedLine", expect: float, verbose: bool) -> str:
    with needs("private"):
        from passerby.privacy import plan, standing_query
    assert line.policy is not None
    planned = plan.plan(line.policy, standing_query.cells_of(camera.name, line), expect)
    texts = [
        plan.corridor_told(line.policy, line.corridor),
        *plan.describe(planned, verbose=verbose).splitlines(),
    ]
    return f"  line {line.line.name}:\n" + "".join(f"    {text}\n" for text in texts)


def _learned(receipt: str, ledger: LedgerOptions, site: "Site") -> float:
    """Crossings an hour in each cell of a past release. Raises InputError, LedgerError."""
    with opened(ledger, site) as book:
        from passerby.privacy import answers, plan

        releases = answers.named(book, receipt)
    if not releases:
        raise InputError(f"--like {receipt}: expected the receipt of one past release")
    return max(1.0, plan.learned(releases))
