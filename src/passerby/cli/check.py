"""`passerby check`: a site file, before anything depends on it, and what its privacy policies will give.

Invariant: prints what the file says and what follows from it, and never a password; nothing is spent.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from passerby.cli.database import needs
from passerby.cli.group import note, write_out
from passerby.cli.ledger import ledger_options, opened
from passerby.errors import InputError

if TYPE_CHECKING:
    from passerby.config.site import Camera, CountedLine


@click.command(short_help="Check a site file, and what its policies will give.")
@click.argument("site", type=click.Path(path_type=Path))
@click.option(
    "--expect",
    type=click.FloatRange(min=0, min_open=True),
    default=50.0,
    show_default=True,
    help="Crossings an hour that are expected in each direction and class.",
)
@click.option(
    "--like",
    metavar="RECEIPT",
    help="Expect what was released under this receipt; its first letters will do.",
)
@ledger_options
def check(site: Path, expect: float, like: str | None, where: str | None, mark: Path | None) -> None:
    """Check the site file SITE: every mistake at once, each with file, line, key and what was expected.

    For each line with a privacy policy it says what will be released, with how much noise, and what is promised.
    """
    from passerby.config.site import load

    loaded = load(site)
    for warning in loaded.warnings:
        note(f"warning: {warning}")
    if like is not None:
        expect = _learned(like, where, mark)
    texts = []
    for camera in loaded.cameras:
        names = ", ".join(line.line.name for line in camera.lines) or "none"
        policy = "with a privacy policy" if camera.policy else "without a privacy policy"
        texts.append(f"  camera {camera.name}: lines {names}; detector {camera.detector}; {policy}\n")
        texts += [_planned(camera, line, expect) for line in camera.lines if line.policy is not None]
    write_out(f"{site}: no mistakes; site {loaded.name} in {loaded.timezone}\n" + "".join(texts))


def _planned(camera: "Camera", line: "CountedLine", expect: float) -> str:
    with needs("private"):
        from passerby.privacy import plan, standing_query
    assert line.policy is not None
    found = plan.plan(line.policy, standing_query.cells_of(camera.name, line), expect)
    told = [plan.corridor_told(line.policy, line.corridor), *plan.describe(found).splitlines()]
    return f"  line {line.line.name}:\n" + "".join(f"    {text}\n" for text in told)


def _learned(receipt: str, where: str | None, mark: Path | None) -> float:
    """Crossings an hour in each cell of a past release. Raises InputError, LedgerError."""
    with opened(where, mark) as ledger:
        from passerby.privacy import answers, plan

        releases = answers.named(ledger, receipt)
    if not releases:
        raise InputError(f"--like {receipt}: expected the receipt of one past release")
    return max(1.0, plan.learned(releases))
