"""The noise and the promise of a crossings policy, before anything is spent.

Invariant: worked out from the policy and from numbers that are public already; nothing is counted, nothing is spent.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, Decimal

from passerby.domain.calendar import DAY_MS, duration_text
from passerby.domain.noise_interval import noise_95_of_release, noise_95_of_variances, variance
from passerby.domain.policy import CrossingsPolicy
from passerby.domain.promise import site_promise_of
from passerby.domain.wording import counted_noun
from passerby.errors import PolicyError
from passerby.privacy.crossings import sensitivity, spent_by, split
from passerby.privacy.noise import scale
from passerby.privacy.plan import HOUR_MS, LARGE_EPSILON, USEFUL, Outlook

USUAL_BINS_MS = tuple(minutes * 60_000 for minutes in (1, 5, 10, 15, 30, 60, 120, 180, 240, 360, 720, 1440))
"""The lengths of bins that are proposed."""


@dataclass(frozen=True, slots=True)
class CrossingsPlan:
    """All that is known of a policy beforehand, at `per_hour` crossings an hour in each cell.

    `useful_from`: the shortest of the spans of `outlooks` that is useful, None where not even a week is.
    `finest_ms`: the shortest usual bin that would be useful, None where not even a day would.
    """

    policy: CrossingsPolicy
    per_hour: float
    outlooks: tuple[Outlook, ...]
    useful_from: str | None
    finest_ms: int | None


def plan(policy: CrossingsPolicy, per_hour: float) -> CrossingsPlan:
    """What `policy` gives, whatever the number of cameras and lines. Raises PolicyError for a policy, or an
    expectation, that cannot hold."""
    if not 0 < per_hour < float("inf"):
        raise PolicyError(f"{per_hour} crossings an hour: expected a number above 0")
    outlooks = tuple(_outlooks(policy, per_hour))
    useful = next((one.name for one in outlooks if one.error <= USEFUL), None)
    return CrossingsPlan(policy, per_hour, outlooks, useful, finest_useful(policy, per_hour))


def finest_useful(policy: CrossingsPolicy, per_hour: float, error: float = USEFUL) -> int | None:
    """The shortest usual bin, in ms, whose 95 % range is within the share `error` of the count; None for none.

    The noise of a bin does not depend on its length, so a longer one is better in proportion.
    """
    bins = (every_ms for every_ms in USUAL_BINS_MS if bin_error(policy, per_hour, every_ms) <= error)
    return next(bins, None)


def bin_error(policy: CrossingsPolicy, per_hour: float, every_ms: int) -> float:
    """The 95 % range of a bin of this length, as a share of the count that is expected in it."""
    noise_95 = noise_95_of_release(_scales(policy)[0])
    return noise_95 / (per_hour * every_ms / HOUR_MS)


def proposals(policy: CrossingsPolicy, per_hour: float, error: float) -> tuple[CrossingsPolicy, ...]:
    """Policies whose bins reach the share `error`, each with one of every, crossings and epsilon changed; the policy
    itself where it does."""
    if bin_error(policy, per_hour, policy.every_ms) <= error:
        return (policy,)
    return tuple(_proposals(policy, per_hour, error))


def _proposals(policy: CrossingsPolicy, per_hour: float, error: float) -> Iterator[CrossingsPolicy]:
    every_ms = finest_useful(policy, per_hour, error)
    if every_ms is not None:
        yield replace(policy, every_ms=every_ms)
    for crossings in range(policy.crossings - 1, 0, -1):
        fewer = replace(policy, crossings=crossings)
        if bin_error(fewer, per_hour, policy.every_ms) <= error:
            yield fewer
            break
    # The noise falls in proportion to epsilon, but for whole numbers.
    needed = bin_error(policy, per_hour, policy.every_ms) / error * policy.epsilon
    step = Decimal("0.1")
    epsilon = Decimal(str(needed)).quantize(step, ROUND_CEILING)
    # A larger one would hide hardly anybody.
    while epsilon <= LARGE_EPSILON:
        larger = replace(policy, epsilon=float(epsilon))
        if bin_error(larger, per_hour, policy.every_ms) <= error:
            yield larger
            break
        epsilon += step


def describe(planned: CrossingsPlan, cells: int, error: float | None = None) -> str:
    """The plan as lines of plain text, for a site of so many `cells`; with `error`, the policies that reach it."""
    return "\n".join([*_promised(planned.policy), *_lines(planned, cells), *_reaching(planned, error)])


def _promised(policy: CrossingsPolicy) -> Iterator[str]:
    promise = site_promise_of(policy)
    yield (
        f"promise crossings: nobody who reads the numbers can guess better than {promise.right_percent:g} times in 100 "
        f"whether a person was here on a given day (a coin is right 50 times), for up to "
        f"{counted_noun(policy.crossings, 'crossing')} of all lines on that day"
    )
    yield (
        f"days add up: who comes every day spends epsilon {policy.epsilon:g} a day and {promise.year_epsilon:g} in a "
        f"year; {counted_noun(2 * policy.crossings, 'crossing')} on a day spend "
        f"{float(spent_by(policy, crossings=2 * policy.crossings)):g}"
    )
    yield (
        f"it takes one crossing to change all numbers together by at most {policy.influence} (passerby audit influence "
        "measures that) and trusts the counting: it does not hold for somebody who sets out to fool a camera"
    )
    if policy.epsilon > LARGE_EPSILON:
        yield f"epsilon {policy.epsilon:g} is above {LARGE_EPSILON:g}: it hides little"


def _lines(planned: CrossingsPlan, cells: int) -> Iterator[str]:
    policy = planned.policy
    every = duration_text(policy.every_ms)
    yield f"every {every} and every day, {counted_noun(cells, 'number')}; their noise does not depend on how many"
    yield f"95 % range of each number, at {planned.per_hour:g} crossings an hour in each:"
    for outlook in planned.outlooks:
        usable = "usable" if outlook.error <= USEFUL else "not usable"
        expected = f"expect {outlook.expected:,.0f} ± {outlook.noise_95:,}"
        yield f"  {outlook.name:<8} {expected}, error {outlook.error:.0%}: {usable}"
    if policy.reserve:
        yield f"a day of which questions take the whole reserve: ± {_day_noise_95(policy, asked=True):,}"
    if planned.finest_ms is None:
        yield f"no bin up to a day would be usable (error at most {USEFUL:.0%}) with this traffic"
    else:
        yield f"finest bin that is usable (error at most {USEFUL:.0%}): every: {duration_text(planned.finest_ms)}"


def _reaching(planned: CrossingsPlan, error: float | None) -> Iterator[str]:
    if error is None:
        if planned.useful_from is not None:
            return
        error = USEFUL
    policy = planned.policy
    found = proposals(policy, planned.per_hour, error)
    if found == (policy,):
        yield f"a bin has an error of at most {error:.1%} already"
        return
    yield f"for an error of at most {error:.1%} in a bin, one of:"
    for one in found:
        changes = [
            text
            for before, after, text in (
                (policy.every_ms, one.every_ms, f"every: {duration_text(one.every_ms)}"),
                (policy.crossings, one.crossings, f"crossings: {one.crossings}"),
                (policy.epsilon, one.epsilon, f"epsilon: {one.epsilon:g}"),
            )
            if before != after
        ]
        yield f"  {', '.join(changes)}"
    if not found:
        yield "  none: more traffic, or numbers that are read by the week"


def _scales(policy: CrossingsPolicy, *, asked: bool = False) -> tuple[float, float]:
    """Of the noise of a bin, and of a day where questions took nothing of the reserve, or all of it (`asked`)."""
    delta, shares = sensitivity(policy), split(policy)
    return scale(delta, shares.bins), scale(delta, shares.days + (0 if asked else shares.reserve))


def _day_variances(policy: CrossingsPolicy, *, asked: bool = False) -> list[float]:
    """The independent noises of a day's number that was reconciled with its bins."""
    bins, days = _scales(policy, asked=asked)
    of_bin, of_day = variance(bins), variance(days)
    number = DAY_MS // policy.every_ms
    weight = of_day / (of_day + number * of_bin)
    return [*[weight**2 * of_bin] * number, (1 - weight) ** 2 * of_day]


def _day_noise_95(policy: CrossingsPolicy, *, asked: bool = False) -> int:
    return noise_95_of_variances(_day_variances(policy, asked=asked))


def _outlooks(policy: CrossingsPolicy, per_hour: float) -> Iterator[Outlook]:
    """Of a bin, an hour (a sum of bins), a day (reconciled) and a week (a sum of days)."""
    bins, _ = _scales(policy)
    of_bin, day = variance(bins), _day_variances(policy)
    spans = [(duration_text(policy.every_ms), policy.every_ms, noise_95_of_release(bins))]
    if policy.every_ms < HOUR_MS and HOUR_MS % policy.every_ms == 0:
        spans.append(("hour", HOUR_MS, noise_95_of_variances([of_bin] * (HOUR_MS // policy.every_ms))))
    spans += [
        ("day", DAY_MS, noise_95_of_variances(day)),
        ("week", 7 * DAY_MS, noise_95_of_variances(day * 7)),
    ]
    for name, span_ms, noise_95 in spans:
        expected = per_hour * span_ms / HOUR_MS
        yield Outlook(name, span_ms, expected, noise_95, noise_95 / expected)
