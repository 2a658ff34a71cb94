"""The command line: parse, call, print.

Invariant: thin; a command imports its packages only when it runs, so that help and mistakes appear at once.
"""

import sys
from io import TextIOWrapper

import click

from passerby import __version__
from passerby.cli.api import api
from passerby.cli.ask import ask
from passerby.cli.audit import audit
from passerby.cli.check import check
from passerby.cli.console import console
from passerby.cli.count import count
from passerby.cli.db import db
from passerby.cli.demo import demo
from passerby.cli.evaluate import evaluate
from passerby.cli.export import export
from passerby.cli.group import Group
from passerby.cli.keys import keys
from passerby.cli.ledger import ledger
from passerby.cli.models import models
from passerby.cli.run import run
from passerby.cli.serve import serve
from passerby.cli.simulate_camera import simulate_camera
from passerby.cli.status import status
from passerby.cli.verify import verify


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="passerby")
def command() -> None:
    """How many, never who: counts of people, cyclists and vehicles from fixed cameras."""


for _subcommand in (
    count,
    demo,
    check,
    models,
    evaluate,
    verify,
    console,
    ask,
    ledger,
    audit,
    db,
    export,
    keys,
    api,
    serve,
    run,
    status,
    simulate_camera,
):
    command.add_command(_subcommand)


def main() -> None:
    """Run the command `passerby`."""
    if isinstance(sys.stdout, TextIOWrapper):
        # A file's name may not be valid text in any encoding; it is shown escaped, which JSON reads too.
        sys.stdout.reconfigure(errors="backslashreplace")
    command(prog_name="passerby")
