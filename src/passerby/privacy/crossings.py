"""The crossings promise: how far one person's day can change the numbers of a site, and the charges for them.

Invariant: integers only; everything follows from the policy, the site file and the calendar, never from a count.

    sensitivity    Delta = C * b over all numbers of a local day, however many they are
    split          epsilon -> bins, days, and the reserve for questions
    charges        of a line's bins and days, and of a question
    over time      what a person spends who comes every day, or crosses more often

A person's day is all crossings of one person on one local day of the site, at most C of them. Each lies in one bin of
one cell, and changes all numbers together by at most b in L1: so Delta = C * b for the whole table, at each level.

The proofs: docs/proofs/crossings.md. They are tried on every small table in the tests.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import tzinfo
from fractions import Fraction
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from passerby.domain import calendar
from passerby.domain.policy import CrossingsPolicy, PromiseName
from passerby.domain.release import Cell, Level
from passerby.domain.timespan import Span
from passerby.errors import PolicyError
from passerby.privacy.charge import Limit, account_text, is_site
from passerby.privacy.contribution import Contribution
from passerby.privacy.standing_query import cells_of, whole_micro

if TYPE_CHECKING:
    from passerby.config.site import CountedLine

BINS_SHARE, BINS_OF_FREE = Fraction(3, 4), Fraction(5, 6)
"""Bins take three quarters of epsilon, and at most five sixths of what is not reserved."""

LINES = "lines"
"""The kind of the numbers of a line: crossings by direction and class."""

INFLUENCES: Mapping[str, Callable[[CrossingsPolicy], int]] = {LINES: lambda policy: policy.influence}
"""Each kind of number that can be released, and b: how far one crossing changes all numbers of that kind, in L1."""


@dataclass(frozen=True, slots=True)
class Split:
    """The micro-epsilons of the bins, the days and the reserve; together they are all of epsilon."""

    bins: int
    days: int
    reserve: int


def influence(policy: CrossingsPolicy, kinds: Sequence[str] = (LINES,)) -> int:
    """b of all numbers of these `kinds` together: a crossing that enters several adds to each.

    Raises PolicyError for a kind that does not declare what a crossing adds to it.
    """
    for kind in kinds:
        if kind not in INFLUENCES:
            raise PolicyError(
                f"numbers of the kind {kind!r} do not declare how far one crossing changes them, so they cannot be "
                "released"
            )
    return sum(INFLUENCES[kind](policy) for kind in dict.fromkeys(kinds))


def sensitivity(policy: CrossingsPolicy, kinds: Sequence[str] = (LINES,)) -> int:
    """Delta = C * b, in L1: how far one person's day changes all numbers of a level together (crossings.md, 2)."""
    return policy.crossings * influence(policy, kinds)


def split(policy: CrossingsPolicy) -> Split:
    """How epsilon is shared: the least variance of a day's number for bins that have at most a third more noise than if
    they had all of epsilon (crossings.md, 3). Where more than 0.1 is reserved, bins and days share the rest as 5 to 1.

    A day's number takes what nobody asked of the reserve: see `CrossingsCharge`. Raises PolicyError for an epsilon that
    is too small to be shared.
    """
    epsilon_micro = whole_micro(policy.epsilon)
    reserve = int(epsilon_micro * Fraction(str(policy.reserve)))
    bins = int(min(epsilon_micro * BINS_SHARE, (epsilon_micro - reserve) * BINS_OF_FREE))
    found = Split(bins, epsilon_micro - bins - reserve, reserve)
    if found.bins <= 0 or found.days <= 0:
        raise PolicyError(f"epsilon {policy.epsilon}: too small to be shared by bins and days")
    return found


def spent_by(policy: CrossingsPolicy, *, days: int = 1, crossings: int | None = None) -> Fraction:
    """The most epsilon that a person spends who makes so many `crossings` a day (C where None) on so many `days`.

    n crossings spend n / C of epsilon (crossings.md, 6), and days add up (crossings.md, 7).
    """
    share = Fraction(policy.crossings if crossings is None else crossings, policy.crossings)
    return Fraction(str(policy.epsilon)) * share * days


def local_days(span: Span, zone: tzinfo) -> Span:
    """The whole local days that `span` meets: one of them has 23, 24 or 25 hours."""
    days = [one.span for one in calendar.bins(span, calendar.DAY_MS, zone)]
    return Span(days[0].start_ms, days[-1].end_ms)


@dataclass(frozen=True, slots=True)
class CrossingsCharge:
    """The charge of the crossings promise: for `cells` of one line over `span`, paid by `account`, a site.

    `covers`: the local day, or days, of `span`, whose people pay. `pool`: the slots of one level of a day, whatever
    their camera and line, which share one epsilon. `crossings`, `influence`: C, and b of all kinds of numbers. `table`:
    the digest of all lines of the camera, `source` that of its address: see `conflict`. A charge that `takes_rest` is
    that of a day: it is paid for when the day has ended, with all that is left, up to `epsilon_micro`.

    Raises PolicyError when the terms cannot hold.
    """

    account: str
    camera: str
    epoch: int
    query: str
    span: Span
    covers: Span
    cells: tuple[Cell, ...]
    epsilon_micro: int
    crossings: int
    influence: int
    table: str
    source: str = ""
    takes_rest: bool = False
    limit: Limit | None = None

    def __post_init__(self) -> None:
        where = f"{account_text(self.account)}, query {self.query}"
        if not is_site(self.account):
            raise PolicyError(f"{where}: expected the account of a site")
        if not self.cells or len(set(self.cells)) != len(self.cells):
            raise PolicyError(f"{where}: expected at least one cell, each once")
        if any(cell.camera != self.camera for cell in self.cells):
            raise PolicyError(f"{where}: a cell of another camera")
        for name in ("epsilon_micro", "crossings", "influence"):
            if getattr(self, name) <= 0:
                raise PolicyError(f"{where}: {name} {getattr(self, name)}: expected more than 0")
        if not self.span.duration_ms or self.span.overlap_ms(self.covers) != self.span.duration_ms:
            raise PolicyError(f"{where}: expected a span within the local days that pay for it")

    @property
    def promise(self) -> PromiseName:
        return "crossings"

    @property
    def pool(self) -> str:
        return self.query.partition(" ")[0]

    @property
    def delta(self) -> int:
        """Delta = C * b, of all slots of the pool together."""
        return self.crossings * self.influence

    @property
    def terms(self) -> dict[str, Any]:
        return {
            "promise": self.promise,
            "camera": self.camera,
            "pool": self.pool,
            "cells": [asdict(cell) for cell in self.cells],
            "epsilon_micro": self.epsilon_micro,
            "crossings": self.crossings,
            "influence": self.influence,
            "delta": self.delta,
            "table": self.table,
            "source": self.source,
        }

    def with_epsilon(self, epsilon_micro: int) -> "CrossingsCharge":
        return replace(self, epsilon_micro=epsilon_micro)

    def shares_limit(self, terms: Mapping[str, Any]) -> bool:
        """Whether a charge with these terms is a question too: all questions share the reserve."""
        return str(terms["pool"]).startswith(_ASKED)

    def conflict(self, terms: Mapping[str, Any]) -> str | None:
        """A crossing is in one cell of one table: at one time a camera has one set of lines, and one name."""
        if terms["delta"] != self.delta:
            return f"noise for Delta {self.delta}, and for {terms['delta']} at the same time"
        if terms["camera"] == self.camera and terms["table"] != self.table:
            return f"the lines of camera {self.camera} changed in this time, so it waits for the next"
        if terms["camera"] != self.camera and self.source and terms["source"] == self.source:
            return f"camera {terms['camera']} has paid for this time from the same source: one camera has one name"
        return None

    def allows(self, contribution: Contribution) -> bool:
        """Any sum of whole numbers: nothing is clipped."""
        counts = contribution.counts
        return len(counts) == len(contribution.cells) and all(
            type(count) is int and count >= 0 for count in counts
        )

    def allows_chunk(self, contribution: Contribution) -> bool:
        return self.allows(contribution)


@dataclass(frozen=True, slots=True)
class SiteTerms:
    """All that the charges of a site have in common: the `account` that pays, its policy, zone and epoch, and the kinds
    of numbers that it releases."""

    account: str
    policy: CrossingsPolicy
    zone: tzinfo
    epoch: int
    kinds: tuple[str, ...] = (LINES,)


@dataclass(frozen=True, slots=True)
class CameraTable:
    """The lines of a camera, which make its part of the table; `source`: see `source_digest`."""

    camera: str
    lines: tuple["CountedLine", ...]
    source: str = ""

    def cells(self, line: str) -> tuple[Cell, ...]:
        """All cells of one line. Raises KeyError for another name."""
        for counted in self.lines:
            if counted.line.name == line:
                return cells_of(self.camera, counted)
        raise KeyError(line)

    @property
    def digest(self) -> str:
        """Differs where a line, a direction or a class does: not where a line is moved."""
        cells = sorted(cell for counted in self.lines for cell in cells_of(self.camera, counted))
        return sha256(json.dumps([asdict(cell) for cell in cells]).encode()).hexdigest()[:16]


def source_digest(address: str) -> str:
    """A short name of a camera's address without its user and password, for the ledger."""
    scheme, separator, rest = address.partition("://")
    place = rest.rpartition("@")[2] if separator else address
    return sha256(f"{scheme if separator else ''}://{place}".encode()).hexdigest()[:16]


_ASKED = "asked-"


def query_of(camera: str, line: str, level: Level) -> str:
    """The name under which the ledger keeps the bins, or the days, of a line; its first word is the pool."""
    return f"{level}s {json.dumps(camera, ensure_ascii=False)} {line}"


def charge_for(terms: SiteTerms, table: CameraTable, line: str, span: Span, level: Level) -> CrossingsCharge:
    """The charge of one bin, or one day, of a line; a day's is opened with the most that it can cost.

    Raises PolicyError when the terms cannot hold, KeyError for a line that the camera does not have.
    """
    shares = split(terms.policy)
    return CrossingsCharge(
        account=terms.account,
        camera=table.camera,
        epoch=terms.epoch,
        query=query_of(table.camera, line, level),
        span=span,
        covers=local_days(span, terms.zone),
        cells=table.cells(line),
        epsilon_micro=shares.bins if level == "bin" else shares.days + shares.reserve,
        crossings=terms.policy.crossings,
        influence=influence(terms.policy, terms.kinds),
        table=table.digest,
        source=table.source,
        takes_rest=level == "day",
    )


def question_charge(
    terms: SiteTerms, table: CameraTable, line: str, span: Span, epsilon: float
) -> CrossingsCharge:
    """The charge of one question beside the standing numbers: paid from the reserve of each local day of `span`.

    The same question about other lines is of the same pool, and costs nothing more. Raises as `charge_for`.
    """
    epsilon_micro = whole_micro(epsilon)
    pool = f"{_ASKED}{span.start_ms}-{span.end_ms}-{epsilon_micro}"
    standing = charge_for(terms, table, line, span, "bin")
    return replace(
        standing,
        query=f"{pool} {json.dumps(table.camera, ensure_ascii=False)} {line}",
        epsilon_micro=epsilon_micro,
        limit=Limit("the reserve of a day", split(terms.policy).reserve),
    )


def configuration(policy: CrossingsPolicy, zone: tzinfo, kinds: Sequence[str] = (LINES,)) -> str:
    """The text of all that a site's charges depend on: lines, cameras and detectors are no part of it."""
    plain = {"promise": "crossings", "policy": asdict(policy), "zone": str(zone), "kinds": sorted(kinds)}
    return json.dumps(plain, sort_keys=True)
