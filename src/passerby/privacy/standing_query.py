"""The standing query of a line: its cells, and the charges of its bins and days under the footage promise, from the
site file alone.

Invariant: the same policy gives the same charges; nothing here depends on a count or on the time of day.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import tzinfo
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from passerby.domain import calendar
from passerby.domain.geometry import DIRECTIONS
from passerby.domain.labels import LABELS
from passerby.domain.release import Cell, Level
from passerby.domain.timespan import Span
from passerby.errors import PolicyError
from passerby.privacy.charge import FootageCharge, Limit, micro_epsilon
from passerby.privacy.noise import MICRO

if TYPE_CHECKING:
    from passerby.config.site import CountedLine
    from passerby.domain.policy import FootagePolicy

BINS_SHARE = Fraction(8, 10)
"""The share of epsilon that bins take; days take the rest (docs/proofs/noise.md)."""


def cells_of(camera: str, line: "CountedLine") -> tuple[Cell, ...]:
    """Every direction and label of a line, so the empty ones too."""
    return tuple(
        Cell(camera, line.line.name, line.line.direction_name(direction), label)
        for direction in DIRECTIONS
        for label in line.labels or LABELS
    )


def configuration(detector: str, lines: Iterable["CountedLine"]) -> str:
    """The text of all that a camera's releases depend on: the detector's full name, and every line with its policy."""
    # A line that lists no class has every class of this version: a later version with other classes has other cells.
    plain = sorted(
        ({**asdict(line), "labels": line.labels or LABELS} for line in lines),
        key=lambda line: line["line"]["name"],
    )
    return json.dumps({"detector": detector, "lines": plain}, sort_keys=True)


def check_chunk_edges(policy: "FootagePolicy", days: Span, zone: tzinfo) -> None:
    """Raises PolicyError where, on the local days that `days` falls into, a bin starts or ends within a chunk."""
    for day in calendar.bins(days, calendar.DAY_MS, zone):
        for one in calendar.bins(day.span, policy.every_ms, zone):
            if one.span.start_ms % policy.chunk_ms or one.span.end_ms % policy.chunk_ms:
                raise PolicyError(
                    f"chunk {calendar.duration_text(policy.chunk_ms)}: in the time zone {zone} a bin starts within a "
                    "chunk, expected a chunk that divides 15 minutes"
                )


def split(epsilon_micro: int) -> tuple[int, int]:
    """The micro-epsilons of the two levels, bins and days; together they are all of `epsilon_micro`."""
    bins = int(epsilon_micro * BINS_SHARE)
    return bins, epsilon_micro - bins


def whole_micro(epsilon: float) -> int:
    """Epsilon in millionths, exactly: were it rounded up, the noise would keep less than the policy promises.

    Raises PolicyError.
    """
    epsilon_micro = micro_epsilon(epsilon)
    if epsilon_micro != Decimal(str(epsilon)) * MICRO:
        raise PolicyError(f"epsilon {epsilon}: expected at most six places after the point")
    return epsilon_micro


def query_of(line: str, level: Level) -> str:
    """The name under which the ledger keeps the bins, or the days, of a line."""
    return f"{line} {level}s"


def standing_charge(
    policy: "FootagePolicy", cells: Sequence[Cell], epoch: int, span: Span, level: Level
) -> FootageCharge:
    """The charge of one bin, or one day, of a line; `cells` are all of that line's, in the site file's order.

    Raises PolicyError when the terms cannot hold, such as a span that cuts a chunk.
    """
    bins, days = split(whole_micro(policy.epsilon))
    query = query_of(cells[0].line, level)
    return _charge(policy, cells, epoch, span, query, bins if level == "bin" else days)


def ad_hoc_charge(
    policy: "FootagePolicy", cells: Sequence[Cell], epoch: int, span: Span, epsilon: float
) -> FootageCharge:
    """The charge of one question that is asked beside the standing query: a query of its own, used once."""
    epsilon_micro = whole_micro(epsilon)
    query = f"{cells[0].line} asked {span.start_ms} {span.end_ms} {epsilon_micro}"
    return _charge(policy, cells, epoch, span, query, epsilon_micro)


def _charge(
    policy: "FootagePolicy", cells: Sequence[Cell], epoch: int, span: Span, query: str, epsilon_micro: int
) -> FootageCharge:
    return FootageCharge(
        camera=cells[0].camera,
        epoch=epoch,
        query=query,
        span=span,
        cells=tuple(cells),
        epsilon_micro=epsilon_micro,
        rho_ms=policy.rho_ms,
        k=policy.k,
        chunk_ms=policy.chunk_ms,
        warmup_ms=policy.warmup_ms,
        cap=policy.clip,
        limit=Limit(f"the budget of line {cells[0].line}", whole_micro(policy.epsilon)),
    )


def blackout_ms(policies: Iterable["FootagePolicy"]) -> int:
    """A camera is not counted for so long between two epochs: the longest rho + w + c of its policies."""
    return max(policy.rho_ms + policy.warmup_ms + policy.chunk_ms for policy in policies)


def budget_micro(policies: Iterable["FootagePolicy"]) -> int:
    """The budget that the standing queries of a camera's lines need: a person may cross every line, so the lines'
    epsilons add up (sequential composition)."""
    return sum(whole_micro(policy.epsilon) for policy in policies)
