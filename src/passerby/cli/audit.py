"""`passerby audit`: attacks on the privacy promise, on this machine, through the code that releases.

Invariant: ends with 1 when an attack succeeds; reads no recording and no ledger of a site.
"""

import sys
import tempfile
from pathlib import Path

import click

from passerby.cli.database import needs
from passerby.cli.group import write_out

EXIT_BROKEN = 1


@click.command(short_help="Attack the privacy promise.")
@click.option(
    "--policy",
    type=click.Path(path_type=Path),
    help="A file with the policy whose noise is audited; without it the default policy.",
)
@click.option(
    "--cells",
    type=click.IntRange(1, 14),
    default=1,
    show_default=True,
    help="Directions and classes of its line.",
)
@click.option(
    "--draws",
    type=click.IntRange(100, 1_000_000),
    default=10_000,
    show_default=True,
    help="Releases of each of two neighbouring recordings.",
)
@click.option("--expect", type=float, default=200.0, show_default=True, help="Expected crossings in a bin.")
@click.option(
    "--phases",
    type=click.IntRange(1, 60),
    default=6,
    show_default=True,
    help="Times within a chunk at which the event begins.",
)
@click.option(
    "--detector",
    default="motion",
    show_default=True,
    metavar="motion|NAME|PATH",
    help="The detector for which the reach of an event is measured.",
)
@click.option("--model-dir", type=click.Path(path_type=Path), help="Folder of the detectors' weights.")
def audit(
    policy: Path | None,
    cells: int,
    draws: int,
    expect: float,
    phases: int,
    detector: str,
    model_dir: Path | None,
) -> None:
    """Attack the privacy promise: the noise, a week of releases, and the reach of one event in chunks.

    Exits with 1 where an attack succeeds.
    """
    with needs("private"):
        from passerby.audit import attacks
    from passerby.config.site import load_policy
    from passerby.domain.policy import FootagePolicy
    from passerby.domain.release import Cell
    from passerby.errors import InputError

    audited = FootagePolicy() if policy is None else load_policy(policy)
    if audited is None:
        raise InputError(f"--policy {policy}: found a site file, expected a file with the one key privacy")
    if not isinstance(audited, FootagePolicy):
        raise InputError(f"--policy {policy}: found the crossings promise, expected the footage promise")
    if not expect > 0:
        raise InputError(f"--expect {expect}: expected a number above 0")
    named = tuple(Cell("camera", "line", f"direction {number}", "label") for number in range(cells))
    broken = False
    with tempfile.TemporaryDirectory(prefix="passerby-audit-") as folder:
        stage = attacks.Stage(detector=detector, model_dir=model_dir)
        for line in attacks.report(
            Path(folder), audited, named, stage, draws=draws, per_bin=expect, phases=phases
        ):
            write_out(f"{line}\n")
            broken = broken or line.endswith("BROKEN")
    if broken:
        sys.exit(EXIT_BROKEN)
