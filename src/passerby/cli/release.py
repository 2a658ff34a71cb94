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
    from passerby.domain.policy import CrossingsPolicy, FootagePolicy
    from passerby.domain.release import Release
    from passerby.executors.processes import Executor
    from passerby.recordings.crossings_release import SiteRecording
    from passerby.recordings.release import Published

_COLUMNS = (
    *("start", "end", "level", "camera", "line", "direction", "class"),
    *("value", "noise_95", "noise_sd", "noise_scale", "epsilon", "coverage", "receipt"),
)


@dataclass(frozen=True, slots=True)
class Request:
    """A recording to release: of which camera, by which lines; `start` None where the file says when it began.

    `policy`: that of the crossings promise, None where each line has its own of the footage promise.
    """

    video: Path
    camera: str
    lines: "Sequence[CountedLine]"
    policy: "CrossingsPolicy | None"
    chosen: Chosen
    model_dir: Path | None
    start: str | None


def private_lines(
    chosen: Chosen,
    corridor: str | None,
    labels: "Sequence[Label] | None",
    policy: "CrossingsPolicy | FootagePolicy | None",
) -> "tuple[list[CountedLine], CrossingsPolicy | None]":
    """The lines with their labels, corridor and policy, and the policy of the crossings promise where that is given;
    `policy` is None for the site's own. Raises InputError."""
    from passerby.config.site import CountedLine
    from passerby.domain.policy import CrossingsPolicy

    of_site = chosen.site.privacy if chosen.site is not None else None
    of_lines = None if isinstance(policy, CrossingsPolicy) else policy
    promised = policy if isinstance(policy, CrossingsPolicy) else of_site
    if policy is not None and chosen.site is not None and (of_site is None) != (of_lines is not None):
        raise InputError(
            f"--policy: another promise than {chosen.site.path}, which gives {chosen.site.promise}: expected that one"
        )

    half_width = half_width_of(corridor)
    names = None if labels is None else tuple(label.text for label in labels)
    counted_lines = []
    for index, line in enumerate(chosen.lines):
        if index < len(chosen.of_site):
            counted = replace(chosen.of_site[index], line=line)
            if corridor is not None:
                counted = replace(counted, corridor=half_width)
        else:
            counted = CountedLine(line, None, half_width, None)
        counted = replace(counted, labels=names or counted.labels)
        if promised is None:
            counted = replace(counted, policy=of_lines or counted.policy)
            if counted.policy is None:
                raise InputError(f"line {line.name!r}: it has no privacy policy, expected --policy FILE")
        counted_lines.append(counted)
    return counted_lines, promised


def count_privately(request: Request, ledger: LedgerOptions, jobs: int, target: Target) -> None:
    """Release the recording and print what was released."""
    if request.policy is not None:
        published, zone = _released(request, request.policy, ledger, jobs)
    else:
        published, zone = _released_of_footage(request, ledger, jobs)
    for problem in published.refused:
        note(f"warning: {problem}")
    if published.again:
        note(f"warning: {counted_noun(published.again, 'slot')} released before: the same numbers again")
    _write(published, zone, target)


def _released(
    request: Request, policy: "CrossingsPolicy", ledger: LedgerOptions, jobs: int
) -> "tuple[Published, tzinfo]":
    """The releases under the crossings promise, and the zone of their bins."""
    recording = recording_of(request, policy, jobs)
    with needs("private"):
        from passerby.recordings.crossings_release import release_crossings

    with opened(ledger, request.chosen.site, create=True) as book:
        return release_crossings(recording, book, lambda release: None), recording.zone


def recording_of(request: Request, policy: "CrossingsPolicy", jobs: int) -> "SiteRecording":
    """The recording and the site that pays for it under the crossings promise. Raises InputError, SourceError."""
    with needs("private"):
        from passerby.recordings.crossings_release import site_recording
    from passerby.recordings.plan import Clock
    from passerby.recordings.settings import Runtime

    chosen = request.chosen
    return site_recording(
        request.video,
        request.camera,
        request.lines,
        policy=policy,
        site="" if chosen.site is None else chosen.site.name,
        detector=chosen.detector,
        runtime=Runtime(jobs=jobs, model_dir=request.model_dir),
        clock=Clock(request.start, chosen.timezone),
    )


def _released_of_footage(request: Request, ledger: LedgerOptions, jobs: int) -> "tuple[Published, tzinfo]":
    """The releases under the footage promise, and the zone of their bins."""
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
        return release_recording(of_camera, zone, book, executor(jobs), lambda release: None, jobs), zone


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


def policy_of(
    policy: Path | None, site: Path | None
) -> "tuple[CrossingsPolicy | FootagePolicy | None, Path | None]":
    """The policy of a file of its own, and the site file: --policy may name either. Raises InputError, SiteError."""
    if policy is None:
        return None, site
    from passerby.config.site import load_policy

    own = load_policy(policy)
    if own is not None:
        from passerby.privacy.plan import LARGE_EPSILON

        if own.epsilon > LARGE_EPSILON:
            note(f"warning: {policy}: epsilon {own.epsilon:g} is above {LARGE_EPSILON:g}: it hides little")
        return own, site
    if site is not None and site.resolve() != policy.resolve():
        raise InputError(f"--policy {policy}: a site file, and --site is another: expected only one")
    return None, policy
