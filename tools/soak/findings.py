"""What a soak found, and whether that is as it should be.

Invariant: arithmetic on what was published, what was done and what was true; every limit stands here.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import inf, sqrt
from statistics import linear_regression

from tools.soak.faults import Interval, covered, outside
from tools.soak.processes import Use

GROWTH = 0.05
COVERAGE = 0.02
NOISE_SD = 4.0
CAMERA_SD = 5.0
"""Of one camera alone: there are many of them, and each may be unlucky."""
MISCOUNTED = 0.05
"""How much of the truth the counting itself may miss or add in these streets, whatever fails."""
BEFORE_S, AFTER_S, UNSURE_S = 2.0, 5.0, 1.0
"""Who crosses so shortly before an outage is not followed for long enough to be believed, nor who crosses so shortly
after it, when no picture is there of the warm-up; and so exactly it is known when an outage began and ended."""
RECOVERY_S = 60.0
"""The longest wait between two tries, and a try that is under way when the server comes back."""
STOP_S = 5.0
NOTICED_S = 15.0

Cell = tuple[str, str]
"""Camera and direction."""


@dataclass(frozen=True, slots=True)
class Row:
    """One published number: its bin in Unix seconds."""

    cell: Cell
    begin: float
    value: int
    noise_sd: float
    coverage: float


@dataclass(frozen=True, slots=True)
class CameraFound:
    """Of one camera over all bins: shares of time, and crossings: those that are `true`, and those `counted` where
    nothing fails, while it was served; so many `fewer` or `more` may have been counted at the edges of its outages."""

    camera: str
    faults: int
    implied: float
    published: float
    true: int
    counted: int
    fewer: int
    more: int
    released: int
    noise_sd: float
    slowest_s: float


def lost_and_doubled(rows: Sequence[Row], cells: Iterable[Cell], begins: Sequence[float]) -> tuple[int, int]:
    """How many of the expected numbers are not there, and how many are there more than once."""
    found = Counter((row.cell, row.begin) for row in rows)
    expected = [(cell, begin) for cell in cells for begin in begins]
    return sum(one not in found for one in expected), sum(number > 1 for number in found.values())


def camera_found(
    camera: str,
    rows: Sequence[Row],
    span: Interval,
    missing: Sequence[Interval],
    faults: Sequence[Interval],
    crossed: Sequence[float],
    counted: Sequence[float],
) -> CameraFound:
    """`missing` is when it was not served; `crossed` when, in Unix seconds within the span, something truly crossed,
    and `counted` when the same counting finds that something does."""
    served = [time for time in counted if outside(time, missing)]
    of_first = [row for row in rows if row.cell[1] == rows[0].cell[1]] if rows else []
    return CameraFound(
        camera=camera,
        faults=len(faults),
        implied=covered(span, missing),
        published=sum(row.coverage for row in of_first) / max(1, len(of_first)),
        true=sum(outside(time, missing) for time in crossed),
        counted=len(served),
        fewer=sum(
            any(-BEFORE_S <= time - since < 0 or 0 <= time - until < AFTER_S for since, until in missing)
            for time in served
        ),
        more=sum(
            any(0 <= time - since < UNSURE_S or -UNSURE_S <= time - until < 0 for since, until in missing)
            for time in counted
            if not outside(time, missing)
        ),
        released=sum(row.value for row in rows),
        noise_sd=sqrt(sum(row.noise_sd**2 for row in rows)),
        slowest_s=max((gap[1] - fault[1] for gap, fault in zip(missing, faults, strict=True)), default=0.0),
    )


def noticed_s(faults: Iterable[Interval], told: Sequence[tuple[float, float]]) -> list[float]:
    """After how many seconds each fault of a camera was told as an outage: `told` is from when to when one was told.

    What begins while one is told, or is over before it could be told, is none of its own.
    """
    found = []
    for begin, end in faults:
        if any(since <= begin < until for since, until in told):
            continue
        after = min((since for since, _ in told if since >= begin), default=inf)
        if after < inf or end - begin >= NOTICED_S:
            found.append(after - begin)
    return found


def growth(uses: Sequence[tuple[float, Use]], warm_s: float) -> tuple[float, float, float]:
    """Memory in MiB after the warm-up and at the end, by the straight line that fits all of the time between best, and
    how much it grew, as a share. `uses` are told by the seconds since the start."""
    later = [(time_s, one.memory_mib) for time_s, one in uses if time_s >= warm_s]
    line = linear_regression(*zip(*later, strict=True))
    first, last = (line.intercept + line.slope * time_s for time_s in (later[0][0], later[-1][0]))
    return first, last, last / first - 1


def problems(
    *,
    lost: int,
    doubled: int,
    cameras: Sequence[CameraFound],
    grown: float,
    noticed: float,
    stop_s: float,
    ended_well: bool,
    ledger_verifies: bool,
) -> list[str]:
    """What is not as it should be, a line each."""
    found = []
    if lost or doubled:
        found.append(f"{lost} numbers lost and {doubled} doubled, expected none")
    if not ledger_verifies:
        found.append("the ledger does not verify")
    if grown > GROWTH:
        found.append(f"memory grew by {grown:.1%}, expected at most {GROWTH:.0%}")
    if noticed > NOTICED_S:
        found.append(f"an outage was told {noticed:.0f} s after it began, expected at most {NOTICED_S:g} s")
    if stop_s > STOP_S or not ended_well:
        found.append(f"the site ended {stop_s:.1f} s after it was told to, expected {STOP_S:g} s and code 0")
    for one in cameras:
        if abs(one.published - one.implied) > COVERAGE:
            found.append(
                f"{one.camera}: coverage {one.published:.1%} published, expected {one.implied:.1%} as was served"
            )
        if one.slowest_s > RECOVERY_S:
            found.append(f"{one.camera}: read again {one.slowest_s:.0f} s after its server was back")
    return found + miscounted(cameras)


def together(cameras: Sequence[CameraFound]) -> CameraFound:
    """All of them as if they were one; coverage is that of the first."""
    return replace(
        cameras[0],
        camera="all together",
        true=sum(one.true for one in cameras),
        counted=sum(one.counted for one in cameras),
        fewer=sum(one.fewer for one in cameras),
        more=sum(one.more for one in cameras),
        released=sum(one.released for one in cameras),
        noise_sd=sqrt(sum(one.noise_sd**2 for one in cameras)),
    )


def miscounted(cameras: Sequence[CameraFound]) -> list[str]:
    """What is wrong with the sums: strictly beside what is counted where nothing fails, and beside the truth as well
    as counting allows."""
    found, every = [], together(cameras)
    for one, sds in (*((camera, CAMERA_SD) for camera in cameras), (every, NOISE_SD)):
        noise = sds * one.noise_sd
        if not one.counted - one.fewer - noise <= one.released <= one.counted + one.more + noise:
            found.append(
                f"{one.camera}: released {one.released}, expected {one.counted} as are counted where nothing fails, "
                f"within noise ({noise:.0f}), {one.fewer} fewer or {one.more} more at the edges of outages"
            )
    allowed = NOISE_SD * every.noise_sd + every.fewer + every.more + MISCOUNTED * every.true
    if abs(every.released - every.true) > allowed:
        found.append(f"all together: released {every.released}, expected {every.true} within {allowed:.0f}")
    return found
