"""The facts about a site beside its numbers: promise, privacy budget, data coverage and accuracy of each line.

Invariant: an unknown value is shown as unknown; the promise is computed from the policy and says no more than it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from passerby.domain import calendar
from passerby.domain.promise import Promise, SitePromise, promise_of
from passerby.publish.pages import words
from passerby.publish.pages.languages import Language
from passerby.publish.pages.published_lines import PublishedLine
from passerby.publish.pages.views import span_of
from passerby.publish.store.query import Query
from passerby.publish.store.releases import Store
from passerby.publish.store.totals import CellPart, totals

_COVERAGE_DAYS = 30


@dataclass(frozen=True, slots=True)
class LineFacts:
    """A line: the epsilon that was spent on `day` for bins and for the day as a whole (None: nothing was released), and
    the share of the last 30 days with video frames (0 to 1; None: not known)."""

    line: PublishedLine
    day: date
    spent_bins: float | None
    spent_day: float | None
    coverage: float | None

    @property
    def spent(self) -> float | None:
        """None: nothing was released on this day."""
        if self.spent_bins is None and self.spent_day is None:
            return None
        return (self.spent_bins or 0.0) + (self.spent_day or 0.0)


def line_facts(store: Store, lines: Sequence[PublishedLine], newest_ms: int) -> tuple[LineFacts, ...]:
    """The facts of each line for the last whole day before `newest_ms` (Unix ms UTC). Raises StoreError."""
    newest_day = calendar.to_local(newest_ms, store.zone).date()
    # The newest day may not be over, and a day as a whole is released when it is over.
    day = newest_day - timedelta(days=1)
    whole = span_of(day, day, store)
    month = span_of(newest_day - timedelta(days=_COVERAGE_DAYS), day, store)
    by_line: tuple[CellPart, ...] = ("camera", "line")
    bins = totals(store, Query("bin", whole.start_ms, whole.end_ms), by_line)
    days = [row for row in store.rows(Query("day", whole.start_ms, whole.end_ms)) if row.receipt is not None]
    coverages = totals(store, Query("day", month.start_ms, month.end_ms), by_line)
    facts = []
    for line in lines:
        key = (line.camera.name, line.name)
        of_bins = [total.epsilon for total in bins if total.group == key]
        of_days = [row.epsilon for row in days if (row.cell.camera, row.cell.line) == key]
        shares = [total.coverage for total in coverages if total.group == key]
        facts.append(
            LineFacts(
                line,
                day,
                max(of_bins, default=None),
                max(of_days, default=None),
                sum(shares) / len(shares) if shares else None,
            )
        )
    return tuple(facts)


def promises(lines: Sequence[PublishedLine]) -> dict[Promise, list[PublishedLine]]:
    """The lines that have a policy, grouped by the promise of their policy."""
    groups: dict[Promise, list[PublishedLine]] = {}
    for line in lines:
        if line.counted.policy is not None:
            groups.setdefault(promise_of(line.counted.policy), []).append(line)
    return groups


def promise_text(promise: Promise, language: Language) -> str:
    """The footage promise in plain words."""
    return language.translate_plural(
        "Nobody who reads these numbers can guess better than {right} times in 100 whether you were here (a coin is "
        "right 50 times). This holds for {n} visit to a line, of at most {seconds} s.",
        "Nobody who reads these numbers can guess better than {right} times in 100 whether you were here (a coin is "
        "right 50 times). This holds for up to {n} visits to a line, of at most {seconds} s each.",
        promise.visits,
        seconds=language.number(promise.visit_s, 3),
        right=language.number(promise.right_percent, 1),
    )


def site_promise_text(promise: SitePromise, language: Language) -> str:
    """The crossings promise in plain words."""
    return language.translate_plural(
        "Nobody who reads these numbers can guess better than {right} times in 100 whether you were here on a given "
        "day (a coin is right 50 times). This holds for {n} crossing of our lines on that day, all cameras together.",
        "Nobody who reads these numbers can guess better than {right} times in 100 whether you were here on a given "
        "day (a coin is right 50 times). This holds for up to {n} crossings of our lines on that day, all cameras "
        "together.",
        promise.crossings,
        right=language.number(promise.right_percent, 1),
    )


def class_list(labels: Sequence[str], language: Language) -> str:
    """Such as people, bicycles and cars."""
    return language.listing([words.class_in_text(label, language) for label in labels])
