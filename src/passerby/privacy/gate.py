"""The gate: sum, noise, release. No number leaves the private path but through here.

Invariant: nothing is noised before it is paid for, nothing is drawn twice, and every cell is released every time.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import sqrt
from typing import Protocol

from passerby.domain.noise_interval import variance
from passerby.domain.release import Release
from passerby.domain.timespan import Chunk
from passerby.privacy.charge import Charge, Receipt, Stored
from passerby.privacy.contribution import Contribution
from passerby.privacy.noise import MICRO, add_noise, scale


class Releases(Protocol):
    """The part of a ledger that the gate needs."""

    def released(self, receipt: Receipt) -> Stored | None: ...

    def record(self, receipt: Receipt, stored: Stored) -> None: ...


def total(contributions: Iterable[Contribution], charge: Charge) -> tuple[int, ...]:
    """The sum of the clipped contributions, cell by cell; a chunk that is missing counts 0.

    Raises ValueError for a contribution of another camera, with other cells, outside the span or above its cap, and for
    a chunk that is there twice.
    """
    sums = [0] * len(charge.cells)
    end_ms = charge.span.start_ms
    for contribution in sorted(contributions, key=lambda one: one.chunk.span):
        span = contribution.chunk.span
        if contribution.chunk.camera != charge.camera or contribution.cells != charge.cells:
            raise ValueError("a contribution of another camera, or with other cells")
        if span.start_ms < end_ms or span.end_ms > charge.span.end_ms:
            raise ValueError(
                "a contribution outside the span that was paid for, or a chunk that is there twice"
            )
        if not charge.allows(contribution):
            raise ValueError("a contribution above its caps: expected a clipped one")
        end_ms = span.end_ms
        sums = [before + count for before, count in zip(sums, contribution.counts, strict=True)]
    return tuple(sums)


def merge(contributions: Sequence[Contribution], charge: Charge) -> Contribution:
    """One contribution for a whole bin, so that a day need not keep its chunks. Raises the errors of `total`."""
    return Contribution(Chunk(charge.camera, charge.span), charge.cells, total(contributions, charge))


def release(
    contributions: Iterable[Contribution],
    receipt: Receipt,
    ledger: Releases,
    coverage: float,
    sender_clock: float | None = None,
) -> tuple[Release, ...]:
    """One release for each cell of the receipt's charge, in its order; `coverage` is a share, 0 to 1, and so is
    `sender_clock`.

    The values that a receipt has released before are released again; otherwise noise is drawn, kept in the ledger,
    and only then returned. Raises LedgerError, and the errors of `total`.
    """
    charge = receipt.charge
    stored = receipt.stored or ledger.released(receipt)
    if stored is None:
        values = add_noise(total(contributions, charge), charge.delta, charge.epsilon_micro)
        dated = None if sender_clock is None else round(sender_clock * MICRO)
        stored = Stored(values, round(coverage * MICRO), dated)
        ledger.record(receipt, stored)
    return tuple(
        Release(
            cell=cell,
            start_ms=charge.span.start_ms,
            end_ms=charge.span.end_ms,
            value=value,
            noise_scale=scale(charge.delta, charge.epsilon_micro),
            epsilon=charge.epsilon_micro / MICRO,
            coverage=stored.coverage_micro / MICRO,
            receipt=receipt.id,
            sender_clock=None if stored.sender_micro is None else stored.sender_micro / MICRO,
            promise=charge.promise,
        )
        for cell, value in zip(charge.cells, stored.values, strict=True)
    )


def reconcile(bins: Sequence[Release], day: Release) -> tuple[list[Release], Release]:
    """The day, and all its bins of one cell, made to agree: weighted by inverse variance, integers, at no cost.

    The `noise_scale` of the results is that of Laplace noise of the same standard deviation. Raises ValueError
    when the bins are not all of the day.
    """
    ordered = sorted(bins, key=lambda one: one.start_ms)
    edges = [day.start_ms, *(one.end_ms for one in ordered)]
    if edges[:-1] != [one.start_ms for one in ordered] or edges[-1] != day.end_ms:
        raise ValueError("bins that do not make up the day")
    if any(one.cell != day.cell or one.noise_scale != ordered[0].noise_scale for one in ordered):
        raise ValueError("bins of another cell, or of unlike noise")
    number, of_sum = len(ordered), len(ordered) * variance(ordered[0].noise_scale)
    of_day = variance(day.noise_scale)
    weight = of_day / (of_day + of_sum)
    summed = sum(one.value for one in ordered)
    agreed = round(weight * summed + (1 - weight) * day.value)
    share, rest = divmod(agreed - summed, number)
    of_total = of_sum * weight
    of_bin = of_sum / number - (of_sum - of_total) / number**2
    return [
        _revised(one, one.value + share + (index < rest), of_bin) for index, one in enumerate(ordered)
    ], _revised(day, agreed, of_total)


def _revised(one: Release, value: int, variance_: float) -> Release:
    return replace(one, value=value, noise_scale=sqrt(variance_ / 2))
