"""The report of a check: one HTML file that needs nothing else.

Invariant: numbers only, with how much of them was checked; what was not checked has no accuracy.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from passerby.domain import calendar
from passerby.domain.labels import label_of
from passerby.domain.timespan import Span
from passerby.evaluation.review import CheckedRow, LineCheck, checked_rows, sum_rows
from passerby.verify.session import Session


def report(session: Session) -> str:
    """The page, as text. Raises InputError for clicks that are of another count."""
    counts, checks = session.counts, session.checks()
    bins = _bins(session)
    rows = {
        line.name: [checked_rows(line.name, checks[line.name], session.start_ms, span) for _, span in bins]
        for line in session.lines
    }
    totals = [_total(name, of_line, session.duration_ms, checks[name]) for name, of_line in rows.items()]
    checked_ms = sum(span.duration_ms for check in checks.values() for span in check.checked)
    whole_ms = session.duration_ms * len(session.lines)
    everything = sum_rows([row for total in totals for row in total], "all", "all", whole_ms, checked_ms)
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html").render(
        video=Path(counts.video).name,
        start=counts.start.isoformat(" ", timespec="seconds"),
        start_from=counts.start_from,
        duration=_duration(session.duration_ms),
        detector=counts.detector,
        how_much=_how_much(session, everything, checked_ms, whole_ms),
        accuracy=None if everything.accuracy is None else f"{everything.accuracy:.3f}",
        interval=_interval(everything) if everything.interval else None,
        totals=[
            _shown(row, row.line, row.label == "all", row.checked_ms > 0)
            for total in [*totals, [everything]]
            for row in total
        ],
        bin=_bin_text(bins),
        bins=[
            (
                name,
                [
                    _shown(row, start.isoformat(" ", timespec="minutes"), False, row.checked_ms > 0)
                    for (start, _), of_bin in zip(bins, of_line, strict=True)
                    for row in of_bin
                ],
            )
            for name, of_line in rows.items()
        ],
        diagnostics=counts.diagnostics,
        warnings=counts.warnings,
    )


def _bins(session: Session) -> list[tuple[datetime, Span]]:
    """The local start of each bin of the count, and its span in ms since the first frame."""
    ends = dict.fromkeys((row.start, row.end) for row in session.counts.bins)
    return [
        (start, Span(calendar.to_ms(start) - session.start_ms, calendar.to_ms(end) - session.start_ms))
        for start, end in ends
    ]


def _total(
    line: str, of_line: Sequence[Sequence[CheckedRow]], duration_ms: int, check: LineCheck
) -> list[CheckedRow]:
    """A row for each label of a line, over all of the recording."""
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


def _shown(row: CheckedRow, first: str, is_sum: bool, was_checked: bool) -> Mapping[str, Any]:
    return {
        "first": first,
        "label": row.label,
        "sum": is_sum,
        "was_checked": was_checked,
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


def _how_much(session: Session, row: CheckedRow, checked_ms: int, whole_ms: int) -> str:
    if not checked_ms:
        return f"Nothing was checked yet of {row.counted} counted crossings in {_duration(whole_ms)}."
    share = checked_ms / max(1, whole_ms)
    return (
        f"{_duration(checked_ms)} of {_duration(whole_ms)} were checked ({share:.0%}, all lines added), "
        f"with {row.checked} of {row.counted} counted crossings, in {_duration(round(session.spent_s * 1000))} "
        "of a person's time."
    )


def _bin_text(bins: Sequence[tuple[datetime, Span]]) -> str:
    return _duration(bins[0][1].duration_ms) if bins else ""


def _duration(length_ms: int) -> str:
    """Such as 0:15:00."""
    return str(timedelta(seconds=round(length_ms / 1000)))
