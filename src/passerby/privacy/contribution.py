"""The contribution of one chunk, and how much of it one event can change (sensitivity).

Invariant: integers only; a contribution depends on its own chunk and on the site file, and on nothing else.

Every formula here is proved in docs/proofs/sensitivity.md; the tests try them all on small grids.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from passerby.domain.release import Cell
from passerby.domain.timespan import Chunk, Span


@dataclass(frozen=True, slots=True)
class Contribution:
    """The clipped counts of one chunk, all that leaves the code that counts: `counts[i]` is that of `cells[i]`.

    Every cell of the line is there, the empty ones too.
    """

    chunk: Chunk
    cells: tuple[Cell, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """How much one event can change the clipped counts of a whole stream of bins, in L1.

    `chunks` is m, the chunks that one segment can touch; `change` is D1, the largest L1 change of one
    chunk; `delta` is K * m * D1.
    """

    chunks: int
    change: int
    delta: int


def clip(chunk: Chunk, tally: Mapping[Cell, int], cells: Sequence[Cell], cap: int) -> Contribution:
    """Clip the exact counts of one chunk: each cell to `[0, cap]` and, beyond two cells, their sum to `cap`.

    With one or two cells a joint cap would cost counts and save no noise: see `largest_change`. A cell
    missing from `tally` is 0. Raises ValueError when `tally` has a cell that is not in `cells`.
    """
    if not set(tally) <= set(cells):
        raise ValueError("a tally with a cell that the site file does not name")
    counts = tuple(min(max(tally.get(cell, 0), 0), cap) for cell in cells)
    return Contribution(chunk, tuple(cells), counts if len(counts) <= 2 else _fit(counts, cap))


def _fit(counts: Sequence[int], total: int) -> tuple[int, ...]:
    """Deal `total` out one by one, in turn, to the cells that still want one: no cell starves another."""
    dealt = [0] * len(counts)
    left = min(total, sum(counts))
    while left:
        for index, wanted in enumerate(counts):
            if left and dealt[index] < wanted:
                dealt[index] += 1
                left -= 1
    return tuple(dealt)


def within(contribution: Contribution, cap: int, chunks: int = 1) -> bool:
    """Whether a sum over `chunks` chunks is within the caps of `clip`: checked again before noise is drawn."""
    counts = contribution.counts
    if len(counts) != len(contribution.cells) or not all(0 <= count <= cap * chunks for count in counts):
        return False
    return len(counts) <= 2 or sum(counts) <= cap * chunks


def chunks_touched(rho_ms: int, warmup_ms: int, lookahead_ms: int, chunk_ms: int) -> int:
    """m = 1 + ceil((rho + w + a) / c): the most chunks that one segment can change (sensitivity.md, 1)."""
    return 1 - (-(rho_ms + warmup_ms + lookahead_ms) // chunk_ms)


def largest_change(cells: int, cap: int) -> int:
    """D1, the largest L1 distance between two outcomes of `clip`: `cap` for one cell, 2 * `cap` for more.

    All of a joint cap can move from one cell to another, so it counts twice (sensitivity.md, 2).
    """
    return change_under(tuple([cap] * cells), cap if cells > 2 else None)


def change_under(caps: Sequence[int], joint: int | None) -> int:
    """D1 of cells clipped to `[0, caps[i]]`, their sum to `joint`: the sum of caps, at most 2 * `joint`."""
    separate = sum(caps)
    if joint is None:
        return separate
    return min(caps[0], joint) if len(caps) == 1 else min(separate, 2 * joint)


def sensitivity(
    *, rho_ms: int, k: int, chunk_ms: int, warmup_ms: int, cap: int, cells: int, lookahead_ms: int = 0
) -> Sensitivity:
    """m, D1 and Delta = K * m * D1 of one line's cells, over all of its bins (sensitivity.md, 3)."""
    chunks = chunks_touched(rho_ms, warmup_ms, lookahead_ms, chunk_ms)
    change = largest_change(cells, cap)
    return Sensitivity(chunks, change, k * chunks * change)


def reached(segment: Span, *, warmup_ms: int, lookahead_ms: int, chunk_ms: int) -> range:
    """The numbers of the chunks (chunk n is `[n * c, (n + 1) * c)`) that a change within `segment` can reach.

    Chunk n depends on the frames of `[n * c - w, (n + 1) * c + a)`; `segment` is half-open.
    """
    first = (segment.start_ms - lookahead_ms) // chunk_ms
    last = -(-(segment.end_ms + warmup_ms) // chunk_ms)
    return range(first, max(first, last))
