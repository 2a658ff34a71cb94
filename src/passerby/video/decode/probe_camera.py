"""Whether a camera answers: its first picture is looked at for its size alone.

Invariant: answers a size and a class of fault; no pixel and no text of a camera leaves.
"""

from dataclasses import dataclass
from threading import Event
from time import monotonic

from passerby.config.camera_address import Address, Transport
from passerby.domain.link_health import Reason
from passerby.video.decode import live
from passerby.video.decode.frame import Frame


@dataclass(frozen=True, slots=True)
class Answer:
    """`reason` is `live` where a picture of `width` x `height` px came, else why none did."""

    reason: Reason
    width: int = 0
    height: int = 0

    @property
    def up(self) -> bool:
        return self.reason is Reason.LIVE


def answer_of(address: Address, *, transport: Transport = "tcp", within_s: float = 20.0) -> Answer:
    """Open a camera once, and answer at its first picture or its first fault."""
    stop = Event()
    until_s = monotonic() + within_s
    limits = live.Limits(stall_s=within_s / 2, connect_s=within_s)
    seen = live.frames(address, stop, transport=transport, limits=limits)
    try:
        for item in seen:
            if isinstance(item, Frame):
                return Answer(Reason.LIVE, item.width, item.height)
            if not item.up and item.reason is not Reason.CONNECTING:
                return Answer(item.reason)
            if monotonic() > until_s:
                break
    finally:
        stop.set()
    return Answer(Reason.UNREACHABLE)
