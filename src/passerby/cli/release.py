"""`passerby count --private`: a recording released as a live site's is.

Invariant: prints releases and never an exact count; a mistake is reported before anything is paid for.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from math import sqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any

from passerby.cli.database import needs
from passerby.cli.group import note
from passerby.cli.ledger import LedgerOptions, opened
from passerby.cli.lines import Chosen, half_width_of
from passerby.cli.output import Target, with_old_name, write
from passerby.domain.wording import counted_noun
from passerby.errors import InputError

if TYPE_CHECKING:
    from rich.table import Table

    from passerby import Label
    from passerby.config.site import CountedLine
    from passerby.domain.policy import FootagePolicy
    from passerby.domain.release import Release
    from passerby.executors.processes import Executor
    from passerby.recordings.release import Published

_COLUMNS = (
    *("start", "end", "level", "camera", "line", "direction", "class"),
    *("value", "noise_95", "noise_sd", "noise_scale", "epsilon", "coverage", "receipt"),
)


@dataclass(frozen=True, slots=True)
class Request:
    """A recording to release: of which camera, by which lines; `start` None where the file says when it began."""

    video: Path
    camera: str
    lines: "Sequence[CountedLine]"
    chosen: Chosen
    model_dir: Path | None
    start: str | None


def private_lines(
    chosen: Chosen, corridor: str | None, labels: "Sequence[Label] | None", policy: "FootagePolicy | None"
) -> "list[CountedLine]":
    """The lines with their labels, corridor and policy; `policy` is None for the site's own. Raises InputError."""
    from passerby.config.site import CountedLine

    half_width = half_width_of(corridor)
    names = None if labels is None else tuple(label.text for label in labels)
    counted_lines = []
    for index, line in enumerate(chosen.lines):
        if index < len(chosen.of_site):
            of_site = chosen.of_site[index]
            counted = replace(of_site, line=line)
            if corridor is not None:
                counted = replace(counted, corridor=half_width)
        else:
            counted = CountedLine(line, None, half_width, None)
        counted = replace(counted, policy=policy or counted.policy, labels=names or counted.labels)
        if counted.policy is None:
            raise InputError(f"line {line.name!r}: it has no privacy policy, expected --policy FILE")
        counted_lines.append(counted)
    return counted_lines


def count_privately(request: Request, ledger: LedgerOptions, jobs: int, target: Target) -> None:
    """Release the recording and print what was released."""
    with needs("private"):
        from passerby.recordings.release import count_privately as release_recording
        from passerby.recordings.release import countings

    of_camera, zone = countings(
        request.video,
        request.camera,
        request.lines,
        detector=request.chosen.detector,
        model_dir=request.model_dir,
        start=request.start,
        timezone=request.chosen.timezone,
    )
    with opened(ledger, request.chosen.site, create=True) as book:
        published = release_recording(of_camera, zone, book, executor(jobs), lambda release: None, jobs)
    for problem in published.refused:
        note(f"warning: {problem}")
    if published.again:
        note(f"warning: {counted_noun(published.again, 'slot')} released before: the same numbers again")
    _write(published, zone, target)


def executor(jobs: int) -> "Executor":
    from passerby.executors.processes import executor_of

    return executor_of(jobs)


def _row(release: "Release", level: str, zone: tzinfo) -> dict[str, Any]:
    """A release as a row of a table."""
    from passerby.domain import calendar
    from passerby.domain.noise_interval import noise_95_of_release, variance

    cell = release.cell
    return {
        "start": calendar.to_local(release.start_ms, zone),
        "end": calendar.to_local(release.end_ms, zone),
        "level": level,
        "camera": cell.camera,
        "line": cell.line,
        "direction": cell.direction,
        "class": cell.label,
        "value": release.value,
        "noise_95": noise_95_of_release(release.noise_scale),
        "noise_sd": round(sqrt(variance(release.noise_scale)), 3),
        "noise_scale": release.noise_scale,
        "epsilon": release.epsilon,
        "coverage": round(release.coverage, 4),
        "receipt": release.receipt,
    }


def _write(published: "Published", zone: tzinfo, target: Target) -> None:
    bins = [_row(release, "bin", zone) for release in published.bins]
    rows = bins + [_row(release, "day", zone) for release in published.days]
    write(
        target,
        rows=rows,
        columns=_COLUMNS,
        document=lambda: {"releases": [with_old_name(row) for row in rows], "warnings": published.refused},
        shown=lambda: [_table(rows)],
        events=[{**row, "count": row["value"]} for row in bins],
    )


def _table(rows: Sequence[dict[str, Any]]) -> "Table":
    from passerby.cli.show import table

    shown = [
        (
            *(f"{row[end]:%Y-%m-%d %H:%M}" for end in ("start", "end")),
            *(row["line"], row["direction"], row["class"], f"{row['coverage']:.0%}"),
            *(row["value"], f"± {row['noise_95']}"),
        )
        for row in rows
    ]
    names = ("start", "end", "line", "direction", "class", "coverage", "value", "95 % range")
    return table("Released", names, shown, 3)


def policy_of(policy: Path | None, site: Path | None) -> "tuple[FootagePolicy | None, Path | None]":
    """The policy of a file of its own, and the site file: --policy may name either. Raises InputError, SiteError."""
    if policy is None:
        return None, site
    from passerby.config.site import load_policy

    own = load_policy(policy)
    if own is not None:
        from passerby.domain.policy import FootagePolicy
        from passerby.privacy.plan import LARGE_EPSILON

        if not isinstance(own, FootagePolicy):
            raise InputError(f"--policy {policy}: found the crossings promise, expected the footage promise")

        if own.epsilon > LARGE_EPSILON:
            note(f"warning: {policy}: epsilon {own.epsilon:g} is above {LARGE_EPSILON:g}: it hides little")
        return own, site
    if site is not None and site.resolve() != policy.resolve():
        raise InputError(f"--policy {policy}: a site file, and --site is another: expected only one")
    return None, policy
