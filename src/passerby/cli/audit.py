"""`passerby audit`: attacks on the privacy promise, on this machine, through the code that releases.

Invariant: ends with 1 when an attack succeeds; reads no recording and no ledger of a site.
"""

import sys
import tempfile
from pathlib import Path

import click

from passerby.cli.database import needs
from passerby.cli.group import Group, note, write_out

EXIT_BROKEN = 1


@click.group(
    cls=Group, short_help="Attack the privacy promise.", invoke_without_command=True, no_args_is_help=False
)
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
@click.pass_context
def audit(
    context: click.Context,
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
    if context.invoked_subcommand is not None:
        return
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


@audit.command(short_help="Measure how far one passer-by changes the counts.")
@click.option(
    "--streets",
    type=click.IntRange(1, 10_000),
    default=9,
    show_default=True,
    help="Synthetic streets of a minute; each is counted once more for everybody who crosses a line.",
)
@click.option("--detector", default="auto", show_default=True, metavar="auto|best|motion|NAME|PATH")
@click.option("--model-dir", type=click.Path(path_type=Path), help="Folder of the detectors' weights.")
@click.option(
    "--crossings", type=click.IntRange(1, 100), default=4, show_default=True, help="C of the promise."
)
@click.option(
    "--influence", type=click.IntRange(1, 100), default=2, show_default=True, help="b of the promise."
)
@click.option("--first-seed", type=click.IntRange(0), default=1, show_default=True, help="Of the streets.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Keeps what was measured, so that a later call goes on; read before, written after each street.",
)
@click.option(
    "--jobs", type=click.IntRange(1, 256), default=None, help="Processes; one for each core by default."
)
def influence(
    streets: int,
    detector: str,
    model_dir: Path | None,
    crossings: int,
    influence: int,
    first_seed: int,
    out: Path | None,
    jobs: int | None,
) -> None:
    """Count synthetic streets by the counter of live cameras, with and without each passer-by, and print how far the
    numbers differ: the b of the crossings promise, measured.

    Exits with 1 where more than one person-day in a hundred differs by more than C * b.
    """
    from passerby.audit import influence as audited

    found = {} if out is None else audited.load(out)
    wanted = audited.settings(streets, detector, first_seed)
    for number, of_street in enumerate(
        audited.measured([one for one in wanted if one not in found], model_dir, jobs), 1
    ):
        found[of_street[0]] = of_street[1]
        note(f"{number} of {len(wanted)} streets: {len(of_street[1])} pairs")
        if out is not None:
            audited.save(out, found)
    every = [pair for setting in wanted for pair in found[setting]]
    for line in audited.report(every, crossings, influence):
        write_out(f"{line}\n")
    days = audited.person_days(every, crossings, influence)
    write_out(f"{audited.verdict(days, crossings, influence)}\n")
    if days.share > audited.LIMIT:
        sys.exit(EXIT_BROKEN)
