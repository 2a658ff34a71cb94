"""`passerby count --private`: a recording released as a live site's is.

Invariant: prints releases and never an exact count; every mistake is told before anything is paid for.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any

from passerby.cli.database import needs
from passerby.cli.group import note
from passerby.cli.ledger import opened
from passerby.cli.lines import Chosen, half_width_of
from passerby.cli.output import write
from passerby.errors import InputError

if TYPE_CHECKING:
    from rich.table import Table

    from passerby.config.site import CountedLine
    from passerby.domain.policy import Policy
    from passerby.domain.release import Release
    from passerby.executors.processes import Executor
    from passerby.recordings.release import Published

COLUMNS = (
    *("start", "end", "level", "camera", "line", "direction", "label"),
    *("value", "noise_95", "noise_scale", "epsilon", "coverage", "receipt"),
)


def private_lines(
    chosen: Chosen, corridor: str | None, labels: tuple[str, ...] | None, policy: "Policy | None"
) -> "list[CountedLine]":
    """The lines with what they are counted by; `policy` None for the site's own. Raises InputError."""
    from passerby.config.site import CountedLine

    half_width = half_width_of(corridor)
    found = []
    for index, line in enumerate(chosen.lines):
        if index < len(chosen.of_site):
            of_site = chosen.of_site[index]
            counted = replace(of_site, line=line)
            if corridor is not None:
                counted = replace(counted, corridor=half_width)
        else:
            counted = CountedLine(line, None, half_width, None)
        counted = replace(counted, policy=policy or counted.policy, labels=labels or counted.labels)
        if counted.policy is None:
            raise InputError(f"line {line.name!r}: it has no privacy policy, expected --policy FILE")
        found.append(counted)
    return found


def count_privately(
    video: Path,
    camera: str,
    lines: "Sequence[CountedLine]",
    *,
    detector: str,
    model_dir: Path | None,
    start: str | None,
    timezone: str | None,
    where: str | None,
    mark: Path | None,
    jobs: int,
    format_: str,
    out: Path | None,
) -> None:
    """Release the recording and print what was released."""
    with needs("private"):
        from passerby.recordings import release as private

    of_camera, zone = private.countings(
        video, camera, lines, detector=detector, model_dir=model_dir, start=start, timezone=timezone
    )
    with opened(where, mark, create=True) as ledger:
        published = private.count_privately(of_camera, zone, ledger, executor(jobs), lambda release: None)
    for problem in published.refused:
        note(f"warning: {problem}")
    if published.again:
        note(f"warning: {published.again} slots were released before: these are the same numbers")
    _write(published, zone, format_, out)


def executor(jobs: int) -> "Executor":
    from passerby.executors.processes import executor_of

    return executor_of(jobs)


def row(release: "Release", level: str, zone: tzinfo) -> dict[str, Any]:
    """A release as a row of a table."""
    from passerby.domain import calendar
    from passerby.domain.noise_interval import noise_95_of_release

    cell = release.cell
    return {
        "start": calendar.to_local(release.start_ms, zone),
        "end": calendar.to_local(release.end_ms, zone),
        "level": level,
        "camera": cell.camera,
        "line": cell.line,
        "direction": cell.direction,
        "label": cell.label,
        "value": release.value,
        "noise_95": noise_95_of_release(release.noise_scale),
        "noise_scale": release.noise_scale,
        "epsilon": release.epsilon,
        "coverage": round(release.coverage, 4),
        "receipt": release.receipt,
    }


def _write(published: "Published", zone: tzinfo, format_: str, out: Path | None) -> None:
    rows = [row(one, "bin", zone) for one in published.bins] + [
        row(one, "day", zone) for one in published.days
    ]
    write(
        format_,
        out,
        rows=rows,
        columns=COLUMNS,
        document=lambda: {"releases": rows, "warnings": published.refused},
        shown=lambda: [_table(rows)],
        events=[{**one, "count": one["value"]} for one in rows if one["level"] == "bin"],
    )


def _table(rows: Sequence[dict[str, Any]]) -> "Table":
    from passerby.cli.show import table

    shown = [
        (
            *(f"{one[end]:%Y-%m-%d %H:%M}" for end in ("start", "end")),
            *(one["line"], one["direction"], one["label"], f"{one['coverage']:.0%}"),
            *(one["value"], f"± {one['noise_95']}"),
        )
        for one in rows
    ]
    names = ("start", "end", "line", "direction", "label", "coverage", "released", "19 times in 20")
    return table("Released", names, shown, 3)


def policy_of(policy: Path | None, site: Path | None) -> "tuple[Policy | None, Path | None]":
    """The policy that a file of its own says, and the site file: --policy may be either. Raises InputError."""
    if policy is None:
        return None, site
    from passerby.config.site import load_policy

    said = load_policy(policy)
    if said is not None:
        from passerby.privacy.plan import LARGE_EPSILON

        if said.epsilon > LARGE_EPSILON:
            note(f"warning: {policy}: epsilon {said.epsilon:g} is above {LARGE_EPSILON:g}: it hides little")
        return said, site
    if site is not None and site.resolve() != policy.resolve():
        raise InputError(f"--policy {policy}: a site file beside --site, expected one of them")
    return None, policy
