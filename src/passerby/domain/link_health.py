"""How a camera's link is: up or down, since when, and one word why.

Invariant: a reason is a class of fault, never a text that a library or a camera made, so no password can stand in it.
"""

from dataclasses import dataclass
from enum import StrEnum


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
