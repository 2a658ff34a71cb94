"""The report of a check: one HTML file that needs no other file.

Invariant: it shows numbers and how much of the recording was checked; unchecked rows have no accuracy.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from passerby.counting.counts import Visibility
from passerby.domain import calendar
from passerby.domain.labels import label_of
from passerby.domain.timespan import Span
from passerby.evaluation.review import CheckedRow, LineCheck, checked_rows, sum_rows
from passerby.verify.check_session import CheckSession


def report(session: CheckSession, saved_at: str = "") -> str:
    """The report as HTML. With `saved_at` it says that the check was saved there.

    Raises InputError for clicks of another count.
    """
    counts, checks = session.counts, session.checks()
    bins = _bins(session)
    rows = {
        line.name: [checked_rows(line.name, checks[line.name], session.start_ms, span) for _, span in bins]
        for line in session.lines
    }
    totals = [_total(name, of_line, session.duration_ms, checks[name]) for name, of_line in rows.items()]
    checked_ms = sum(span.duration_ms for check in checks.values() for span in check.checked)
    whole_ms = session.duration_ms * len(session.lines)
    overall = sum_rows([row for total in totals for row in total], "all", "all", whole_ms, checked_ms)
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html").render(
        video=Path(counts.video).name,
        saved_at=saved_at,
        start=counts.start_text,
        start_from=counts.start_from,
        duration=_duration(session.duration_ms),
        detector=counts.detector,
        how_much=_how_much(session, overall, checked_ms, whole_ms),
        accuracy=None if overall.accuracy is None else f"{overall.accuracy:.3f}",
        interval=_interval(overall) if overall.interval else None,
        totals=[_cells(row, row.line) for total in [*totals, [overall]] for row in total],
        bin=_bin_text(bins),
        bins=[(name, _bin_rows(bins, of_line)) for name, of_line in rows.items()],
        diagnostics=counts.diagnostics,
        doubts=[_doubt(row) for row in counts.visibility if row.mark],
        warnings=counts.warnings,
    )


def _bins(session: CheckSession) -> list[tuple[str, Span]]:
    """The start of each bin, in local or elapsed time, and its span in ms since the first frame."""
    ends = dict.fromkeys((row.start, row.end) for row in session.counts.bins)
    return [
        (_start_text(start), Span(_since_start(start, session), _since_start(end, session)))
        for start, end in ends
    ]


def _start_text(moment: calendar.Moment) -> str:
    if isinstance(moment, timedelta):
        return calendar.elapsed_text(moment)
    return moment.isoformat(" ", timespec="minutes")


def _since_start(moment: calendar.Moment, session: CheckSession) -> int:
    if isinstance(moment, timedelta):
        return round(moment.total_seconds() * 1000)
    return calendar.to_ms(moment) - session.start_ms


def _total(
    line: str, of_line: Sequence[Sequence[CheckedRow]], duration_ms: int, check: LineCheck
) -> list[CheckedRow]:
    """A row for each label of a line, over the whole recording."""
    labels = sorted({row.label for of_bin in of_line for row in of_bin}, key=label_of)
    checked_ms = sum(span.duration_ms for span in check.checked)
    return [
        sum_rows(
            [row for of_bin in of_line for row in of_bin if row.label == label],
            line,
            label,
            duration_ms,
            checked_ms,
        )
        for label in labels
    ]


def _bin_rows(
    bins: Sequence[tuple[str, Span]], of_line: Sequence[Sequence[CheckedRow]]
) -> list[Mapping[str, Any]]:
    """The rows of a line by bin; the first cell is the bin's local start."""
    return [
        _cells(row, start, may_be_sum=False)
        for (start, _), of_bin in zip(bins, of_line, strict=True)
        for row in of_bin
    ]


def _cells(row: CheckedRow, first: str, *, may_be_sum: bool = True) -> Mapping[str, Any]:
    """The texts of a row of a table; `first` is its first cell."""
    return {
        "first": first,
        "label": row.label,
        "sum": may_be_sum and row.label == "all",
        "was_checked": row.checked_ms > 0,
        "counted": row.counted,
        "checked": row.checked,
        "true": row.true,
        "missed": row.missed,
        "over": row.over,
        "signed": f"{row.signed:+d}" if row.signed else "0",
        "geh": f"{row.geh:.1f}",
        "accuracy": "–" if row.accuracy is None else f"{row.accuracy:.3f}",
        "interval": _interval(row),
        "time": _duration(row.checked_ms),
    }


def _interval(row: CheckedRow) -> str:
    if row.interval is None:
        return "–"
    low, high = row.interval
    return f"{low:.3f} to {high:.3f}"


def _how_much(session: CheckSession, row: CheckedRow, checked_ms: int, whole_ms: int) -> str:
    if not checked_ms:
        return f"Nothing is checked yet: {row.counted} counted crossings in {_duration(whole_ms)}."
    share = checked_ms / max(1, whole_ms)
    return (
        f"{_duration(checked_ms)} of {_duration(whole_ms)} were checked ({share:.0%}, all lines together): "
        f"{row.checked} of {row.counted} counted crossings. The check took "
        f"{_duration(round(session.spent_s * 1000))}."
    )


def _doubt(row: Visibility) -> str:
    """Where and why a count is doubtful."""
    start = calendar.elapsed_text(row.start) if isinstance(row.start, timedelta) else f"{row.start:%H:%M}"
    return f"{row.line}, {start}: {row.mark}"


def _bin_text(bins: Sequence[tuple[str, Span]]) -> str:
    return _duration(bins[0][1].duration_ms) if bins else ""


def _duration(length_ms: int) -> str:
    """A length such as 0:15:00."""
    return str(timedelta(seconds=round(length_ms / 1000)))
