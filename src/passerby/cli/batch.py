"""`passerby count` of a folder, a pattern, several files or URLs: one table over all of them.

Invariant: a recording that cannot be read is named once, on standard error, and the exit code tells that there was one.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from passerby.cli.output import write

if TYPE_CHECKING:
    from passerby import Cost, Counts

EXIT_PARTLY = 3
"""Some recordings were counted, and others could not be read."""


def write_several(
    counts: "Sequence[Counts]",
    problems: Sequence[str],
    wall_s: float,
    columns: Sequence[str],
    format_: str,
    out: Path | None,
) -> None:
    """Write the counts of many recordings: rows of bins that begin with the file they are of."""
    from passerby.cli.show import several_tables
    from passerby.io.tables import mapping_of
    from passerby.recordings.batch import totals_of

    totals = totals_of(counts)

    def document() -> dict[str, Any]:
        from passerby.cli.count import document_of

        return {
            "files": [document_of(one) for one in counts],
            "totals": totals,
            "problems": problems,
            "cost": _cost(counts, wall_s),
        }

    write(
        format_,
        out,
        rows=[{"file": one.video, **mapping_of(row)} for one in counts for row in one.bins],
        columns=("file", *columns),
        document=document,
        shown=lambda: several_tables(counts, totals),
    )


def _cost(counts: "Sequence[Counts]", wall_s: float) -> "Cost":
    from passerby import Cost

    cpu_s = sum(one.cost.cpu_s for one in counts)
    return Cost(
        wall_s,
        cpu_s,
        sum(one.cost.decode_cpu_s for one in counts),
        sum(one.cost.detect_cpu_s for one in counts),
        sum(one.cost.track_cpu_s for one in counts),
        sum(one.frames for one in counts) / max(cpu_s, 1e-6),
    )
