"""`passerby check`: a site file, before anything depends on it.

Law: prints what the file says, and never a password.
"""

from pathlib import Path

import click

from passerby.cli.group import note, write_out


@click.command(short_help="Check a site file.")
@click.argument("site", type=click.Path(path_type=Path))
def check(site: Path) -> None:
    """Check the site file SITE: every mistake at once, each with file, line, key and what was expected."""
    from passerby.site import load

    loaded = load(site)
    for warning in loaded.warnings:
        note(f"warning: {warning}")
    write_out(f"{site}: no mistakes; site {loaded.name} in {loaded.timezone}\n")
    for camera in loaded.cameras:
        names = ", ".join(line.line.name for line in camera.lines) or "none"
        policy = "with a privacy policy" if camera.policy else "without a privacy policy"
        write_out(f"  camera {camera.name}: lines {names}; detector {camera.detector}; {policy}\n")
