"""What a line will cost and give, worked out while it is drawn.

Invariant: geometry and configuration alone; nothing is counted, and nothing of the ledger is spent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, hypot

from passerby.domain.geometry import Line, Point
from passerby.domain.policy import Policy
from passerby.domain.release import Cell
from passerby.errors import PolicyError
from passerby.privacy import plan
from passerby.privacy.plan import Plan

WALK_M_S, SLOW_M_S = 1.3, 0.8
"""A usual pace, and one that few are slower than (older people at crossings: the 15th percentile is about 0.9)."""

CLASSES = (
    (1500.0, "scrutinise"),
    (500.0, "validate"),
    (250.0, "characterise"),
    (125.0, "perceive"),
    (80.0, "discern"),
    (40.0, "outline"),
    (20.0, "overview"),
)
"""IEC 62676-4:2025: from so many px per metre on; below the last it has no name."""
KNOWABLE_PX_M = 125.0
"""From here on the 2015 edition says `recognise`: who looks at such a picture knows whom they have met."""
TINY_PX_M = 12.0
"""Below this a person is some 20 px high, and few detectors see one."""

_RHO_STEP_MS = 500


@dataclass(frozen=True, slots=True)
class Scale:
    """A length on the ground that the operator knows: from `start` to `end` it is `metres` long."""

    start: Point
    end: Point
    metres: float

    def px_per_m(self, width: int, height: int) -> float:
        (x1, y1), (x2, y2) = self.start, self.end
        return hypot((x2 - x1) * width, (y2 - y1) * height) / self.metres


@dataclass(frozen=True, slots=True)
class Ground:
    """How large a metre is at a line, and how long the corridor is crossed for."""

    px_per_m: float
    name: str
    corridor_m: float
    walk_s: float
    slow_s: float
    warning: str = ""

    @property
    def rho_ms(self) -> int:
        """The shortest rho that hides a slow walk straight across."""
        return ceil(self.slow_s * 1000 / _RHO_STEP_MS) * _RHO_STEP_MS


def iec_class(px_per_m: float) -> str:
    return next((name for least, name in CLASSES if px_per_m >= least), "below overview")


def ground(
    line: Line, corridor: float | None, scales: Sequence[Scale], width: int, height: int
) -> Ground | None:
    """`width` and `height` of the camera's picture in px; None without a scale. The nearest scale is taken: a
    metre is smaller farther away."""
    if not scales:
        return None
    middle = _middle(line.start, line.end)

    def away(scale: Scale) -> float:
        x, y = _middle(scale.start, scale.end)
        return hypot((x - middle[0]) * width, (y - middle[1]) * height)

    px_per_m = min(scales, key=away).px_per_m(width, height)
    # Without a corridor everything in sight counts: the longer side of the picture stands for it.
    across_px = max(width, height) if corridor is None else 2 * corridor * height
    corridor_m = across_px / px_per_m
    warning = ""
    if px_per_m >= KNOWABLE_PX_M:
        warning = "people can be recognised in this camera's picture: take a smaller stream or a wider view"
    elif px_per_m < TINY_PX_M:
        warning = "people are less than 20 px high here: few will be found"
    return Ground(
        px_per_m, iec_class(px_per_m), corridor_m, corridor_m / WALK_M_S, corridor_m / SLOW_M_S, warning
    )


def planned(policy: Policy, cells: Sequence[Cell], per_hour: float) -> Plan | str:
    """What the policy gives at `per_hour` crossings an hour in each cell, or why it cannot hold."""
    try:
        return plan.plan(policy, cells, per_hour)
    except PolicyError as error:
        return str(error)


def told(policy: Policy, found: Ground | None) -> str:
    """Whether rho holds for who walks straight across, in one sentence."""
    if found is None:
        return "Draw a known length on the ground, and rho is worked out from the corridor's width."
    rho_s = policy.rho_ms / 1000
    if found.slow_s <= rho_s:
        return f"rho of {rho_s:g} s hides who walks straight across, even slowly ({found.slow_s:.1f} s)."
    return (
        f"rho of {rho_s:g} s is too short: a slow walk across takes {found.slow_s:.1f} s. "
        f"Make the corridor narrower, or rho {found.rho_ms / 1000:g} s."
    )


def _middle(start: Point, end: Point) -> Point:
    return (start[0] + end[0]) / 2, (start[1] + end[1]) / 2
