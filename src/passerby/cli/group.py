"""The end of a command: 0, or 2 with one line for each problem on standard error, or 130 for Ctrl-C.

Invariant: no traceback for what a user can cause.
"""

import errno
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

import click

from passerby.errors import OutputError, PasserbyError

EXIT_MISTAKE = 2
EXIT_PARTLY = 3
"""Some recordings were counted, and others could not be read."""
EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141


class Group(click.Group):
    """A click group that reports every mistake in the same way."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        if not standalone_mode:
            return super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        try:
            result = super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        except PasserbyError as error:
            _leave(str(error).splitlines())
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            sys.exit(EXIT_MISTAKE)
        except click.UsageError as error:
            path = error.ctx.command_path if error.ctx else "passerby"
            # click wraps long lists of choices over several lines.
            message = " ".join(error.format_message().split())
            _leave([f"{message.removesuffix('.')} (see {path} --help)"])
        except click.ClickException as error:
            _leave(error.format_message().splitlines())
        except (click.Abort, KeyboardInterrupt):
            sys.exit(EXIT_INTERRUPTED)
        sys.exit(result if isinstance(result, int) else 0)


def write_out(text: str) -> None:
    """Write to standard output now. Raises OutputError when it cannot be written, such as on a full disk."""
    with _standard_output():
        click.echo(text, nl=False)


def note(text: str) -> None:
    """One line for people, on standard error."""
    click.echo(f"passerby: {text}", err=True)


@contextmanager
def _standard_output() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        # What is still in the buffer would fail once more when Python leaves.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if error.errno == errno.EPIPE:
            sys.exit(EXIT_BROKEN_PIPE)
        raise OutputError(f"standard output: could not be written: {error.strerror or error}") from None


def _leave(lines: list[str]) -> NoReturn:
    for line in lines:
        note(line)
    sys.exit(EXIT_MISTAKE)
