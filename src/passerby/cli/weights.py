"""Fetch the default detector's weights where a machine has none, before a command that counts.

Invariant: only `auto` and `best` fetch, only the default weights, and never with --offline or PASSERBY_OFFLINE=1; a
command goes on without them, by motion alone.
"""

import os
from collections.abc import Iterable
from pathlib import Path

import click

from passerby.cli.group import note

_OFFLINE = "passerby.offline"


def _remember(context: click.Context, _: click.Parameter, value: bool) -> None:
    context.meta[_OFFLINE] = value


offline_option = click.option(
    "--offline",
    is_flag=True,
    expose_value=False,
    callback=_remember,
    help="Never fetch a detector's weights; PASSERBY_OFFLINE=1 does the same.",
)


def fetch_default(detectors: Iterable[str], model_dir: Path | None) -> None:
    """Fetch the default weights where one of `detectors` needs some and this machine has none; says so."""
    from passerby.models.catalogue import known, located
    from passerby.models.download import pull_or_reason
    from passerby.video.detect.selection import AUTO, BEST, DEFAULT_WEIGHTS, preferred

    if not {AUTO, BEST} & set(detectors) or any(located(name, model_dir) for name in preferred()):
        return
    if click.get_current_context().meta.get(_OFFLINE) or os.environ.get("PASSERBY_OFFLINE") == "1":
        return
    weights = known(DEFAULT_WEIGHTS)
    assert weights is not None
    size_mb = sum(file.size_bytes for file in weights.files) / 1e6
    host = weights.page.split("/")[2]
    note(
        f"no detector is installed: fetching {weights.name} from {host}, {size_mb:.1f} MB, {weights.licence}"
    )
    reason = pull_or_reason(weights.name, model_dir)
    if reason is not None:
        note(f"counting by motion alone: {reason}")
