"""A street of numbers: what is seen at each second is a level, and a counter with a memory counts its changes.

It stands for any counting that keeps the rules, so that audits and planted bugs can be tried in no time.
"""

import random
from collections.abc import Iterator

from passerby.audit.locality import Pair
from passerby.domain.release import Cell
from passerby.domain.timespan import Chunk, Span
from passerby.privacy import contribution
from passerby.privacy.charge import FootageCharge
from passerby.privacy.contribution import Contribution

Street = dict[int, int]
TICK_MS = 1_000
CELLS = tuple(Cell("north", "bridge", direction, "person") for direction in ("in", "out", "across"))
SECONDS = 72


def terms(cells: int = 3, chunk_s: int = 6) -> FootageCharge:
    """rho 6 s, K 2, warm-up 2 s, cap 3: with chunks of 6 s, one segment touches m = 3."""
    return FootageCharge(
        camera="north",
        epoch=1,
        query="bridge",
        span=Span(0, SECONDS * TICK_MS),
        cells=CELLS[:cells],
        epsilon_micro=1_000_000,
        rho_ms=6_000,
        k=2,
        chunk_ms=chunk_s * TICK_MS,
        warmup_ms=2_000,
        cap=3,
    )


def remembered_from(start_ms: int, charge: FootageCharge) -> int:
    """When the counter's memory of a chunk begins."""
    return start_ms - charge.warmup_ms


def background(levels: list[int]) -> int:
    """What the counter takes for an empty street: the least of the last two seconds, all that a warm-up holds."""
    return min(levels[-2:], default=0)


def contributions_of(street: Street, charge: FootageCharge) -> Iterator[Contribution]:
    """Rises count as "in", falls as "out", great rises as "across" too."""
    for start_ms in range(0, SECONDS * TICK_MS, charge.chunk_ms):
        tally = dict.fromkeys(charge.cells, 0)
        seen: list[int] = []
        for time_ms in range(max(0, remembered_from(start_ms, charge)), start_ms + charge.chunk_ms, TICK_MS):
            rise = street.get(time_ms, 0) - background(seen)
            seen.append(street.get(time_ms, 0))
            if time_ms >= start_ms:
                for cell, count in zip(charge.cells, (rise, -rise, rise - 5), strict=False):
                    tally[cell] += max(0, count)
        span = Span(start_ms, start_ms + charge.chunk_ms)
        yield contribution.clip(Chunk("north", span), tally, charge.cells, charge.cap)


def pairs(charge: FootageCharge, length_s: int = 6) -> Iterator[Pair[Street]]:
    """An event of two segments at every phase of the chunk, of every kind: it rises, it falls, it flickers."""
    chance = random.Random(7)
    quiet = dict.fromkeys(range(0, SECONDS * TICK_MS, TICK_MS), 0)
    busy = {time_ms: chance.randrange(3) for time_ms in quiet}
    high = dict.fromkeys(quiet, 60)
    ramp = {time_ms: time_ms // TICK_MS for time_ms in quiet}
    for phase in range(0, charge.chunk_ms, TICK_MS):
        first = 2 * charge.chunk_ms + phase
        starts = (first, first + 30_000 // charge.chunk_ms * charge.chunk_ms)
        segments = tuple(Span(start, start + length_s * TICK_MS) for start in starts)
        within = [time_ms for time_ms in quiet if any(time_ms in segment for segment in segments)]
        for name, street, levels in (
            ("rise", quiet, range(20, 20 + 20 * len(within), 20)),
            ("fall", high, range(len(within))),
            ("dip", high, [100 if time_ms in starts else 0 for time_ms in within]),
            ("turn", ramp, range(-20, -20 - 20 * len(within), -20)),
            ("flicker", busy, [40 * (index % 2) for index in range(len(within))]),
        ):
            changed = {**street, **dict(zip(within, levels, strict=False))}
            yield Pair(f"{name} at {phase} ms", street, changed, segments)
