"""What a soak found, and whether that is as it should be.

Law: arithmetic on what was published, what was done and what was true; every limit stands here.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import linear_regression

from tools.soak.faults import Interval, covered, outside
from tools.soak.processes import Use

GROWTH = 0.05
COVERAGE = 0.02
NOISE_SD = 4.0
MISCOUNTED = 0.15
"""How much of the truth the counting itself may miss or add: docs/soak.md says what it does where nothing fails."""
RECOVERY_S = 60.0
"""The longest wait between two tries, and a try that is under way when the server comes back."""
STOP_S = 5.0

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
    """Of one camera over all bins: shares of time, and crossings."""

    camera: str
    faults: int
    implied: float
    published: float
    true: int
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
    crossed: Mapping[str, Sequence[float]],
) -> CameraFound:
    """`missing` is when it was not served, `crossed` when, in Unix seconds, something crossed in each direction."""
    times = [time for direction in crossed.values() for time in direction if span[0] <= time < span[1]]
    of_first = [row for row in rows if row.cell[1] == rows[0].cell[1]] if rows else []
    return CameraFound(
        camera=camera,
        faults=len(faults),
        implied=covered(span, missing),
        published=sum(row.coverage for row in of_first) / max(1, len(of_first)),
        true=sum(outside(time, missing) for time in times),
        released=sum(row.value for row in rows),
        noise_sd=sqrt(sum(row.noise_sd**2 for row in rows)),
        slowest_s=max((gap[1] - fault[1] for gap, fault in zip(missing, faults, strict=True)), default=0.0),
    )


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
    if stop_s > STOP_S or not ended_well:
        found.append(f"the site ended {stop_s:.1f} s after it was told to, expected {STOP_S:g} s and code 0")
    for one in cameras:
        if abs(one.published - one.implied) > COVERAGE:
            found.append(
                f"{one.camera}: coverage {one.published:.1%} published, expected {one.implied:.1%} as was served"
            )
        if one.slowest_s > RECOVERY_S:
            found.append(f"{one.camera}: read again {one.slowest_s:.0f} s after its server was back")
    true, released = sum(one.true for one in cameras), sum(one.released for one in cameras)
    sd = sqrt(sum(one.noise_sd**2 for one in cameras))
    if abs(released - true) > NOISE_SD * sd + MISCOUNTED * true:
        found.append(
            f"released {released}, expected {true} within noise ({sd:.0f}) and what counting may miss"
        )
    return found
