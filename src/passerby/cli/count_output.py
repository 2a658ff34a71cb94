"""The output of `passerby count`: the counts of one recording, or of several in one table.

Invariant: a column has the same name in every format, and the columns do not depend on the recording.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from passerby.cli.group import note
from passerby.cli.output import Target, with_class, with_old_name, write
from passerby.domain.wording import counted_noun

if TYPE_CHECKING:
    from passerby import Cost, Counts

_COLUMNS = ("start", "end", "line", "direction", "class", "count", "coverage", "mark")


def write_counts(counts: "Counts", target: Target) -> None:
    """Write the counts of one recording."""
    from passerby.cli.show import counts_tables

    write(
        target,
        rows=[with_class(row) for row in counts.bins],
        columns=_COLUMNS,
        document=lambda: _document(counts),
        shown=lambda: counts_tables(counts),
    )


def write_several(counts: "Sequence[Counts]", problems: Sequence[str], wall_s: float, target: Target) -> None:
    """Write the counts of several recordings: a row of a bin begins with its file."""
    from passerby.cli.show import several_tables
    from passerby.recordings.batch import totals_of

    totals = totals_of(counts)
    write(
        target,
        rows=[{"file": of_file.video, **with_class(row)} for of_file in counts for row in of_file.bins],
        columns=("file", *_COLUMNS),
        document=lambda: {
            "files": [_document(of_file) for of_file in counts],
            "totals": _rows(totals),
            "problems": problems,
            "cost": _cost(counts, wall_s),
        },
        shown=lambda: several_tables(counts, totals),
    )


def _document(counts: "Counts") -> dict[str, Any]:
    """The object of `--format json`: counts without the crossings they were made of."""
    return {
        "video": counts.video,
        "clock": counts.clock,
        "start": counts.start,
        "start_from": counts.start_from,
        "duration_s": counts.duration_s,
        "frames": counts.frames,
        "detector": counts.detector,
        "bins": _rows(counts.bins),
        "totals": _rows(counts.totals),
        "visibility": counts.visibility,
        "cost": counts.cost,
        "warnings": counts.warnings,
    }


def _rows(rows: Sequence[Any]) -> list[dict[str, Any]]:
    return [with_old_name(with_class(row)) for row in rows]


def _cost(counts: "Sequence[Counts]", wall_s: float) -> "Cost":
    from passerby import Cost

    costs = [of_file.cost for of_file in counts]
    cpu_s = sum(cost.cpu_s for cost in costs)
    return Cost(
        wall_s,
        cpu_s,
        sum(cost.decode_cpu_s for cost in costs),
        sum(cost.detect_cpu_s for cost in costs),
        sum(cost.track_cpu_s for cost in costs),
        sum(of_file.frames for of_file in counts) / max(cpu_s, 1e-6),
    )


def note_doubts(counts: "Sequence[Counts]", *, quiet: bool) -> None:
    """Print one line about the marked counts; none where none is marked, or where it is to be quiet."""
    rows = [row for of_file in counts for row in of_file.visibility]
    marked = [row for row in rows if row.mark]
    if quiet or not marked:
        return
    worst = max(marked, key=lambda row: row.crossings)
    note(
        f"warning: doubtful: {len(marked)} of {counted_noun(len(rows), 'count')} by line and bin, such as "
        f"{worst.line}: {worst.mark}; see the column mark"
    )
