"""Options that belong together, and options that have a new name.

Invariant: a command gets each group of options as one frozen dataclass, so no command takes many parameters.
"""

from collections.abc import Callable
from dataclasses import fields
from functools import wraps
from pathlib import Path
from typing import Any

import click

from passerby.cli.group import note

Command = Callable[..., Any]
Decorator = Callable[[Command], Command]

model_dir_option = click.option(
    "--model-dir", type=click.Path(path_type=Path), help="Folder of the detectors' weights."
)
quiet_option = click.option("--quiet", is_flag=True, help="Show no progress, and no note on counts to doubt.")


def grouped(kind: type[Any], parameter: str, *options: Decorator) -> Decorator:
    """Add `options` to a command, and pass their values to it as one dataclass `kind` called `parameter`.

    The fields of `kind` have the names of the options' parameters.
    """
    names = [field.name for field in fields(kind)]

    def decorate(command: Command) -> Command:
        @wraps(command)
        def call(**values: Any) -> Any:
            group = kind(**{name: values.pop(name) for name in names})
            return command(**values, **{parameter: group})

        decorated: Command = call
        for option in reversed(options):
            decorated = option(decorated)
        return decorated

    return decorate


def renamed_option(
    old: str,
    new: str,
    parse: Callable[[Any], Any],
    *,
    name: str | None = None,
    multiple: bool = False,
    **rest: Any,
) -> Decorator:
    """An option called `new`, of the parameter `name`. For one version its `old` name sets it too, with a warning.

    `parse` makes the parameter from what was typed: a text or None, or a tuple of texts of an option that may be given
    `multiple` times. `rest` is as for `click.option`.
    """

    def remember(context: click.Context, _: click.Parameter, typed: Any) -> None:
        if typed:
            note(f"warning: {old} is now called {new}; the next version no longer knows {old}")
            context.meta[new] = typed

    def merge(context: click.Context, _: click.Parameter, typed: Any) -> Any:
        earlier = context.meta.get(new)
        return parse((*earlier, *typed) if multiple and earlier else earlier if typed is None else typed)

    def decorate(command: Command) -> Command:
        names = (new,) if name is None else (new, name)
        command = click.option(*names, callback=merge, multiple=multiple, **rest)(command)
        # Eager: the old name is read before the new one, whose value it sets.
        return click.option(
            old, hidden=True, is_eager=True, expose_value=False, multiple=multiple, callback=remember
        )(command)

    return decorate
