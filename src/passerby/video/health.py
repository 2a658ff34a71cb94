"""How a camera's link is: up or down, since when, and one word why.

Law: a reason is a class of fault, never a text that a library or a camera made, so no password can stand in it.
"""

from dataclasses import dataclass
from enum import StrEnum

LONGEST_WAIT_S = 30.0
FIRST_WAIT_S = 1.0


class Reason(StrEnum):
    """Why a camera is up or down."""

    LIVE = "live"
    CONNECTING = "connecting"
    ADDRESS = "address"
    """the site file's address cannot be read: a variable not set, a file not there, a kind not known"""
    UNREACHABLE = "unreachable"
    NOT_FOUND = "not-found"
    CREDENTIALS = "credentials"
    NO_VIDEO = "no-video"
    UNDECODABLE = "undecodable"
    """bytes come, and no picture is made of them"""
    STALLED = "stalled"
    ENDED = "ended"
    FROZEN = "frozen"
    CHANGED = "changed"
    """another size of picture in mid-stream"""
    CLOCK = "clock"
    """time stamps jumped, or went back"""


@dataclass(frozen=True, slots=True)
class Health:
    """`since_ms` Unix ms UTC: when it went up, or when the last picture before the outage came;
    `sender_clock`: frames carry the sender's wall clock, else that of their arrival."""

    up: bool
    since_ms: int
    reason: Reason
    sender_clock: bool = False


def wait_s(failures: int, chance: float, longest_s: float = LONGEST_WAIT_S) -> float:
    """How long to wait after so many failures in a row: doubled each time up to `longest_s`, and less by up to
    half at `chance` (0..1), so that cameras that went together do not come back together."""
    # The exponent is bounded: a year of failures is no float.
    return min(longest_s, FIRST_WAIT_S * 2.0 ** min(max(failures - 1, 0), 16)) * (1 - chance / 2)
