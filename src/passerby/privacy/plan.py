"""The noise and the promise of a policy, before anything is spent.

Invariant: worked out from the policy and from numbers that are public already; nothing is counted, nothing is spent.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil, exp, isinf, lgamma, log, sqrt
from typing import TYPE_CHECKING

from passerby.domain.calendar import duration_text
from passerby.domain.noise_interval import noise_95_of_release, noise_95_of_variances, variance
from passerby.domain.promise import promise_of
from passerby.domain.release import Cell, Release
from passerby.domain.wording import counted_noun
from passerby.errors import PolicyError
from passerby.privacy.contribution import Sensitivity, sensitivity
from passerby.privacy.noise import scale
from passerby.privacy.standing_query import split, whole_micro

if TYPE_CHECKING:
    from passerby.domain.policy import FootagePolicy

USEFUL = 0.25
"""A number is useful when its 95 % range is within this share of the expected number."""
LARGE_EPSILON = 5.0
NARROW, SHORT_MS = 0.2, 10_000
"""A corridor of more frame heights than NARROW is seldom crossed on foot within SHORT_MS (privacy-compared.md)."""
HOUR_MS, DAY_MS = 3_600_000, 86_400_000


@dataclass(frozen=True, slots=True)
class Outlook:
    """How good a number over `span_ms` will be: `noise_95` is what noise adds or takes, 19 times in 20, at
    most; `error` is that and the clipping, as a share of the `expected` count of one cell."""

    name: str
    span_ms: int
    expected: float
    noise_95: int
    error: float


@dataclass(frozen=True, slots=True)
class Plan:
    """All that is known of a line's policy beforehand. `bias` is the share that clipping will lose;
    `useful_from` is the shortest span that will be useful, None when not even a week is; `proposal` is then the
    nearest useful policy, if there is one."""

    policy: "FootagePolicy"
    cells: tuple[Cell, ...]
    sensitivity: Sensitivity
    bin_scale: float
    day_scale: float
    per_hour: float
    bias: float
    outlooks: tuple[Outlook, ...]
    useful_from: str | None
    proposal: "FootagePolicy | None"
    promise: str
    warnings: tuple[str, ...]


def plan(policy: "FootagePolicy", cells: Sequence[Cell], per_hour: float) -> Plan:
    """What `policy` gives for a line of these cells, at `per_hour` crossings an hour in each of them.

    Raises PolicyError for a policy, or an expectation, that cannot hold.
    """
    check(policy)
    if not 0 < per_hour < float("inf"):
        raise PolicyError(f"{per_hour} crossings an hour: expected a number above 0")
    outlooks = tuple(_outlooks(policy, len(cells), per_hour))
    useful_from = _useful_from(outlooks)
    bins, days = _scales(policy, len(cells))
    warnings = []
    if policy.epsilon > LARGE_EPSILON:
        warnings.append(f"epsilon {policy.epsilon:g} is above {LARGE_EPSILON:g}: it hides little")
    return Plan(
        policy=policy,
        cells=tuple(cells),
        sensitivity=_sensitivity(policy, len(cells)),
        bin_scale=bins,
        day_scale=days,
        per_hour=per_hour,
        bias=clipping_bias(policy, len(cells), per_hour),
        outlooks=outlooks,
        useful_from=useful_from,
        proposal=nearest_useful(policy, len(cells), per_hour) if useful_from is None else None,
        promise=promise(policy),
        warnings=tuple(warnings),
    )


def check(policy: "FootagePolicy", frame_ms: float | None = None) -> None:
    """Refuse a policy that cannot hold, by its name. Raises PolicyError. `frame_ms`: between two frames."""
    for name, value in (
        ("rho", policy.rho_ms),
        ("k", policy.k),
        ("clip", policy.clip),
        ("chunk", policy.chunk_ms),
    ):
        if value <= 0:
            raise PolicyError(f"{name} {value}: expected more than 0")
    whole_micro(policy.epsilon)
    if policy.warmup_ms < 0:
        raise PolicyError(f"warmup {policy.warmup_ms}: expected 0 or more")
    if frame_ms is not None and policy.chunk_ms < frame_ms:
        raise PolicyError(f"chunk {policy.chunk_ms} ms: expected at least one frame, {frame_ms:g} ms")
    if policy.every_ms % policy.chunk_ms:
        raise PolicyError(
            f"chunk {duration_text(policy.chunk_ms)}: expected a length that divides every, "
            f"{duration_text(policy.every_ms)}"
        )


def learned(releases: Iterable[Release]) -> float:
    """Crossings an hour in each cell, from past releases: they are public, so it costs nothing. At least 0."""
    values = hours = 0.0
    for release in releases:
        values += release.value
        hours += (release.end_ms - release.start_ms) / HOUR_MS
    return max(0.0, values / hours) if hours else 0.0


def clipping_bias(policy: "FootagePolicy", cells: int, per_hour: float) -> float:
    """The share of crossings that clipping loses when they arrive at random (Poisson); groups lose more."""
    together = cells if cells > 2 else 1
    mean = per_hour * policy.chunk_ms / HOUR_MS * together
    kept, at_most = 0.0, 0.0
    for count in range(policy.clip):
        # E[min(X, u)] = sum over j < u of Pr[X > j]
        at_most += exp(count * log(mean) - mean - lgamma(count + 1))
        kept += max(0.0, 1 - at_most)
    return max(0.0, 1 - kept / mean)


def promise(policy: "FootagePolicy") -> str:
    """The promise to a passer-by in plain words, from rho, K and epsilon."""
    numbers = promise_of(policy)
    return (
        f"For up to {counted_noun(numbers.visits, 'visit')} of up to {numbers.visit_s:g} s each to this line, nothing "
        f"that is published here becomes more than {_times(numbers.times)} times as likely, or as unlikely, because "
        "you came. "
        f"Nobody who reads all numbers can guess better than {numbers.right_percent:g} times in 100 whether you were "
        "here (a coin is right 50 times). Each extra visit weakens this protection."
    )


def _times(times: float) -> str:
    return "any number of" if isinf(times) else f"{times:,.1f}"


def corridor_told(policy: "FootagePolicy", half_width: float | None) -> str:
    """The effect of a line's corridor (half its width in frame heights) on rho, in plain words."""
    if half_width is None:
        return (
            "corridor off: the whole picture counts, so rho has to cover all the time that a person is in sight; "
            "with a corridor it covers seconds"
        )
    text = (
        f"corridor: {half_width:g} frame heights to each side; a person who is in it for longer than "
        f"{policy.rho_ms / 1000:g} s at a time is protected less"
    )
    return text + (
        "; people who wait or stroll are, so a narrower corridor (0.1 to 0.15) protects more of them"
        if half_width > NARROW and policy.rho_ms <= SHORT_MS
        else ""
    )


def nearest_useful(policy: "FootagePolicy", cells: int, per_hour: float) -> "FootagePolicy | None":
    """The useful policy that keeps K, epsilon and the most of rho: chunk and clip first, then a narrower corridor.

    None when even 2 s in the corridor would not do.
    """
    second = 1000
    shorter = [rho * second for rho in (20, 15, 12, 10, 8, 6, 5, 4, 3, 2) if rho * second < policy.rho_ms]
    for rho_ms in (policy.rho_ms, *shorter):
        best = min(
            (
                replace(policy, rho_ms=rho_ms, chunk_ms=chunk_ms, clip=clip)
                for chunk_ms in _divisors(policy.every_ms)
                for clip in _clips(per_hour * cells * chunk_ms / HOUR_MS)
            ),
            key=lambda one: _error(one, cells, per_hour),
            default=None,
        )
        if best is not None and _useful_from(tuple(_outlooks(best, cells, per_hour))):
            return best
    return None


def describe(plan: Plan, *, verbose: bool = False) -> str:
    """The plan as lines of plain text; with `verbose` also the sensitivity and the scales of the noise."""
    return "\n".join(_lines(plan, verbose))


def _lines(plan: Plan, verbose: bool) -> Iterator[str]:
    policy, cost = plan.policy, plan.sensitivity
    yield f"every {policy.every_ms / 60_000:g} min and every day, {counted_noun(len(plan.cells), 'number')}:"
    for cell in plan.cells:
        yield f"  {cell.camera} {cell.line} {cell.direction} {cell.label}"
    if verbose:
        yield f"m = {cost.chunks} chunks, D1 = {cost.change}, Delta = K m D1 = {cost.delta}, with K = {policy.k}"
        yield f"noise scale: {plan.bin_scale:g} for a bin, {plan.day_scale:g} for a day"
    yield f"at {plan.per_hour:g} crossings an hour in each, clipping loses {plan.bias:.1%} of them"
    yield "95 % range of each number, and its error with clipping:"
    for outlook in plan.outlooks:
        usable = "usable" if outlook.error < USEFUL else "not usable"
        expected = f"expect {outlook.expected:,.0f} ± {outlook.noise_95:,}"
        yield f"  {outlook.name:<8} {expected}, error {outlook.error:.0%}: {usable}"
    if plan.useful_from is not None:
        yield f"usable (error below {USEFUL:.0%}) from: {plan.useful_from}"
    else:
        yield _proposed(plan)
    yield from plan.warnings
    yield plan.promise


def _proposed(plan: Plan) -> str:
    better = plan.proposal
    if better is None:
        return (
            "too noisy even for a week, with any corridor, chunk or clip; try: fewer directions and classes, "
            "more traffic, or a larger epsilon"
        )
    outlooks = _outlooks(better, len(plan.cells), plan.per_hour)
    return (
        f"too noisy even for a week; try: rho {better.rho_ms / 1000:g}s (a corridor that is crossed in that time), "
        f"chunk {better.chunk_ms / 1000:g}s, clip {better.clip}: usable from {_useful_from(tuple(outlooks))}"
    )


def _sensitivity(policy: "FootagePolicy", cells: int) -> Sensitivity:
    return sensitivity(
        rho_ms=policy.rho_ms,
        k=policy.k,
        chunk_ms=policy.chunk_ms,
        warmup_ms=policy.warmup_ms,
        cap=policy.clip,
        cells=cells,
    )


def _scales(policy: "FootagePolicy", cells: int) -> tuple[float, float]:
    delta = _sensitivity(policy, cells).delta
    bins, days = split(whole_micro(policy.epsilon))
    return scale(delta, bins), scale(delta, days)


def _outlooks(policy: "FootagePolicy", cells: int, per_hour: float) -> Iterator[Outlook]:
    """Of a bin, an hour (a sum of bins), a day (reconciled) and a week (a sum of days)."""
    bins, days = _scales(policy, cells)
    bias = clipping_bias(policy, cells, per_hour)
    of_bin, of_day = variance(bins), variance(days)
    number = DAY_MS // policy.every_ms
    weight = of_day / (of_day + number * of_bin)
    day = [*[weight**2 * of_bin] * number, (1 - weight) ** 2 * of_day]
    spans = [(f"{policy.every_ms / 60_000:g} min", policy.every_ms, noise_95_of_release(bins))]
    if policy.every_ms < HOUR_MS:
        of_hour = [of_bin] * ceil(HOUR_MS / policy.every_ms)
        spans.append(("hour", HOUR_MS, noise_95_of_variances(of_hour)))
    spans += [
        ("day", DAY_MS, noise_95_of_variances(day)),
        ("week", 7 * DAY_MS, noise_95_of_variances(day * 7)),
    ]
    for name, span_ms, noise in spans:
        expected = per_hour * span_ms / HOUR_MS
        yield Outlook(name, span_ms, expected, noise, noise / expected + bias)


def _useful_from(outlooks: Sequence[Outlook]) -> str | None:
    return next((outlook.name for outlook in outlooks if outlook.error <= USEFUL), None)


def _error(policy: "FootagePolicy", cells: int, per_hour: float) -> float:
    """The error of a bin; those of longer spans follow from it."""
    return next(_outlooks(policy, cells, per_hour)).error


def _divisors(every_ms: int) -> list[int]:
    """Chunks in whole seconds that divide a bin, up to two minutes."""
    return [chunk_ms for chunk_ms in range(1000, 120_001, 1000) if every_ms % chunk_ms == 0]


def _clips(mean: float) -> range:
    """Caps worth a try where a chunk has `mean` crossings: from 1 to six standard deviations above."""
    return range(1, ceil(mean + 6 * sqrt(mean)) + 3)
