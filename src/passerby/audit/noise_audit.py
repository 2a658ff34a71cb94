"""Audits of the noise: a lower bound on the epsilon that a release really costs, beside the claimed one.

Invariant: the audits do not know how a number was made; they take functions, and so can be tested with a broken one.

A bound above the claim proves a bug, but for a chance of at most `alpha`; a bound below it proves nothing.
Sources: Clopper and Pearson 1934; Steinke, Nasr and Jagielski, "Privacy Auditing with One (1) Training Run", 2023.
"""

import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from math import inf, log, sqrt
from random import SystemRandom

from passerby.audit.confidence import lower_bound
from passerby.domain.timespan import Chunk, Span
from passerby.privacy import contribution, gate
from passerby.privacy.charge import FootageCharge, Receipt, Stored
from passerby.privacy.contribution import Contribution
from passerby.privacy.noise import MICRO

Counts = tuple[int, ...]
Mechanism = Callable[[Counts], Sequence[float] | None]
"""From exact, clipped sums of a line's cells to the numbers that would be published, None where there would be none."""

ALPHA = 0.01
"""The chance of calling a true claim false."""
_NOTHING = -(10.0**18)


@dataclass(frozen=True, slots=True)
class Bound:
    """The epsilon that a release provably costs at least, and the event that proves it."""

    claimed: float
    lower: float
    event: str

    @property
    def holds(self) -> bool:
        return self.lower <= self.claimed


def noise_audit(
    mechanism: Mechanism,
    without: Counts,
    with_event: Counts,
    *,
    claimed: float,
    draws: int,
    alpha: float = ALPHA,
) -> Bound:
    """Try to tell two neighbours apart by `draws` releases of each; as many more are drawn to choose an event.

    The pair should differ by all of Delta. Two events are tried, each at alpha / 2: the sum at or above its true
    value, which is the strongest for Laplace noise, and the best of many others, chosen on draws of its own.
    """
    fixed = _at_least(sum(with_event))
    bounds = []
    for event in (fixed, _chosen(mechanism, without, with_event, draws)):
        hits = [sum(map(event.happens, _draw(mechanism, counts, draws))) for counts in (without, with_event)]
        lower = max(
            _log_ratio(hits[1], hits[0], draws, alpha / 2), _log_ratio(hits[0], hits[1], draws, alpha / 2)
        )
        bounds.append(Bound(claimed, lower, event.name))
    return max(bounds, key=lambda bound: bound.lower)


def one_run_audit(
    mechanism: Callable[[int, int], float | None],
    base: Sequence[int],
    effect: int,
    *,
    claimed: float,
    alpha: float = ALPHA,
) -> Bound:
    """One week of bins, released once: in each a coin decides whether an actor adds `effect`; guess the coins.

    `mechanism(bin, count)` publishes the count of that bin; `base` are the counts without the actor. It
    guesses "in" at or above the count with the actor, "out" at or below the count without, and else abstains.
    Given all that was published, each guess is right with probability at most e^epsilon / (1 + e^epsilon).
    """
    guesses = right = 0
    for number, count in enumerate(base):
        actor = secrets.randbelow(2)
        published = mechanism(number, count + effect * actor)
        seen = _NOTHING if published is None else published
        if count < seen < count + effect:
            continue
        guesses += 1
        right += (seen >= count + effect) == bool(actor)
    share = lower_bound(right, guesses, alpha) if guesses else 0.0
    lower = log(share / (1 - share)) if 0 < share < 1 else (0.0 if share <= 0 else inf)
    return Bound(
        claimed, max(0.0, lower), f"{right} of {guesses} guesses right, {len(base) - guesses} abstained"
    )


# The mechanism that is audited: the gate itself, with a ledger that forgets.


class _ForgetfulLedger:
    def released(self, receipt: Receipt) -> Stored | None:
        return None

    def record(self, receipt: Receipt, stored: Stored) -> None:
        pass


def gate_mechanism(charge: FootageCharge) -> Mechanism:
    """The gate itself, for exact sums that clipped chunks of `charge` can have."""

    def publish(counts: Counts) -> Sequence[float] | None:
        receipt = Receipt(charge, "audit")
        return [one.value for one in gate.release(spread(counts, charge), receipt, _ForgetfulLedger(), 1.0)]

    return publish


def spread(counts: Counts, charge: FootageCharge) -> list[Contribution]:
    """Contributions of chunks of `charge` that sum to `counts`, each within its caps."""
    left = list(counts)
    parts: list[Contribution] = []
    for start_ms in range(charge.span.start_ms, charge.span.end_ms, charge.chunk_ms):
        if not any(left):
            return parts
        span = Span(start_ms, start_ms + charge.chunk_ms)
        tally = dict(zip(charge.cells, left, strict=True))
        part = contribution.clip(Chunk(charge.camera, span), tally, charge.cells, charge.cap)
        left = [rest - count for rest, count in zip(left, part.counts, strict=True)]
        parts.append(part)
    if any(left):
        raise ValueError("counts that its chunks cannot have: expected less, or a longer span")
    return parts


def saturating_pair(charge: FootageCharge) -> tuple[Counts, Counts]:
    """Two sums that differ by all of Delta through one event, which adds to a cell or moves counts to another cell."""
    terms = contribution.sensitivity(
        rho_ms=charge.rho_ms,
        k=charge.k,
        chunk_ms=charge.chunk_ms,
        warmup_ms=charge.warmup_ms,
        cap=charge.cap,
        cells=len(charge.cells),
    )
    full = charge.k * terms.chunks * charge.cap
    rest = (0,) * (len(charge.cells) - 2)
    if len(charge.cells) == 1:
        return (0,), (full,)
    return (full, 0, *rest), (0, full, *rest)


# The simulated week


def simulated_week(charge: FootageCharge, per_bin: float, bins: int = 672) -> tuple[list[int], int]:
    """The counts of the first cell in each bin of a week of random traffic, and the count that a saturating event adds.

    The counts leave room for the event, as on a quiet line: it adds as much as its chunks can contain.
    """
    chance = SystemRandom()
    without, with_event = saturating_pair(charge)
    effect = abs(with_event[0] - without[0])
    most = charge.cap * (charge.span.duration_ms // charge.chunk_ms) - effect
    return [min(most, max(0, round(chance.gauss(per_bin, per_bin**0.5)))) for _ in range(bins)], effect


# Statistics


@dataclass(frozen=True, slots=True)
class _Event:
    name: str
    happens: Callable[[Sequence[float] | None], bool]


def _at_least(threshold: float) -> _Event:
    def happens(outcome: Sequence[float] | None) -> bool:
        return _sum(outcome) >= threshold

    return _Event(f"the sum is at least {threshold:g}", happens)


def _draw(mechanism: Mechanism, counts: Counts, draws: int) -> list[Sequence[float] | None]:
    return [mechanism(counts) for _ in range(draws)]


def _chosen(mechanism: Mechanism, without: Counts, with_event: Counts, draws: int) -> _Event:
    """The event that separates the pair best on draws of its own."""
    drawn_without, drawn_with = (_draw(mechanism, counts, draws) for counts in (without, with_event))
    best, best_score = _at_least(sum(with_event)), -inf
    for name, statistic in _statistics(len(without)):
        a, b = sorted(map(statistic, drawn_without)), sorted(map(statistic, drawn_with))
        thresholds = sorted(
            {values[(len(values) - 1) * step // 40] for values in (a, b) for step in range(41)}
        )
        for threshold in thresholds:
            for sign, happens in _comparisons(statistic, threshold):
                score = _score(sum(map(happens, drawn_without)), sum(map(happens, drawn_with)), draws)
                if score > best_score:
                    best, best_score = _Event(f"{name} {sign} {threshold:g}", happens), score
    return best


def _statistics(cells: int) -> Iterator[tuple[str, Callable[[Sequence[float] | None], float]]]:
    yield "the sum", _sum
    for index in range(min(cells, 4) if cells > 1 else 0):
        yield f"cell {index + 1}", partial(_cell, index)
    for index in range(min(cells, 4) - 1):
        # Noise that is used twice cancels in the difference.
        yield f"cell {index + 1} less the next", partial(_difference, index)


def _comparisons(
    statistic: Callable[[Sequence[float] | None], float], threshold: float
) -> Iterator[tuple[str, Callable[[Sequence[float] | None], bool]]]:
    yield ">=", lambda outcome: statistic(outcome) >= threshold
    yield "<=", lambda outcome: statistic(outcome) <= threshold
    yield "=", lambda outcome: statistic(outcome) == threshold


def _sum(outcome: Sequence[float] | None) -> float:
    return _NOTHING if outcome is None else sum(outcome)


def _cell(index: int, outcome: Sequence[float] | None) -> float:
    return _NOTHING if outcome is None or index >= len(outcome) else outcome[index]


def _difference(index: int, outcome: Sequence[float] | None) -> float:
    return _cell(index, outcome) - _cell(index + 1, outcome)


def _score(hits: int, more_hits: int, draws: int) -> float:
    """A rough lower bound on the log ratio: the ratio less two standard deviations."""
    few, many = sorted((hits + 0.5, more_hits + 0.5))
    spread = sqrt(1 / few + 1 / many - 2 / (draws + 1))
    return log(many / few) - 2 * spread


def _log_ratio(many: int, few: int, draws: int, alpha: float) -> float:
    """log of the lower bound of one probability over the upper bound of the other; both hold but for alpha."""
    low, high = lower_bound(many, draws, alpha / 2), 1 - lower_bound(draws - few, draws, alpha / 2)
    return max(0.0, log(low / high)) if low > 0 else 0.0


def report(charge: FootageCharge, *, draws: int, per_bin: float) -> Iterator[str]:
    """The audits that need no video, as lines of plain text."""
    claimed = charge.epsilon_micro / MICRO
    without, with_event = saturating_pair(charge)
    noise = noise_audit(gate_mechanism(charge), without, with_event, claimed=claimed, draws=draws)
    yield _line(f"noise, {draws} draws a side", noise)
    base, effect = simulated_week(charge, per_bin)
    publish = gate_mechanism(charge)
    rest = (0,) * (len(charge.cells) - 1)

    def publish_bin(number: int, count: int) -> float | None:
        outcome = publish((count, *rest))
        return None if outcome is None else outcome[0]

    yield _line("one run, a week of bins", one_run_audit(publish_bin, base, effect, claimed=claimed))


def _line(name: str, bound: Bound) -> str:
    verdict = "holds" if bound.holds else "BROKEN"
    return f"{name}: epsilon claimed {bound.claimed:g}, shown at least {bound.lower:.3f} ({bound.event}): {verdict}"
