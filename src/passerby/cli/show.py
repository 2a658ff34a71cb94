"""Tables for people, on a terminal or in a file.

Invariant: a name is shown as it is, and never read as markup.
"""

import io
import sys
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from passerby.domain.wording import counted_noun

if TYPE_CHECKING:
    from passerby import BinCount, Counts, TotalCount, Visibility
    from passerby.domain.calendar import Moment
    from passerby.evaluation.score import Evaluation

_WIDTH_OF_A_FILE = 160


def table(
    title: str | None, columns: Sequence[str], rows: Iterable[Sequence[str | int | float]], numbers: int = 0
) -> Table:
    """A table whose last `numbers` columns are numbers."""
    shown = Table(title=Text(title) if title else None, title_justify="left", box=box.SIMPLE_HEAD)
    for index, name in enumerate(columns):
        right = index >= len(columns) - numbers
        shown.add_column(Text(name), justify="right" if right else "left", overflow="fold")
    for row in rows:
        shown.add_row(*(Text(str(cell)) for cell in row))
    return shown


def to_text(parts: Iterable[Table | str], *, plain: bool = False) -> str:
    """The parts one below the other; coloured and as wide as the terminal where standard output is one."""
    terminal = sys.stdout.isatty() and not plain
    text = io.StringIO()
    console = Console(
        file=text, force_terminal=terminal, width=None if terminal else _WIDTH_OF_A_FILE, legacy_windows=False
    )
    for part in parts:
        console.print(Text(part) if isinstance(part, str) else part)
    # rich pads every line to the width of its table.
    return "".join(f"{line.rstrip()}\n" for line in text.getvalue().splitlines())


def counts_tables(counts: "Counts") -> list[Table | str]:
    """The counts of a recording: its start and detector, totals, bins with classes as columns, reasons of marks."""
    labels = _labels(counts.totals)
    totals = _pivot([((row.line, row.direction), row.label, row.count) for row in counts.totals], labels)
    bins = _pivot(
        [
            (
                (*_bin_columns(row), row.direction, f"{row.coverage:.0%}", "*" if row.mark else ""),
                row.label,
                row.count,
            )
            for row in counts.bins
        ],
        labels,
    )
    return [
        f"{counts.video}: {counts.frames} frames, {counts.duration_s:.1f} s",
        f"start: {_start(counts)} ({counts.start_from})",
        f"detector: {counts.detector}",
        table("Totals", ("line", "direction", *labels, "all"), totals, len(labels) + 1),
        table(
            "Bins",
            ("start", "end", "line", "direction", "coverage", "mark", *labels, "all"),
            bins,
            len(labels) + 1,
        ),
        *(f"* {' '.join(_bin_columns(row))}: {row.mark}" for row in counts.visibility if row.mark),
    ]


def _bin_columns(row: "BinCount | Visibility") -> tuple[str, str, str]:
    return _time(row.start), _time(row.end), row.line


def several_tables(counts: "Sequence[Counts]", totals: "Sequence[TotalCount]") -> list[Table | str]:
    """Of many recordings: a row for each, then the totals of all. The bins are left to other formats."""
    labels = _labels(totals)
    files = [
        (
            of_file.video,
            of_file.start_text,
            f"{of_file.duration_s:.1f}",
            sum(row.count for row in of_file.totals),
        )
        for of_file in counts
    ]
    every = _pivot([((row.line, row.direction), row.label, row.count) for row in totals], labels)
    hours = sum(of_file.duration_s for of_file in counts) / 3600
    return [
        f"{counted_noun(len(counts), 'recording')}, {hours:.2f} h",
        table("Files", ("file", "start", "seconds", "all"), files, 2),
        table("Totals", ("line", "direction", *labels, "all"), every, len(labels) + 1),
    ]


def _labels(totals: "Sequence[TotalCount]") -> list[str]:
    """The labels of the totals, in their order."""
    return list(dict.fromkeys(row.label for row in totals))


def _pivot(
    counted: Iterable[tuple[tuple[str, ...], str, int]], labels: Sequence[str]
) -> list[tuple[str | int, ...]]:
    """A row for each key of (key, label, count), in their order: the count of each label, and their sum."""
    counts: dict[tuple[str, ...], dict[str, int]] = {}
    for key, label, count in counted:
        counts.setdefault(key, {})[label] = count
    return [
        (*key, *(by_label.get(label, 0) for label in labels), sum(by_label.values()))
        for key, by_label in counts.items()
    ]


def _start(counts: "Counts") -> str:
    return "unknown" if counts.start is None else counts.start.isoformat(timespec="seconds")


def _time(moment: "Moment") -> str:
    """Local time with its offset, by which the two hours of a clock change differ; or elapsed time."""
    from passerby.domain.calendar import elapsed_text

    if isinstance(moment, timedelta):
        return elapsed_text(moment)
    return moment.isoformat(" ", timespec="minutes" if moment.second == 0 else "seconds")


def evaluation_tables(evaluation: "Evaluation") -> list[Table | str]:
    """Counts beside the truth: a row for each clip, line, direction and class; then clips; then all of them."""
    figures = ("true", "counted", "missed", "over", "signed")
    rows = [
        (
            *(row.clip, row.line, row.direction, row.label),
            *(getattr(row, figure) for figure in figures),
            f"{row.geh:.1f}",
        )
        for row in evaluation.rows
    ]
    summaries = [(clip.clip, clip.summary) for clip in evaluation.clips] + [("all", evaluation.summary)]
    clips = [
        (name, *(getattr(summary, figure) for figure in figures), _share(summary.accuracy))
        for name, summary in summaries
    ]
    return [
        f"{evaluation.truth}, counted with {evaluation.detector}",
        table(None, ("clip", "line", "direction", "class", *figures, "GEH"), rows, 6),
        table(None, ("clip", *figures, "accuracy"), clips, 6),
    ]


def _share(accuracy: float | None) -> str:
    return "-" if accuracy is None else f"{accuracy:.3f}"
