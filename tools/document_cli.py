"""Print docs/reference/cli.md, made from the commands: `make docs` writes it; a test fails when it is stale."""

from collections.abc import Iterator
from inspect import cleandoc

import click

from passerby.cli import command

HEAD = "# Commands\n\n<!-- Written by `make docs` from the commands: change their help, not this file. -->\n"
WIDTH = 10_000  # help texts are wrapped by whoever shows the page, not here


def section(command: click.Command, context: click.Context) -> Iterator[str]:
    """One command and then those below it, each as Markdown."""
    yield f"\n## {context.command_path}\n\n{cleandoc(command.help or '')}\n"
    yield f"\n    {context.command_path} {' '.join(command.collect_usage_pieces(context))}\n"
    records = [record for param in command.get_params(context) if (record := param.get_help_record(context))]
    if records:
        yield "\n"
    for names, text in records:
        yield f"- `{names}`: {text}\n" if text else f"- `{names}`\n"
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is not None and not below.hidden:
                yield from section(
                    below, click.Context(below, info_name=name, parent=context, max_content_width=WIDTH)
                )


if __name__ == "__main__":
    settings = {**command.context_settings, "max_content_width": WIDTH}
    top = click.Context(command, info_name="passerby", **settings)
    print(HEAD + "".join(section(command, top)), end="")
