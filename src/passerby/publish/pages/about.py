"""What is told of a site beside its numbers: the promise of each line, its budget, coverage and accuracy.

Invariant: what is not known is said to be not known; the promise is worked out from the policy, and says no more than
it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from passerby.domain import calendar
from passerby.domain.promise import Promise, promise_of
from passerby.publish.pages import words
from passerby.publish.pages.counted_lines import Place
from passerby.publish.pages.languages import Language
from passerby.publish.pages.views import span_of
from passerby.publish.store.query import Query
from passerby.publish.store.releases import Store
from passerby.publish.store.totals import Part, totals

_COVERAGE_DAYS = 30


@dataclass(frozen=True, slots=True)
class Told:
    """One line: what was spent of its epsilon on `day`, in bins and for the day as a whole; None where nothing was
    released; and the share of the last 30 days with frames."""

    place: Place
    day: date
    spent_bins: float | None
    spent_day: float | None
    coverage: float | None

    @property
    def spent(self) -> float:
        return (self.spent_bins or 0.0) + (self.spent_day or 0.0)


def tell(store: Store, places: Sequence[Place], newest: int) -> tuple[Told, ...]:
    """Each line, for the last whole day. Raises StoreError."""
    last = calendar.to_local(newest, store.zone).date()
    # The newest day may still run, and the day as a whole is released when it is over.
    day = last - timedelta(days=1)
    whole = span_of(day, day, store)
    month = span_of(last - timedelta(days=_COVERAGE_DAYS), day, store)
    by_line: tuple[Part, ...] = ("camera", "line")
    bins = totals(store, Query("bin", whole.start_ms, whole.end_ms), by_line)
    days = [one for one in store.rows(Query("day", whole.start_ms, whole.end_ms)) if one.receipt is not None]
    coverages = totals(store, Query("day", month.start_ms, month.end_ms), by_line)
    found = []
    for place in places:
        key = (place.camera.name, place.name)
        of_bins = [one.epsilon for one in bins if one.group == key]
        of_days = [one.epsilon for one in days if (one.cell.camera, one.cell.line) == key]
        seen = [one.coverage for one in coverages if one.group == key]
        found.append(
            Told(
                place,
                day,
                max(of_bins, default=None),
                max(of_days, default=None),
                sum(seen) / len(seen) if seen else None,
            )
        )
    return tuple(found)


def promises(places: Sequence[Place]) -> dict[Promise, list[Place]]:
    """The lines that have a policy, by what it promises."""
    found: dict[Promise, list[Place]] = {}
    for place in places:
        if place.line.policy is not None:
            found.setdefault(promise_of(place.line.policy), []).append(place)
    return found


def sentence(promise: Promise, language: Language) -> str:
    """The one plain sentence."""
    return language.say_n(
        "Someone who can only toss a coin over whether you were here is right half of the time; after "
        "reading everything published about a line, at most {share} of the time, whatever you did in {n} "
        "visit to it of at most {seconds} s.",
        "Someone who can only toss a coin over whether you were here is right half of the time; after "
        "reading everything published about a line, at most {share} of the time, whatever you did in up "
        "to {n} visits to it of at most {seconds} s each.",
        promise.visits,
        seconds=language.number(promise.visit_s, 3),
        share=language.share(promise.right_percent / 100, 1),
    )


def listed(labels: Sequence[str], language: Language) -> str:
    """Such as people, bicycles and cars."""
    return language.listing([words.in_text(label, language) for label in labels])
