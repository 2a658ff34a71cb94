"""Link health of a camera: up or down, since when, and the reason.

Invariant: a reason is one of a fixed list, never a text from a library or a camera, so it cannot contain a password.
"""

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Why a camera is up or down."""

    LIVE = "live"
    CONNECTING = "connecting"
    ADDRESS = "address"
    """The address in the site file cannot be used: a variable is not set, a file is missing, or its kind is unknown."""
    UNREACHABLE = "unreachable"
    NOT_FOUND = "not-found"
    CREDENTIALS = "credentials"
    NO_VIDEO = "no-video"
    UNDECODABLE = "undecodable"
    """Bytes arrive, but no frame can be decoded from them."""
    STALLED = "stalled"
    ENDED = "ended"
    CHANGED = "changed"
    """The size of the frames changed during the stream."""
    CLOCK = "clock"
    """Time stamps jumped, or went back."""


@dataclass(frozen=True, slots=True)
class Health:
    """`since_ms`, Unix ms UTC: when the link came up, or when the last frame before the outage arrived.
    `sender_clock`: frames are dated by the sender's clock; otherwise by their arrival."""

    up: bool
    since_ms: int
    reason: Reason
    sender_clock: bool = False
