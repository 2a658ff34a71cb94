"""Answers from past releases: sums of bins and days, at no cost.

Invariant: reads released numbers from the ledger, and nothing else; an answer here spends nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from passerby.domain.noise_interval import noise_95_of_release, noise_95_of_variances, variance
from passerby.domain.release import LEVELS, Cell, Release
from passerby.domain.timespan import Span
from passerby.privacy import crossings
from passerby.privacy.entries import Entry
from passerby.privacy.gate import reconcile
from passerby.privacy.ledger import Ledger
from passerby.privacy.noise import MICRO, scale
from passerby.privacy.standing_query import query_of


@dataclass(frozen=True, slots=True)
class Answer:
    """`value` of one cell over `span`, a signed integer; its 95 % range is `value` give or take `noise_95`."""

    cell: Cell
    span: Span
    value: int
    noise_95: int
    coverage: float


def released(
    ledger: Ledger, camera: str, line: str, *, account: str | None = None
) -> tuple[list[Release], list[Release]]:
    """The bins and the days of a line that were released so far, oldest first; `account` is that of the site under the
    crossings promise. Raises LedgerError."""
    entries = ledger.entries()
    payer = camera if account is None else account
    spends = {entry.hash: entry for entry in entries if entry.kind == "spend" and entry.camera == payer}
    of_bins, of_days = (
        query_of(line, level) if account is None else crossings.query_of(camera, line, level)
        for level in LEVELS
    )
    bins: list[Release] = []
    days: list[Release] = []
    for entry in entries:
        paid = spends.get(entry.content["receipt"]) if entry.kind == "value" else None
        if paid is not None and paid.query == of_bins:
            bins += _releases(paid, entry)
        elif paid is not None and paid.query == of_days:
            days += _releases(paid, entry)
    return sorted(bins, key=lambda one: one.start_ms), sorted(days, key=lambda one: one.start_ms)


def named(ledger: Ledger, receipt: str) -> list[Release]:
    """The releases of the one receipt that begins with `receipt`, else none. Raises LedgerError."""
    entries = ledger.entries()
    values = {entry.content["receipt"]: entry for entry in entries if entry.kind == "value"}
    paid = [entry for entry in entries if entry.kind == "spend" and entry.hash.startswith(receipt)]
    if len(paid) != 1 or paid[0].hash not in values:
        return []
    return _releases(paid[0], values[paid[0].hash])


def summed(bins: Sequence[Release], days: Sequence[Release], cell: Cell, span: Span) -> Answer | None:
    """The released number of `cell` over all of `span`; None where past releases do not cover it.

    For a whole day whose bins were all released, both are used, weighted by inverse variance.
    """
    of_cell = {one.start_ms: one for one in bins if one.cell == cell}
    of_days = {one.start_ms: one for one in days if one.cell == cell}
    value, scales, covered, at_ms = 0, [], 0.0, span.start_ms
    while at_ms < span.end_ms:
        day = of_days.get(at_ms)
        if day is not None and day.end_ms <= span.end_ms:
            found = _best(day, [one for one in of_cell.values() if at_ms <= one.start_ms < day.end_ms])
        elif at_ms in of_cell and of_cell[at_ms].end_ms <= span.end_ms:
            found = of_cell[at_ms]
        else:
            return None
        value += found.value
        scales.append(found.noise_scale)
        covered += found.coverage * (found.end_ms - at_ms)
        at_ms = found.end_ms
    if not scales:
        return None
    return Answer(cell, span, value, _noise_95(scales), covered / span.duration_ms)


def cells_of(releases: Iterable[Release]) -> list[Cell]:
    """The cells of the releases, each once, in their order."""
    return list(dict.fromkeys(one.cell for one in releases))


def _best(day: Release, bins: list[Release]) -> Release:
    try:
        return reconcile(bins, day)[1]
    except (ValueError, IndexError):
        # Not all of its bins were released: then the day alone is used.
        return day


def _noise_95(scales: Sequence[float]) -> int:
    if len(scales) == 1:
        return noise_95_of_release(scales[0])
    return noise_95_of_variances([variance(scale) for scale in scales])


def _releases(paid: Entry, value: Entry) -> list[Release]:
    terms, dated = paid.content, value.content.get("sender_micro")
    return [
        Release(
            cell=Cell(**cell),
            start_ms=paid.start_ms,
            end_ms=paid.end_ms,
            value=number,
            noise_scale=scale(terms["delta"], paid.epsilon_micro),
            epsilon=paid.epsilon_micro / MICRO,
            coverage=value.content["coverage_micro"] / MICRO,
            receipt=paid.hash,
            sender_clock=None if dated is None else dated / MICRO,
            promise="crossings" if terms.get("promise") == "crossings" else "footage",
        )
        for cell, number in zip(terms["cells"], value.content["values"], strict=True)
    ]
