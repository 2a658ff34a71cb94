"""A preview of a line's privacy cost and accuracy, computed while the line is drawn.

Invariant: computed from geometry and configuration alone; nothing is counted, and no budget is spent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, hypot

from passerby.domain.calendar import duration_text
from passerby.domain.geometry import Line, Point
from passerby.domain.noise_interval import noise_95_of_release
from passerby.domain.policy import CrossingsPolicy, FootagePolicy
from passerby.domain.release import Cell
from passerby.errors import PolicyError
from passerby.privacy import crossings, plan
from passerby.privacy.noise import scale
from passerby.privacy.plan import Plan

WALK_M_S, SLOW_M_S = 1.3, 0.8
"""A usual walking speed, and one that few people are slower than (older people at crossings: the 15th percentile is
about 0.9 m/s)."""

CLASSES = (
    (1500.0, "scrutinise"),
    (500.0, "validate"),
    (250.0, "characterise"),
    (125.0, "perceive"),
    (80.0, "discern"),
    (40.0, "outline"),
    (20.0, "overview"),
)
"""The classes of IEC 62676-4:2025: the lowest pixels per metre, and the name. Below the last there is no name."""
RECOGNISE_PX_M = 125.0
"""From here on people who are known to the viewer can be recognised (class `recognise` of the 2015 edition)."""
TINY_PX_M = 12.0
"""Below this a person is less than about 20 px high, and few detectors find one."""

_RHO_STEP_MS = 500


@dataclass(frozen=True, slots=True)
class Scale:
    """A known length on the ground: from `start` to `end`, in fractions of the picture, it is `metres` long."""

    start: Point
    end: Point
    metres: float

    def px_per_m(self, width: int, height: int) -> float:
        (x1, y1), (x2, y2) = self.start, self.end
        return hypot((x2 - x1) * width, (y2 - y1) * height) / self.metres


@dataclass(frozen=True, slots=True)
class Ground:
    """The scale at a line: pixels per metre, the `name` of their class, the corridor's width in metres, and the time
    to walk across it at the usual and the slow speed."""

    px_per_m: float
    name: str
    corridor_m: float
    walk_s: float
    slow_s: float
    warning: str = ""

    @property
    def rho_ms(self) -> int:
        """The shortest rho, in ms, that hides a slow walk straight across the corridor."""
        return ceil(self.slow_s * 1000 / _RHO_STEP_MS) * _RHO_STEP_MS


def iec_class(px_per_m: float) -> str:
    return next((name for least, name in CLASSES if px_per_m >= least), "below overview")


def ground(
    line: Line, corridor: float | None, scales: Sequence[Scale], width: int, height: int
) -> Ground | None:
    """The scale at `line`, from the nearest known length (a metre is smaller farther away); None without any.

    `width` and `height` are those of the camera's picture in px, `corridor` is in frame heights (None: off)."""
    if not scales:
        return None
    middle = _middle(line.start, line.end)

    def distance(scale: Scale) -> float:
        x, y = _middle(scale.start, scale.end)
        return hypot((x - middle[0]) * width, (y - middle[1]) * height)

    px_per_m = min(scales, key=distance).px_per_m(width, height)
    # Without a corridor the whole picture counts, so its longer side is taken.
    across_px = max(width, height) if corridor is None else 2 * corridor * height
    corridor_m = across_px / px_per_m
    warning = ""
    if px_per_m >= RECOGNISE_PX_M:
        warning = "People can be recognised in this camera's picture: use a smaller stream or a wider view"
    elif px_per_m < TINY_PX_M:
        warning = "People are less than 20 px high here: few will be detected"
    return Ground(
        px_per_m, iec_class(px_per_m), corridor_m, corridor_m / WALK_M_S, corridor_m / SLOW_M_S, warning
    )


def plan_or_problem(policy: FootagePolicy, cells: Sequence[Cell], per_hour: float) -> Plan | str:
    """The plan of a policy at `per_hour` crossings an hour in each cell, or the error of an invalid policy."""
    try:
        return plan.plan(policy, cells, per_hour)
    except PolicyError as error:
        return str(error)


def crossings_rows(policy: CrossingsPolicy) -> list[tuple[str, str]]:
    """The promise of a site and the 95 % noise of each of its numbers, as pairs for a table. Raises PolicyError."""
    shares, delta = crossings.split(policy), crossings.sensitivity(policy)
    bins, days = (scale(delta, micro) for micro in (shares.bins, shares.days + shares.reserve))
    return [
        (
            "Promise",
            f"crossings {policy.crossings}, influence {policy.influence}, epsilon {policy.epsilon:g}",
        ),
        (f"Per {duration_text(policy.every_ms)}", f"± {noise_95_of_release(bins)}"),
        ("Per day", f"± {noise_95_of_release(days)}, or less with the bins"),
    ]


def rho_text(policy: FootagePolicy, scale: Ground | None) -> str:
    """Whether the policy's rho hides a person who walks straight across, as a text for the user."""
    if scale is None:
        return "Draw a known length on the ground to compute the rho that the corridor needs."
    rho_s = policy.rho_ms / 1000
    if scale.slow_s <= rho_s:
        return f"A rho of {rho_s:g} s hides a walk straight across, even a slow one ({scale.slow_s:.1f} s)."
    return (
        f"A rho of {rho_s:g} s is too short: a slow walk across takes {scale.slow_s:.1f} s. "
        f"Use a narrower corridor, or a rho of {scale.rho_ms / 1000:g} s."
    )


def _middle(start: Point, end: Point) -> Point:
    return (start[0] + end[0]) / 2, (start[1] + end[1]) / 2
